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
	// excessPlaces is how many connections over a bound are open, to be refused in HTTP.
	excessPlaces = 64
	// warnEvery is how often the log says that a bound is reached.
	warnEvery = time.Minute
)

// ListenOptions are the settings of a Listener. Zero values of bounds are no bounds.
type ListenOptions struct {
	// Timeout is how long a client may take nothing of an answer; DefaultClientTimeout by default.
	Timeout time.Duration
	// MaxClients is how many connections are open at a time, and MaxAddressClients how many of one
	// client address (of IPv6 one /64 network). Proxies may have any number of them.
	MaxClients, MaxAddressClients int
	Proxies                       Proxies
	// Logger is told when a bound is reached. Default slog.Default().
	Logger *slog.Logger
}

// address is what is known of the connections of one client address.
type address struct {
	open int
	// waiting are connections that wait for a request or for the rest of its headers, the longest
	// first.
	waiting linked.List
}

// Serve serves HTTP over the listener until the server is closed.
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

// enter notes a connection. Where a bound is reached, the connection takes the place of one that
// waits, or is in excess; it returns what is to be done after that.
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

// full returns why a further connection is over a bound, and over which; nil if it is not.
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

// place counts a connection, which waits for its first request.
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

// leave counts a connection no longer. It may be called again.
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

// wait notes whether a connection waits. Those of excess are not looked for.
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

// longestWaiting returns the connection that gives way to a new one, nil for none: the one that has
// waited longest of the same address, or, where the server has too many, of the address with the
// most that wait. So one address cannot lock out others by connections that do nothing.
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

// warning returns what logs that a bound is reached, now and then.
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

// track follows what the connections are used for.
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

// linger closes a connection in excess when others need its place.
func (c *conn) linger(guest *gate.Guest) {
	defer guest.Leave()
	select {
	case <-guest.Lost():
		_ = c.Close()
	case <-c.gone:
	}
}

type excessKey struct{}

// RefuseExcess refuses the requests of connections that are over a bound, but for those of paths,
// by which others find out whether the server is up. Such a connection serves one request.
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
	// freeHeaders is how many bytes of headers are in no account of memory: nearly all requests have
	// fewer.
	freeHeaders = 4 << 10
	// allHeaders is how many more all requests under way may have, addressHeaders those of one
	// address. Short header lines take about ten times their length.
	allHeaders, addressHeaders = 4 << 20, 1 << 20
)

// errHeaders ends a connection for whose headers there is no memory. The HTTP server does not answer
// a read that fails.
var errHeaders = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("no memory for the headers of the request")}

// Read implements [net.Conn].
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

// countHeaders counts bytes of the headers that are being read, and reports whether there is memory
// for them.
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

// endHeaders gives back the memory of the headers: their request is over.
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

// networkOf returns by what clients are told apart: the address, or of IPv6 the /64 network.
func networkOf(peer netip.Addr) netip.Prefix {
	if peer.Is6() {
		return netip.PrefixFrom(peer, 64).Masked()
	}
	return netip.PrefixFrom(peer, peer.BitLen())
}
