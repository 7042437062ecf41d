package graph_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"campaignql/ent/event"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/export"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// TestARevokedKeyRecordsNothingMoreThroughAnOpenStream revokes the key of an open stream on the
// same server. No further line is recorded, and the server ends the stream.
func TestARevokedKeyRecordsNothingMoreThroughAnOpenStream(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.Account(t)
		c, p := w.mailed(t, owner)
		recorded := func() int {
			return must(w.db.Client(owner.Context).Event.Query().Where(event.CampaignID(c.ID)).Count(owner.Context))(t)
		}
		for _, silent := range []bool{false, true} {
			created, key, err := w.Services.Accounts.CreateKey(
				owner.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeDelivery}},
			)
			if err != nil {
				t.Fatal(err)
			}
			body, lines := io.Pipe()
			request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/events", body))(t)
			request.Header.Set("Authorization", "Bearer "+key)
			request.Header.Set("Content-Type", "application/x-ndjson")
			response := must(http.DefaultClient.Do(request))(t)
			answers := bufio.NewReader(response.Body)
			send := func(id string) {
				at := time.Now().UTC().Format(time.RFC3339)
				_, _ = io.WriteString(
					lines, `{"id":"`+id+`","kind":"SENT","campaignId":"`+number(c.ID)+
						`","subscriberId":"`+number(p.ID)+`","at":"`+at+`"}`+"\n",
				)
			}
			send("before " + key)
			if got := must(answers.ReadString('\n'))(t); !strings.Contains(got, `"result":"recorded"`) {
				t.Fatalf("before: %s", got)
			}
			before := recorded()
			_, err = w.Services.Accounts.RevokeKey(owner.Context, created.ID, account.RevokeDescendants)
			if err != nil {
				t.Fatal(err)
			}
			if !silent {
				go send("after " + key)
			}
			rest := string(must(io.ReadAll(answers))(t)) // to the end of the stream, which the server closes
			for line := range strings.Lines(rest) {
				if !strings.Contains(line, `"code":"unauthenticated"`) {
					t.Errorf("after the revocation: %s", line)
				}
			}
			if n := recorded(); n != before {
				t.Errorf("%d events were recorded after the revocation", n-before)
			}
			_ = lines.Close()
			response.Body.Close()
		}
	})
}

// TestTheRestOfAStreamThatTheServerEndedIsNoRequest sends, after the stream ended, the rest of its
// body, which looks like a request.
func TestTheRestOfAStreamThatTheServerEndedIsNoRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.Account(t)
		created, key, err := w.Services.Accounts.CreateKey(
			owner.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeDelivery}},
		)
		if err != nil {
			t.Fatal(err)
		}
		conn := must(net.Dial("tcp", strings.TrimPrefix(w.URL, "http://")))(t)
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		rest := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
		fmt.Fprintf(
			conn, "POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n\n", key, 1+len(rest),
		)
		in := bufio.NewReader(conn)
		response := must(http.ReadResponse(in, nil))(t)
		if _, err := w.Services.Accounts.RevokeKey(owner.Context, created.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Errorf("the response of the stream: %v", err)
		}
		_, _ = io.WriteString(conn, rest)
		if after, _ := io.ReadAll(in); len(after) > 0 {
			t.Errorf("after the stream: %s", after)
		}
	})
}

// TestARevokedKeyCutsOffADownloadThatNobodyReads revokes the key while the server waits for a
// client that reads nothing.
func TestARevokedKeyCutsOffADownloadThatNobodyReads(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.active(t, owner, 10*export.PageRows)
		created, key, err := w.Services.Accounts.CreateKey(
			owner.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}},
		)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		handler := app.Handler(
			w.Services,
			app.HandlerOptions{
				Config: apitest.Config(), Stopping: make(chan struct{}), Logger: slog.New(slog.DiscardHandler),
			},
		)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			defer close(done)
			handler.ServeHTTP(rw, r)
		}))
		server.Config.ConnState = func(conn net.Conn, _ http.ConnState) { _ = conn.(*net.TCPConn).SetWriteBuffer(4 << 10) }
		server.Start()
		t.Cleanup(server.Close)
		conn := must(net.Dial("tcp", server.Listener.Addr().String()))(t)
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		fmt.Fprintf(
			conn, "GET /export/campaigns/%d/activity.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", c.ID,
			key,
		)
		if status := must(bufio.NewReaderSize(conn, 16).ReadString('\n'))(t); !strings.Contains(status, " 200 ") {
			t.Fatal(status)
		}
		if _, err := w.Services.Accounts.RevokeKey(owner.Context, created.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the server still waits for the client")
		}
	})
}
