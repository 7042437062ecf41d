package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errGoesOn is part of the error of a migration that was stopped. Nothing is lost.
var errGoesOn = errors.New("the next start goes on from there")

// finish runs do, which may continue for the grace period after ctx has ended. After the grace
// period, or immediately if the lease is lost, finish calls cancel (unless nil), and ends the
// context of do after cancelGrace. If cancel is nil, it ends the context of do immediately.
func (m migrator) finish(ctx context.Context, cancel func(), do func(context.Context) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), errGoesOn)
	}
	inner, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		grace := m.grace
		if errors.Is(context.Cause(ctx), errLeaseLost) {
			grace = 0
		}
		if cancel != nil && !endsWithin(done, grace) {
			cancel()
			grace = cancelGrace
		}
		if !endsWithin(done, grace) {
			end()
		}
	}()
	err := do(inner)
	close(done)
	<-stopped
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: what ran did not end in time, %w: %w", context.Cause(ctx), errGoesOn, err)
	}
	return err
}

// cancelGrace is how long a statement may take to end after the server was asked to cancel it.
const cancelGrace = 2 * time.Second

func endsWithin(done <-chan struct{}, wait time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(wait):
		return false
	}
}
