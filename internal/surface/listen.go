package surface

import (
	"cmp"
	linked "container/list"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/gate"
)

// Listener limits how many connections are open. It also sets a deadline for every write to a
// client, for all surfaces: if a client reads nothing for the timeout, its connection is closed.
type Listener struct {
	net.Listener
	ListenOptions
	// lobby holds the connections above the limits. headers and addressHeaders limit the memory of
	// request headers: of all requests, and per client address.
	lobby                   *gate.Lobby
	headers, addressHeaders *gate.Gate

	mu       sync.Mutex
	stopping bool
	open     map[*conn]struct{}
	// placed counts the connections that are not excess; addresses tracks them per client address.
	placed    int
	addresses map[netip.Prefix]*address
	// warned is the time of the last warning for each limit.
	warned map[string]time.Time
}

// Listen wraps a listener. The limits of connections work only with [Listener.Serve].
func Listen(listener net.Listener, opts ListenOptions) *Listener {
	opts.Timeout = cmp.Or(opts.Timeout, DefaultClientTimeout)
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	const headers = "bytes of request headers"
	return &Listener{
		Listener: listener, ListenOptions: opts, open: map[*conn]struct{}{},
		lobby:     gate.NewLobby(excessPlaces),
		headers:   gate.New(headers, allHeaders, 0),
		addresses: map[netip.Prefix]*address{}, addressHeaders: gate.New(headers, 0, addressHeaders),
		warned: map[string]time.Time{},
	}
}

func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	peer, _ := parseAddress(inner.RemoteAddr().String()) // peers without an address count as one client
	c := &conn{Conn: inner, listener: l, network: networkOf(peer), trusted: l.Proxies.Trusts(peer)}
	l.enter(c)()
	return c, nil
}

// Stop shortens the write timeout to at most two seconds, so that clients that do not read cannot
// delay the shutdown.
func (l *Listener) Stop() {
	l.mu.Lock()
	l.stopping = true
	open := make([]*conn, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		c.hurry()
	}
}

// forget removes a closed connection. It may be called more than once.
func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.open[c]; !open {
		return
	}
	delete(l.open, c)
	l.leave(c)
	if c.gone != nil {
		close(c.gone)
	}
}

// patience returns the current write timeout.
func (l *Listener) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return min(l.Timeout, stoppingTimeout)
	}
	return l.Timeout
}

type conn struct {
	net.Conn
	listener *Listener
	// network identifies the client. trusted reports whether the client is a trusted proxy.
	network netip.Prefix
	trusted bool
	// waiting reports that the connection waits for a request or for the rest of its headers.
	waiting atomic.Bool
	// excess is the error for a connection above a limit, otherwise nil. gone is closed when an
	// excess connection closes.
	excess *apperr.Error
	gone   chan struct{}
	// address is the address under which the connection is counted, nil if it is not counted.
	// element is its entry in the waiting list. Both are guarded by the listener's lock.
	address *address
	element *linked.Element

	mu sync.Mutex
	// until is the deadline that a surface has set, zero for none.
	until   time.Time
	writing bool
	// headers is how many bytes of headers were read; taken is how many of them are charged.
	headers, taken int64
}

// Write implements [net.Conn]. It writes in parts, each with its own deadline.
func (c *conn) Write(p []byte) (written int, err error) {
	defer c.rest()
	for {
		part := p[written:min(len(p), written+writePart)]
		if err := c.arm(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(part)
		if written += n; err != nil || written == len(p) {
			return written, err
		}
	}
}

// arm sets the deadline of one part.
func (c *conn) arm() error {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = true
	return c.set(time.Now().Add(patience))
}

func (c *conn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
}

// set sets the write deadline to the earlier of deadline and the deadline of the surface.
func (c *conn) set(deadline time.Time) error {
	if !c.until.IsZero() && c.until.Before(deadline) {
		deadline = c.until
	}
	return c.Conn.SetWriteDeadline(deadline)
}

// hurry shortens the deadline of a write in progress.
func (c *conn) hurry() {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		_ = c.set(time.Now().Add(patience))
	}
}

// SetWriteDeadline implements [net.Conn]. It sets the deadline of a surface. During a write the
// deadline of the listener applies if it is earlier.
func (c *conn) SetWriteDeadline(deadline time.Time) error {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = deadline
	if !c.writing {
		return c.Conn.SetWriteDeadline(deadline)
	}
	return c.set(time.Now().Add(patience))
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(deadline time.Time) error {
	return errors.Join(c.SetReadDeadline(deadline), c.SetWriteDeadline(deadline))
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.endHeaders()
	c.listener.forget(c)
	return c.Conn.Close()
}
