package surface

import (
	"net/http"
	"net/netip"
	"slices"
)

// Proxies are the networks of the trusted proxies, IPv4 in its own form.
type Proxies []netip.Prefix

// Trusts reports whether the forwarding headers of a peer count. A peer without an address, such as
// one on a unix socket, is not trusted.
func (p Proxies) Trusts(peer netip.Addr) bool {
	return peer.IsValid() && slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(peer) })
}

// origin is what the forwarding headers tell of the client. The client is invalid when the proxy
// names it by something other than an address; scheme and host are empty when no proxy names them.
type origin struct {
	client       netip.Addr
	scheme, host string
}

// origin reads the headers of a request that came from a trusted peer. It reports false when
// Forwarded and X-Forwarded-For contradict each other: one of them then came from the client, and
// nothing reports which.
func (p Proxies) origin(h http.Header, peer netip.Addr) (origin, bool) {
	standard := forwardedHops(h.Values("Forwarded"))
	one, two := p.read(standard, peer), p.read(legacyHops(h), peer)
	switch {
	case len(standard) == 0:
		return two, true
	case len(h.Values("X-Forwarded-For")) > 0 && one.client != two.client:
		return origin{}, false
	}
	if one.scheme == "" {
		one.scheme = two.scheme
	}
	if one.host == "" {
		one.host = two.host
	}
	return one, true
}

// read walks the hops from the nearest to the farthest. The client is the first address that is no
// trusted proxy, or the farthest when all are. A hop without an address ends the walk: what lies
// beyond it is not known to come from a proxy, so the client is the proxy that wrote the hop.
func (p Proxies) read(hops []hop, peer netip.Addr) origin {
	found := origin{client: peer}
	for _, h := range slices.Backward(hops) {
		// What a farther trusted proxy tells is nearer to what the client asked for.
		if h.scheme != "" {
			found.scheme = h.scheme
		}
		if h.host != "" {
			found.host = h.host
		}
		if !h.client.IsValid() {
			if h.named {
				break
			}
			continue
		}
		if found.client = h.client; !p.Trusts(h.client) {
			break
		}
	}
	return found
}
