package campaign

import (
	"context"

	"campaignql/ent/user"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Zones returns the time zone of each of the accounts, in one statement. Accounts that the caller
// cannot see are absent. An admin, who sees campaigns of many accounts, needs it to show each
// campaign in its owner's zone.
func (s *Service) Zones(ctx context.Context, userIDs []int64) (map[int64]string, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	rows, err := s.db.Client(ctx).
		User.Query().
		Where(user.IDIn(userIDs...)).
		Select(user.FieldID, user.FieldTimeZone).
		All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	zones := make(map[int64]string, len(rows))
	for _, row := range rows {
		zones[row.ID] = row.TimeZone
	}
	return zones, nil
}
