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

// Cause is why a reader receives a campaign.
type Cause string

const (
	// CauseSnapshot is the state at the beginning of the watch.
	CauseSnapshot Cause = "snapshot"
	// CauseStatus is a change of the status.
	CauseStatus Cause = "status"
	// CauseFields is a change of anything else that is no counter: the version grew, or the times of
	// sending changed.
	CauseFields Cause = "fields"
	// CauseCounters is a change of counters alone.
	CauseCounters Cause = "counters"
	// CauseDeleted is the deletion of the campaign.
	CauseDeleted Cause = "deleted"
)

// strength orders the causes: of several changes that a reader receives as one, the strongest cause
// is told.
var strength = map[Cause]int{CauseCounters: 1, CauseFields: 2, CauseStatus: 3, CauseSnapshot: 4, CauseDeleted: 5}

// Change is what a reader receives: the state of a campaign, or that it was deleted.
type Change struct {
	// ID is the campaign.
	ID int64
	// Campaign is its state, with the columns Columns; nil if it was deleted.
	Campaign *ent.Campaign
	Cause    Cause
}

// Watch is what one reader follows. It keeps only the latest change of each campaign since the
// reader last took it, so a slow reader costs no more memory than a fast one.
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
	// left are campaigns that a watch of an account has sent and no longer follows, the latest
	// MaxCampaigns of them: only their deletion is sent. It belongs to the poller.
	left []int64

	mu sync.Mutex
	// latest holds the changes that the reader has not taken yet; queue is their order.
	latest map[int64]*Change
	queue  []int64
	ended  bool
	err    error
	// changed holds one token if the reader may have something to take.
	changed chan struct{}
}

// Next waits until a campaign has changed and returns its latest state, or that it was deleted. It
// returns nil and nil if the watch has ended because there is nothing left to follow. It returns
// an Unauthenticated error if the key or session has ended, and the error of ctx if ctx ends. Only
// one goroutine may call it.
func (w *Watch) Next(ctx context.Context) (*Change, error) {
	for {
		select {
		case <-w.callerEnded:
			w.Close() // before returning, because the reader may open another watch immediately
			return nil, apperr.New(apperr.Unauthenticated, "the API key or session has ended")
		default:
		}
		change, ended, err := w.take()
		if change != nil || ended {
			return change, err
		}
		select {
		case <-w.callerEnded:
		case <-w.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *Watch) take() (change *Change, ended bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 || w.err != nil {
		return nil, w.ended, w.err
	}
	id := w.queue[0]
	w.queue = slices.Delete(w.queue, 0, 1)
	change = w.latest[id]
	delete(w.latest, id)
	return change, false, nil
}

// Close ends the watch and frees its resources. Further calls are no-ops.
func (w *Watch) Close() { w.service.remove(w) }

// put queues a state for the reader. It replaces an older state of the same campaign that the
// reader has not taken yet.
func (w *Watch) put(row *ent.Campaign, cause Cause) {
	w.seen[row.ID] = row
	w.left = slices.DeleteFunc(w.left, func(id int64) bool { return id == row.ID })
	w.queued(Change{ID: row.ID, Campaign: row, Cause: cause})
}

// drop queues for the reader that a campaign no longer exists, instead of a state that the reader
// has not taken yet.
func (w *Watch) drop(id int64) {
	delete(w.seen, id)
	w.queued(Change{ID: id, Cause: CauseDeleted})
}

func (w *Watch) queued(change Change) {
	w.mu.Lock()
	waiting := w.latest[change.ID]
	if waiting == nil {
		w.queue = append(w.queue, change.ID)
	} else if strength[waiting.Cause] > strength[change.Cause] {
		change.Cause = waiting.Cause
	}
	w.latest[change.ID] = &change
	w.mu.Unlock()
	w.wake()
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
				w.put(rows[id], CauseStatus)
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
			w.put(row, causeOf(seen, row))
		default:
			w.seen[id] = row // share one object among all watches
		}
	}
	if w.account {
		w.forget(rows)
		w.leave(found)
	} else if len(w.seen) == 0 {
		w.end(nil)
	}
}

// sees reports whether the campaign still belongs to the caller.
func (w *Watch) sees(row *ent.Campaign) bool {
	return row.UserID == w.caller.UserID || !w.account && w.caller.SeesAll()
}

// causeOf returns why a state differs from the one sent before.
func causeOf(before, now *ent.Campaign) Cause {
	switch {
	case now.Status != before.Status:
		return CauseStatus
	case !sameFields(now, before):
		return CauseFields
	}
	return CauseCounters
}

// leave stops following campaigns that are no longer found, after the reader's queue has their last
// state. From then on only their deletion is sent.
func (w *Watch) leave(found []int64) {
	followed := make(map[int64]bool, len(found))
	for _, id := range found {
		followed[id] = true
	}
	for id := range w.seen {
		if !followed[id] {
			delete(w.seen, id)
			w.left = append(w.left, id)
		}
	}
	w.left = w.left[max(0, len(w.left)-MaxCampaigns):]
}

// forget queues the deletion of campaigns that the watch has left.
func (w *Watch) forget(rows map[int64]*ent.Campaign) {
	w.left = slices.DeleteFunc(w.left, func(id int64) bool {
		gone := rows[id] == nil || !w.sees(rows[id])
		if gone {
			w.drop(id)
		}
		return gone
	})
}
