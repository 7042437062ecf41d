package graph_test

import (
	"strings"
	"testing"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

func TestAccountAnswersAndRefuses(t *testing.T) {
	const makeKey = `mutation($in: CreateApiKeyInput!) { createApiKey(input: $in) { apiKey { scopes note expiresAt revokedAt } ` + faults + `} }`
	play(t, []scenario{
		{
			name: "who I am", document: `{ viewer { user { role reputation timeZone } scopes } }`,
			want: `{"scopes":["READ","WRITE","APPROVE","DELIVERY"],"user":{"reputation":"TRUSTED","role":"USER","timeZone":"UTC"}}`,
		},
		{name: "who a key is", as: "reader", document: `{ viewer { scopes } }`, want: `{"scopes":["READ"]}`},
		{name: "nobody", as: "nobody", document: `{ viewer { user { role } } }`, want: "!UNAUTHENTICATED"},
		{name: "a key that is none", as: "stranger", document: `{ viewer { user { role } } }`, want: "!UNAUTHENTICATED"},
		{
			name: "a key that may only write does not list keys", as: "writer",
			document: `{ viewer { apiKeys { nodes { hint } } } }`, want: "!FORBIDDEN",
		},
		{
			name:     "what the server is needs nobody",
			as:       "nobody",
			document: `{ serverInfo { maxDepth maxComplexity maxPageSize demo } }`,
			want:     `{"demo":false,"maxComplexity":20000,"maxDepth":12,"maxPageSize":250}`,
		},
		{
			name: "nor a key that is one", as: "stranger", document: `{ serverInfo { maxPageSize } }`,
			want: `{"maxPageSize":250}`,
		},

		{
			name:     "a key",
			document: makeKey,
			variables: object{
				"in": object{
					"scopes": []any{"READ", "WRITE"}, "note": " shop ", "expiresAt": "2099-01-02T03:04:05+01:00",
				},
			},
			want: `{"apiKey":{"expiresAt":"2099-01-02T02:04:05Z","note":"shop","revokedAt":null,"scopes":["READ","WRITE"]}}`,
		},
		{
			name:     "a key without scopes",
			document: makeKey,
			variables: object{
				"in": object{"scopes": []any{}, "expiresAt": "2001-01-01T00:00:00Z", "note": strings.Repeat("ä", 201)},
			},
			want: "INVALID input.scopes scopes_required; INVALID input.note note_too_long; INVALID input.expiresAt expiry_past",
		},
		{
			name: "a key with more than I have", as: "editor", document: makeKey,
			variables: object{"in": object{"scopes": []any{"APPROVE"}}}, want: "!FORBIDDEN",
		},
		{
			name: "a key for a reader", as: "reader", document: makeKey,
			variables: object{"in": object{"scopes": []any{"READ"}}}, want: "!FORBIDDEN",
		},
		{
			name:     "revoked",
			document: `mutation { revokeApiKey(input: {id: "<key>"}) { apiKey { scopes } ` + faults + `} }`,
			want:     `{"apiKey":{"scopes":["READ"]}}`,
		},
		{
			name:     "revoke what is not there",
			document: `mutation { revokeApiKey(input: {id: "987654321"}) { apiKey { scopes } ` + faults + `} }`,
			want:     "NOT_FOUND api_key_not_found",
		},
		{
			name:     "revoke a campaign",
			document: `mutation { revokeApiKey(input: {id: "Q2FtcGFpZ246MQ"}) { apiKey { scopes } ` + faults + `} }`,
			want:     "INVALID input.id id_invalid",
		},

		{
			name:     "log in with nothing",
			as:       "nobody",
			document: `mutation { login(input: {}) { sessionToken ` + faults + `} }`,
			want:     "INVALID input.username username_required; INVALID input.password password_required",
		},
		{
			name:     "log in with what is wrong",
			as:       "nobody",
			document: `mutation { login(input: {username: "nobody", password: "wrong"}) { sessionToken ` + faults + `} }`,
			want:     "INVALID_CREDENTIALS login_invalid",
		},
		{name: "a key has no session to end", document: `mutation { logout { ended } }`, want: `{"ended":false}`},
		{
			name: "nobody has none either", as: "nobody", document: `mutation { logout { ended } }`,
			want: "!UNAUTHENTICATED",
		},
	})
}

func TestSessionLivesFromLoginToLogout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t, func(u *account.NewUser) { u.FirstName = "Ann" })
		const login = `mutation($in: LoginInput!) { login(input: $in) { sessionToken expiresAt ` + faults + `} }`
		for _, in := range []object{{"username": a.User.Username, "password": "correct horse"}, {"username": strings.ToUpper(a.User.Email), "password": "correct horse"}, {"apiKey": a.Key}} {
			token, _ := apitest.At(t, w.MustQuery(t, "", login, object{"in": in}), "login", "sessionToken").(string)
			if token == "" {
				t.Fatalf("no session for %v", in)
			}
			name := apitest.At(t, w.MustQuery(t, token, `{ viewer { user { firstName } } }`, nil), "viewer", "user", "firstName")
			if name != "Ann" {
				t.Errorf("the session is %v's", name)
			}
			got := compact(w.MustQuery(t, token, `mutation { logout { ended } }`, nil))
			if got != `{"logout":{"ended":true}}` {
				t.Errorf("logout: %s", got)
			}
			response := w.Query(t, token, `{ viewer { user { firstName } } }`, nil)
			if len(response.Errors) != 1 || response.Errors[0].Code() != graphCode(apperr.Unauthenticated) {
				t.Errorf("after logout: %s", response.Body)
			}
		}
	})
}

func TestKeyIsShownOnceAndEndsWhenRevoked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		made := apitest.At(
			t,
			w.MustQuery(
				t, a.Key, `mutation { createApiKey(input: {scopes: [READ]}) { key apiKey { id hint } `+faults+`} }`,
				nil,
			),
			"createApiKey",
		)
		key, id := apitest.At(t, made, "key").(string), apitest.At(t, made, "apiKey", "id")
		if hint := apitest.At(t, made, "apiKey", "hint").(string); hint == "" || !strings.HasPrefix(key, hint) ||
			len(hint) > len(key)/2 {
			t.Errorf("the hint %q of %d characters", hint, len(key))
		}
		listed := w.Query(
			t, key, `{ viewer { scopes apiKeys { nodes { id hint scopes note createdAt expiresAt lastUsedAt revokedAt } } } }`,
			nil,
		)
		if len(listed.Errors) > 0 || strings.Contains(listed.Body, key) {
			t.Errorf("the new key reads: %s", listed.Body)
		}
		session := apitest.At(t, w.MustQuery(t, "", `mutation($key: String!) { login(input: {apiKey: $key}) { sessionToken } }`, object{"key": key}), "login", "sessionToken").(string)
		response := w.Query(t, session, `mutation { createTag(input: {name: "x"}) { tag { id } } }`, nil)
		if len(response.Errors) != 1 || response.Errors[0].Code() != graphCode(apperr.Denied) {
			t.Errorf("a session of a key may do more than the key: %s", response.Body)
		}
		w.MustQuery(
			t, a.Key, `mutation($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { revokedAt } `+faults+`} }`,
			object{"id": id},
		)
		for name, token := range map[string]string{"key": key, "session of the key": session} {
			response := w.Query(t, token, `{ viewer { scopes } }`, nil)
			if len(response.Errors) != 1 || response.Errors[0].Code() != graphCode(apperr.Unauthenticated) ||
				!strings.Contains(response.Errors[0].Message, "revoked") {
				t.Errorf("the %s after it was revoked: %s", name, response.Body)
			}
		}
		w.MustQuery(t, a.Key, `{ viewer { user { username } } }`, nil)
	})
}

func TestAdminSeesOtherAccountsOnlyWithTheScope(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		campaign := c.prop(t, c.account(""), "draft")
		const document = `query($id: ID!) { campaign(id: $id) { name } }`
		got := compact(w.MustQuery(t, c.keys["admin"], document, object{"id": campaign}))
		if got != `{"campaign":{"name":"draft"}}` {
			t.Errorf("an admin sees %s", got)
		}
		narrow := w.key(t, c.account("admin"), kind.ScopeRead, kind.ScopeWrite)
		if got := compact(w.MustQuery(t, narrow, document, object{"id": campaign})); got != `{"campaign":null}` {
			t.Errorf("an admin's key without the scope sees %s", got)
		}
	})
}
