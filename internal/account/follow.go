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
	// followEvery is how often the database is asked whether followed callers may go on, and maxAge how old
	// its answer may be: a revocation by another server is seen within that time.
	followEvery = time.Second
	maxAge      = 2 * time.Second
	// followTimeout bounds one look at the database.
	followTimeout = 5 * time.Second
)

// Follower ends a long stream when its caller may no longer act.
type Follower struct {
	of     *followers
	caller caller.Identity
	ended  chan struct{}
	end    func()
}

// Follow begins to follow a caller who was authenticated just now. One statement a second asks for all
// followed keys, one for all sessions, and both are asked at once when a key, a session or a password ends
// on this server. The follower must be closed.
func (s *Service) Follow(id caller.Identity) *Follower {
	f := &Follower{of: s.followers, caller: id, ended: make(chan struct{})}
	f.end = sync.OnceFunc(func() { close(f.ended) })
	s.followers.add(f)
	return f
}

// Ended is closed when the caller may no longer act as it did when it was authenticated.
func (f *Follower) Ended() <-chan struct{} { return f.ended }

// Check returns the Unauthenticated error of a caller who may no longer act. What was read from the database
// counts for two seconds; beyond that it is read again, and without an answer the error is that failure.
func (f *Follower) Check(ctx context.Context) error {
	err := f.of.refresh(ctx)
	select {
	case <-f.ended:
		return errUnauthenticated()
	default:
		return err
	}
}

// Close ends following.
func (f *Follower) Close() { f.of.remove(f) }

// Close ends following, and waits until it no longer uses the database. Check still asks it.
func (s *Service) Close() {
	fs := s.followers
	fs.mu.Lock()
	fs.stop()
	fs.mu.Unlock()
	fs.goroutine.Wait()
}

// followers are those of a service.
type followers struct {
	s *Service
	// nudged holds a token when the goroutine has something to do before its next tick.
	nudged chan struct{}
	// dirty is set when a key or session ended on this server since the database was asked last.
	dirty atomic.Bool

	mu      sync.Mutex
	all     map[*Follower]struct{}
	running bool
	// stopping ends with the service, and the goroutine is waited for.
	stopping  context.Context
	stop      context.CancelFunc
	goroutine sync.WaitGroup

	// looking has a place for the one who asks the database; looked is when that began last with an answer.
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
		fs.nudge() // the goroutine ends at once
	}
}

// wake has the database asked at once, because something ended on this server.
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

// run asks the database until nobody is followed.
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
			continue // somebody else is followed since the nudge
		}
		if err := fs.inTurn(fs.stopping, fs.look); err != nil {
			// Each stream finds out by Check before it does anything more.
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

// refresh asks the database unless its last answer is young enough.
func (fs *followers) refresh(ctx context.Context) error {
	return fs.inTurn(ctx, func(ctx context.Context) error {
		if !fs.dirty.Load() && time.Since(fs.looked) < maxAge {
			return nil
		}
		return fs.look(ctx)
	})
}

// inTurn calls work, which may take followTimeout, once nobody else asks the database. Waiting for that ends with ctx.
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

// look asks the database about everybody who is followed, and ends those who may not go on.
func (fs *followers) look(ctx context.Context) (err error) {
	defer func() {
		if value := recover(); value != nil { // which would end the whole server
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
