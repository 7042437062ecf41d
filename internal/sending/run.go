package sending

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
)

// lanes is how many bursts are under way at a time: one is settled in the database while the other is
// on the wire.
const lanes = 2

// Run sends campaigns until ctx ends. It then begins nobody any more, waits for the answers to what is
// on the wire, writes them down and returns. Faults are logged, and tried again.
func (s *Service) Run(ctx context.Context) {
	ctx = caller.Sender(ctx)
	var work sync.WaitGroup
	work.Go(func() { s.repeat(ctx, s.look) })
	burst, connections := max(1, s.Burst/lanes), max(1, s.Connections/lanes)
	for range lanes {
		work.Go(func() {
			l := &lane{Service: s, conns: make([]*mailer.Conn, connections)}
			defer l.close()
			s.repeat(ctx, func(ctx context.Context) error { return l.work(ctx, burst) })
		})
	}
	work.Wait()
}

// repeat calls do again and again until ctx ends, at every tick and when it is woken.
func (s *Service) repeat(ctx context.Context, do func(ctx context.Context) error) {
	tick := time.NewTicker(s.Tick)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("sending failed, and is tried again", "error", cause(err))
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// look starts what is due, and carries every run on that does not write to anybody. A run that cannot
// be carried on does not keep the others.
func (s *Service) look(ctx context.Context) error {
	failed := s.startDue(ctx)
	for phase, do := range map[kind.RunPhase]func(context.Context, *ent.CampaignRun) error{
		kind.RunFreezing:  s.freeze,
		kind.RunCanceling: s.sweep,
	} {
		runs, err := s.inPhase(ctx, phase)
		failed = errors.Join(failed, err, each(ctx, runs, do))
	}
	runs, err := s.going(ctx)
	if err != nil || len(runs) == 0 {
		return errors.Join(failed, err)
	}
	failed = errors.Join(failed, s.tell(ctx, runs), each(ctx, runs, s.complete))
	select {
	case s.wake <- struct{}{}:
	default: // a worker is woken already
	}
	return failed
}

// each calls do for every run and returns what failed.
func each(ctx context.Context, runs []*ent.CampaignRun, do func(context.Context, *ent.CampaignRun) error) error {
	var failed error
	for _, r := range runs {
		if err := do(ctx, r); err != nil {
			failed = errors.Join(failed, fmt.Errorf("run %d: %w", r.ID, cause(err)))
		}
	}
	return failed
}

// tell writes down why nothing is sent at present, or pauses the campaigns if that lasts.
func (s *Service) tell(ctx context.Context, runs []*ent.CampaignRun) error {
	state := s.breaker.state(time.Now())
	if state.pauses != "" {
		return each(ctx, runs, func(ctx context.Context, r *ent.CampaignRun) error {
			return s.Campaigns.Hold(ctx, r.CampaignID, state.pauses)
		})
	}
	if state.last == nil {
		return s.held(ctx, runs, "", "", nil)
	}
	var until *time.Time
	if !state.until.IsZero() {
		until = &state.until
	}
	return s.held(ctx, runs, string(state.last.Step), state.last.Error(), until)
}

// work claims batches and sends to their recipients, until there is no batch left or ctx ends.
func (l *lane) work(ctx context.Context, burst int) error {
	for ctx.Err() == nil && l.Route != nil && l.UnsubscribeURL != nil {
		if !l.breaker.state(time.Now()).until.IsZero() {
			return nil
		}
		c, err := l.next(ctx)
		if err != nil || c == nil {
			return err
		}
		if err := l.batch(ctx, c, burst); err != nil {
			return err
		}
	}
	return nil
}

// batch sends to the recipients of a claimed batch. What was begun is settled although ctx ends.
func (l *lane) batch(ctx context.Context, c *claim, burst int) error {
	held := context.WithoutCancel(ctx)
	var done []result
	for {
		want := burst
		if ctx.Err() != nil || !l.breaker.state(time.Now()).until.IsZero() {
			want = 0
		}
		begun, err := l.settled(held, c, done, want)
		if err != nil || len(begun) == 0 {
			return err
		}
		if done, err = l.hold(held, ctx, c, begun); err != nil {
			return err
		}
	}
}

// hold is deliver, and renews the lease of the batch meanwhile: a mail server may take minutes for an
// answer. A process that does not run any more renews nothing.
func (l *lane) hold(ctx, stopping context.Context, c *claim, burst []recipient) ([]result, error) {
	renewing, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(l.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-renewing.Done():
				return
			case <-tick.C:
			}
			now, err := l.now(renewing)
			if err == nil {
				_, err = l.renew(renewing, c, now)
			}
			if err != nil && renewing.Err() == nil {
				l.Log.Warn("the lease of a batch could not be renewed", "run", c.id, "error", cause(err))
			}
		}
	})
	defer done.Wait()
	defer stop()
	return l.deliver(ctx, stopping, c, burst)
}

// settled is turn, tried again for the time of a lease: what is known of messages must not be lost
// because the database is away for a moment. Afterwards another server makes them unknown.
func (l *lane) settled(ctx context.Context, c *claim, done []result, want int) (begun []recipient, err error) {
	for end := time.Now().Add(l.Lease); ; {
		begun, err = l.turn(ctx, c, done, want)
		if err == nil || len(done) == 0 || time.Now().After(end) {
			return begun, err
		}
		l.Log.Warn("answers of the mail server could not be written down yet", "error", cause(err))
		time.Sleep(l.Tick)
	}
}

// cause returns the error to log: what a public error keeps from clients, too.
func cause(err error) error {
	if fault := new(apperr.Error); errors.As(err, &fault) && fault.Err != nil {
		return fmt.Errorf("%w: %w", err, fault.Err)
	}
	return err
}
