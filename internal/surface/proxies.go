package surface

import (
	"net/http"
	"net/netip"
	"slices"
)

// Proxies are the networks of the trusted proxies. IPv4 networks must be in IPv4 form.
type Proxies []netip.Prefix

// Trusts reports whether the forwarding headers of a peer are used. A peer without an address, for
// example on a unix socket, is not trusted.
func (p Proxies) Trusts(peer netip.Addr) bool {
	return peer.IsValid() && slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(peer) })
}

// origin is what the forwarding headers say about the client. client is the proxy's own address if
// the proxy names the client by something other than an address. scheme and host are empty if no
// proxy reports them.
type origin struct {
	client       netip.Addr
	scheme, host string
}

// origin reads the headers of a request from a trusted peer. It returns false if Forwarded and
// X-Forwarded-For contradict each other: one of the two then came from the client, and there is no
// way to know which.
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

// read walks the hops from the nearest to the farthest. The client is the first address that is not
// a trusted proxy, or the farthest address if all are trusted. A hop whose client is not an address
// ends the walk: farther hops may not come from a proxy, so the client is the proxy that wrote this
// hop.
func (p Proxies) read(hops []hop, peer netip.Addr) origin {
	found := origin{client: peer}
	for _, h := range slices.Backward(hops) {
		// The scheme and host from a farther trusted proxy win, because they are closer to what the
		// client used.
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
