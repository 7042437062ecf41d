package campaign

import (
	"context"
	"slices"

	"campaignql/ent"
	"campaignql/ent/campaignemail"
	"campaignql/ent/campaignlist"
	"campaignql/internal/audience/rules"
	"campaignql/internal/store"
)

// The tables campaign_lists and campaign_emails repeat what the columns of a campaign say, so that the
// campaigns of a list or an email are found by an index: the lists that the audience includes, and the
// emails that the campaign uses. They are written in the transaction that writes the columns.

// usesAtOnce is the number of rows per statement.
const usesAtOnce = 1000

// includedLists returns the ids of the lists of the criteria, without duplicates. Exclusions and the
// rules of segments do not count.
func includedLists(target rules.Audience) []int64 {
	ids := make([]int64, len(target.Criteria))
	for i, criterion := range target.Criteria {
		ids[i] = criterion.ListID
	}
	return store.Distinct(ids)
}

// usedEmails returns the ids of the emails that a campaign with these columns uses, without
// duplicates: its own and the variations of its A/B test. An unreadable test has none.
func usedEmails(own *int64, test string) []int64 {
	var ids []int64
	if own != nil {
		ids = append(ids, *own)
	}
	if parsed, err := ParseABTest(test); err == nil && parsed != nil {
		for _, v := range parsed.Variations {
			ids = append(ids, v.EmailID)
		}
	}
	return store.Distinct(ids)
}

// writeUses writes the rows of a campaign after a change of its columns. The condition on the version
// in the statement before has locked the campaign.
func (s *Service) writeUses(ctx context.Context, c *ent.Campaign, d *draft) error {
	if d.lists != nil {
		if err := s.writeLists(ctx, c, *d.lists); err != nil {
			return err
		}
	}
	m := d.write.Mutation()
	email, emailSet := m.EmailID()
	test, testSet := m.AbTest()
	if !emailSet && !testSet && !m.EmailIDCleared() {
		return nil
	}
	own := c.EmailID
	switch {
	case emailSet:
		own = &email
	case m.EmailIDCleared():
		own = nil
	}
	if !testSet {
		test = c.AbTest
	}
	return s.writeEmails(ctx, c, usedEmails(own, test))
}

// writeLists makes the rows of a campaign in campaign_lists those of the given lists. It deletes only rows
// that exist, because MySQL would otherwise lock the gap between the rows of other campaigns.
func (s *Service) writeLists(ctx context.Context, c *ent.Campaign, ids []int64) error {
	client := s.db.Client(ctx).CampaignList
	rows, err := client.Query().Where(campaignlist.CampaignID(c.ID)).All(ctx)
	if err != nil {
		return err
	}
	gone, added := changedUses(rows, func(row *ent.CampaignList) int64 { return row.ListID }, ids)
	if len(gone) > 0 {
		_, err := client.Delete().Where(campaignlist.CampaignID(c.ID), campaignlist.ListIDIn(gone...)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return s.addLists(ctx, c, added)
}

func (s *Service) addLists(ctx context.Context, c *ent.Campaign, ids []int64) error {
	client := s.db.Client(ctx).CampaignList
	for some := range slices.Chunk(ids, usesAtOnce) {
		rows := make([]*ent.CampaignListCreate, len(some))
		for i, id := range some {
			rows[i] = client.Create().SetUserID(c.UserID).SetCampaignID(c.ID).SetListID(id)
		}
		if err := client.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// writeEmails is writeLists for campaign_emails.
func (s *Service) writeEmails(ctx context.Context, c *ent.Campaign, ids []int64) error {
	client := s.db.Client(ctx).CampaignEmail
	rows, err := client.Query().Where(campaignemail.CampaignID(c.ID)).All(ctx)
	if err != nil {
		return err
	}
	gone, added := changedUses(rows, func(row *ent.CampaignEmail) int64 { return row.EmailID }, ids)
	if len(gone) > 0 {
		_, err := client.Delete().Where(campaignemail.CampaignID(c.ID), campaignemail.EmailIDIn(gone...)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return s.addEmails(ctx, c, added)
}

func (s *Service) addEmails(ctx context.Context, c *ent.Campaign, ids []int64) error {
	client := s.db.Client(ctx).CampaignEmail
	for some := range slices.Chunk(ids, usesAtOnce) {
		rows := make([]*ent.CampaignEmailCreate, len(some))
		for i, id := range some {
			rows[i] = client.Create().SetUserID(c.UserID).SetCampaignID(c.ID).SetEmailID(id)
		}
		if err := client.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// changedUses compares stored rows with the ids that they should have.
func changedUses[R any](rows []R, id func(R) int64, ids []int64) (gone, added []int64) {
	stored := make([]int64, len(rows))
	for i, row := range rows {
		stored[i] = id(row)
		if !slices.Contains(ids, stored[i]) {
			gone = append(gone, stored[i])
		}
	}
	for _, id := range ids {
		if !slices.Contains(stored, id) {
			added = append(added, id)
		}
	}
	return gone, added
}

// copyUses writes the rows of a copy. Its lists are those of the source, not of the audience, which may
// name a list that was deleted since.
func (s *Service) copyUses(ctx context.Context, source, c *ent.Campaign) error {
	rows, err := s.db.Client(ctx).CampaignList.Query().Where(campaignlist.CampaignID(source.ID)).All(ctx)
	if err != nil {
		return err
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ListID
	}
	if err := s.addLists(ctx, c, ids); err != nil {
		return err
	}
	return s.addEmails(ctx, c, usedEmails(c.EmailID, c.AbTest))
}

// removeUses deletes the rows of deleted campaigns, in two statements.
func (s *Service) removeUses(ctx context.Context, campaignIDs []int64) error {
	client := s.db.Client(ctx)
	if _, err := client.CampaignList.Delete().Where(campaignlist.CampaignIDIn(campaignIDs...)).Exec(ctx); err != nil {
		return err
	}
	_, err := client.CampaignEmail.Delete().Where(campaignemail.CampaignIDIn(campaignIDs...)).Exec(ctx)
	return err
}

// ReleaseLists removes deleted lists from the relation of campaigns to their lists, in one statement. The
// caller runs it in the transaction that deletes the lists, after Naming found no campaign that needs
// them; audiences of sent campaigns still name them.
func (s *Service) ReleaseLists(ctx context.Context, ids []int64) error {
	_, err := s.db.Client(ctx).CampaignList.Delete().Where(campaignlist.ListIDIn(ids...)).Exec(ctx)
	return err
}
