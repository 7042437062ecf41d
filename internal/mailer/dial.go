package mailer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Dial connects along a route: DNS, connect, greeting, TLS, EHLO, AUTH. The error is a *[Fault].
// Canceling the context ends only Dial, not the connection that it returned.
func Dial(ctx context.Context, route Route) (*Conn, error) {
	c, fault := dial(ctx, route, func(Step, string) {})
	if fault != nil {
		return nil, fault
	}
	return c, nil
}

// dial calls passed for each step that went well. Of a connection that failed it returns what is
// known, closed.
func dial(ctx context.Context, route Route, passed func(step Step, text string)) (*Conn, *Fault) {
	route = route.withDefaults()
	conn, fault := connect(ctx, route)
	if fault != nil {
		return nil, fault
	}
	passed(StepConnect, "connected to "+conn.RemoteAddr().String())
	c := newConn(conn, route)
	unwatch := c.watch(ctx)
	fault = c.prepare(ctx, passed)
	unwatch()
	if ctx.Err() != nil {
		step := StepHello
		if fault != nil {
			step = fault.Step
		}
		fault = faultOf(step, context.Cause(ctx))
	}
	if fault != nil {
		c.end(fault)
	}
	return c, fault
}

// connect resolves the name and opens a connection.
func connect(ctx context.Context, route Route) (net.Conn, *Fault) {
	if route.Host == "" {
		return nil, &Fault{Step: StepDNS, Text: "the route names no host"}
	}
	dialer := net.Dialer{Timeout: route.ConnectTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", route.Address())
	if err == nil {
		return conn, nil
	}
	fault := &Fault{Step: StepConnect, Err: err}
	var dns *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		fault.Text = "canceled"
	case errors.As(err, &dns) && dns.IsNotFound:
		fault.Step, fault.Text = StepDNS, "there is no host with the name "+route.Host
	case errors.As(err, &dns):
		fault.Step, fault.Text = StepDNS, "the address of "+route.Host+" could not be looked up: "+dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		fault.Text = "nothing accepts connections at " + route.Address()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		fault.Text = route.Address() + " did not answer in time"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		fault.Text = "there is no way to " + route.Address()
	default:
		fault.Text = err.Error()
	}
	fault.Text = clean(fault.Text)
	return nil, fault
}

// prepare takes a connection from its first byte to the state in which it is ready for messages.
func (c *Conn) prepare(ctx context.Context, passed func(Step, string)) *Fault {
	if c.route.Security == Implicit {
		if fault := c.handshake(ctx, passed); fault != nil {
			return fault
		}
	}
	if fault := c.greeting(ctx, passed); fault != nil {
		return fault
	}
	if fault := c.hello(ctx); fault != nil {
		return fault
	}
	if c.route.Security == StartTLS || c.route.Security == Opportunistic {
		if fault := c.startTLS(ctx, passed); fault != nil {
			return fault
		}
	}
	passed(StepHello, "the server offers "+strings.Join(c.offers, ", "))
	_, c.pipelining = c.extensions["PIPELINING"]
	c.pipelining = c.pipelining && !c.route.NoPipelining
	if c.route.Login.User == "" {
		return nil
	}
	return c.login(ctx, passed)
}

// greeting reads what the server says first.
func (c *Conn) greeting(ctx context.Context, passed func(Step, string)) *Fault {
	r, err := c.read(ctx, c.route.ReplyTimeout)
	if err != nil {
		return faultOf(StepGreeting, err)
	}
	if r.code != 220 {
		return r.fault(StepGreeting)
	}
	passed(StepGreeting, r.text)
	return nil
}

// hello says EHLO and keeps what the server offers. A server that does not know EHLO gets HELO, and
// offers nothing.
func (c *Conn) hello(ctx context.Context) *Fault {
	c.extensions, c.offers = map[string]string{}, nil
	first := true
	r, err := c.askLines(ctx, "EHLO "+c.heloName(), func(line string) {
		if !first {
			c.offer(clean(line))
		}
		first = false
	})
	if err == nil && (r.code == 500 || r.code == 502 || r.code == 504 || r.code == 550) {
		c.extensions, c.offers = map[string]string{}, nil
		r, err = c.ask(ctx, "HELO "+c.heloName())
	}
	if err != nil {
		return faultOf(StepHello, err)
	}
	if r.class() != 2 {
		return r.fault(StepHello)
	}
	return nil
}

// offer keeps an extension. Some servers write AUTH= for AUTH.
func (c *Conn) offer(line string) {
	if line == "" {
		return
	}
	c.offers = append(c.offers, line)
	name, parameters, _ := strings.Cut(line, " ")
	name = strings.ToUpper(name)
	if mechanism, old := strings.CutPrefix(name, "AUTH="); old {
		name, parameters = "AUTH", mechanism+" "+parameters
		if known := c.extensions["AUTH"]; known != "" {
			parameters = known + " " + parameters
		}
	}
	c.extensions[name] = parameters
}

// heloName returns the name for EHLO.
func (c *Conn) heloName() string {
	if c.route.HeloName != "" {
		return c.route.HeloName
	}
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		return name
	}
	local, ok := c.net.LocalAddr().(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case local.IP.To4() != nil:
		return fmt.Sprintf("[%s]", local.IP)
	default:
		return fmt.Sprintf("[IPv6:%s]", local.IP)
	}
}

// askLines is ask for a reply whose lines matter.
func (c *Conn) askLines(ctx context.Context, command string, each func(line string)) (reply, error) {
	if _, err := c.write(ctx, []byte(command+"\r\n")); err != nil {
		return reply{}, err
	}
	return c.readLines(ctx, c.route.ReplyTimeout, each)
}

// isLoopback reports whether the server is on this machine.
func (c *Conn) isLoopback() bool {
	remote, ok := c.net.RemoteAddr().(*net.TCPAddr)
	return ok && remote.IP.IsLoopback()
}
