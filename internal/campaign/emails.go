package campaign

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// ReleaseEmails detaches emails of the owners from campaigns. The caller runs it in the transaction
// that deletes the emails, after they were locked. Drafts that use one of the emails lose it, and
// each gets a new version and a history entry. If a campaign in another status uses an email, as
// its own or in its A/B test, ReleaseEmails returns Conflict on the field ids, reason
// "email_in_use". The owners are a parameter so that the index on account and email also serves an
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
	switch id, by, err := s.emailInTests(ctx, owners, emailIDs); {
	case err != nil:
		return err
	case id != 0:
		return emailInUse(id, by)
	case len(using) == 0:
		return nil
	}
	return s.clearEmails(ctx, using)
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
	d := &draft{action: ActionUpdate, to: kind.StatusDraft, fields: []string{"email"}, reason: "its email was deleted"}
	return s.recordAll(ctx, id, drafts, d, now)
}

func emailInUse(emailID int64, by string) error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonEmailInUse,
		Message: fmt.Sprintf("email %d is used by %s", emailID, by),
	}
}

// emailInTests searches for a campaign of the owners that is not a draft and has one of the emails
// as a variation of its A/B test. It returns the email and a text that names the campaign, or 0 if
// there is none.
func (s *Service) emailInTests(ctx context.Context, owners, emailIDs []int64) (used int64, by string, err error) {
	rows, err := s.db.Client(ctx).Campaign.Query().
		Where(campaign.UserIDIn(owners...), campaign.AbTestNEQ(""), campaign.StatusNEQ(kind.StatusDraft)).
		Order(campaign.ByID()).
		Select(campaign.FieldID, campaign.FieldStatus, campaign.FieldAbTest).All(ctx)
	if err != nil {
		return 0, "", err
	}
	for _, row := range rows {
		test, err := ParseABTest(row.AbTest)
		if err != nil {
			return 0, "", err
		}
		for _, v := range test.Variations {
			if slices.Contains(emailIDs, v.EmailID) {
				return v.EmailID, fmt.Sprintf(
					"the A/B test of campaign %d, which is %s", row.ID, row.Status.Legacy(),
				), nil
			}
		}
	}
	return 0, "", nil
}
