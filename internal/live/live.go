// Package live owns the watching of campaigns while they change: who watches which campaigns, what
// has changed since a watch last received a state, and when a watch ends. One poller per server
// reads all watched campaigns from the database. It therefore does not matter which server or
// program made a change, and no memory is shared between servers. The poller runs only while there
// are watches. The package must not know how updates reach the client.
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
	// MaxCampaigns is the maximum number of campaigns of one watch, both by id and by account.
	MaxCampaigns = 250
	// MinInterval is the minimum time between two polls, and therefore between two updates for one
	// campaign.
	MinInterval = 500 * time.Millisecond
	// lookTimeout is the timeout of one poll.
	lookTimeout = 10 * time.Second
)

// Follow returns a channel that it closes when the caller loses the permissions it had at
// authentication. The caller of Follow must call stop when it no longer waits for the channel.
type Follow func(id caller.Identity) (ended <-chan struct{}, stop func())

// Options are the settings of a Service. The zero value selects the defaults.
type Options struct {
	// Interval is the time between the end of one poll and the beginning of the next. Default
	// MinInterval.
	Interval time.Duration
	// PerAccount is how many watches one account may have open on this server. Default 100.
	PerAccount int
	// Now is the clock. Default store.Now.
	Now func() time.Time
	// Log receives the errors of polls. Default slog.Default().
	Log *slog.Logger
}

// Service manages watches. Its methods are safe for concurrent use.
type Service struct {
	db     *store.Store
	follow Follow
	opts   Options

	mu      sync.Mutex
	watches map[*Watch]struct{}
	// open counts watches by account.
	open map[int64]int
	// polling is true while the poller runs; closed is true after Close.
	polling, closed bool
	// poller waits for the end of the poller; stopping cancels it.
	poller   sync.WaitGroup
	stopping context.Context
	stop     context.CancelFunc

	// The following fields belong to the poller, of which there is at most one.

	// last holds the rows of the previous poll. An unchanged campaign keeps its object, which all
	// watches share.
	last    map[int64]*ent.Campaign
	failing bool
}

// New returns a Service over db. A watch ends when the key or session of its caller ends, as
// reported by follow.
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
// After Close, Watch returns an error.
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

// errClosed is the error that readers of a closed service get.
var errClosed = apperr.New(apperr.Unavailable, "the server is stopping")

// Open returns the number of open watches.
func (s *Service) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watches)
}

// Watch follows the campaigns with the given ids, at most MaxCampaigns. If ids is nil, it follows
// the campaigns of the caller's own account that are being sent, and other campaigns of the account
// when their status changes. The caller needs the scope read and must close the watch. It runs one
// or two statements. It returns NotFound if one of the ids does not belong to the caller, and
// Limited if the account has too many open watches.
func (s *Service) Watch(ctx context.Context, ids []int64) (*Watch, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	switch {
	case ids != nil && len(ids) == 0:
		return nil, apperr.InvalidField(
			"campaignIds", apperr.ReasonIDsRequired,
			"name at least one campaign, or leave the ids out to follow all that are being sent",
		)
	case len(ids) > MaxCampaigns:
		return nil, apperr.InvalidField(
			"campaignIds", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxCampaigns,
		)
	case id.UserID == 0 && ids == nil:
		return nil, apperr.New(apperr.Denied, "the server itself has no campaigns: name some")
	}
	w := &Watch{
		service: s, caller: id, account: ids == nil, seen: map[int64]*ent.Campaign{}, changed: make(chan struct{}, 1),
		latest: map[int64]*Change{},
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

// begin reads the current state of the watched campaigns.
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
			missing.Field = "campaignIds"
			return missing
		case row == nil: // deleted meanwhile
		case w.account && row.Status != kind.StatusSending:
			w.seen[id] = row // it changed before the watch began
		default:
			w.put(row, CauseSnapshot)
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

// add registers a watch with the poller, and starts the poller for the first watch.
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
