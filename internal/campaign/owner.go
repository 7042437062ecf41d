package campaign

import (
	"context"

	"campaignql/ent/user"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Zones returns the time zone in which each of the accounts reads its dates, in one statement.
// Accounts that the caller does not see are absent: an admin, who sees campaigns of many, needs it
// to show each in its owner's zone.
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
