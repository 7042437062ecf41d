// Package gate owns how much of something costly a server does at once: in all, and for one
// account, so that no account takes the places of the others. It does not know what is done.
// [Gate.Enter] and [Gate.Take] refuse at once where there is no room, with an error that says when
// to retry; [Gate.Do] waits for a place.
package gate

import (
	"sync"
	"time"

	"campaignql/internal/apperr"
)

// retryAfter is when a caller that found no place may try again.
const retryAfter = time.Second

// Gate counts what is under way, in places or in another unit such as bytes. It may be used from many goroutines.
type Gate struct {
	what      string
	all, each int64

	mu     sync.Mutex
	within int64
	of     map[int64]int64
	queue  queue
}

// New returns a gate for something, such as "downloads", with an upper bound for all accounts together and one for each
// of them; 0 is no bound.
func New(what string, all, each int) *Gate {
	return &Gate{what: what, all: int64(all), each: int64(each), of: map[int64]int64{}}
}

// Enter takes a place for an account, which leave gives back; leave may be called more than once. The error is Limited
// where the account has all it may have, and Unavailable where the server has, both with RetryAfter.
func (g *Gate) Enter(account int64) (leave func(), err error) {
	if err := g.Take(account, 1); err != nil {
		return nil, err
	}
	return g.leaving(account), nil
}

// Take takes n units for an account, all or none, with the errors of Enter. Give gives them back.
func (g *Gate) Take(account, n int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take(account, n)
}

// take is Take of a gate that is locked.
func (g *Gate) take(account, n int64) error {
	if err := g.full(account, n); err != nil {
		return err
	}
	g.within += n
	g.of[account] += n
	return nil
}

// full returns why an account does not get n units, nil if it does.
func (g *Gate) full(account, n int64) error {
	switch {
	case g.each > 0 && g.of[account]+n > g.each:
		return &apperr.Error{
			Code: apperr.Limited, RetryAfter: retryAfter,
			Message: "the account has as many " + g.what + " under way as it may: let one end first",
		}
	case g.all > 0 && g.within+n > g.all:
		return &apperr.Error{
			Code: apperr.Unavailable, RetryAfter: retryAfter,
			Message: "the server has as many " + g.what + " under way as it may: try again",
		}
	}
	return nil
}

// Give gives back n units that Take took for an account, and lets in who waits for them.
func (g *Gate) Give(account, n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.within -= n
	if g.of[account] -= n; g.of[account] == 0 {
		delete(g.of, account) // accounts come and go
	}
	g.admit()
}

// leaving gives back one place, however often it is called.
func (g *Gate) leaving(account int64) func() { return sync.OnceFunc(func() { g.Give(account, 1) }) }
