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

// Requests admits the requests of a server, for all surfaces. Each request has a budget for the
// memory of its response, and takes a place when its caller is known. It keeps the place until it
// has been answered. Requests is safe for concurrent use.
type Requests struct {
	answers *budget.Pool
	// known limits the requests of accounts. nameless limits requests without credentials, per
	// client network.
	known, nameless *gate.Gate
}

// NewRequests returns the admission for the requests of one server. At most all requests of
// accounts run concurrently, and at most each of one account. For requests without credentials the
// limits are a quarter of all, rounded up, and each per client network. 0 means no limit.
func NewRequests(answers *budget.Pool, all, each int) *Requests {
	return &Requests{
		answers:  answers,
		known:    gate.New("requests", all, each),
		nameless: gate.New("requests without credentials", (all+3)/4, each),
	}
}

// Answers returns the memory pool of the responses.
func (q *Requests) Answers() *budget.Pool { return q.answers }

// Handler opens a budget for every request that next handles. A request that was already admitted
// is passed on unchanged.
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

// Open begins one of several operations that share a connection. The operation has its own budget
// and place until the caller calls end, which must happen when nothing of the response is held
// anymore.
func (q *Requests) Open(ctx context.Context) (opened context.Context, end func()) {
	v := &visit{requests: q, held: q.answers.Open()}
	return budget.With(context.WithValue(ctx, visitKey{}, v), v.held), v.end
}

// visit is one request in progress, or one operation on a shared connection.
type visit struct {
	requests *Requests
	held     *budget.Budget

	mu sync.Mutex
	// in is the gate where the visit has a place, nil for none. of is the account or network that
	// the place belongs to.
	in    *gate.Gate
	of    int64
	ended bool
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// enter takes a place, unless the visit already has one or has ended.
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

// end gives back the place and the budget.
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

// Enter returns the context of a request whose caller is now known. The request takes a place of
// the account, and the memory of its response is charged to the account. The error is Limited if
// the account has too many requests in progress, and Unavailable if the server has. Both have
// RetryAfter.
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

// EnterNameless takes a place for a request without a known caller. It returns the same errors as
// Enter.
func EnterNameless(ctx context.Context) error {
	if v := visitOf(ctx); v != nil {
		return v.enter(v.requests.nameless, RequestOf(ctx).NetworkNumber())
	}
	return nil
}

// WithoutPlace returns a context in which Enter takes no place. It is for long-lived work with a
// limit of its own, for example a subscription.
func WithoutPlace(ctx context.Context) context.Context {
	return context.WithValue(ctx, visitKey{}, (*visit)(nil))
}

var seed = maphash.MakeSeed()

// NetworkNumber returns a hash of Network. It is negative, so it never equals an account id. Two
// networks with the same hash share a limit, which is harmless.
func (r *Request) NetworkNumber() int64 { return hash(r.Network()) }

func hash(network string) int64 { return -1 - int64(maphash.String(seed, network)>>1) }
