package forget_test

import (
	"strings"
	"testing"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
)

// TestReportsOfMigrationsForgetTheAddress forgets people after a subscription that the report of a
// migration names was deleted, or moved to another person.
func TestReportsOfMigrationsForgetTheAddress(t *testing.T) {
	const ann = "ann@example.com"
	for name, leave := range map[string]func(w *world, subscription int64) error{
		"deleted": func(w *world, subscription int64) error {
			_, err := w.Subscribers.Delete(w.ctx, []int64{subscription})
			return err
		},
		"deleted with its list": func(w *world, subscription int64) error {
			_, err := w.Lists.Delete(w.ctx, w.lists[2:])
			w.purge()
			return err
		},
		"of another person": func(w *world, subscription int64) error {
			moved := "bob@example.com"
			_, err := w.Subscribers.Update(w.ctx, subscription, subscriber.Patch{Email: &moved})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachFresh(t, func(t *testing.T, w *world) {
				id := w.enter(w.lists[2], ann)[0]
				w.enter(w.lists[1], ann)
				of := w.client.Subscriber.Query().
					Where(entsubscriber.ContactID(id), entsubscriber.ListID(w.lists[2])).OnlyIDX(w.ctx)
				w.client.MergedSubscriber.Create().SetID(987654).SetSubscriberID(of).ExecX(w.ctx)
				for target, what := range map[int64]kind.Finding{987654: kind.FindingMerged, of: kind.FindingInvalid} {
					w.client.MigrationFinding.Create().SetVersion(store.ContactsVersion).SetKind(what).
						SetTargetID(target).SetText("subscriber (ann@example.com)").ExecX(w.ctx)
				}
				w.client.MigrationFinding.Create().SetVersion(store.ContactsVersion).SetKind(kind.FindingRecount).
					SetTargetID(of).SetText("of a campaign").ExecX(w.ctx)
				if err := leave(w, of); err != nil {
					t.Fatal(err)
				}
				w.forget(forget.Options{}, id)
				for _, place := range w.found(ann) {
					if strings.HasPrefix(place, "migration_findings.") {
						t.Error(place)
					}
				}
				if n := w.client.MigrationFinding.Query().CountX(w.ctx); n != 1 {
					t.Errorf("%d findings are left, want that of a campaign", n)
				}
			})
		})
	}
}
