package budget_test

import (
	"strings"
	"sync"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/budget"
)

const mib = 1 << 20

func TestAnAnswerHoldsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	b := budget.NewPool(4*mib, 64*mib).Open()
	for i := range 4 {
		if err := b.Charge(mib, "html"); err != nil {
			t.Fatalf("charge %d: %v", i, err)
		}
	}
	err := b.Charge(1, "plain")
	all := apperr.All(err)
	if len(all) != 1 || all[0].Code != apperr.Invalid || all[0].Reason != apperr.ReasonAnswerTooLarge ||
		all[0].Field != "plain" {
		t.Errorf("beyond the limit: %+v", err)
	}
	if again := b.Charge(0, "name"); again == nil {
		t.Error("a charge after one that failed passes")
	}
	if b.Used() != 4*mib {
		t.Errorf("%d bytes are charged", b.Used())
	}
}

func TestAllAnswersTogetherHoldNoMoreThanThePool(t *testing.T) {
	t.Parallel()
	pool := budget.NewPool(4*mib, 6*mib)
	first, second, small := pool.Open(), pool.Open(), pool.Open()
	first.Own(1)
	second.Own(2)
	small.Own(3)
	if err := first.Charge(4*mib, ""); err != nil {
		t.Fatal(err)
	}
	err := second.Charge(4*mib, "")
	if all := apperr.All(err); len(all) != 1 || all[0].Code != apperr.Unavailable || all[0].RetryAfter <= 0 {
		t.Errorf("beyond the pool: %+v", err)
	}
	if err := small.Charge(200<<10, ""); err != nil {
		t.Errorf("a small answer beside large ones: %v", err)
	}
	first.Close()
	first.Close()
	third := pool.Open()
	if err := third.Charge(4*mib, ""); err != nil {
		t.Errorf("after an answer has ended: %v", err)
	}
}

// TestAnAccountHoldsNoMoreThanHalfOfThePool fills the share of one account, also through portions
// and through answers that are assigned to the account later, and checks that other accounts still
// find room.
func TestAnAccountHoldsNoMoreThanHalfOfThePool(t *testing.T) {
	t.Parallel()
	pool := budget.NewPool(4*mib, 16*mib)
	open := func(account int64) *budget.Budget {
		b := pool.Open()
		b.Own(account)
		return b
	}
	first := open(1)
	_ = first.Charge(4*mib, "")
	nameless := pool.Open()
	if err := nameless.Charge(4*mib, ""); err != nil {
		t.Fatal(err)
	}
	nameless.Own(1)
	for name, more := range map[string]*budget.Budget{"a third": open(1), "one without a name yet": pool.Open()} {
		err := more.Charge(2*mib, "")
		if name != "a third" {
			if err != nil {
				t.Fatal(err)
			}
			more.Own(1)
			err = more.Err()
		}
		if all := apperr.All(err); len(all) != 1 || all[0].Code != apperr.Unavailable || all[0].RetryAfter <= 0 ||
			all[0].Reason != apperr.ReasonAnswersTooLarge || !strings.Contains(err.Error(), "of this account") {
			t.Errorf("%s: %v", name, err)
		}
		more.Close()
	}
	_, part := budget.Portion(budget.With(t.Context(), open(1)), 0)
	if part.Charge(2*mib, "") == nil {
		t.Error("a portion beyond what the account may hold passes")
	}
	for account := int64(2); account < 4; account++ {
		if err := open(account).Charge(4*mib, ""); err != nil {
			t.Errorf("account %d: %v", account, err)
		}
	}
	first.Close()
	if err := open(1).Charge(4*mib, ""); err != nil {
		t.Errorf("after an answer has ended: %v", err)
	}
}

func TestWhatIsDiscardedIsGivenBack(t *testing.T) {
	t.Parallel()
	pool := budget.NewPool(4*mib, 4*mib)
	b := pool.Open()
	_ = b.Charge(mib, "")
	for i := range 10 {
		if err := b.Charge(3*mib, ""); err != nil {
			t.Fatalf("attempt %d: %v", i, err)
		}
		b.Discard(mib)
	}
	if b.Used() != mib {
		t.Errorf("%d bytes are charged", b.Used())
	}
	if err := pool.Open().Charge(3*mib, ""); err != nil {
		t.Errorf("the pool has not what was given back: %v", err)
	}
}

func TestAPortionIsNotChargedToTheAnswer(t *testing.T) {
	t.Parallel()
	pool := budget.NewPool(4*mib, 8*mib)
	ctx := budget.With(t.Context(), pool.Open())
	for range 10 {
		inner, part := budget.Portion(ctx, 2*mib)
		if err := budget.From(inner).Charge(2*mib, ""); err != nil {
			t.Fatal(err)
		}
		if part.Charge(1, "") == nil {
			t.Error("a portion holds more than its limit")
		}
		part.Close()
	}
	if used := budget.From(ctx).Used(); used != 0 {
		t.Errorf("%d bytes of portions are charged to the answer", used)
	}
	_, unbound := budget.Portion(t.Context(), 0)
	if err := unbound.Charge(1<<40, ""); err != nil {
		t.Errorf("without a budget: %v", err)
	}
}

func TestNothingIsLostAmongMany(t *testing.T) {
	t.Parallel()
	pool := budget.NewPool(4*mib, 8*mib)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 200 {
				b := pool.Open()
				for range 8 {
					_ = b.Charge(300<<10, "") // may fail, depending on the other goroutines
				}
				b.Close()
				_ = b.Charge(mib, "") // after Close
			}
		})
	}
	all.Wait()
	for account := range int64(2) {
		b := pool.Open()
		b.Own(account)
		if err := b.Charge(4*mib, ""); err != nil {
			t.Errorf("after all have ended: %v", err)
		}
	}
}

// TestSmallAnswersOfOneAccountAreBounded opens small answers for one account until one is refused.
func TestSmallAnswersOfOneAccountAreBounded(t *testing.T) {
	t.Parallel()
	pool := budget.NewPool(4*mib, 64*mib) // plus 16 MiB for small answers, 4 MiB per account
	open := func(account int64, bytes int64) (*budget.Budget, error) {
		b := pool.Open()
		b.Own(account)
		return b, b.Charge(bytes, "")
	}
	held := 0
	var last *budget.Budget
	for ; held < 1000; held++ {
		b, err := open(1, budget.Small)
		if err != nil {
			break
		}
		last = b
	}
	if want := (4*mib + 32*mib) / budget.Small; held != want {
		t.Errorf("an account holds %d small answers, want %d", held, want)
	}
	if _, err := open(1, budget.Free); err != nil {
		t.Errorf("an answer that is charged to nobody: %v", err)
	}
	for range 16 {
		if _, err := open(2, budget.Small); err != nil {
			t.Fatalf("a small answer of another account: %v", err)
		}
	}
	last.Close()
	if _, err := open(1, budget.Small); err != nil {
		t.Errorf("after an answer has ended: %v", err)
	}
}
