package store_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"campaignql/internal/store"
)

// renewals is a lease with simulated renewals. It records the times of the renewals.
type renewals struct {
	begun time.Time
	at    []time.Duration
	renew func(ctx context.Context, since time.Duration) (bool, error)
}

func (r *renewals) ask(ctx context.Context, _ time.Time) (bool, error) {
	since := time.Since(r.begun)
	r.at = append(r.at, since)
	return r.renew(ctx, since)
}

// keep keeps a lease of 30 s until it is lost or a minute has passed. It returns the time and the
// cause.
func keep(t *testing.T, r *renewals) (lost time.Duration, cause error) {
	t.Helper()
	ctx, lose := context.WithCancelCause(t.Context())
	r.begun = time.Now()
	limit, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		store.KeepLease(limit, 30*time.Second, r.begun.Add(30*time.Second), r.ask, lose)
	}()
	<-done
	return time.Since(r.begun), context.Cause(ctx)
}

func TestALeaseWhoseRenewalsFailIsLostBeforeItExpires(t *testing.T) {
	t.Parallel()
	unreachable := errors.New("connection refused")
	tests := []struct {
		name  string
		renew func(ctx context.Context, since time.Duration) (bool, error)
		lost  time.Duration
	}{
		{"every renewal fails", func(context.Context, time.Duration) (bool, error) {
			return false, unreachable
		}, 24 * time.Second},
		{"the server does not answer", func(ctx context.Context, _ time.Duration) (bool, error) {
			<-ctx.Done()
			return false, unreachable
		}, 25 * time.Second},
		{"renewals fail after the first", func(_ context.Context, since time.Duration) (bool, error) {
			if since < 11*time.Second {
				return true, nil
			}
			return false, unreachable
		}, 34 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				lost, cause := keep(t, &renewals{renew: test.renew})
				if lost < test.lost || lost > test.lost+time.Second {
					t.Errorf("lost after %s, want %s", lost, test.lost)
				}
				if !errors.Is(cause, store.ErrLeaseLost) || !errors.Is(cause, unreachable) {
					t.Errorf("the cause is %v", cause)
				}
			})
		})
	}
}

func TestALeaseTakenByAnotherServerIsLostAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost, cause := keep(
			t, &renewals{renew: func(context.Context, time.Duration) (bool, error) { return false, nil }},
		)
		if lost != 10*time.Second || !errors.Is(cause, store.ErrLeaseLost) {
			t.Errorf("lost after %s with %v", lost, cause)
		}
	})
}

func TestALeaseSurvivesRenewalsThatFailForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &renewals{renew: func(_ context.Context, since time.Duration) (bool, error) {
			if since < 20*time.Second {
				return false, errors.New("connection refused")
			}
			return true, nil
		}}
		if lost, cause := keep(t, r); cause != nil || lost != time.Minute {
			t.Errorf("lost after %s with %v", lost, cause)
		}
		if len(r.at) < 12 || r.at[1]-r.at[0] != time.Second {
			t.Errorf("renewals were asked for after %v", r.at)
		}
	})
}
