package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// finish runs do so that it may go on for the grace after ctx ended. Then, and at once when the
// lease is lost, cancel is called, if there is one, and the context of do ends a little later.
func (m migrator) finish(ctx context.Context, cancel func(), do func(context.Context) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: the next start goes on from there", context.Cause(ctx))
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
		return fmt.Errorf(
			"%w: what ran did not end in time, the next start goes on from there: %w", context.Cause(ctx), err,
		)
	}
	return err
}

// cancelGrace is how long a statement may take to end once the server was asked to cancel it.
const cancelGrace = 2 * time.Second

func endsWithin(done <-chan struct{}, wait time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(wait):
		return false
	}
}
