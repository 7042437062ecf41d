package gate

import (
	"context"
	"slices"
	"time"

	"campaignql/internal/apperr"
)

// patience is how long Do waits for a place.
const patience = 15 * time.Second

// queue holds the waiting callers. turns lists the accounts in the order in which they are served
// next. waiting lists the waiters of each account, first come first served.
type queue struct {
	turns   []int64
	waiting map[int64][]*waiter
}

// waiter is one waiting call. To admit it, set leave and then close ready.
type waiter struct {
	ready chan struct{}
	leave func()
}

type heldKey struct{ gate *Gate }

// Do calls work while it holds a place for an account. If no place is free, Do waits for up to 15
// seconds and then returns the error of Enter. If ctx ends first, the error is Canceled. Accounts
// are served in turn, so that no account waits for the whole queue of another. Work that already
// holds a place takes no second one: a nested Do calls work at once. A nil gate has no bounds.
func (g *Gate) Do(ctx context.Context, account int64, work func(ctx context.Context) error) error {
	if g == nil || ctx.Value(heldKey{g}) != nil {
		return work(ctx)
	}
	leave, err := g.wait(ctx, account)
	if err != nil {
		return err
	}
	defer leave()
	return work(context.WithValue(ctx, heldKey{g}, true))
}

func (g *Gate) wait(ctx context.Context, account int64) (leave func(), err error) {
	g.mu.Lock()
	if g.take(account, 1) == nil {
		defer g.mu.Unlock()
		return g.leaving(account), nil
	}
	w := g.queue.add(account)
	g.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.ready:
		return w.leave, nil
	case <-ctx.Done():
		err = apperr.Wrap(apperr.Canceled, ctx.Err(), "the request was canceled or took too long")
	case <-timer.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.leave != nil { // admitted just before the timeout or cancellation
		return w.leave, nil
	}
	g.queue.remove(account, w)
	if err == nil {
		err = g.full(account, 1)
	}
	return nil, err
}

// admit gives free places to waiting callers, one account after the other. The caller holds g.mu.
func (g *Gate) admit() {
	for skipped := 0; skipped < len(g.queue.turns); {
		account := g.queue.turns[0]
		if g.take(account, 1) != nil {
			g.queue.turns = append(g.queue.turns[1:], account)
			skipped++
			continue
		}
		skipped = 0
		w := g.queue.waiting[account][0]
		g.queue.remove(account, w)
		if len(g.queue.waiting[account]) > 0 { // move the account to the end of the order
			g.queue.turns = append(
				slices.DeleteFunc(g.queue.turns, func(id int64) bool { return id == account }), account,
			)
		}
		w.leave = g.leaving(account)
		close(w.ready)
	}
}

func (q *queue) add(account int64) *waiter {
	w := &waiter{ready: make(chan struct{})}
	if q.waiting == nil {
		q.waiting = map[int64][]*waiter{}
	}
	if len(q.waiting[account]) == 0 {
		q.turns = append(q.turns, account)
	}
	q.waiting[account] = append(q.waiting[account], w)
	return w
}

func (q *queue) remove(account int64, w *waiter) {
	left := slices.DeleteFunc(q.waiting[account], func(other *waiter) bool { return other == w })
	if len(left) > 0 {
		q.waiting[account] = left
		return
	}
	delete(q.waiting, account)
	q.turns = slices.DeleteFunc(q.turns, func(id int64) bool { return id == account })
}

// Waiting returns how many callers wait for a place.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, some := range g.queue.waiting {
		n += len(some)
	}
	return n
}
