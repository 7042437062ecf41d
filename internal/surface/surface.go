// Package surface owns what every HTTP surface has in common: the identity of a request and of its client, admission to
// costly work, deadlines, the mapping of failures to HTTP and to the codes of GraphQL, JSON answers, panics and the access
// log. It knows no domain, no command and no field of the schema.
package surface

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
)

// Request is what every surface knows of an HTTP request. It is read once, before any surface sees the request.
type Request struct {
	// ID identifies the request in the log, in errors and in the header X-Request-Id.
	ID string
	// Client is the address of the client, with or without port. Failed logins are counted by it.
	Client string
	// Scheme and Host are those under which the client reaches the server, such as "https" and "mail.example.com".
	Scheme, Host string
	// Token is the bearer token of the header Authorization, empty without one.
	Token string
	// HasAuthorization reports whether the header was sent at all, in whatever scheme.
	HasAuthorization bool

	record record
}

type requestKey struct{}

// RequestOf returns the request of a context, an empty one outside of a request. It is never nil.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// RequestID returns the id of the request of a context, empty outside of a request.
func RequestID(ctx context.Context) string { return RequestOf(ctx).ID }

// WithRequest returns a context that carries a request.
func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// Identify reads what is known of each request and puts it into the context. The id of a proxy before the server is kept
// where it is a reasonable one. A request that is identified already passes as it is.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, done := r.Context().Value(requestKey{}).(*Request); done {
			next.ServeHTTP(w, r)
			return
		}
		known := &Request{
			ID: r.Header.Get("X-Request-Id"), Client: r.RemoteAddr, Scheme: "http", Host: r.Host,
			Token: Bearer(r.Header.Get("Authorization")), HasAuthorization: r.Header.Get("Authorization") != "",
		}
		if !reasonable(known.ID) {
			known.ID = rand.Text()
		}
		if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
			known.Scheme = "https"
		}
		w.Header().Set("X-Request-Id", known.ID)
		next.ServeHTTP(w, r.WithContext(WithRequest(r.Context(), known)))
	})
}

// Bearer returns the token of an Authorization header, empty when it is of another scheme.
func Bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// reasonable reports whether the id of another program may be used in headers, errors and logs.
func reasonable(id string) bool {
	return len(id) > 0 && len(id) <= 64 && strings.IndexFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	}) < 0
}
