package surface_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"campaignql/internal/budget"
	"campaignql/internal/surface"
)

// paced runs a server whose responses are 16 MiB, written in parts. For /held the response is
// charged to its budget. ended receives the error with which each response ended.
func paced(t *testing.T) (address string, ended <-chan error) {
	t.Helper()
	const size, part = 16 << 20, 1 << 20
	ends := make(chan error, 10)
	pool := budget.NewPool(2*size, 4*size)
	answer := func(w http.ResponseWriter, r *http.Request) {
		held := budget.From(r.Context())
		if r.URL.Path == "/held" {
			_ = held.Charge(size, "")
		}
		pace := surface.Pace{Held: held, Timeout: 2 * time.Second, Rate: 2 << 20}
		var err error
		for sent := 0; sent < size && err == nil; sent += part {
			_, err = pace.Write(w, make([]byte, part))
		}
		ends <- err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := surface.Deadlines(0, time.Minute, surface.NewRequests(pool, 0, 0).Handler(http.HandlerFunc(answer)))
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = surface.Listen(listener, surface.ListenOptions{}).Serve(server) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String(), ends
}

// readSlowly requests a response and reads 20 KiB of it ten times a second, until the server ends
// it. After eight seconds it reads the rest at full speed.
func readSlowly(t *testing.T, address, path string, ended <-chan error) error {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	tick, slow := time.NewTicker(100*time.Millisecond), time.After(8*time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			_, _ = io.ReadFull(conn, make([]byte, 20<<10))
			continue
		case <-slow:
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		return <-ended
	}
}

func TestAHeldAnswerMustBeReadAtAPace(t *testing.T) {
	t.Parallel()
	address, ended := paced(t)
	if err := readSlowly(t, address, "/held", ended); err == nil {
		t.Error("a client that reads slowly keeps an answer in memory")
	}
	if err := readSlowly(t, address, "/streamed", ended); err != nil {
		t.Errorf("an answer that is streamed is cut off: %v", err)
	}
	for range 2 { // on one connection: the deadline of a response must not apply to the next
		response, err := http.Get("http://" + address + "/held")
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if sent := <-ended; err != nil || sent != nil || n != 16<<20 {
			t.Errorf("read at once: %d bytes, %v, %v", n, err, sent)
		}
		time.Sleep(2100 * time.Millisecond) // longer than the timeout of the first response
	}
	response, err := http.Get("http://" + address + "/streamed")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != 16<<20 {
		t.Errorf("streamed over the same connection: %d bytes, %v", n, err)
	}
}
