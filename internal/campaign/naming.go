package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// namingBatch is how many campaigns Naming reads at a time: an audience may hold 64 KiB.
const namingBatch = 500

// Naming finds a campaign of the owners that can still be sent, being in any status but Sent, and
// whose audience names one of the ids; of chooses which kind of reference. It returns the id that
// is named and a text that says by whom, or 0 when none is. It is called in the transaction that
// deletes what is named: an audience that lost a list or a segment would be another audience, and
// one that lost an exclusion a larger one.
func (s *Service) Naming(
	ctx context.Context, owners, ids []int64, of func(rules.References) []rules.Reference,
) (named int64, by string, err error) {
	unsent := slices.DeleteFunc(
		kind.CampaignStatuses(), func(status kind.CampaignStatus) bool { return status == kind.StatusSent },
	)
	ranks := make([]int8, len(unsent))
	for i, status := range unsent {
		ranks[i] = status.Rank()
	}
	for last := int64(0); ; {
		rows, err := s.db.Client(ctx).Campaign.Query().
			Where(entcampaign.UserIDIn(owners...), entcampaign.StatusRankIn(ranks...), entcampaign.AudienceNEQ(""), entcampaign.IDGT(last)).
			Order(entcampaign.ByID()).Limit(namingBatch).
			Select(entcampaign.FieldID, entcampaign.FieldStatus, entcampaign.FieldAudience).All(ctx)
		if err != nil {
			return 0, "", err
		}
		for _, c := range rows {
			if id := namedBy(c, ids, of); id != 0 {
				return id, fmt.Sprintf("campaign %d, which is %s", c.ID, c.Status.Legacy()), nil
			}
			last = c.ID
		}
		if len(rows) < namingBatch {
			return 0, "", nil
		}
	}
}

func namedBy(c *ent.Campaign, ids []int64, of func(rules.References) []rules.Reference) int64 {
	var target rules.Audience
	if err := json.Unmarshal([]byte(c.Audience), &target); err != nil {
		return 0 // what is stored was understood when it was set; what cannot be read names nothing
	}
	for _, ref := range of(target.References()) {
		if slices.Contains(ids, ref.ID) {
			return ref.ID
		}
	}
	return 0
}
