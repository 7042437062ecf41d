package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/graph/gid"
	"campaignql/internal/account"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// admin makes an account that sees all others.
func (w *world) admin(t *testing.T) *apitest.Account {
	t.Helper()
	return w.Account(t, func(u *account.NewUser) { u.Role = kind.RoleAdmin })
}

// TestActorOfAnotherAccountIsANameAlone lets an admin pause a campaign of a user.
func TestActorOfAnotherAccountIsANameAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner, admin := w.Account(t), w.admin(t)
		c := w.sending(t, owner)
		w.MustQuery(
			t, admin.Key, `mutation($id: ID!) { pauseCampaign(input: {id: $id}) { campaign { id } } }`,
			object{"id": number(c.ID)},
		)
		const history = `query($id: ID!) { campaign(id: $id) { owner { username } history { nodes {
			id actor { legacyId username user { emailAddress } } apiKey { hint } } } } }`
		name := object{"legacyId": number(admin.User.ID), "username": admin.User.Username}
		for who, want := range map[*apitest.Account]any{owner: nil, admin: object{"emailAddress": admin.User.Email}} {
			shown := apitest.At(t, w.MustQuery(t, who.Key, history, object{"id": number(c.ID)}), "campaign")
			if got := apitest.At(t, shown, "owner", "username"); got != owner.User.Username {
				t.Errorf("%s reads the owner %v", who.User.Username, got)
			}
			entry := apitest.At(t, shown, "history", "nodes").([]any)[0].(object)
			name["user"] = want
			if diff := cmp.Diff(any(name), entry["actor"]); diff != "" {
				t.Errorf("%s reads the actor (-want +got)\n%s", who.User.Username, diff)
			}
			if (entry["apiKey"] == nil) != (who == owner) {
				t.Errorf("%s reads the key %v", who.User.Username, entry["apiKey"])
			}
		}
	})
}

// TestWhoIsNoAdminReadsTheirOwnAccountAlone reads accounts and keys in every way.
func TestWhoIsNoAdminReadsTheirOwnAccountAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner, other, admin := w.Account(t), w.Account(t), w.admin(t)
		mine, theirs := w.sending(t, owner), w.sending(t, other)
		keys := must(w.Services.Accounts.Keys(other.Context))(t)
		document := fmt.Sprintf(`{
			user(id: %d) { username } node(id: "%s") { ... on User { username } }
			nodes(ids: ["%s"]) { ... on ApiKey { hint } } users(search: "%s") { totalCount nodes { username } }
			campaigns(filter: {ownerIds: ["%s", "%d"]}) { nodes { legacyId } } }`,
			other.User.ID, globalID(gid.User, other.User.ID), globalID(gid.APIKey, keys[0].ID), other.User.Username,
			globalID(gid.User, other.User.ID), owner.User.ID)
		for _, tt := range []struct {
			as   *apitest.Account
			want object
		}{
			{owner, object{
				"user": nil, "node": nil, "nodes": []any{nil}, "users": object{"totalCount": 0.0, "nodes": []any{}},
				"campaigns": object{"nodes": []any{object{"legacyId": number(mine.ID)}}},
			}},
			{admin, object{
				"user": object{"username": other.User.Username}, "node": object{"username": other.User.Username},
				"nodes": []any{object{"hint": keys[0].Hint}},
				"users": object{"totalCount": 1.0, "nodes": []any{object{"username": other.User.Username}}},
				"campaigns": object{"nodes": []any{
					object{"legacyId": number(theirs.ID)}, object{"legacyId": number(mine.ID)},
				}},
			}},
		} {
			if diff := cmp.Diff(tt.want, w.MustQuery(t, tt.as.Key, document, nil)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", tt.as.User.Role, diff)
			}
		}
	})
}

// TestCampaignsOfATagAndOfAnEmailAreThoseThatTheFilterFinds reads page after page in both directions.
func TestCampaignsOfATagAndOfAnEmailAreThoseThatTheFilterFinds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.page(t, a, 11) // each has two of three tags
		const read = `query($first: Int, $after: String, $last: Int, $before: String) { tags(first: 3) { nodes { legacyId campaignCount
			campaigns(first: $first, after: $after, last: $last, before: $before) {
				totalCount nodes { legacyId } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`
		tags := func(variables object) map[string]object {
			found := map[string]object{}
			for _, node := range apitest.At(t, w.MustQuery(t, a.Key, read, variables), "tags", "nodes").([]any) {
				page := node.(object)["campaigns"].(object)
				if page["totalCount"] != node.(object)["campaignCount"] {
					t.Errorf("%v campaigns, want %v", page["totalCount"], node.(object)["campaignCount"])
				}
				found[node.(object)["legacyId"].(string)] = page
			}
			return found
		}
		for tag := range tags(nil) {
			want := apitest.At(t, w.MustQuery(
				t, a.Key, `query($id: ID!) { campaigns(filter: {tags: {anyOf: [$id]}}) { nodes { legacyId } } }`,
				object{"id": tag},
			), "campaigns", "nodes").([]any)
			for _, way := range []struct{ size, from, at, more string }{
				{"first", "after", "endCursor", "hasNextPage"}, {"last", "before", "startCursor", "hasPreviousPage"},
			} {
				var got []any
				variables := object{way.size: 3}
				for {
					page := tags(variables)[tag]
					nodes, info := page["nodes"].([]any), page["pageInfo"].(object)
					if got = append(got, nodes...); way.size == "last" {
						got = append(append([]any{}, nodes...), got[:len(got)-len(nodes)]...)
					}
					if info[way.more] != true {
						break
					}
					variables[way.from] = info[way.at]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s of tag %s (-filtered +below)\n%s", way.size, tag, diff)
				}
			}
		}
		data := compact(w.MustQuery(
			t, a.Key, `query($id: ID!) { email(id: $id) { campaigns { totalCount nodes { legacyId } } } }`,
			object{"id": number(*rows[3].EmailID)},
		))
		if want := `{"nodes":[{"legacyId":"` + number(rows[3].ID) + `"}],"totalCount":1}`; !strings.Contains(data, want) {
			t.Errorf("%s, want %s", data, want)
		}
	})
}
