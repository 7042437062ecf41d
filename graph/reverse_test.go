package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit/apitest"
)

// TestCampaignsOfAListAndOfAVariationAreFound sets audiences of both forms and an A/B test.
func TestCampaignsOfAListAndOfAVariationAreFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		lists := []int64{w.listOf(t, a, "one"), w.listOf(t, a, "two")}
		rows := w.page(t, a, 3)
		const update = `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { userErrors { message } } }`
		for i, audience := range []object{
			{"lists": object{"include": []any{object{"listId": number(lists[0])}}}},
			{"rules": object{"connector": "OR", "criteria": []any{
				object{"listId": number(lists[0])}, object{"listId": number(lists[1])},
			}}},
			{"lists": object{
				"include": []any{object{"listId": number(lists[1])}},
				"exclude": []any{object{"listId": number(lists[0])}},
			}},
		} {
			data := w.MustQuery(t, a.Key, update, object{"in": object{"id": number(rows[i].ID), "audience": audience}})
			if got := compact(data); got != `{"updateCampaign":{"userErrors":[]}}` {
				t.Fatal(got)
			}
		}
		got := compact(w.MustQuery(
			t, a.Key, `{ lists { nodes { name campaigns(first: 1) { totalCount nodes { legacyId } pageInfo { hasNextPage } } } } }`, nil,
		))
		want := fmt.Sprintf(`{"lists":{"nodes":[{"campaigns":{"nodes":[{"legacyId":"%d"}],"pageInfo":{"hasNextPage":true},"totalCount":2},`+
			`"name":"one"},{"campaigns":{"nodes":[{"legacyId":"%d"}],"pageInfo":{"hasNextPage":true},"totalCount":2},"name":"two"}]}}`,
			rows[1].ID, rows[2].ID)
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		// The second email of a campaign of w.page is only a variation of its test.
		got = compact(w.MustQuery(t, a.Key, `query($id: ID!) { email(id: $id) { campaigns { totalCount nodes { legacyId } } } }`,
			object{"id": number(*rows[1].EmailID + 1)}))
		want = fmt.Sprintf(`{"email":{"campaigns":{"nodes":[{"legacyId":"%d"}],"totalCount":1}}}`, rows[1].ID)
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestEventsOfAContactAreReadPageByPage reads pages in both directions. Several events have one instant.
func TestEventsOfAContactAreReadPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		list, c := w.listOf(t, a, "list"), w.page(t, a, 1)[0]
		var events []any
		for _, person := range []string{"ann", "bob"} {
			w.enter(t, a, list, person+"@example.com")
			for i := range 11 {
				events = append(events, object{
					"id": fmt.Sprint(person, i), "kind": "OPENED", "campaignId": number(c.ID),
					"emailAddress": person + "@example.com", "at": fmt.Sprintf("2026-03-01T12:%02d:00Z", i/4),
					"reason": fmt.Sprint(person, i),
				})
			}
		}
		w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
		const read = `query($first: Int, $after: String, $last: Int, $before: String) {
			contact(emailAddress: "ann@example.com") { events(first: $first, after: $after, last: $last, before: $before) {
				totalCount edges { cursor node { reason } } nodes { reason } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
		page := func(variables object) object {
			return apitest.At(t, w.MustQuery(t, a.Key, read, variables), "contact", "events").(object)
		}
		all := page(nil)
		if all["totalCount"] != 11.0 || len(all["nodes"].([]any)) != 11 {
			t.Fatalf("%v", compact(all))
		}
		for _, way := range []struct{ size, from, at, more string }{
			{"first", "after", "endCursor", "hasNextPage"}, {"last", "before", "startCursor", "hasPreviousPage"},
		} {
			for size := 1; size <= 12; size += 3 {
				var got []any
				variables := object{way.size: size}
				for {
					some := page(variables)
					nodes, info := some["nodes"].([]any), some["pageInfo"].(object)
					if got = append(got, nodes...); way.size == "last" {
						got = append(append([]any{}, nodes...), got[:len(got)-len(nodes)]...)
					}
					if info[way.more] != true {
						break
					}
					variables[way.from] = info[way.at]
				}
				if diff := cmp.Diff(all["nodes"], any(got)); diff != "" {
					t.Errorf("%s %d (-whole +pages)\n%s", way.size, size, diff)
				}
			}
		}
		cursor := apitest.At(t, w.MustQuery(t, a.Key, `{ contacts(first: 1) { pageInfo { endCursor } } }`, nil),
			"contacts", "pageInfo", "endCursor")
		for name, wrong := range map[string]any{"CURSOR_OF_ANOTHER_ORDER": cursor, "CURSOR_INVALID": "eDE6RVZFTlQtOjE6"} {
			response := w.Query(t, a.Key, read, object{"after": wrong})
			if len(response.Errors) == 0 || response.Errors[0].Extensions["reason"] != name {
				t.Errorf("%s: %s", name, response.Body)
			}
		}
	})
}

// TestAccountsCostTheSameForAnyNumber lists accounts as an admin, with the owner of a key.
func TestAccountsCostTheSameForAnyNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		admin := w.admin(t)
		for range 5 {
			w.Account(t)
		}
		var before []string
		for _, n := range []int{1, 6} {
			ran := statements(t, w, admin, fmt.Sprintf(`{ users(first: %d) { totalCount nodes { id username role createdAt } } }`, n))
			if len(ran) != 2 {
				t.Errorf("%d statements for %d accounts:\n%s", len(ran), n, strings.Join(ran, "\n"))
			}
			if before != nil && len(ran) != len(before) {
				t.Errorf("%d statements for %d accounts, %d before", len(ran), n, len(before))
			}
			before = ran
		}
	})
}

// TestViewerReadsTheColumnsAskedFor looks at the columns of the statement.
func TestViewerReadsTheColumnsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		for document, columns := range map[string]string{
			`{ viewer { user { id } } }`:                     "id",
			`{ viewer { user { username } } }`:               "id username",
			`{ viewer { scopes } }`:                          "id",
			`{ viewer { ... on Viewer { user { role } } } }`: "id role",
		} {
			ran := statements(t, w, a, document)
			if len(ran) != 1 {
				t.Errorf("%s: %s", document, strings.Join(ran, "\n"))
				continue
			}
			selected, _, _ := strings.Cut(strings.TrimPrefix(ran[0], "SELECT "), " FROM ")
			got := strings.NewReplacer("`users`.", "", "`", "", ",", "").Replace(selected)
			if got != columns {
				t.Errorf("%s reads %s, want %s", document, got, columns)
			}
		}
	})
}

// TestAKeyNamesItsOwner reads keys as their owner, and those of a node as an admin.
func TestAKeyNamesItsOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		data := w.MustQuery(t, a.Key, `{ viewer { apiKeys { nodes { id owner { username } } } } }`, nil)
		nodes := apitest.At(t, data, "viewer", "apiKeys", "nodes").([]any)
		key := nodes[0].(object)
		if got := apitest.At(t, key, "owner", "username"); got != a.User.Username {
			t.Errorf("the owner reads %v", got)
		}
		data = w.MustQuery(t, w.admin(t).Key, `query($id: ID!) { node(id: $id) { ... on ApiKey { owner { username } } } }`,
			object{"id": key["id"]})
		if got := apitest.At(t, data, "node", "owner", "username"); got != a.User.Username {
			t.Errorf("an admin reads %v", got)
		}
	})
}
