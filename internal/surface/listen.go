package surface

import (
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

// Listener bounds how many connections are open, and gives every write to a client a deadline,
// whatever surface writes: a client that takes nothing for the timeout loses its connection.
type Listener struct {
	net.Listener
	ListenOptions
	// lobby has the connections over a bound. The headers of requests hold memory: of all, and of
	// those of one address.
	lobby                   *gate.Lobby
	headers, addressHeaders *gate.Gate

	mu       sync.Mutex
	stopping bool
	open     map[*conn]struct{}
	// placed counts the connections that are not in excess, addresses those of each client address.
	placed    int
	addresses map[netip.Prefix]*address
	// warned is when the log said that the bound of a setting is reached.
	warned map[string]time.Time
}

// Listen wraps a listener. The bounds of connections need [Listener.Serve].
func Listen(listener net.Listener, opts ListenOptions) *Listener {
	opts.Timeout = orDefault(opts.Timeout)
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

func orDefault(timeout time.Duration) time.Duration {
	if timeout == 0 {
		return DefaultClientTimeout
	}
	return timeout
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	peer, _ := parseAddress(inner.RemoteAddr().String()) // all that have none are one client
	c := &conn{Conn: inner, listener: l, network: networkOf(peer), trusted: l.Proxies.Trusts(peer)}
	l.enter(c)()
	return c, nil
}

// Stop shortens the timeout for a server that stops, to two seconds: clients that take nothing do not hold it up.
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

// forget lets go of a connection that is closed. It may be called again.
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

// patience is how long a write may take now.
func (l *Listener) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return min(l.Timeout, stoppingTimeout)
	}
	return l.Timeout
}

// conn is one connection.
type conn struct {
	net.Conn
	listener *Listener
	// network is by what its client is told apart; trusted reports that it is a trusted proxy.
	network netip.Prefix
	trusted bool
	// waiting reports that it waits for a request, or for the rest of its headers.
	waiting atomic.Bool
	// excess is why it is over a bound, nil if it is not; gone is then closed with it.
	excess *apperr.Error
	gone   chan struct{}
	// address is where it is counted, nil where it is not, element its place among those that wait.
	// The lock of the listener guards both.
	address *address
	element *linked.Element

	mu sync.Mutex
	// until is the deadline that a surface has set by itself, zero for none.
	until   time.Time
	writing bool
	// headers is how many bytes of headers came, taken what of them is in accounts of memory.
	headers, taken int64
}

// Write implements [net.Conn].
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

// set sets a deadline, or the one of the surface where that is earlier.
func (c *conn) set(deadline time.Time) error {
	if !c.until.IsZero() && c.until.Before(deadline) {
		deadline = c.until
	}
	return c.Conn.SetWriteDeadline(deadline)
}

// hurry shortens the deadline of the write that is under way.
func (c *conn) hurry() {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		_ = c.set(time.Now().Add(patience))
	}
}

// SetWriteDeadline implements [net.Conn]: the deadline of a surface, which that of the listener may precede.
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
