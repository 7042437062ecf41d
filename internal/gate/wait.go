package gate

import (
	"context"
	"slices"
	"time"

	"campaignql/internal/apperr"
)

// patience is how long Do waits for a place.
const patience = 15 * time.Second

// queue is who waits for a place: the accounts in the order of their turns, and of each its
// waiters, the first come first.
type queue struct {
	turns   []int64
	waiting map[int64][]*waiter
}

// waiter is given its place by closing ready, after leave was set.
type waiter struct {
	ready chan struct{}
	leave func()
}

type heldKey struct{ gate *Gate }

// Do calls work within a place for an account, and waits for one up to 15 seconds where there is
// none. Accounts are served in turn, so that none waits for all that another has queued. The error
// is then that of Enter; Canceled when ctx has ended before. Work that holds a place does not take
// another: Do within Do calls work at once. A nil gate has no bounds.
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
	if w.leave != nil { // admitted at the last moment
		return w.leave, nil
	}
	g.queue.remove(account, w)
	if err == nil {
		err = g.full(account, 1)
	}
	return nil, err
}

// admit gives free places to those who wait, an account after the other.
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
		if len(g.queue.waiting[account]) > 0 { // the next turn is another account's
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

// Waiting returns how many wait for a place.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, some := range g.queue.waiting {
		n += len(some)
	}
	return n
}
