package store

import (
	"context"
	"sync"

	"campaignql/internal/caller"
)

// writers bounds how many connections of a pool are used for writes. An account that waits for a
// locked row leaves connections for the other accounts, and all writes together leave connections
// for reads. A nil *writers has no bounds.
type writers struct {
	all  chan struct{}
	each int

	mu sync.Mutex
	of map[int64]*places
}

// places are the write connections of one account.
type places struct {
	free chan struct{}
	// users is the number of goroutines that hold a place or wait for one.
	users int
}

// newWriters returns the bounds of a pool: three quarters of its connections for all writes, and
// one quarter for one account. It returns nil for a pool of fewer than four connections.
func newWriters(connections int) *writers {
	if connections < 4 {
		return nil
	}
	return &writers{all: make(chan struct{}, connections*3/4), each: connections / 4, of: map[int64]*places{}}
}

// enter waits for a place for the caller of ctx. The server itself, and callers that are not known
// yet, have no bound per account.
func (w *writers) enter(ctx context.Context) (leave func(), err error) {
	if w == nil {
		return func() {}, nil
	}
	own := func() {}
	if id, err := caller.From(ctx); err == nil && id.UserID != 0 {
		if own, err = w.enterAccount(ctx, id.UserID); err != nil {
			return nil, err
		}
	}
	select {
	case w.all <- struct{}{}:
		return sync.OnceFunc(func() { <-w.all; own() }), nil
	case <-ctx.Done():
		own()
		return nil, ctx.Err()
	}
}

func (w *writers) enterAccount(ctx context.Context, account int64) (leave func(), err error) {
	w.mu.Lock()
	p := w.of[account]
	if p == nil {
		p = &places{free: make(chan struct{}, w.each)}
		w.of[account] = p
	}
	p.users++
	w.mu.Unlock()
	gone := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if p.users--; p.users == 0 {
			delete(w.of, account)
		}
	}
	select {
	case p.free <- struct{}{}:
		return func() { <-p.free; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}
