package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

// message is one message of the protocol.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// frames is the source of a message body. If a client pauses too long within a message or takes too
// long for all of it, its connection is closed, because a started message may hold a place that
// other connections need.
type frames struct {
	io.Reader
	conn    *websocket.Conn
	late    *time.Timer
	silence time.Duration
	until   time.Time
}

// begun starts to read a message whose first frame has arrived.
func (c *socket) begun(reader io.Reader) *frames {
	f := &frames{Reader: reader, conn: c.conn, silence: orDefault(c.MessageSilence, surface.DefaultClientTimeout)}
	f.until = time.Now().Add(orDefault(c.MessageTimeout, defaultMessageTimeout))
	f.late = time.AfterFunc(f.silence, f.Interrupt)
	return f
}

// Read implements [io.Reader].
func (f *frames) Read(p []byte) (int, error) {
	f.late.Reset(min(f.silence, time.Until(f.until)))
	return f.Reader.Read(p)
}

// Interrupt implements [surface.Source].
func (f *frames) Interrupt() { _ = f.conn.CloseNow() }

// receive reads a message. It returns nil if the connection has ended.
func (c *socket) receive(body *surface.Body) (*message, *Closing) {
	kind, reader, err := c.conn.Reader(c.ctx)
	if err != nil {
		return nil, nil
	}
	most := orDefault(c.MaxMessage, DefaultMaxBody)
	from := c.begun(reader)
	err = orOwn(c.Bodies).Read(c.ctx, body, surface.BodyRequest{
		From: from, Length: -1, MaxBody: most,
		Identify: func(context.Context, []byte) (surface.Grant, error) { return c.owner(), nil },
	})
	from.late.Stop()
	if all := apperr.All(err); len(all) > 0 {
		return nil, &Closing{CloseTryLater, "Try again later: " + all[0].Error()}
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, &Closing{closeTooBig, "Message too big"}
	}
	if err != nil {
		return nil, nil // the client is too slow or gone
	}
	done, err := body.Decoding(c.ctx)
	if err != nil {
		return nil, nil
	}
	defer done()
	defer body.Forget()
	m, text := new(message), body.Bytes()
	if f := charge(body, text); f != nil {
		return nil, &Closing{CloseTryLater, "Try again later: " + f.message}
	}
	if kind != websocket.MessageText || !utf8.Valid(text) || json.Unmarshal(text, m) != nil {
		return nil, &Closing{CloseInvalid, "Invalid message received"}
	}
	return m, nil
}

// owner returns the owner of the connection, as far as it is known.
func (c *socket) owner() surface.Grant {
	if c.Identify == nil {
		return surface.Grant{}
	}
	return c.Identify(c.connection.Context)
}

// send writes a message. If the client reads nothing for writeTimeout, its connection is closed,
// which also ends everything else on it.
func (c *socket) send(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		return // cannot happen: the payload was JSON before
	}
	c.write(text)
}

// write writes the parts of a message. It joins the parts only when it has the lock, so that
// answers that wait for a slow client are held in memory only once.
func (c *socket) write(parts ...[]byte) {
	c.sending.Lock()
	defer c.sending.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
	defer cancel()
	c.writing.Store(time.Now().UnixNano())
	defer c.writing.Store(0)
	_ = c.conn.Write(ctx, websocket.MessageText, bytes.Join(parts, nil))
}

// next writes a response. Unlike send, it does not encode the data again.
func (c *socket) next(id string, resp *graphql.Response) {
	before, after, err := frame(resp)
	if err != nil {
		before, after = []byte(unencodable), nil
		resp = &graphql.Response{}
	}
	name, err := json.Marshal(id)
	if err != nil {
		return // cannot happen for a string
	}
	c.write([]byte(`{"id":`), name, []byte(`,"type":"next","payload":`), before, resp.Data, after, []byte(`}`))
}
