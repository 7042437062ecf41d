package sending

import (
	"context"
	"fmt"
	"math"
	"time"

	"campaignql/ent"
	"campaignql/ent/runcontent"
	"campaignql/ent/runrecipient"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Resolve decides about the recipients of the latest run of a campaign that are unknown. As sent, they
// count as if their mail server had accepted the message; the campaign keeps its status, whatever it
// is. As pending, it is Retry of those that are unknown. It returns the campaign and how many
// recipients these were. If there are none, the error is Conflict.
//
// Each transaction decides about retriedAtOnce recipients. If the process ends in between, the others
// stay unknown.
func (s *Service) Resolve(
	ctx context.Context, call campaign.Call, as kind.RecipientState,
) (*ent.Campaign, int64, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, 0, err
	}
	switch as {
	case kind.RecipientPending:
		return s.Retry(ctx, call, Selection{States: []kind.RecipientState{kind.RecipientUnknown}})
	case kind.RecipientSent:
	default:
		return nil, 0, apperr.InvalidField("as", apperr.ReasonValueInvalid, "must be SENT or PENDING")
	}
	c, err := s.Campaigns.SentHere(ctx, call)
	if err != nil {
		return nil, 0, err
	}
	r, err := s.latestOf(ctx, c.ID)
	if err != nil {
		return nil, 0, err
	}
	if r == nil {
		return nil, 0, errNoRecipients()
	}
	resolved := int64(0)
	for after := int64(0); after < math.MaxInt64; {
		n, last, err := s.acceptSome(ctx, r, after)
		if err != nil {
			return nil, 0, err
		}
		resolved, after = resolved+n, last
	}
	if resolved == 0 {
		return nil, 0, errNoRecipients()
	}
	if r, err = s.db.Client(ctx).CampaignRun.Get(ctx, r.ID); err != nil {
		return nil, 0, store.Translate(err)
	}
	history := fmt.Sprintf("%d unknown recipients count as sent", resolved)
	c, err = s.Campaigns.Resolved(ctx, c.ID, isReason, reasonOf(countsOf(r)), history)
	return c, resolved, err
}

// latestOf returns the latest run of a campaign, or nil, without a lock.
func (s *Service) latestOf(ctx context.Context, campaignID int64) (r *ent.CampaignRun, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		r, err = s.latest(ctx, campaignID)
		return err
	})
	return r, err
}

// countsOf returns the numbers in the row of a run.
func countsOf(r *ent.CampaignRun) counts {
	return counts{
		kind.RecipientPending: r.Pending, kind.RecipientBegun: r.Begun, kind.RecipientDeferred: r.Deferred,
		kind.RecipientSent: r.Sent, kind.RecipientFailed: r.Failed, kind.RecipientUnknown: r.Unknown,
		kind.RecipientSkipped: r.Skipped,
	}
}

// acceptSome makes the next unknown recipients of a run sent, with their events. It returns their number
// and the last contact, or math.MaxInt64 if nobody is left.
func (s *Service) acceptSome(ctx context.Context, r *ent.CampaignRun, after int64) (n, last int64, err error) {
	recording := event.NewRecording()
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		query := s.db.Client(ctx).RunRecipient.Query().
			Where(
				runrecipient.RunID(r.ID), runrecipient.TroubleEQ(kind.RecipientUnknown), within(after, math.MaxInt64),
			).
			Order(ent.Asc(runrecipient.FieldContactID)).Limit(retriedAtOnce)
		query.Modify(store.Lock)
		rows, err := query.Select(
			runrecipient.FieldContactID, runrecipient.FieldSubscriberID, runrecipient.FieldToken, runrecipient.FieldContent,
		).All(ctx)
		if err != nil {
			return err
		}
		if n, last = int64(len(rows)), math.MaxInt64; n == 0 {
			return nil
		}
		if n == retriedAtOnce {
			last = rows[n-1].ContactID
		}
		events, err := s.acceptedEvents(ctx, r, rows, now)
		if err != nil {
			return err
		}
		if err := s.Events.SettleWithin(ctx, recording, events); err != nil {
			return err
		}
		err = s.db.Client(ctx).RunRecipient.Update().
			Where(runrecipient.RunID(r.ID), runrecipient.ContactIDIn(contactsOf(rows)...)).
			SetState(kind.RecipientSent).ClearTrouble().SetReply("").SetSettledAt(now).Exec(ctx)
		if err != nil {
			return err
		}
		changes := counts{}
		changes.move(kind.RecipientUnknown, kind.RecipientSent, n)
		return s.addCounts(ctx, r.ID, changes)
	})
	return n, last, err
}

// acceptedEvents returns the events of recipients that count as sent. They have the ids that a late
// answer of the mail server would give them.
func (s *Service) acceptedEvents(
	ctx context.Context, r *ent.CampaignRun, rows []*ent.RunRecipient, now time.Time,
) ([]event.Event, error) {
	contents, err := s.db.Client(ctx).RunContent.Query().Where(runcontent.RunID(r.ID)).
		Select(runcontent.FieldNumber, runcontent.FieldVariation).All(ctx)
	if err != nil {
		return nil, err
	}
	variations := make(map[int]int, len(contents))
	for _, content := range contents {
		variations[content.Number] = content.Variation
	}
	events := make([]event.Event, len(rows))
	for i, row := range rows {
		events[i] = event.Event{
			ID: eventID(kind.EventSent, r.ID, row.ContactID, row.Token), Kind: kind.EventSent,
			CampaignID: r.CampaignID, ContactID: row.ContactID, At: now.Format(time.RFC3339Nano),
			Sent: &event.Sent{
				RunID: r.ID, Variation: int64(variations[int(row.Content)]), SubscriberID: row.SubscriberID,
			},
		}
	}
	return events, nil
}
