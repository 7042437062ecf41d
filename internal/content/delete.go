package content

import (
	"context"
	"slices"

	entemail "campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxDelete is the maximum number of emails that one call deletes.
const MaxDelete = batch

// Delete deletes emails (legacy Email.Delete), all or nothing, and returns the ids that it deleted,
// in ascending order. It ignores ids that the caller does not have. If a campaign that is not a
// draft uses one of the emails, Delete returns Conflict, reason "email_in_use". Drafts that use one
// of them lose it, and each gets a new version and a history entry. More than MaxDelete ids are
// Invalid on the field ids, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxDelete {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxDelete,
		)
	}
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		client := s.db.Client(ctx)
		// The emails are locked first, so that no concurrent request adds them to a campaign.
		query := client.Email.Query().Where(entemail.IDIn(ids...)).Order(entemail.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(entemail.FieldID, entemail.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		var owners []int64
		for _, e := range found {
			deleted = append(deleted, e.ID)
			if !slices.Contains(owners, e.UserID) {
				owners = append(owners, e.UserID)
			}
		}
		if err := s.deleting(ctx, owners, deleted); err != nil {
			return err
		}
		_, err = client.Email.Delete().Where(entemail.IDIn(deleted...)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}
