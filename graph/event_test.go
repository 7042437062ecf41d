package graph_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

const recordDocument = `mutation($in: RecordEventsInput!) { recordEvents(input: $in) { recordedCount duplicateCount rejectedCount results { id result code reason message } userErrors { code field reason } } }`

// mailed creates a campaign of an account with one recipient.
func (w *world) mailed(t *testing.T, a *apitest.Account) (*ent.Campaign, *ent.Subscriber) {
	t.Helper()
	c := w.page(t, a, 1)[0]
	return c, must(
		w.db.Client(a.Context).
			Subscriber.Create().SetListID(1_000_000 + a.User.ID).SetEmail("ann@example.org").
			SetEmailKey("ann@example.org").SetCreatedAt(firstDay).
			SetContactID(testkit.Contact(t, a.Context, w.db.Client(a.Context), "ann@example.org")).
			Save(a.Context),
	)(t)
}

func TestEventsAreRecordedAndCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		c, p := w.mailed(t, a)
		theirs, stranger := w.mailed(t, other)
		e := func(id, what string, more ...object) object {
			out := object{
				"id": id, "kind": what, "campaignId": number(c.ID), "subscriberId": number(p.ID),
				"at": "2026-03-01T12:00:00Z",
			}
			for _, m := range more {
				for k, v := range m {
					out[k] = v
				}
			}
			return out
		}
		events := []any{
			e("1", "SENT"),
			e("1", "SENT"),
			e(
				"2", "OPENED",
				object{"campaignId": globalID(gid.Campaign, c.ID), "subscriberId": globalID(gid.Subscriber, p.ID)},
			),
			e("3", "CLICKED", object{"url": "https://example.org/a", "userAgent": "Mozilla/5.0"}),
			e("4", "CONVERTED", object{"amount": object{"amount": "12.5", "currency": "EUR"}}),
			e("5", "OPENED", object{"campaignId": number(theirs.ID)}),
			e("6", "OPENED", object{"subscriberId": number(stranger.ID)}),
			e("7", "OPENED", object{"campaignId": "no id"}),
			e("8", "OPENED", object{"campaignId": globalID(gid.Tag, c.ID)}),
			e("9", "OPENED", object{"at": "yesterday"}),
		}
		data := w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
		var got []string
		for _, r := range apitest.At(t, data, "recordEvents", "results").([]any) {
			told := r.(object)
			got = append(got, fmt.Sprint(told["id"], " ", told["result"], " ", told["code"]))
		}
		want := []string{
			"1 RECORDED <nil>",
			"1 DUPLICATE <nil>",
			"2 RECORDED <nil>",
			"3 RECORDED <nil>",
			"4 RECORDED <nil>",
			"5 REJECTED NOT_FOUND",
			"6 REJECTED NOT_FOUND",
			"7 REJECTED INVALID",
			"8 REJECTED INVALID",
			"9 REJECTED INVALID",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		counts := fmt.Sprint(
			apitest.At(t, data, "recordEvents", "recordedCount"),
			apitest.At(t, data, "recordEvents", "duplicateCount"),
			apitest.At(t, data, "recordEvents", "rejectedCount"),
		)
		if counts != "4 1 5" {
			t.Error(counts)
		}
		shown := w.MustQuery(
			t, a.Key,
			`query($id: ID!) { campaign(id: $id) { statistics { opens { total unique } clicks { total } automated { clicks } conversions { count amounts { amount currency } } } } }`,
			object{"id": number(c.ID)},
		)
		told, _ := json.Marshal(apitest.At(t, shown, "campaign", "statistics"))
		before, _ := json.Marshal(
			object{
				"opens":  object{"total": c.TotalOpens + 1, "unique": c.UniqueOpens + 1},
				"clicks": object{"total": c.TotalClicks},
				"automated": object{
					"clicks": c.AutomatedClicks + 1,
				},
				"conversions": object{
					"count": c.TotalConversions + 1, "amounts": []any{object{"amount": "12.50", "currency": "EUR"}},
				},
			},
		)
		if diff := cmp.Diff(string(before), string(told)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestURLsOfClicksAreShownAsSent records clicks in both ways, with odd URLs: none is lost, spellings
// of one link count together, and statistics and files show the first one as it was sent.
func TestURLsOfClicksAreShownAsSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, p := w.mailed(t, a)
		long := "https://example.org/" + strings.Repeat("x", 5000)
		spellings := [][2]string{
			{"https://example.org/100%#50%", "HTTPS://example.org/100%#50%"}, {" https://example.org/a b ", "https://example.org/a%20b"},
			{`https:\\example.org\c`, "https://example.org/c"}, {"https://example.org/%u00e4", "https://EXAMPLE.org:443/%u00e4"},
			{long, "\t" + long}, {"javascript:alert(1)", "data:text/html,x"}, {"/sale", "%"},
		}
		var events []any
		var lines strings.Builder
		for i, urls := range spellings {
			e := object{
				"id": fmt.Sprint("g", i), "kind": "CLICKED", "campaignId": number(c.ID), "subscriberId": number(p.ID),
				"at": "2026-03-01T12:00:00Z", "url": urls[0],
			}
			events = append(events, e)
			line := maps.Clone(e)
			line["id"], line["url"] = fmt.Sprint("l", i), urls[1]
			lines.Write(must(json.Marshal(line))(t))
			lines.WriteByte('\n')
		}
		data := w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
		if n := fmt.Sprint(apitest.At(t, data, "recordEvents", "recordedCount")); n != fmt.Sprint(len(events)) {
			t.Errorf("%s are recorded", n)
		}
		_, answers := w.streamed(t, a.Key, ndjson, strings.NewReader(lines.String()))
		if n := strings.Count(answers, `"recorded"`); n != len(events) {
			t.Errorf("%d are recorded: %s", n, answers)
		}
		want := map[string]int{long[:2000]: 2}
		for _, urls := range spellings[:4] {
			want[urls[0]] = 2
		}
		type link struct {
			URL    string
			Clicks int
		}
		byURL := func(text []byte) map[string]int {
			var all []link
			if err := json.Unmarshal(text, &all); err != nil {
				t.Fatal(err)
			}
			out := map[string]int{}
			for _, l := range all {
				out[l.URL] += l.Clicks
			}
			return out
		}
		shown := w.MustQuery(
			t, a.Key, `query($id: ID!) { campaign(id: $id) { statistics { links(first: 50) { nodes { url clicks } } } } }`,
			object{"id": number(c.ID)},
		)
		told := must(json.Marshal(apitest.At(t, shown, "campaign", "statistics", "links", "nodes")))(t)
		_, file := fetch(t, w.URL+"/export/campaigns/"+number(c.ID)+"/links.json", a.Key)
		for name, text := range map[string][]byte{"GraphQL": told, "file": []byte(file)} {
			if diff := cmp.Diff(want, byURL(text)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		_, activity := fetch(t, w.URL+"/export/campaigns/"+number(c.ID)+"/activity.json", a.Key)
		if n := strings.Count(activity, `"url":"https://example.org/%u00e4"`); n != 2 {
			t.Errorf("activity has the link %d times", n)
		}
		if now := w.db.Client(a.Context).Campaign.GetX(a.Context, c.ID); now.TotalClicks != c.TotalClicks+int64(2*len(spellings)) {
			t.Errorf("%d clicks, were %d", now.TotalClicks, c.TotalClicks)
		}
	})
}

func TestWhoMayRecordEvents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, p := w.mailed(t, a)
		event := object{
			"id": "1", "kind": "SENT", "campaignId": number(c.ID), "subscriberId": number(p.ID),
			"at": "2026-03-01T12:00:00Z",
		}
		for name, tt := range map[string]struct{ key, code string }{
			"nobody": {"", "UNAUTHENTICATED"}, "a writer": {w.key(t, a, kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove), "FORBIDDEN"}, "a sender": {w.key(t, a, kind.ScopeDelivery), ""},
		} {
			response := w.Query(t, tt.key, recordDocument, object{"in": object{"events": []any{event}}})
			if len(response.Errors) == 0 && tt.code != "" ||
				len(response.Errors) > 0 && response.Errors[0].Code() != tt.code {
				t.Errorf("%s: %s", name, response.Body)
			}
		}
		var many []any
		for i := range 5000 {
			many = append(
				many,
				object{
					"id": fmt.Sprint("m/", i), "kind": "OPENED", "campaignId": number(c.ID), "subscriberId": number(p.ID),
					"at": "2026-03-01T12:00:00Z",
				},
			)
		}
		all := w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": many}})
		if apitest.At(t, all, "recordEvents", "recordedCount") != float64(5000) {
			t.Errorf("%.300v", all)
		}
		for reason, events := range map[string][]any{"TOO_MANY_EVENTS": append(many, event), "EVENTS_REQUIRED": {}} {
			data := w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
			got := fmt.Sprint(apitest.At(t, data, "recordEvents", "userErrors"))
			if got != "[map[code:INVALID field:[input events] reason:"+reason+"]]" {
				t.Error(got)
			}
		}
	})
}

// streamed posts lines and returns the answer.
func (w *world) streamed(t *testing.T, key, contentType string, body io.Reader) (status int, text string) {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/events", body))(t)
	request.Header.Set("Content-Type", contentType)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	return response.StatusCode, string(must(io.ReadAll(response.Body))(t))
}

const ndjson = "application/x-ndjson"

func TestAStreamIsAnsweredLineByLine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		c, p := w.mailed(t, a)
		theirs, _ := w.mailed(t, other)
		e := func(id, more string) string {
			return fmt.Sprintf(
				`{"id":%q,"kind":"OPENED","campaignId":"%d","at":"2026-03-01T12:00:00Z",%s}`, id, c.ID, more,
			)
		}
		numbered := fmt.Sprintf(`"subscriberId":%d`, p.ID)
		lines := []struct{ in, out string }{
			{e("1", numbered), `{"id":"1","result":"recorded"}`},
			{e("1", numbered), `{"id":"1","result":"duplicate"}`},
			{
				e("2", fmt.Sprintf(`"subscriberId":"%d","userAgent":"x","ip":"::1","reason":"<why>"`, p.ID)),
				`{"id":"2","result":"recorded"}`,
			},
			{e("3", `"emailAddress":"ANN@example.org"`), `{"id":"3","result":"recorded"}`},
			{
				fmt.Sprintf(`{"id":"old","kind":"OPENED","campaign":%d,"subscriber":%d,"at":"2026-03-01T12:00:00Z"}`, c.ID, p.ID),
				`{"id":"old","result":"recorded"}`,
			},
			{
				e("4", `"emailAddress":"nobody@example.org"`),
				`{"id":"4","result":"rejected","code":"not_found","message":"emailAddress: contact not found"}`,
			},
			{
				strings.Replace(e("5", numbered), fmt.Sprint(c.ID), fmt.Sprint(theirs.ID), 1),
				`{"id":"5","result":"rejected","code":"not_found","message":"campaignId: campaign not found"}`,
			},
			{
				`{"id":"6"`,
				`{"id":"","result":"rejected","code":"invalid","message":"the line is no event: it ends too early"}`,
			},
			{
				`[1]`,
				`{"id":"","result":"rejected","code":"invalid","message":"the line is no event: it must be a JSON object"}`,
			},
			{
				e("7", numbered) + "{}",
				`{"id":"","result":"rejected","code":"invalid","message":"the line is no event: something follows the object"}`,
			},
			{
				e("8", numbered+`,"colour":1`),
				`{"id":"8","result":"rejected","code":"invalid","message":"the line is no event: unknown field \"colour\""}`,
			},
			{
				e("9", numbered+`,"reason":1`),
				`{"id":"9","result":"rejected","code":"invalid","message":"the line is no event: reason must not be a number"}`,
			},
			{
				`{"id":"` + strings.Repeat("x", 70_000) + `"}`,
				`{"id":"","result":"rejected","code":"invalid","message":"the line is longer than 65536 bytes"}`,
			},
			{
				strings.Replace(e("10", numbered), "OPENED", "opened", 1),
				`{"id":"10","result":"rejected","code":"invalid","message":"kind: is not a known kind of event"}`,
			},
			{e("11", numbered), `{"id":"11","result":"recorded"}`},
			{
				e("12", numbered+`,"campaign":"987654321"`),
				`{"id":"12","result":"rejected","code":"invalid","message":"the line is no event: campaignId and campaign are two names of one field and differ: give campaignId alone"}`,
			},
			{
				e("13", numbered+`,"amount":"1"`),
				`{"id":"13","result":"rejected","code":"invalid","message":"the line is no event: amount must be a number, or an object of amount and currency"}`,
			},
			{
				e("14", numbered+`,"amount":{"amount":"ten"}`),
				`{"id":"14","result":"rejected","code":"invalid","message":"the line is no event: amount.amount must be a decimal number, such as \"49.90\""}`,
			},
			{
				strings.Replace(e("15", numbered+`,"amount":{"amount":"49.90","currency":"EUR"},"currency":"EUR"`), "OPENED", "CONVERTED", 1),
				`{"id":"15","result":"recorded"}`,
			},
			{
				e("16", numbered+`,"amount":{"amount":1,"currency":"EUR"},"currency":"USD"`),
				`{"id":"16","result":"rejected","code":"invalid","message":"the line is no event: amount.currency and currency are two names of one field and differ: give amount.currency alone"}`,
			},
			{
				strings.Replace(
					e("17", numbered+`,"campaign":"`+globalID("Campaign", c.ID)+`","amount":{"amount":"1","currency":"eur"},"currency":"EUR"`),
					"OPENED", "CONVERTED", 1,
				),
				`{"id":"17","result":"recorded"}`,
			},
		}
		var in, want strings.Builder
		for i, l := range lines {
			in.WriteString(l.in)
			want.WriteString(l.out + "\n")
			if i < len(lines)-1 {
				in.WriteString("\r\n\n") // empty lines are ignored, and the last line needs no line break
			}
		}
		status, got := w.streamed(t, a.Key, ndjson, strings.NewReader(in.String()))
		if diff := cmp.Diff(want.String(), got); status != http.StatusOK || diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
		if now := w.db.Client(a.Context).Campaign.GetX(a.Context, c.ID); now.TotalOpens != c.TotalOpens+5 ||
			now.UniqueOpens != c.UniqueOpens+1 {
			t.Errorf("%d opens by %d, were %d by %d", now.TotalOpens, now.UniqueOpens, c.TotalOpens, c.UniqueOpens)
		}
		for name, tt := range map[string]struct {
			key, contentType string
			status           int
		}{
			"nobody": {"", ndjson, 401}, "an unknown key": {"nonsense", ndjson, 401}, "a writer": {w.key(t, a, kind.ScopeWrite), ndjson, 403}, "another type": {a.Key, "application/json", 415},
		} {
			status, text := w.streamed(t, tt.key, tt.contentType, strings.NewReader(e("12", numbered)))
			if status != tt.status || !strings.Contains(text, `"requestId"`) {
				t.Errorf("%s: %d %s", name, status, text)
			}
		}
	})
}

// TestASlowSenderIsAnsweredAsItSends writes each line after the answer to the line before, and then
// many lines at once.
func TestASlowSenderIsAnsweredAsItSends(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, p := w.mailed(t, a)
		body, in := io.Pipe()
		request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/events", body))(t)
		request.Header.Set("Content-Type", ndjson)
		request.Header.Set("Authorization", "Bearer "+a.Key)
		send := func(n int) {
			_, err := fmt.Fprintf(
				in, `{"id":"%d","kind":"SENT","campaignId":"%d","subscriberId":"%d","at":%q}`+"\n",
				n, c.ID, p.ID, firstDay.Format(time.RFC3339),
			)
			if err != nil {
				t.Error(err)
			}
		}
		go send(0)
		response := must(http.DefaultClient.Do(request))(t)
		defer response.Body.Close()
		answers := bufio.NewReader(response.Body)
		expect := func(n int) {
			t.Helper()
			if line, err := answers.ReadString('\n'); err != nil ||
				line != fmt.Sprintf(`{"id":"%d","result":"recorded"}`+"\n", n) {
				t.Fatalf("%q, %v", line, err)
			}
		}
		expect(0)
		for n := 1; n < 5; n++ {
			send(n)
			expect(n)
		}
		go func() {
			for n := 5; n < 12_005; n++ {
				send(n)
			}
			in.Close()
		}()
		for n := 5; n < 12_005; n++ {
			expect(n)
		}
		if rest := must(io.ReadAll(answers))(t); len(rest) > 0 {
			t.Errorf("%q", rest)
		}
	})
}

// TestConnectionServesOneRequestOfEventsAfterTheOther detects a server that takes the end of a
// request for the end of its connection. Such a server would fail some of the time.
func TestConnectionServesOneRequestOfEventsAfterTheOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, p := w.mailed(t, a)
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
		defer client.CloseIdleConnections()
		for n := range 200 {
			line := fmt.Sprintf(
				`{"id":"%d","kind":"SENT","campaignId":"%d","subscriberId":"%d","at":"2026-03-01T13:00:00Z"}`, n, c.ID,
				p.ID,
			)
			request := must(http.NewRequest(http.MethodPost, w.URL+"/events", strings.NewReader(line)))(t)
			request.Header.Set("Content-Type", "application/x-ndjson")
			request.Header.Set("Authorization", "Bearer "+a.Key)
			response := must(client.Do(request))(t)
			text := must(io.ReadAll(response.Body))(t)
			_ = response.Body.Close()
			if !strings.Contains(string(text), `"recorded"`) {
				t.Fatalf("request %d is answered %d %s", n, response.StatusCode, text)
			}
		}
	})
}
