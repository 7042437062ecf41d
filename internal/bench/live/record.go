package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// recorder records events at a steady rate, one campaign after the other, alternately through
// recordEvents and POST /events.
type recorder struct {
	*world
	client http.Client
	batch  int
	next   atomic.Int64
	late   atomic.Int64
}

// run records until ctx ends. If the server does not keep up with the rate, run skips batches and
// counts them as late.
func (r *recorder) run(ctx context.Context, rate int) error {
	every := time.Duration(float64(time.Second) * float64(r.batch) / float64(rate))
	tick := time.NewTicker(every)
	defer tick.Stop()
	var once sync.Once
	var failed error
	var working sync.WaitGroup
	places := make(chan struct{}, 16)
	for {
		select {
		case <-ctx.Done():
			working.Wait()
			return failed
		case <-tick.C:
		}
		select {
		case places <- struct{}{}:
		default:
			r.late.Add(1)
			continue
		}
		n := r.next.Add(1)
		working.Go(func() {
			defer func() { <-places }()
			if err := r.record(r.campaigns[int(n)%len(r.campaigns)], n); err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
}

// record records a batch and notes the time of the response.
func (r *recorder) record(c *campaign, n int64) error {
	c.recording.Lock()
	defer c.recording.Unlock()
	if (n/int64(len(r.campaigns)))%2 == 0 {
		return r.post(c, "/graphql", "application/json", r.document(c, n), `"recordedCount":`+fmt.Sprint(r.batch))
	}
	return r.post(c, "/events", "application/x-ndjson", r.lines(c, n), `"recorded"`)
}

func (r *recorder) event(c *campaign, n int64, i int) map[string]string {
	return map[string]string{
		"id":           fmt.Sprintf("%d/%d", n, i),
		"kind":         "SENT",
		"campaignId":   fmt.Sprint(c.id),
		"subscriberId": fmt.Sprint(c.subscriber),
		"at":           time.Now().UTC().Format(time.RFC3339Nano),
	}
}

func (r *recorder) document(c *campaign, n int64) []byte {
	events := make([]map[string]string, r.batch)
	for i := range events {
		events[i] = r.event(c, n, i)
	}
	body, err := json.Marshal(map[string]any{
		"query":     `mutation($in: RecordEventsInput!) { recordEvents(input: $in) { recordedCount } }`,
		"variables": map[string]any{"in": map[string]any{"events": events}},
	})
	if err != nil {
		panic(err) // cannot happen: the value consists of strings
	}
	return body
}

func (r *recorder) lines(c *campaign, n int64) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for i := range r.batch {
		if err := encoder.Encode(r.event(c, n, i)); err != nil {
			panic(err) // cannot happen: the value consists of strings
		}
	}
	return body.Bytes()
}

func (r *recorder) post(c *campaign, path, contentType string, body []byte, want string) error {
	request, err := http.NewRequest(http.MethodPost, r.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+c.owner.Key)
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if got := strings.Count(string(text), want); got != 1 && got != r.batch {
		return fmt.Errorf("%s answers %s: %.300s", path, response.Status, text)
	}
	c.note(r.batch)
	return nil
}
