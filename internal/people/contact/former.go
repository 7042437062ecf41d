package contact

import (
	"context"

	"entgo.io/ent/dialect/sql"

	entcontact "campaignql/ent/contact"
	"campaignql/ent/formercontact"
	"campaignql/internal/store"
)

// Moved notes, in the running transaction, that a locked subscription has moved away from a locked
// contact. A contact that nothing else remembers is deleted. One that has events is remembered as a
// former contact of the subscription: later events of that mail belong to it.
func (s *Service) Moved(ctx context.Context, subscriberID, from int64) error {
	if err := s.Drop(ctx, []int64{from}); err != nil {
		return err
	}
	client := s.db.Client(ctx)
	of, err := client.Contact.Query().Where(entcontact.ID(from), ofEvents).Select(entcontact.FieldUserID).All(ctx)
	if err != nil || len(of) == 0 {
		return err
	}
	// The newest row is of the newest move.
	_, err = client.FormerContact.Delete().
		Where(formercontact.SubscriberID(subscriberID), formercontact.ContactID(from)).
		Exec(ctx)
	if err != nil {
		return err
	}
	return client.FormerContact.Create().
		SetUserID(of[0].UserID).SetSubscriberID(subscriberID).SetContactID(from).
		SetMovedAt(store.Truncate(s.now())).
		Exec(ctx)
}

// Former returns the former contacts of a subscription.
func (s *Service) Former(ctx context.Context, subscriberID int64) (contacts []int64, err error) {
	err = s.db.Client(ctx).FormerContact.Query().
		Where(formercontact.SubscriberID(subscriberID)).
		Select(formercontact.FieldContactID).
		Scan(ctx, &contacts)
	return contacts, err
}

// DeleteFormer deletes, in the running transaction, what is remembered of the former contacts of
// subscriptions. It returns the number of rows.
func DeleteFormer(ctx context.Context, db *store.Store, subscriberIDs []int64) (int, error) {
	return db.Client(ctx).FormerContact.Delete().Where(formercontact.SubscriberIDIn(subscriberIDs...)).Exec(ctx)
}

// dropFormer deletes what is remembered of former contacts that do not exist any more.
func (s *Service) dropFormer(ctx context.Context, ids []int64) error {
	_, err := s.db.Client(ctx).FormerContact.Delete().
		Where(formercontact.ContactIDIn(ids...), func(of *sql.Selector) {
			contacts := sql.Table(entcontact.Table)
			of.Where(sql.NotExists(sql.Select(contacts.C(entcontact.FieldID)).From(contacts).
				Where(sql.ColumnsEQ(contacts.C(entcontact.FieldID), of.C(formercontact.FieldContactID)))))
		}).
		Exec(ctx)
	return err
}
