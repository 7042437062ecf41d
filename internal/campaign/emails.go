package campaign

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/campaignemail"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// ReleaseEmails detaches emails of the owners from campaigns. The caller runs it in the transaction
// that deletes the emails, after they were locked. Drafts that use one of the emails lose it, in
// their A/B test too, and each gets a new version and a history entry. If one variation of a test
// remains, the test ends and the campaign has that email as its own. If a campaign in another status
// uses an email, as its own or in its A/B test, ReleaseEmails returns Conflict on the field ids,
// reason "email_in_use". The owners are a parameter so that the index on account and email also serves an
// admin, whose statements are not limited to one account.
func (s *Service) ReleaseEmails(ctx context.Context, owners, emailIDs []int64) error {
	query := s.db.Client(ctx).Campaign.Query().
		Where(campaign.UserIDIn(owners...), campaign.EmailIDIn(emailIDs...)).
		Order(campaign.ByID())
	query.Modify(store.Lock)
	using, err := query.Select(
		campaign.FieldID, campaign.FieldUserID, campaign.FieldStatus, campaign.FieldEmailID, campaign.FieldVersion,
	).All(ctx)
	if err != nil {
		return err
	}
	for _, c := range using {
		if c.Status != kind.StatusDraft {
			return emailInUse(*c.EmailID, fmt.Sprintf("campaign %d, which is %s", c.ID, c.Status.Legacy()))
		}
	}
	tests, err := s.testsWith(ctx, owners, emailIDs)
	if err != nil {
		return err
	}
	if len(using) > 0 {
		if err := s.clearEmails(ctx, using); err != nil {
			return err
		}
	}
	if err := s.shrinkTests(ctx, tests, emailIDs); err != nil || len(using)+len(tests) == 0 {
		return err
	}
	_, err = s.db.Client(ctx).CampaignEmail.Delete().Where(campaignemail.EmailIDIn(emailIDs...)).Exec(ctx)
	return err
}

// clearEmails removes the email of locked drafts. On an engine without row locks, the number of
// changed rows shows whether one of them is no longer a draft.
func (s *Service) clearEmails(ctx context.Context, drafts []*ent.Campaign) error {
	id, err := caller.From(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	n, err := s.db.Client(ctx).Campaign.Update().
		Where(campaign.IDIn(idsOf(drafts)...), campaign.StatusEQ(kind.StatusDraft)).
		ClearEmailID().AddVersion(1).SetLastActivityAt(now).Save(ctx)
	if err != nil {
		return err
	}
	if n != len(drafts) {
		return store.ErrStale
	}
	return s.recordAll(ctx, id, drafts, released("email"), now)
}

// released is the change of a draft that lost an email.
func released(fields ...string) *draft {
	return &draft{
		action: ActionUpdate, to: kind.StatusDraft, fields: fields, reason: "its email was deleted",
	}
}

func emailInUse(emailID int64, by string) error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonEmailInUse,
		Message: fmt.Sprintf("email %d is used by %s", emailID, by),
	}
}

// testsWith returns the drafts of the owners that have one of the emails in their A/B test. It returns
// Conflict if a campaign that is not a draft has one.
func (s *Service) testsWith(ctx context.Context, owners, emailIDs []int64) ([]int64, error) {
	rows, err := s.db.Client(ctx).Campaign.Query().
		Where(campaign.UserIDIn(owners...), campaign.AbTestNEQ("")).
		Order(campaign.ByID()).
		Select(campaign.FieldID, campaign.FieldStatus, campaign.FieldAbTest).All(ctx)
	if err != nil {
		return nil, err
	}
	var drafts []int64
	for _, row := range rows {
		switch used := firstOf(row, emailIDs); {
		case used == 0:
		case row.Status != kind.StatusDraft:
			return nil, inTest(used, row)
		default:
			drafts = append(drafts, row.ID)
		}
	}
	return drafts, nil
}

// firstOf returns the first variation of the A/B test of a campaign that is one of the emails, or 0.
// An unreadable test has no variations.
func firstOf(c *ent.Campaign, emailIDs []int64) int64 {
	test, err := ParseABTest(c.AbTest)
	if err != nil || test == nil {
		return 0
	}
	for _, v := range test.Variations {
		if slices.Contains(emailIDs, v.EmailID) {
			return v.EmailID
		}
	}
	return 0
}

func inTest(emailID int64, c *ent.Campaign) error {
	return emailInUse(emailID, fmt.Sprintf("the A/B test of campaign %d, which is %s", c.ID, c.Status.Legacy()))
}

// shrinkTests removes the emails from the A/B tests of drafts. A test that keeps fewer than two
// variations ends; the last variation becomes the campaign's own email. It locks the drafts first and
// writes them in one statement.
func (s *Service) shrinkTests(ctx context.Context, draftIDs, emailIDs []int64) error {
	if len(draftIDs) == 0 {
		return nil
	}
	id, err := caller.From(ctx)
	if err != nil {
		return err
	}
	client := s.db.Client(ctx).Campaign
	query := client.Query().Where(campaign.IDIn(draftIDs...)).Order(campaign.ByID())
	query.Modify(store.Lock)
	drafts, err := query.Select(
		campaign.FieldID, campaign.FieldUserID, campaign.FieldStatus, campaign.FieldAbTest, campaign.FieldVersion,
	).All(ctx)
	if err != nil {
		return err
	}
	tests, own := make([]string, len(drafts)), map[int64]int64{}
	// Of single, one variation is left, which becomes the own email.
	var others, single []*ent.Campaign
	for i, c := range drafts {
		if c.Status != kind.StatusDraft || c.AbTest == "" {
			return store.ErrStale // it changed since it was found
		}
		test, err := ParseABTest(c.AbTest)
		if err != nil {
			return err
		}
		text, last, err := test.without(emailIDs)
		if err != nil {
			return err
		}
		tests[i] = text
		if last == nil {
			others = append(others, c)
			continue
		}
		single, own[c.ID] = append(single, c), *last
	}
	now, ids := s.now(), idsOf(drafts)
	n, err := client.Update().Where(campaign.IDIn(ids...), campaign.StatusEQ(kind.StatusDraft)).
		AddVersion(1).SetLastActivityAt(now).
		Modify(func(u *sql.UpdateBuilder) {
			u.Set(campaign.FieldAbTest, sql.ExprFunc(func(b *sql.Builder) {
				b.WriteString("CASE ").Ident(campaign.FieldID)
				for i, id := range ids {
					b.WriteString(" WHEN ").Arg(id).WriteString(" THEN ").Arg(tests[i])
				}
				b.WriteString(" END")
			}))
			if len(own) == 0 {
				return
			}
			u.Set(campaign.FieldEmailID, sql.ExprFunc(func(b *sql.Builder) {
				b.WriteString("CASE ").Ident(campaign.FieldID)
				for _, c := range single {
					b.WriteString(" WHEN ").Arg(c.ID).WriteString(" THEN ").Arg(own[c.ID])
				}
				b.WriteString(" ELSE ").Ident(campaign.FieldEmailID).WriteString(" END")
			}))
		}).Save(ctx)
	if err != nil {
		return err
	}
	if n != len(drafts) {
		return store.ErrStale
	}
	if err := s.recordAll(ctx, id, others, released("abTest"), now); err != nil {
		return err
	}
	return s.recordAll(ctx, id, single, released("abTest", "email"), now)
}
