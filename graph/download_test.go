package graph_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/graph/download"
	"campaignql/graph/gid"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/export"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
	"campaignql/internal/testkit/apitest"
)

var updateGolden = flag.Bool("update", false, "write the golden files")

// fetch requests a URL, with a key in the Authorization header or without.
func fetch(t *testing.T, address, key string) (*http.Response, string) {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))(t)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	return response, string(must(io.ReadAll(response.Body))(t))
}

// bare creates a campaign without related rows.
func (w *world) bare(t *testing.T, a *apitest.Account) *ent.Campaign {
	t.Helper()
	return must(
		w.db.Client(a.Context).
			Campaign.Create().SetName("bare").SetNameKey("bare").SetCreatedAt(firstDay).
			SetLastActivityAt(firstDay).Save(a.Context),
	)(t)
}

// contactShownAs makes a contact of its own with an address, which the account may have many times.
func (w *world) contactShownAs(t *testing.T, a *apitest.Account, email string) int64 {
	t.Helper()
	return must(
		w.db.Client(a.Context).Contact.Create().
			SetEmail(email).SetEmailKey(randomName()).SetDomain("example.org").SetCreatedAt(firstDay).Save(a.Context),
	)(t).ID
}

// acted creates events that are hard to encode. It returns the campaign and the two subscribers of
// the events. The second one is deleted.
func (w *world) acted(t *testing.T, a *apitest.Account) (*ent.Campaign, []int64) {
	t.Helper()
	client := w.db.Client(a.Context)
	c := w.bare(t, a)
	w.counted(t, a, c.ID)
	must(client.Campaign.UpdateOne(c).SetSendingStartedAt(firstDay).Save(a.Context))(t)
	p := must(
		client.Subscriber.Create().
			SetID(700_000_000 + rand.Int64N(200_000_000)).SetListID(1_000_000 + a.User.ID).
			SetEmail("+ann@example.org").SetEmailKey(randomName()).
			SetContactID(w.contactShownAs(t, a, "+ann@example.org")).
			SetCreatedAt(firstDay).Save(a.Context),
	)(t)
	link := must(
		client.LinkCounter.Create().
			SetCampaignID(c.ID).SetURLHash("c").SetURL(`https://example.com/ä?a="1",2&b=<3>`).
			SetClicks(1).SetUniqueClicks(1).Save(a.Context),
	)(t)
	gone := p.ID + 900_000_000
	for i, create := range []*ent.EventCreate{
		client.Event.Create().SetKind(kind.EventSent).SetContactID(p.ContactID).SetSubscriberID(p.ID),
		client.Event.Create().SetKind(kind.EventClicked).SetContactID(p.ContactID).SetSubscriberID(p.ID).SetLinkID(link.ID).SetAutomated(true),
		client.Event.Create().SetKind(kind.EventConverted).SetContactID(p.ContactID).SetSubscriberID(p.ID).SetAmount(1205).SetCurrency("EUR"),
		client.Event.Create().SetKind(kind.EventConverted).SetContactID(p.ContactID).SetSubscriberID(p.ID),
		client.Event.Create().SetKind(kind.EventSoftBounced).SetContactID(gone).SetSubscriberID(gone).SetReason("=HYPERLINK(\"http://evil\")"),
		client.Event.Create().SetKind(kind.EventHardBounced).SetContactID(gone).SetSubscriberID(gone).SetReason("two lines:\nüber, \"quoted\""),
		client.Event.Create().SetKind(kind.EventComplained).SetContactID(gone).SetSubscriberID(gone).SetReason("\tindented"),
	} {
		must(
			create.SetID(fmt.Sprintf("%d-%d", c.ID, i)).
				SetCampaignID(c.ID).
				SetAt(firstDay.Add(time.Duration(i)*time.Hour + 250*time.Millisecond)).
				Save(a.Context),
		)(t)
	}
	return c, []int64{p.ID, gone}
}

func TestExportedFilesAreAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, people := w.acted(t, a)
		for name, query := range map[string]string{
			"series": "?from=2026-03-01T13:00:00Z&to=2026-03-01T15:00:00Z&interval=HOUR", "links": "", "activity": "",
		} {
			for format, media := range map[string]string{"csv": "text/csv; charset=utf-8; header=present", "json": "application/json; charset=utf-8"} {
				file := name + "." + format
				response, body := fetch(t, w.URL+"/export/campaigns/"+number(c.ID)+"/"+file+query, a.Key)
				if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != media {
					t.Fatalf("%s: %d %s %s", file, response.StatusCode, got, body)
				}
				want := `attachment; filename="campaign-` + number(c.ID) + `-` + file + `"`
				got := response.Header.Get("Content-Disposition")
				if got != want || response.Header.Get("Cache-Control") != "no-store" ||
					response.Header.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("%s: %v", file, response.Header)
				}
				body = strings.NewReplacer(number(people[0]), "ANN", number(people[1]), "GONE").Replace(body)
				golden(t, "export_"+file, body)
			}
		}
		// Both formats can be parsed again.
		_, text := fetch(t, w.URL+"/export/campaigns/"+globalID(gid.Campaign, c.ID)+"/activity.csv", a.Key)
		records := must(csv.NewReader(strings.NewReader(text)).ReadAll())(t)
		if len(records) != 8 || records[6][5] != "two lines:\nüber, \"quoted\"" || records[5][5][0] != '\'' {
			t.Errorf("%q", records)
		}
		_, text = fetch(
			t,
			w.URL+"/export/campaigns/"+number(c.ID)+"/activity.json?from=2026-03-01T13:00:00Z&to=2026-03-01T15:00:00Z",
			a.Key,
		)
		var rows []object
		err := json.Unmarshal([]byte(text), &rows)
		if err != nil || len(rows) != 2 || rows[0]["automated"] != true || rows[1]["amount"] != 12.05 ||
			rows[1]["reason"] != nil {
			t.Errorf("%v %v", err, rows)
		}
		response, body := fetch(t, w.URL+"/export/campaigns/"+number(w.bare(t, a).ID)+"/links.json", a.Key)
		if response.StatusCode != http.StatusOK || body != "[\n]\n" {
			t.Errorf("a campaign without links: %d %q", response.StatusCode, body)
		}
	})
}

// golden compares a text with a golden file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(must(os.ReadFile(path))(t)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestExportedColumnsAreTheFieldsOfTheSchema(t *testing.T) {
	t.Parallel()
	types := schema(t).Types
	for content, typeName := range map[export.Content]string{export.Series: "SeriesPoint", export.Links: "LinkStatistic"} {
		var want []string
		for _, field := range types[typeName].Fields {
			if !strings.HasPrefix(field.Name, "__") && field.Name != "cursor" &&
				types[field.Type.Name()].Kind != ast.Object {
				want = append(want, field.Name)
			}
		}
		if content == export.Series { // a column for each currency of the campaign
			want = append(want, "conversionAmount", "conversionAmountEUR", "conversionAmountJPY")
		}
		header, _, _ := strings.Cut(
			string(must(os.ReadFile(filepath.Join("testdata", "export_"+string(content)+".csv.golden")))(t)), "\r\n",
		)
		if diff := cmp.Diff(want, strings.Split(header, ",")); diff != "" {
			t.Errorf("%s (-schema +file):\n%s", content, diff)
		}
	}
}

func TestWhoMayExportWhat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		admin := w.Account(t, func(u *account.NewUser) { u.Role = kind.RoleAdmin })
		c, _ := w.acted(t, a)
		theirs, _ := w.acted(t, other)
		mine := "/export/campaigns/" + number(c.ID) + "/"
		reader := w.key(t, a, kind.ScopeRead)
		for _, tt := range []struct {
			name, path, key string
			want            int
		}{
			{"a reader", mine + "activity.csv", reader, 200}, {"an admin", mine + "links.csv", admin.Key, 200}, {"nobody", mine + "activity.csv", "", 401},
			{"a writer", mine + "activity.csv", w.key(t, a, kind.ScopeWrite), 403}, {"a sender", mine + "activity.csv", w.key(t, a, kind.ScopeDelivery), 403},
			{"a stranger", mine + "series.json", other.Key, 404}, {"of another", "/export/campaigns/" + number(theirs.ID) + "/links.csv", reader, 404},
			{"of none", "/export/campaigns/" + number(missingID) + "/links.csv", reader, 404}, {"no id", "/export/campaigns/x/links.csv", reader, 404},
			{"an id of a tag", "/export/campaigns/" + globalID(gid.Tag, c.ID) + "/links.csv", reader, 404},
			{"an unknown key", mine + "links.csv", "cq_" + strings.Repeat("x", 52), 401}, {"an unknown content", mine + "people.csv", reader, 400},
			{"an unknown format", mine + "links.xlsx", reader, 400}, {"no format", mine + "links", reader, 400}, {"links of a time", mine + "links.csv?from=2026-01-01T00:00:00Z", reader, 400},
			{"a time that ends before", mine + "activity.csv?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", reader, 400},
			{"no time", mine + "activity.csv?from=yesterday", reader, 400}, {"no interval", mine + "series.csv?interval=YEAR", reader, 400},
			{"no zone", mine + "series.csv?timeZone=Mars", reader, 400}, {"too many points", mine + "series.csv?interval=HOUR&from=2020-01-01T00:00:00Z", reader, 400},
		} {
			response, body := fetch(t, w.URL+tt.path, tt.key)
			if response.StatusCode != tt.want {
				t.Errorf("%s: %d %s, want %d", tt.name, response.StatusCode, body, tt.want)
			}
			if found := leak.FindString(requestIDs.ReplaceAllString(body, "")); tt.want != 200 &&
				(found != "" || response.Header.Get("Content-Disposition") != "") {
				t.Errorf("%s: %q in %s %v", tt.name, found, body, response.Header)
			}
		}
		_, missing := fetch(t, w.URL+"/export/campaigns/"+number(missingID)+"/links.csv", reader)
		_, foreign := fetch(t, w.URL+"/export/campaigns/"+number(theirs.ID)+"/links.csv", reader)
		if a, b := requestIDs.ReplaceAllString(missing, ""), requestIDs.ReplaceAllString(foreign, ""); a != b {
			t.Errorf("a missing campaign is answered %s, another account's %s", a, b)
		}
		head := must(http.NewRequestWithContext(t.Context(), http.MethodHead, w.URL+mine+"activity.csv", nil))(t)
		head.Header.Set("Authorization", "Bearer "+reader)
		response := must(http.DefaultClient.Do(head))(t)
		if response.Body.Close(); response.StatusCode != 200 || response.Header.Get("Content-Disposition") == "" {
			t.Errorf("HEAD: %d %v", response.StatusCode, response.Header)
		}
		post := must(http.Post(w.URL+mine+"activity.csv", "text/plain", nil))(t)
		if post.Body.Close(); post.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", post.StatusCode)
		}
	})
}

const exportDocument = `query($id: ID!, $content: ExportContent!, $format: ExportFormat!, $from: DateTime, $zone: TimeZone) {
	exportStatistics(campaignId: $id, content: $content, format: $format, from: $from, timeZone: $zone) { url expiresAt } }`

func TestALinkOpensItsFileAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, _ := w.acted(t, a)
		second, _ := w.acted(t, a)
		key := w.key(t, a, kind.ScopeRead, kind.ScopeWrite)
		session := must(
			w.Services.Accounts.Login(t.Context(), account.Login{Username: a.User.Username, Password: "correct horse"}),
		)(t)
		for credential, token := range map[string]string{"key": key, "session": session.Token} {
			for _, variables := range []object{
				{"content": "ACTIVITY", "format": "CSV"}, {"content": "LINKS", "format": "JSON"}, {"content": "SERIES", "format": "CSV", "from": "2026-03-01T00:00:00.5+02:00", "zone": "GMT-03:30"},
			} {
				variables["id"] = number(c.ID)
				data := w.MustQuery(t, token, exportDocument, variables)
				link := apitest.At(t, data, "exportStatistics", "url").(string)
				end := must(
					time.Parse(time.RFC3339, apitest.At(t, data, "exportStatistics", "expiresAt").(string)),
				)(t)
				if time.Until(end) > download.LinkTTL || time.Until(end) < download.LinkTTL-time.Minute {
					t.Errorf("the link ends at %v", end)
				}
				response, body := fetch(t, link, "")
				if response.StatusCode != http.StatusOK || len(body) < 20 {
					t.Errorf("by %s: %s is answered %d %s", credential, link, response.StatusCode, body)
				}
				at := must(url.Parse(link))(t)
				forge := func(why string, change func(path *string, query url.Values)) {
					forged, query := *at, at.Query()
					change(&forged.Path, query)
					forged.RawQuery = query.Encode()
					response, body := fetch(t, forged.String(), "")
					if response.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "exportStatistics") {
						t.Errorf("by %s: %s: %d %s", credential, why, response.StatusCode, body)
					}
				}
				forge(
					"another campaign",
					func(path *string, _ url.Values) { *path = strings.Replace(*path, number(c.ID), number(second.ID), 1) },
				)
				forge("another content", func(path *string, _ url.Values) {
					*path = strings.NewReplacer("activity", "links", "links", "series", "series", "activity").
						Replace(*path)
				})
				forge("another format", func(path *string, _ url.Values) {
					*path = strings.NewReplacer(".csv", ".json", ".json", ".csv").Replace(*path)
				})
				forge("another time", func(_ *string, q url.Values) { q.Set("to", "2026-03-02T00:00:00Z") })
				forge("a later end", func(_ *string, q url.Values) {
					q.Set("expires", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
				})
				forge("one end more", func(_ *string, q url.Values) { q.Add("expires", "99999999999") })
				forge("no end", func(_ *string, q url.Values) { q.Del("expires") })
				forge("another signer", func(_ *string, q url.Values) { q.Set("signer", "k1") })
				forge("no signature", func(_ *string, q url.Values) { q.Del("signature") })
			}
		}
	})
}

func TestALinkEndsWithItsTimeAndItsKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, _ := w.acted(t, a)
		created, key, err := w.Services.Accounts.CreateKey(
			a.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}},
		)
		if err != nil {
			t.Fatal(err)
		}
		request := export.Request{
			CampaignID: c.ID, Content: export.Links, Format: export.CSV, Span: statistics.Span{Zone: time.UTC},
		}
		late, _, err := download.Link(
			a.Context, w.Services.Accounts, request, time.Now().Add(-download.LinkTTL-time.Second),
		)
		if err != nil {
			t.Fatal(err)
		}
		good, _, _ := download.Link(a.Context, w.Services.Accounts, request, time.Now())
		if response, body := fetch(t, w.URL+late, ""); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("a link that has ended: %d %s", response.StatusCode, body)
		}
		if response, body := fetch(t, w.URL+good, ""); response.StatusCode != http.StatusOK {
			t.Errorf("a link in time: %d %s", response.StatusCode, body)
		}
		link := apitest.At(t, w.MustQuery(t, key, exportDocument, object{"id": number(c.ID), "content": "LINKS", "format": "CSV"}), "exportStatistics", "url").(string)
		if response, _ := fetch(t, link, ""); response.StatusCode != http.StatusOK {
			t.Errorf("before the key is revoked: %d", response.StatusCode)
		}
		must(w.Services.Accounts.RevokeKey(a.Context, created.ID, account.RevokeDescendants))(t)
		if response, _ := fetch(t, link, ""); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("after the key was revoked: %d", response.StatusCode)
		}
		for variables, want := range map[string]string{
			`{"id": "` + number(missingID) + `", "content": "LINKS", "format": "CSV"}`:                             "NOT_FOUND campaignId",
			`{"id": "` + number(c.ID) + `", "content": "LINKS", "format": "CSV", "from": "2026-01-01T00:00:00Z"}`:  "BAD_USER_INPUT from",
			`{"id": "` + number(c.ID) + `", "content": "SERIES", "format": "CSV", "from": "1990-01-01T00:00:00Z"}`: "BAD_USER_INPUT from",
			`{"id": "no id", "content": "SERIES", "format": "JSON"}`:                                               "BAD_USER_INPUT campaignId",
		} {
			var given object
			if err := json.Unmarshal([]byte(variables), &given); err != nil {
				t.Fatal(err)
			}
			response := w.Query(t, a.Key, exportDocument, given)
			if len(response.Errors) == 0 ||
				fmt.Sprintf("%s %v", response.Errors[0].Code(), response.Errors[0].Extensions["field"]) != want {
				t.Errorf("%s is answered %s", variables, response.Body)
			}
		}
		writer := w.key(t, a, kind.ScopeWrite)
		response := w.Query(
			t, writer, exportDocument, object{"id": number(c.ID), "content": "LINKS", "format": "CSV"},
		)
		if len(response.Errors) == 0 || response.Errors[0].Code() != "FORBIDDEN" {
			t.Errorf("a key that may not read is answered %s", response.Body)
		}
	})
}

func TestNoLogTellsASignature(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, _ := w.acted(t, a)
		var log strings.Builder
		handler := app.Handler(w.Services, app.HandlerOptions{
			Config:   apitest.Config(),
			Stopping: make(chan struct{}),
			Logger:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		link, _, err := download.Link(
			a.Context, w.Services.Accounts,
			export.Request{CampaignID: c.ID, Content: export.Activity, Format: export.CSV}, time.Now(),
		)
		if err != nil {
			t.Fatal(err)
		}
		for want, ctx := range map[int]context.Context{http.StatusOK: t.Context(), http.StatusServiceUnavailable: canceled(t)} {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, link, nil))
			if answer.Code != want {
				t.Errorf("%d %s, want %d", answer.Code, answer.Body, want)
			}
		}
		// This checks the log of an error: here reading the file fails in the middle.
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("a file that broke off was not aborted")
				}
			}()
			ctx, cancel := context.WithCancel(t.Context())
			handler.ServeHTTP(
				&choked{ResponseWriter: httptest.NewRecorder(), then: cancel},
				httptest.NewRequestWithContext(ctx, http.MethodGet, link, nil),
			)
		}()
		if signature := must(url.Parse(link))(t).Query().
			Get("signature"); signature == "" ||
			strings.Contains(log.String(), signature) {
			t.Errorf("%q stands in the log:\n%s", signature, log.String())
		}
	})
}

// canceled returns a canceled context.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
