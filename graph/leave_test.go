package graph_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// answered returns the payload of a mutation, or the code of the error.
func (w *world) answered(t *testing.T, key, document string, variables object) string {
	t.Helper()
	response := w.Query(t, key, document, variables)
	noLeak(t, response)
	if len(response.Errors) > 0 {
		return fmt.Sprint("!", response.Errors[0].Extensions["code"])
	}
	for _, payload := range response.Data {
		return string(must(json.Marshal(payload))(t))
	}
	return ""
}

func TestSubscribersAreDeleted(t *testing.T) {
	const remove = `mutation($ids: [ID!]!) { deleteSubscribers(input: {ids: $ids}) { deletedIds userErrors { code reason field } } }`
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		first, second := w.listOf(t, a, "first"), w.listOf(t, a, "second")
		ann, bob := w.enter(t, a, first, "ann@example.com"), w.enter(t, a, first, "bob@example.com")
		eve := w.enter(t, a, first, "eve@example.com")
		again := w.enter(t, a, second, "ann@example.com")
		theirs := w.enter(t, other, w.listOf(t, other, "theirs"), "ann@example.com")
		campaign := w.sending(t, a).ID
		client := w.db.Client(a.Context)
		client.MergedSubscriber.Create().SetID(1 << 40).SetSubscriberID(bob).ExecX(a.Context)
		tag := client.SubscriberTag.Create().SetName("l").SetNameKey("l").SetCreatedAt(firstDay).SaveX(a.Context).ID
		got := w.answered(t, a.Key, `mutation($t: ID!, $of: [ID!]!) { tagSubscribers(input: {subscriberIds: $of, tagIds: [$t]}) { subscribers { legacyId } userErrors { reason } } }`,
			object{"t": number(tag), "of": []any{number(1 << 40), number(eve)}})
		if want := fmt.Sprintf(`{"subscribers":[{"legacyId":"%d"},{"legacyId":"%d"}],"userErrors":[]}`, bob, eve); got != want {
			t.Errorf("tagged %s, want %s", got, want)
		}
		w.shown(t, a, fmt.Sprintf(`mutation { recordEvents(input: {events: [{id: "e", kind: SENT, campaignId: %d, subscriberId: %d, at: "2026-11-01T00:00:00Z"}]}) { recordedCount } }`, campaign, eve))
		id := func(n int64) string { return globalID(gid.Subscriber, n) }
		node := func(n int64) string {
			return w.shown(t, a, fmt.Sprintf(`{ node(id: "%s") { ... on Subscriber { emailAddress } } subscriber(id: %d) { legacyId } }`, id(n), n))
		}
		if got, want := node(1<<40), fmt.Sprintf(`{"node":{"emailAddress":"bob@example.com"},"subscriber":{"legacyId":"%d"}}`, bob); got != want {
			t.Errorf("a merged id answers %s, want %s", got, want)
		}
		for _, tt := range []struct {
			name, key string
			ids       []any
			want      string
		}{
			{"a key that may only read", w.key(t, a, kind.ScopeRead), []any{number(ann)}, "!FORBIDDEN"},
			{"nobody", "", []any{number(ann)}, "!UNAUTHENTICATED"},
			{"another account", other.Key, []any{number(ann), id(bob)}, `{"deletedIds":[],"userErrors":[]}`},
			{"too many", a.Key, many(number(ann), 251), `{"deletedIds":[],"userErrors":[{"code":"INVALID","field":["input","ids"],"reason":"TOO_MANY_IDS"}]}`},
			{"a list", a.Key, []any{number(ann), globalID(gid.SubscriberList, first)},
				`{"deletedIds":[],"userErrors":[{"code":"INVALID","field":["input","ids","1"],"reason":"ID_INVALID"}]}`},
		} {
			if got := w.answered(t, tt.key, remove, object{"ids": tt.ids}); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
		counts := fmt.Sprintf(`{ list(id: %d) { subscriberCount subscribers { totalCount } } subscriberTag(id: %d) { subscriberCount } contacts { totalCount } }`, first, tag)
		if got := w.shown(t, a, counts); got != `{"contacts":{"totalCount":3},"list":{"subscriberCount":3,"subscribers":{"totalCount":3}},"subscriberTag":{"subscriberCount":2}}` {
			t.Errorf("before: %s", got)
		}
		got = w.answered(t, a.Key, remove, object{"ids": []any{id(eve), number(1 << 40), number(ann), number(theirs), "987654321"}})
		if want := fmt.Sprintf(`{"deletedIds":["%s","%s","%s"],"userErrors":[]}`, id(ann), id(bob), id(eve)); got != want {
			t.Errorf("deleted %s, want %s", got, want)
		}
		// Bob is forgotten; Ann is on another list, and Eve was sent to.
		if got := w.shown(t, a, counts); got != `{"contacts":{"totalCount":2},"list":{"subscriberCount":0,"subscribers":{"totalCount":0}},"subscriberTag":{"subscriberCount":0}}` {
			t.Errorf("after: %s", got)
		}
		for _, gone := range []int64{ann, bob, eve, 1 << 40} {
			if got := node(gone); got != `{"node":null,"subscriber":null}` {
				t.Errorf("%d answers %s", gone, got)
			}
		}
		if got := w.shown(t, a, `{ contacts { nodes { emailAddress subscriptions { nodes { legacyId } } } } }`); got != fmt.Sprintf(
			`{"contacts":{"nodes":[{"emailAddress":"ann@example.com","subscriptions":{"nodes":[{"legacyId":"%d"}]}},{"emailAddress":"eve@example.com","subscriptions":{"nodes":[]}}]}}`, again,
		) {
			t.Errorf("contacts: %s", got)
		}
		if got := w.shown(t, other, fmt.Sprintf(`{ subscriber(id: %d) { emailAddress } }`, theirs)); got != `{"subscriber":{"emailAddress":"ann@example.com"}}` {
			t.Errorf("the other account: %s", got)
		}
		if got := w.answered(t, w.key(t, a, kind.ScopeWrite), remove, object{"ids": []any{number(again)}}); got != fmt.Sprintf(`{"deletedIds":["%s"],"userErrors":[]}`, id(again)) {
			t.Errorf("a key that may only write: %s", got)
		}
	})
}

// TestUnsubscribeNamesTheListsLeft unsubscribes people because of a campaign to two lists.
func TestUnsubscribeNamesTheListsLeft(t *testing.T) {
	const leave = `mutation($in: UnsubscribeInput!) { unsubscribe(input: $in) { subscriber { status } lists { name } userErrors { reason } } }`
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		first, second := w.listOf(t, a, "first"), w.listOf(t, a, "second")
		for _, email := range []string{"ann@example.com", "bob@example.com", "eve@example.com"} {
			w.enter(t, a, first, email)
			w.enter(t, a, second, email)
		}
		campaign := w.campaignTo(t, a, first, second)
		in := func(list int64, email string, campaign any) object {
			return object{"in": object{"listId": number(list), "emailAddress": email, "campaignId": campaign}}
		}
		both := `{"lists":[{"name":"first"},{"name":"second"}],"subscriber":{"status":"UNSUBSCRIBED"},"userErrors":[]}`
		one := `{"lists":[{"name":"second"}],"subscriber":{"status":"UNSUBSCRIBED"},"userErrors":[]}`
		for _, tt := range []struct {
			name      string
			key       string
			variables object
			want      string
		}{
			{"because of the campaign", a.Key, in(second, "ann@example.com", number(campaign)), both},
			{"who has left", a.Key, in(first, "ann@example.com", number(campaign)), `{"lists":[],"subscriber":null,"userErrors":[{"reason":"NOT_SUBSCRIBED"}]}`},
			{"one list", a.Key, in(second, "bob@example.com", nil), one},
			{"a key that may not read", w.key(t, a, kind.ScopeWrite), in(second, "eve@example.com", nil), "!FORBIDDEN"},
			{"who could not before", a.Key, in(second, "eve@example.com", number(campaign)), both},
		} {
			if got := w.answered(t, tt.key, leave, tt.variables); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
	})
}

// campaignTo makes a campaign to whole lists.
func (w *world) campaignTo(t *testing.T, a *apitest.Account, lists ...int64) int64 {
	t.Helper()
	id := w.sending(t, a).ID
	text := `{"form":"lists","operator":"or","criteria":[`
	for i, list := range lists {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"list_id":%d,"rules":[]}`, list)
	}
	w.db.Client(a.Context).Campaign.UpdateOneID(id).SetAudience(text + `]}`).ExecX(a.Context)
	return id
}

// TestASignUpTellsWhyNoMailFollows adds people whose mail came back, or who are suppressed, with a key
// that may only write.
func TestASignUpTellsWhyNoMailFollows(t *testing.T) {
	const add = `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { results { outcome unreachable } userErrors { reason } } }`
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		first, second := w.listOf(t, a, "first"), w.listOf(t, a, "second")
		hard := w.enter(t, a, first, "hard@example.com")
		w.shown(t, a, fmt.Sprintf(`mutation { updateSubscriber(input: {id: %d, bounce: HARD}) { userErrors { reason } } }`, hard))
		w.shown(t, a, `mutation { suppress(input: {emailAddresses: ["hard@example.com", "never@example.com"]}) { userErrors { reason } } }`)
		in := object{"in": object{"listId": number(second), "subscribers": []any{
			object{"emailAddress": "hard@example.com"}, object{"emailAddress": "never@example.com"},
			object{"emailAddress": "ann@example.com"}, object{"emailAddress": "broken"},
		}}}
		for _, outcome := range []string{"ADDED", "EXISTS"} {
			got := w.answered(t, w.key(t, a, kind.ScopeWrite), add, in)
			want := fmt.Sprintf(`{"results":[{"outcome":"%[1]s","unreachable":["HARD_BOUNCED","SUPPRESSED"]},{"outcome":"%[1]s","unreachable":["SUPPRESSED"]},`+
				`{"outcome":"%[1]s","unreachable":[]},{"outcome":"REJECTED","unreachable":[]}],"userErrors":[]}`, outcome)
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}
