package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"campaignql/internal/surface"
)

// subprotocol is the only subprotocol that the server accepts
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
const subprotocol = "graphql-transport-ws"

// The codes with which the protocol closes a connection, and the limits and defaults of a
// connection.
const (
	CloseInternal           = 4500
	CloseInvalid            = 4400
	CloseUnauthorized       = 4401
	CloseForbidden          = 4403
	CloseSubprotocol        = 4406
	CloseInitTimeout        = 4408
	CloseDuplicate          = 4409
	CloseTooManyInits       = 4429
	CloseTryLater           = int(websocket.StatusTryAgainLater)
	closeGoingAway          = int(websocket.StatusGoingAway)
	closeTooBig             = int(websocket.StatusMessageTooBig)
	maxReason, maxIDLength  = 100, 200
	CodeRateLimited         = "RATE_LIMITED"
	CodeUnavailable         = "UNAVAILABLE"
	codeUnauthenticated     = "UNAUTHENTICATED"
	defaultInitTimeout      = 10 * time.Second
	defaultAnonymousTimeout = 30 * time.Second
	// endedGrace is how long subscriptions may take to report that the caller's key or session has
	// ended.
	endedGrace              = time.Second
	defaultPing             = 20 * time.Second
	defaultSocketOperations = 32
	defaultMessageTimeout   = 2 * time.Minute
)

// Closing is an error that closes a connection. The client receives its code and reason.
type Closing struct {
	Code   int
	Reason string
}

// Error implements error.
func (c *Closing) Error() string { return c.Reason }

// Socket is the transport over WebSocket, for operations of every kind. It accepts only the
// subprotocol graphql-transport-ws. Documents pass the same rules as those of HTTP. Socket does not
// check the origin of a page: the middleware before it must.
type Socket struct {
	// MaxMessage is the upper bound of a client's message in bytes. Zero means DefaultMaxBody. A
	// larger message closes the connection with 1009.
	MaxMessage int64
	// Registered is that of [HTTP].
	Registered bool
	// Bodies admits messages that are not small, in the same way as HTTP bodies. The default is a
	// set of limits shared by all transports without limits of their own. Identify, if set, returns
	// the owner of the connection from the context that Init returned.
	Bodies   *surface.Bodies
	Identify func(ctx context.Context) surface.Grant
	// MaxOperations is the upper bound of concurrent operations on one connection. Zero means 32.
	// Each further operation is rejected with an error.
	MaxOperations int
	// InitTimeout is how long a client may take to send connection_init; 10 s by default.
	InitTimeout time.Duration
	// AnonymousTimeout is how long a connection without a known caller may stay open; 30 s by
	// default.
	AnonymousTimeout time.Duration
	// MessageSilence is how long a client may pause within a message, 30 s by default.
	// MessageTimeout is how long it may take to send a whole message, 2 min by default.
	MessageSilence, MessageTimeout time.Duration
	// Ping is the interval between pings to the client, and also the time that the client has to
	// answer one; 20 s by default.
	Ping time.Duration
	// Init reads the payload of connection_init. It returns a *Closing to reject the connection.
	Init func(ctx context.Context, payload map[string]any) (Connection, error)
	// Enter, if set, takes a place for a connection whose caller is not known yet.
	Enter func(ctx context.Context) Place
	// Stopping is closed when the server begins to stop. Subscriptions end then, other operations
	// run to their end, and after them the connection is closed with 1001.
	Stopping <-chan struct{}
}

// Connection is the result of connection_init.
type Connection struct {
	// Context is the context of the connection's operations.
	Context context.Context
	// Known reports whether the caller is known.
	Known bool
	// Ended is closed when the caller's key or session has ended. The connection is then closed
	// with 4403. A nil channel means that this never happens.
	Ended <-chan struct{}
}

// Place is held by a connection until its caller is known.
type Place interface {
	// Lost is closed when another connection took the place. This connection must then end.
	Lost() <-chan struct{}
	// Leave returns the place. It may be called more than once.
	Leave()
}

var _ graphql.Transport = Socket{}

// Supports implements [graphql.Transport].
func (Socket) Supports(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Do implements [graphql.Transport]. It returns when the connection has ended.
func (t Socket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	var place Place
	if t.Enter != nil {
		place = t.Enter(r.Context())
		defer place.Leave()
	}
	conn, err := websocket.Accept(
		w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true},
	)
	if err != nil {
		return // Accept has written the answer
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() == "" {
		_ = conn.Close(CloseSubprotocol, "Subprotocol not acceptable: speak "+subprotocol)
		return
	}
	conn.SetReadLimit(orDefault(t.MaxMessage, DefaultMaxBody))
	ctx, cancel := context.WithCancel(r.Context())
	c := &socket{
		Socket: t, conn: conn, exec: exec, header: r.Header, ctx: ctx, place: place,
		active: map[string]*operation{}, acknowledged: make(chan struct{}),
	}
	c.connection.Context = ctx
	c.MaxOperations = orDefault(t.MaxOperations, defaultSocketOperations)
	c.Ping = orDefault(t.Ping, defaultPing)
	c.InitTimeout = orDefault(t.InitTimeout, defaultInitTimeout)
	c.AnonymousTimeout = orDefault(t.AnonymousTimeout, defaultAnonymousTimeout)
	c.places = make(chan struct{}, 2*c.MaxOperations)
	var background sync.WaitGroup
	background.Go(c.keep)
	if closing := c.read(); closing != nil {
		c.close(closing.Code, closing.Reason)
	}
	cancel()
	c.running.Wait()
	background.Wait()
}

// orDefault returns the standard for a value that is 0 or negative.
func orDefault[T int | int64 | time.Duration](value, standard T) T {
	if value > 0 {
		return value
	}
	return standard
}

// socket is one connection.
type socket struct {
	Socket
	conn   *websocket.Conn
	exec   graphql.GraphExecutor
	header http.Header
	// ctx is the context of the connection and ends with it.
	ctx context.Context
	// place is held while the caller is not known. It is nil if such connections have no limit.
	place Place
	// connection is the result of connection_init. It may be read once acknowledged is closed.
	connection Connection
	// initialized is set when connection_init arrives. acknowledged is closed when it is answered.
	initialized  bool
	acknowledged chan struct{}

	// places are held by operations until they are completely over. There are twice as many places
	// as active operations allowed, so that as many operations may be ending as may be active. The
	// client's next message waits for a free place.
	places chan struct{}

	// sending is locked while a message is being written. writing is the start of that write in
	// nanoseconds of Unix time, and zero if no write is in progress.
	sending sync.Mutex
	writing atomic.Int64

	mu       sync.Mutex
	active   map[string]*operation
	stopping bool
	// ended reports whether the caller's key or session has ended.
	ended   bool
	running sync.WaitGroup
}

// read handles the client's messages until the connection ends. It returns how to close the
// connection, or nil if it is closed already.
func (c *socket) read() *Closing {
	for {
		body := new(surface.Body)
		m, closing := c.receive(body)
		if m != nil && closing == nil {
			closing = c.handle(*m, body)
		} else {
			body.Release()
		}
		if m == nil || closing != nil {
			return closing
		}
	}
}

// handle carries out a message. An operation holds the body of its message until it has ended.
func (c *socket) handle(m message, body *surface.Body) *Closing {
	if m.Type == "subscribe" {
		select {
		case <-c.acknowledged:
			return c.subscribe(m, body)
		default:
			body.Release()
			return &Closing{CloseUnauthorized, "Unauthorized"}
		}
	}
	defer body.Release()
	switch m.Type {
	case "connection_init":
		return c.init(m)
	case "ping":
		c.send(message{Type: "pong", Payload: m.Payload})
	case "pong":
	case "complete":
		c.mu.Lock()
		defer c.mu.Unlock()
		if op := c.active[m.ID]; op != nil {
			op.cancel()
			delete(c.active, m.ID)
		}
	default:
		return &Closing{CloseInvalid, "Invalid message received"}
	}
	return nil
}

// init answers connection_init, or returns how to close the connection.
func (c *socket) init(m message) *Closing {
	if c.initialized {
		return &Closing{CloseTooManyInits, "Too many initialisation requests"}
	}
	c.initialized = true
	var payload object
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		return &Closing{CloseInvalid, "Invalid message received"}
	}
	if c.Init != nil {
		connection, err := c.Init(c.ctx, payload)
		if err != nil {
			return closingOf(err)
		}
		if c.connection = connection; connection.Known && c.place != nil {
			c.place.Leave()
		}
	}
	c.send(message{Type: "connection_ack"})
	close(c.acknowledged)
	return nil
}

func closingOf(err error) *Closing {
	if closing := (*Closing)(nil); errors.As(err, &closing) {
		return closing
	}
	return &Closing{CloseInternal, "Internal server error"}
}
