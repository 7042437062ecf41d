package campaign

import (
	"context"
	"strings"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/tag"
)

// MaxNameLength is the maximum length of a campaign name, in characters.
const MaxNameLength = 250

// nameKeyLength is the maximum length of the folded copy of a name. It is larger than MaxNameLength
// because folding can make a text longer.
const nameKeyLength = 500

// Create creates a campaign in status Draft without a schedule (legacy Campaign.Create). The name
// is required, has at most 250 characters after trimming, and need not be unique. A second call
// with the same idempotency key within one day returns the campaign of the first call.
func (s *Service) Create(ctx context.Context, name string, idempotencyKey *string) (*ent.Campaign, error) {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	name, err = cleanName(name)
	if err != nil {
		return nil, err
	}
	created, _, err := idempotency.Do(
		ctx, s.db, s.now(), "createCampaign", idempotencyKey, name,
		func(ctx context.Context) (int64, error) {
			now := s.now()
			c, err := s.db.Client(ctx).Campaign.Create().
				SetName(name).
				SetNameKey(kind.Fold(name, nameKeyLength)).SetCreatedAt(now).SetLastActivityAt(now).Save(ctx)
			if err != nil {
				return 0, err
			}
			return c.ID, s.record(ctx, id, c, &draft{action: ActionCreate, to: c.Status}, 1, now)
		},
	)
	if err != nil {
		return nil, err
	}
	return s.made(ctx, created)
}

// made reads a campaign that this call, or an earlier call with the same idempotency key, created.
// It does not require the read scope, so that an API key with only the write scope gets the result.
func (s *Service) made(ctx context.Context, id int64) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	return c, store.Translate(err)
}

// cleanName returns the trimmed name, or an error if the name is empty or too long.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(kind.Clean(name))
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", apperr.InvalidField("name", apperr.ReasonNameRequired, "the campaign name is required")
	case n > MaxNameLength:
		return "", apperr.InvalidField(
			"name", apperr.ReasonNameTooLong, "the campaign name has %d characters, at most %d are allowed", n,
			MaxNameLength,
		)
	}
	return name, nil
}

// Copy creates a campaign with every setting, the audience, the tags and a copy of the content of
// another campaign, which is its email or every email of its A/B test. The owner stays the same (legacy Campaign.Copy). The copy is a Draft without
// schedule and without statistics. If the name is empty, the copy keeps the name of the original.
func (s *Service) Copy(
	ctx context.Context, sourceID int64, name string, idempotencyKey *string,
) (*ent.Campaign, error) {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	if name != "" {
		if name, err = cleanName(name); err != nil {
			return nil, err
		}
	}
	input := struct {
		Source int64
		Name   string
	}{sourceID, name}
	created, _, err := idempotency.Do(
		ctx, s.db, s.now(), "copyCampaign", idempotencyKey, input,
		func(ctx context.Context) (int64, error) {
			source, err := s.find(ctx, sourceID)
			if err != nil {
				return 0, err
			}
			c, err := s.duplicate(ctx, source, name)
			if err != nil {
				return 0, err
			}
			if err := tag.Copy(ctx, s.db, source.ID, c); err != nil {
				return 0, err
			}
			if err := s.copyUses(ctx, source, c); err != nil {
				return 0, err
			}
			return c.ID, s.record(ctx, id, c, &draft{action: ActionCopy, to: c.Status}, 1, c.CreatedAt)
		},
	)
	if err != nil {
		return nil, err
	}
	return s.made(ctx, created)
}

func (s *Service) duplicate(ctx context.Context, source *ent.Campaign, name string) (*ent.Campaign, error) {
	if name == "" {
		name = source.Name
	}
	now := s.now()
	create := s.db.Client(ctx).Campaign.Create().
		SetUserID(source.UserID).SetName(name).SetNameKey(kind.Fold(name, nameKeyLength)).
		SetCreatedAt(now).SetLastActivityAt(now).
		SetAutoResendEnabled(source.AutoResendEnabled).SetAutoResendWaitDays(source.AutoResendWaitDays).
		SetAutoResendSubject(source.AutoResendSubject).SetAutoResendPreheader(source.AutoResendPreheader).
		SetAudience(source.Audience).SetAudienceSource(source.AudienceSource).SetHasAudience(source.HasAudience).
		SetRecipientLists(source.RecipientLists).SetExcludedLists(source.ExcludedLists)
	copySettings(create, source)
	if err := s.copyContent(ctx, create, source); err != nil {
		return nil, err
	}
	return create.Save(ctx)
}

// copyContent gives a copy of a campaign its own copy of the email, or of each email of the A/B
// test, whose weights and other settings stay.
func (s *Service) copyContent(ctx context.Context, create *ent.CampaignCreate, source *ent.Campaign) error {
	test, err := ParseABTest(source.AbTest)
	if err != nil {
		return err
	}
	if test == nil {
		if source.EmailID == nil {
			return nil
		}
		copied, err := s.emails.Copy(ctx, *source.EmailID)
		if err == nil {
			create.SetEmailID(copied.ID)
		}
		return err
	}
	var gone []int64
	for i, v := range test.Variations {
		copied, err := s.emails.Copy(ctx, v.EmailID)
		if apperr.CodeOf(err) == apperr.NotFound {
			gone = append(gone, v.EmailID) // deleted by an earlier version, which left its number
			continue
		}
		if err != nil {
			return err
		}
		test.Variations[i].EmailID = copied.ID
	}
	text, own, err := test.without(gone)
	create.SetAbTest(text).SetNillableEmailID(own)
	return err
}
