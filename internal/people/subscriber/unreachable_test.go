package subscriber_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/subscriber"
)

// bounce says of the contact of an address that its mail came back.
func (f *fixture) bounce(address string, to kind.BounceType) {
	f.t.Helper()
	p := f.subscribe(address, nil)
	client := f.db.Client(f.ctx)
	client.Contact.UpdateOneID(p.ContactID).SetDeliverability(to).SetSoftBounces(3).ExecX(f.ctx)
	client.Subscriber.UpdateOneID(p.ID).SetBounce(to).ExecX(f.ctx)
}

// TestASignUpDoesNotUndoABounce adds people whose mail came back to another list: nobody is reached
// by that, and the answer says why.
func TestASignUpDoesNotUndoABounce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for address, to := range map[string]kind.BounceType{
			"hard@example.com": kind.BounceHard, "invalid@example.com": kind.BounceInvalid, "soft@example.com": kind.BounceSoft,
			"both@example.com": kind.BounceHard,
		} {
			f.bounce(address, to)
		}
		f.suppress("both@example.com")
		f.suppress("suppressed@example.com")
		f.list = f.newList(false)
		names := []string{"hard", "invalid", "soft", "both", "suppressed", "plain"}
		rows := make([]subscriber.Row, len(names))
		for i, name := range names {
			rows[i] = subscriber.Row{Email: name + "@example.com", OptedInAt: &start}
		}
		results, err := f.Add(f.ctx, subscriber.Addition{ListID: f.list, Rows: rows}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, result := range results {
			ids = append(ids, result.ContactID)
		}
		why, err := f.Unreachable(f.ctx, ids)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for i, id := range ids {
			got[names[i]] = fmt.Sprint(why[id])
		}
		want := map[string]string{
			"hard": "[hard_bounced]", "invalid": "[invalid]", "soft": "[]", "both": "[hard_bounced suppressed]",
			"suppressed": "[suppressed]", "plain": "[]",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// Those who are not unreachable are the active ones.
		active, err := f.Count(f.ctx, subscriber.Filter{ListID: f.list, Segment: subscriber.Active})
		if err != nil || active != len(names)-len(why) {
			t.Errorf("%d are active, %v", active, err)
		}
		other := newFixture(t, f.db)
		if why, err := other.Unreachable(other.ctx, ids); err != nil || len(why) != 0 {
			t.Errorf("another account sees %v, %v", why, err)
		}
	})
}

// TestAConfirmationMakesDeliverable has people whose mail came back and who are pending on a list with
// double opt-in. They are deliverable on every list once they confirm, in either way.
func TestAConfirmationMakesDeliverable(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		double := f.newList(true)
		subscribed := kind.SubscriberSubscribed
		*f.now = start.Add(time.Hour)
		for name, confirm := range map[string]func(id int64, email string) error{
			"updated": func(id int64, _ string) error {
				return second(f.Update(f.ctx, id, subscriber.Patch{Status: &subscribed}))
			},
			"added": func(_ int64, email string) error {
				return second(f.Add(f.ctx, subscriber.Addition{
					ListID: double, Resubscribe: true, Rows: []subscriber.Row{{Email: email, OptedInAt: f.now}},
				}, nil))
			},
		} {
			for _, tt := range []struct{ from, to kind.BounceType }{
				{kind.BounceHard, kind.BounceNone}, {kind.BounceSoft, kind.BounceNone}, {kind.BounceInvalid, kind.BounceInvalid},
			} {
				email := fmt.Sprintf("%s-%s@example.com", name, tt.from)
				first := f.list
				f.bounce(email, tt.from)
				f.list = double
				pending := f.subscribe(email, nil)
				if again, err := f.Add(f.ctx, subscriber.Addition{
					ListID: double, Resubscribe: true, Rows: []subscriber.Row{{Email: email}},
				}, nil); err != nil || again[0].Outcome != subscriber.Resubscribed {
					t.Fatal(again, err)
				}
				if c := contactOf(f, pending); pending.Status != kind.SubscriberPending || c.Deliverability != tt.from {
					t.Errorf("%s: before it is confirmed: %s, %s", email, pending.Status, c.Deliverability)
				}
				if err := confirm(pending.ID, email); err != nil {
					t.Fatal(err)
				}
				c := contactOf(f, pending)
				reset := tt.to == kind.BounceNone
				if c.Deliverability != tt.to || reset != (c.SoftBounces == 0) ||
					reset != (c.DeliverableSince != nil && c.DeliverableSince.Equal(*f.now)) {
					t.Errorf("%s: confirmed: %v", email, c)
				}
				of, err := f.OfContacts(f.ctx, []int64{c.ID}, page.Request{})
				if err != nil || len(of[c.ID].Items) != 2 {
					t.Fatal(of, err)
				}
				for _, p := range of[c.ID].Items {
					if p.Bounce != tt.to || p.Status != subscribed {
						t.Errorf("%s on list %d: %s, %s", email, p.ListID, p.Status, p.Bounce)
					}
				}
				f.list = first
			}
		}
	})
}

// TestAnOldConfirmationDoesNotUndoABounce confirms a pending person with dates before and after the
// bounces. A bounce from before the contact became deliverable does not count.
func TestAnOldConfirmationDoesNotUndoABounce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.list = f.newList(true)
		campaign, day := f.campaign(), 24*time.Hour
		*f.now = start.Add(30 * day)
		for i, tt := range []struct {
			opted       time.Time
			deliverable *time.Time
			want        kind.BounceType
		}{
			{opted: start.AddDate(-2, 0, 0), want: kind.BounceHard},
			{opted: start, want: kind.BounceHard},
			{opted: start.Add(time.Second), want: kind.BounceNone},
			{opted: start.Add(day), want: kind.BounceNone},
			{opted: start.AddDate(-2, 0, 0), deliverable: new(start.Add(day)), want: kind.BounceNone},
		} {
			email := fmt.Sprint("p", i, "@example.com")
			f.bounce(email, kind.BounceHard)
			p := f.subscribe(email, nil)
			client := f.db.Client(f.ctx)
			client.Event.Create().SetID(fmt.Sprint(campaign, "-bounce-", i)).SetUserID(p.UserID).SetCampaignID(campaign).
				SetContactID(p.ContactID).SetKind(kind.EventHardBounced).SetAt(start).ExecX(f.ctx)
			client.Contact.UpdateOneID(p.ContactID).SetNillableDeliverableSince(tt.deliverable).ExecX(f.ctx)
			_, err := f.Add(f.ctx, subscriber.Addition{
				ListID: f.list, Resubscribe: true, Rows: []subscriber.Row{{Email: email, OptedInAt: &tt.opted}},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c := contactOf(f, p); c.Deliverability != tt.want {
				t.Errorf("confirmed at %s, deliverable since %v: %s", tt.opted, tt.deliverable, c.Deliverability)
			}
			now := client.Subscriber.GetX(f.ctx, p.ID)
			if now.Status != kind.SubscriberSubscribed || now.Bounce != tt.want {
				t.Errorf("confirmed at %s: the subscription is %s, %s", tt.opted, now.Status, now.Bounce)
			}
		}
	})
}
