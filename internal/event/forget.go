package event

import (
	"context"
	"slices"

	"campaignql/ent/migrationfinding"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Forget removes from events, in the running transaction, what tells of the person: the IP address,
// the user agent, the reason and the subscription. What is counted stays: the kind, the instant, the
// link, the mail domain, and the number of the contact. It returns how many of the events there are.
func Forget(ctx context.Context, db *store.Store, ids []string) (int, error) {
	raw := db.Raw(ctx)
	t := raw.Text()
	t.WriteString("UPDATE events SET ip='',user_agent='',reason='',subscriber_id=NULL WHERE id IN (")
	t.List(store.Args(ids))
	t.WriteString(")")
	result, err := raw.Exec(ctx, t)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// ForgetFindings deletes, in the running transaction, the lines of the reports of migrations about
// subscriptions, also under the numbers of those that were merged: they contain addresses. It runs
// one statement per 5,000 subscriptions.
func ForgetFindings(ctx context.Context, db *store.Store, subscriberIDs []int64) error {
	for some := range slices.Chunk(subscriberIDs, 10*rowsAtOnce) {
		_, err := db.Client(ctx).MigrationFinding.Delete().
			Where(
				migrationfinding.Version(store.ContactsVersion), migrationfinding.TargetIDIn(some...),
				migrationfinding.KindIn(kind.FindingMerged, kind.FindingInvalid),
			).
			Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}
