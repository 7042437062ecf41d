package contact

import (
	"context"
	"maps"
	"slices"
	"time"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	entevent "campaignql/ent/event"
	entsubscriber "campaignql/ent/subscriber"
	entsuppression "campaignql/ent/suppression"
	"campaignql/internal/kind"
	"campaignql/internal/store"

	"entgo.io/ent/dialect/sql"
)

// State says whether mail can be delivered to a contact.
type State struct {
	Deliverability kind.BounceType
	// SoftBounces is the number of campaigns in a row that ended in a soft bounce.
	SoftBounces int64
}

// markedAtOnce is the number of contacts per statement of Mark. Thousands of UNION parts are slow
// to plan.
const markedAtOnce = 500

// Mark changes the state of contacts because of events. The caller must have locked the contacts in
// the running transaction. Mark runs up to three statements per 500 contacts.
func (s *Service) Mark(ctx context.Context, states map[int64]State) error {
	alike := map[kind.BounceType][]int64{}
	columns := []string{entcontact.FieldDeliverability, entcontact.FieldSoftBounces}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(states)), markedAtOnce) {
		rows := make([][]any, len(some))
		for i, id := range some {
			state := states[id]
			rows[i] = []any{id, string(state.Deliverability), state.SoftBounces}
			alike[state.Deliverability] = append(alike[state.Deliverability], id)
		}
		if err := s.db.Raw(ctx).Change(ctx, entcontact.Table, columns, rows); err != nil {
			return err
		}
	}
	for _, to := range slices.Sorted(maps.Keys(alike)) {
		if err := s.Copy(ctx, alike[to], to); err != nil {
			return err
		}
	}
	return nil
}

// Copy repeats the deliverability of locked contacts in their subscriptions, in the running
// transaction.
func (s *Service) Copy(ctx context.Context, ids []int64, to kind.BounceType) error {
	for some := range slices.Chunk(ids, atOnce) {
		err := s.db.Client(ctx).Subscriber.Update().
			Where(entsubscriber.ContactIDIn(some...), entsubscriber.BounceNEQ(to)).
			SetBounce(to).
			Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// MaxClockSkew is how late the clocks of those may be who report bounces. A bounce counts if it is
// from after contacts.deliverable_since, or from this time before.
const MaxClockSkew = 5 * time.Minute

// SetDeliverability sets the deliverability of a contact because its owner says so, or because the
// person confirmed a subscription. It runs in the running transaction. kind.BounceNone makes the
// contact reachable again, and so does kind.BounceSoft after a hard bounce: the bounces that are
// recorded no longer count then. A contact whose address is invalid stays so.
func (s *Service) SetDeliverability(ctx context.Context, contactID int64, to kind.BounceType) error {
	columns := []string{entcontact.FieldDeliverability, entcontact.FieldSoftBounces}
	locked, err := s.Lock(ctx, []int64{contactID}, columns...)
	if err != nil {
		return err
	}
	present := locked[contactID]
	if present == nil || present.Deliverability == kind.BounceInvalid {
		return nil
	}
	if to == kind.BounceNone {
		return s.Confirmed(ctx, map[int64]time.Time{contactID: {}})
	}
	update := s.db.Client(ctx).Contact.Update().Where(entcontact.ID(contactID)).SetDeliverability(to)
	switch {
	case to == kind.BounceSoft && present.Deliverability == kind.BounceHard:
		last, err := s.lastBounces(ctx, []int64{contactID})
		if err != nil {
			return err
		}
		update.SetSoftBounces(1).SetDeliverableSince(s.after(last)(contactID))
	case to == kind.BounceSoft:
		update.SetSoftBounces(max(1, present.SoftBounces))
	}
	if err := update.Exec(ctx); err != nil {
		return err
	}
	return s.Copy(ctx, []int64{contactID}, to)
}

// Confirmed makes locked contacts reachable again, each because of a confirmation at an instant; the
// zero time is now. The bounces that are recorded no longer count. A confirmation that is not later
// than the last bounce that counts changes nothing, and neither does one of a contact whose address
// is invalid. Confirmed runs four statements per 500 contacts.
func (s *Service) Confirmed(ctx context.Context, when map[int64]time.Time) error {
	columns := []string{
		entcontact.FieldDeliverability, entcontact.FieldSoftBounces, entcontact.FieldDeliverableSince,
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(when)), markedAtOnce) {
		// A locking read, because a plain read in a transaction that has read before the lock may not see
		// the contact of now.
		locked, err := s.Lock(
			ctx, some, entcontact.FieldID, entcontact.FieldDeliverability, entcontact.FieldDeliverableSince,
		)
		if err != nil {
			return err
		}
		last, err := s.lastBounces(ctx, some)
		if err != nil {
			return err
		}
		maps.DeleteFunc(locked, func(id int64, c *ent.Contact) bool {
			return c.Deliverability == kind.BounceInvalid || !when[id].IsZero() && bouncedSince(c, last, when[id])
		})
		valid, since := slices.Sorted(maps.Keys(locked)), s.after(last)
		rows := make([][]any, len(valid))
		for i, id := range valid {
			rows[i] = []any{id, string(kind.BounceNone), int64(0), since(id)}
		}
		if err := s.db.Raw(ctx).Change(ctx, entcontact.Table, columns, rows); err != nil {
			return err
		}
		if err := s.Copy(ctx, valid, kind.BounceNone); err != nil {
			return err
		}
	}
	return nil
}

// lastBounces returns the instant of the last bounce of each of some locked contacts that has one.
// One entry of an index answers for each contact and kind, however many bounces there are.
func (s *Service) lastBounces(ctx context.Context, ids []int64) (map[int64]time.Time, error) {
	last := make(map[int64]time.Time, len(ids))
	if len(ids) == 0 {
		return last, nil
	}
	raw := s.db.Raw(ctx)
	t := raw.Text()
	// Locking reads, because a plain read in a transaction that has read before the lock would not see
	// bounces recorded since.
	lock := raw.Share()
	newest := func(what kind.EventKind) string {
		return "(SELECT e.at FROM events e WHERE e.contact_id=c.id AND e.kind='" + string(what) +
			"' ORDER BY e.at DESC LIMIT 1" + lock + ")"
	}
	t.WriteString("SELECT c.id," + newest(kind.EventSoftBounced) + "," + newest(kind.EventHardBounced) +
		" FROM contacts c WHERE c.id IN (")
	t.List(store.Args(ids))
	t.WriteString(")" + lock)
	err := raw.Query(ctx, t, func(rows store.Rows) error {
		var id int64
		var soft, hard store.Instant
		if err := rows.Scan(&id, &soft, &hard); err != nil {
			return err
		}
		at := soft.Time
		if hard.After(at) {
			at = hard.Time
		}
		if !at.IsZero() {
			last[id] = at
		}
		return nil
	})
	return last, err
}

// bouncedSince reports whether the last bounce of a contact counts, and is not from before an instant.
func bouncedSince(c *ent.Contact, last map[int64]time.Time, at time.Time) bool {
	bounced, ever := last[c.ID]
	counts := c.DeliverableSince == nil || !bounced.Add(MaxClockSkew).Before(*c.DeliverableSince)
	return ever && counts && !bounced.Before(at)
}

// after returns, for a contact, the earliest instant from now on for which its last bounce does not
// count, despite MaxClockSkew.
func (s *Service) after(last map[int64]time.Time) func(contactID int64) time.Time {
	now := store.Truncate(s.now())
	return func(contactID int64) time.Time {
		if counts := last[contactID].Add(MaxClockSkew); !counts.Before(now) {
			return counts.Add(time.Microsecond)
		}
		return now
	}
}

// Rename shows the address of a contact in another spelling.
func (s *Service) Rename(ctx context.Context, contactID int64, email string) error {
	return s.db.Client(ctx).Contact.Update().Where(entcontact.ID(contactID)).SetEmail(email).Exec(ctx)
}

// Drop deletes, in the running transaction, those of the contacts that nothing remembers: no
// subscription, no event, no suppression and no bounce. A subscription on a list that waits to be
// purged counts too. That an address is invalid follows from the address, and a number without an
// address is remembered by its events alone.
func (s *Service) Drop(ctx context.Context, ids []int64) error {
	for some := range slices.Chunk(store.Distinct(ids), atOnce) {
		_, err := s.db.Client(ctx).Contact.Delete().
			Where(
				entcontact.IDIn(some...),
				entcontact.Or(
					entcontact.DeliverabilityIn(kind.BounceNone, kind.BounceInvalid), entcontact.EmailKeyIsNil(),
				),
				unless(entsubscriber.Table, entsubscriber.FieldContactID),
				unless(entevent.Table, entevent.FieldContactID), unlessSuppressed,
			).
			Exec(ctx)
		if err != nil {
			return err
		}
		if err := s.dropFormer(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// Released is Drop for the contacts of an account with addresses that are not suppressed any more.
func (s *Service) Released(ctx context.Context, ownerID int64, keys []string) error {
	for some := range slices.Chunk(keys, atOnce) {
		ids, err := s.db.Client(ctx).Contact.Query().
			Where(entcontact.UserID(ownerID), entcontact.EmailKeyIn(some...)).
			IDs(ctx)
		if err != nil {
			return err
		}
		if err := s.Drop(ctx, ids); err != nil {
			return err
		}
	}
	return nil
}

// unless is true for contacts without a row in a table that names its contact by a column.
func unless(table, column string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		rows := sql.Table(table)
		s.Where(sql.NotExists(sql.Select(rows.C(column)).From(rows).
			Where(sql.ColumnsEQ(rows.C(column), s.C(entcontact.FieldID)))))
	}
}

func unlessSuppressed(s *sql.Selector) { s.Where(sql.Not(suppressed(s))) }

// Suppressed selects contacts whose address is on the suppression list of their account.
func Suppressed(s *sql.Selector) { s.Where(suppressed(s)) }

// suppressed is true for contacts whose address is on the suppression list of their account.
func suppressed(s *sql.Selector) *sql.Predicate {
	list := sql.Table(entsuppression.Table)
	return sql.Exists(sql.Select(list.C(entsuppression.FieldID)).From(list).Where(sql.And(
		sql.ColumnsEQ(list.C(entsuppression.FieldUserID), s.C(entcontact.FieldUserID)),
		sql.ColumnsEQ(list.C(entsuppression.FieldEmailKey), s.C(entcontact.FieldEmailKey)),
	)))
}
