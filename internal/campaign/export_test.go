package campaign

import (
	"context"

	"campaignql/ent"
)

// Check and Effective allow external tests of the state machine without a database.
var (
	Check     = check
	Effective = effective
)

// Digest returns the digest that an approval of the campaign would store now.
func (s *Service) Digest(ctx context.Context, c *ent.Campaign) (string, error) {
	digests, err := s.digests(ctx, c.UserID, []*ent.Campaign{c})
	if err != nil {
		return "", err
	}
	return digests[0].String(), nil
}
