//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"campaignql/internal/testkit"
)

// dialFrom connects from one of several loopback addresses. The small receive buffer keeps most of
// an unread response out of the kernel.
func (b *besieged) dialFrom(t *testing.T, address int) net.Conn {
	t.Helper()
	dialer := net.Dialer{
		Timeout:   patience,
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(address+1))},
		Control: func(_, _ string, raw syscall.RawConn) (err error) {
			failed := raw.Control(func(fd uintptr) {
				err = errors.Join(
					syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2304),
					syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536),
				)
			})
			if failed != nil {
				return failed
			}
			return err
		},
	}
	conn, err := dialer.Dial("tcp", b.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// counted counts outcomes. It is safe for concurrent use.
type counted struct {
	mu sync.Mutex
	of map[int]int
}

func (c *counted) add(outcome int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[int]int{}
	}
	c.of[outcome]++
}

func (c *counted) counts() map[int]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.of)
}

// status reads the status line of a response and nothing more. It returns 0 if none arrives.
func status(conn net.Conn, within time.Duration) int {
	_ = conn.SetReadDeadline(time.Now().Add(within))
	line := make([]byte, len("HTTP/1.1 200"))
	code := 0
	if _, err := io.ReadFull(conn, line); err == nil {
		_, _ = fmt.Sscanf(string(line), "HTTP/1.1 %d", &code)
	}
	return code
}

// headers returns an incomplete request head with very many short header lines.
func headers(size int) []byte {
	var head strings.Builder
	head.WriteString("GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
	for n := 0; head.Len() < size; n++ {
		fmt.Fprintf(&head, "X-%x:a\r\n", n)
	}
	return []byte(head.String())
}

func TestHeadersThatNeverEndDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	for _, attack := range []struct{ connections, addresses, size int }{
		{800, 1, 66_000},
		{800, 1, 15_000},
		{3000, 10, 15_000},
	} {
		t.Run(fmt.Sprint(attack), func(t *testing.T) {
			b := besiege(t)
			head := headers(attack.size)
			for n := range attack.connections {
				conn := b.dialFrom(t, n%attack.addresses)
				_ = conn.SetWriteDeadline(time.Now().Add(patience))
				_, _ = conn.Write(head) // a server that rejects the request stops reading
			}
			b.mustServe(t, fmt.Sprintf("%d connections of %d addresses, %d bytes of headers each",
				attack.connections, attack.addresses, attack.size))
		})
	}
}

func TestConnectionsThatStayOpenDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	const connections, addresses = 5000, 10
	var conns []net.Conn
	answered := 0
	for n := range connections {
		conn := b.dialFrom(t, n%addresses)
		conns = append(conns, conn)
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if status(conn, patience) == http.StatusOK {
			answered++
		}
	}
	b.mustServe(t, fmt.Sprintf("%d connections, %d answered", connections, answered))
	if answered != connections {
		t.Errorf("%d of %d connections were answered: those before them are idle", answered, connections)
	}
	open := 0
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := io.Copy(io.Discard, conn)
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			open++
		}
	}
	t.Logf("%d connections are open", open)
	if open > 2000 {
		t.Errorf("%d connections are open", open)
	}
}

// email creates an email of the attacker with size bytes of HTML and returns its GraphQL id.
func (b *besieged) email(t *testing.T, size int) string {
	t.Helper()
	var created struct{ EmailID json.Number }
	b.command(t, &created, url.Values{"Command": {"Email.Create"}})
	var updated struct{ Success bool }
	b.command(t, &updated, url.Values{
		"Command": {"Email.Update"}, "EmailID": {created.EmailID.String()}, "ValidateScope": {"AutoResponder"},
		"Mode": {"Import"}, "Subject": {"s"}, "HTMLContent": {strings.Repeat("x", size)},
	})
	var listed struct {
		Data struct {
			Emails struct{ Nodes []struct{ ID, HTML string } }
		}
	}
	query := `{"query":"{ emails(first: 1) { nodes { id html } } }"}`
	err := post(t.Context(), http.DefaultClient, b.URL+"/graphql", "application/json", b.attacker, query, &listed)
	if err != nil || len(listed.Data.Emails.Nodes) != 1 || len(listed.Data.Emails.Nodes[0].HTML) != size {
		t.Fatalf("the email is not listed with its text: %v", err)
	}
	return listed.Data.Emails.Nodes[0].ID
}

func (b *besieged) command(t *testing.T, answer any, form url.Values) {
	t.Helper()
	const formType = "application/x-www-form-urlencoded"
	err := post(t.Context(), http.DefaultClient, b.URL+"/api.php", formType, b.attacker, form.Encode(), answer)
	if err != nil {
		t.Fatalf("%s: %v", form.Get("Command"), err)
	}
}

func TestUnreadSmallAnswersDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	id := b.email(t, 120_000)
	body := fmt.Sprintf(`{"query":"{ email(id: \"%s\") { html } }"}`, id)
	request := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", b.attacker, len(body), body)
	const connections, addresses = 2500, 10
	var answered counted
	var all sync.WaitGroup
	for n := range connections {
		conn := b.dialFrom(t, n%addresses)
		_, _ = io.WriteString(conn, request)
		all.Go(func() { answered.add(status(conn, patience)) })
	}
	b.mustServe(t, "while answers are not read")
	all.Wait()
	got := answered.counts()
	b.mustServe(t, fmt.Sprintf("%d answers that are not read, answered %v", connections, got))
	if got[http.StatusOK] == 0 || got[http.StatusTooManyRequests] < connections/2 {
		t.Errorf("the requests of one account are answered %v", got)
	}
}

func TestTextsThatAreReadAtTheSameTimeDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	body := fmt.Sprintf(`{"query":"{ email(id: \"%s\") { html } }"}`, b.email(t, 5_000_000))
	const connections = 300
	var answered counted
	var all sync.WaitGroup
	for range connections {
		conn := b.dialFrom(t, 0)
		fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", b.attacker, len(body), body)
		all.Go(func() { answered.add(status(conn, 2*patience)) })
	}
	b.mustServe(t, "while texts are read")
	all.Wait()
	b.mustServe(t, fmt.Sprintf("%d reads of 5,000,000 bytes, answered %v", connections, answered.counts()))
}

// introspection requests the whole schema, which needs no credentials.
const introspection = `{"query":"{ __schema { types { name description fields { name description ` +
	`args { name description type { name ofType { name } } } type { name ofType { name } } } } } }"}`

func TestUnreadAnswersWithoutCredentialsDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	request := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(introspection), introspection)
	const connections, addresses = 2000, 10
	var answered counted
	var all sync.WaitGroup
	for n := range connections {
		conn := b.dialFrom(t, n%addresses)
		_, _ = io.WriteString(conn, request)
		all.Go(func() { answered.add(status(conn, patience)) })
	}
	all.Wait()
	b.mustServe(t, fmt.Sprintf("%d schemas that are not read, answered %v", connections, answered.counts()))
}

func TestUnreadAnswersOverSocketsDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	id := b.email(t, 120_000)
	const sockets, operations = 100, 32
	var opened counted
	var all sync.WaitGroup
	var conns []net.Conn
	for n := range sockets {
		conn := b.dialFrom(t, n%10)
		conns = append(conns, conn)
		all.Go(func() { opened.add(subscribeUnread(conn, b.attacker, id, operations)) })
	}
	all.Wait()
	b.mustServe(t, fmt.Sprintf("%d sockets with %d operations each, opened %v", sockets, operations, opened.counts()))
	refused := 0
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		got, _ := io.ReadAll(conn)
		refused += bytes.Count(got, []byte("RATE_LIMITED"))
	}
	t.Logf("%d operations are refused", refused)
	if refused < sockets*operations/4 {
		t.Errorf("%d operations of one account are refused", refused)
	}
}

// subscribeUnread opens a WebSocket, sends operations and does not read their responses.
func subscribeUnread(conn net.Conn, key, id string, operations int) int {
	_, _ = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	in := bufio.NewReaderSize(conn, 16)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0
	}
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = conn.Write(frame(`{"type":"connection_init","payload":{"apiKey":"` + key + `"}}`))
	_, _ = io.ReadFull(in, make([]byte, len(`{"type":"connection_ack"}`)+2))
	for n := range operations {
		_, _ = conn.Write(frame(fmt.Sprintf(
			`{"id":"%d","type":"subscribe","payload":{"query":"{ email(id: \"%s\") { html } }"}}`, n, id)))
	}
	return response.StatusCode
}

// frame returns a text frame of a client with a mask of zeros.
func frame(text string) []byte {
	head := []byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}
	if len(text) > 125 {
		head = []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}
	}
	return append(head, text...)
}
