// Package surface owns what every HTTP surface has in common: the identity of a request and of its
// client, admission to costly work, deadlines, the mapping of failures to HTTP and to the codes of
// GraphQL, JSON answers, panics and the access log. It knows no domain, no command and no field of
// the schema.
package surface

import (
	"context"
	"net/netip"
)

// Request is what every surface knows of an HTTP request. It is read once, before any surface sees the request.
type Request struct {
	// ID identifies the request in the log, in errors and in the header X-Request-Id.
	ID string
	// Client is the IP address of the client, without port and zone, as far as trusted proxies tell it.
	// Failed logins and sockets are counted by it.
	Client string
	// Scheme and Host are those under which the client reaches the server, such as "https" and
	// "mail.example.com".
	Scheme, Host string
	// Token is the bearer token of the header Authorization, empty without one.
	Token string
	// HasAuthorization reports whether the header was sent at all, in whatever scheme.
	HasAuthorization bool

	publicURL string
	record    record
}

// BaseURL is the URL under which the client reaches the server, without a slash at the end: the
// configured one, or the scheme and host of the request.
func (r *Request) BaseURL() string {
	if r.publicURL != "" {
		return r.publicURL
	}
	return r.Scheme + "://" + r.Host
}

// Network is what clients are told apart by where they may have many addresses: the address, or of IPv6
// the /64 network, which one customer has to itself.
func (r *Request) Network() string {
	address, err := netip.ParseAddr(r.Client)
	if err != nil || address.Is4() {
		return r.Client
	}
	return netip.PrefixFrom(address, 64).Masked().String()
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
