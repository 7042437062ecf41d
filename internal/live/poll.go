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

// poll reads the database at intervals until there are no watches, or the service is closed.
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
		// The pause begins after the updates, so that a slow read does not bring two of them closer together.
		pause.Reset(s.opts.Interval)
	}
}

// watching returns the watches that the next look is for. When there are none the poller has ended
// as far as anybody else can tell.
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

// lookAndReport logs the first failure of several. The watches stay open meanwhile: what changed is
// told when the database is back.
func (s *Service) lookAndReport(ctx context.Context, watches []*Watch) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := s.lookSafely(ctx, watches)
	if s.stopping.Err() != nil {
		return // the service is closed: a read that was cut off is no failure
	}
	if err != nil && !s.failing {
		s.opts.Log.Warn("looking for changed campaigns failed", slog.Any("error", cause(err)))
	}
	s.failing = err != nil
}

// lookSafely makes an error of a panic, which here would end the whole server.
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

// look reads everything that is watched and tells each watch what has changed for it. Watches that
// were opened after it began are not among them, so none is told something older than what it began
// with.
func (s *Service) look(ctx context.Context, watches []*Watch) error {
	now := time.Now()
	ready, accounts := watches[:0], []int64(nil)
	chosen := map[int64]bool{}
	for _, w := range watches {
		if now.Before(w.notBefore) {
			continue // it was told the present state a moment ago
		}
		ready = append(ready, w)
		if w.account {
			accounts = append(accounts, w.caller.UserID)
		}
		for id := range w.seen {
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

// same reports whether nothing of what is watched differs. The version grows with every change that
// the rules make; the counters, and what the sender writes, may change without it.
func same(a, b *ent.Campaign) bool {
	return a.Version == b.Version && a.Status == b.Status && a.StatusReason == b.StatusReason && a.UserID == b.UserID &&
		counters(a) == counters(b) && a.SentInstances == b.SentInstances && a.LastActivityAt.Equal(b.LastActivityAt) &&
		sameInstant(
			a.SendingStartedAt, b.SendingStartedAt,
		) && sameInstant(a.SendingFinishedAt, b.SendingFinishedAt) && sameInstant(a.NextSendAt, b.NextSendAt)
}

func sameInstant(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}
