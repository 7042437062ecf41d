package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"campaignql/internal/testkit"
)

// slowRequest is a request whose body is incomplete.
type slowRequest struct {
	net.Conn
	rest string
}

// hold sends half of a request that creates a campaign. "100 Continue" from the server shows that a
// handler has begun to read.
func hold(t *testing.T, s *server, key, name string) *slowRequest {
	t.Helper()
	connection, err := net.Dial("tcp", s.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	body := createDocument(name)
	fmt.Fprintf(connection, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		s.host(), key, len(body))
	line := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(connection, line); err != nil || !strings.HasPrefix(string(line), "HTTP/1.1 100 ") {
		t.Fatalf("%v: %q", err, line)
	}
	if _, err := io.WriteString(connection, body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	return &slowRequest{connection, body[len(body)/2:]}
}

// finish sends the other half and returns the id of the campaign.
func (r *slowRequest) finish(t *testing.T) string {
	t.Helper()
	if _, err := io.WriteString(r, r.rest); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer created
	if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", response.StatusCode, text)
	}
	id, err := acknowledged(answer.Data.CreateCampaign.Campaign.LegacyID, nil)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return id
}

func TestAServerToldToStopFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		key := newKey(t, address, "ann")
		s := start(t, address)
		client := &http.Client{Transport: &http.Transport{}}
		before, err := s.createByGraphQL(t.Context(), client, key, "before")
		if err != nil {
			t.Fatal(err)
		}
		slow := hold(t, s, key, "during")

		s.terminate(t)
		s.refusesConnections(t)
		if _, err := s.createByCommand(t.Context(), client, key, "after"); err == nil {
			t.Error("a request after the signal was answered over a connection that was idle")
		}
		during := slow.finish(t)
		if status := s.wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}

		noJournal(t, address)
		whole, halves := campaigns(t, address)
		if len(whole) != 2 || !whole[before] || !whole[during] || halves != 0 {
			t.Errorf("the database holds %v and %d halves, want %s and %s alone", whole, halves, before, during)
		}
	})
}

// noJournal fails the test if a stopped server left changes of a SQLite database outside of its
// file. A copy of the file would lack them.
func noJournal(t *testing.T, address string) {
	t.Helper()
	path, ok := strings.CutPrefix(address, "sqlite:")
	if !ok {
		return
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes are left in the write-ahead log", info.Size())
	}
}

func TestAServerToldToStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		key := newKey(t, address, "ann")
		s := start(t, address, "--shutdown-grace", "50ms")
		slow := hold(t, s, key, "never finished")
		s.terminate(t)
		if status := s.wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}
		if rest, err := io.ReadAll(slow); strings.Contains(string(rest), " 200 ") {
			t.Errorf("half a request was answered: %q, %v", rest, err)
		}
		if whole, halves := campaigns(t, address); len(whole) != 0 || halves != 0 {
			t.Errorf("half a request wrote %v and %d halves", whole, halves)
		}
		noJournal(t, address)
	})
}
