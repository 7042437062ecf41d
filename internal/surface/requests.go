package surface

import (
	"context"
	"hash/maphash"
	"net/http"
	"sync"

	"campaignql/internal/budget"
	"campaignql/internal/caller"
	"campaignql/internal/gate"
)

// Requests admits the requests of a server, whatever surface answers them: each has a budget for
// what its answer holds, and a place from when its caller is known until it has been answered. It
// may be used from many goroutines.
type Requests struct {
	answers *budget.Pool
	// known are the places of accounts, nameless those of callers without credentials, by their
	// network.
	known, nameless *gate.Gate
}

// NewRequests returns the admission of a server: all requests are under way at a time, each of one
// account, and a quarter as many as all of callers without credentials, each of one network; 0 is
// no bound.
func NewRequests(answers *budget.Pool, all, each int) *Requests {
	return &Requests{
		answers:  answers,
		known:    gate.New("requests", all, each),
		nameless: gate.New("requests without credentials", (all+3)/4, each),
	}
}

// Answers is the memory of the answers.
func (q *Requests) Answers() *budget.Pool { return q.answers }

// Handler admits every request that next answers. A request that was admitted before passes.
func (q *Requests) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if visitOf(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		ctx, end := q.Open(r.Context())
		defer end()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Open begins one of several operations that share a connection: it has a budget and a place of its
// own until end is called, once nothing of its answer is held any more.
func (q *Requests) Open(ctx context.Context) (opened context.Context, end func()) {
	v := &visit{requests: q, held: q.answers.Open()}
	return budget.With(context.WithValue(ctx, visitKey{}, v), v.held), v.end
}

// visit is one request that is under way, or one operation over a shared connection.
type visit struct {
	requests *Requests
	held     *budget.Budget

	mu sync.Mutex
	// in is the gate at which it has a place, nil for none, and of for whom.
	in    *gate.Gate
	of    int64
	ended bool
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// enter takes a place, unless it has one.
func (v *visit) enter(in *gate.Gate, of int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.in != nil || v.ended {
		return nil
	}
	if err := in.Take(of, 1); err != nil {
		return err
	}
	v.in, v.of = in, of
	return nil
}

// end gives everything back.
func (v *visit) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.in != nil {
		v.in.Give(v.of, 1)
		v.in = nil
	}
	v.ended = true
	v.held.Close()
}

// Enter returns the context of a request whose caller has become known: the request takes a place
// of the account, and its answer is charged to it. The error is Limited where the account has as
// many requests under way as it may, and Unavailable where the server has, both with RetryAfter.
func Enter(ctx context.Context, id caller.Identity) (context.Context, error) {
	RequestOf(ctx).CalledBy(id)
	budget.From(ctx).Own(id.UserID)
	if v := visitOf(ctx); v != nil {
		if err := v.enter(v.requests.known, id.UserID); err != nil {
			return ctx, err
		}
	}
	return caller.With(ctx, id), nil
}

// EnterNameless takes a place for a request of a caller who is not known, with the errors of Enter.
func EnterNameless(ctx context.Context) error {
	if v := visitOf(ctx); v != nil {
		return v.enter(v.requests.nameless, RequestOf(ctx).NetworkNumber())
	}
	return nil
}

// WithoutPlace returns a context in which Enter takes no place, for what stays open and has a bound
// of its own, such as a subscription.
func WithoutPlace(ctx context.Context) context.Context {
	return context.WithValue(ctx, visitKey{}, (*visit)(nil))
}

var seed = maphash.MakeSeed()

// NetworkNumber is Network as a number, which is negative as that of no account. Two networks of
// the same number share a bound, which is harmless.
func (r *Request) NetworkNumber() int64 { return hash(r.Network()) }

func hash(network string) int64 { return -1 - int64(maphash.String(seed, network)>>1) }
