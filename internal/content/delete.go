package content

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	entemail "campaignql/ent/email"
	"campaignql/ent/predicate"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxDelete is the most emails one call deletes.
const MaxDelete = batch

// Delete removes emails (legacy Email.Delete), all or nothing, and returns the ids that it removed,
// ascending; ids that are not the caller's are left alone. An email that a campaign uses, other
// than a draft, is a Conflict, reason "email_in_use"; drafts that used one are left without, which
// is a change of theirs with its version and its entry in the history. Over MaxDelete ids are
// Invalid on the field ids, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	who, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	if len(ids) > MaxDelete {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxDelete,
		)
	}
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		client := s.db.Client(ctx)
		// Locked first, so that no campaign takes one of them up meanwhile.
		query := client.Email.Query().Where(entemail.IDIn(ids...)).Order(entemail.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(entemail.FieldID, entemail.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		var owners []int64
		for _, e := range found {
			deleted = append(deleted, e.ID)
			if !slices.Contains(owners, e.UserID) {
				owners = append(owners, e.UserID)
			}
		}
		if err := s.release(ctx, who, client, owners, deleted); err != nil {
			return err
		}
		_, err = client.Email.Delete().Where(entemail.IDIn(deleted...)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}

// release takes the emails out of the drafts that use them, or returns the Conflict that another
// campaign does. The owners let the index over account and email serve an admin too, whose
// statements are not confined.
func (s *Service) release(
	ctx context.Context, who caller.Identity, client *ent.Client, owners, emailIDs []int64,
) error {
	query := client.Campaign.Query().
		Where(entcampaign.UserIDIn(owners...), entcampaign.EmailIDIn(emailIDs...)).
		Order(entcampaign.ByID())
	query.Modify(store.Lock)
	campaigns, err := query.
		Select(
			entcampaign.FieldID, entcampaign.FieldUserID, entcampaign.FieldStatus, entcampaign.FieldEmailID,
			entcampaign.FieldVersion,
		).
		All(ctx)
	if err != nil {
		return err
	}
	for _, c := range campaigns {
		if c.Status != kind.StatusDraft {
			return inUse(*c.EmailID, fmt.Sprintf("campaign %d, which is %s", c.ID, c.Status.Legacy()))
		}
	}
	tested, by, err := s.usedInTests(ctx, owners, emailIDs)
	if err != nil {
		return err
	}
	if tested != 0 {
		return inUse(tested, by)
	}
	if len(campaigns) == 0 {
		return nil
	}
	return s.clear(ctx, who, client, campaigns, entcampaign.UserIDIn(owners...), entcampaign.EmailIDIn(emailIDs...))
}

// clear leaves drafts, which are those using the emails, without one. They are locked already; an
// engine without such locks is told by the count that one is a draft no more.
func (s *Service) clear(
	ctx context.Context, who caller.Identity, client *ent.Client, drafts []*ent.Campaign, using ...predicate.Campaign,
) error {
	now := store.Truncate(s.now())
	changes := make([]*ent.CampaignChangeCreate, len(drafts))
	for i, c := range drafts {
		changes[i] = client.CampaignChange.Create().
			SetUserID(c.UserID).SetCampaignID(c.ID).SetVersion(c.Version + 1).
			SetAction(campaignchange.ActionUpdate).SetActorID(who.UserID).SetSurface(who.Surface).
			SetFromStatus(c.Status).
			SetToStatus(c.Status).SetFields("email").SetReason("its email was deleted").SetAt(now)
		if who.KeyID != 0 {
			changes[i].SetAPIKeyID(who.KeyID)
		}
	}
	n, err := client.Campaign.Update().
		Where(using...).
		Where(entcampaign.StatusEQ(kind.StatusDraft)).
		ClearEmailID().AddVersion(1).SetLastActivityAt(now).
		Save(ctx)
	if err != nil {
		return err
	}
	if n != len(drafts) {
		return store.ErrStale
	}
	for some := range slices.Chunk(changes, 1000) {
		if err := client.CampaignChange.CreateBulk(some...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func inUse(emailID int64, by string) error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonEmailInUse,
		Message: fmt.Sprintf("email %d is used by %s", emailID, by),
	}
}
