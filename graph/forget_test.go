package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"campaignql/graph/gid"
	"campaignql/internal/testkit/apitest"
)

const (
	forgetDocument = `mutation($in: DeleteContactsInput!) { deleteContacts(input: $in) { deletedIds userErrors { code field reason message } } }`
	whoDocument    = `{ contact(id: "%s") { emailAddress subscriptions { nodes { legacyId } } suppression { reason } events { nodes { kind ip userAgent reason campaign { legacyId } } } } }`
)

// TestAPersonIsForgottenOverHTTP forgets somebody, and enters the address again.
func TestAPersonIsForgottenOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		list, c := w.listOf(t, a, "list"), w.page(t, a, 1)[0]
		w.enter(t, a, list, "ann@example.com")
		w.enter(t, a, list, "eve@example.com")
		w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": []any{object{
			"id": "1", "kind": "CLICKED", "campaignId": number(c.ID), "emailAddress": "ann@example.com", "at": "2026-03-01T12:00:00Z",
			"url": "https://example.org/a", "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.3.0", "ip": "192.0.2.7", "reason": "because",
		}}}})
		id := w.idOf(t, a, "ann@example.com")
		forget := func(of *apitest.Account, in object) string {
			response := w.Query(t, of.Key, forgetDocument, object{"in": in})
			if len(response.Errors) > 0 {
				return fmt.Sprint(response.Errors[0].Extensions["code"])
			}
			return string(must(json.Marshal(response.Data["deleteContacts"]))(t))
		}
		if got := forget(other, object{"ids": []any{id}}); got != `{"deletedIds":[],"userErrors":[]}` {
			t.Errorf("another account: %s", got)
		}
		want := fmt.Sprintf(`{"deletedIds":[%q],"userErrors":[]}`, id)
		if got := forget(a, object{"ids": []any{id, "987654321"}}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := forget(a, object{"ids": []any{id}}); got != `{"deletedIds":[],"userErrors":[]}` {
			t.Errorf("again: %s", got)
		}
		must(w.Services.Purges.Purge(a.Context))(t)
		want = fmt.Sprintf(`{"contact":{"emailAddress":null,"events":{"nodes":[{"campaign":{"legacyId":"%d"},"ip":null,"kind":"CLICKED",`+
			`"reason":null,"userAgent":null}]},"subscriptions":{"nodes":[]},"suppression":null}}`, c.ID)
		if got := w.shown(t, a, fmt.Sprintf(whoDocument, id)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for document, want := range map[string]string{
			`{ contact(emailAddress: "ann@example.com") { id } }`:                            `{"contact":null}`,
			`{ contacts { nodes { emailAddress } } }`:                                        `{"contacts":{"nodes":[{"emailAddress":"eve@example.com"}]}}`,
			`{ suppressions { totalCount } }`:                                                `{"suppressions":{"totalCount":0}}`,
			fmt.Sprintf(`{ campaign(id: "%d") { statistics { clicks { unique } } } }`, c.ID): `{"campaign":{"statistics":{"clicks":{"unique":1}}}}`,
		} {
			if got := w.shown(t, a, document); got != want {
				t.Errorf("%s: %s, want %s", document, got, want)
			}
		}
		w.enter(t, a, list, "ANN@example.com")
		const suppressed = `{ contact(emailAddress: "ann@example.com") { suppression { reason } } suppressions { nodes { emailAddress } } }`
		want = `{"contact":{"suppression":{"reason":"MANUAL"}},"suppressions":{"nodes":[{"emailAddress":"ANN@example.com"}]}}`
		if got := w.shown(t, a, suppressed); got != want {
			t.Errorf("entered again: %s, want %s", got, want)
		}
		again := w.idOf(t, a, "ann@example.com")
		if again == id {
			t.Error("the person came back as the same contact")
		}
		forget(a, object{"ids": []any{again}, "forgetSuppression": true})
		w.enter(t, a, list, "ann@example.com")
		if got, want := w.shown(t, a, suppressed), `{"contact":{"suppression":null},"suppressions":{"nodes":[]}}`; got != want {
			t.Errorf("with forgetSuppression: %s, want %s", got, want)
		}
		ids := slices.Repeat([]any{"1"}, 251)
		if got := forget(a, object{"ids": ids}); !strings.Contains(got, `"reason":"TOO_MANY_IDS"`) {
			t.Errorf("251 ids: %s", got)
		}
		if got := forget(a, object{"ids": []any{globalID(gid.Tag, 1)}}); !strings.Contains(got, `"code":"INVALID"`) {
			t.Errorf("the id of a tag: %s", got)
		}
	})
}

// idOf returns the global id of a contact.
func (w *world) idOf(t *testing.T, a *apitest.Account, email string) string {
	t.Helper()
	data := w.MustQuery(t, a.Key, `query($email: EmailAddress!) { contact(emailAddress: $email) { id } }`, object{"email": email})
	return apitest.At(t, data, "contact", "id").(string)
}

// TestEventsOfContactsAreTheNewest compares the events of contacts with what was recorded, in pages
// of any size, across campaigns of which one is deleted.
func TestEventsOfContactsAreTheNewest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		list, campaigns := w.listOf(t, a, "list"), w.page(t, a, 3)
		var events []any
		for _, person := range []string{"ann", "bob"} {
			w.enter(t, a, list, person+"@example.com")
			for i := range 40 {
				what := []string{"SENT", "DELIVERED", "OPENED", "CLICKED", "CONVERTED", "SOFT_BOUNCED"}[i%6]
				e := object{
					"id": fmt.Sprint(person, i), "kind": what, "campaignId": number(campaigns[i%3].ID), "reason": fmt.Sprint(i),
					"emailAddress": person + "@example.com", "at": fmt.Sprintf("2026-03-01T12:%02d:00Z", i*7%40),
				}
				switch what {
				case "CLICKED":
					e["url"] = "https://example.org/" + person
				case "CONVERTED":
					e["amount"] = object{"amount": "12.50", "currency": "EUR"}
				}
				events = append(events, e)
			}
		}
		w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
		w.MustQuery(t, a.Key, `mutation($id: ID!) { deleteCampaigns(input: {ids: [$id]}) { deletedIds } }`, object{"id": number(campaigns[2].ID)})
		for _, first := range []int{1, 7, 100} {
			data := w.MustQuery(t, a.Key, `query($first: Int!) { contacts(first: 2) { nodes { emailAddress events(first: $first) { nodes { at kind reason url amount { amount currency } campaign { legacyId } } } } } }`,
				object{"first": first})
			for _, node := range apitest.At(t, data, "contacts", "nodes").([]any) {
				person, _, _ := strings.Cut(node.(object)["emailAddress"].(string), "@")
				want := wanted(events, person, first, number(campaigns[2].ID))
				got := []string{}
				for _, e := range apitest.At(t, node.(object), "events", "nodes").([]any) {
					e := e.(object)
					got = append(got, fmt.Sprint(
						e["at"], e["kind"], e["reason"], e["url"], e["amount"], e["campaign"].(object)["legacyId"],
					))
				}
				if !slices.Equal(got, want) {
					t.Errorf("first %d of %s:\n%s\nwant\n%s", first, person, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		}
		for _, first := range []int{-1, 251} {
			response := w.Query(t, a.Key, fmt.Sprintf(`{ contacts { nodes { events(first: %d) { nodes { at } } } } }`, first), nil)
			if len(response.Errors) == 0 || response.Errors[0].Extensions["reason"] != "PAGE_SIZE" {
				t.Errorf("first %d: %s", first, response.Body)
			}
		}
	})
}

// wanted returns the newest of the events that are not of a deleted campaign, as the test shows them.
func wanted(events []any, person string, first int, deleted string) []string {
	var of []object
	for _, e := range events {
		if e := e.(object); e["emailAddress"] == person+"@example.com" && e["campaignId"] != deleted {
			of = append(of, e)
		}
	}
	slices.SortFunc(of, func(x, y object) int { return strings.Compare(y["at"].(string), x["at"].(string)) })
	out := []string{}
	for _, e := range of[:min(first, len(of))] {
		out = append(out, fmt.Sprint(e["at"], e["kind"], e["reason"], e["url"], e["amount"], e["campaignId"]))
	}
	return out
}

// TestEventsOfContactsCostTheSameForAnyNumber counts the statements for one contact and for many.
func TestEventsOfContactsCostTheSameForAnyNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const document = `{ contacts(first: 50) { nodes { events(first: 3) { totalCount nodes { kind url campaign { name } } } } } }`
		var before []string
		for _, n := range []int{1, 50} {
			a := w.Account(t)
			list, c := w.listOf(t, a, "list"), w.page(t, a, 1)[0]
			var events []any
			for i := range n {
				email := fmt.Sprintf("p%d@example.com", i)
				w.enter(t, a, list, email)
				events = append(events, object{
					"id": email, "kind": "CLICKED", "campaignId": number(c.ID), "emailAddress": email, "at": "2026-03-01T12:00:00Z",
					"url": "https://example.org/" + email,
				})
			}
			w.MustQuery(t, a.Key, recordDocument, object{"in": object{"events": events}})
			ran := statements(t, w, a, document)
			if before != nil && len(ran) != len(before) || len(ran) != 6 {
				t.Errorf("%d statements for %d contacts:\n%s", len(ran), n, strings.Join(ran, "\n"))
			}
			before = ran
		}
	})
}
