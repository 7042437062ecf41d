package account

import (
	"context"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// OwnPatch is a partial change of an account by itself. A field that is nil is left alone.
type OwnPatch struct {
	Sender *kind.Sender
}

// UpdateOwn changes the account of the caller, who must have the scope write, and returns it. A sender
// that is not known is Invalid, reason sender_unknown. A change of the sender while a campaign of the
// account is Sending is a Conflict, reason run_open: the one would go on where the other has begun.
func (s *Service) UpdateOwn(ctx context.Context, patch OwnPatch) (*ent.User, error) {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	if patch.Sender != nil && user.SenderValidator(*patch.Sender) != nil {
		return nil, apperr.InvalidField(
			"sender", apperr.ReasonSenderUnknown, "the sender must be external or built_in",
		)
	}
	var updated *ent.User
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		if err := s.lockKeys(ctx, id.UserID); err != nil {
			return err
		}
		var err error
		updated, err = s.db.Client(ctx).User.Get(ctx, id.UserID)
		if err != nil || patch.Sender == nil || *patch.Sender == updated.Sender {
			return err
		}
		if err := s.nothingSending(ctx, id.UserID); err != nil {
			return err
		}
		updated, err = s.db.Client(ctx).User.UpdateOne(updated).SetSender(*patch.Sender).SetUpdatedAt(s.now()).Save(ctx)
		return err
	})
	if err != nil {
		return nil, store.Translate(err)
	}
	return updated, nil
}

// nothingSending returns a Conflict if a campaign of the account is being sent.
func (s *Service) nothingSending(ctx context.Context, id int64) error {
	sending, err := s.db.Client(ctx).Campaign.Query().
		Where(campaign.UserID(id), campaign.StatusEQ(kind.StatusSending)).Exist(ctx)
	if err != nil || !sending {
		return err
	}
	return &apperr.Error{
		Code: apperr.Conflict, Field: "sender", Reason: apperr.ReasonRunOpen,
		Message: "a campaign of the account is being sent: pause it or let it end first",
	}
}
