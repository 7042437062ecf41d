package list

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/field"
	"campaignql/internal/people/segment"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// Delete removes lists with everything on them, all or nothing: their subscribers with their values
// and tags, their segments and their custom fields. What campaigns counted of those people stays,
// and so do suppressions, which belong to the account. It returns the ids that it removed,
// ascending; ids that are not the caller's are left alone, silently. Once it has returned nothing
// of them is to be seen and nobody is put onto them; the subscribers, of whom there may be many
// millions, are deleted by package purge, so that it costs the same for a list of any size.
//
// A list that the audience of a campaign names which can still be sent (in any status but Sent), be
// it to leave its people out, is a Conflict on the field ids, reason "list_in_use"; then nothing is
// deleted. Over 5,000 ids are Invalid on it, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > batch {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), batch,
		)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		// Locked first, so that no audience takes one of them up and nobody is put onto one meanwhile.
		query := s.db.Client(ctx).SubscriberList.Query().Where(entlist.IDIn(ids...)).Order(entlist.ByID())
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
			return &apperr.Error{
				Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonListInUse,
				Message: fmt.Sprintf("list %d is in the audience of %s", id, by),
			}
		}
		return s.remove(ctx, found, deleted)
	})
	if err != nil {
		return nil, err
	}
	if len(deleted) > 0 {
		s.purges.Committed()
	}
	return deleted, nil
}

// remove deletes the lists, their segments and their custom fields, each kind in one statement, and notes the rest.
func (s *Service) remove(ctx context.Context, found []*ent.SubscriberList, ids []int64) error {
	client := s.db.Client(ctx)
	if _, err := client.SubscriberList.Delete().Where(entlist.IDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if err := segment.DeleteOf(ctx, s.db, ids); err != nil {
		return err
	}
	if err := field.DeleteOf(ctx, s.db, ids); err != nil {
		return err
	}
	left := make([]purge.Left, len(found))
	for i, l := range found {
		left[i] = purge.Left{OwnerID: l.UserID, ID: l.ID}
	}
	return s.purges.Note(ctx, kind.DeletedList, left)
}
