// Package live owns following campaigns as they change: who watches which, what has changed since
// each was last told, and when a watch ends. One poller for the whole server reads what is watched
// from the database, so it does not matter which server or program made a change, and nothing is
// kept in memory that another server must know. It runs only while somebody watches. It knows
// nothing of how updates travel.
package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// MaxCampaigns is how many campaigns one watch follows: of those that are named, and of an account.
	MaxCampaigns = 250
	// MinInterval is the least time between two looks at the database, and so between two updates about one campaign.
	MinInterval = 500 * time.Millisecond
	// lookTimeout bounds one look.
	lookTimeout = 10 * time.Second
)

// Follow tells, by a channel that it closes, when a caller may no longer act as it did when it was
// authenticated. stop must be called when nobody waits for that any more.
type Follow func(id caller.Identity) (ended <-chan struct{}, stop func())

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Interval is the time between the end of one look at the database and the beginning of the
	// next. Default MinInterval.
	Interval time.Duration
	// PerAccount is how many watches one account may have open on this server. Default 100.
	PerAccount int
	// Now tells the time. Default store.Now.
	Now func() time.Time
	// Log receives what went wrong while looking. Default slog.Default().
	Log *slog.Logger
}

// Service lets campaigns be watched. Its methods may be used from many goroutines.
type Service struct {
	db     *store.Store
	follow Follow
	opts   Options

	mu      sync.Mutex
	watches map[*Watch]struct{}
	// open counts watches by account.
	open map[int64]int
	// polling reports whether the poller runs, and closed whether the service has ended.
	polling, closed bool
	// poller is done when the poller has ended. stopping ends it.
	poller   sync.WaitGroup
	stopping context.Context
	stop     context.CancelFunc

	// What follows belongs to the poller, of which there is one at a time.

	// last is what the look before read, so that a campaign that did not change is one object for all who watch it.
	last    map[int64]*ent.Campaign
	failing bool
}

// New returns a Service over db, whose watches end with the key or session of their caller.
func New(db *store.Store, follow Follow, opts Options) *Service {
	if opts.Interval <= 0 {
		opts.Interval = MinInterval
	}
	if opts.PerAccount <= 0 {
		opts.PerAccount = 100
	}
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	s := &Service{db: db, follow: follow, opts: opts, watches: map[*Watch]struct{}{}, open: map[int64]int{}}
	s.stopping, s.stop = context.WithCancel(caller.System(context.Background()))
	return s
}

// Close ends every watch and the poller, and waits until the poller no longer uses the database.
// Watch fails from then on.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.poller.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watches {
		w.end(errClosed)
	}
}

// errClosed is what readers of a closed service get.
var errClosed = apperr.New(apperr.Unavailable, "the server is stopping")

// Open is how many watches are open.
func (s *Service) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watches)
}

// Watch follows the named campaigns, each id once and at most MaxCampaigns of them; without any
// (nil), those of the caller's own account that are being sent, and others when their status
// changes. It needs the scope read, and costs a statement or two. NotFound, before anything starts,
// when one of the ids is not the caller's; Limited when the account watches too much already. The
// watch must be closed.
func (s *Service) Watch(ctx context.Context, ids []int64) (*Watch, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	switch {
	case ids != nil && len(ids) == 0:
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonIDsRequired,
			"name at least one campaign, or leave the ids out to follow all that are being sent",
		)
	case len(ids) > MaxCampaigns:
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxCampaigns,
		)
	case id.UserID == 0 && ids == nil:
		return nil, apperr.New(apperr.Denied, "the server itself has no campaigns: name some")
	}
	w := &Watch{
		service: s, caller: id, account: ids == nil, seen: map[int64]*ent.Campaign{}, changed: make(chan struct{}, 1),
		latest: map[int64]*ent.Campaign{},
	}
	if err := s.reserve(id.UserID); err != nil {
		return nil, err
	}
	w.callerEnded, w.stopFollowing = s.follow(id)
	if err := s.begin(ctx, w, ids); err != nil {
		w.stopFollowing()
		s.release(id.UserID)
		return nil, err
	}
	if err := s.add(w); err != nil {
		w.stopFollowing()
		s.release(id.UserID)
		return nil, err
	}
	return w, nil
}

// begin reads the present state of what is watched.
func (s *Service) begin(ctx context.Context, w *Watch, ids []int64) error {
	if w.account {
		found, err := s.running(ctx, []int64{w.caller.UserID})
		if err != nil {
			return err
		}
		ids = found[w.caller.UserID]
	}
	rows, err := s.read(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row := rows[id]
		switch {
		case row == nil && !w.account:
			missing := apperr.NotFoundf("campaign")
			missing.Field = "ids"
			return missing
		case row == nil: // deleted meanwhile
		case w.account && row.Status != kind.StatusSending:
			w.seen[id] = row // it had changed before anybody watched
		default:
			w.put(row)
		}
	}
	return nil
}

func (s *Service) reserve(account int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[account] >= s.opts.PerAccount {
		return &apperr.Error{
			Code: apperr.Limited, Reason: apperr.ReasonTooManySubscriptions, RetryAfter: time.Minute,
			Message: "the account has as many subscriptions open as it may: end one first",
		}
	}
	s.open[account]++
	return nil
}

func (s *Service) release(account int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[account]--; s.open[account] == 0 {
		delete(s.open, account)
	}
}

// add lets the poller know of a watch, and starts it for the first.
func (s *Service) add(w *Watch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	w.notBefore = time.Now().Add(s.opts.Interval)
	s.watches[w] = struct{}{}
	if !s.polling {
		s.polling = true
		s.poller.Go(s.poll)
	}
	return nil
}

func (s *Service) remove(w *Watch) {
	s.mu.Lock()
	_, there := s.watches[w]
	delete(s.watches, w)
	s.mu.Unlock()
	if there {
		w.stopFollowing()
		s.release(w.caller.UserID)
	}
}
