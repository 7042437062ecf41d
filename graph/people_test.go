package graph_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// ofList creates an object on a separate list and returns its id.
func (c *cast) ofList(t *testing.T, ctx context.Context, client *ent.Client, name string) int64 {
	t.Helper()
	if name == "label" {
		label := "label " + strings.ToLower(randomName())
		return must(
			client.SubscriberTag.Create().SetName(label).SetNameKey(label).SetCreatedAt(firstDay).Save(ctx),
		)(t).ID
	}
	list := must(
		client.SubscriberList.Create().SetName("list").SetNameKey("list").SetCreatedAt(firstDay).Save(ctx),
	)(t).ID
	switch name {
	case "field":
		return must(
			client.CustomField.Create().
				SetListID(list).SetName("City").SetNameKey("city").SetCreatedAt(firstDay).Save(ctx),
		)(t).ID
	case "segment":
		return must(
			client.Segment.Create().
				SetListID(list).SetName("part").SetNameKey("part").SetRules(`{"rules":[]}`).
				SetCreatedAt(firstDay).SetUpdatedAt(firstDay).Save(ctx),
		)(t).ID
	}
	create := client.Subscriber.Create().
		SetListID(list).SetContactID(testkit.Contact(t, ctx, client, "Ann@example.com")).
		SetEmail("Ann@example.com").SetEmailKey("ann@example.com").
		SetSubscribedAt(firstDay).SetOptedInAt(firstDay).SetCreatedAt(firstDay)
	if name == "left" {
		create.SetStatus(kind.SubscriberUnsubscribed).SetUnsubscribedAt(firstDay)
	}
	return must(create.Save(ctx))(t).ID
}

func TestListsAreMadeChangedAndDeleted(t *testing.T) {
	const (
		create = `mutation($in: CreateListInput!) { createList(input: $in) { list { name doubleOptIn subscriberCount } ` + faults + `} }`
		change = `mutation($in: UpdateListInput!) { updateList(input: $in) { list { name doubleOptIn } ` + faults + `} }`
		remove = `mutation($ids: [ID!]!) { deleteLists(input: {ids: $ids}) { deletedIds ` + faults + `} }`
	)
	play(t, []scenario{
		{
			name: "a list", document: create, variables: object{"in": object{"name": " News "}},
			want: `{"list":{"doubleOptIn":false,"name":"News","subscriberCount":0}}`,
		},
		{
			name:      "with double opt-in",
			document:  create,
			variables: object{"in": object{"name": "n", "doubleOptIn": true}},
			want:      `{"list":{"doubleOptIn":true,"name":"n","subscriberCount":0}}`,
		},
		{
			name: "no name", document: create, variables: object{"in": object{"name": " "}},
			want: "INVALID input.name list_name_required",
		},
		{
			name:      "a name that is too long",
			document:  create,
			variables: object{"in": object{"name": strings.Repeat("ü", 251)}},
			want:      "INVALID input.name list_name_too_long",
		},
		{
			name: "a key that may only read", as: "reader", document: create,
			variables: object{"in": object{"name": "a"}}, want: "!FORBIDDEN",
		},
		{
			name: "a key that may only write is not shown what is on it", as: "writer", document: create,
			variables: object{"in": object{"name": "a"}}, want: "!FORBIDDEN",
		},

		{
			name: "renamed", document: change, variables: object{"in": object{"id": "<list>", "name": "new"}},
			want: `{"list":{"doubleOptIn":false,"name":"new"}}`,
		},
		{
			name:      "with another way on",
			document:  change,
			variables: object{"in": object{"id": "<list>", "doubleOptIn": true}},
			want:      `{"list":{"doubleOptIn":true,"name":"list"}}`,
		},
		{
			name:      "null leaves alone",
			document:  change,
			variables: object{"in": object{"id": "<list>", "name": nil, "doubleOptIn": nil}},
			want:      `{"list":{"doubleOptIn":false,"name":"list"}}`,
		},
		{
			name:      "renamed to nothing",
			document:  change,
			variables: object{"in": object{"id": "<list>", "name": "", "doubleOptIn": true}},
			want:      "INVALID input.name list_name_required",
		},
		{
			name: "change what is not there", document: change,
			variables: object{"in": object{"id": "987654321", "name": "x"}}, want: "NOT_FOUND list_not_found",
		},
		{
			name: "change a campaign", document: change,
			variables: object{"in": object{"id": gid.Encode(gid.Campaign, 5)}}, want: "INVALID input.id id_invalid",
		},

		{
			name:     "deleted",
			document: `mutation { deleteLists(input: {ids: ["<list>", "987654321"]}) { ` + faults + `} }`, want: `{}`,
		},
		{
			name: "delete a tag as a list", document: remove,
			variables: object{"ids": []any{"<list>", gid.Encode(gid.Tag, 5)}}, want: "INVALID input.ids.1 id_invalid",
		},
		{
			name: "delete too many", document: remove, variables: object{"ids": many("1", 251)},
			want: "INVALID input.ids too_many_ids",
		},

		{
			name:     "one list",
			document: `{ list(id: "<list>") { name customFields { name } segments { totalCount nodes { id } } subscribers { totalCount pageInfo { hasNextPage } } } }`,
			want:     `{"customFields":[],"name":"list","segments":{"nodes":[],"totalCount":0},"subscribers":{"pageInfo":{"hasNextPage":false},"totalCount":0}}`,
		},
		{name: "no list", document: `{ list(id: "987654321") { name } }`, want: `null`},
		{
			name: "a campaign is no list", document: `{ list(id: "` + gid.Encode(gid.Campaign, 5) + `") { name } }`,
			want: `!BAD_USER_INPUT id id_invalid`,
		},
		{
			name:     "a page of people that is too large",
			document: `{ list(id: "<list>") { subscribers(first: 251) { nodes { id } } } }`,
			want:     `!BAD_USER_INPUT first page_size`,
		},
		{
			name:     "a page of segments that is too large",
			document: `{ list(id: "<list>") { segments(last: 251) { totalCount } } }`,
			want:     `!BAD_USER_INPUT last page_size`,
		},
		{
			name:     "a cursor of another order",
			document: `{ list(id: "<list>") { subscribers(after: "bjE6WDo") { nodes { id } } } }`,
			want:     `!BAD_USER_INPUT after cursor_of_another_order`,
		},
		{
			name:     "an argument that cannot be",
			document: `{ list(id: "<list>") { subscribers(filter: {subscribedAt: {from: "now"}}) { nodes { id } } } }`,
			want:     `!BAD_USER_INPUT filter.subscribedAt.from`,
		},
	})
}

func TestListsInUseStay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		list, other, campaign := c.prop(t, a, "list"), c.prop(t, a, "list"), c.prop(t, a, "draft")
		aim := func(include, exclude []any) {
			t.Helper()
			response := w.Query(
				t, a.Key,
				`mutation($id: ID!, $in: [AudiencePartInput!]!, $ex: [AudiencePartInput!]!) { updateCampaign(input: {id: $id, audience: {lists: {include: $in, exclude: $ex}}}) { `+faults+`} }`,
				object{"id": campaign, "in": include, "ex": exclude},
			)
			if got, _ := outcome(response); got != "{}" {
				t.Fatal(response.Body)
			}
		}
		remove := func() string {
			t.Helper()
			response := w.Query(
				t, a.Key, `mutation($ids: [ID!]!) { deleteLists(input: {ids: $ids}) { deletedIds `+faults+`} }`,
				object{"ids": []any{other, list}},
			)
			noLeak(t, response)
			got, _ := outcome(response)
			return got
		}
		part := func(id string) []any { return []any{object{"listId": id}} }
		for name, of := range map[string][2][]any{"included": {part(list), {}}, "left out": {part(other), part(list)}} {
			aim(of[0], of[1])
			for _, status := range kind.CampaignStatuses() {
				if status == kind.StatusSent {
					continue
				}
				w.db.Client(a.Context).Campaign.Update().SetStatus(status).SetStatusRank(status.Rank()).ExecX(a.Context)
				before := w.dump(t, a.User.ID)
				if got := remove(); got != "CONFLICT input.ids list_in_use" || w.dump(t, a.User.ID) != before {
					t.Errorf("a list that is %s by a campaign that is %s: %s", name, status, got)
				}
			}
			w.db.Client(a.Context).
				Campaign.Update().SetStatus(kind.StatusDraft).SetStatusRank(kind.StatusDraft.Rank()).
				ExecX(a.Context)
		}
		w.db.Client(a.Context).
			Campaign.Update().SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()).
			ExecX(a.Context)
		if got := remove(); !strings.HasPrefix(got, `{"deletedIds":["`) {
			t.Errorf("lists of a campaign that was sent: %s", got)
		}
	})
}

func TestWhatRulesNameStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		f := w.crowd(t, a)
		list, campaign := number(f.list.ID), c.prop(t, a, "draft")
		rules := []any{
			object{"field": object{"of": object{"customFieldId": f.text.ID}, "operator": "IS", "value": "x"}},
			object{"tag": object{"match": "HAS_TAG", "tagIds": []any{f.label.ID}}},
			object{"segment": object{"segmentId": f.segment.ID}},
		}
		ask := func(document string, variables object) string {
			t.Helper()
			response := w.Query(t, a.Key, document, variables)
			noLeak(t, response)
			got, _ := outcome(response)
			return got
		}
		remove := map[string][2]string{
			"deleteCustomFields": {
				number(f.text.ID), "custom_field_in_use",
			},
			"deleteSubscriberTags": {number(f.label.ID), "subscriber_tag_in_use"},
			"deleteSegments":       {number(f.segment.ID), "segment_in_use"},
		}
		stay := func(by string) {
			t.Helper()
			for mutation, of := range remove {
				got := ask(
					`mutation($ids: [ID!]!) { `+mutation+`(input: {ids: $ids}) { deletedIds `+faults+`} }`,
					object{"ids": []any{of[0]}},
				)
				if got != "CONFLICT input.ids "+of[1] {
					t.Errorf("%s of what %s names: %s", mutation, by, got)
				}
			}
		}
		made := w.MustQuery(
			t, a.Key,
			`mutation($list: ID!, $rules: RuleGroupInput) { createSegment(input: {listId: $list, name: "s", rules: $rules}) { segment { id } `+faults+`} }`,
			object{"list": list, "rules": object{"rules": rules}},
		)
		stay("a segment")
		got := ask(
			`mutation($id: ID!) { deleteSegments(input: {ids: [$id]}) { `+faults+`} }`,
			object{"id": apitest.At(t, made, "createSegment", "segment", "id")},
		)
		if got != "{}" {
			t.Fatal(got)
		}
		aim := object{"criteria": []any{object{"listId": f.list.ID, "rules": rules}}}
		got = ask(
			`mutation($id: ID!, $rules: AudienceRulesInput!) { updateCampaign(input: {id: $id, audience: {rules: $rules}}) { `+faults+`} }`,
			object{"id": campaign, "rules": aim},
		)
		if got != "{}" {
			t.Fatal(got)
		}
		stay("a campaign")
		w.MustQuery(
			t, a.Key, `mutation($id: ID!) { deleteCampaigns(input: {ids: [$id]}) { deletedIds } }`,
			object{"id": campaign},
		)
		for mutation, of := range remove {
			got := ask(
				`mutation($ids: [ID!]!) { `+mutation+`(input: {ids: $ids}) { `+faults+`} }`,
				object{"ids": []any{of[0]}},
			)
			if got != "{}" {
				t.Errorf("%s of what nobody names any more: %s", mutation, got)
			}
		}
	})
}

func TestPeopleAreAddedAndTellWhatCameOfEach(t *testing.T) {
	const document = `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { addedCount rejectedCount results { outcome subscriber { emailAddress status subscriptionIp fields { text field { name } } } ` +
		faults + `} ` + faults + `} }`
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		field := c.prop(t, a, "field")
		client := w.db.Client(a.Context)
		list := *client.CustomField.Query().FirstX(a.Context).ListID
		left := client.Subscriber.Create().
			SetListID(list).SetContactID(testkit.Contact(t, a.Context, client, "left@example.com")).
			SetEmail("left@example.com").SetEmailKey("left@example.com").
			SetStatus(kind.SubscriberUnsubscribed).SetCreatedAt(firstDay).SaveX(a.Context)
		add := func(more object) []string {
			t.Helper()
			in := object{"listId": globalID(gid.SubscriberList, list), "subscribers": []any{
				object{
					"emailAddress": "Ann@example.com", "ipAddress": "::ffff:192.0.2.1",
					"fields": []any{object{"fieldId": field, "value": "Köln"}},
				},
				object{"emailAddress": "no address"},
				object{"emailAddress": "ANN@example.com"},
				object{
					"emailAddress": "bob@example.com", "ipAddress": "x",
					"fields": []any{object{"fieldId": "987654321", "value": "x"}},
				},
				object{"emailAddress": "left@example.com", "fields": []any{object{"fieldId": field, "value": "Bonn"}}},
				object{
					"emailAddress": "eve@example.com",
					"fields": []any{
						object{
							"fieldId": globalID(gid.CustomField, client.CustomField.Query().FirstIDX(a.Context)),
							"value":   "",
						},
					},
				},
			}}
			for name, value := range more {
				in[name] = value
			}
			response := w.Query(t, a.Key, document, object{"in": in})
			noLeak(t, response)
			if len(response.Errors) > 0 {
				t.Fatal(response.Body)
			}
			payload := apitest.At(t, response.Data, "addSubscribers").(object)
			told := []string{
				fmt.Sprintf(
					"%v %v %s", payload["addedCount"], payload["rejectedCount"], compact(payload["userErrors"]),
				),
			}
			for _, result := range payload["results"].([]any) {
				result := result.(object)
				told = append(
					told,
					strings.TrimSpace(fmt.Sprint(result["outcome"], " ", faultsText(result["userErrors"].([]any)))),
				)
				if (result["subscriber"] == nil) != (result["outcome"] == "REJECTED") {
					t.Errorf("%v", result)
				}
			}
			return told
		}
		rejected := []string{
			"REJECTED INVALID input.subscribers.1.emailAddress subscriber_address_invalid",
			"REJECTED CONFLICT input.subscribers.2.emailAddress subscriber_repeated",
			"REJECTED INVALID input.subscribers.3.ipAddress subscriber_ip_invalid; INVALID input.subscribers.3.fields.0.fieldId custom_field_not_found",
		}
		want := func(counts, ann, left, eve string) []string {
			return slices.Concat([]string{counts, ann}, rejected, []string{left, eve})
		}
		for _, tt := range []struct {
			name string
			more object
			want []string
		}{
			{"at first", object{"idempotencyKey": "k"}, want("2 3 []", "ADDED", "LEFT", "ADDED")},
			{"with the same key", object{"idempotencyKey": "k"}, want("2 3 []", "ADDED", "LEFT", "ADDED")},
			{"once more", nil, want("0 3 []", "EXISTS", "LEFT", "EXISTS")},
			{"with their fields", object{"updateExisting": true}, want("0 3 []", "UPDATED", "UPDATED", "UPDATED")},
			{"and who had left", object{"resubscribe": true}, want("0 3 []", "EXISTS", "RESUBSCRIBED", "EXISTS")},
		} {
			if got := add(tt.more); !slices.Equal(got, tt.want) {
				t.Errorf("%s:\n got %s\nwant %s", tt.name, strings.Join(got, " | "), strings.Join(tt.want, " | "))
			}
		}
		again := client.Subscriber.GetX(a.Context, left.ID)
		if again.Status != kind.SubscriberSubscribed || again.SubscribedAt == nil {
			t.Errorf("who entered again is %v", again)
		}
		shown := compact(w.MustQuery(
			t, a.Key,
			`query($id: ID!) { list(id: $id) { subscriberCount subscribers { totalCount nodes { emailAddress subscriptionIp fields { text field { name } } } } } }`,
			object{"id": number(list)},
		))
		if shown != `{"list":{"subscriberCount":3,"subscribers":{"nodes":[{"emailAddress":"Ann@example.com","fields":[{"field":{"name":"City"},"text":"Köln"}],"subscriptionIp":"192.0.2.1"},`+
			`{"emailAddress":"eve@example.com","fields":[],"subscriptionIp":null},{"emailAddress":"left@example.com","fields":[{"field":{"name":"City"},"text":"Bonn"}],"subscriptionIp":null}],"totalCount":3}}}` {
			t.Error(shown)
		}
	})
}

func TestPeopleThatCannotBeAdded(t *testing.T) {
	const document = `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { results { outcome } ` + faults + `} }`
	rows := func(n int) []any {
		all := make([]any, n)
		for i := range all {
			all[i] = object{"emailAddress": fmt.Sprint(i, "@example.com")}
		}
		return all
	}
	play(t, []scenario{
		{
			name:      "onto a list that is not there",
			document:  document,
			variables: object{"in": object{"listId": "987654321", "subscribers": rows(1)}},
			want:      "NOT_FOUND input.listId list_not_found",
		},
		{
			name:      "onto a campaign",
			document:  document,
			variables: object{"in": object{"listId": gid.Encode(gid.Campaign, 3), "subscribers": rows(1)}},
			want:      "INVALID input.listId id_invalid",
		},
		{
			name:      "nobody",
			document:  document,
			variables: object{"in": object{"listId": "<list>", "subscribers": []any{}}},
			want:      "INVALID input.subscribers rows_required",
		},
		{
			name:      "too many",
			document:  document,
			variables: object{"in": object{"listId": "<list>", "subscribers": rows(5001)}},
			want:      "INVALID input.subscribers too_many_rows",
		},
		{
			name:     "a field that is no id",
			document: document,
			variables: object{
				"in": object{
					"listId":      "<list>",
					"subscribers": []any{object{"emailAddress": "a@b.co", "fields": []any{object{"fieldId": "?"}}}},
				},
			},
			want: "INVALID input.subscribers.0.fields.0.fieldId id_invalid",
		},
		{
			name:     "a field twice",
			document: document,
			variables: object{
				"in": object{
					"listId": "<list>",
					"subscribers": []any{
						object{
							"emailAddress": "a@b.co", "fields": []any{object{"fieldId": "3"}, object{"fieldId": "3"}},
						},
					},
				},
			},
			want: "INVALID input.subscribers.0.fields.1.fieldId custom_field_repeated",
		},
		{
			name: "by a key that may only read", as: "reader", document: document,
			variables: object{"in": object{"listId": "<list>", "subscribers": rows(1)}}, want: "!FORBIDDEN",
		},
		{
			name:      "by a key that may only write, which sees nobody",
			as:        "writer",
			document:  `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { results { subscriber { id } } } }`,
			variables: object{"in": object{"listId": "<list>", "subscribers": rows(1)}},
			want:      "!FORBIDDEN",
		},
		{
			name:      "by a key that may only write",
			as:        "writer",
			document:  document,
			variables: object{"in": object{"listId": "<list>", "subscribers": rows(1)}},
			want:      `{"results":[{"outcome":"ADDED"}]}`,
		},
	})
}

func TestFiveThousandPeopleCostAsManyStatementsAsOne(t *testing.T) {
	const document = `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { addedCount results { outcome subscriber { id fields { text } } } userErrors { code } } }`
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		field, list := c.prop(t, a, "field"), ""
		list = number(*w.db.Client(a.Context).CustomField.Query().FirstX(a.Context).ListID)
		add := func(n int) []string {
			t.Helper()
			rows := make([]any, n)
			for i := range rows {
				rows[i] = object{
					"emailAddress": fmt.Sprintf("%d-%d@example.com", n, i),
					"fields":       []any{object{"fieldId": field, "value": "x"}},
				}
			}
			var ran []string
			for _, s := range w.Record(func() {
				if data := w.MustQuery(t, a.Key, document, object{"in": object{"listId": list, "subscribers": rows}}); apitest.At(t, data, "addSubscribers", "addedCount") != float64(n) {
					t.Errorf("%d rows: %.300v", n, data)
				}
			}) {
				ran = append(ran, s.Query)
			}
			return ran
		}
		// With many rows two questions decide how they are written, which one row does not need.
		one, some, most := add(1), add(200), add(2000)
		if len(some) != len(most) || len(some) > len(one)+2 {
			t.Errorf("%d statements for one row, %d for 200, %d for 2,000", len(one), len(some), len(most))
		}
		if all := add(5000); len(all) > len(some)+4 {
			t.Errorf("%d statements for 5,000 rows: %.3000s", len(all), strings.Join(all, "\n"))
		}
		if n := w.db.Client(a.Context).FieldValue.Query().CountX(a.Context); n != 7201 {
			t.Errorf("%d values were written", n)
		}
	})
}

func TestPeopleAreChangedAndLeave(t *testing.T) {
	const fields = `{ subscriber { emailAddress status bounce subscribedAt optedInAt fields { text } } ` + faults + `} }`
	change := `mutation($in: UpdateSubscriberInput!) { updateSubscriber(input: $in) ` + fields
	leave := `mutation($in: UnsubscribeInput!) { unsubscribe(input: $in) { subscriber { emailAddress status } ` + faults + `} }`
	const day = "2026-03-01T12:00:00Z"
	play(t, []scenario{
		{
			name:      "another address",
			document:  change,
			variables: object{"in": object{"id": "<person>", "emailAddress": "Eve@example.com"}},
			want:      `{"subscriber":{"bounce":"NONE","emailAddress":"Eve@example.com","fields":[],"optedInAt":"` + day + `","status":"SUBSCRIBED","subscribedAt":"` + day + `"}}`,
		},
		{
			name:     "bounced",
			document: change,
			variables: object{
				"in": object{
					"id": "<person>", "bounce": "HARD", "clear": []any{"OPTED_IN_AT"}, "subscribedAt": "2020-02-29T10:00:00+01:00",
				},
			},
			want: `{"subscriber":{"bounce":"HARD","emailAddress":"Ann@example.com","fields":[],"optedInAt":null,"status":"SUBSCRIBED","subscribedAt":"2020-02-29T09:00:00Z"}}`,
		},
		{
			name:      "enters again",
			document:  change,
			variables: object{"in": object{"id": "<left>", "status": "SUBSCRIBED", "subscribedAt": day}},
			want:      `{"subscriber":{"bounce":"NONE","emailAddress":"Ann@example.com","fields":[],"optedInAt":null,"status":"SUBSCRIBED","subscribedAt":"` + day + `"}}`,
		},
		{
			name:      "nobody is made pending",
			document:  change,
			variables: object{"in": object{"id": "<person>", "status": "PENDING"}},
			want:      "INVALID input.status subscriber_status_invalid",
		},
		{
			name:      "what cannot be an address",
			document:  change,
			variables: object{"in": object{"id": "<person>", "emailAddress": "a@[127.0.0.1]"}},
			want:      "INVALID input.emailAddress subscriber_address_invalid",
		},
		{
			name:      "an empty address",
			document:  change,
			variables: object{"in": object{"id": "<person>", "emailAddress": ""}},
			want:      "INVALID input.emailAddress subscriber_address_required",
		},
		{
			name:     "a field of another list",
			document: change,
			variables: object{
				"in": object{"id": "<person>", "fields": []any{object{"fieldId": "<field>", "value": "x"}}},
			},
			want: "INVALID input.fields.0.fieldId custom_field_not_found",
		},
		{
			name:      "change who is not there",
			document:  change,
			variables: object{"in": object{"id": "987654321", "status": "SUBSCRIBED"}},
			want:      "NOT_FOUND subscriber_not_found",
		},
		{
			name: "change a tag", document: change, variables: object{"in": object{"id": gid.Encode(gid.Tag, 3)}},
			want: "INVALID input.id id_invalid",
		},
		{
			name: "change with a key that may only read", as: "reader", document: change,
			variables: object{"in": object{"id": "<person>"}}, want: "!FORBIDDEN",
		},

		{
			name:      "leave a list that is not there",
			document:  leave,
			variables: object{"in": object{"listId": "987654321", "emailAddress": "ann@example.com"}},
			want:      "NOT_FOUND input.listId list_not_found",
		},
		{
			name:      "leave without having been there",
			document:  leave,
			variables: object{"in": object{"listId": "<list>", "emailAddress": "ann@example.com"}},
			want:      "CONFLICT input.emailAddress not_subscribed",
		},
		{
			name:     "leave a campaign",
			document: leave,
			variables: object{
				"in": object{
					"listId": gid.Encode(gid.Campaign, 3), "emailAddress": "ann@example.com",
					"campaignId": gid.Encode(gid.Tag, 3),
				},
			},
			want: "INVALID input.listId id_invalid; INVALID input.campaignId id_invalid",
		},

		{
			name:     "one person",
			document: `{ subscriber(id: "<person>") { emailAddress list { name } tags { name } suppression { id } } }`,
			want:     `{"emailAddress":"Ann@example.com","list":{"name":"list"},"suppression":null,"tags":[]}`,
		},
		{name: "nobody", document: `{ subscriber(id: "987654321") { emailAddress } }`, want: `null`},
	})
}

func TestWhoLeavesBecauseOfACampaignIsCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		person, campaign := c.prop(t, a, "person"), c.prop(t, a, "sending")
		listID := w.db.Client(a.Context).Subscriber.Query().FirstX(a.Context).ListID
		w.db.Client(a.Context).
			Subscriber.Create().SetListID(listID).SetEmail("bob@example.com").
			SetContactID(testkit.Contact(t, a.Context, w.db.Client(a.Context), "bob@example.com")).
			SetEmailKey("bob@example.com").SetCreatedAt(firstDay).SaveX(a.Context)
		list := number(listID)
		leave := func(address, campaign string) string {
			t.Helper()
			response := w.Query(
				t, a.Key,
				`mutation($l: ID!, $a: EmailAddress!, $c: ID) { unsubscribe(input: {listId: $l, emailAddress: $a, campaignId: $c}) { subscriber { legacyId status unsubscribedAt } `+faults+`} }`,
				object{"l": list, "a": address, "c": campaign},
			)
			noLeak(t, response)
			got, _ := outcome(response)
			return got
		}
		if got := leave("bob@example.com", "987654321"); !strings.Contains(got, `"status":"UNSUBSCRIBED"`) {
			t.Errorf("who leaves because of a campaign that is gone does not leave: %s", got)
		}
		got := leave("ANN@example.com", campaign)
		want := `{"subscriber":{"legacyId":"` + person + `","status":"UNSUBSCRIBED","unsubscribedAt":"20`
		if !strings.HasPrefix(got, want) {
			t.Error(got)
		}
		if got := leave("ANN@example.com", campaign); got != "CONFLICT input.emailAddress not_subscribed" {
			t.Error(got)
		}
		data := w.MustQuery(
			t, a.Key, `query($c: ID!) { campaign(id: $c) { statistics { unsubscriptions { total } } } }`,
			object{"c": campaign},
		)
		if got := apitest.At(t, data, "campaign", "statistics", "unsubscriptions", "total"); got != 1.0 {
			t.Errorf("the campaign counts %v", got)
		}
	})
}

func TestFieldsAreMadeChangedAndDeleted(t *testing.T) {
	const (
		create = `mutation($in: CreateCustomFieldInput!) { createCustomField(input: $in) { customField { name type choices list { name } } ` + faults + `} }`
		change = `mutation($in: UpdateCustomFieldInput!) { updateCustomField(input: $in) { customField { name choices } ` + faults + `} }`
	)
	play(t, []scenario{
		{
			name:      "of a list",
			document:  create,
			variables: object{"in": object{"listId": "<list>", "name": " Age ", "type": "NUMBER"}},
			want:      `{"customField":{"choices":[],"list":{"name":"list"},"name":"Age","type":"NUMBER"}}`,
		},
		{
			name:      "of every list",
			document:  create,
			variables: object{"in": object{"name": "Colour", "type": "CHOICE", "choices": []any{"Red", " Straße "}}},
			want:      `{"customField":{"choices":["Red","Straße"],"list":null,"name":"Colour","type":"CHOICE"}}`,
		},
		{
			name:      "of every list again",
			document:  create,
			variables: object{"in": object{"name": "COLOUR", "type": "TEXT"}},
			want:      "CONFLICT input.name custom_field_exists",
		},
		{
			name:      "of a list, where every list has it",
			document:  create,
			variables: object{"in": object{"listId": "<list>", "name": "colour", "type": "TEXT"}},
			want:      "CONFLICT input.name custom_field_exists",
		},
		{
			name:      "of every list, where one has it",
			document:  create,
			variables: object{"in": object{"name": "age", "type": "TEXT"}},
			want:      "CONFLICT input.name custom_field_exists",
		},
		{
			name:      "of another list, where one has it",
			document:  create,
			variables: object{"in": object{"listId": "<list>", "name": "age", "type": "TEXT"}},
			want:      `{"customField":{"choices":[],"list":{"name":"list"},"name":"age","type":"TEXT"}}`,
		},
		{
			name:      "of a list that is not there",
			document:  create,
			variables: object{"in": object{"listId": "987654321", "name": "x", "type": "TEXT"}},
			want:      "NOT_FOUND input.listId list_not_found",
		},
		{
			name:      "without a name, with choices of numbers",
			document:  create,
			variables: object{"in": object{"name": "", "type": "NUMBER", "choices": []any{"1"}}},
			want:      "INVALID input.name custom_field_name_required; INVALID input.choices custom_field_choices_invalid",
		},
		{
			name:      "with a choice twice",
			document:  create,
			variables: object{"in": object{"name": "x", "type": "CHOICE", "choices": []any{"STRASSE", "Straße"}}},
			want:      "INVALID input.choices custom_field_choices_invalid",
		},
		{
			name:      "with an empty choice",
			document:  create,
			variables: object{"in": object{"name": "x", "type": "CHOICE", "choices": []any{" "}}},
			want:      "INVALID input.choices custom_field_choices_invalid",
		},
		{
			name: "by a key that may only read", as: "reader", document: create,
			variables: object{"in": object{"name": "x", "type": "TEXT"}}, want: "!FORBIDDEN",
		},

		{
			name: "renamed", document: change, variables: object{"in": object{"id": "<field>", "name": "Town"}},
			want: `{"customField":{"choices":[],"name":"Town"}}`,
		},
		{
			name:      "renamed to its own name in capitals",
			document:  change,
			variables: object{"in": object{"id": "<field>", "name": "CITY"}},
			want:      `{"customField":{"choices":[],"name":"CITY"}}`,
		},
		{
			name:      "renamed to what every list has",
			document:  change,
			variables: object{"in": object{"id": "<field>", "name": "Colour"}},
			want:      "CONFLICT input.name custom_field_exists",
		},
		{
			name:      "choices of a text",
			document:  change,
			variables: object{"in": object{"id": "<field>", "choices": []any{"x"}}},
			want:      "INVALID input.choices custom_field_choices_invalid",
		},
		{
			name: "change what is not there", document: change,
			variables: object{"in": object{"id": "987654321", "name": "x"}}, want: "NOT_FOUND custom_field_not_found",
		},

		{
			name:     "deleted",
			document: `mutation { deleteCustomFields(input: {ids: ["<field>", "987654321"]}) { ` + faults + `} }`,
			want:     `{}`,
		},
		{
			name: "fields of a list that is not there", document: `{ customFields(listId: "?") { totalCount } }`,
			want: "!BAD_USER_INPUT listId id_invalid",
		},
	})
}

const rulesOf = `{"operator":"and","rules":[{"type":"fields","field_id":"%s","operator":"is","value":"x"}]}`

func TestSegmentsAreMadeChangedAndDeleted(t *testing.T) {
	const (
		create = `mutation($in: CreateSegmentInput!) { createSegment(input: $in) { segment { name rulesJson list { name } } ` + faults + `} }`
		change = `mutation($in: UpdateSegmentInput!) { updateSegment(input: $in) { segment { name rulesJson } ` + faults + `} }`
	)
	play(t, []scenario{
		{
			name:     "with rules",
			document: create,
			variables: object{"in": object{"listId": "<list>", "name": " Part ", "rulesJson": `{"rules": [
				{"type": "Fields", "field_id": "emailaddress", "operator": "starts_with", "value": "a"}]}`}},
			want: `{"segment":{"list":{"name":"list"},"name":"Part","rulesJson":{"operator":"and","rules":[{"field_id":"EmailAddress","operator":"begins with","type":"fields","value":"a"}]}}}`,
		},
		{
			name:      "rules as text",
			document:  create,
			variables: object{"in": object{"listId": "<list>", "name": "n", "rulesJson": "[]"}},
			want:      `{"segment":{"list":{"name":"list"},"name":"n","rulesJson":{"rules":[]}}}`,
		},
		{
			name: "the whole list", document: create, variables: object{"in": object{"listId": "<list>", "name": "n"}},
			want: `{"segment":{"list":{"name":"list"},"name":"n","rulesJson":{"rules":[]}}}`,
		},
		{
			name:      "every fault at once",
			document:  create,
			variables: object{"in": object{"listId": "987654321", "name": "", "rulesJson": "{"}},
			want:      "INVALID input.name segment_name_required; INVALID input.rulesJson audience_invalid; NOT_FOUND input.listId list_not_found",
		},
		{
			name:     "rules that name what is not there",
			document: create,
			variables: object{
				"in": object{"listId": "<list>", "name": "n", "rulesJson": fmt.Sprintf(rulesOf, "987654321")},
			},
			want: "NOT_FOUND input.rulesJson audience_not_found",
		},
		{
			name:      "rules that name a field of another list",
			document:  create,
			variables: object{"in": object{"listId": "<list>", "name": "n", "rulesJson": fmt.Sprintf(rulesOf, "<field>")}},
			want:      "NOT_FOUND input.rulesJson audience_not_found",
		},
		{
			name: "by a key that may only read", as: "reader", document: create,
			variables: object{"in": object{"listId": "<list>", "name": "n"}}, want: "!FORBIDDEN",
		},

		{
			name: "renamed", document: change, variables: object{"in": object{"id": "<segment>", "name": "other"}},
			want: `{"segment":{"name":"other","rulesJson":{"rules":[]}}}`,
		},
		{
			name:     "with other rules",
			document: change,
			variables: object{
				"in": object{"id": "<segment>", "rules": object{"rules": []any{object{"suppression": object{}}}}},
			},
			want: `{"segment":{"name":"part","rulesJson":{"operator":"and","rules":[{"operator":"exist","type":"suppressions"}]}}}`,
		},
		{
			name:     "rules that name themselves",
			document: change,
			variables: object{
				"in": object{
					"id":    "<segment>",
					"rules": object{"rules": []any{object{"segment": object{"segmentId": "<segment>"}}}},
				},
			},
			want: "INVALID input.rules.rules.0.segment.segmentId segment_cycle",
		},
		{
			name: "change what is not there", document: change,
			variables: object{"in": object{"id": "987654321", "name": "x"}}, want: "NOT_FOUND segment_not_found",
		},
		{
			name:     "deleted",
			document: `mutation { deleteSegments(input: {ids: ["<segment>", "987654321"]}) { ` + faults + `} }`,
			want:     `{}`,
		},
		{
			name:     "one segment",
			document: `{ segment(id: "<segment>") { name list { name segments { nodes { name } } } } }`,
			want:     `{"list":{"name":"list","segments":{"nodes":[{"name":"part"}]}},"name":"part"}`,
		},
		{name: "no segment", document: `{ segment(id: "987654321") { name } }`, want: `null`},
	})
}

func TestLabelsAreMadeGivenAndDeleted(t *testing.T) {
	const (
		create = `mutation($name: String!) { createSubscriberTag(input: {name: $name}) { subscriberTag { name subscriberCount } ` + faults + `} }`
		rename = `mutation($id: ID!, $name: String!) { updateSubscriberTag(input: {id: $id, name: $name}) { subscriberTag { name } ` + faults + `} }`
	)
	give := func(mutation string) string {
		return `mutation($p: [ID!]!, $t: [ID!]!) { ` + mutation + `(input: {subscriberIds: $p, tagIds: $t}) { subscribers { emailAddress tags { subscriberCount } } ` + faults + `} }`
	}
	play(t, []scenario{
		{
			name: "a label", document: create, variables: object{"name": " VIP 1 "},
			want: `{"subscriberTag":{"name":"VIP 1","subscriberCount":0}}`,
		},
		{
			name: "taken", document: create, variables: object{"name": "vip 1"},
			want: "CONFLICT input.name subscriber_tag_exists",
		},
		{
			name: "with characters that may not be", document: create, variables: object{"name": "<"},
			want: "INVALID input.name tag_name_characters",
		},
		{
			name: "renamed", document: rename, variables: object{"id": "<label>", "name": "gold"},
			want: `{"subscriberTag":{"name":"gold"}}`,
		},
		{
			name: "renamed to what is taken", document: rename, variables: object{"id": "<label>", "name": "GOLD"},
			want: "CONFLICT input.name subscriber_tag_exists",
		},
		{
			name: "rename what is not there", document: rename, variables: object{"id": "987654321", "name": "x"},
			want: "NOT_FOUND subscriber_tag_not_found",
		},
		{
			name: "rename a label of campaigns", document: rename,
			variables: object{"id": gid.Encode(gid.Tag, 3), "name": "x"}, want: "INVALID input.id id_invalid",
		},
		{
			name:      "given",
			document:  give("tagSubscribers"),
			variables: object{"p": []any{"<person>", "<person>"}, "t": []any{"<label>", "<label2>"}},
			want:      `{"subscribers":[{"emailAddress":"Ann@example.com","tags":[{"subscriberCount":1},{"subscriberCount":1}]}]}`,
		},
		{
			name:      "given to nobody that is there",
			document:  give("tagSubscribers"),
			variables: object{"p": []any{"<person>", "987654321"}, "t": []any{"<label>"}},
			want:      "NOT_FOUND input.subscriberIds subscriber_not_found",
		},
		{
			name:      "one that is not there given",
			document:  give("tagSubscribers"),
			variables: object{"p": []any{"<person>"}, "t": []any{"987654321"}},
			want:      "NOT_FOUND input.tagIds subscriber_tag_not_found",
		},
		{
			name:      "taken off",
			document:  give("untagSubscribers"),
			variables: object{"p": []any{"<person>"}, "t": []any{"<label>"}},
			want:      `{"subscribers":[{"emailAddress":"Ann@example.com","tags":[]}]}`,
		},
		{
			name:     "given by a key that may only write",
			as:       "writer",
			document: `mutation { tagSubscribers(input: {subscriberIds: ["<person>"], tagIds: ["<label>"]}) { ` + faults + `} }`,
			want:     `{}`,
		},
		{
			name:     "deleted",
			document: `mutation { deleteSubscriberTags(input: {ids: ["<label>", "987654321"]}) { ` + faults + `} }`,
			want:     `{}`,
		},
		{
			name: "one label", document: `{ subscriberTag(id: "<label>") { subscriberCount } }`,
			want: `{"subscriberCount":0}`,
		},
		{name: "no label", document: `{ subscriberTag(id: "987654321") { name } }`, want: `null`},
	})
}

func TestAddressesAreSuppressed(t *testing.T) {
	const (
		suppress = `mutation($a: [String!]!, $r: SuppressionReason! = MANUAL) { suppress(input: {emailAddresses: $a, reason: $r}) { suppressions { emailAddress reason } ` + faults + `} }`
		release  = `mutation($a: [String!]!) { unsuppress(input: {emailAddresses: $a}) { releasedAddresses ` + faults + `} }`
	)
	play(t, []scenario{
		{
			name:      "suppressed",
			document:  suppress,
			variables: object{"a": []any{"Bob@example.com", " ann@example.com ", "BOB@example.com"}, "r": "COMPLAINT"},
			want:      `{"suppressions":[{"emailAddress":"Bob@example.com","reason":"COMPLAINT"},{"emailAddress":"ann@example.com","reason":"COMPLAINT"}]}`,
		},
		{
			name:      "suppressed once more",
			document:  suppress,
			variables: object{"a": []any{"eve@example.com", "bob@example.com"}},
			want:      `{"suppressions":[{"emailAddress":"eve@example.com","reason":"MANUAL"},{"emailAddress":"Bob@example.com","reason":"COMPLAINT"}]}`,
		},
		{
			name: "what is no address", document: suppress, variables: object{"a": []any{"a@example.com", "x"}},
			want: "INVALID input.emailAddresses.1 suppression_address_invalid",
		},
		{
			name: "too many", document: suppress, variables: object{"a": many("a@example.com", 5001)},
			want: "INVALID input.emailAddresses too_many_addresses",
		},
		{
			name: "by a key that may only read", as: "reader", document: suppress,
			variables: object{"a": []any{"a@example.com"}}, want: "!FORBIDDEN",
		},
		{
			name:     "listed",
			document: `{ suppressions(search: "B@", reason: [COMPLAINT]) { totalCount nodes { emailAddress } } }`,
			want:     `{"nodes":[{"emailAddress":"Bob@example.com"}],"totalCount":1}`,
		},
		{name: "of no reason", document: `{ suppressions(reason: []) { totalCount } }`, want: `{"totalCount":0}`},
		{
			name:      "released",
			document:  release,
			variables: object{"a": []any{"nobody@example.com", "ANN@example.com", "ann@example.com"}},
			want:      `{"releasedAddresses":["ann@example.com"]}`,
		},
		{
			name: "released once more", document: release, variables: object{"a": []any{"ann@example.com"}},
			want: `{"releasedAddresses":[]}`,
		},
	})
}

func TestPagesOfEachListStandByThemselves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		client := w.db.Client(a.Context)
		for i := range 3 {
			list := client.SubscriberList.Create().
				SetName(fmt.Sprint(i)).SetNameKey(fmt.Sprint(i)).SetCreatedAt(firstDay).SaveX(a.Context)
			for j := range 2 + i {
				at := firstDay.Add(time.Duration(-j) * time.Hour)
				email := fmt.Sprintf("%c%d@example.com", 'a'+j, i)
				client.Subscriber.Create().
					SetListID(list.ID).SetContactID(testkit.Contact(t, a.Context, client, email)).
					SetEmail(email).SetEmailKey(email).SetSubscribedAt(at).
					SetCreatedAt(at).SaveX(a.Context)
				client.Segment.Create().
					SetListID(list.ID).SetName(email).SetNameKey(email).SetRules(`{"rules":[]}`).
					SetCreatedAt(at).SetUpdatedAt(at).SaveX(a.Context)
			}
		}
		pages := func(arguments string) (all, edges []string) {
			t.Helper()
			data := w.MustQuery(
				t, a.Key,
				`{ lists(first: 3) { nodes { subscribers(`+arguments+`) { totalCount pageInfo { hasNextPage hasPreviousPage } nodes { emailAddress } edges { cursor } } } } }`,
				nil,
			)
			for i := range 3 {
				page := apitest.At(t, data, "lists", "nodes", i, "subscribers").(object)
				var names []string
				for _, node := range page["nodes"].([]any) {
					names = append(names, node.(object)["emailAddress"].(string)[:2])
				}
				info := page["pageInfo"].(object)
				all = append(
					all,
					fmt.Sprint(
						strings.Join(names, ""), page["totalCount"], " ", info["hasNextPage"] == true,
						info["hasPreviousPage"] == true,
					),
				)
				if n := len(page["edges"].([]any)); n > 0 {
					edges = append(edges, apitest.At(t, page, "edges", n-1, "cursor").(string))
				}
			}
			return all, edges
		}
		check := func(arguments string, want ...string) []string {
			t.Helper()
			got, edges := pages(arguments)
			if !slices.Equal(got, want) {
				t.Errorf("(%s): %q, want %q", arguments, got, want)
			}
			return edges
		}
		edges := check("first: 2", "a0b02 false false", "a1b13 true false", "a2b24 true false")
		check(fmt.Sprintf("first: 2, after: %q", edges[1]), "2 false true", "c13 false true", "b2c24 true true")
		check("last: 1", "b02 false true", "c13 false true", "d24 false true")
		check("first: 1, orderBy: {field: SUBSCRIBED_AT}", "b02 true false", "c13 true false", "d24 true false")
		check(
			`first: 1, orderBy: {field: EMAIL_ADDRESS, direction: DESC}, filter: {search: "A"}`, "b02 true false",
			"c13 true false", "d24 true false",
		)
		check(
			`filter: {emailAddresses: ["A1@example.com", "d2@example.com"]}`, "0 false false", "a11 false false",
			"d21 false false",
		)
		data := w.MustQuery(
			t,
			a.Key,
			`{ lists(first: 1) { nodes { a: subscribers(first: 1) { nodes { emailAddress } } b: subscribers(last: 1) { nodes { emailAddress } } s: segments(last: 1) { totalCount nodes { name } } }
			edges { node { a: subscribers(first: 1, filter: {search: "b"}) { nodes { status emailAddress } } } } } }`,
			nil,
		)
		want := `{"edges":[{"node":{"a":{"nodes":[{"emailAddress":"b0@example.com","status":"SUBSCRIBED"}]}}}],"nodes":[{"a":{"nodes":[{"emailAddress":"a0@example.com"}]},` +
			`"b":{"nodes":[{"emailAddress":"b0@example.com"}]},"s":{"nodes":[{"name":"b0@example.com"}],"totalCount":2}}]}`
		if got := compact(data["lists"]); got != want {
			t.Errorf("under aliases:\n got %s\nwant %s", got, want)
		}
	})
}

func TestPeopleAreFiltered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f := w.crowd(t, a)
		w.db.Client(a.Context).
			Subscriber.Update().Where(entsubscriber.ID(f.poor.ID)).SetSubscribedAt(firstDay).
			ExecX(a.Context)
		label := number(f.label.ID)
		for _, tt := range []struct {
			filter string
			want   float64
		}{
			{`{}`, 2}, {`{status: [UNSUBSCRIBED]}`, 1}, {`{status: []}`, 0}, {`{bounce: [SOFT, HARD]}`, 1}, {`{active: true}`, 1}, {`{active: false}`, 1},
			{`{suppressed: true}`, 1}, {`{suppressed: false}`, 1}, {`{search: "RICH"}`, 1}, {`{search: "%"}`, 0}, {`{field: {fieldId: "` + number(f.text.ID) + `", contains: "KÖL"}}`, 1},
			{`{emailAddresses: ["RICH@example.com", "x"]}`, 1}, {`{subscribedAt: {from: "2026-03-01T12:00:00Z", to: "2026-03-01T12:00:01Z"}}`, 1},
			{`{tags: {anyOf: ["` + label + `"]}}`, 1}, {`{tags: {allOf: ["` + label + `", "987654321"]}}`, 0}, {`{tags: {noneOf: ["` + label + `"]}}`, 1}, {`{tags: {anyOf: []}}`, 0},
			{`{status: [UNSUBSCRIBED], suppressed: false}`, 0},
		} {
			data := w.MustQuery(
				t, a.Key,
				`query($id: ID!) { list(id: $id) { subscribers(filter: `+tt.filter+`) { totalCount nodes { id } } } }`,
				object{"id": number(f.list.ID)},
			)
			count := apitest.At(t, data, "list", "subscribers", "totalCount")
			listed := len(apitest.At(t, data, "list", "subscribers", "nodes").([]any))
			if count != tt.want || float64(listed) != tt.want {
				t.Errorf("%s: counted %v, listed %d, want %v", tt.filter, count, listed, tt.want)
			}
		}
	})
}

func TestFiltersOfPeopleThatCannotBe(t *testing.T) {
	play(t, []scenario{
		{
			name:     "two searches",
			document: `{ list(id: "<list>") { subscribers(filter: {search: "x", field: {fieldId: "3", contains: "x"}}) { totalCount } } }`,
			want:     "!BAD_USER_INPUT filter.field filter_searches",
		},
		{
			name:     "a search for nothing",
			document: `{ list(id: "<list>") { subscribers(filter: {field: {fieldId: "3", contains: ""}}) { totalCount } } }`,
			want:     "!BAD_USER_INPUT filter.field.contains search_required",
		},
		{
			name: "a search that is too long",
			document: `{ list(id: "<list>") { subscribers(filter: {search: "` + strings.Repeat("x", 251) +
				`"}) { totalCount } } }`,
			want: "!BAD_USER_INPUT filter.search text_too_long",
		},
		{
			name: "a tag of campaigns",
			document: `{ list(id: "<list>") { subscribers(filter: {tags: {anyOf: ["` + gid.Encode(gid.Tag, 3) +
				`"]}}) { totalCount } } }`,
			want: "!BAD_USER_INPUT filter.tags.anyOf[0] id_invalid",
		},
	})
}

// crowd is a list with a value for every field.
type crowd struct {
	list                  *ent.SubscriberList
	text, number, boolean *ent.CustomField
	rich, poor            *ent.Subscriber
	segment               *ent.Segment
	label                 *ent.SubscriberTag
	suppression           *ent.Suppression
}

func (w *world) crowd(t *testing.T, a *apitest.Account) crowd {
	t.Helper()
	ctx, client := a.Context, w.db.Client(a.Context)
	var f crowd
	f.list = client.SubscriberList.Create().
		SetName("list").SetNameKey("list").SetDoubleOptIn(true).SetCreatedAt(firstDay).SaveX(ctx)
	field := func(of kind.FieldType, choices string) *ent.CustomField {
		return client.CustomField.Create().
			SetListID(f.list.ID).SetName(string(of)).SetNameKey(string(of)).SetType(of).
			SetChoices(choices).SetCreatedAt(firstDay).SaveX(ctx)
	}
	f.text, f.number, f.boolean = field(kind.FieldText, ""), field(kind.FieldNumber, ""), field(kind.FieldBoolean, "")
	choice := field(kind.FieldChoice, `["a","b"]`)
	person := func(email string) *ent.SubscriberCreate {
		return client.Subscriber.Create().
			SetListID(f.list.ID).SetContactID(testkit.Contact(t, ctx, client, email)).
			SetEmail(email).SetEmailKey(email).SetCreatedAt(firstDay)
	}
	client.Contact.UpdateOneID(testkit.Contact(t, ctx, client, "rich@example.com")).
		SetDeliverability(kind.BounceHard).SetSoftBounces(2).SetDeliverableSince(firstDay).ExecX(ctx)
	f.rich = person("rich@example.com").SetStatus(kind.SubscriberUnsubscribed).
		SetBounce(kind.BounceHard).SetSubscriptionIP("192.0.2.1").
		SetSubscribedAt(firstDay.Add(time.Hour)).SetOptedInAt(firstDay.Add(2 * time.Hour)).
		SetUnsubscribedAt(firstDay.Add(3 * time.Hour)).SaveX(ctx)
	f.poor = person("other@example.com").SaveX(ctx)
	value := func(of *ent.CustomField, text string, number *float64) {
		client.FieldValue.Create().
			SetSubscriberID(f.rich.ID).SetCustomFieldID(of.ID).SetText(text).
			SetTextKey(strings.ToLower(text)).SetNillableNumber(number).ExecX(ctx)
	}
	value(f.text, "Köln", nil)
	value(f.number, "12.50", new(12.5))
	value(f.boolean, "1", new(1.0))
	value(choice, "a", nil)
	f.label = client.SubscriberTag.Create().SetName("gold").SetNameKey("gold").SetCreatedAt(firstDay).SaveX(ctx)
	client.SubscriberTagging.Create().SetSubscriberID(f.rich.ID).SetSubscriberTagID(f.label.ID).ExecX(ctx)
	f.suppression = client.Suppression.Create().
		SetEmail("Rich@example.com").SetEmailKey("rich@example.com").SetCreatedAt(firstDay).SaveX(ctx)
	f.segment = client.Segment.Create().
		SetListID(f.list.ID).SetName("part").SetNameKey("part").SetRules(`{"rules":[]}`).
		SetCreatedAt(firstDay).SetUpdatedAt(firstDay).SaveX(ctx)
	return f
}

func TestFieldsOfPeopleAskedForAloneAreWhatTheyAreAmongAll(t *testing.T) {
	types := schema(t).Types
	each(t, func(t *testing.T, w *world) {
		w.anySize(t)
		a := w.Account(t)
		f := w.crowd(t, a)
		list, rich, segment, label := number(f.list.ID), number(f.rich.ID), number(f.segment.ID), number(f.label.ID)
		node := func(of gid.Kind, id int64) string {
			return `{ x: node(id: "` + globalID(of, id) + `") { ... on ` + string(of) + ` { %s } } }`
		}
		w.readAlone(t, a.Key, types, []alone{
			{"SubscriberList", []string{
				`{ x: list(id: ` + list + `) { %s } }`,
				`{ x: lists(first: 1) { nodes { %s } } }`,
				`{ x: lists(first: 1, search: "LI", orderBy: {field: CREATED_AT}) { edges { node { %s } } } }`,
				`{ x: subscriber(id: ` + rich + `) { list { %s } } }`,
				`{ x: segment(id: ` + segment + `) { list { %s } } }`,
				`{ x: customFields(first: 1) { nodes { list { %s } } } }`,
				`mutation { x: updateList(input: {id: ` + list + `}) { list { %s } } }`,
				node(gid.SubscriberList, f.list.ID),
			}},
			{
				"Subscriber",
				[]string{
					`{ x: subscriber(id: ` + rich + `) { %s } }`,
					`{ x: list(id: ` + list + `) { subscribers(first: 1, filter: {search: "rich"}) { nodes { %s } } } }`,
					`{ x: lists(first: 1) { nodes { subscribers(first: 1, orderBy: {field: OPTED_IN_AT, direction: DESC}) { edges { node { %s } } } } } }`,
					`mutation { x: updateSubscriber(input: {id: ` + rich + `}) { subscriber { %s } } }`,
					node(gid.Subscriber, f.rich.ID),
				},
			},
			{"CustomField", []string{
				`{ x: customFields(listId: ` + list + `) { nodes { %s } } }`,
				`{ x: customFields { edges { node { %s } } } }`,
				`{ x: list(id: ` + list + `) { customFields { %s } } }`,
				`{ x: lists(first: 1) { edges { node { customFields { %s } } } } }`,
			}},
			{"Segment", []string{
				`{ x: segment(id: ` + segment + `) { %s } }`,
				`{ x: list(id: ` + list + `) { segments { nodes { %s } } } }`,
				`{ x: lists(first: 1) { edges { node { segments(search: "PA") { edges { node { %s } } } } } } }`,
				`mutation { x: updateSegment(input: {id: ` + segment + `}) { segment { %s } } }`,
				node(gid.Segment, f.segment.ID),
			}},
			{"SubscriberTag", []string{
				`{ x: subscriberTag(id: ` + label + `) { %s } }`,
				`{ x: subscriberTags(search: "GO") { nodes { %s } } }`,
				`{ x: subscriberTags { edges { node { %s } } } }`,
				`{ x: subscriber(id: ` + rich + `) { tags { %s } } }`,
				node(gid.SubscriberTag, f.label.ID),
			}},
			{"Suppression", []string{
				`{ x: suppressions { nodes { %s } } }`,
				`{ x: suppressions(reason: [MANUAL]) { edges { node { %s } } } }`,
				`{ x: subscriber(id: ` + rich + `) { suppression { %s } } }`,
				node(gid.Suppression, f.suppression.ID),
			}},
		})
	})
}

// peopleShapes are queries over lists of subscribers; each %s is the global id of a list.
var peopleShapes = []struct {
	document string
	most     int
}{
	{
		`{ lists(first: 50) { nodes { name subscriberCount customFields { name list { name } } segments { totalCount nodes { name } } } totalCount } }`,
		7,
	},
	{
		`{ lists(first: 20) { nodes { subscribers(first: 5, filter: {active: true}) { totalCount edges { cursor node { emailAddress fields { text field { name } } tags { name subscriberCount } suppression { reason } list { name } } } } } } }`,
		10,
	},
	{`{ nodes(ids: [%s]) { ... on SubscriberList { name subscribers(first: 3) { nodes { emailAddress } } } } }`, 2},
	{`{ subscriberTags { nodes { name subscriberCount } totalCount } }`, 3},
	{`{ suppressions { nodes { emailAddress } } customFields { nodes { name list { name } } totalCount } }`, 4},
}

func TestStatementsDoNotDependOnTheNumberOfPeople(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		few, many := w.Account(t), w.Account(t)
		w.crowdOf(t, few, 0)
		for i := range 20 {
			w.crowdOf(t, many, i)
		}
		for _, shape := range peopleShapes {
			ask := func(a *apitest.Account) []string {
				document := shape.document
				if strings.Contains(document, "%s") {
					var ids []string
					for _, id := range w.db.Client(a.Context).SubscriberList.Query().IDsX(a.Context) {
						ids = append(ids, fmt.Sprintf("%q", globalID(gid.SubscriberList, id)))
					}
					document = fmt.Sprintf(document, strings.Join(ids, ","))
				}
				return statements(t, w, a, document)
			}
			cheap, dear := ask(few), ask(many)
			if len(cheap) != len(dear) || len(dear) > shape.most {
				t.Errorf(
					"%s: %d statements for one list, %d for twenty, at most %d:\n%s", shape.document, len(cheap),
					len(dear), shape.most, strings.Join(dear, "\n"),
				)
			}
		}
	})
}

// crowdOf does the same as crowd, with separate names.
func (w *world) crowdOf(t *testing.T, a *apitest.Account, i int) {
	t.Helper()
	ctx, client := a.Context, w.db.Client(a.Context)
	name := fmt.Sprint("list ", i)
	list := client.SubscriberList.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay).SaveX(ctx)
	field := client.CustomField.Create().
		SetListID(list.ID).SetName(name).SetNameKey(name).SetCreatedAt(firstDay).SaveX(ctx)
	label := client.SubscriberTag.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay).SaveX(ctx)
	for j := range 8 {
		email := fmt.Sprintf("%d-%d@example.com", j, i)
		p := client.Subscriber.Create().
			SetListID(list.ID).SetContactID(testkit.Contact(t, ctx, client, email)).
			SetEmail(email).SetEmailKey(email).SetCreatedAt(firstDay).SaveX(ctx)
		client.FieldValue.Create().SetSubscriberID(p.ID).SetCustomFieldID(field.ID).SetText("x").ExecX(ctx)
		client.SubscriberTagging.Create().SetSubscriberID(p.ID).SetSubscriberTagID(label.ID).ExecX(ctx)
		client.Suppression.Create().SetEmail(email).SetEmailKey(email + "x").SetCreatedAt(firstDay).ExecX(ctx)
		client.Segment.Create().
			SetListID(list.ID).SetName(email).SetNameKey(email).SetRules(`{"rules":[]}`).
			SetCreatedAt(firstDay).SetUpdatedAt(firstDay).ExecX(ctx)
	}
}
