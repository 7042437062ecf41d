// Package budget owns how many bytes of memory an answer may hold, and all answers of an account
// and of the server together. What an answer holds is charged where rows are read and where JSON is
// written. The package knows neither rows nor JSON.
package budget

import (
	"context"
	"fmt"
	"sync"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/gate"
)

const (
	// DefaultAnswer is what one answer may hold unless configured, DefaultAnswers what all may hold together.
	DefaultAnswer, DefaultAnswers = 32 << 20, 128 << 20
	// Free is what an answer may hold that is charged to no pool.
	Free = 16 << 10
	// Small is how much of an answer is charged to the memory of small answers, which large ones
	// cannot use up; what it holds beyond that is charged to the memory of large answers.
	Small = 256 << 10
	// chunk is how much is taken from the memory of large answers at a time, smallChunk from that of
	// small ones.
	chunk, smallChunk = Small, 64 << 10
	// retryAfter is when an answer that found the pool empty may be asked for again.
	retryAfter = time.Second
)

// Pool is the memory of the answers of a server. It may be used from many goroutines.
type Pool struct {
	each int64
	// total counts the bytes of large answers, and of those of each account; small those that
	// answers hold up to Small.
	total, small *gate.Gate
}

// NewPool returns a pool of total bytes, of which an answer may hold each; 0 takes the default. The
// answers of one account hold at most half of the pool, or one answer where that is more. A quarter
// of total is added for the first Small bytes of each answer, of which one account may hold a
// quarter: beyond that they are taken from what large answers may hold.
func NewPool(each, total int64) *Pool {
	if each == 0 {
		each = DefaultAnswer
	}
	if total == 0 {
		total = max(DefaultAnswers, each)
	}
	small := max(total/4, 4*Small)
	return &Pool{
		each:  each,
		total: gate.New("bytes of answers", int(total), int(max(total/2, each))),
		small: gate.New("bytes of small answers", int(small), int(small/4)),
	}
}

// Open begins an answer of nobody, until Own names its account. It must be closed when nothing of
// the answer is held any more.
func (p *Pool) Open() *Budget { return &Budget{pool: p, limit: p.each} }

// Budget is the memory of one answer. It may be used from many goroutines. A nil Budget is without bounds.
type Budget struct {
	pool  *Pool
	limit int64

	mu   sync.Mutex
	used int64
	// taken is what was taken from the memory of large answers, takenSmall from that of small ones.
	taken, takenSmall int64
	// account is whose bytes were taken, 0 for those of callers who are not known.
	account int64
	closed  bool
	err     *apperr.Error
}

// Charge adds bytes that the answer holds from now on; what names them in the error, such as the
// column "html". The error is Invalid, reason answer_too_large, when the answer would hold more
// than it may, and Unavailable with RetryAfter when all answers of the account or of the server
// together would. After an error every further charge fails with it.
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
		b.err = &apperr.Error{
			Code:   apperr.Invalid,
			Field:  what,
			Reason: apperr.ReasonAnswerTooLarge,
			Message: fmt.Sprintf(
				"the answer would hold more than %d bytes: ask for fewer rows, or leave this field out", b.limit),
		}
		return b.err
	}
	if used := b.used + bytes; used > Free && b.pool != nil && !b.closed {
		if err := b.take(used); err != nil {
			b.err = refusal(err)
			return b.err
		}
	}
	b.used += bytes
	return nil
}

// take takes what an answer lacks that holds so many bytes.
func (b *Budget) take(used int64) error {
	if want := roundUp(min(used, Small), smallChunk); want > b.takenSmall+b.taken {
		if b.pool.small.Take(b.account, want-b.takenSmall) == nil {
			b.takenSmall = want
		}
	}
	if want := roundUp(used-b.takenSmall, chunk); want > b.taken {
		if err := b.pool.total.Take(b.account, want-b.taken); err != nil {
			return err
		}
		b.taken = want
	}
	return nil
}

// refusal is the error of a charge for which the pool has no room.
func refusal(full error) *apperr.Error {
	message := "the server is making as many large answers as it has memory for: try again"
	if apperr.CodeOf(full) == apperr.Limited {
		message = "the large answers of this account hold as much memory as they may: read those under way first"
	}
	return &apperr.Error{
		Code: apperr.Unavailable, RetryAfter: retryAfter, Reason: apperr.ReasonAnswersTooLarge, Message: message,
	}
}

// Own charges the answer to an account from now on, what it holds already included. Where the
// account has no room for that, the next charge fails.
func (b *Budget) Own(account int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if account == b.account {
		return
	}
	held := b.taken+b.takenSmall > 0
	b.giveBack(0)
	b.account = account
	if !held {
		return
	}
	if err := b.take(b.used); err != nil && b.err == nil {
		b.err = refusal(err)
	}
}

// owner returns the account that the answer is charged to.
func (b *Budget) owner() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.account
}

func roundUp(bytes, unit int64) int64 { return max(0, (bytes+unit-1)/unit*unit) }

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
	b.giveBack(b.used)
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

// giveBack returns to the pool what an answer does not need that holds so many bytes.
func (b *Budget) giveBack(used int64) {
	small := int64(0)
	if used > Free {
		small = min(b.takenSmall, roundUp(min(used, Small), smallChunk))
	}
	if b.takenSmall > small {
		b.pool.small.Give(b.account, b.takenSmall-small)
		b.takenSmall = small
	}
	large := int64(0)
	if used > Free {
		large = min(b.taken, roundUp(used-small, chunk))
	}
	if b.taken > large {
		b.pool.total.Give(b.account, b.taken-large)
		b.taken = large
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

// Portion begins a part of an answer that is sent on its own and not held beyond it: it is charged
// to the pool and not to the budget of ctx. Its limit is that of the budget, or less; 0 is no
// further limit. Without a budget in ctx the pool is without bounds. The part must be closed.
func Portion(ctx context.Context, limit int64) (context.Context, *Budget) {
	part := &Budget{limit: limit}
	if whole := From(ctx); whole != nil {
		part.pool, part.limit, part.account = whole.pool, whole.limit, whole.owner()
		if limit > 0 {
			part.limit = min(part.limit, limit)
		}
	} else if limit == 0 {
		part.limit = 1 << 62
	}
	return With(ctx, part), part
}
