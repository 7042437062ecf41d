package gate_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/gate"
)

// enter takes places for accounts, one after the other. It returns the leave functions of the calls
// that succeeded, and the codes of all calls.
func enter(t *testing.T, g *gate.Gate, accounts ...int64) (out []func(), codes []apperr.Code) {
	t.Helper()
	for _, account := range accounts {
		leave, err := g.Enter(account)
		if err == nil {
			out = append(out, leave)
		} else if all := apperr.All(err); all[0].RetryAfter <= 0 {
			t.Errorf("%v does not say when to come again", err)
		}
		codes = append(codes, apperr.CodeOf(err))
	}
	return out, codes
}

func TestAGateHasPlacesForEachAccountAndForAll(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		all, each int
		accounts  []int64
		want      []apperr.Code
	}{
		"of each":             {5, 2, []int64{1, 1, 1, 2}, []apperr.Code{"", "", apperr.Limited, ""}},
		"of all":              {2, 2, []int64{1, 2, 3}, []apperr.Code{"", "", apperr.Unavailable}},
		"of each before all":  {1, 1, []int64{1, 1, 2}, []apperr.Code{"", apperr.Limited, apperr.Unavailable}},
		"no bound of all":     {0, 1, []int64{1, 2, 3, 1}, []apperr.Code{"", "", "", apperr.Limited}},
		"no bound of each":    {3, 0, []int64{1, 1, 1, 1}, []apperr.Code{"", "", "", apperr.Unavailable}},
		"no bound whatsoever": {0, 0, []int64{1, 1, 1}, []apperr.Code{"", "", ""}},
	} {
		g := gate.New("downloads", tt.all, tt.each)
		for range 2 { // the second round checks that leave freed all places
			out, got := enter(t, g, tt.accounts...)
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("%s: %v, want %v", name, got, tt.want)
				}
			}
			for _, leave := range out {
				leave()
				leave() // a second call must not free another caller's place
			}
		}
	}
}

func TestNoPlaceIsLostAmongMany(t *testing.T) {
	t.Parallel()
	g := gate.New("downloads", 3, 1)
	var within, most atomic.Int64
	var all sync.WaitGroup
	for account := range int64(20) {
		all.Go(func() {
			for range 500 {
				leave, err := g.Enter(account)
				if err != nil {
					runtime.Gosched()
					continue
				}
				if n := within.Add(1); n > most.Load() {
					most.Store(n)
				}
				runtime.Gosched()
				within.Add(-1)
				leave()
			}
		})
	}
	all.Wait()
	if n := most.Load(); n < 1 || n > 3 {
		t.Errorf("%d were within at once", n)
	}
	if out, codes := enter(t, g, 1, 2, 3, 4); len(out) != 3 || codes[3] != apperr.Unavailable {
		t.Errorf("after all have left: %v", codes)
	}
}
