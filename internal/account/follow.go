package account

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"campaignql/internal/caller"
	"campaignql/internal/store"
)

const (
	// followEvery is how often the validity of followed callers is read from the database. maxAge
	// is how old that result may be: a revocation on another server takes effect within that time.
	followEvery = time.Second
	maxAge      = 2 * time.Second
	// followTimeout limits one read of the validity.
	followTimeout = 5 * time.Second
)

// Follower ends a long stream when its caller is no longer valid.
type Follower struct {
	of     *followers
	caller caller.Identity
	ended  chan struct{}
	end    func()
}

// Follow watches a caller that was authenticated just before. Once per second, one statement reads
// all followed keys and another one all followed sessions. Both also run at once when a key or a
// session ends or a password changes on this server. The follower must be closed.
func (s *Service) Follow(id caller.Identity) *Follower {
	f := &Follower{of: s.followers, caller: id, ended: make(chan struct{})}
	f.end = sync.OnceFunc(func() { close(f.ended) })
	s.followers.add(f)
	return f
}

// Ended returns a channel that is closed when the caller may no longer act with the rights that it
// had when it was authenticated.
func (f *Follower) Ended() <-chan struct{} { return f.ended }

// Check returns an Unauthenticated error if the caller is no longer valid. A result from the
// database is used for two seconds and then read again. If that read fails, Check returns its
// error.
func (f *Follower) Check(ctx context.Context) error {
	err := f.of.refresh(ctx)
	select {
	case <-f.ended:
		return errUnauthenticated()
	default:
		return err
	}
}

// Close stops following.
func (f *Follower) Close() { f.of.remove(f) }

// Close stops the background goroutine and waits until it no longer uses the database. Check still
// works afterwards, because it reads the database itself.
func (s *Service) Close() {
	fs := s.followers
	fs.mu.Lock()
	fs.stop()
	fs.mu.Unlock()
	fs.goroutine.Wait()
}

// followers are all followers of a service.
type followers struct {
	s *Service
	// nudged wakes the goroutine before its next tick.
	nudged chan struct{}
	// dirty is set when a key or session ended on this server after the last read.
	dirty atomic.Bool

	mu      sync.Mutex
	all     map[*Follower]struct{}
	running bool
	// stopping is canceled when the service closes; Close then waits for the goroutine.
	stopping  context.Context
	stop      context.CancelFunc
	goroutine sync.WaitGroup

	// looking is a lock for reading the database. looked is when the last successful read began.
	looking chan struct{}
	looked  time.Time
}

func newFollowers(s *Service) *followers {
	fs := &followers{
		s: s, nudged: make(chan struct{}, 1), all: map[*Follower]struct{}{}, looking: make(chan struct{}, 1),
	}
	fs.stopping, fs.stop = context.WithCancel(caller.System(context.Background()))
	return fs
}

func (fs *followers) add(f *Follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.all[f] = struct{}{}
	if !fs.running && fs.stopping.Err() == nil {
		fs.running = true
		fs.goroutine.Go(fs.run)
	}
}

func (fs *followers) remove(f *Follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.all, f)
	if len(fs.all) == 0 {
		fs.nudge() // so that the goroutine ends at once
	}
}

// wake requests a read at once, because a key or session ended on this server.
func (fs *followers) wake() {
	fs.dirty.Store(true)
	fs.nudge()
}

func (fs *followers) nudge() {
	select {
	case fs.nudged <- struct{}{}:
	default:
	}
}

// run reads the database periodically until there are no followers.
func (fs *followers) run() {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		due := false
		select {
		case <-tick.C:
			due = true
		case <-fs.nudged:
		case <-fs.stopping.Done():
			return
		}
		if !fs.any() {
			return
		}
		if !due && !fs.dirty.Load() {
			continue // a new follower was added after the nudge
		}
		if err := fs.inTurn(fs.stopping, fs.look); err != nil {
			// Not fatal: each stream calls Check before it continues.
			fs.s.log.Debug("cannot tell whether keys and sessions are in force", "error", err)
		}
	}
}

func (fs *followers) any() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.running = len(fs.all) > 0
	return fs.running
}

// refresh reads the database unless the last result is recent enough.
func (fs *followers) refresh(ctx context.Context) error {
	return fs.inTurn(ctx, func(ctx context.Context) error {
		if !fs.dirty.Load() && time.Since(fs.looked) < maxAge {
			return nil
		}
		return fs.look(ctx)
	})
}

// inTurn calls work, with a timeout of followTimeout, while it holds the lock for reading. Waiting
// for the lock ends when ctx ends.
func (fs *followers) inTurn(ctx context.Context, work func(ctx context.Context) error) error {
	select {
	case fs.looking <- struct{}{}:
	case <-ctx.Done():
		return store.Translate(ctx.Err())
	}
	defer func() { <-fs.looking }()
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	return work(ctx)
}

// look reads the validity of all followed callers and ends the followers of those that are no
// longer valid.
func (fs *followers) look(ctx context.Context) (err error) {
	defer func() {
		if value := recover(); value != nil { // a panic in this goroutine would end the whole server
			err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	began, wasDirty := time.Now(), fs.dirty.Swap(false)
	fs.mu.Lock()
	followed := make([]*Follower, 0, len(fs.all))
	callers := make([]caller.Identity, 0, len(fs.all))
	for f := range fs.all {
		followed, callers = append(followed, f), append(callers, f.caller)
	}
	fs.mu.Unlock()
	inForce, err := fs.s.InForce(ctx, callers)
	if err != nil {
		if wasDirty {
			fs.dirty.Store(true)
		}
		return err
	}
	fs.looked = began
	for i, f := range followed {
		if !inForce[i] {
			f.end()
		}
	}
	return nil
}
