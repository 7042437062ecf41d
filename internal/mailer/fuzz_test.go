package mailer_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"campaignql/internal/mailer"
)

// FuzzReplies is a server that says anything. The client must end, and give each message exactly one
// outcome. One is accepted only if the server said so: there are at least as many lines with 354, and
// after them with 2yz, as accepted messages.
func FuzzReplies(f *testing.F) {
	const hello = "220 a\r\n250-a\r\n250 PIPELINING\r\n"
	for _, replies := range []string{
		hello + "250 a\r\n250 b\r\n354 c\r\n250 d\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n",
		hello + "250 a\r\n550 5.1.1 b\r\n354 c\r\n554 d\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n",
		hello + "250 a\r\n250 b\r\n451 c\r\n250 r\r\n250 a\r\n250 b\r\n354 c\r\n421 d\r\n",
		"220 a\r\n250 a\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n250 a\r\n550 b\r\n250 r\r\n",
		"220 a\r\n500 a\r\n250 a\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n",
		hello + "550 a\r\n503 b\r\n503 c\r\n421 4.3.2 d\r\n",
		"220-a\r\n220 b\r\n250-a\r\n250-SIZE 10\r\n250 8BITMIME\r\n", "220 a\r\n250-\xff\r\n25", "", "\r\n", "9", "220",
	} {
		f.Add([]byte(replies), false)
		f.Add([]byte(replies), true)
	}
	f.Fuzz(func(t *testing.T, replies []byte, atOnce bool) {
		client, server := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			serveBytes(server, replies, atOnce)
		}()
		outcomes := fuzzOnce(t, client)
		<-ended
		accepted := 0
		for _, o := range outcomes {
			if o.Kind == mailer.Accepted {
				accepted++
			}
			if len([]rune(o.Text)) > 250 || o.Kind == mailer.Accepted && o.Code/100 != 2 {
				t.Errorf("%+v", o)
			}
		}
		if granted := bytes.Count(replies, []byte("354")); accepted > granted {
			t.Errorf("%d messages are accepted after %d grants", accepted, granted)
		}
	})
}

// fuzzOnce sends three messages in two bursts.
func fuzzOnce(t *testing.T, conn net.Conn) []mailer.Outcome {
	t.Helper()
	c, err := mailer.Open(t.Context(), conn, mailer.Route{
		Host: "peer", Security: mailer.Off, ReplyTimeout: time.Minute, FinalTimeout: time.Minute,
	})
	if err != nil {
		return nil
	}
	outcomes, err := deliver(t, c, "a@x", "b@x")
	more, again := deliver(t, c, "c@x")
	if err != nil && (again == nil || !more[0].Untried()) {
		t.Errorf("a connection goes on after %v: %v", err, more)
	}
	c.Close()
	return append(outcomes, more...)
}

// serveBytes says bytes, a line when the client has said something, or all at once, and closes.
func serveBytes(conn net.Conn, replies []byte, atOnce bool) {
	heard := make(chan struct{}, 1)
	go func() {
		defer close(heard)
		_, _ = io.Copy(io.Discard, conn)
	}()
	if atOnce {
		_, _ = conn.Write(replies)
	}
	for !atOnce && len(replies) > 0 {
		end := bytes.IndexByte(replies, '\n') + 1
		if end == 0 {
			end = len(replies)
		}
		if _, err := conn.Write(replies[:end]); err != nil {
			break
		}
		replies = replies[end:]
	}
	_ = conn.Close()
	<-heard
}
