// Package surface owns what all HTTP surfaces share: the identity of a request and of its client,
// admission to costly work, deadlines, the mapping of errors to HTTP statuses and GraphQL codes,
// JSON responses, panic recovery and the access log. It must not know any domain, any command or
// any field of the schema.
package surface

import (
	"context"
	"net/netip"
)

// Request is what all surfaces know about an HTTP request. It is read once, before any surface
// handles the request.
type Request struct {
	// ID identifies the request in the log, in errors and in the X-Request-Id header.
	ID string
	// Client is the IP address of the client, without port and zone. If the peer is a trusted
	// proxy, the address comes from its forwarding headers. Failed logins and sockets are counted
	// per client address.
	Client string
	// Scheme and Host are the ones that the client used to reach the server, for example "https"
	// and "mail.example.com".
	Scheme, Host string
	// Token is the bearer token of the Authorization header, or empty if there is none.
	Token string
	// HasAuthorization reports whether the Authorization header was sent, with any scheme.
	HasAuthorization bool

	publicURL string
	record    record
}

// BaseURL returns the URL under which the client reaches the server, without a trailing slash. This
// is the configured URL, or else the scheme and host of the request.
func (r *Request) BaseURL() string {
	if r.publicURL != "" {
		return r.publicURL
	}
	return r.Scheme + "://" + r.Host
}

// Network returns the key for limits per client network: an IPv4 address, or the /64 network of an
// IPv6 address. A /64 network usually belongs to one customer, who can use many addresses in it.
func (r *Request) Network() string {
	address, err := netip.ParseAddr(r.Client)
	if err != nil || address.Is4() {
		return r.Client
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}

type requestKey struct{}

// RequestOf returns the request in ctx. Outside of a request it returns an empty one, never nil.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// RequestID returns the id of the request in ctx, or an empty string outside of a request.
func RequestID(ctx context.Context) string { return RequestOf(ctx).ID }

func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}
