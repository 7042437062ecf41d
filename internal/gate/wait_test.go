package gate_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/gate"
)

// TestAccountsAreServedInTurn lets one account queue four calls before another queues two.
func TestAccountsAreServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New("counts", 1, 0)
		release := make(chan struct{})
		var mu sync.Mutex
		var order []int64
		do := func(account int64) {
			go func() {
				_ = g.Do(t.Context(), account, func(context.Context) error {
					mu.Lock()
					order = append(order, account)
					mu.Unlock()
					<-release
					return nil
				})
			}()
			synctest.Wait()
		}
		for _, account := range []int64{1, 1, 1, 1, 2, 2} {
			do(account)
		}
		if g.Waiting() != 5 {
			t.Errorf("%d wait", g.Waiting())
		}
		close(release)
		synctest.Wait()
		if want := []int64{1, 1, 2, 1, 2, 1}; !slices.Equal(order, want) {
			t.Errorf("served in the order %v, want %v", order, want)
		}
	})
}

func TestAnAccountThatHasAllItsPlacesHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New("counts", 3, 1)
		release, entered := make(chan struct{}), make(chan int64, 10)
		for _, account := range []int64{1, 1, 1, 2} {
			go func() {
				_ = g.Do(t.Context(), account, func(context.Context) error {
					entered <- account
					<-release
					return nil
				})
			}()
			synctest.Wait()
		}
		if first, second := <-entered, <-entered; first != 1 || second != 2 || len(entered) != 0 || g.Waiting() != 2 {
			t.Errorf("%d and %d entered, %d more, %d wait", first, second, len(entered), g.Waiting())
		}
		close(release)
		synctest.Wait()
		if g.Waiting() != 0 || len(entered) != 2 {
			t.Errorf("%d wait after all have left", g.Waiting())
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New("counts", 1, 1)
		leave, err := g.Enter(1)
		if err != nil {
			t.Fatal(err)
		}
		never := func(context.Context) error { return errors.New("it ran") }
		for account, want := range map[int64]apperr.Code{1: apperr.Limited, 2: apperr.Unavailable} {
			got := g.Do(t.Context(), account, never)
			if apperr.CodeOf(got) != want || apperr.All(got)[0].RetryAfter <= 0 {
				t.Errorf("account %d, after its patience: %v", account, got)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := g.Do(ctx, 2, never); apperr.CodeOf(got) != apperr.Canceled {
			t.Errorf("after the end of its context: %v", got)
		}
		leave()
		if ran := g.Do(t.Context(), 2, func(context.Context) error { return nil }); ran != nil || g.Waiting() != 0 {
			t.Errorf("afterwards: %v, %d wait", ran, g.Waiting())
		}
	})
}

func TestWorkWithinWorkTakesNoSecondPlace(t *testing.T) {
	t.Parallel()
	g := gate.New("counts", 1, 1)
	ran := false
	err := g.Do(t.Context(), 1, func(ctx context.Context) error {
		return g.Do(ctx, 1, func(context.Context) error { ran = true; return nil })
	})
	if err != nil || !ran {
		t.Errorf("ran: %v, %v", ran, err)
	}
	if err := (*gate.Gate)(nil).Do(t.Context(), 1, func(context.Context) error { return nil }); err != nil {
		t.Errorf("without a gate: %v", err)
	}
}
