package surface

import (
	"net/http"
	"net/netip"
	"strings"
)

// hop is what one proxy reports about the connection that it accepted.
type hop struct {
	// client is the address of the client that connected to the proxy. It is invalid if the proxy
	// reported none, or reported something else, for example "unknown" or an obfuscated identifier.
	// named is true if the proxy reported anything, valid or not.
	client       netip.Addr
	named        bool
	scheme, host string
}

// legacyHops reads X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host. The last entries of the
// three lists belong to the nearest proxy. If a list of schemes or hosts is shorter, not every
// proxy appended to it; its first entry then belongs to the farthest proxy.
func legacyHops(h http.Header) []hop {
	clients, schemes, hosts := list(h, "X-Forwarded-For"), list(h, "X-Forwarded-Proto"), list(h, "X-Forwarded-Host")
	hops := make([]hop, max(len(clients), 1))
	for i := range hops {
		if i < len(clients) {
			hops[i].name(clients[i])
		}
		hops[i].scheme = webScheme(aligned(schemes, i, len(hops)))
		hops[i].host = webHost(aligned(hosts, i, len(hops)))
	}
	return hops
}

// aligned returns the entry of a list that belongs to hop i of n.
func aligned(values []string, i, n int) string {
	if len(values) == 0 {
		return ""
	}
	return values[max(0, len(values)-n+i)]
}

// list returns the entries of a header, which may span several lines.
func list(h http.Header, name string) []string {
	lines := h.Values(name)
	if len(lines) == 0 {
		return nil
	}
	entries := strings.Split(strings.Join(lines, ","), ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return entries
}

// forwardedHops reads the Forwarded header (RFC 7239).
func forwardedHops(lines []string) []hop {
	if len(lines) == 0 {
		return nil
	}
	var hops []hop
	for element := range split(strings.Join(lines, ","), ',') {
		var h hop
		for pair := range split(element, ';') {
			name, value, _ := strings.Cut(pair, "=")
			switch value = unquoted(strings.TrimSpace(value)); strings.ToLower(strings.TrimSpace(name)) {
			case "for":
				h.name(value)
			case "proto":
				h.scheme = webScheme(value)
			case "host":
				h.host = webHost(value)
			}
		}
		hops = append(hops, h)
	}
	return hops
}

// split yields the parts of text between separators, ignoring separators inside quoted strings.
func split(text string, separator byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		begin, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch {
			case quoted && text[i] == '\\':
				i++
			case text[i] == '"':
				quoted = !quoted
			case !quoted && text[i] == separator:
				if !yield(text[begin:i]) {
					return
				}
				begin = i + 1
			}
		}
		yield(text[begin:])
	}
}

// unquoted returns the content of a quoted string. Any other text is returned unchanged.
func unquoted(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	var content strings.Builder
	for i := 1; i < len(text)-1; i++ {
		if text[i] == '\\' && i+1 < len(text)-1 {
			i++
		}
		content.WriteByte(text[i])
	}
	return content.String()
}

func (h *hop) name(text string) {
	address, err := parseAddress(text)
	h.client, h.named = address, true
	if err != nil {
		h.client = netip.Addr{}
	}
}

// parseAddress parses an address with or without port. IPv6 may be in brackets.
func parseAddress(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return plain(withPort.Addr()), nil
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(text)
	return plain(address), err
}

// plain returns an address in the form used for comparison: without zone, and as IPv4 if it is an
// IPv4-mapped IPv6 address.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// webScheme returns "http" or "https", or empty for anything else. Proxies report a WebSocket as ws
// or wss.
func webScheme(text string) string {
	switch strings.ToLower(text) {
	case "https", "wss":
		return "https"
	case "http", "ws":
		return "http"
	}
	return ""
}

// webHost returns text if it can be a host with or without port, otherwise empty.
func webHost(text string) string {
	if len(text) > 255 || strings.ContainsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') &&
			!strings.ContainsRune("-._:[]", r)
	}) {
		return ""
	}
	return text
}
