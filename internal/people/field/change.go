package field

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/ent/customfield"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// Patch names what a call changes of a field: nil leaves it alone.
type Patch struct {
	// Name is the new name, as in Input.
	Name *string
	// Choices are the new choices, whole; empty ones allow all values. Values that are no longer among them stay.
	Choices *[]string
}

// Update changes what the patch names, with the errors of Create, and returns the field as it is then.
func (s *Service) Update(ctx context.Context, id int64, p Patch, columns ...string) (*ent.CustomField, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var updated *ent.CustomField
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		query := s.db.Client(ctx).CustomField.Query().Where(customfield.ID(id))
		query.Modify(store.Lock)
		present, err := query.Only(ctx)
		if ent.IsNotFound(err) {
			return notFound()
		}
		if err != nil {
			return err
		}
		if err := s.apply(ctx, present, p); err != nil {
			return err
		}
		updated, err = s.get(ctx, id, columns)
		return err
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

func (s *Service) apply(ctx context.Context, present *ent.CustomField, p Patch) error {
	var faults apperr.Faults
	update := s.db.Client(ctx).CustomField.Update().Where(customfield.ID(present.ID))
	name := present.Name
	if p.Name != nil {
		name = readName(&faults, *p.Name)
		update.SetName(name).SetNameKey(kind.Fold(name, maxNameKey))
	}
	if p.Choices != nil {
		update.SetChoices(readChoices(&faults, present.Type, *p.Choices))
	}
	if err := faults.Err(); err != nil {
		return err
	}
	if len(update.Mutation().Fields()) == 0 {
		return nil
	}
	var listID int64
	if present.ListID != nil {
		listID = *present.ListID
	}
	if name != present.Name {
		if err := s.fits(ctx, present.UserID, listID, present.ID, name); err != nil {
			return err
		}
	}
	_, err := update.Save(ctx)
	return taken(err)
}

// Delete removes fields with the values that people have in them, all or nothing, and returns the
// ids that it removed, ascending; ids that are not the caller's are left alone, silently. A field
// that the rules of a segment name, or of the audience of a campaign that can still be sent, is a
// Conflict on the field ids, reason "custom_field_in_use"; then nothing is deleted. Over 5,000 ids
// are Invalid on it, reason "too_many_ids". Once it has returned no value is to be seen and none is
// written; what people had in them is deleted by package purge, so that it costs the same for any
// number of people.
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
		client := s.db.Client(ctx)
		// Locked first, so that no rules take one of them up meanwhile.
		query := client.CustomField.Query().Where(customfield.IDIn(ids...)).Order(customfield.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(customfield.FieldID, customfield.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		var owners []int64
		for _, f := range found {
			deleted = append(deleted, f.ID)
			if !slices.Contains(owners, f.UserID) {
				owners = append(owners, f.UserID)
			}
		}
		switch id, by, err := s.named(ctx, owners, deleted); {
		case err != nil:
			return err
		case id != 0:
			return &apperr.Error{
				Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonCustomFieldInUse,
				Message: fmt.Sprintf("custom field %d is in the rules of %s", id, by),
			}
		}
		if _, err := client.CustomField.Delete().Where(customfield.IDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		left := make([]purge.Left, len(found))
		for i, f := range found {
			left[i] = purge.Left{OwnerID: f.UserID, ID: f.ID}
		}
		return s.purges.Note(ctx, kind.DeletedField, left)
	})
	if err != nil {
		return nil, err
	}
	if len(deleted) > 0 {
		s.purges.Committed()
	}
	return deleted, nil
}

// DeleteOf deletes the custom fields of lists that are being deleted, in the running transaction.
// The values go with the people.
func DeleteOf(ctx context.Context, db *store.Store, listIDs []int64) error {
	_, err := db.Client(ctx).CustomField.Delete().Where(customfield.ListIDIn(listIDs...)).Exec(ctx)
	return err
}
