package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

func TestComparedCampaignsStandSideBySide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		client := w.db.Client(a.Context)
		rows := w.page(t, a, 4)
		// Two campaigns that began on different days, each with opens in its first, third and 26th
		// hour; one of them also has an earlier hour. A third campaign never began.
		for i, start := range []time.Time{firstDay.Add(25 * time.Minute), firstDay.Add(75*time.Hour + 59*time.Minute), firstDay} {
			must(
				client.Campaign.UpdateOne(rows[i]).
					SetSendingStartedAt(start).SetTotalOpens(6).SetTotalRecipients(10).Save(a.Context),
			)(t)
			for n, hour := range []int{0, 2, 25} {
				must(
					client.HourlyCounter.Create().
						SetCampaignID(rows[i].ID).
						SetHour(start.Truncate(time.Hour).Add(time.Duration(hour) * time.Hour)).
						SetOpens(int64(10*i + n + 1)).Save(a.Context),
				)(t)
			}
		}
		must(
			client.HourlyCounter.Create().
				SetCampaignID(rows[2].ID).SetHour(firstDay.Add(-time.Hour)).SetOpens(1000).
				Save(a.Context),
		)(t)
		ask := func(fields string, ids ...int) string {
			var named []string
			for _, i := range ids {
				named = append(named, number(rows[i].ID))
			}
			return compact(
				w.MustQuery(t, a.Key, `{ compare(campaignIds: [`+strings.Join(named, ",")+`]) { `+fields+` } }`, nil)["compare"],
			)
		}
		for _, tt := range []struct{ fields, want string }{
			{`campaigns { campaign { name statistics { opens { total } } } } total { campaigns recipients opens { total } }`,
				`{"campaigns":[{"campaign":{"name":"campaign 001","statistics":{"opens":{"total":6}}}},{"campaign":{"name":"campaign 003","statistics":{"opens":{"total":0}}}},` +
					`{"campaign":{"name":"campaign 000","statistics":{"opens":{"total":6}}}}],"total":{"campaigns":3,"opens":{"total":12},"recipients":20}}`},
			{`campaigns { elapsed(points: 3) { opens } }`, `{"campaigns":[{"elapsed":[{"opens":11},{"opens":0},{"opens":12}]},{"elapsed":[]},{"elapsed":[{"opens":1},{"opens":0},{"opens":2}]}]}`},
			{`campaigns { elapsed(interval: DAY, points: 2) { opens start } }`, `{"campaigns":[{"elapsed":[{"opens":23,"start":"2026-03-04T15:00:00Z"},{"opens":13,"start":"2026-03-05T15:00:00Z"}]},` +
				`{"elapsed":[]},{"elapsed":[{"opens":3,"start":"2026-03-01T12:00:00Z"},{"opens":3,"start":"2026-03-02T12:00:00Z"}]}]}`},
		} {
			if diff := cmp.Diff(tt.want, ask(tt.fields, 1, 3, 0)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.fields, diff)
			}
		}
		got := ask(`campaigns { elapsed(points: 1) { opens } }`, 2, 3)
		if got != `{"campaigns":[{"elapsed":[{"opens":21}]},{"elapsed":[]}]}` {
			t.Errorf("what was counted before sending began: %s", got)
		}
		if got := ask(`campaigns { elapsed { opens } }`, 3, 2)[:40]; got != `{"campaigns":[{"elapsed":[]},{"elapsed":` {
			t.Errorf("a campaign that never began: %s", got)
		}
	})
}

func TestIntervalsThatHaveNotBegunAreLeftOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.page(t, a, 2)
		start := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
		must(w.db.Client(a.Context).Campaign.UpdateOne(rows[0]).SetSendingStartedAt(start).Save(a.Context))(t)
		must(
			w.db.Client(a.Context).
				Campaign.UpdateOne(rows[1]).
				SetSendingStartedAt(start.Add(time.Hour * 100)).
				Save(a.Context),
		)(t)
		data := w.MustQuery(
			t, a.Key,
			fmt.Sprintf(`{ compare(campaignIds: [%d, %d]) { campaigns { elapsed { end } } } }`, rows[0].ID, rows[1].ID),
			nil,
		)
		begun := len(apitest.At(t, data, "compare", "campaigns", 0, "elapsed").([]any))
		// Three statements, or four if the hour has just changed.
		if want := int(time.Since(start)/time.Hour) + 1; begun != want && begun != want-1 {
			t.Errorf("%d points, want %d", begun, want)
		}
		if future := apitest.At(t, data, "compare", "campaigns", 1, "elapsed").([]any); len(future) != 0 {
			t.Errorf("a campaign that begins later has %v", future)
		}
	})
}

func TestCompareNamesTheIDAtFault(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		mine, theirs := w.page(t, a, 11), w.page(t, other, 1)[0].ID
		one, two := number(mine[0].ID), number(mine[1].ID)
		all := make([]any, len(mine))
		for i, c := range mine {
			all[i] = number(c.ID)
		}
		for _, tt := range []struct {
			ids  []any
			want string
		}{
			{[]any{one}, "BAD_USER_INPUT campaignIds number_of_ids"},
			{[]any{}, "BAD_USER_INPUT campaignIds number_of_ids"},
			{all, "BAD_USER_INPUT campaignIds number_of_ids"},
			{[]any{one, two, globalID(gid.Campaign, mine[0].ID)}, "BAD_USER_INPUT campaignIds[2] id_repeated"},
			{[]any{one, "nonsense"}, "BAD_USER_INPUT campaignIds[1] id_invalid"},
			{[]any{one, two, number(missingID)}, "NOT_FOUND campaignIds[2] campaign_not_found"},
			{[]any{one, two, number(theirs)}, "NOT_FOUND campaignIds[2] campaign_not_found"},
			{[]any{globalID(gid.Campaign, theirs), one}, "NOT_FOUND campaignIds[0] campaign_not_found"},
		} {
			response := w.Query(
				t, a.Key,
				`query($ids: [ID!]!) { compare(campaignIds: $ids) { total { sent } campaigns { elapsed { sent } } } }`,
				object{"ids": tt.ids},
			)
			if len(response.Errors) == 0 {
				t.Errorf("%v is answered: %s", tt.ids, response.Body)
				continue
			}
			e := response.Errors[0]
			reason := strings.ToLower(fmt.Sprint(e.Extensions["reason"]))
			if got := fmt.Sprintf("%s %v %s", e.Code(), e.Extensions["field"], reason); got != tt.want {
				t.Errorf("%v is answered %q, want %q: %s", tt.ids, got, tt.want, response.Body)
			}
			noLeak(t, response)
		}
		for points, want := range map[string]bool{"0": false, "-1": false, "1001": false, "1": true, "1000": true} {
			response := w.Query(
				t, a.Key,
				`{ compare(campaignIds: [`+one+`,`+two+`]) { campaigns { elapsed(points: `+points+`) { sent } } } }`, nil,
			)
			if (len(response.Errors) == 0) != want {
				t.Errorf("%s points are answered %s", points, response.Body)
			}
		}
		writer := w.key(t, a, kind.ScopeWrite)
		response := w.Query(t, writer, `{ compare(campaignIds: [`+one+`,`+two+`]) { __typename } }`, nil)
		if len(response.Errors) == 0 || response.Errors[0].Code() != "FORBIDDEN" {
			t.Errorf("a key that may not read is answered %s", response.Body)
		}
	})
}

func TestCompareCostsAFixedNumberOfStatements(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.busy(t, a, 10)
		must(w.db.Client(a.Context).Campaign.Update().SetSendingStartedAt(firstDay).Save(a.Context))(t)
		for fields, want := range map[string]int{
			`campaigns { campaign { name statistics { ` + everyNumber + ` } } }`:                              2,
			`campaigns { elapsed { conversionAmounts { amount } } }`:                                          3,
			`campaigns { campaign { name } elapsed { sent } } total { sent recipients }`:                      3,
			`campaigns { a: elapsed { sent } b: elapsed { opens } c: elapsed(interval: DAY) { clicks } }`:     4,
			`campaigns { campaign { tags { name } statistics { series { sent } links { nodes { url } } } } }`: 4,
		} {
			for _, n := range []int{2, 10} {
				var named []string
				for _, c := range rows[:n] {
					named = append(named, number(c.ID))
				}
				ran := statements(t, w, a, `{ compare(campaignIds: [`+strings.Join(named, ",")+`]) { `+fields+` } }`)
				if len(ran) != want {
					t.Errorf(
						"%s of %d campaigns: %d statements, want %d:\n%s", fields, n, len(ran), want,
						strings.Join(ran, "\n"),
					)
				}
			}
		}
	})
}
