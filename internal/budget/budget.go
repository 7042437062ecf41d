// Package budget limits how many bytes of memory the answers to requests may hold: one answer, all
// answers of an account, and all answers of the server. The bytes are charged where rows are read
// and where JSON is written. The package must not know rows or JSON.
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
	// DefaultAnswer is the default limit of one answer, and DefaultAnswers that of all answers
	// together.
	DefaultAnswer, DefaultAnswers = 32 << 20, 128 << 20
	// Free is how many bytes an answer may hold before it is charged to a pool.
	Free = 16 << 10
	// Small is how many bytes of an answer are charged to the pool of small answers, which large
	// answers cannot use up. The bytes above Small are charged to the pool of large answers.
	Small = 256 << 10
	// chunk is the unit in which memory is taken from the pool of large answers, and smallChunk the
	// unit for the pool of small answers.
	chunk, smallChunk = Small, 64 << 10
	// retryAfter is when a client whose answer found no room in the pool may try again.
	retryAfter = time.Second
)

// Pool is the memory for the answers of a server. It is safe for concurrent use.
type Pool struct {
	each int64
	// total counts the bytes of large answers, small the first Small bytes of each answer; both
	// also count per account.
	total, small *gate.Gate
}

// NewPool returns a pool of total bytes, with a limit of each bytes per answer; 0 selects the
// default. The answers of one account may hold half of the pool, or one answer if that is more. In
// addition there is a pool of a quarter of total for the first Small bytes of each answer. One
// account may hold a quarter of that pool; further bytes are taken from the pool of large answers.
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

// Open begins an answer that belongs to no account until Own is called. The budget must be closed
// when nothing of the answer is held anymore.
func (p *Pool) Open() *Budget { return &Budget{pool: p, limit: p.each} }

// Budget is the memory of one answer. It is safe for concurrent use. A nil Budget has no limits.
type Budget struct {
	pool  *Pool
	limit int64

	mu   sync.Mutex
	used int64
	// taken is what was taken from the pool of large answers, takenSmall from the pool of small
	// answers.
	taken, takenSmall int64
	// account owns the bytes that were taken; it is 0 if the caller is not known.
	account int64
	closed  bool
	err     *apperr.Error
}

// Charge adds bytes that the answer holds from now on. what names them in the error, for example
// the column "html". The error is Invalid with the reason answer_too_large if the answer would
// exceed its limit, and Unavailable with RetryAfter if all answers of the account or of the server
// together would exceed theirs. After an error, every further charge returns the same error.
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

// take takes from the pools what an answer of used bytes still lacks. The caller holds b.mu.
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

// refusal returns the error of a charge that found no room in the pool.
func refusal(full error) *apperr.Error {
	message := "the server is making as many large answers as it has memory for: try again"
	if apperr.CodeOf(full) == apperr.Limited {
		message = "the large answers of this account hold as much memory as they may: read those under way first"
	}
	return &apperr.Error{
		Code: apperr.Unavailable, RetryAfter: retryAfter, Reason: apperr.ReasonAnswersTooLarge, Message: message,
	}
}

// Own charges the answer to an account, including the bytes that it already holds. If the account
// has no room for them, the next charge fails.
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

// owner returns the account to which the answer is charged.
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

// Err returns the error of the first charge that failed, or nil if none did.
func (b *Budget) Err() *apperr.Error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Discard gives back what was charged above used bytes, because it is no longer held. This happens,
// for example, when a transaction is retried.
func (b *Budget) Discard(used int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = min(b.used, used)
	b.giveBack(b.used)
}

// Close gives everything back. It may be called more than once.
func (b *Budget) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.giveBack(0)
}

// giveBack returns to the pools what an answer of used bytes does not need. The caller holds b.mu.
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

// With returns a context in which memory is charged to b.
func With(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, contextKey{}, b)
}

// From returns the budget in ctx, or nil if there is none.
func From(ctx context.Context) *Budget {
	b, _ := ctx.Value(contextKey{}).(*Budget)
	return b
}

// Portion begins a part of an answer that is sent and released separately. The part is charged to
// the pool, but not to the budget in ctx. Its limit is the limit of that budget or limit, whichever
// is lower; 0 adds no limit. If ctx has no budget, the part is not charged to a pool. The returned
// budget must be closed.
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
