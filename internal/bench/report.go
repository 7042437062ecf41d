package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// sample is the result of one round of one server.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	// processor is the processor time of the server for one request. Other load on the machine
	// affects it least.
	processor time.Duration
}

// report is the result of the measurements on one engine.
type report struct {
	engine      string
	starts      []time.Duration
	memory      int64
	ours, limit []sample
	// list and one are Campaigns.Get and Campaign.Get. rows and row are the GraphQL queries for the
	// same columns.
	list, rows, one, row []sample
}

// print writes the medians as a table, followed by the ratio of the server to the handwritten
// handler.
func (r *report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  cold start to first answer\t%s ms\n", milliseconds(median(r.starts, own)))
	fmt.Fprintf(table, "  memory after 10,000 requests\t%.1f MiB\n", float64(r.memory)/(1<<20))
	if err := table.Flush(); err != nil {
		return err
	}
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  \trequests/s\tp50 ms\tp99 ms\tCPU ms/request\t")
	for _, line := range []struct {
		name    string
		samples []sample
	}{
		{"GraphQL page of 50", r.ours}, {"the same by hand", r.limit},
		{"Campaigns.Get of 50", r.list}, {"the same in GraphQL", r.rows},
		{"Campaign.Get", r.one}, {"the same in GraphQL", r.row},
	} {
		fmt.Fprintf(table, "  %s\t%.0f\t%s\t%s\t%s\t\n", line.name, median(line.samples, perSecond),
			milliseconds(median(line.samples, func(s sample) time.Duration { return s.p50 })),
			milliseconds(median(line.samples, func(s sample) time.Duration { return s.p99 })),
			milliseconds(median(line.samples, func(s sample) time.Duration { return s.processor })))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	ratio := median(r.ours, perSecond) / median(r.limit, perSecond)
	_, err := fmt.Fprintf(
		w, "  ratio %.2f; to the same in GraphQL Campaigns.Get %.2f, Campaign.Get %.2f (%s)\n", ratio,
		median(r.list, perSecond)/median(r.rows, perSecond), median(r.one, perSecond)/median(r.row, perSecond),
		r.engine,
	)
	if ratio < aim {
		_, err = fmt.Fprintf(
			w, "  *** BELOW %.1f: the server answers less than half of what a handler written by hand does (%s) ***\n",
			aim, r.engine,
		)
	}
	return err
}

func perSecond(s sample) float64 { return s.perSecond }

func own(d time.Duration) time.Duration { return d }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

// median returns the median of a value over the samples.
func median[S any, V cmp.Ordered](samples []S, value func(S) V) V {
	values := make([]V, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
