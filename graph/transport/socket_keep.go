package transport

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// keep closes the connection if its client sends no connection_init or no credentials in time, is
// gone, or its key or session has ended. It also closes the connection when the server stops.
func (c *socket) keep() {
	tick := time.NewTicker(c.Ping)
	defer tick.Stop()
	late := time.NewTimer(c.InitTimeout)
	defer late.Stop()
	anonymous := time.NewTimer(c.AnonymousTimeout)
	defer anonymous.Stop()
	acknowledged := c.acknowledged
	var lost, ended <-chan struct{}
	if c.place != nil {
		lost = c.place.Lost()
	}
	var pong chan bool // receives the result of the pending ping, nil if there is none
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-acknowledged:
			late.Stop()
			acknowledged = nil
			if c.Init == nil || c.connection.Known {
				anonymous.Stop()
				lost, ended = nil, c.connection.Ended
			}
		case <-late.C:
			c.close(CloseInitTimeout, "Connection initialisation timeout")
			return
		case <-anonymous.C:
			c.close(CloseUnauthorized, "Unauthorized: send an API key or a session with connection_init")
			return
		case <-lost:
			_ = c.conn.CloseNow() // without a close frame, which would wait for the client
			return
		case <-ended:
			c.endSubscriptions(endedGrace)
			c.close(CloseForbidden, "Forbidden: the API key or session has ended")
			return
		case <-tick.C:
			if pong == nil {
				pong = make(chan bool, 1)
				go func(to chan<- bool) { to <- c.answers() }(pong)
			}
		case there := <-pong:
			if pong = nil; !there {
				_ = c.conn.CloseNow()
				return
			}
		case <-c.Stopping:
			c.finish()
			c.close(closeGoingAway, "The server is stopping")
			return
		}
	}
}

// endSubscriptions waits until every operation has ended on its own, but at most for grace. No new
// operation can start.
func (c *socket) endSubscriptions(grace time.Duration) {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.running.Wait()
	}()
	select {
	case <-done:
	case <-time.After(grace):
	}
}

func (c *socket) answers() bool {
	ctx, cancel := context.WithTimeout(c.ctx, c.Ping)
	defer cancel()
	return c.conn.Ping(ctx) == nil
}

// finish cancels the subscriptions and waits for the other operations. It does not wait for a
// client that reads nothing.
func (c *socket) finish() {
	deaf := time.AfterFunc(stoppingTimeout, func() {
		if since := c.writing.Load(); since != 0 && time.Since(time.Unix(0, since)) >= stoppingTimeout {
			_ = c.conn.CloseNow()
		}
	})
	defer deaf.Stop()
	c.mu.Lock()
	c.stopping = true
	for _, op := range c.active {
		if op.endless {
			op.cancel()
		}
	}
	c.mu.Unlock()
	c.running.Wait()
}

func (c *socket) close(code int, reason string) {
	for len(reason) > maxReason || !utf8.ValidString(reason) {
		reason = reason[:min(maxReason, len(reason)-1)]
	}
	_ = c.conn.Close(websocket.StatusCode(code), reason)
}
