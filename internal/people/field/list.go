package field

import (
	"context"
	"slices"

	"campaignql/ent"
	"campaignql/ent/customfield"
	"campaignql/ent/predicate"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Get returns one field.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.CustomField, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return s.get(ctx, id, columns)
}

func (s *Service) get(ctx context.Context, id int64, columns []string) (*ent.CustomField, error) {
	query := s.db.Client(ctx).CustomField.Query().Where(customfield.ID(id))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, notFound()
	}
	return found, store.Translate(err)
}

// Filter selects fields. The zero value selects all fields of the account.
type Filter struct {
	// ListID, if not 0, keeps the fields that the people of the list can have: fields of the list
	// and fields of every list.
	ListID int64
}

func (f Filter) predicates() []predicate.CustomField {
	if f.ListID != 0 {
		return []predicate.CustomField{customfield.Or(customfield.ListID(f.ListID), customfield.ListIDIsNil())}
	}
	return nil
}

var byName = page.Order[*ent.CustomField]{
	Name: "NAME", Column: customfield.FieldNameKey, Type: page.Text,
	Key: func(f *ent.CustomField) page.Key { return page.Key{Value: f.NameKey, ID: f.ID} },
}

// List returns one page of the fields that match the filter, sorted by name. The caller must check
// the owner of the list in the filter. Invalid page requests return the errors of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.CustomField], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.CustomField]{}, err
	}
	return page.Read(ctx, byName, request, s.db.Client(ctx).CustomField.Query().Where(filter.predicates()...), columns)
}

// Count returns the number of fields that match the filter.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).CustomField.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// ByIDs returns the fields with the given ids, in one statement per 5,000 ids. An id that the
// caller does not have is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.CustomField, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.CustomField) int64 { return row.ID },
		func(some ...int64) *ent.CustomFieldQuery {
			return s.db.Client(ctx).CustomField.Query().Where(customfield.IDIn(some...))
		},
	)
}

// ByLists returns for each list the fields that its people can have, sorted by name, in one
// statement per 5,000 lists. The lists need id and user_id.
func (s *Service) ByLists(
	ctx context.Context, lists []*ent.SubscriberList, columns ...string,
) (map[int64][]*ent.CustomField, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	fields := make(map[int64][]*ent.CustomField, len(lists))
	for some := range slices.Chunk(lists, batch) {
		ids, owners := make([]int64, len(some)), map[int64]bool{}
		for i, l := range some {
			ids[i], owners[l.UserID] = l.ID, true
		}
		of := make([]int64, 0, len(owners))
		for owner := range owners {
			of = append(of, owner)
		}
		query := s.db.Client(ctx).CustomField.Query().
			Where(customfield.UserIDIn(of...), customfield.Or(customfield.ListIDIn(ids...), customfield.ListIDIsNil())).
			Order(customfield.ByNameKey(), customfield.ByID())
		if len(columns) > 0 {
			query.Select(
				append([]string{customfield.FieldID, customfield.FieldUserID, customfield.FieldListID}, columns...)...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, l := range some {
			for _, f := range rows {
				if f.UserID == l.UserID && (f.ListID == nil || *f.ListID == l.ID) {
					fields[l.ID] = append(fields[l.ID], f)
				}
			}
		}
	}
	return fields, nil
}
