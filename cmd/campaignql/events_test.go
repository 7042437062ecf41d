package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"campaignql/internal/caller"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/program"
)

const (
	eventWriters   = 6
	eventPeople    = 200
	eventsOfWriter = 4000
)

// mailed is a campaign with its recipients. The server under test uses the same database.
type mailed struct {
	db       *store.Store
	campaign int64
	people   []int64
}

func newMailing(t *testing.T, address string, owner int64) *mailed {
	t.Helper()
	db := testkit.Open(t, address)
	ctx, now := caller.System(t.Context()), store.Now()
	client := db.Client(ctx)
	c, err := client.Campaign.Create().SetUserID(owner).SetName("c").SetNameKey("c").
		SetCreatedAt(now).SetLastActivityAt(now).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m := &mailed{db: db, campaign: c.ID}
	for i := range eventPeople {
		address := fmt.Sprintf("p%d@example.org", i)
		contact, err := client.Contact.Create().SetUserID(owner).
			SetEmail(address).SetEmailKey(address).SetDomain("example.org").SetCreatedAt(now).
			Save(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p, err := client.Subscriber.Create().SetUserID(owner).SetListID(1).SetContactID(contact.ID).
			SetEmail(address).SetEmailKey(address).SetCreatedAt(now).
			Save(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m.people = append(m.people, p.ID)
	}
	return m
}

// line returns the n-th event of a writer: alternately a sent and an opened mail.
func (m *mailed) line(writer, n int) string {
	what := "SENT"
	if n%2 == 1 {
		what = "OPENED"
	}
	return fmt.Sprintf(
		`{"id":"m-%d-%d","kind":%q,"campaignId":"%d","subscriberId":"%d","at":"2026-03-01T%02d:00:00Z"}`+"\n",
		writer, n, what, m.campaign, m.people[(writer*7+n)%eventPeople], n%24,
	)
}

// stream sends the events of a writer, starting with number from. It returns the number after the
// last event that was answered in order before the connection ended. It calls answered for each
// answer.
func (m *mailed) stream(
	ctx context.Context, s *server, key string, writer, from int, answered func(),
) (upTo int, err error) {
	body, in := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/events", body)
	if err != nil {
		return from, err
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Authorization", "Bearer "+key)
	go func() {
		for n := from; n < eventsOfWriter; n++ {
			if _, err := io.WriteString(in, m.line(writer, n)); err != nil {
				return
			}
		}
		in.Close()
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		in.CloseWithError(err)
		return from, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for upTo = from; lines.Scan(); upTo++ {
		var told struct{ ID, Result, Message string }
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			return upTo, err
		}
		if told.ID != fmt.Sprintf("m-%d-%d", writer, upTo) || told.Result != "recorded" && told.Result != "duplicate" {
			return upTo, fmt.Errorf("answer %d is %s", upTo, lines.Text())
		}
		answered()
	}
	in.CloseWithError(io.ErrClosedPipe)
	return upTo, lines.Err()
}

// TestAKilledServerCountsEachEventOnce kills the server twice during six streams of events. Each
// stream sends events without an answer again.
func TestAKilledServerCountsEachEventOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		user := newUser(t, address, "ann")
		m := newMailing(t, address, user.UserID)
		var at [eventWriters]int
		for round := range 3 {
			s := start(t, address)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			var count atomic.Int64
			reached := make(chan struct{})
			answered := func() {
				if count.Add(1) == int64(3000*(round+1)) {
					close(reached)
				}
			}
			var writers sync.WaitGroup
			for writer := range eventWriters {
				writers.Go(func() {
					upTo, err := m.stream(ctx, s, user.APIKey, writer, at[writer], answered)
					if err == nil && upTo < eventsOfWriter && round == 2 {
						t.Errorf("writer %d was answered up to %d", writer, upTo)
					}
					at[writer] = upTo
				})
			}
			if round < 2 {
				select {
				case <-reached:
				case <-ctx.Done():
				}
				s.kill(t)
				writers.Wait()
			} else {
				writers.Wait()
				s.terminate(t)
				s.wait(t)
			}
			if ctx.Err() != nil {
				t.Fatal("the writers got nowhere")
			}
			cancel()
			if round < 2 {
				left := 0
				for _, upTo := range at {
					left += eventsOfWriter - upTo
				}
				if left == 0 {
					t.Error("everything was answered before the kill: it proves nothing")
				}
			}
		}
		ctx := caller.System(t.Context())
		c := m.db.Client(ctx).Campaign.GetX(ctx, m.campaign)
		const all = eventWriters * eventsOfWriter
		opened := map[int]bool{}
		for writer := range eventWriters {
			for n := 1; n < eventsOfWriter; n += 2 {
				opened[(writer*7+n)%eventPeople] = true
			}
		}
		n := m.db.Client(ctx).Event.Query().CountX(ctx)
		if n != all || c.TotalSent != all/2 || c.TotalOpens != all/2 || c.UniqueOpens != int64(len(opened)) {
			t.Errorf(
				"%d events, %d sent, %d opens by %d; want %d, %d, %d by %d",
				n, c.TotalSent, c.TotalOpens, c.UniqueOpens, all, all/2, all/2, len(opened),
			)
		}
		exact := fmt.Sprintf(
			"1 campaigns recounted, 0 counters corrected\n%d contacts recounted, 0 corrected\n", eventPeople,
		)
		if got := recountOf(t, address); got != exact {
			t.Errorf("recount says\n%s", got)
		}
		m.db.Client(ctx).Campaign.UpdateOneID(m.campaign).AddTotalSent(5).ExecX(ctx)
		want := fmt.Sprintf(
			"campaign %d: total_sent was %d, is %d\n1 campaigns recounted, 1 counters corrected\n",
			m.campaign, all/2+5, all/2,
		)
		if got := recountOf(t, address, "--campaign", fmt.Sprint(m.campaign)); got != want {
			t.Errorf("recount says\n%swant\n%s", got, want)
		}
	})
}

// recountOf runs `campaignql recount` and returns its output.
func recountOf(t *testing.T, address string, flags ...string) string {
	t.Helper()
	args := append([]string{"recount", "--database", address}, flags...)
	command := exec.CommandContext(t.Context(), program.Path(t), args...)
	command.Env = environ()
	var out strings.Builder
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		t.Fatalf("recount: %v\n%s", err, out.String())
	}
	return out.String()
}

// TestAServerToldToStopEndsStreams keeps a stream open while the server shuts down. Events that
// were already sent must be answered.
func TestAServerToldToStopEndsStreams(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	address := "sqlite:" + t.TempDir() + "/test.db"
	user := newUser(t, address, "ann")
	m := newMailing(t, address, user.UserID)
	s := start(t, address)
	body, in := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/events", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Authorization", "Bearer "+user.APIKey)
	go func() { _, _ = io.WriteString(in, m.line(0, 0)) }()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answers := bufio.NewReader(response.Body)
	if line, err := answers.ReadString('\n'); err != nil || line != `{"id":"m-0-0","result":"recorded"}`+"\n" {
		t.Fatalf("%q, %v: a slow sender is not answered", line, err)
	}
	begun := time.Now()
	s.terminate(t)
	if rest, err := io.ReadAll(answers); len(rest) > 0 || err != nil {
		t.Errorf("the stream ends with %q, %v", rest, err)
	}
	if status := s.wait(t); status != 0 || time.Since(begun) > 10*time.Second {
		t.Errorf("exit status %d after %s", status, time.Since(begun))
	}
}
