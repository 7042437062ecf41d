package forget_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	entcontact "campaignql/ent/contact"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/subscriber"
)

// TestAContactGoesWithTheLastThatRemembersIt removes, in each way, the last that remembers a contact.
func TestAContactGoesWithTheLastThatRemembersIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const stays = "stays@example.com"
		emails := []string{
			stays, "suppressed@example.com", "bounced@example.com", "event@example.com", "number@example.com",
			"invalid@example.com",
		}
		ids := w.enter(w.lists[0], emails...)
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(w.Suppressions.Suppress(w.ctx, emails[:2], kind.SuppressedManually))
		must(w.Contacts.Update(w.ctx, ids[2], kind.BounceHard))
		w.record(
			w.happened("0", kind.EventSent, emails[0]), w.happened("3", kind.EventSent, emails[3]),
			w.happened("4", kind.EventHardBounced, emails[4]),
		)
		w.forget(forget.Options{}, ids[4])
		w.client.Contact.UpdateOneID(ids[5]).SetDeliverability(kind.BounceInvalid).ExecX(w.ctx)
		moved := stays
		subscriptions := w.client.Subscriber.Query().Where(entsubscriber.ContactIDNEQ(ids[5])).IDsX(w.ctx)
		must(w.Subscribers.Delete(w.ctx, subscriptions))
		of := w.client.Subscriber.Query().Where(entsubscriber.ContactID(ids[5])).OnlyIDX(w.ctx)
		must(w.Subscribers.Update(w.ctx, of, subscriber.Patch{Email: &moved}))
		check := func(step string, want ...int64) {
			t.Helper()
			want = slices.Sorted(slices.Values(want))
			if left := w.client.Contact.Query().Order(entcontact.ByID()).IDsX(w.ctx); !cmp.Equal(left, want) {
				t.Errorf("%s: contacts %v, want %v", step, left, want)
			}
		}
		check("the invalid address was corrected", ids[:5]...)
		must(w.Suppressions.Unsuppress(w.ctx, emails[:2]))
		check("not suppressed any more", ids[0], ids[2], ids[3], ids[4])
		if c, err := w.Contacts.Update(w.ctx, ids[2], kind.BounceNone); err != nil || c.Deliverability != kind.BounceNone {
			t.Error(c, err)
		}
		check("deliverable again", ids[0], ids[3], ids[4])
		must(w.Campaigns.Delete(w.ctx, []int64{w.campaign}))
		w.purge()
		check("the campaign is purged", ids[0])
	})
}
