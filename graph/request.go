package graph

import (
	"context"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

type requestKey struct{}

// request is what the surface knows about one HTTP request.
type request struct {
	*surface.Request
	credentials account.Credentials
	// refused reports whether credentials were sent and rejected.
	refused bool
	// proven is the caller if the credentials were checked before the body was read. It is nil if
	// they were not checked or were rejected.
	proven *caller.Identity
	// owner is the account of a WebSocket, or 0 if it has none.
	owner int64
	// shared reports whether operations run concurrently. Each of them then checks the credentials
	// separately.
	shared bool
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return &request{Request: surface.RequestOf(ctx)}
	}
	return r
}

func requestID(ctx context.Context) string { return surface.RequestID(ctx) }

func credentialsRefused(ctx context.Context) bool { return requestOf(ctx).refused }

func (s *server) request(next http.Handler) http.Handler {
	return surface.Identify(
		surface.Identity{Logger: s.log},
		s.options.Requests.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			known := &request{Request: surface.RequestOf(r.Context())}
			known.credentials = account.ByToken(known.Token)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, known)))
		})),
	)
}

// authenticate finds the caller of an operation that needs one, and takes a place for the
// operation. If the credentials are rejected, the operation has no caller: fields that need none,
// for example login, still work.
func (s *server) authenticate(ctx context.Context, op *graphql.OperationContext) (context.Context, error) {
	known := requestOf(ctx)
	if known.shared {
		own := *known
		known, ctx = &own, context.WithValue(ctx, requestKey{}, &own)
	}
	if known.credentials == (account.Credentials{}) || onlyIntrospection(op) {
		return ctx, surface.EnterNameless(ctx)
	}
	switch {
	case known.proven != nil:
		return surface.Enter(ctx, *known.proven)
	case known.refused:
		return ctx, surface.EnterNameless(ctx)
	}
	id, err := s.Accounts.Authenticate(ctx, known.credentials, kind.SurfaceGraphQL)
	switch {
	case err == nil:
		return surface.Enter(ctx, id)
	case apperr.CodeOf(err) == apperr.Unauthenticated:
		known.refused = true
		return ctx, surface.EnterNameless(ctx)
	default:
		return ctx, err
	}
}

// identify finds the sender of a body that is not small. It needs one SQL statement, which the
// operation then saves, and none if there are no credentials. Bodies larger than MaxBody are only
// for callers with the scope write or delivery.
func (s *server) identify(ctx context.Context) (surface.Grant, error) {
	known := requestOf(ctx)
	if known.credentials == (account.Credentials{}) {
		return surface.Grant{}, nil
	}
	looking, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	id, err := s.Accounts.Authenticate(looking, known.credentials, kind.SurfaceGraphQL)
	switch {
	case apperr.CodeOf(err) == apperr.Unauthenticated:
		known.refused = true
		return surface.Grant{}, nil
	case err != nil:
		s.present(ctx, err) // logs the error
		return surface.Grant{}, apperr.New(apperr.Unavailable, "the server cannot tell who you are, try again")
	}
	known.proven = &id
	grant := surface.Grant{Account: id.UserID, MaxBody: s.options.MaxBody}
	if id.Scopes.Has(kind.ScopeWrite) || id.Scopes.Has(kind.ScopeDelivery) {
		grant.MaxBody = s.options.MaxBatchBody
	}
	return grant, nil
}

// ownerOfSocket returns the owner of the WebSocket of a context.
func ownerOfSocket(ctx context.Context) surface.Grant {
	return surface.Grant{Account: requestOf(ctx).owner}
}

func onlyIntrospection(op *graphql.OperationContext) bool {
	for _, selection := range op.Operation.SelectionSet {
		f, ok := selection.(*ast.Field)
		if !ok || !strings.HasPrefix(f.Name, "__") {
			return false
		}
	}
	return true
}
