package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"campaignql/internal/bench/bed"
)

// document queries all statistics of a page of campaigns.
var document = fmt.Sprintf(`{ campaigns(first: %d, orderBy: {field: NAME}) { nodes { id name status statistics {
	recipients sent failed delivered opens { total unique rate } clicks { total unique rate } clickToOpenRate unsubscriptions { total rate }
	bounces { hard soft rate } complaints { total rate } forwards { total unique } browserViews { total unique } conversions { count }
	automated { opens clicks } throughput { emailsPerSecond startedAt finishedAt remaining estimatedFinish }
	series(interval: DAY) { start end sent failed opens uniqueOpens clicks uniqueClicks unsubscriptions complaints hardBounces softBounces conversions }
	links(first: 10) { nodes { url clicks uniqueClicks } }
	domains(first: 10) { nodes { domain sent delivered uniqueOpens uniqueClicks hardBounces softBounces } }
} } } }`, campaigns)

// answer is the part of a response that is checked.
type answer struct {
	Data struct {
		Campaigns struct {
			Nodes []struct {
				Statistics struct {
					Sent           int
					Series         []struct{ Sent int }
					Links, Domains []any
				}
			}
		}
	}
	Errors     []any
	Extensions struct {
		Cost struct{ Statements []string }
	}
}

func ask(ctx context.Context, server *bed.Process, key string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, "http://"+server.Address+"/graphql", bytes.NewReader(body),
	)
	if err != nil {
		return nil, err
	}
	request.Header = http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + key}, "Accept-Encoding": {"identity"},
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// check returns an error unless the response is a page of statistics for the given number of
// events.
func check(text []byte, events int) (answer, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || len(a.Errors) > 0 || len(a.Data.Campaigns.Nodes) != campaigns {
		return a, fmt.Errorf("%v: %.500s", err, text)
	}
	sent, series := 0, 0
	for _, node := range a.Data.Campaigns.Nodes {
		sent += node.Statistics.Sent
		for _, point := range node.Statistics.Series {
			series += point.Sent
		}
		if len(node.Statistics.Links) != 10 || len(node.Statistics.Domains) != 10 {
			return a, fmt.Errorf("%d links and %d domains", len(node.Statistics.Links), len(node.Statistics.Domains))
		}
	}
	if want := events / campaigns / perPerson * campaigns; sent != want || series != want {
		return a, fmt.Errorf("%d sent, %d in the series, want %d", sent, series, want)
	}
	return a, nil
}

// statements returns the SQL statements of one request. It starts a server in development mode,
// which reports them. If before is not nil, their number must be equal to that of before.
func statements(ctx context.Context, binary, address, key string, before []string) (ran []string, err error) {
	server, err := bed.Serve(ctx, binary, address, "--development")
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Stop() }()
	if _, err := ask(ctx, server, key); err != nil { // records the use of the key; the next request does not
		return nil, err
	}
	text, err := ask(ctx, server, key)
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || len(a.Extensions.Cost.Statements) == 0 {
		return nil, fmt.Errorf("%v: %.500s", err, text)
	}
	if ran = a.Extensions.Cost.Statements; before != nil && len(before) != len(ran) {
		return nil, fmt.Errorf("%d statements for few events, %d for many", len(before), len(ran))
	}
	return ran, nil
}

// round sends requests one after the other. The first round warms up the server, and its responses
// are checked.
func (s *stored) round(ctx context.Context, requests int, warm bool) error {
	for range requests {
		began := time.Now()
		text, err := ask(ctx, s.Process, s.key)
		took := time.Since(began)
		if err != nil {
			return err
		}
		if !warm {
			s.times = append(s.times, took)
			continue
		}
		if s.bytes = len(text); s.bytes > 0 {
			if _, err := check(text, s.events); err != nil {
				return err
			}
		}
	}
	return nil
}

// report prints the times for both databases, and the statements of a request.
func report(w io.Writer, both []*stored, ran []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  events stored\tp50 ms\tp95 ms\tstatements\tKiB\t")
	for _, s := range both {
		slices.Sort(s.times)
		fmt.Fprintf(
			table, "  %d\t%s\t%s\t%d\t%d\t\n", s.events, s.quantile(0.5), s.quantile(0.95), len(ran), s.bytes>>10,
		)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	few, many := both[0].times, both[1].times
	fmt.Fprintf(
		w, "  ratio of the medians %.2f; the statements of a request:\n",
		many[len(many)/2].Seconds()/few[len(few)/2].Seconds(),
	)
	for _, statement := range ran {
		if statement = strings.Join(strings.Fields(statement), " "); len(statement) > 150 {
			statement = statement[:150] + "…"
		}
		fmt.Fprintf(w, "    %s\n", statement)
	}
	return nil
}

func (s *stored) quantile(q float64) string {
	return fmt.Sprintf("%.1f", s.times[int(q*float64(len(s.times)-1))].Seconds()*1000)
}
