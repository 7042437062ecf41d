package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

func TestSchedulePreviewListsInstants(t *testing.T) {
	const document = `query($in: ScheduleInput!, $first: Int! = 5) { schedulePreview(input: $in, first: $first) { upcoming ` + faults + `} }`
	at := func(date, clock, zone string) object {
		return object{"in": object{"at": object{"date": date, "time": clock, "timeZone": zone}}}
	}
	recurring := func(plan object) object { return object{"in": object{"recurring": plan}, "first": 3} }
	play(t, []scenario{
		{
			name: "an hour that is skipped begins after the gap", document: document,
			variables: at("2031-03-30", "02:30", "Europe/Berlin"), want: `{"upcoming":["2031-03-30T01:00:00Z"]}`,
		},
		{
			name: "an hour that comes twice is taken the first time", document: document,
			variables: at("2031-10-26", "02:30", "Europe/Berlin"), want: `{"upcoming":["2031-10-26T00:30:00Z"]}`,
		},
		{
			name: "a legacy zone", document: document, variables: at("2031-07-01", "10:00:30", "(GMT+01:00) Berlin"),
			want: `{"upcoming":["2031-07-01T08:00:30Z"]}`,
		},
		{
			name: "an offset", document: document, variables: at("9999-12-31", "23:59", "+03:00"),
			want: `{"upcoming":["9999-12-31T20:59:00Z"]}`,
		},
		{
			name:     "recurring",
			document: document,
			variables: recurring(
				object{
					"daysOfMonth": []any{29}, "months": []any{2}, "hours": []any{9}, "minutes": []any{30},
					"timeZone": "UTC",
				},
			),
			want: `{"upcoming":["2028-02-29T09:30:00Z","2032-02-29T09:30:00Z","2036-02-29T09:30:00Z"]}`,
		},
		{
			name:     "as often as allowed",
			document: document,
			variables: recurring(
				object{
					"daysOfMonth": []any{29}, "months": []any{2}, "hours": []any{9}, "minutes": []any{30},
					"timeZone": "UTC", "maxInstances": 1,
				},
			),
			want: `{"upcoming":["2028-02-29T09:30:00Z"]}`,
		},
		{
			name:     "a day that never comes",
			document: document,
			variables: recurring(
				object{
					"daysOfMonth": []any{30}, "months": []any{2}, "hours": []any{9}, "minutes": []any{30},
					"timeZone": "UTC",
				},
			),
			want: `{"upcoming":[]}`,
		},
		{name: "none", document: document, variables: object{"in": object{"kind": "UNSCHEDULED"}}, want: `{"upcoming":[]}`},
		{
			name: "the past", document: document, variables: at("2020-02-29", "10:00", "UTC"),
			want: "INVALID input.at.date schedule_in_past",
		},
		{
			name:      "no hour",
			document:  document,
			variables: recurring(object{"hours": []any{}, "minutes": []any{1}, "timeZone": "UTC"}),
			want:      "INVALID input.recurring.hours schedule_hours_required",
		},
		{
			name:      "a minute that is none",
			document:  document,
			variables: recurring(object{"hours": []any{1}, "minutes": []any{60}, "timeZone": "UTC"}),
			want:      "INVALID input.recurring.minutes schedule_minutes_required",
		},
		{
			name: "not too many", document: document, variables: object{"in": object{"kind": "IMMEDIATE"}, "first": 101},
			want: "!BAD_USER_INPUT first page_size",
		},
		{
			name: "not none", document: document, variables: object{"in": object{"kind": "IMMEDIATE"}, "first": 0},
			want: "!BAD_USER_INPUT first page_size",
		},
		{
			name: "a zone that is none", document: document, variables: at("2031-07-01", "10:00", "Mars"),
			want: "!BAD_USER_INPUT input.at.timeZone time_zone_invalid",
		},
	})
}

func TestListsRefusePagesThatCannotBe(t *testing.T) {
	type list struct{ name, argument string }
	var scenarios []scenario
	for _, l := range []list{{"campaigns", ""}, {"tags", ""}, {"emails", ""}} {
		for _, tt := range []struct{ arguments, want string }{
			{"first: -1", "!BAD_USER_INPUT first page_size"},
			{"first: 251", "!BAD_USER_INPUT first page_size"},
			{"last: -1", "!BAD_USER_INPUT last page_size"},
			{"last: 251", "!BAD_USER_INPUT last page_size"},
			{"first: 1, last: 1", "!BAD_USER_INPUT last page_both_ends"},
			{`after: "?"`, "!BAD_USER_INPUT after cursor_invalid"},
			{`before: "bjE6WDo"`, "!BAD_USER_INPUT before cursor_of_another_order"},
			{`after: "` + strings.Repeat("a", 5000) + `"`, "!BAD_USER_INPUT after cursor_invalid"},
		} {
			for _, asked := range []string{"nodes { id }", "totalCount"} {
				want := tt.want
				if l.name == "tags" && asked == "totalCount" && strings.Contains(want, "another_order") {
					want = `{"totalCount":0}` // without a page no cursor is checked
				}
				scenarios = append(scenarios, scenario{
					name:     l.name + " " + tt.arguments[:min(20, len(tt.arguments))] + " " + asked,
					document: "{ " + l.name + "(" + tt.arguments + ") { " + asked + " } }",
					want:     want,
				})
			}
		}
	}
	play(t, append(scenarios, []scenario{
		{
			name: "no rows", document: `{ campaigns(first: 0) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
			want: `{"nodes":[],"pageInfo":{"endCursor":null,"hasNextPage":false}}`,
		},
		{
			name: "an offset below zero", document: `{ campaigns(offset: -1) { nodes { id } } }`,
			want: "!BAD_USER_INPUT offset page_offset",
		},
		{
			name: "an offset from the end", document: `{ campaigns(offset: 1, last: 2) { nodes { id } } }`,
			want: "!BAD_USER_INPUT offset page_offset_with_cursor",
		},
		{
			name: "too many nodes", document: `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`,
			variables: object{"ids": many("Q2FtcGFpZ246MQ", 101)}, want: "!BAD_USER_INPUT ids too_many_ids",
		},
		{
			name: "a node of no id", document: `{ nodes(ids: ["Q2FtcGFpZ246MQ", "1"]) { id } }`,
			want: "!BAD_USER_INPUT ids[1] id_invalid",
		},
		{
			name:     "a filter that is too deep",
			document: `{ campaigns(filter: {not: {not: {not: {not: {not: {hasEmail: true}}}}}}) { totalCount } }`,
			want:     "!BAD_USER_INPUT filter filter_too_deep",
		},
		{
			name:     "a search that is too long",
			document: `{ campaigns(filter: {search: "` + strings.Repeat("x", 251) + `"}) { totalCount } }`,
			want:     "!BAD_USER_INPUT filter.search text_too_long",
		},
		{
			name:     "a filter by what is no id",
			document: `{ campaigns(filter: {and: [{tags: {anyOf: ["?"]}}]}) { totalCount } }`,
			want:     "!BAD_USER_INPUT filter.tags.anyOf[0] id_invalid",
		},
	}...))
}

func TestPagesFollowEachOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 7)
		read := func(arguments string) (names []string, info object) {
			connection := apitest.At(t, w.MustQuery(t, a.Key, `{ campaigns(`+arguments+`) { edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`, nil), "campaigns").(object)
			if connection["totalCount"] != 7.0 {
				t.Errorf("%s: %v in all", arguments, connection["totalCount"])
			}
			for _, edge := range connection["edges"].([]any) {
				names = append(names, strings.TrimPrefix(apitest.At(t, edge, "node", "name").(string), "campaign 00"))
			}
			return names, connection["pageInfo"].(object)
		}
		for _, order := range []string{"NAME", "CREATED_AT", "LAST_ACTIVITY_AT", "NEXT_SEND_AT", "SENDING_STARTED_AT", "SENDING_FINISHED_AT", "STATUS", "RECIPIENTS"} {
			arguments := "orderBy: {field: " + order + "}, first: 3"
			var all []string
			for after := ""; ; {
				names, info := read(arguments + after)
				all = append(all, names...)
				if info["hasNextPage"] != true {
					break
				}
				after = fmt.Sprintf(", after: %q", info["endCursor"])
			}
			if got := strings.Join(all, ""); got != "0123456" {
				t.Errorf("by %s: %s", order, got)
			}
		}
		last, info := read("last: 2, orderBy: {field: NAME}")
		before, _ := read(fmt.Sprintf("last: 2, orderBy: {field: NAME}, before: %q", info["startCursor"]))
		if got := strings.Join(append(before, last...), ""); got != "3456" || info["hasPreviousPage"] != true {
			t.Errorf("from the end: %s, %v", got, info)
		}
		if names, _ := read("offset: 5, orderBy: {field: NAME, direction: DESC}"); strings.Join(names, "") != "10" {
			t.Errorf("with an offset: %v", names)
		}
		response := w.Query(
			t, a.Key,
			fmt.Sprintf(`{ campaigns(orderBy: {field: STATUS}, after: %q) { nodes { id } } }`, info["startCursor"]),
			nil,
		)
		if got, _ := outcome(response); got != "!BAD_USER_INPUT after cursor_of_another_order" {
			t.Errorf("a cursor of another order: %s", response.Body)
		}
	})
}

func TestCampaignsAreFilteredAndCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		for _, name := range []string{"draft", "set", "ready", "sending", "paused", "sent", "failed", "overdue"} {
			c.prop(t, a, name)
		}
		stranger := w.Account(t)
		tag, email := c.prop(t, a, "tag"), c.prop(t, a, "email")
		tagged := must(
			w.db.Client(a.Context).
				Campaign.Create().SetName("Tagged 100%").SetNameKey("tagged 100%").
				SetStatus(kind.StatusReady).SetStatusRank(kind.StatusReady.Rank()).
				SetScheduleType(kind.ScheduleFuture).SetNextSendAt(firstDay).SetHasAudience(true).
				SetTotalSent(100).SetUniqueOpens(50).SetTotalRecipients(200).
				SetSendingFinishedAt(firstDay).SetCreatedAt(firstDay.AddDate(0, 0, 1)).
				SetLastActivityAt(firstDay).Save(a.Context),
		)(t)
		w.MustQuery(
			t, a.Key,
			`mutation($c: ID!, $t: ID!, $e: ID!) { tagCampaigns(input: {campaignIds: [$c], tagIds: [$t]}) { userErrors { code } } updateCampaign(input: {id: $c, emailId: $e}) { userErrors { code } } }`,
			object{"c": number(tagged.ID), "t": tag, "e": email},
		)
		for _, tt := range []struct {
			filter string
			want   float64
		}{
			{`{}`, 9}, {`{status: [SENT, SENDING]}`, 2}, {`{status: []}`, 0}, {`{bucket: OUTBOX}`, 3}, {`{bucket: SCHEDULED}`, 1},
			{`{scheduleType: [FUTURE]}`, 2}, {`{search: "100%"}`, 1}, {`{search: "NEWS"}`, 1}, {`{search: "_"}`, 0},
			{`{tags: {anyOf: ["` + tag + `"]}}`, 1}, {`{tags: {noneOf: [` + tag + `]}}`, 8}, {`{tags: {allOf: ["` + tag + `", "987654321"]}}`, 0},
			{`{ids: ["` + number(tagged.ID) + `", "` + globalID("Campaign", tagged.ID) + `"]}`, 1},
			{`{createdAt: {from: "2026-03-02T00:00:00Z"}}`, 1}, {`{sendAt: {from: "2026-03-01T13:00:00+01:00", to: "2026-03-01T12:00:01Z"}}`, 1}, {`{finishedAt: {to: "2026-03-01T12:00:00Z"}}`, 0},
			{`{hasEmail: true}`, 2}, {`{hasAudience: false}`, 8}, {`{recipients: {min: 20, max: 20}}`, 3}, {`{sent: {min: 1}}`, 4},
			{`{openRate: {min: 0.5, max: 0.5}}`, 1}, {`{clickRate: {max: 0}}`, 4}, {`{bounceRate: {min: 0.1}}`, 0},
			{`{and: [{status: [READY]}, {not: {search: "tagged"}}]}`, 1}, {`{or: []}`, 0}, {`{or: [{search: "draft"}]}`, 1}, {`{or: [{search: "draft"}], status: [SENT]}`, 0}, {`{and: [{or: [{search: "e"}, {search: "a"}]}], hasEmail: true}`, 2},
			{`{not: {or: [{search: "e"}, {search: "a"}]}}`, 0}, {`{search: "e"}`, 8}, {`{or: [{status: [FAILED]}, {hasEmail: true}]}`, 3},
		} {
			for key, want := range map[string]float64{a.Key: tt.want, stranger.Key: 0} {
				data := w.MustQuery(
					t, key,
					`{ campaigns(filter: `+tt.filter+`) { totalCount nodes { id } } campaignCounts(filter: `+tt.filter+`) { total } }`,
					nil,
				)
				got := []float64{
					apitest.At(t, data, "campaigns", "totalCount").(float64),
					float64(len(apitest.At(t, data, "campaigns", "nodes").([]any))),
					apitest.At(t, data, "campaignCounts", "total").(float64),
				}
				if slices.ContainsFunc(got, func(n float64) bool { return n != want }) {
					t.Errorf(
						"%s: counted, listed and grouped %v, want %v (an account without campaigns: %v)", tt.filter,
						got, want, key == stranger.Key,
					)
				}
			}
		}
		counts := compact(
			w.MustQuery(t, a.Key, `{ campaignCounts { total scheduled outbox byStatus { status count } } }`, nil)["campaignCounts"],
		)
		want := `{"byStatus":[{"count":1,"status":"SENDING"},{"count":1,"status":"PAUSED"},{"count":2,"status":"READY"},{"count":0,"status":"PENDING_APPROVAL"},` +
			`{"count":3,"status":"DRAFT"},{"count":1,"status":"FAILED"},{"count":1,"status":"SENT"}],"outbox":3,"scheduled":1,"total":9}`
		if counts != want {
			t.Errorf("counts:\n got %s\nwant %s", counts, want)
		}
	})
}

func TestNodesAnswerInTheOrderOfTheirIDs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		rows := []string{"Campaign", "Tag", "Email"}
		props := map[string]string{
			"Campaign": c.prop(t, a, "draft"), "Tag": c.prop(t, a, "tag"), "Email": c.prop(t, a, "email"),
		}
		var ids []any
		for _, name := range append(rows, rows...) {
			typeName := "query { x: " + strings.ToLower(name) + "(id: " + props[name] + ") { id } }"
			ids = append(ids, apitest.At(t, w.MustQuery(t, a.Key, typeName, nil), "x", "id"))
		}
		another := w.Account(t)
		ids = append(ids, globalID("Campaign", 987654321), globalID("User", another.User.ID))
		data := w.MustQuery(t, a.Key, `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`, object{"ids": ids})
		nodes := apitest.At(t, data, "nodes").([]any)
		for i, id := range ids {
			if i >= 6 {
				if nodes[i] != nil {
					t.Errorf("node %d is %v", i, nodes[i])
				}
				continue
			}
			if want := (object{"__typename": rows[i%3], "id": id}); compact(nodes[i]) != compact(want) {
				t.Errorf("node %d is %v, want %v", i, nodes[i], want)
			}
		}
	})
}
