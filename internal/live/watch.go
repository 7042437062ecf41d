package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
)

// Watch is what one reader follows. It keeps the latest state of each campaign that changed since
// the reader took it last, so a reader that is slow costs no more than one that is fast.
type Watch struct {
	service *Service
	caller  caller.Identity
	// callerEnded is closed when the key or session of the caller has ended.
	callerEnded   <-chan struct{}
	stopFollowing func()
	// account is whether it follows its account, instead of campaigns that were named.
	account bool
	// notBefore is when it may be told something for the first time after the state it began with.
	notBefore time.Time
	// seen is what the poller told of each campaign last. It belongs to the poller as soon as the watch is open.
	seen map[int64]*ent.Campaign

	mu sync.Mutex
	// latest are the states that wait for the reader, and queue their order.
	latest map[int64]*ent.Campaign
	queue  []int64
	ended  bool
	err    error
	// changed holds one token when the reader may have something to take.
	changed chan struct{}
}

// Next waits for a campaign that has changed and returns its latest state, with the columns
// Columns. It returns nil and nil when the watch has ended because there is nothing left to follow,
// an error of the code Unauthenticated when the key or session has ended, and that of ctx when ctx
// ends. One reader only.
func (w *Watch) Next(ctx context.Context) (*ent.Campaign, error) {
	for {
		select {
		case <-w.callerEnded:
			w.Close() // before the reader is told, who may open another at once
			return nil, apperr.New(apperr.Unauthenticated, "the API key or session has ended")
		default:
		}
		row, ended, err := w.take()
		if row != nil || ended {
			return row, err
		}
		select {
		case <-w.callerEnded:
		case <-w.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *Watch) take() (row *ent.Campaign, ended bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 || w.err != nil {
		return nil, w.ended, w.err
	}
	id := w.queue[0]
	w.queue = slices.Delete(w.queue, 0, 1)
	row = w.latest[id]
	delete(w.latest, id)
	return row, false, nil
}

// Close ends the watch and frees what it holds. It may be called again.
func (w *Watch) Close() { w.service.remove(w) }

// put leaves a state for the reader, in place of an older one that it has not taken.
func (w *Watch) put(row *ent.Campaign) {
	w.seen[row.ID] = row
	w.mu.Lock()
	if w.latest[row.ID] == nil {
		w.queue = append(w.queue, row.ID)
	}
	w.latest[row.ID] = row
	w.mu.Unlock()
	w.wake()
}

// drop forgets a campaign that is gone, also where it waits for the reader.
func (w *Watch) drop(id int64) {
	delete(w.seen, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest[id] != nil {
		delete(w.latest, id)
		w.queue = slices.DeleteFunc(w.queue, func(waiting int64) bool { return waiting == id })
	}
}

// end tells the reader that nothing more comes: after what waits for it without an error, at once with one.
func (w *Watch) end(err error) {
	w.mu.Lock()
	w.ended, w.err = true, err
	w.mu.Unlock()
	w.wake()
}

func (w *Watch) wake() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// update compares what was read with what the watch was told last. found are the campaigns of its
// account that are followed now.
func (w *Watch) update(rows map[int64]*ent.Campaign, found []int64) {
	if w.account {
		for _, id := range found {
			if _, known := w.seen[id]; !known && rows[id] != nil {
				w.put(rows[id])
			}
		}
	}
	for id, seen := range w.seen {
		row := rows[id]
		switch {
		case row == nil || !w.sees(row):
			w.drop(id)
		case row == seen:
		case !same(row, seen):
			w.put(row)
		default:
			w.seen[id] = row // one object for all who watch it
		}
	}
	if w.account {
		w.leave(found)
	} else if len(w.seen) == 0 {
		w.end(nil)
	}
}

// sees reports whether a campaign is still one of the caller's.
func (w *Watch) sees(row *ent.Campaign) bool {
	return row.UserID == w.caller.UserID || !w.account && w.caller.SeesAll()
}

// leave ends following what is no longer being sent, now that the reader is told.
func (w *Watch) leave(found []int64) {
	followed := make(map[int64]bool, len(found))
	for _, id := range found {
		followed[id] = true
	}
	for id := range w.seen {
		if !followed[id] {
			delete(w.seen, id)
		}
	}
}
