package campaign

import (
	"context"

	"campaignql/ent"
)

// Check and Effective let the external tests try the state machine without a database.
var (
	Check     = check
	Effective = effective
)

// Digest is what an approval of the campaign would cover now.
func (s *Service) Digest(ctx context.Context, c *ent.Campaign) (string, error) {
	digests, err := s.digests(ctx, c.UserID, []*ent.Campaign{c})
	if err != nil {
		return "", err
	}
	return digests[0].String(), nil
}
