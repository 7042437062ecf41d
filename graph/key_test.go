package graph_test

import "testing"

// TestRevokingAKeyOverGraphQLListsWhatItMade also checks that a key cannot revoke a key with more
// scopes.
func TestRevokingAKeyOverGraphQLListsWhatItMade(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.Account(t)
		create := func(by string) (key, id string, parent any) {
			t.Helper()
			got := w.MustQuery(
				t, by, `mutation { createApiKey(input: {scopes: [READ, WRITE]}) { key apiKey { id parent { id } } } }`, nil,
			)
			payload := got["createApiKey"].(map[string]any)
			made := payload["apiKey"].(map[string]any)
			return payload["key"].(string), made["id"].(string), made["parent"].(map[string]any)["id"]
		}
		const revoke = `mutation($id: ID!, $descendants: KeyDescendants! = REVOKE) {
			revokeApiKey(input: {id: $id, descendants: $descendants}) { apiKey { id } descendants { id revokedAt } }
		}`
		leaked, leakedID, first := create(owner.Key)
		child, childID, parent := create(leaked)
		if parent != leakedID || first == nil {
			t.Errorf("made by %v and %v, want %s and the first key", parent, first, leakedID)
		}
		refused := w.Query(t, child, revoke, object{"id": first})
		if len(refused.Errors) != 1 || refused.Errors[0].Code() != "FORBIDDEN" {
			t.Errorf("a lesser key revokes the first one: %s", refused.Body)
		}
		for _, descendants := range []string{"KEEP", "REVOKE"} {
			got := w.MustQuery(t, owner.Key, revoke, object{"id": leakedID, "descendants": descendants})["revokeApiKey"].(map[string]any)["descendants"].([]any)
			if len(got) != 1 || got[0].(map[string]any)["id"] != childID ||
				(got[0].(map[string]any)["revokedAt"] != nil) != (descendants == "REVOKE") {
				t.Errorf("%s: %v", descendants, got)
			}
			viewer := w.Query(t, child, `{ viewer { user { username } } }`, nil)
			if (len(viewer.Errors) == 0) != (descendants == "KEEP") {
				t.Errorf("%s: the key that it made is answered %s", descendants, viewer.Body)
			}
		}
	})
}
