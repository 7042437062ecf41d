// Package gate limits how much costly work a server does concurrently: in total, and per account,
// so that no account can use the places of the others. It must not know what the work is. If there
// is no room, [Gate.Enter] and [Gate.Take] return at once, with an error that says when to retry;
// [Gate.Do] waits for a place.
package gate

import (
	"sync"
	"time"

	"campaignql/internal/apperr"
)

// retryAfter is when a caller that found no place may try again.
const retryAfter = time.Second

// Gate counts the units in use. A unit is a place, or something else, for example a byte. Gate is
// safe for concurrent use.
type Gate struct {
	what      string
	all, each int64

	mu     sync.Mutex
	within int64
	of     map[int64]int64
	queue  queue
}

// New returns a gate with an upper bound for all accounts together and one for each account; 0
// means no bound. what names the work in error messages, for example "downloads".
func New(what string, all, each int) *Gate {
	return &Gate{what: what, all: int64(all), each: int64(each), of: map[int64]int64{}}
}

// Enter takes a place for an account. leave gives it back and may be called more than once. The
// error is Limited if the account has reached its bound, and Unavailable if the server has. Both
// have RetryAfter.
func (g *Gate) Enter(account int64) (leave func(), err error) {
	if err := g.Take(account, 1); err != nil {
		return nil, err
	}
	return g.leaving(account), nil
}

// Take takes n units for an account, either all of them or none. It returns the same errors as
// Enter. Give gives the units back.
func (g *Gate) Take(account, n int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take(account, n)
}

// take is Take without locking; the caller holds g.mu.
func (g *Gate) take(account, n int64) error {
	if err := g.full(account, n); err != nil {
		return err
	}
	g.within += n
	g.of[account] += n
	return nil
}

// full returns the error if an account cannot get n more units, and nil if it can.
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

// Give gives back n units that Take took for an account, and admits waiting callers.
func (g *Gate) Give(account, n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.within -= n
	if g.of[account] -= n; g.of[account] == 0 {
		delete(g.of, account) // so that the map does not grow with every account ever seen
	}
	g.admit()
}

// leaving returns a function that gives back one place on its first call. Further calls are no-ops.
func (g *Gate) leaving(account int64) func() { return sync.OnceFunc(func() { g.Give(account, 1) }) }
