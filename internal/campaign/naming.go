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

// namingBatch is the number of campaigns that Naming reads per batch. It is small because an
// audience may have 64 KiB.
const namingBatch = 500

// Naming searches for a campaign of the owners that can still be sent (any status but Sent) and
// whose audience names one of the ids. of selects the kind of reference. It returns the id that is
// named and a text that names the campaign, or 0 if there is none. The caller runs it in the
// transaction that deletes lists or segments: without a list or segment the audience would be a
// different one, and without an exclusion it would be larger.
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
			Where(
				entcampaign.UserIDIn(owners...), entcampaign.StatusRankIn(ranks...),
				entcampaign.AudienceNEQ(""), entcampaign.IDGT(last),
			).
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
		return 0 // stored audiences were valid when they were set; an unreadable one names nothing
	}
	for _, ref := range of(target.References()) {
		if slices.Contains(ids, ref.ID) {
			return ref.ID
		}
	}
	return 0
}
