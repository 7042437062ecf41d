package command_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func emailIs(address string) predicate.Subscriber { return entsubscriber.Email(address) }

func (f *fixture) suppress(t *testing.T, p person, address string) {
	t.Helper()
	if err := f.db.Client(p.ctx).
		Suppression.Create().
		SetEmail(address).
		SetEmailKey(address).
		SetCreatedAt(f.now()).
		Exec(p.ctx); err != nil {
		t.Fatal(err)
	}
}

// people adds n people to a list, with repeated and missing values, and returns their addresses in
// order.
func (f *fixture) people(t *testing.T, p person, list int64, n int) []string {
	t.Helper()
	client := f.db.Client(p.ctx)
	rows, addresses := make([]*ent.SubscriberCreate, n), make([]string, n)
	for i := range rows {
		addresses[i] = fmt.Sprintf("%04d@example.com", i*7919%n)
		rows[i] = client.Subscriber.Create().SetListID(list).
			SetContactID(testkit.Contact(t, p.ctx, client, addresses[i])).SetEmail(addresses[i]).SetEmailKey(addresses[i]).
			SetStatus([]kind.SubscriberStatus{kind.SubscriberSubscribed, kind.SubscriberPending, kind.SubscriberUnsubscribed}[i%3]).
			SetBounce([]kind.BounceType{kind.BounceNone, kind.BounceSoft}[i%2]).
			SetSubscriptionIP(fmt.Sprintf("192.0.2.%d", i%5)).SetCreatedAt(f.now())
		if i%4 > 0 {
			at := f.now().Add(time.Duration(i%6) * time.Minute)
			rows[i].SetSubscribedAt(at).SetOptedInAt(at).SetUnsubscribedAt(at)
		}
	}
	if err := client.Subscriber.CreateBulk(rows...).Exec(p.ctx); err != nil {
		t.Fatal(err)
	}
	slices.Sort(addresses)
	return addresses
}

// addresses lists people with Subscribers.Get.
func (f *fixture) addresses(t *testing.T, p person, list int64, parameters string) []string {
	t.Helper()
	body := f.post(
		"Command=Subscribers.Get&APIKey=" + p.key + "&SubscriberListID=" + itoa(list) + "&" + parameters,
	).body
	var answer struct {
		Subscribers []struct{ EmailAddress string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	var found []string
	for _, person := range answer.Subscribers {
		found = append(found, person.EmailAddress)
	}
	return found
}

// TestRowsCostNoStatementsOfTheirOwn compares the number of statements for one row with that for a
// full batch.
func TestRowsCostNoStatementsOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		list := f.list(t, me, "a")
		f.field(t, me, list, kind.FieldText)
		run := func(form string) []store.Statement {
			recorder := &store.Recorder{}
			r := formRequest(form + "&APIKey=" + me.key)
			got := f.do(r.WithContext(store.WithRecorder(r.Context(), recorder)))
			if got.status != http.StatusOK || !strings.HasPrefix(got.body, `{"Success":true`) {
				t.Fatal(got.body)
			}
			return recorder.Statements()
		}
		cost := func(form string) int { return len(run(form)) }
		people := "Command=Subscribers.Get&SubscriberListID=" + itoa(list)
		segment := people + "&SubscriberSegment=" + itoa(f.segment(t, me, list))
		f.email(t, me)
		f.people(t, me, list, 1)
		before := []int{cost(people), cost(segment), cost("Command=Lists.Get"), cost("Command=Emails.Get")}
		for range 3 {
			f.email(t, me)
		}
		for range 9 {
			f.list(t, me, "another")
		}
		f.db.Client(me.ctx).Subscriber.Delete().ExecX(me.ctx)
		f.people(t, me, list, 250)
		after := []int{cost(people), cost(segment), cost("Command=Lists.Get"), cost("Command=Emails.Get")}
		if !slices.Equal(before, after) || slices.Contains(after, 0) {
			t.Errorf("one row costs %v statements, many cost %v", before, after)
		}
		reads := 0
		for _, s := range run(segment) {
			if strings.Contains(s.Query, "FROM `segments`") {
				reads++
			}
		}
		if reads != 1 {
			t.Errorf("the segment is read %d times", reads)
		}
		t.Logf(
			"Subscribers.Get, the same of a segment, Lists.Get and Emails.Get cost %v statements, the lookup of the key with them",
			after,
		)
	})
}
