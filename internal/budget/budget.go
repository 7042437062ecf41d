// Package budget owns how many bytes of memory an answer may hold, and all answers of a server together. What an answer
// holds is charged where rows are read and where JSON is written. The package knows neither rows nor JSON.
package budget

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"campaignql/internal/apperr"
)

const (
	// DefaultAnswer is what one answer may hold unless configured, DefaultAnswers what all may hold together.
	DefaultAnswer, DefaultAnswers = 32 << 20, 128 << 20
	// chunk is how much an answer takes from the pool at a time. The first chunk is free, so that small answers are never
	// refused because of large ones.
	chunk = 256 << 10
	// retryAfter is when an answer that found the pool empty may be asked for again.
	retryAfter = time.Second
)

// Pool is the memory of the answers of a server. It may be used from many goroutines.
type Pool struct {
	each  int64
	total *semaphore.Weighted
}

// NewPool returns a pool of total bytes, of which an answer may hold each; 0 takes the default.
func NewPool(each, total int64) *Pool {
	if each == 0 {
		each = DefaultAnswer
	}
	if total == 0 {
		total = max(DefaultAnswers, each)
	}
	return &Pool{each: each, total: semaphore.NewWeighted(total)}
}

// Open begins an answer. It must be closed when nothing of the answer is held any more.
func (p *Pool) Open() *Budget { return &Budget{pool: p, limit: p.each} }

// Budget is the memory of one answer. It may be used from many goroutines. A nil Budget is without bounds.
type Budget struct {
	pool  *Pool
	limit int64

	mu          sync.Mutex
	used, taken int64
	closed      bool
	err         *apperr.Error
}

// Charge adds bytes that the answer holds from now on; what names them in the error, such as the column "html". The
// error is Invalid, reason answer_too_large, when the answer would hold more than it may, and Unavailable with RetryAfter when
// all answers together would. After an error every further charge fails with it.
func (b *Budget) Charge(bytes int64, what string) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return b.err
	case b.used+bytes > b.limit:
		b.err = &apperr.Error{Code: apperr.Invalid, Field: what, Reason: apperr.ReasonAnswerTooLarge, Message: fmt.Sprintf(
			"the answer would hold more than %d bytes: ask for fewer rows, or leave this field out", b.limit)}
		return b.err
	}
	if want := roundUp(b.used + bytes - chunk); want > b.taken && b.pool != nil && !b.closed {
		if !b.pool.total.TryAcquire(want - b.taken) {
			b.err = &apperr.Error{
				Code: apperr.Unavailable, RetryAfter: retryAfter, Reason: apperr.ReasonAnswersTooLarge,
				Message: "the server is making as many large answers as it has memory for: try again",
			}
			return b.err
		}
		b.taken = want
	}
	b.used += bytes
	return nil
}

func roundUp(bytes int64) int64 { return max(0, (bytes+chunk-1)/chunk*chunk) }

// Used returns how many bytes the answer holds.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Err returns the error of the charge that failed first, nil if none did.
func (b *Budget) Err() *apperr.Error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Discard gives back what was charged beyond used: it is no longer held, as when a transaction runs again.
func (b *Budget) Discard(used int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = min(b.used, used)
	b.giveBack(roundUp(b.used - chunk))
}

// Close gives everything back. It may be called again.
func (b *Budget) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.giveBack(0)
}

// giveBack returns to the pool what was taken beyond keep.
func (b *Budget) giveBack(keep int64) {
	if b.taken > keep {
		b.pool.total.Release(b.taken - keep)
		b.taken = keep
	}
}

type contextKey struct{}

// With returns a context in which everything is charged to a budget.
func With(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, contextKey{}, b)
}

// From returns the budget of a context, nil for none.
func From(ctx context.Context) *Budget {
	b, _ := ctx.Value(contextKey{}).(*Budget)
	return b
}

// Portion begins a part of an answer that is sent on its own and not held beyond it: it is charged to the pool and not to
// the budget of ctx. Its limit is that of the budget, or less; 0 is no further limit. Without a budget in ctx the pool is
// without bounds. The part must be closed.
func Portion(ctx context.Context, limit int64) (context.Context, *Budget) {
	part := &Budget{limit: limit}
	if whole := From(ctx); whole != nil {
		part.pool, part.limit = whole.pool, whole.limit
		if limit > 0 {
			part.limit = min(part.limit, limit)
		}
	} else if limit == 0 {
		part.limit = 1 << 62
	}
	return With(ctx, part), part
}
