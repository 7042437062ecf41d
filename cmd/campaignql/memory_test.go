package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/testkit"
	"campaignql/internal/testkit/limited"
)

// besieged is a server with a memory limit. One account attacks it while another one works.
type besieged struct {
	*limited.Server
	attacker, worker string
}

func besiege(t *testing.T, flags ...string) *besieged {
	t.Helper()
	database := "sqlite:" + filepath.Join(t.TempDir(), "memory.db")
	b := &besieged{attacker: limited.NewKey(t, database, "attacker"), worker: limited.NewKey(t, database, "worker")}
	b.Server = limited.Start(t, database, flags...)
	return b
}

// mustServe fails the test unless the requests of the worker are answered on both surfaces. It logs
// the memory use.
func (b *besieged) mustServe(t *testing.T, during string) {
	t.Helper()
	b.MustBeAlive(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var graphQL struct {
		Data struct{ CampaignCounts struct{ Total *int } }
	}
	const query = `{"query":"{ campaignCounts { total } }"}`
	err := post(ctx, client, b.URL+"/graphql", "application/json", b.worker, query, &graphQL)
	if err != nil || graphQL.Data.CampaignCounts.Total == nil {
		t.Errorf("%s: the other account's query is not answered: %v", during, err)
	}
	var command struct{ Success bool }
	form := url.Values{"Command": {"Tags.Get"}, "APIKey": {b.worker}, "x": {strings.Repeat("x", 1<<20)}}
	err = post(ctx, client, b.URL+"/api.php", "application/x-www-form-urlencoded", b.worker, form.Encode(), &command)
	if err != nil || !command.Success {
		t.Errorf("%s: the other account's command is not answered: %v", during, err)
	}
	t.Logf("%s: %s", during, b.Memory(t))
}

// attack opens many connections concurrently and sends the same bytes on each. It then reads the
// head of a response if one arrives within a second. It returns the number of responses per status;
// 0 means no response.
func (b *besieged) attack(t *testing.T, connections int, write func(conn net.Conn) error) map[int]int {
	t.Helper()
	var mu sync.Mutex
	answered := map[int]int{}
	var all sync.WaitGroup
	for range connections {
		conn, err := net.Dial("tcp", b.Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		all.Go(func() {
			_ = conn.SetWriteDeadline(time.Now().Add(patience))
			status := 0
			_ = write(conn) // a server that rejects the request stops reading
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				status = response.StatusCode
			}
			mu.Lock()
			defer mu.Unlock()
			answered[status]++
		})
	}
	all.Wait()
	return answered
}

func TestBodiesThatNeverEndDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	const size, connections = 10 << 20, 31
	body := []byte("Command=Tags.Get&x=" + strings.Repeat("x", size-100))
	for name, header := range map[string]string{
		"without credentials": "", "of one account": "Authorization: Bearer " + b.attacker + "\r\n",
	} {
		answered := b.attack(t, connections, func(conn net.Conn) error {
			_, err := fmt.Fprintf(conn, "POST /api.php HTTP/1.1\r\nHost: localhost\r\n%s"+
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", header, size)
			if err == nil {
				_, err = conn.Write(body)
			}
			return err
		})
		b.mustServe(t, fmt.Sprintf("%d bodies %s, answered %v", connections, name, answered))
		if held := answered[0]; held > connections/2 {
			t.Errorf("%s: %d bodies of %d bytes are held", name, held, size)
		}
	}
}

func TestStreamsOfLongLinesDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	line := []byte(`{"id":"` + strings.Repeat("x", 60<<10) + "\"}\n")
	answered := b.attack(t, 12, func(conn net.Conn) error {
		_, err := fmt.Fprintf(conn, "POST /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n", b.attacker)
		// Responses are not read, so the server stops reading at some point.
		_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		for range 2000 {
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(line), line)
		}
		return err
	})
	b.mustServe(t, fmt.Sprintf("12 streams, answered %v", answered))
	if answered[http.StatusOK] != 8 || answered[http.StatusTooManyRequests] != 4 {
		t.Errorf("the streams of one account are answered %v", answered)
	}
}

func TestUnreadListsDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	for range 12 {
		b.email(t, 1<<20)
	}
	var all sync.WaitGroup
	for range 60 {
		conn, err := net.Dial("tcp", b.Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		all.Go(func() {
			// Read only the head, to know that the response has begun.
			const request = "GET /api.php?Command=Emails.Get&APIKey=%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
			fmt.Fprintf(conn, request, b.attacker)
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			_, _ = io.ReadFull(conn, make([]byte, 100))
		})
	}
	all.Wait()
	b.mustServe(t, "60 lists that are not read")
}

func TestSocketsWithoutCredentialsDoNotEndTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	b := besiege(t)
	part := make([]byte, 60<<10)
	answered := b.attack(t, 1000, func(conn net.Conn) error {
		_, err := fmt.Fprint(conn, "GET /graphql HTTP/1.1\r\nHost: localhost\r\n"+
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
		if err == nil {
			// A masked text frame of 1 MiB whose end never arrives.
			_, err = conn.Write(append([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0}, part...))
		}
		return err
	})
	b.mustServe(t, fmt.Sprintf("1,000 WebSockets, answered %v", answered))
}
