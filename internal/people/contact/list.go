package contact

import (
	"context"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/predicate"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Filter selects contacts. The zero value selects all. A contact whose address is not known any
// more is selected by no filter.
type Filter struct {
	// Search is a part of the address, ignoring case. "%" and "_" have no special meaning.
	Search string
	// Deliverability, if not nil, are the states to keep. An empty list keeps none.
	Deliverability []kind.BounceType
	// Suppressed keeps contacts whose address is, or is not, suppressed.
	Suppressed *bool
}

func (f Filter) predicates() []predicate.Contact {
	chosen := []predicate.Contact{entcontact.EmailKeyNotNil()}
	if part := address.Trim(kind.Clean(f.Search)); part != "" {
		chosen = append(chosen, inAddress(part))
	}
	if f.Deliverability != nil {
		chosen = append(chosen, entcontact.DeliverabilityIn(f.Deliverability...))
	}
	if f.Suppressed != nil && *f.Suppressed {
		chosen = append(chosen, Suppressed)
	} else if f.Suppressed != nil {
		chosen = append(chosen, unlessSuppressed)
	}
	return chosen
}

// inAddress selects addresses that contain a text. A text that is not ASCII is also looked for in
// the address as it was given, because in the key the domain is in ASCII.
func inAddress(part string) predicate.Contact {
	var chosen []predicate.Contact
	for _, folded := range address.Parts(part) {
		chosen = append(chosen, entcontact.EmailKeyContains(folded))
	}
	if !address.IsASCII(part) {
		chosen = append(chosen, entcontact.EmailContains(part), entcontact.EmailContains(address.Fold(part)))
	}
	return entcontact.Or(chosen...)
}

// heavy reports whether a page may have to read all contacts of the account.
func (f Filter) heavy() bool { return f.Search != "" || f.Deliverability != nil || f.Suppressed != nil }

var byAddress = page.Order[*ent.Contact]{
	Name: "EMAIL_ADDRESS", Column: entcontact.FieldEmailKey, Type: page.Text,
	Key: func(c *ent.Contact) page.Key { return page.Key{Value: *c.EmailKey, ID: c.ID} },
}

// List returns one page of the contacts that match the filter, sorted by address, in one statement.
// Invalid page requests return the errors of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.Contact], error) {
	return store.HeavyIf(ctx, s.db, filter.heavy(), func(ctx context.Context) (page.Result[*ent.Contact], error) {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return page.Result[*ent.Contact]{}, err
		}
		return page.Read(
			ctx, byAddress, request, s.db.Client(ctx).Contact.Query().Where(filter.predicates()...), columns,
		)
	})
}

// Count returns the number of contacts that match the filter.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return 0, err
		}
		n, err := s.db.Client(ctx).Contact.Query().Where(filter.predicates()...).Count(ctx)
		return n, store.Translate(err)
	})
}

// ByAddress returns the contact with an address, in any spelling of it. Of an admin who sees all
// accounts it is the one of the admin's own account.
func (s *Service) ByAddress(ctx context.Context, email string, columns ...string) (*ent.Contact, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	query := s.db.Client(ctx).Contact.Query().
		Where(entcontact.UserID(id.UserID), entcontact.EmailKey(address.Key(email)))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("contact")
	}
	return found, store.Translate(err)
}

// Update sets the deliverability of a contact because its owner says so, and returns the contact
// after the change. kind.BounceNone makes it reachable again after bounces. The deliverability
// kind.BounceInvalid is not for callers: it is Invalid on the field deliverability, reason
// "deliverability_invalid". A contact whose address is invalid cannot be made reachable: Conflict
// with the same reason. A contact that nothing remembers then is deleted. The caller needs the scope
// write.
func (s *Service) Update(ctx context.Context, id int64, to kind.BounceType) (*ent.Contact, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if entcontact.DeliverabilityValidator(to) != nil || to == kind.BounceInvalid {
		return nil, apperr.InvalidField(
			"deliverability", apperr.ReasonDeliverabilityInvalid, "must be NONE, SOFT or HARD",
		)
	}
	var updated *ent.Contact
	err := s.db.TxLatest(ctx, func(ctx context.Context) (err error) {
		if err := s.SetDeliverability(ctx, id, to); err != nil {
			return err
		}
		if updated, err = s.Get(ctx, id); err != nil {
			return err
		}
		if updated.Deliverability == kind.BounceInvalid {
			return &apperr.Error{
				Code: apperr.Conflict, Field: "deliverability", Reason: apperr.ReasonDeliverabilityInvalid,
				Message: "the address is no valid address",
			}
		}
		return s.Drop(ctx, []int64{id})
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}
