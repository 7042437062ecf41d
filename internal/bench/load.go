package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// query is the measured page: a list of campaigns as an application shows it, in one request.
const query = `{ campaigns(first: 50) { nodes { name status tags { name } statistics { sent opens { unique } } } totalCount } }`

// everyColumn selects in GraphQL what Campaign.Get and Campaigns.Get return for a campaign.
const everyColumn = `legacyId name status statusReason email { legacyId }
	schedule { type sendDate sendTime timeZone recurrence { daysOfWeek daysOfMonth months hours minutes maxInstances } sentInstances }
	sendingStartedAt sendingFinishedAt
	approvalExplanation googleAnalyticsDomains publishOnRss s2sEnabled autoResend { enabled waitDays subject preheader }
	audience { rules include { listLegacyId segmentLegacyId } } lastActivityAt createdAt tags { legacyId name }
	statistics { recipients sent failed opens { total unique } clicks { total unique } forwards { total unique } browserViews { total unique }
		unsubscriptions { total } bounces { hard soft } complaints { total } `

// rowsQuery selects what Campaigns.Get returns, oneQuery what Campaign.Get returns, which also
// includes the sending rate.
const (
	rowsQuery = `{ campaigns(first: 50, orderBy: {field: NAME}) { nodes { ` + everyColumn + `} } totalCount } }`
	oneQuery  = `{ campaign(id: "%s") { ` + everyColumn + `throughput { emailsPerSecond } } } }`
)

// answerTimeout bounds one request.
const answerTimeout = 30 * time.Second

// request is an HTTP request as bytes. It is built once, because the load generator shares its
// cores with the server.
type request []byte

func graphQLRequest(key, document string) request {
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		panic(err) // a map of strings
	}
	return post("/graphql", "application/json", "Authorization: Bearer "+key+"\r\n", body)
}

// commandRequest returns the request of a command with an API key. parameters alternates names and
// values.
func commandRequest(key, name string, parameters ...string) request {
	form := url.Values{"Command": {name}, "APIKey": {key}, "RetrieveTags": {"true"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	return post("/api.php", "application/x-www-form-urlencoded", "", []byte(form.Encode()))
}

func post(path, contentType, headers string, body []byte) request {
	return fmt.Appendf(
		nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s", path, contentType,
		headers, len(body), body,
	)
}

// connection is a keep-alive connection.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func (c *child) connect() (*connection, error) {
	conn, err := net.Dial("tcp", c.Address)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReaderSize(conn, 32<<10)}, nil
}

// do sends the request and copies the body of the response to out. The response must have status
// 200.
func (c *connection) do(r request, out io.Writer) error {
	if err := c.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(r); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("status %s: %s", answer.Status, body)
	}
	_, err = io.Copy(out, answer.Body)
	return err
}

// once sends one request on a new connection and returns the body of the response.
func (c *child) once(r request) ([]byte, error) {
	conn, err := c.connect()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var body bytes.Buffer
	err = conn.do(r, &body)
	return body.Bytes(), err
}

// until is the end of a load: after a number of requests or, if that is 0, after a duration.
type until struct {
	requests int
	elapsed  time.Duration
}

// load sends requests on all connections and returns the duration of each.
func (c *child) load(ctx context.Context, r request, connections int, end until) ([]time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(end.requests))
	deadline := time.Now().Add(end.elapsed)
	more := func() bool {
		if end.requests > 0 {
			return left.Add(-1) >= 0
		}
		return time.Now().Before(deadline)
	}
	took := make([][]time.Duration, connections)
	errs := make([]error, connections)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() { took[i], errs[i] = c.loop(ctx, r, more) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, c.Logged())
	}
	return slices.Concat(took...), nil
}

func (c *child) loop(ctx context.Context, r request, more func() bool) ([]time.Duration, error) {
	conn, err := c.connect()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var took []time.Duration
	for more() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := conn.do(r, io.Discard); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// measure warms up the server and measures one round.
func (c *child) measure(ctx context.Context, r request, p plan) (sample, error) {
	if _, err := c.load(ctx, r, p.connections, until{elapsed: p.warmUp}); err != nil {
		return sample{}, err
	}
	before, err := c.Processor()
	if err != nil {
		return sample{}, err
	}
	begin := time.Now()
	took, err := c.load(ctx, r, p.connections, until{elapsed: p.turn})
	if err != nil {
		return sample{}, err
	}
	elapsed := time.Since(begin)
	after, err := c.Processor()
	if err != nil {
		return sample{}, err
	}
	slices.Sort(took)
	return sample{
		perSecond: float64(len(took)) / elapsed.Seconds(), processor: (after - before) / time.Duration(len(took)),
		p50: took[len(took)/2], p99: took[len(took)*99/100],
	}, nil
}

// sameData returns an error unless both servers answer the request with the same data, byte for
// byte.
func sameData(ours, limit *child, r request) error {
	var data [2]json.RawMessage
	for i, server := range []*child{ours, limit} {
		var err error
		if data[i], err = answers(server, r); err != nil {
			return err
		}
	}
	if !bytes.Equal(data[0], data[1]) {
		return fmt.Errorf("the server and the handler written by hand answer differently:\n%.2000s\n%.2000s",
			data[0], data[1])
	}
	return nil
}

// succeeds returns an error unless a command succeeds and its response contains the text says.
func succeeds(server *child, r request, says string) error {
	body, err := server.once(r)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(body, []byte(`{"Success":true`)) || !bytes.Contains(body, []byte(says)) {
		return fmt.Errorf("a command fails: %.2000s", body)
	}
	return nil
}

// answers runs a query and returns its data, or an error if the response has errors.
func answers(server *child, r request) (json.RawMessage, error) {
	body, err := server.once(r)
	if err != nil {
		return nil, err
	}
	var answer struct{ Data, Errors json.RawMessage }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	if answer.Errors != nil {
		return nil, fmt.Errorf("the query fails: %s", answer.Errors)
	}
	return answer.Data, nil
}

// newest returns the legacy id of the newest campaign.
func newest(server *child, key string) (string, error) {
	data, err := answers(server, graphQLRequest(key, `{ campaigns(first: 1) { nodes { legacyId } } }`))
	if err != nil {
		return "", err
	}
	var found struct {
		Campaigns struct{ Nodes []struct{ LegacyID string } }
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return "", err
	}
	return found.Campaigns.Nodes[0].LegacyID, nil
}
