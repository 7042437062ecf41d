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

// Watch is what one reader follows. It keeps only the latest state of each campaign that changed
// since the reader last took it, so a slow reader costs no more memory than a fast one.
type Watch struct {
	service *Service
	caller  caller.Identity
	// callerEnded is closed when the key or session of the caller has ended.
	callerEnded   <-chan struct{}
	stopFollowing func()
	// account is true if the watch follows the caller's account instead of given ids.
	account bool
	// notBefore is the earliest time for an update after the first state.
	notBefore time.Time
	// seen holds, by campaign, the state last sent. It belongs to the poller from the moment the
	// watch is open.
	seen map[int64]*ent.Campaign

	mu sync.Mutex
	// latest holds the states that the reader has not taken yet; queue is their order.
	latest map[int64]*ent.Campaign
	queue  []int64
	ended  bool
	err    error
	// changed holds one token if the reader may have something to take.
	changed chan struct{}
}

// Next waits until a campaign has changed and returns its latest state, with the columns Columns.
// It returns nil and nil if the watch has ended because there is nothing left to follow. It returns
// an Unauthenticated error if the key or session has ended, and the error of ctx if ctx ends. Only
// one goroutine may call it.
func (w *Watch) Next(ctx context.Context) (*ent.Campaign, error) {
	for {
		select {
		case <-w.callerEnded:
			w.Close() // before returning, because the reader may open another watch immediately
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

// Close ends the watch and frees its resources. Further calls are no-ops.
func (w *Watch) Close() { w.service.remove(w) }

// put queues a state for the reader. It replaces an older state of the same campaign that the
// reader has not taken yet.
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

// drop removes a campaign that no longer exists, including a state that the reader has not taken
// yet.
func (w *Watch) drop(id int64) {
	delete(w.seen, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest[id] != nil {
		delete(w.latest, id)
		w.queue = slices.DeleteFunc(w.queue, func(waiting int64) bool { return waiting == id })
	}
}

// end ends the watch. Without an error the reader first receives the queued states; with an error
// it receives the error at once.
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

// update compares the rows of a poll with the states last sent. found are the campaigns of the
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
			w.seen[id] = row // share one object among all watches
		}
	}
	if w.account {
		w.leave(found)
	} else if len(w.seen) == 0 {
		w.end(nil)
	}
}

// sees reports whether the campaign still belongs to the caller.
func (w *Watch) sees(row *ent.Campaign) bool {
	return row.UserID == w.caller.UserID || !w.account && w.caller.SeesAll()
}

// leave stops following campaigns that are no longer found, after the reader's queue has their last
// state.
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
