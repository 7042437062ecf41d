package sending

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"campaignql/ent"
	"campaignql/ent/runrecipient"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/store"
)

// maxReply is the longest text of a reply that is kept, in characters.
const maxReply = 250

// waits are the times from one attempt to the next. The last one repeats.
var waits = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// waitAfter returns the time until the next attempt, give or take a fifth, so that the messages of a
// burst do not come back together.
func waitAfter(attempts int16) time.Duration {
	wait := waits[min(max(int(attempts), 1), len(waits))-1]
	return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
}

// result is the outcome of one attempt.
type result struct {
	recipient
	outcome mailer.Outcome
}

// change is what an outcome makes of a recipient.
type change struct {
	state    kind.RecipientState
	attempts int16
	due      *time.Time
	// events are the kinds of the events that it causes.
	events []kind.EventKind
}

// changeOf returns what an outcome makes of a recipient who was begun for the first time at since.
func changeOf(r result, since, now time.Time, giveUp time.Duration) change {
	switch r.outcome.Kind {
	case mailer.Accepted:
		return change{state: kind.RecipientSent, attempts: r.attempts, events: []kind.EventKind{kind.EventSent}}
	case mailer.Refused:
		events := []kind.EventKind{kind.EventFailed}
		if r.outcome.HardBounce() {
			events = append(events, kind.EventHardBounced)
		}
		return change{state: kind.RecipientFailed, attempts: r.attempts, events: events}
	case mailer.Deferred:
		return later(r, since, now, giveUp)
	case mailer.NotHandedOver:
		if brokeOn(r.outcome) {
			return later(r, since, now, giveUp)
		}
		// Certainly not handed over, and not the recipient's fault: the attempt does not count.
		return change{state: kind.RecipientPending, attempts: r.attempts - 1}
	default:
		return change{state: kind.RecipientUnknown, attempts: r.attempts}
	}
}

// later plans the next attempt, or gives up.
func later(r result, since, now time.Time, giveUp time.Duration) change {
	due := now.Add(waitAfter(r.attempts))
	if due.Sub(since) > giveUp {
		return change{state: kind.RecipientFailed, attempts: r.attempts, events: []kind.EventKind{kind.EventFailed}}
	}
	return change{state: kind.RecipientDeferred, attempts: r.attempts, due: &due}
}

// brokeOn reports whether the connection broke while this very message was handed over. The message
// may be the reason, so the attempt counts: otherwise it would be tried without end.
func brokeOn(o mailer.Outcome) bool {
	return o.Blame == mailer.BlameServer &&
		(o.Step == mailer.StepRcpt || o.Step == mailer.StepData || o.Step == mailer.StepBody)
}

// settle writes down the outcomes of a burst, with their events. An outcome counts by the token of its
// attempt, also if the batch was lost meanwhile: a late proof makes an unknown recipient sent.
func (s *Service) settle(
	ctx context.Context, c *claim, recording *event.Recording, done []result, now time.Time, changes counts,
) error {
	if len(done) == 0 {
		return nil
	}
	rows, err := s.lockRecipients(ctx, c.id, done)
	if err != nil {
		return err
	}
	var write [][]any
	var events []event.Event
	for _, r := range done {
		row := rows[r.contact]
		if row == nil || row.Token != r.token || row.State != kind.RecipientBegun && row.State != kind.RecipientUnknown {
			continue // deleted, or begun anew
		}
		since := now
		if row.BegunAt != nil {
			since = *row.BegunAt
		}
		to := changeOf(r, since, now, s.GiveUp)
		if row.State == kind.RecipientUnknown && to.state != kind.RecipientSent && to.state != kind.RecipientFailed {
			continue // it stays unknown: its owner decides
		}
		changes.move(row.State, to.state, 1)
		write = append(write, settledRow(r, to, now))
		events = append(events, eventsOf(c, r, to, now)...)
	}
	if err := s.Events.RecordWithin(ctx, recording, events); err != nil || len(write) == 0 {
		return err
	}
	columns := []string{
		"state", "trouble", "attempts", "due_at", "reply_code", "enhanced_code", "reply", "settled_at",
	}
	return s.changeRows(ctx, c.id, columns, write, func(*store.Text) {})
}

// lockRecipients locks the recipients of results and returns them by contact.
func (s *Service) lockRecipients(
	ctx context.Context, runID int64, done []result,
) (map[int64]*ent.RunRecipient, error) {
	ids := make([]int64, len(done))
	for i, r := range done {
		ids[i] = r.contact
	}
	query := s.db.Client(ctx).RunRecipient.Query().
		Where(runrecipient.RunID(runID), runrecipient.ContactIDIn(ids...)).
		Order(ent.Asc(runrecipient.FieldContactID))
	query.Modify(store.Lock)
	found, err := query.Select(
		runrecipient.FieldContactID, runrecipient.FieldState, runrecipient.FieldToken, runrecipient.FieldBegunAt,
	).All(ctx)
	rows := make(map[int64]*ent.RunRecipient, len(found))
	for _, row := range found {
		rows[row.ContactID] = row
	}
	return rows, err
}

// settledRow returns the values of the columns that settle writes.
func settledRow(r result, to change, now time.Time) []any {
	var trouble, due any
	switch to.state {
	case kind.RecipientDeferred, kind.RecipientFailed, kind.RecipientUnknown:
		trouble = string(to.state)
	}
	if to.due != nil {
		due = *to.due
	}
	o := r.outcome
	return []any{
		r.contact, string(to.state), trouble, int64(to.attempts), due, int64(o.Code), o.Enhanced,
		kind.Cut(kind.Clean(o.Text), maxReply), now,
	}
}

// eventID is the id of an event of an attempt. It names the run, the contact and the attempt by its
// token, so that none is recorded twice: attempts are counted anew when the owner retries.
func eventID(what kind.EventKind, runID, contact, attempt int64) string {
	return fmt.Sprintf("%s/%d/%d/%d", what, runID, contact, attempt)
}

// failedIDs are the ids that the event of a failed recipient may have: formerly they had the number of
// the attempt.
func failedIDs(r run, row *ent.RunRecipient) []string {
	return []string{
		eventID(kind.EventFailed, r.id, row.ContactID, row.Token),
		eventID(kind.EventFailed, r.id, row.ContactID, int64(row.Attempts)),
	}
}

// eventsOf returns the events of an outcome.
func eventsOf(c *claim, r result, to change, now time.Time) []event.Event {
	out := make([]event.Event, len(to.events))
	for i, what := range to.events {
		out[i] = event.Event{
			ID: eventID(what, c.id, r.contact, r.token), Kind: what, CampaignID: c.campaign, ContactID: r.contact,
			At: now.Format(time.RFC3339Nano),
			Sent: &event.Sent{
				RunID: c.id, Variation: int64(r.content.variation), SubscriberID: r.subscriber,
			},
		}
		if what != kind.EventSent {
			out[i].Reason = r.outcome.String()
		}
	}
	return out
}
