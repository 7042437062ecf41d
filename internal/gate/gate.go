// Package gate owns how much of something costly a server does at once: in all, and for one account, so that none takes the places of the others. It
// knows nothing of what is done. [Gate.Enter] refuses at once where there is no place, [Gate.Do] waits for one.
package gate

import (
	"sync"
	"time"

	"campaignql/internal/apperr"
)

// comeAgain is after how long whoever was refused may try again.
const comeAgain = time.Second

// Gate counts who is within. It may be used from many goroutines at once.
type Gate struct {
	what      string
	all, each int

	mu     sync.Mutex
	within int
	of     map[int64]int
	queue  queue
}

// New returns a gate for something, such as "downloads", with places for all accounts together and for each of them; 0 is no bound.
func New(what string, all, each int) *Gate {
	return &Gate{what: what, all: all, each: each, of: map[int64]int{}}
}

// Enter takes a place for an account, which leave gives back; it may be called more than once. The error is Limited where the account has all it may
// have, and Unavailable where the server has, both with RetryAfter.
func (g *Gate) Enter(account int64) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.full(account); err != nil {
		return nil, err
	}
	return g.enter(account), nil
}

// full returns why an account finds no place, nil if there is one.
func (g *Gate) full(account int64) error {
	switch {
	case g.each > 0 && g.of[account] >= g.each:
		return &apperr.Error{
			Code: apperr.Limited, RetryAfter: comeAgain, Message: "the account has as many " + g.what + " under way as it may: let one end first",
		}
	case g.all > 0 && g.within >= g.all:
		return &apperr.Error{Code: apperr.Unavailable, RetryAfter: comeAgain, Message: "the server has as many " + g.what + " under way as it may: try again"}
	}
	return nil
}

func (g *Gate) enter(account int64) (leave func()) {
	g.within++
	g.of[account]++
	return sync.OnceFunc(func() { g.leave(account) })
}

func (g *Gate) leave(account int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.within--
	if g.of[account]--; g.of[account] == 0 {
		delete(g.of, account) // accounts come and go
	}
	g.admit()
}
