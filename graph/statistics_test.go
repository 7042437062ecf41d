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
			{"hours", `series(from: "2026-03-01T13:30:00Z", to: "2026-03-01T15:00:00Z", interval: HOUR) { start sent uniqueOpens conversionAmounts { amount currency } }`,
				`{"series":[{"conversionAmounts":[],"sent":0,"start":"2026-03-01T13:00:00Z","uniqueOpens":0},{"conversionAmounts":[{"amount":"0.05","currency":null},{"amount":"12.50","currency":"EUR"},{"amount":"90071992547409.93","currency":"JPY"}],"sent":40,"start":"2026-03-01T14:00:00Z","uniqueOpens":30}]}`},
			{"days of a zone", `series(from: "2026-03-01T14:00:00Z", to: "2026-03-02T14:00:00Z", timeZone: "Asia/Kolkata") { start clicks }`,
				`{"series":[{"clicks":21,"start":"2026-02-28T18:30:00Z"},{"clicks":0,"start":"2026-03-01T18:30:00Z"}]}`},
			{"day of 23 hours", `series(from: "2026-03-29T00:00:00Z", to: "2026-03-29T10:00:00Z", timeZone: "Europe/Berlin") { start end }`,
				`{"series":[{"end":"2026-03-29T22:00:00Z","start":"2026-03-28T23:00:00Z"}]}`},
			{"weeks", `series(from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z", interval: WEEK, timeZone: "UTC") { start complaints }`,
				`{"series":[{"complaints":10,"start":"2026-02-23T00:00:00Z"},{"complaints":0,"start":"2026-03-02T00:00:00Z"}]}`},
			{"links by clicks", `links(first: 1) { nodes { url clicks uniqueClicks } }`, `{"links":{"nodes":[{"clicks":9,"uniqueClicks":3,"url":"https://example.com/b"}]}}`},
			{"links by people", `links(orderBy: UNIQUE_CLICKS) { nodes { url } }`, `{"links":{"nodes":[{"url":"https://example.com/a"},{"url":"https://example.com/b"}]}}`},
			{"domains", `domains(first: 1) { nodes { domain sent delivered } }`, `{"domains":{"nodes":[{"delivered":12,"domain":"example.org","sent":21}]}}`},
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

// TestLinksAndDomainsArePagedBothWays walks through the links and mail domains of a campaign, and of
// two in sum, from both ends. Numbers that are equal are in the order of the ids.
func TestLinksAndDomainsArePagedBothWays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows, client := w.page(t, a, 2), w.db.Client(a.Context)
		for i := range 9 {
			n := number(int64(i))
			must(client.LinkCounter.Create().SetCampaignID(rows[i%2].ID).SetURLHash(n).SetURL(n).
				SetClicks(int64(i / 4)).SetUniqueClicks(int64(i % 3)).Save(a.Context))(t)
			must(client.DomainCounter.Create().SetCampaignID(rows[i%2].ID).SetDomain(n).
				SetSent(int64(i / 2)).Save(a.Context))(t)
		}
		// Of both campaigns this link and this domain are one each.
		must(client.LinkCounter.Create().SetCampaignID(rows[0].ID).SetURLHash("1").SetURL("1").
			SetClicks(1).Save(a.Context))(t)
		must(client.DomainCounter.Create().SetCampaignID(rows[0].ID).SetDomain("1").SetSent(3).Save(a.Context))(t)
		one, sum := fmt.Sprintf(`campaign(id: %d) { statistics { %%s } }`, rows[0].ID), `statistics { %s }`
		for _, tt := range []struct{ of, list, field, want string }{
			{one, "links(%s)", "url", "8 1 6 4 2 0"},
			{one, "links(orderBy: UNIQUE_CLICKS %s)", "url", "8 2 4 1 6 0"},
			{one, "domains(%s)", "domain", "8 1 6 4 2 0"},
			{sum, "links(%s)", "url", "8 1 7 6 5 4 3 2 0"},
			{sum, "links(orderBy: UNIQUE_CLICKS %s)", "url", "8 5 2 1 7 4 6 3 0"},
			{sum, "domains(%s)", "domain", "8 1 7 6 5 4 3 2 0"},
		} {
			path := []any{"campaign", "statistics"}
			if tt.of == sum {
				path = path[1:]
			}
			path = append(path, strings.Split(tt.list, "(")[0])
			read := func(arguments string) (nodes []string, start, end, total any, more bool) {
				field := fmt.Sprintf(tt.list, arguments) + ` { edges { cursor node { ` + tt.field + ` } } nodes { ` + tt.field +
					` } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`
				got := apitest.At(t, w.MustQuery(t, a.Key, fmt.Sprintf(`{ `+tt.of+` }`, field), nil), path...).(object)
				for i, node := range got["nodes"].([]any) {
					nodes = append(nodes, node.(object)[tt.field].(string))
					if edge := got["edges"].([]any)[i].(object); cmp.Diff(edge["node"], node) != "" {
						t.Errorf("%s: the edge is %v, the node %v", field, edge, node)
					}
				}
				info := got["pageInfo"].(object)
				more = info["hasNextPage"].(bool)
				if strings.Contains(arguments, "last") {
					more = info["hasPreviousPage"].(bool)
				}
				return nodes, info["startCursor"], info["endCursor"], got["totalCount"], more
			}
			size := float64(len(strings.Fields(tt.want)))
			var forwards, backwards []string
			for arguments := `first: 2`; ; {
				nodes, _, end, total, more := read(arguments)
				if forwards = append(forwards, nodes...); total != size {
					t.Errorf("%s of %s: totalCount is %v, want %v", tt.list, tt.of, total, size)
				}
				if !more {
					break
				}
				arguments = fmt.Sprintf(`first: 2, after: "%s"`, end)
			}
			for arguments := `last: 2`; ; {
				nodes, start, _, _, more := read(arguments)
				backwards = append(nodes, backwards...)
				if !more {
					break
				}
				arguments = fmt.Sprintf(`last: 2, before: "%s"`, start)
			}
			if got := strings.Join(forwards, " "); got != tt.want {
				t.Errorf("%s of %s forwards: %s, want %s", tt.list, tt.of, got, tt.want)
			}
			if got := strings.Join(backwards, " "); got != tt.want {
				t.Errorf("%s of %s backwards: %s, want %s", tt.list, tt.of, got, tt.want)
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
			`links(first: 251) { nodes { url } }`:                                                       "250",
			`links(after: "bm9uc2Vuc2U") { nodes { url } }`:                                             "cursor",
			`domains(first: -1) { nodes { sent } }`:                                                     "negative",
		} {
			response := w.Query(t, a.Key, fmt.Sprintf(`{ campaign(id: %d) { statistics { %s } } }`, c.ID, field), nil)
			if all := strings.Join(messages(response), "\n"); !strings.Contains(all, want) {
				t.Errorf("%s is answered %q, want an error that says %q", field, all, want)
			}
		}
	})
}
