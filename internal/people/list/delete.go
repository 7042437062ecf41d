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

// Delete deletes lists with everything on them, all or nothing: their subscribers with values and
// tags, their segments and their custom fields. Statistics of campaigns about those people stay,
// and so do suppressions, which belong to the account. Delete returns the ids that it deleted, in
// ascending order, and silently ignores ids that the caller does not have. After it returns,
// nothing of the lists is visible and nobody can be added to them. Package purge deletes the
// subscribers later, because there may be many millions. The cost of Delete therefore does not
// depend on the size of a list.
//
// If the audience of a campaign that can still be sent (any status but Sent) includes or excludes
// one of the lists, Delete returns Conflict on the field ids, reason "list_in_use", and deletes
// nothing. More than 5,000 ids are Invalid on ids, reason "too_many_ids".
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
		// The lists are locked first, so that no concurrent request adds them to an audience or
		// adds people to them.
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

// remove deletes the lists, their segments and their custom fields, each kind in one statement, and
// registers the rest for the purge.
func (s *Service) remove(ctx context.Context, found []*ent.SubscriberList, ids []int64) error {
	if err := s.deleting(ctx, ids); err != nil {
		return err
	}
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
