package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// recorded records random events of a campaign and its subscribers within the two days after
// firstDay. Some events are recorded twice.
func (w *world) recorded(t *testing.T, a *apitest.Account, campaignID int64, people []int64) {
	t.Helper()
	kinds := kind.EventKind("").Values()
	var events []any
	for i := range 300 {
		what := strings.ToUpper(kinds[rand.IntN(len(kinds))])
		e := object{
			"id":           fmt.Sprint("e", i),
			"kind":         what,
			"campaignId":   number(campaignID),
			"subscriberId": number(people[rand.IntN(len(people))]),
			"at":           firstDay.Add(time.Duration(rand.IntN(48*3600)) * time.Second).Format(time.RFC3339),
		}
		switch what {
		case "CLICKED":
			e["url"] = fmt.Sprint("https://example.org/", rand.IntN(3))
		case "CONVERTED":
			currency := []any{"EUR", "USD", nil}[rand.IntN(3)]
			e["amount"] = object{"amount": float64(rand.IntN(10_000)) / 100, "currency": currency}
		case "OPENED":
			if i%3 == 0 {
				e["userAgent"] = "Barracuda Sentinel"
			}
		}
		if events = append(events, e); i%10 == 0 {
			events = append(events, e)
		}
	}
	data := w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
	if got := apitest.At(t, data, "recordEvents", "recordedCount"); got != 300.0 {
		t.Fatalf("%v events were recorded", got)
	}
}

// bridged returns the numbers of a campaign from the Command bridge, with their GraphQL names.
func bridged(row object) string {
	of := func(name string) any { return fmt.Sprint(row[name]) }
	return compact(object{
		"recipients": of("TotalRecipients"),
		"sent":       of("TotalSent"),
		"failed":     of("TotalFailed"),
		"opens":      object{"total": of("TotalOpens"), "unique": of("UniqueOpens")},
		"clicks": object{
			"total": of("TotalClicks"), "unique": of("UniqueClicks"),
		},
		"forwards":     object{"total": of("TotalForwards"), "unique": of("UniqueForwards")},
		"browserViews": object{"total": of("TotalViewsOnBrowser"), "unique": of("UniqueViewsOnBrowser")},
		"unsubscriptions": object{
			"total": of("TotalUnsubscriptions"),
		},
		"complaints": object{"total": of("TotalSpamReports")},
		"bounces":    object{"hard": of("TotalHardBounces"), "soft": of("TotalSoftBounces")},
	})
}

// TestANumberIsTheSameOnEverySurface records events and then reads the campaign's numbers through
// every surface.
func TestANumberIsTheSameOnEverySurface(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		client := w.db.Client(a.Context)
		c, other := w.bare(t, a), w.bare(t, a)
		must(client.Campaign.UpdateOne(c).SetSendingStartedAt(firstDay).SetTotalRecipients(40).Save(a.Context))(t)
		var people []int64
		for i := range 20 {
			email := fmt.Sprintf("p%d@example%d.org", i, i%3)
			people = append(
				people,
				must(
					client.Subscriber.Create().
						SetListID(1_000_000+a.User.ID).SetEmail(email).SetEmailKey(email).
						SetContactID(testkit.Contact(t, a.Context, client, email)).
						SetCreatedAt(firstDay.Add(-time.Hour)).Save(a.Context),
				)(t).ID,
			)
		}
		w.recorded(t, a, c.ID, people)
		id := number(c.ID)
		data := w.MustQuery(t, a.Key, `{
			detail: campaign(id: `+id+`) { statistics { `+everyNumber+` series(from: "2026-03-01T00:00:00Z", to: "2026-03-05T00:00:00Z") { `+everyPointAndMoney+` }
				links { nodes { url clicks uniqueClicks } } domains { nodes { domain sent uniqueOpens uniqueClicks hardBounces } } } }
			list: campaigns(filter: {ids: [`+id+`]}) { nodes { statistics { `+everyNumber+` } } }
			node(id: "`+globalID(gid.Campaign, c.ID)+`") { ... on Campaign { statistics { `+everyNumber+` } } }
			sum: statistics(filter: {ids: [`+id+`]}) { `+everyNumber+` links { nodes { url clicks uniqueClicks } } domains { nodes { domain sent uniqueOpens uniqueClicks hardBounces } } }
			time: statistics(filter: {ids: [`+id+`]}, from: "2026-03-01T00:00:00Z", to: "2026-03-05T00:00:00Z") { `+everyNumber+` series { `+everyPointAndMoney+` } }
			all: statistics { `+everyNumber+` }
			compare(campaignIds: [`+number(other.ID)+`, `+id+`]) { campaigns { campaign { statistics { `+everyNumber+` } } elapsed(interval: DAY, points: 4) { `+everyPointAndMoney+` } } total { `+everyNumber+` } }
		}`, nil)
		detail := apitest.At(t, data, "detail", "statistics").(object)
		series, links, domains := detail["series"].([]any), apitest.At(t, detail, "links", "nodes"), apitest.At(t, detail, "domains", "nodes")
		for _, name := range []string{"series", "links", "domains"} {
			delete(detail, name)
		}
		if n := detail["opens"].(object)["total"].(float64); n == 0 || len(links.([]any)) != 3 ||
			len(domains.([]any)) != 3 {
			t.Fatalf("hardly anything was counted: %v", compact(detail))
		}
		numbers := func(at ...any) object {
			out := object{}
			for name := range detail {
				out[name] = apitest.At(t, data, at...).(object)[name]
			}
			return out
		}
		for name, got := range map[string]object{
			"the list": numbers("list", "nodes", 0, "statistics"), "the node": numbers("node", "statistics"), "the sum": numbers("sum"), "a time around it": numbers("time"),
			"the account": numbers("all"), "the comparison": numbers("compare", "campaigns", 1, "campaign", "statistics"), "its sum": numbers("compare", "total"),
		} {
			if diff := cmp.Diff(detail, got); diff != "" {
				t.Errorf("-detail +%s:\n%s", name, diff)
			}
		}
		points := flat(added([]any{zeros(), detail}))
		for name, got := range map[string]any{
			"its series": series, "the series of the sum": apitest.At(t, data, "time", "series"), "what elapsed": apitest.At(t, data, "compare", "campaigns", 1, "elapsed"),
		} {
			if diff := cmp.Diff(points, added(append([]any{zeroPoint()}, got.([]any)...))); diff != "" {
				t.Errorf("-detail +%s:\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(links, apitest.At(t, data, "sum", "links", "nodes")); diff != "" {
			t.Errorf("links (-detail +sum):\n%s", diff)
		}
		if diff := cmp.Diff(domains, apitest.At(t, data, "sum", "domains", "nodes")); diff != "" {
			t.Errorf("mail domains (-detail +sum):\n%s", diff)
		}
		w.sameOnTheBridge(t, a, id, detail)
		w.sameInTheFile(t, a, id, detail)
	})
}

func (w *world) sameOnTheBridge(t *testing.T, a *apitest.Account, id string, detail object) {
	t.Helper()
	want := object{}
	for name, value := range detail {
		switch value := value.(type) {
		case float64:
			want[name] = fmt.Sprint(value)
		case object:
			inner := object{}
			for key, v := range value {
				if n, ok := v.(float64); ok && key != "rate" {
					inner[key] = fmt.Sprint(n)
				}
			}
			want[name] = inner
		}
	}
	for _, name := range []string{"delivered", "clickToOpenRate", "conversions", "automated"} {
		delete(want, name) // the legacy API does not have these
	}
	for command, path := range map[string][]any{"Campaign.Get": {"Campaign"}, "Campaigns.Get": {"Campaigns", 0}} {
		parameters := url.Values{
			"Command": {command}, "APIKey": {a.Key}, "CampaignID": {id}, "RecordsPerRequest": {"10"},
			"OrderField": {"TotalRecipients"}, "OrderType": {"DESC"},
		}
		_, body := w.Command(t, parameters)
		var answer any
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(compact(want), bridged(apitest.At(t, answer, path...).(object))); diff != "" {
			t.Errorf("-detail +%s:\n%s", command, diff)
		}
	}
}

// sameInTheFile adds up the exported series and counts the exported events, and compares both.
func (w *world) sameInTheFile(t *testing.T, a *apitest.Account, id string, detail object) {
	t.Helper()
	for file, check := range map[string]func(rows []any){
		"series.json?from=2026-03-01T00:00:00Z&to=2026-03-05T00:00:00Z&interval=HOUR": func(rows []any) {
			for _, row := range rows {
				amounts := []any{}
				for name, value := range row.(object) {
					if currency, found := strings.CutPrefix(name, "conversionAmount"); found {
						amounts = append(amounts, object{"amount": fmt.Sprint(value), "currency": currency})
					}
				}
				row.(object)["conversionAmounts"] = amounts
			}
			want, got := flat(added([]any{zeros(), detail})), added(append([]any{zeroPoint()}, rows...))
			maps.DeleteFunc(got, func(name string, _ any) bool { return want[name] == nil }) // the columns of amounts
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-detail +exported series:\n%s", diff)
			}
		},
		"activity.json": func(rows []any) {
			sent := 0.0
			for _, row := range rows {
				if row.(object)["kind"] == "SENT" {
					sent++
				}
			}
			if len(rows) != 300 || sent != detail["sent"] {
				t.Errorf("%d events, %v of them sent, want %v", len(rows), sent, detail["sent"])
			}
		},
	} {
		_, body := fetch(t, w.URL+"/export/campaigns/"+id+"/"+file, a.Key)
		var rows []any
		if err := json.Unmarshal([]byte(body), &rows); err != nil {
			t.Fatal(err)
		}
		check(rows)
	}
}
