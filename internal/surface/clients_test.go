package surface_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/surface"
)

// clients is a server with connection limits. It answers /hold only after release is closed.
type clients struct {
	address string
	release chan struct{}
	logged  *lines
	*surface.Listener
	// held receives one entry for each request to /hold that has begun.
	held chan struct{}
}

// lines is a log buffer that is safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(of string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), of)
}

func serveClients(t *testing.T, opts surface.ListenOptions) *clients {
	t.Helper()
	c := &clients{release: make(chan struct{}), logged: new(lines), held: make(chan struct{}, 100)}
	opts.Logger = slog.New(slog.NewTextHandler(c.logged, nil))
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			c.held <- struct{}{}
			<-c.release
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler:           surface.RefuseExcess(opts.Logger, answer, "/healthz"),
		ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	c.Listener = surface.Listen(listener, opts)
	go func() { _ = c.Serve(server) }()
	t.Cleanup(func() { _ = server.Close() })
	c.address = listener.Addr().String()
	return c
}

type client struct {
	net.Conn
	in *bufio.Reader
}

// connect opens a connection from 127.0.0.n.
func (c *clients) connect(t *testing.T, n int) *client {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(n))}}
	conn, err := dialer.Dial("tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{conn, bufio.NewReader(conn)}
}

// get sends a request and returns the status and whether the server closes the connection.
func (c *client) get(t *testing.T, path string) (status int, closes bool) {
	t.Helper()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, true
	}
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode >= 400 && response.Header.Get("Retry-After") != "1" {
		t.Errorf("%d without Retry-After: %v", response.StatusCode, response.Header)
	}
	return response.StatusCode, response.Close
}

// hold opens a connection from 127.0.0.n and leaves a request on it in progress.
func (c *clients) hold(t *testing.T, n int) {
	t.Helper()
	fmt.Fprint(c.connect(t, n), "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
	<-c.held
}

// mustWait waits until n connections are waiting. The server records this only after it has sent
// its response.
func (c *clients) mustWait(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); c.Waiting() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections wait, want %d", c.Waiting(), n)
		}
	}
}

// open reports whether the server has kept the connection open.
func (c *client) open() bool {
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err := c.in.Peek(1)
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

func TestOneAddressHasItsOwnBoundOfConnections(t *testing.T) {
	t.Parallel()
	c := serveClients(t, surface.ListenOptions{MaxClients: 10, MaxAddressClients: 3})
	for range 3 {
		c.hold(t, 1)
	}
	for range 2 {
		if status, closes := c.connect(t, 1).get(t, "/"); status != http.StatusTooManyRequests || !closes {
			t.Errorf("a connection over the bound of its address: %d, closed %v", status, closes)
		}
	}
	if status, closes := c.connect(t, 1).get(t, "/healthz"); status != http.StatusOK || !closes {
		t.Errorf("whether the server is up, asked over the bound: %d, closed %v", status, closes)
	}
	if status, _ := c.connect(t, 2).get(t, "/"); status != http.StatusOK {
		t.Errorf("another address: %d", status)
	}
	if n := c.logged.count("--trusted-proxy"); n != 1 || c.logged.count("setting=--max-address-clients") != 1 {
		t.Errorf("the log tells %d times what to set for a proxy", n)
	}
	close(c.release)
	c.mustWait(t, 4)
	if status, _ := c.connect(t, 1).get(t, "/"); status != http.StatusOK {
		t.Errorf("after requests have ended, when their connections are idle: %d", status)
	}
}

func TestATrustedProxyHasNoBoundOfItsOwn(t *testing.T) {
	t.Parallel()
	c := serveClients(t, surface.ListenOptions{
		MaxClients: 6, MaxAddressClients: 3, Proxies: surface.Proxies{netip.MustParsePrefix("127.0.0.1/32")},
	})
	for range 6 {
		c.hold(t, 1)
	}
	if status, _ := c.connect(t, 1).get(t, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("a connection over the bound of the server: %d", status)
	}
	if c.logged.count("setting=--max-clients") != 1 || c.logged.count("--trusted-proxy") != 0 {
		t.Error("the log does not tell the bound of the server")
	}
}

func TestConnectionsThatWaitGiveWay(t *testing.T) {
	t.Parallel()
	c := serveClients(t, surface.ListenOptions{MaxClients: 5, MaxAddressClients: 4})
	waiting := 0
	idle := func(n int) *client {
		one := c.connect(t, n)
		if status, _ := one.get(t, "/"); status != http.StatusOK {
			t.Fatalf("a connection of address %d: %d", n, status)
		}
		waiting = min(waiting+1, 5)
		c.mustWait(t, waiting)
		return one
	}
	other := idle(2)
	first, second, third := idle(1), idle(1), idle(1)
	silent := c.connect(t, 1)
	waiting++
	fmt.Fprint(silent, "GET / HTTP/1.1\r\nHost: x\r\n") // headers that never end
	c.mustWait(t, waiting)
	fourth := idle(1) // above the limit of the address
	if first.open() || !second.open() || !other.open() {
		t.Error("over the bound of an address not its longest idle connection was closed")
	}
	if _ = idle(3); second.open() || !third.open() || !other.open() { // above the limit of the server
		t.Error("over the bound of the server not the longest idle one of the address with the most was closed")
	}
	if _, _ = idle(1), idle(1); silent.open() {
		t.Error("a connection whose headers do not end did not give way")
	}
	if _ = fourth; !other.open() {
		t.Error("the connection of another address was closed")
	}
}

func TestConnectionsThatDoNothingHideNobodysHealth(t *testing.T) {
	t.Parallel()
	c := serveClients(t, surface.ListenOptions{MaxClients: 4, MaxAddressClients: 2})
	for n := range 4 {
		c.hold(t, n+1)
	}
	for n := range 200 {
		c.connect(t, n%4+1) // above every limit, and silent
	}
	if status, _ := c.connect(t, 9).get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("another address that asks for the health: %d", status)
	}
	if status, _ := c.connect(t, 9).get(t, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("another address: %d", status)
	}
}

// TestLongHeadersOfAllRequestsAreBounded sends headers that stay within the limit of one request.
func TestLongHeadersOfAllRequestsAreBounded(t *testing.T) {
	t.Parallel()
	c := serveClients(t, surface.ListenOptions{})
	send := func(n int) *client {
		one := c.connect(t, n)
		fmt.Fprintf(one, "GET /hold HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 14<<10))
		return one
	}
	status := func(of *client) int {
		response, err := http.ReadResponse(of.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode
	}
	begun := 0
	for ; begun < 200; begun++ {
		one := send(1)
		answered := make(chan struct{})
		go func() { defer close(answered); _, _ = one.in.Peek(1) }()
		select {
		case <-c.held:
			continue
		case <-answered:
		}
		if got := status(one); got != http.StatusServiceUnavailable {
			t.Errorf("headers for which there is no memory: %d", got)
		}
		break
	}
	if most := 1 << 20 / (10 << 10); begun < most/2 || begun > most {
		t.Errorf("%d requests with long headers of one address were let in", begun)
	}
	if got, _ := c.connect(t, 1).get(t, "/"); got != http.StatusOK {
		t.Errorf("short headers of the same address: %d", got)
	}
	other := send(2)
	<-c.held
	close(c.release)
	if got := status(other); got != http.StatusOK {
		t.Errorf("long headers of another address: %d", got)
	}
	last := send(1) // the memory of others is given back when their request ends
	for deadline := time.Now().Add(20 * time.Second); status(last) != http.StatusOK; last = send(1) {
		if time.Now().After(deadline) {
			t.Fatal("the memory of headers is not given back")
		}
	}
}
