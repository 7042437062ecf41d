package event

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// ContactDifference is a contact whose state did not match its events.
type ContactDifference struct {
	ContactID int64
	// Was is the state before the correction, Is the state after it.
	Was, Is contact.State
	// Subscriptions is how many subscriptions of the contact repeated another deliverability than Is.
	Subscriptions int
	owner         int64
	// undone says that the recorded bounces are not to count any more.
	undone bool
}

// String describes the difference in one line.
func (d ContactDifference) String() string {
	return fmt.Sprintf(
		"contact %d: was %s with %d soft bounces in a row, is %s with %d, on %d subscriptions", d.ContactID,
		d.Was.Deliverability, d.Was.SoftBounces, d.Is.Deliverability, d.Is.SoftBounces, d.Subscriptions,
	)
}

// RecountContacts counts the soft bounces in a row of every contact again, and decides anew whether
// mail can be delivered to it. It corrects the contacts that differ, calls tell with each, in the
// order of their ids, and returns how many contacts there are. What the events do not tell stays: an
// invalid address, a contact that its owner made undeliverable or that was before, and a soft bounce
// of which the owner told. Bounces from before contact.deliverable_since do not count.
//
// It may run while events are recorded: it compares in a snapshot, and then locks the contacts that
// differ there, and compares them again. The caller needs the scope admin.
func (s *Service) RecountContacts(ctx context.Context, tell func(ContactDifference) error) (contacts int, err error) {
	return s.eachContact(ctx, s.rebuilt, func(ctx context.Context, found []ContactDifference) error {
		return s.people.Mark(ctx, statesOf(found))
	}, tell)
}

func statesOf(found []ContactDifference) map[int64]contact.State {
	states := make(map[int64]contact.State, len(found))
	for _, d := range found {
		states[d.ContactID] = d.Is
	}
	return states
}

// rebuild returns the state that a contact should have, by its bounces. undone says that those are not
// to count any more.
type rebuild = func(c *ent.Contact, of bounces) (to contact.State, undone bool)

// rebuilt is the rebuild of a recount.
func (s *Service) rebuilt(c *ent.Contact, of bounces) (to contact.State, undone bool) {
	to = s.after(c, of.row)
	switch {
	case to.Deliverability == kind.BounceInvalid:
	case of.hard:
		to.Deliverability = kind.BounceHard
	case of.row == 0 && stateOf(c) == toldByOwner:
		to = toldByOwner
	}
	return to, false
}

// toldByOwner is the state of a contact whose owner told of a soft bounce.
var toldByOwner = contact.State{Deliverability: kind.BounceSoft, SoftBounces: 1}

// contactsAtOnce is how many contacts one query of a recount looks at.
const contactsAtOnce = 5000

// eachContact rebuilds the states of all contacts, in portions. write writes those that differ, in the
// transaction that holds the locks on them.
func (s *Service) eachContact(
	ctx context.Context, by rebuild, write func(context.Context, []ContactDifference) error,
	tell func(ContactDifference) error,
) (contacts int, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return 0, err
	}
	for after := int64(0); ; {
		ids, n, last, err := s.suspects(ctx, after)
		if err != nil || n == 0 {
			return contacts, err
		}
		for some := range slices.Chunk(ids, rowsAtOnce) {
			found, err := s.rebuildAll(ctx, some, by, write)
			if err != nil {
				return contacts, err
			}
			for _, d := range found {
				if err := tell(d); err != nil {
					return contacts, err
				}
			}
		}
		contacts, after = contacts+n, last
	}
}

// suspects returns those of the next n contacts after an id whose state may be wrong: they bounced,
// are in another state than new contacts, or have a subscription in another state.
func (s *Service) suspects(ctx context.Context, after int64) (ids []int64, n int, last int64, err error) {
	t := s.sql(ctx).Text()
	t.WriteString("SELECT c.id,c.soft_bounces<>0 OR c.deliverability<>")
	t.Value(string(kind.BounceNone))
	for _, what := range []kind.EventKind{kind.EventSoftBounced, kind.EventHardBounced} {
		t.WriteString(" OR EXISTS (SELECT 1 FROM events e WHERE e.contact_id=c.id AND e.kind=")
		t.Value(string(what))
		t.WriteString(")")
	}
	t.WriteString(" OR EXISTS (SELECT 1 FROM subscribers p WHERE p.contact_id=c.id AND p.bounce<>c.deliverability)")
	t.WriteString(" FROM contacts c WHERE c.id>")
	t.Value(after)
	t.WriteString(fmt.Sprintf(" ORDER BY c.id LIMIT %d", min(contactsAtOnce, s.recountedAtOnce)))
	err = s.sql(ctx).Query(ctx, t, func(rows store.Rows) error {
		var suspect bool
		err := rows.Scan(&last, &suspect)
		if n++; suspect {
			ids = append(ids, last)
		}
		return err
	})
	return ids, n, last, err
}

// rebuildAll rebuilds the states of contacts and returns those that differed.
func (s *Service) rebuildAll(
	ctx context.Context, ids []int64, by rebuild, write func(context.Context, []ContactDifference) error,
) (found []ContactDifference, err error) {
	err = s.db.Snapshot(ctx, func(ctx context.Context) error {
		read, err := s.db.Client(ctx).Contact.Query().Where(entcontact.IDIn(ids...)).Select(stateColumns...).All(ctx)
		if err != nil {
			return err
		}
		contacts := make(map[int64]*ent.Contact, len(read))
		for _, c := range read {
			contacts[c.ID] = c
		}
		found, err = s.differing(ctx, contacts, by)
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids = slices.Sorted(maps.Keys(statesOf(found)))
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		locked, err := s.people.Lock(ctx, ids, stateColumns...)
		if err != nil {
			return err
		}
		if found, err = s.differing(ctx, locked, by); err != nil {
			return err
		}
		return write(ctx, found)
	})
	return found, err
}

// stateColumns are the columns of contacts that say whether mail can be delivered to them.
var stateColumns = []string{
	entcontact.FieldID, entcontact.FieldUserID, entcontact.FieldDeliverability, entcontact.FieldSoftBounces,
	entcontact.FieldDeliverableSince,
}

// differing returns the contacts whose state is not the rebuilt one, in the order of their ids.
func (s *Service) differing(
	ctx context.Context, contacts map[int64]*ent.Contact, by rebuild,
) ([]ContactDifference, error) {
	ids := slices.Sorted(maps.Keys(contacts))
	if len(ids) == 0 {
		return nil, nil
	}
	of, err := s.sql(ctx).bouncesOf(ctx, ids, contacts)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Client(ctx).Subscriber.Query().
		Where(entsubscriber.ContactIDIn(ids...)).
		Select(entsubscriber.FieldContactID, entsubscriber.FieldBounce).
		All(ctx)
	if err != nil {
		return nil, err
	}
	subscriptions := map[int64][]kind.BounceType{}
	for _, p := range rows {
		subscriptions[p.ContactID] = append(subscriptions[p.ContactID], p.Bounce)
	}
	var found []ContactDifference
	for _, id := range ids {
		d := ContactDifference{ContactID: id, Was: stateOf(contacts[id]), owner: contacts[id].UserID}
		d.Is, d.undone = by(contacts[id], of[id])
		for _, repeated := range subscriptions[id] {
			if repeated != d.Is.Deliverability {
				d.Subscriptions++
			}
		}
		if d.Was != d.Is || d.undone || d.Subscriptions > 0 {
			found = append(found, d)
		}
	}
	return found, nil
}
