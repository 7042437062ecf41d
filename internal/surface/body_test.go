package surface_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"campaignql/internal/surface"
)

// drip is a source that yields single bytes and ignores Interrupt.
type drip struct{}

func (drip) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	p[0] = 'x'
	return 1, nil
}

func (drip) Interrupt() {}

func TestABodyThatDripsEndsInItsTime(t *testing.T) {
	t.Parallel()
	bodies := surface.NewBodies(surface.BodyLimits{NamelessTime: 100 * time.Millisecond, NamelessRate: 1})
	body := new(surface.Body)
	defer body.Release()
	begun := time.Now()
	request := surface.BodyRequest{From: &headStart{drip{}, surface.FreeBody + 1}, Length: -1, MaxBody: 1 << 20}
	err := bodies.Read(t.Context(), body, request)
	if !errors.Is(err, surface.ErrSlowBody) || time.Since(begun) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
}

// headStart is a source whose first left bytes arrive at once.
type headStart struct {
	surface.Source
	left int
}

func (h *headStart) Read(p []byte) (int, error) {
	if h.left == 0 {
		return h.Source.Read(p)
	}
	n := min(len(p), h.left)
	h.left -= n
	return n, nil
}

func TestABodyThatWasInterruptedIsNotReadOn(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Second
	took := make(chan time.Duration, 1)
	server := httptest.NewServer(
		surface.Deadlines(timeout, time.Minute, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			source := surface.HTTPBody(w, r)
			_, _ = source.Read(make([]byte, 1))
			source.Interrupt()
			begun := time.Now()
			var err error
			for err == nil {
				_, err = source.Read(make([]byte, 1<<10))
			}
			took <- time.Since(begun)
			surface.LeaveUnread(w)
		})),
	)
	defer server.Close()
	never := make(silent)
	defer close(never)
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, server.URL, &openBody{strings.NewReader("x"), never},
	)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	if took := <-took; took > timeout/2 {
		t.Errorf("reading went on for %s", took)
	}
}

// silent blocks reads until it is closed.
type silent chan struct{}

// openBody is a body whose end never arrives.
type openBody struct {
	*strings.Reader
	rest silent
}

func (b *openBody) Read(p []byte) (int, error) {
	if b.Len() == 0 {
		<-b.rest
	}
	return b.Reader.Read(p)
}
