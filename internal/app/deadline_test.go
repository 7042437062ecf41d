package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/content"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// writers are the accounts of a deadline test: the API key of each, and its campaign.
type writers struct {
	db        *store.Store
	keys      [2]string
	campaigns [2]int64
}

// prepareWriters migrates a database and creates two accounts with a campaign each.
func prepareWriters(t *testing.T, address string) *writers {
	t.Helper()
	db := testkit.Open(t, address)
	w := &writers{db: db}
	services := app.NewServices(db, app.ServiceOptions{})
	for i, name := range []string{"ann", "bob"} {
		user, key, err := services.Accounts.CreateUser(
			caller.System(t.Context()),
			account.NewUser{Username: name, Email: name + "@example.com", Password: "correct horse battery"},
		)
		if err != nil {
			t.Fatal(err)
		}
		made, err := services.Campaigns.Create(w.as(t.Context(), user.ID), "one", nil)
		if err != nil {
			t.Fatal(err)
		}
		w.keys[i], w.campaigns[i] = key, made.ID
	}
	return w
}

func (w *writers) as(ctx context.Context, user int64) context.Context {
	id := caller.System(ctx)
	known, _ := caller.From(id)
	known.UserID = user
	return caller.With(ctx, known)
}

// sendCommand sends a command and returns the response.
func sendCommand(t *testing.T, r *running, form string) answer {
	t.Helper()
	return do(t, http.MethodPost, r.url+"/api.php", form, "Content-Type: application/x-www-form-urlencoded")
}

// TestCommandsOnAHeldRowEndInTimeAndLeaveTheServerToOthers sends 36 commands that wait for a row
// that another connection has locked.
func TestCommandsOnAHeldRowEndInTimeAndLeaveTheServerToOthers(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		w := prepareWriters(t, address)
		cfg := settings()
		cfg.Timeout = 2 * time.Second
		server := run(t, address, cfg, "  Command")
		holder, err := w.db.Pools()[0].Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		begin := "START TRANSACTION"
		if w.db.Dialect() == "sqlite3" {
			begin = "BEGIN IMMEDIATE"
		}
		for _, statement := range []string{begin, fmt.Sprintf("UPDATE campaigns SET name = 'held' WHERE id = %d", w.campaigns[0])} {
			if _, err := holder.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		var asking sync.WaitGroup
		for range 36 {
			asking.Go(func() {
				begun := time.Now()
				got := sendCommand(
					t, server,
					fmt.Sprintf(
						"Command=Campaign.Update&APIKey=%s&CampaignID=%d&CampaignName=written", w.keys[0],
						w.campaigns[0],
					),
				)
				if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" ||
					!strings.Contains(got.body, `"ErrorCode":100005`) {
					t.Errorf("%d %v %s", got.status, got.header, got.body)
				}
				if took := time.Since(begun); took > 10*time.Second {
					t.Errorf("answered after %s", took)
				}
			})
		}
		time.Sleep(500 * time.Millisecond) // until the commands wait; a longer wait does no harm
		begun := time.Now()
		other := fmt.Sprintf("&APIKey=%s&CampaignID=%d", w.keys[1], w.campaigns[1])
		if got := sendCommand(t, server, "Command=Campaign.Get"+other); got.status != http.StatusOK {
			t.Errorf("a read of another account: %d %s", got.status, got.body)
		}
		if w.db.Dialect() == "mysql" { // SQLite has one writer
			got := sendCommand(t, server, "Command=Campaign.Update&CampaignName=other"+other)
			if got.status != http.StatusOK {
				t.Errorf("a write of another account: %d %s", got.status, got.body)
			}
		}
		if took := time.Since(begun); took > cfg.Timeout {
			t.Errorf("another account waited %s for those who wait", took)
		}
		asking.Wait()
		if w.db.Dialect() == "mysql" {
			for deadline := time.Now().Add(4 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				waiting := testkit.Running(t, holder, "campaigns")
				if waiting == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d statements still wait on the server", waiting)
				}
			}
		}
		if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		get := fmt.Sprintf("Command=Campaign.Get&APIKey=%s&CampaignID=%d", w.keys[0], w.campaigns[0])
		if got := sendCommand(t, server, get); !strings.Contains(got.body, `"Name":"one"`) {
			t.Errorf("what was given up wrote: %s", got.body)
		}
	})
}

// large creates emails of the first account that together exceed all buffers between server and
// client.
func (w *writers) large(t *testing.T) {
	t.Helper()
	services := app.NewServices(w.db, app.ServiceOptions{})
	id, err := services.Accounts.Authenticate(t.Context(), account.Credentials{Key: w.keys[0]}, "command")
	if err != nil {
		t.Fatal(err)
	}
	html := strings.Repeat("x", 4<<20)
	for range 6 {
		if _, err := services.Emails.Create(caller.With(t.Context(), id), content.Patch{HTML: &html}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// unread requests a list and reads nothing of the response.
func unread(t *testing.T, r *running, key string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(connection, "GET /api.php?Command=Emails.Get&APIKey=%s HTTP/1.1\r\nHost: localhost\r\n\r\n", key)
	return connection
}

// began waits for the first byte of a response and returns it.
func began(connection net.Conn) []byte {
	one := make([]byte, 1)
	_ = connection.SetReadDeadline(time.Now().Add(patience))
	n, _ := io.ReadFull(connection, one)
	return one[:n]
}

// cutOff reads the rest of a response, of which some was read before, and fails the test if the
// response is complete. A response may also be rejected because other responses of the account use
// all the memory that the account may use.
func cutOff(t *testing.T, connection net.Conn, before []byte) (refused bool) {
	t.Helper()
	_ = connection.(*net.TCPConn).SetReadBuffer(8 << 20) // receive the data in transit immediately
	_ = connection.SetReadDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(before), connection)), nil)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if response.StatusCode == http.StatusServiceUnavailable {
		return true
	}
	if err == nil {
		t.Errorf("a reader that was silent got all %d bytes", n)
	}
	return false
}

func TestListsThatNobodyReadsAreCutOff(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		w := prepareWriters(t, address)
		w.large(t)
		cfg := settings()
		cfg.ClientTimeout, cfg.MaxConnections = 500*time.Millisecond, 4
		server := run(t, address, cfg, "  Command")
		var open []net.Conn
		for range 12 {
			open = append(open, unread(t, server, w.keys[0]))
		}
		begun := time.Now()
		if got := sendCommand(t, server, "Command=Campaigns.Get&APIKey="+w.keys[1]); got.status != http.StatusOK {
			t.Errorf("another account meanwhile: %d %s", got.status, got.body)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("another account waited %s", took)
		}
		var draining sync.WaitGroup // slow, because the windows are small
		var refused atomic.Int64
		for _, connection := range open {
			draining.Go(func() {
				before := began(connection)       // a list may have waited for its turn
				time.Sleep(5 * cfg.ClientTimeout) // the tested silence
				if cutOff(t, connection, before) {
					refused.Add(1)
				}
			})
		}
		draining.Wait()
		if n := refused.Load(); n > int64(len(open)/2) {
			t.Errorf("%d of %d lists were refused, so too few were cut off", n, len(open))
		}
	})
}

// TestAServerThatStopsDoesNotWaitForWhoReadsNothing has a grace period that is longer than
// patience, so waiting for the client would fail the test.
func TestAServerThatStopsDoesNotWaitForWhoReadsNothing(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		w := prepareWriters(t, address)
		w.large(t)
		cfg := settings()
		cfg.ClientTimeout, cfg.ShutdownGrace = time.Minute, time.Minute
		server := run(t, address, cfg, "  Command")
		connection := unread(t, server, w.keys[0])
		before := began(connection)
		if len(before) == 0 {
			t.Fatal("the list does not begin")
		}
		if err := server.end(); err != nil { // end fails the test after patience
			t.Error(err)
		}
		cutOff(t, connection, before)
	})
}

// TestABodyThatStopsComingIsCutOff sends the headers of a request and half of its body.
func TestABodyThatStopsComingIsCutOff(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		w := prepareWriters(t, address)
		cfg := settings()
		cfg.ClientTimeout = 300 * time.Millisecond
		server := run(t, address, cfg, "  Command")
		for _, head := range []string{
			"POST /api.php HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded",
			"POST /graphql HTTP/1.1\r\nContent-Type: application/json",
			"POST /events HTTP/1.1\r\nContent-Type: application/x-ndjson",
		} {
			connection, err := net.Dial("tcp", strings.TrimPrefix(server.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			fmt.Fprintf(
				connection, "%s\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nhalf",
				head, w.keys[0],
			)
			_ = connection.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, connection); err != nil {
				t.Errorf("%s: the connection is open: %v", strings.SplitN(head, "\r\n", 2)[0], err)
			}
		}
	})
}
