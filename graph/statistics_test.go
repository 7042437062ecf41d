package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit/apitest"
)

func TestStatisticsBeyondTheCounters(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.page(t, a, 1)[0]
		w.counted(t, a, c.ID)
		for _, tt := range []struct{ name, fields, want string }{
			{"hours", `series(from: "2026-03-01T13:30:00Z", to: "2026-03-01T15:00:00Z", interval: HOUR) { start sent uniqueOpens conversionAmount }`,
				`{"series":[{"conversionAmount":0,"sent":0,"start":"2026-03-01T13:00:00Z","uniqueOpens":0},{"conversionAmount":12.5,"sent":40,"start":"2026-03-01T14:00:00Z","uniqueOpens":30}]}`},
			{"days of a zone", `series(from: "2026-03-01T14:00:00Z", to: "2026-03-02T14:00:00Z", timeZone: "Asia/Kolkata") { start clicks }`,
				`{"series":[{"clicks":21,"start":"2026-02-28T18:30:00Z"},{"clicks":0,"start":"2026-03-01T18:30:00Z"}]}`},
			{"day of 23 hours", `series(from: "2026-03-29T00:00:00Z", to: "2026-03-29T10:00:00Z", timeZone: "Europe/Berlin") { start end }`,
				`{"series":[{"end":"2026-03-29T22:00:00Z","start":"2026-03-28T23:00:00Z"}]}`},
			{"weeks", `series(from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z", interval: WEEK, timeZone: "UTC") { start complaints }`,
				`{"series":[{"complaints":10,"start":"2026-02-23T00:00:00Z"},{"complaints":0,"start":"2026-03-02T00:00:00Z"}]}`},
			{"links by clicks", `links(first: 1) { url clicks uniqueClicks }`, `{"links":[{"clicks":9,"uniqueClicks":3,"url":"https://example.com/b"}]}`},
			{"links by people", `links(orderBy: UNIQUE_CLICKS) { url }`, `{"links":[{"url":"https://example.com/a"},{"url":"https://example.com/b"}]}`},
			{"domains", `domains(first: 1) { domain sent delivered }`, `{"domains":[{"delivered":12,"domain":"example.org","sent":21}]}`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				data := w.MustQuery(
					t, a.Key, fmt.Sprintf(`{ campaign(id: %d) { statistics { %s } } }`, c.ID, tt.fields), nil,
				)
				if diff := cmp.Diff(tt.want, compact(apitest.At(t, data, "campaign", "statistics"))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestLinksGoOnAfterACursor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.page(t, a, 2)
		for i := range 9 {
			must(
				w.db.Client(a.Context).
					LinkCounter.Create().SetCampaignID(rows[i%2].ID).SetURLHash(number(int64(i))).
					SetURL("https://example.com/" + number(int64(i))).SetClicks(int64(i / 4)).
					SetUniqueClicks(int64(i % 3)).Save(a.Context),
			)(t)
		}
		for order, want := range map[string]string{"CLICKS": "8 6 4 2 0", "UNIQUE_CLICKS": "8 2 4 6 0"} {
			var got []string
			for after := any(nil); ; {
				data := w.MustQuery(
					t, a.Key,
					`query($id: ID!, $after: String) { campaign(id: $id) { statistics { links(first: 2, after: $after, orderBy: `+order+`) { url cursor } } } }`,
					object{"id": number(rows[0].ID), "after": after},
				)
				links := apitest.At(t, data, "campaign", "statistics", "links").([]any)
				if len(links) == 0 {
					break
				}
				for _, link := range links {
					got = append(got, strings.TrimPrefix(link.(object)["url"].(string), "https://example.com/"))
					after = link.(object)["cursor"]
				}
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", order, diff)
			}
		}
	})
}

func TestStatisticsRefuseWhatIsTooMuch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.page(t, a, 1)[0]
		for field, want := range map[string]string{
			`series(from: "2026-01-01T00:00:00Z", to: "2026-03-01T00:00:00Z", interval: HOUR) { sent }`: "1000 points",
			`series(from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z") { sent }`:                 "after from",
			`links(first: 251) { url }`:           "250",
			`links(after: "bm9uc2Vuc2U") { url }`: "cursor",
			`domains(first: -1) { sent }`:         "negative",
		} {
			response := w.Query(t, a.Key, fmt.Sprintf(`{ campaign(id: %d) { statistics { %s } } }`, c.ID, field), nil)
			if all := strings.Join(messages(response), "\n"); !strings.Contains(all, want) {
				t.Errorf("%s is answered %q, want an error that says %q", field, all, want)
			}
		}
	})
}
