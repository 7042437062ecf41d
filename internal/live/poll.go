package live

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
)

// poll reads the database at intervals until there are no watches or the service is closed.
func (s *Service) poll() {
	pause := time.NewTimer(s.opts.Interval)
	defer pause.Stop()
	for {
		select {
		case <-s.stopping.Done():
			return
		case <-pause.C:
		}
		watches := s.watching()
		if len(watches) == 0 {
			return
		}
		s.lookAndReport(s.stopping, watches)
		// The pause begins after the updates, so that a slow read does not shorten the time between
		// two of them.
		pause.Reset(s.opts.Interval)
	}
}

// watching returns the watches for the next poll. If there are none, it marks the poller as ended,
// so that the next watch starts a new one.
func (s *Service) watching() []*Watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	watches := make([]*Watch, 0, len(s.watches))
	for w := range s.watches {
		watches = append(watches, w)
	}
	if len(watches) == 0 {
		s.polling, s.last = false, nil
	}
	return watches
}

// lookAndReport logs only the first of consecutive failures. The watches stay open meanwhile and
// receive the changes when the database is available again.
func (s *Service) lookAndReport(ctx context.Context, watches []*Watch) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := s.lookSafely(ctx, watches)
	if s.stopping.Err() != nil {
		return // the service is closed: an interrupted read is no failure
	}
	if err != nil && !s.failing {
		s.opts.Log.Warn("looking for changed campaigns failed", slog.Any("error", cause(err)))
	}
	s.failing = err != nil
}

// lookSafely turns a panic into an error, because a panic in this goroutine would end the whole
// server.
func (s *Service) lookSafely(ctx context.Context, watches []*Watch) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	return s.look(ctx, watches)
}

func cause(err error) error {
	if faults := apperr.All(err); len(faults) > 0 && faults[0].Err != nil {
		return faults[0].Err
	}
	return err
}

// look reads all watched campaigns and sends each watch its changes. Watches opened after look
// began are not included, so no watch receives a state older than its first one.
func (s *Service) look(ctx context.Context, watches []*Watch) error {
	now := time.Now()
	ready, accounts := watches[:0], []int64(nil)
	chosen := map[int64]bool{}
	for _, w := range watches {
		if now.Before(w.notBefore) {
			continue // the watch received the current state a moment ago
		}
		ready = append(ready, w)
		if w.account {
			accounts = append(accounts, w.caller.UserID)
		}
		for id := range w.seen {
			chosen[id] = true
		}
		for _, id := range w.left {
			chosen[id] = true
		}
	}
	found, err := s.running(ctx, unique(accounts))
	if err != nil {
		return err
	}
	for _, ids := range found {
		for _, id := range ids {
			chosen[id] = true
		}
	}
	rows, err := s.read(ctx, sorted(chosen))
	if err != nil {
		return err
	}
	for id, row := range rows {
		if before := s.last[id]; before != nil && same(before, row) {
			rows[id] = before
		}
	}
	s.last = rows
	for _, w := range ready {
		w.update(rows, found[w.caller.UserID])
	}
	return nil
}

// same reports whether no watched value differs. The version grows with every change that the rules
// make. Counters and the values that the sender writes may change without a new version.
func same(a, b *ent.Campaign) bool {
	return sameFields(a, b) && counters(a) == counters(b)
}

// sameFields is same without the counters.
func sameFields(a, b *ent.Campaign) bool {
	return a.Version == b.Version && a.Status == b.Status && a.StatusReason == b.StatusReason && a.UserID == b.UserID &&
		a.SentInstances == b.SentInstances && a.LastActivityAt.Equal(b.LastActivityAt) &&
		sameInstant(a.SendingStartedAt, b.SendingStartedAt) &&
		sameInstant(a.SendingFinishedAt, b.SendingFinishedAt) && sameInstant(a.NextSendAt, b.NextSendAt)
}

func sameInstant(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}
