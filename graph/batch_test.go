package graph_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// long is a text of n characters that begins with a prefix.
func long(n int, prefix string, args ...any) string {
	text := fmt.Sprintf(prefix, args...)
	return text + strings.Repeat("x", n-len(text))
}

// TestTheMostEventsWithAllThatMailersKnowFitIntoOneRequest records what a mailer with unique links,
// long user agents and talkative mail systems has to tell.
func TestTheMostEventsWithAllThatMailersKnowFitIntoOneRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, p := w.mailed(t, a)
		events := make([]any, 5000)
		for i := range events {
			event := object{
				"id": long(
					120, "<m-%d@mailer-7.example.net>/event/", i,
				),
				"kind":         "CLICKED",
				"campaignId":   number(c.ID),
				"subscriberId": number(p.ID),
				"at":           "2026-03-01T12:00:00.123456Z",
				"userAgent": long(
					400, "Mozilla/5.0 (Linux; Android 15; SM-S938B) AppleWebKit/537.36 (KHTML, like Gecko) %d ", i,
				),
				"ip":     "2001:db8:85a3:8d3:1319:8a2e:370:7348",
				"reason": long(900, "550 5.7.26 \"unauthenticated\" é %d ", i),
			}
			if event["url"] = long(
				1200,
				"https://shop.example.com/sale?utm_source=mail&recipient=%d&signature=",
				i,
			); i%2 == 1 {
				event["kind"] = "SOFT_BOUNCED"
				delete(event, "url")
			}
			events[i] = event
		}
		variables := object{"in": object{"events": events}}
		if size := len(must(json.Marshal(variables))(t)); size < 8<<20 {
			t.Fatalf("the body has %d bytes, which shows little", size)
		}
		statements := w.Record(func() {
			data := w.MustQuery(t, w.key(t, a, kind.ScopeDelivery), recordDocument, variables)
			if n := apitest.At(t, data, "recordEvents", "recordedCount"); n != 5000.0 {
				t.Errorf("%v events were recorded: %.1000v", n, data)
			}
		})
		if n := count(statements, "FROM api_keys"); n != 1 {
			t.Errorf("the key was looked for %d times", n)
		}
		if now := w.db.Client(
			a.Context,
		).Campaign.GetX(
			a.Context, c.ID,
		); now.TotalClicks != c.TotalClicks+2500 ||
			now.TotalSoftBounces != c.TotalSoftBounces+2500 {
			t.Errorf("%d clicks and %d bounces", now.TotalClicks-c.TotalClicks, now.TotalSoftBounces-c.TotalSoftBounces)
		}
	})
}

func count(statements []store.Statement, part string) (n int) {
	for _, s := range statements {
		if strings.Contains(s.Query, part) {
			n++
		}
	}
	return n
}

func TestTheMostPeopleWithLongFieldsFitIntoOneRequest(t *testing.T) {
	const document = `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { addedCount userErrors { code } } }`
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		field := c.prop(t, a, "field")
		list := number(*w.db.Client(a.Context).CustomField.Query().FirstX(a.Context).ListID)
		rows := make([]any, 5000)
		for i := range rows {
			rows[i] = object{
				"emailAddress": long(
					60, "%d-", i,
				) + "@example.com",
				"ipAddress":    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
				"subscribedAt": "2026-03-01T12:00:00.123456Z",
				"fields":       []any{object{"fieldId": field, "value": long(400, "%d", i)}},
			}
		}
		data := w.MustQuery(
			t, w.key(t, a, kind.ScopeWrite), document, object{"in": object{"listId": list, "subscribers": rows}},
		)
		if n := apitest.At(t, data, "addSubscribers", "addedCount"); n != 5000.0 {
			t.Errorf("%v people were added: %.1000v", n, data)
		}
	})
}

// announced posts the head of a request with a body of a size, or of an unknown one, and what of
// the body is given; it reads the answer to that.
func announced(t *testing.T, url, key string, size int, body string) (status int, text string) {
	t.Helper()
	conn := must(net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), patience))(t)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var head bytes.Buffer
	fmt.Fprintf(
		&head,
		"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n",
		key,
	)
	if size < 0 {
		fmt.Fprintf(&head, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body)
	} else {
		fmt.Fprintf(&head, "Content-Length: %d\r\n\r\n%s", size, body)
	}
	must(conn.Write(head.Bytes()))(t)
	response := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
	defer response.Body.Close()
	return response.StatusCode, string(must(io.ReadAll(response.Body))(t))
}

func TestABodyOverTheLimitIsRefusedBeforeItIsRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		const mib = 1 << 20
		const refused = `{"errors":[{"message":"The request body is larger than 1048576 bytes; with a key of the scope write or delivery up to 16777216 are read.","extensions":{"code":"PAYLOAD_TOO_LARGE"`
		for name, tt := range map[string]struct {
			key        string
			size       int
			body       string
			statements int
			want       string
		}{
			"of nobody":                        {"", 2 * mib, "", 0, refused},
			"of nobody, of unknown size":       {"", -1, strings.Repeat(" ", mib+1), 0, refused},
			"of something that is no key":      {"key", 2 * mib, "", 0, refused},
			"of an unknown key":                {"cq_" + strings.Repeat("a", 52), 2 * mib, "", 1, refused},
			"of a key that may only read":      {w.key(t, a, kind.ScopeRead), 2 * mib, "", 1, refused},
			"larger than anybody's":            {a.Key, 16*mib + 1, "", 0, `{"errors":[{"message":"The request body is larger than 16777216 bytes.","extensions":{"code":"PAYLOAD_TOO_LARGE"`},
			"larger than anybody's, of nobody": {"", 16*mib + 1, "", 0, `{"errors":[{"message":"The request body is larger than 16777216 bytes.","extensions":{"code":"PAYLOAD_TOO_LARGE"`},
		} {
			if key := tt.key; strings.HasPrefix(key, "cq_") { // the first use of a key is noted
				w.Query(t, key, `{ campaignCounts { total } }`, nil)
			}
			ran := w.Record(func() {
				if status, got := announced(
					t,
					w.URL,
					tt.key,
					tt.size,
					tt.body,
				); status != http.StatusRequestEntityTooLarge ||
					!strings.HasPrefix(got, tt.want) {
					t.Errorf("a body %s is answered %d %s", name, status, got)
				}
			})
			if len(ran) != tt.statements {
				t.Errorf("a body %s costs %d statements: %v", name, len(ran), ran)
			}
		}
	})
}

// TestAnAccountHasPlacesForLargeBodies keeps some under way, which never come to their end.
func TestAnAccountHasPlacesForLargeBodies(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	w := &world{Server: apitest.New(t, db), db: db}
	hold := func(key string) net.Conn {
		conn := must(net.DialTimeout("tcp", strings.TrimPrefix(w.URL, "http://"), patience))(t)
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(
			conn,
			"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n",
			key,
		)
		t.Cleanup(func() { _ = conn.Close() })
		if line := must(bufio.NewReader(conn).ReadString('\n'))(t); line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatal(line)
		}
		return conn
	}
	first, third := w.Account(t), w.Account(t)
	held := map[*apitest.Account][]net.Conn{}
	for _, a := range []*apitest.Account{first, w.Account(t), w.Account(t), w.Account(t)} {
		for range 8 {
			held[a] = append(held[a], hold(a.Key))
		}
	}
	for _, tt := range []struct {
		of     *apitest.Account
		status int
		want   string
	}{
		{first, http.StatusTooManyRequests, `"The account has as many requests with large bodies under way as it may: let one end first.","extensions":{"code":"RATE_LIMITED","requestId":`},
		{third, http.StatusServiceUnavailable, `"The server has as many requests with large bodies under way as it may: try again.","extensions":{"code":"UNAVAILABLE","requestId":`},
	} {
		if status, got := announced(
			t,
			w.URL,
			tt.of.Key,
			2_000_000,
			"",
		); status != tt.status || !strings.Contains(got, tt.want) ||
			!strings.Contains(got, `"retryAfterSeconds":1`) {
			t.Errorf("%d %s", status, got)
		}
	}
	w.MustQuery(t, first.Key, `{ campaignCounts { total } }`, nil) // smaller ones are not kept waiting
	for _, conn := range held[first] {
		conn.Close()
	}
	eventually(t, "the places are given back", func() bool {
		return w.Query(
			t, first.Key, `{ campaignCounts { total } }`+strings.Repeat(" ", 1<<20), nil,
		).Status == http.StatusOK
	})
}
