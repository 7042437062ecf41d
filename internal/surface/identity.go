package surface

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// Identity configures how requests are identified. The zero value trusts no proxy.
type Identity struct {
	// Proxies are the peers whose forwarding headers are used. Those of other peers are ignored.
	Proxies Proxies
	// PublicURL is the URL under which clients reach the server. If it is empty, the URL is derived
	// from each request.
	PublicURL string
	// Logger receives one warning of each kind when forwarding headers are ignored. The default is
	// slog.Default().
	Logger *slog.Logger
}

// Identify stores a [Request] in the context before any surface sees the request. It keeps an
// X-Request-Id if its format is acceptable, and sets r.Host to the host that the client used. A
// request that is already identified is passed on unchanged.
func Identify(opts Identity, next http.Handler) http.Handler {
	identifier := newIdentifier(opts)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, done := r.Context().Value(requestKey{}).(*Request); done {
			next.ServeHTTP(w, r)
			return
		}
		known := identifier.identify(r)
		w.Header().Set("X-Request-Id", known.ID)
		r = r.WithContext(WithRequest(r.Context(), known))
		r.Host = known.Host
		next.ServeHTTP(w, r)
	})
}

type identifier struct {
	Identity
	warnIgnored, warnContradiction sync.Once
}

func newIdentifier(opts Identity) *identifier {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	opts.PublicURL = strings.TrimSuffix(opts.PublicURL, "/")
	return &identifier{Identity: opts}
}

func (i *identifier) identify(r *http.Request) *Request {
	authorization := r.Header.Get("Authorization")
	known := &Request{
		ID: r.Header.Get("X-Request-Id"), Client: r.RemoteAddr, Scheme: "http", Host: r.Host,
		Token: Bearer(authorization), HasAuthorization: authorization != "", publicURL: i.PublicURL,
	}
	if !reasonable(known.ID) {
		known.ID = rand.Text()
	}
	if r.TLS != nil {
		known.Scheme = "https"
	}
	peer, err := parseAddress(r.RemoteAddr)
	if err == nil {
		known.Client = peer.String()
	}
	i.forwarded(r, peer, known)
	return known
}

// forwarded applies the forwarding headers of a trusted peer.
func (i *identifier) forwarded(r *http.Request, peer netip.Addr, known *Request) {
	header := forwardingHeader(r.Header)
	switch {
	case header == "":
		return
	case !i.Proxies.Trusts(peer):
		i.warnIgnored.Do(func() {
			i.Logger.Warn("forwarding headers are ignored, because the peer is no trusted proxy; "+
				"if it is your proxy, name it in --trusted-proxy (CAMPAIGNQL_TRUSTED_PROXIES)",
				slog.String("peer", known.Client), slog.String("header", header))
		})
		return
	}
	origin, ok := i.Proxies.origin(r.Header, peer)
	if !ok {
		i.warnContradiction.Do(func() {
			i.Logger.Warn("forwarding headers are ignored, because Forwarded and X-Forwarded-For name different "+
				"clients; let the proxy remove the header that it does not set", slog.String("peer", known.Client))
		})
		return
	}
	if origin.client.IsValid() {
		known.Client = origin.client.String()
	}
	if origin.scheme != "" {
		known.Scheme = origin.scheme
	}
	if origin.host != "" {
		known.Host = origin.host
	}
}

// forwardingHeader returns the name of the first forwarding header in h, or empty for none.
func forwardingHeader(h http.Header) string {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		if len(h.Values(name)) > 0 {
			return name
		}
	}
	return ""
}

// Bearer returns the token of an Authorization header, or empty if its scheme is not Bearer.
func Bearer(header string) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// reasonable reports whether a request id from outside may be used in headers, errors and logs.
func reasonable(id string) bool {
	return len(id) > 0 && len(id) <= 64 && strings.IndexFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	}) < 0
}
