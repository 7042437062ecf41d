package suppression

import (
	"context"

	"campaignql/ent"
	"campaignql/ent/predicate"
	"campaignql/ent/suppression"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Filter selects suppressions. The zero value selects all.
type Filter struct {
	// Search is a part of the address, ignoring case. "%" and "_" have no special meaning.
	Search string
	// Reasons, if not nil, are the reasons to keep. An empty list keeps none.
	Reasons []kind.SuppressionReason
}

func (f Filter) predicates() []predicate.Suppression {
	var chosen []predicate.Suppression
	if part := address.Trim(kind.Clean(f.Search)); part != "" {
		chosen = append(chosen, inAddress(part))
	}
	if f.Reasons != nil {
		chosen = append(chosen, suppression.ReasonIn(f.Reasons...))
	}
	return chosen
}

// inAddress selects addresses that contain a text. A text that is not ASCII is also looked for in the
// address as it was given, because in the key the domain is in ASCII.
func inAddress(part string) predicate.Suppression {
	var chosen []predicate.Suppression
	for _, folded := range address.Parts(part) {
		chosen = append(chosen, suppression.EmailKeyContains(folded))
	}
	if !address.IsASCII(part) {
		chosen = append(chosen, suppression.EmailContains(part), suppression.EmailContains(address.Fold(part)))
	}
	return suppression.Or(chosen...)
}

var byAddress = page.Order[*ent.Suppression]{
	Name: "EMAIL_ADDRESS", Column: suppression.FieldEmailKey, Type: page.Text,
	Key: func(s *ent.Suppression) page.Key { return page.Key{Value: s.EmailKey, ID: s.ID} },
}

// List returns one page of the suppressions that match the filter, sorted by address, in one
// statement. Invalid page requests return the errors of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.Suppression], error) {
	return store.HeavyIf(
		ctx, s.db, filter.Search != "",
		func(ctx context.Context) (page.Result[*ent.Suppression], error) {
			return s.list(ctx, filter, request, columns...)
		},
	)
}

func (s *Service) list(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.Suppression], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.Suppression]{}, err
	}
	return page.Read(
		ctx, byAddress, request, s.db.Client(ctx).Suppression.Query().Where(filter.predicates()...), columns,
	)
}

// Count returns the number of suppressions that match the filter.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		return s.count(ctx, filter)
	})
}

func (s *Service) count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Suppression.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}
