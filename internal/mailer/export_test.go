package mailer

import (
	"context"
	"net"
)

// Open makes a connection of one that a test has opened, as [Dial] does.
func Open(ctx context.Context, conn net.Conn, route Route) (*Conn, error) {
	c := newConn(conn, route.withDefaults())
	if fault := c.prepare(ctx, func(Step, string) {}); fault != nil {
		c.end(fault)
		return nil, fault
	}
	return c, nil
}
