package graph_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// TestAContactIsOnePersonAcrossLists puts one person on two lists, in two spellings of the address,
// and asks for the contact in every way.
func TestAContactIsOnePersonAcrossLists(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		first, second := w.listOf(t, a, "first"), w.listOf(t, a, "second")
		ann := w.enter(t, a, first, "Ann@bücher.example")
		again := w.enter(t, a, second, "ann@xn--bcher-kva.example")
		bob := w.enter(t, a, second, "bob@example.com")

		const fields = `{ id legacyId emailAddress deliverability softBounces suppression { reason } subscriptions { nodes { legacyId list { name } contact { legacyId } } } }`
		byAddress := w.shown(t, a, `{ contact(emailAddress: "ANN@BÜCHER.example") `+fields+` }`)
		var found struct {
			Contact struct{ ID, LegacyID string }
		}
		if err := json.Unmarshal([]byte(byAddress), &found); err != nil {
			t.Fatal(err)
		}
		id, legacy := found.Contact.ID, found.Contact.LegacyID
		want := fmt.Sprintf(
			`{"contact":{"deliverability":"NONE","emailAddress":"Ann@bücher.example","id":"%s","legacyId":"%s","softBounces":0,`+
				`"subscriptions":{"nodes":[{"contact":{"legacyId":"%s"},"legacyId":"%d","list":{"name":"first"}},`+
				`{"contact":{"legacyId":"%s"},"legacyId":"%d","list":{"name":"second"}}]},"suppression":null}}`,
			id, legacy, legacy, ann, legacy, again,
		)
		for _, document := range []string{
			`{ contact(emailAddress: "ann@xn--bcher-kva.example") ` + fields + ` }`,
			`{ contact(id: "` + id + `") ` + fields + ` }`,
			`{ contact(id: "` + legacy + `") ` + fields + ` }`,
		} {
			if got := w.shown(t, a, document); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", document, got, want)
			}
		}
		for document, want := range map[string]string{
			`{ node(id: "` + id + `") { ... on Contact { legacyId } } }`: `{"node":{"legacyId":"` + legacy + `"}}`,
			`{ contacts { totalCount nodes { emailAddress } } }`: `{"contacts":{"nodes":[{"emailAddress":"Ann@bücher.example"},` +
				`{"emailAddress":"bob@example.com"}],"totalCount":2}}`,
			`{ contacts(search: "BÜCHER") { totalCount } }`:              `{"contacts":{"totalCount":1}}`,
			`{ contacts(deliverability: [HARD]) { totalCount } }`:        `{"contacts":{"totalCount":0}}`,
			`{ contacts(deliverability: []) { totalCount } }`:            `{"contacts":{"totalCount":0}}`,
			`{ contacts(suppressed: false) { totalCount } }`:             `{"contacts":{"totalCount":2}}`,
			`{ contact(emailAddress: "nobody@example.com") { id } }`:     `{"contact":null}`,
			`{ contact(id: "987654321") { id } }`:                        `{"contact":null}`,
			`{ contacts(first: 1, search: "b") { nodes { legacyId } } }`: `{"contacts":{"nodes":[{"legacyId":"` + legacy + `"}]}}`,
		} {
			if got := w.shown(t, a, document); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", document, got, want)
			}
		}
		for _, document := range []string{
			`{ contact(id: "` + id + `") { id } }`, `{ contact(emailAddress: "bob@example.com") { id } }`,
		} {
			if got := w.shown(t, other, document); got != `{"contact":null}` {
				t.Errorf("another account: %s", got)
			}
		}
		if response := w.Query(t, a.Key, `{ contact { id } }`, nil); len(response.Errors) != 1 ||
			response.Errors[0].Extensions["reason"] != "CONTACT_REQUIRED" {
			t.Errorf("neither id nor address: %s", response.Body)
		}
		w.deliverability(t, a, other, id, []int64{ann, again}, bob)
	})
}

// deliverability says of a contact that its mail comes back, and then that it does not.
func (w *world) deliverability(t *testing.T, a, other *apitest.Account, id string, subscriptions []int64, bob int64) {
	t.Helper()
	const change = `mutation($in: UpdateContactInput!) { updateContact(input: $in) { contact { deliverability subscriptions { nodes { bounce } } } userErrors { code reason field } } }`
	update := func(a *apitest.Account, to string) string {
		response := w.Query(t, a.Key, change, object{"in": object{"id": id, "deliverability": to}})
		return string(must(json.Marshal(response.Data["updateContact"]))(t))
	}
	for _, step := range []struct{ to, want string }{
		{"HARD", `{"contact":{"deliverability":"HARD","subscriptions":{"nodes":[{"bounce":"HARD"},{"bounce":"HARD"}]}},"userErrors":[]}`},
		{"NONE", `{"contact":{"deliverability":"NONE","subscriptions":{"nodes":[{"bounce":"NONE"},{"bounce":"NONE"}]}},"userErrors":[]}`},
		{"INVALID", `{"contact":null,"userErrors":[{"code":"INVALID","field":["input","deliverability"],"reason":"DELIVERABILITY_INVALID"}]}`},
	} {
		if got := update(a, step.to); got != step.want {
			t.Errorf("%s: %s, want %s", step.to, got, step.want)
		}
	}
	if got, want := update(other, "HARD"), `{"contact":null,"userErrors":[{"code":"NOT_FOUND","field":[],"reason":"CONTACT_NOT_FOUND"}]}`; got != want {
		t.Errorf("another account: %s, want %s", got, want)
	}
	update(a, "HARD")
	// Nobody on either list is reached through the person; the other person is.
	shown := w.shown(t, a, fmt.Sprintf(
		`{ subscriber(id: %d) { bounce } contacts(deliverability: [HARD]) { totalCount nodes { subscriptions { nodes { legacyId } } } } }`, bob,
	))
	want := fmt.Sprintf(
		`{"contacts":{"nodes":[{"subscriptions":{"nodes":[{"legacyId":"%d"},{"legacyId":"%d"}]}}],"totalCount":1},"subscriber":{"bounce":"NONE"}}`,
		subscriptions[0], subscriptions[1],
	)
	if shown != want {
		t.Errorf("%s, want %s", shown, want)
	}
}

// TestAContactThatNothingRemembersIsShownOnceMore updates a contact that is deleted by that: the answer
// has it, with nothing around it.
func TestAContactThatNothingRemembersIsShownOnceMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		row := must(w.db.Client(a.Context).Contact.Create().SetEmail("ann@example.com").SetEmailKey("ann@example.com").
			SetDomain("example.com").SetDeliverability(kind.BounceHard).SetCreatedAt(firstDay).Save(a.Context))(t)
		const change = `mutation($in: UpdateContactInput!) { updateContact(input: $in) { contact { emailAddress deliverability subscriptions { nodes { id } totalCount } suppression { reason } events { nodes { kind } totalCount } } userErrors { code } } }`
		in := object{"in": object{"id": globalID(gid.Contact, row.ID), "deliverability": "NONE"}}
		got := string(must(json.Marshal(w.MustQuery(t, a.Key, change, in)))(t))
		want := `{"updateContact":{"contact":{"deliverability":"NONE","emailAddress":"ann@example.com","events":{"nodes":[],"totalCount":0},` +
			`"subscriptions":{"nodes":[],"totalCount":0},"suppression":null},"userErrors":[]}}`
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := w.shown(t, a, `{ contact(emailAddress: "ann@example.com") { id } }`); got != `{"contact":null}` {
			t.Errorf("after that: %s", got)
		}
	})
}

// shown returns the data of an answer without errors.
func (w *world) shown(t *testing.T, a *apitest.Account, document string) string {
	t.Helper()
	return string(must(json.Marshal(w.MustQuery(t, a.Key, document, nil)))(t))
}

// listOf makes a list and returns its number.
func (w *world) listOf(t *testing.T, a *apitest.Account, name string) int64 {
	t.Helper()
	return must(
		w.db.Client(a.Context).SubscriberList.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay).
			Save(a.Context),
	)(t).ID
}

// enter puts an address onto a list and returns the number of the subscription.
func (w *world) enter(t *testing.T, a *apitest.Account, list int64, email string) int64 {
	t.Helper()
	const document = `mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { results { subscriber { legacyId } } userErrors { reason } } }`
	data := w.MustQuery(t, a.Key, document, object{"in": object{
		"listId": globalID(gid.SubscriberList, list), "subscribers": []any{object{"emailAddress": email}},
	}})
	var payload struct {
		Results []struct {
			Subscriber struct {
				LegacyID int64 `json:",string"`
			}
		}
	}
	if err := json.Unmarshal(must(json.Marshal(data["addSubscribers"]))(t), &payload); err != nil || len(payload.Results) != 1 {
		t.Fatal(err, data)
	}
	return payload.Results[0].Subscriber.LegacyID
}
