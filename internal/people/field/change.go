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

// Patch is a partial update of a field; a nil field stays unchanged.
type Patch struct {
	// Name is the new name, as in Input.
	Name *string
	// Choices replaces all choices. An empty list allows all values. Stored values that are no
	// longer among the choices stay.
	Choices *[]string
}

// Update changes a field as the patch says and returns it after the change. It returns the errors
// of Create.
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

// Delete deletes fields with the values that people have in them, all or nothing, and returns the
// ids that it deleted, in ascending order. It silently ignores ids that the caller does not have.
// If the rules of a segment, or the audience of a campaign that can still be sent, name one of the
// fields, Delete returns Conflict on the field ids, reason "custom_field_in_use", and deletes
// nothing. More than 5,000 ids are Invalid on ids, reason "too_many_ids". After Delete returns, no
// value is visible and none can be written. Package purge deletes the values later, so that the
// cost of Delete does not depend on the number of people.
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
		// The fields are locked first, so that no concurrent request adds them to rules.
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
// The values are deleted together with the people.
func DeleteOf(ctx context.Context, db *store.Store, listIDs []int64) error {
	_, err := db.Client(ctx).CustomField.Delete().Where(customfield.ListIDIn(listIDs...)).Exec(ctx)
	return err
}
