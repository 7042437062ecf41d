package surface

import (
	linked "container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/gate"
)

const (
	// excessPlaces is how many connections above the limits are accepted, so that their requests
	// can be rejected with an HTTP response.
	excessPlaces = 64
	// warnEvery is the minimum interval between two log warnings about the same limit.
	warnEvery = time.Minute
)

// ListenOptions are the settings of a Listener. For limits, zero means no limit.
type ListenOptions struct {
	// Timeout is how long a write may block because the client does not read. The default is
	// DefaultClientTimeout.
	Timeout time.Duration
	// MaxClients limits the open connections of the server, and MaxAddressClients those of one
	// client address (for IPv6: one /64 network). MaxAddressClients does not apply to trusted
	// proxies.
	MaxClients, MaxAddressClients int
	Proxies                       Proxies
	// Logger receives a warning when a limit is reached. The default is slog.Default().
	Logger *slog.Logger
}

// address tracks the connections of one client address.
type address struct {
	open int
	// waiting lists the connections that wait for a request or for the rest of its headers, the
	// longest wait first.
	waiting linked.List
}

func (l *Listener) Serve(server *http.Server) error {
	server.ConnState = l.track
	server.ConnContext = func(ctx context.Context, of net.Conn) context.Context {
		if c, ok := of.(*conn); ok && c.excess != nil {
			return context.WithValue(ctx, excessKey{}, c.excess)
		}
		return ctx
	}
	return server.Serve(l)
}

// enter registers a connection. If a limit is reached, the connection replaces a waiting one; if
// there is none to replace, it is marked as excess. The caller must call then after enter returned,
// without the lock.
func (l *Listener) enter(c *conn) (then func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = struct{}{}
	full, setting := l.full(c)
	if full == nil {
		l.place(c)
		return func() {}
	}
	warn := l.warning(c, setting)
	if other := l.longestWaiting(c.network, setting); other != nil {
		l.leave(other)
		l.place(c)
		return func() { warn(); _ = other.Conn.Close() }
	}
	c.excess, c.gone = full, make(chan struct{})
	return func() { warn(); go c.linger(l.lobby.Enter(c.network.String())) }
}

const (
	maxClients        = "--max-clients"
	maxAddressClients = "--max-address-clients"
)

// full returns the error and the name of the limit that a further connection would exceed, or nil
// if it exceeds none.
func (l *Listener) full(c *conn) (*apperr.Error, string) {
	of := l.addresses[c.network]
	switch {
	case l.MaxAddressClients > 0 && !c.trusted && of != nil && of.open >= l.MaxAddressClients:
		return &apperr.Error{
			Code: apperr.Limited, RetryAfter: time.Second,
			Message: "your address has as many connections open as it may: use fewer, or close some",
		}, maxAddressClients
	case l.MaxClients > 0 && l.placed >= l.MaxClients:
		return &apperr.Error{
			Code: apperr.Unavailable, RetryAfter: time.Second,
			Message: "the server has as many connections open as it may: try again",
		}, maxClients
	}
	return nil, ""
}

// place counts a connection as open. It then waits for its first request.
func (l *Listener) place(c *conn) {
	of := l.addresses[c.network]
	if of == nil {
		of = new(address)
		l.addresses[c.network] = of
	}
	l.placed++
	of.open++
	c.address = of
	c.wait(true)
}

// leave stops counting a connection. It may be called more than once.
func (l *Listener) leave(c *conn) {
	if c.address == nil {
		return
	}
	c.wait(false)
	l.placed--
	if c.address.open--; c.address.open == 0 {
		delete(l.addresses, c.network)
	}
	c.address = nil
}

// wait records whether the connection waits for a request. Excess connections are not listed,
// because they have no address.
func (c *conn) wait(waits bool) {
	if c.element != nil {
		c.address.waiting.Remove(c.element)
		c.element = nil
	}
	if waits && c.address != nil {
		c.element = c.address.waiting.PushBack(c)
	}
	c.waiting.Store(waits)
}

// longestWaiting returns the connection that is closed in favor of a new one, or nil for none. For
// the limit per address this is the longest waiting connection of the same address. For the limit
// of the server it is the longest waiting connection of the address with the most waiting ones, so
// that one address cannot lock out others with idle connections.
func (l *Listener) longestWaiting(network netip.Prefix, setting string) *conn {
	most := l.addresses[network]
	if setting == maxClients {
		for _, of := range l.addresses {
			if most == nil || of.waiting.Len() > most.waiting.Len() {
				most = of
			}
		}
	}
	if most == nil || most.waiting.Len() == 0 {
		return nil
	}
	return most.waiting.Front().Value.(*conn)
}

// warning returns a function that logs that a limit is reached. It logs at most once per warnEvery
// and limit.
func (l *Listener) warning(c *conn, setting string) func() {
	now := time.Now()
	if now.Sub(l.warned[setting]) < warnEvery {
		return func() {}
	}
	l.warned[setting] = now
	message := "the server has as many connections as it may: those that wait are closed, and then new ones refused"
	if setting == maxAddressClients {
		message = "one address has as many connections as it may: those that wait are closed, and then new ones " +
			"refused; if it is your proxy or load balancer, name it in --trusted-proxy (CAMPAIGNQL_TRUSTED_PROXIES)"
	}
	return func() {
		l.Logger.Warn(message, slog.String("peer", c.network.String()), slog.String("setting", setting))
	}
}

// track is the ConnState hook of the HTTP server. It keeps the waiting lists up to date.
func (l *Listener) track(of net.Conn, state http.ConnState) {
	c, ok := of.(*conn)
	if !ok {
		return
	}
	if state == http.StateIdle {
		c.endHeaders()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.wait(state == http.StateNew || state == http.StateIdle)
}

// linger keeps an excess connection until it ends, or closes it when a newer one takes its place in
// the lobby.
func (c *conn) linger(guest *gate.Guest) {
	defer guest.Leave()
	select {
	case <-guest.Lost():
		_ = c.Close()
	case <-c.gone:
	}
}

type excessKey struct{}

// RefuseExcess rejects the requests of excess connections, except for the given paths, which are
// health checks. An excess connection serves one request and is then closed.
func RefuseExcess(log *slog.Logger, next http.Handler, paths ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		excess, _ := r.Context().Value(excessKey{}).(*apperr.Error)
		if excess == nil {
			next.ServeHTTP(w, r)
			return
		}
		LeaveUnread(w)
		if slices.Contains(paths, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		Refuse(w, r, log, excess)
	})
}

const (
	// freeHeaders is how many header bytes of a request are not charged to any memory limit. Nearly
	// all requests have fewer.
	freeHeaders = 4 << 10
	// allHeaders limits the header bytes above freeHeaders for all requests together, and
	// addressHeaders for those of one address. Short header lines use about ten times their length
	// in memory.
	allHeaders, addressHeaders = 4 << 20, 1 << 20
)

// errHeaders ends a connection if there is no memory for its headers. The HTTP server sends no
// response after a failed read.
var errHeaders = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("no memory for the headers of the request")}

// Read implements [net.Conn]. It writes the 503 response itself if there is no memory for the
// headers.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 || !c.waiting.Load() || c.countHeaders(int64(n)) {
		return n, err
	}
	const answer = `{"errors":[{"message":"the server reads as many long headers as it has memory for: try again",` +
		`"extensions":{"code":"UNAVAILABLE","retryAfterSeconds":1}}]}`
	_, _ = c.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n" +
		"Content-Type: application/json\r\n\r\n" + answer))
	return 0, errHeaders
}

// countHeaders charges n bytes of headers and reports whether there was memory for them.
func (c *conn) countHeaders(n int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers += n
	more := c.headers - freeHeaders - c.taken
	if more <= 0 {
		return true
	}
	l := c.listener
	if l.headers.Take(0, more) != nil {
		return false
	}
	if !c.trusted && l.addressHeaders.Take(hash(c.network.String()), more) != nil {
		l.headers.Give(0, more)
		return false
	}
	c.taken += more
	return true
}

// endHeaders gives back the memory of the headers after their request has ended.
func (c *conn) endHeaders() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken > 0 {
		c.listener.headers.Give(0, c.taken)
		if !c.trusted {
			c.listener.addressHeaders.Give(hash(c.network.String()), c.taken)
		}
	}
	c.headers, c.taken = 0, 0
}

// networkOf returns the network by which clients are counted: the IPv4 address, or the /64 network
// of an IPv6 address.
func networkOf(peer netip.Addr) netip.Prefix {
	if peer.Is6() {
		return netip.PrefixFrom(peer, 64).Masked()
	}
	return netip.PrefixFrom(peer, peer.BitLen())
}
