package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"campaignql/internal/bench/bed"
)

// scene is one server under load.
type scene struct {
	plan
	*world
	server  *bed.Process
	readers []*reader
	idle    [2]int64 // memory before there were subscriptions, and with them
	results []result
}

// result is the result of one phase.
type result struct {
	name       string
	memory     int64
	processor  float64 // cores
	recorded   float64 // events a second
	updates    float64 // a second
	latencies  []time.Duration
	late, lost int
	open       string // subscriptions, at the end
}

// run runs the phases. It returns an error if a reader ends early.
func (s *scene) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	begin := func(do func() error) {
		all.Go(func() {
			if err := do(); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
				cancel()
			}
		})
	}
	err := s.phases(ctx, begin)
	cancel()
	all.Wait()
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	return err
}

func (s *scene) phases(ctx context.Context, begin func(func() error)) (err error) {
	if err := s.phase(ctx, "nobody follows"); err != nil {
		return err
	}
	if s.idle[0], err = s.server.Memory(); err != nil {
		return err
	}
	var ready sync.WaitGroup
	for i := range s.plan.readers {
		r := &reader{campaign: s.of(i)}
		s.readers = append(s.readers, r)
		ready.Add(1)
		follow := r.overSocket
		if i/len(s.campaigns)%2 == 1 {
			follow = r.overEvents
		}
		begin(func() error { return follow(ctx, s.url, ready.Done) })
	}
	if err := waitFor(ctx, &ready); err != nil {
		return err
	}
	if s.idle[1], err = s.server.Memory(); err != nil {
		return err
	}
	if err := s.phase(ctx, fmt.Sprintf("%d follow", s.plan.readers)); err != nil {
		return err
	}
	if s.deaf == 0 {
		return nil
	}
	for i := range s.deaf {
		begin(func() error { return deaf(ctx, s.url, s.of(i), i%2 == 0) })
	}
	if err := s.subscribed(ctx, s.plan.readers+s.deaf); err != nil {
		return err
	}
	return s.phase(ctx, fmt.Sprintf("and %d never read", s.deaf))
}

func waitFor(ctx context.Context, ready *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ready.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// subscribed waits until the server has n subscriptions.
func (s *scene) subscribed(ctx context.Context, n int) error {
	for ctx.Err() == nil {
		open, err := s.open()
		if err != nil || open == fmt.Sprint(n) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// open returns the number of open subscriptions of the server.
func (s *scene) open() (string, error) {
	response, err := http.Get(s.url + "/metrics")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	_, after, _ := strings.Cut(string(text), "\ncampaignql_subscriptions ")
	open, _, _ := strings.Cut(after, "\n")
	return open, err
}

// settle is how long after the last recording an update may arrive. After that, it counts as lost.
const settle = 3 * time.Second

// phase records events for a while, and waits for the resulting updates.
func (s *scene) phase(ctx context.Context, name string) error {
	recorder := &recorder{
		world: s.world, batch: s.batch, client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	recorder.next.Store(int64(len(s.results)) << 32) // ids that no other phase has
	already := make([]int, len(s.campaigns))
	for i, c := range s.campaigns {
		already[i] = len(c.answers())
	}
	before := s.count()
	used, err := s.server.Processor()
	if err != nil {
		return err
	}
	began := time.Now()
	working, stop := context.WithTimeout(ctx, s.plan.phase)
	defer stop()
	if err := recorder.run(working, s.rate); err != nil {
		return err
	}
	took := time.Since(began)
	usedThen, err := s.server.Processor()
	if err != nil {
		return err
	}
	r := result{name: name, processor: (usedThen - used).Seconds() / took.Seconds(), late: int(recorder.late.Load())}
	r.updates = float64(s.count()-before) / took.Seconds()
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.memory, err = s.server.Memory(); err != nil {
		return err
	}
	if r.open, err = s.open(); err != nil {
		return err
	}
	events := 0
	for i, c := range s.campaigns {
		fresh := c.answers()[already[i]:]
		events += len(fresh) * s.batch
		for _, reader := range s.readers {
			if reader.campaign == c {
				r.add(fresh, reader.told())
			}
		}
	}
	r.recorded = float64(events) / took.Seconds()
	s.results = append(s.results, r)
	return nil
}

func (s *scene) count() (updates int) {
	for _, r := range s.readers {
		updates += len(r.told())
	}
	return updates
}

// add computes for each recording the delay of the first update that includes it. The delay is 0 if
// the update arrived before the response to the recording.
func (r *result) add(recorded []recording, told []update) {
	for _, one := range recorded {
		i := sort.Search(len(told), func(i int) bool { return told[i].sent >= one.sent })
		if i == len(told) {
			r.lost++
			continue
		}
		r.latencies = append(r.latencies, max(0, told[i].at.Sub(one.at)))
	}
}

// print writes the results of the phases as a table.
func (s *scene) print(w io.Writer) error {
	fmt.Fprintf(
		w, "memory of the server %.1f MiB before the subscriptions, %.1f MiB with them: %.0f KiB each\n",
		mebibytes(s.idle[0]), mebibytes(s.idle[1]), float64(s.idle[1]-s.idle[0])/1024/float64(s.plan.readers),
	)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  \tevents/s\tupdates/s\tCPU, cores\tmemory MiB\tp50 ms\tp95 ms\tp99 ms\tmax ms\t"+
		"lost\tbatches left out\topen at the end\t")
	for _, r := range s.results {
		slices.Sort(r.latencies)
		fmt.Fprintf(
			table, "  %s\t%.0f\t%.0f\t%.2f\t%.1f\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t\n", r.name, r.recorded, r.updates,
			r.processor, mebibytes(r.memory), r.quantile(0.5), r.quantile(0.95), r.quantile(0.99), r.quantile(1),
			r.lost, r.late, r.open,
		)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range s.results {
		if r.lost > 0 {
			return fmt.Errorf("%d recordings were not told within %s (%s)", r.lost, settle, r.name)
		}
	}
	return nil
}

// quantile returns the latency in milliseconds that the share q of the updates does not exceed.
func (r *result) quantile(q float64) string {
	if len(r.latencies) == 0 {
		return "-"
	}
	return fmt.Sprint(r.latencies[int(q*float64(len(r.latencies)-1))].Milliseconds())
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
