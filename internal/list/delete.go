package list

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/customfield"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/segment"
	entsubscriber "campaignql/ent/subscriber"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Delete removes lists with everything on them, in one transaction: their subscribers with their values and tags, their segments and their custom
// fields. What campaigns counted of those people stays, and so do suppressions, which belong to the account. It returns the ids that it removed,
// ascending; ids that are not the caller's are left alone, silently.
//
// A list that the audience of a campaign names which can still be sent (in any status but Sent), be it to leave its people out, is a Conflict on the
// field ids, reason "list_in_use"; then nothing is deleted. Over 5,000 ids are Invalid on it, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > batch {
		return nil, apperr.InvalidField("ids", "too_many_ids", "%d ids, at most %d are allowed", len(ids), batch)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		client := s.db.Client(ctx)
		// Locked first, so that no audience takes one of them up and nobody is put onto one meanwhile.
		query := client.SubscriberList.Query().Where(entlist.IDIn(ids...)).Order(entlist.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(entlist.FieldID, entlist.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		var owners []int64
		for _, l := range found {
			deleted = append(deleted, l.ID)
			if !slices.Contains(owners, l.UserID) {
				owners = append(owners, l.UserID)
			}
		}
		switch id, by, err := s.named(ctx, owners, deleted); {
		case err != nil:
			return err
		case id != 0:
			return &apperr.Error{Code: apperr.Conflict, Field: "ids", Reason: "list_in_use", Message: fmt.Sprintf("list %d is in the audience of %s", id, by)}
		}
		return empty(ctx, client, deleted)
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}

// empty deletes the lists and what belongs to them, each kind in one statement.
func empty(ctx context.Context, client *ent.Client, ids []int64) error {
	if _, err := client.FieldValue.Delete().Where(ofPeople(fieldvalue.FieldSubscriberID, ids)).Exec(ctx); err != nil {
		return err
	}
	if _, err := client.SubscriberTagging.Delete().Where(ofPeople(subscribertagging.FieldSubscriberID, ids)).Exec(ctx); err != nil {
		return err
	}
	if _, err := client.Subscriber.Delete().Where(entsubscriber.ListIDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if _, err := client.Segment.Delete().Where(segment.ListIDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if _, err := client.CustomField.Delete().Where(customfield.ListIDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	_, err := client.SubscriberList.Delete().Where(entlist.IDIn(ids...)).Exec(ctx)
	return err
}

// ofPeople chooses rows whose column holds the id of a subscriber on one of the lists.
func ofPeople(column string, listIDs []int64) func(*sql.Selector) {
	return func(s *sql.Selector) {
		people := sql.Table(entsubscriber.Table)
		ids := make([]any, len(listIDs))
		for i, id := range listIDs {
			ids[i] = id
		}
		s.Where(sql.In(s.C(column), sql.Dialect(s.Dialect()).Select(people.C(entsubscriber.FieldID)).From(people).Where(sql.In(people.C(entsubscriber.FieldListID), ids...))))
	}
}
