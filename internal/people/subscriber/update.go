package subscriber

import (
	"cmp"
	"context"
	"slices"
	"time"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Patch is a partial update of a subscriber; a nil field stays unchanged.
type Patch struct {
	// Email is the new address, as in Subscription. The subscription moves to the contact of that
	// address; the events stay with the old one.
	Email *string
	// Status is the new state. SubscriberSubscribed confirms a pending person, whose address then
	// counts as deliverable, and subscribes an unsubscribed person again. SubscriberUnsubscribed
	// unsubscribes the person. SubscriberPending is not allowed: only a subscription to a list with
	// double opt-in sets it.
	Status *kind.SubscriberStatus
	// Bounce is the new deliverability of the person, on every list. kind.BounceNone makes a person
	// with a hard bounce reachable again.
	Bounce *kind.BounceType
	// SubscribedAt and OptedInAt are the dates; the zero time clears one. They take precedence over
	// the dates that Status sets.
	SubscribedAt, OptedInAt *time.Time
	// Fields are values of custom fields, as in Subscription.
	Fields map[int64]string
}

// Update changes a subscriber as the patch says and returns it after the change. A subscriber that
// the caller does not have is NotFound, reason "subscriber_not_found". The id of a merged
// subscription stands for the one that stays. All faults of the patch are
// reported together: the faults of Subscribe; Invalid on status, reason
// "subscriber_status_invalid"; and Invalid on bounce, reason "subscriber_bounce_invalid". An
// address that is already on the list is a Conflict on email, reason "subscriber_exists".
func (s *Service) Update(ctx context.Context, id int64, p Patch) (*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var updated *ent.Subscriber
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		present, err := s.lockWithContacts(ctx, nil, []int64{id}, p.Email)
		if err != nil {
			return err
		}
		if present[id] == nil {
			return apperr.NotFoundf("subscriber")
		}
		if err := s.apply(ctx, present[id], p); err != nil {
			return err
		}
		updated, err = s.db.Client(ctx).Subscriber.Get(ctx, present[id].ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

func (s *Service) apply(ctx context.Context, present *ent.Subscriber, p Patch) error {
	var faults apperr.Faults
	update := s.db.Client(ctx).Subscriber.Update().Where(entsubscriber.ID(present.ID))
	var moved address.Address
	if p.Email != nil {
		moved = readAddress(&faults, *p.Email)
	}
	s.move(&faults, update, present.Status, &p)
	if p.Bounce != nil && (entsubscriber.BounceValidator(*p.Bounce) != nil || *p.Bounce == kind.BounceInvalid) {
		faults.Add(apperr.InvalidField("bounce", apperr.ReasonSubscriberBounceInvalid, "is not a known kind of bounce"))
	}
	setInstant(p.SubscribedAt, update.SetSubscribedAt, update.ClearSubscribedAt)
	setInstant(p.OptedInAt, update.SetOptedInAt, update.ClearOptedInAt)
	values, err := s.valuesFor(ctx, present, p.Fields)
	faults.Add(err)
	if err := faults.Err(); err != nil {
		return err
	}
	contact, err := s.moveTo(ctx, update, present, moved)
	if err != nil {
		return err
	}
	if m := update.Mutation(); len(m.Fields())+len(m.ClearedFields()) > 0 {
		if _, err := update.Save(ctx); store.IsDuplicate(err) {
			return exists()
		} else if err != nil {
			return err
		}
	}
	if contact.ID != present.ContactID {
		if err := s.contacts.Copy(ctx, []int64{contact.ID}, contact.Deliverability); err != nil {
			return err
		}
		if err := s.contacts.Moved(ctx, present.ID, present.ContactID); err != nil {
			return err
		}
		if err := s.forgetFindings(ctx, []int64{present.ID}); err != nil {
			return err
		}
	}
	confirmed := p.Status != nil && *p.Status == kind.SubscriberSubscribed && present.Status == kind.SubscriberPending
	if p.Bounce == nil && confirmed {
		p.Bounce = new(kind.BounceNone)
	}
	if p.Bounce != nil {
		if err := s.contacts.SetDeliverability(ctx, contact.ID, *p.Bounce); err != nil {
			return err
		}
	}
	if err := s.writeValues(ctx, present.UserID, values); err != nil {
		return err
	}
	return s.holdFields(ctx, values)
}

// moveTo changes the address of a subscription, if there is a new one: it moves the subscription to
// the contact of that address. It returns the contact to which the subscription then belongs, with
// id and deliverability.
func (s *Service) moveTo(
	ctx context.Context, update *ent.SubscriberUpdate, present *ent.Subscriber, to address.Address,
) (*ent.Contact, error) {
	same := &ent.Contact{ID: present.ContactID, Deliverability: present.Bounce}
	switch to.Key {
	case "":
		return same, nil
	case present.EmailKey:
		update.SetEmail(to.Text)
		return same, s.contacts.Rename(ctx, present.ContactID, to.Text)
	}
	entered, err := s.contacts.Enter(ctx, present.UserID, []address.Address{to})
	if err != nil {
		return nil, err
	}
	contact := entered[to.Key]
	update.SetContactID(contact.ID).SetEmail(to.Text).SetEmailKey(to.Key)
	return contact, nil
}

// move changes the state of a person, and sets the dates of the new state unless the patch sets
// them.
func (s *Service) move(faults *apperr.Faults, update *ent.SubscriberUpdate, from kind.SubscriberStatus, p *Patch) {
	if p.Status == nil || *p.Status == from {
		return
	}
	now := store.Truncate(s.now())
	switch *p.Status {
	case kind.SubscriberSubscribed:
		update.SetStatus(*p.Status).ClearUnsubscribedAt()
		if from == kind.SubscriberPending {
			p.OptedInAt = cmp.Or(p.OptedInAt, &now)
		} else {
			p.SubscribedAt, p.OptedInAt = cmp.Or(p.SubscribedAt, &now), cmp.Or(p.OptedInAt, &time.Time{})
		}
	case kind.SubscriberUnsubscribed:
		update.SetStatus(*p.Status).SetUnsubscribedAt(now)
	default:
		faults.Add(apperr.InvalidField(
			"status", apperr.ReasonSubscriberStatusInvalid, "must be subscribed or unsubscribed",
		))
	}
}

func setInstant(at *time.Time, set func(time.Time) *ent.SubscriberUpdate, clear func() *ent.SubscriberUpdate) {
	switch {
	case at == nil:
	case at.IsZero():
		clear()
	default:
		set(store.Truncate(*at))
	}
}

// valuesFor parses values for the custom fields of the list that a person is on.
func (s *Service) valuesFor(ctx context.Context, of *ent.Subscriber, given map[int64]string) ([]personValue, error) {
	if len(given) == 0 {
		return nil, nil
	}
	fields, err := s.fields(ctx, &ent.SubscriberList{ID: of.ListID, UserID: of.UserID})
	if err != nil {
		return nil, err
	}
	read, err := readValues(fields, given, false)
	values := make([]personValue, len(read))
	for i, v := range read {
		values[i] = personValue{of.ID, v}
	}
	return values, err
}

// ByIDs returns the subscribers with the given ids, in one statement per 5,000 ids. An id that the
// caller does not have is absent. The id of a merged subscription has the one that stays; only if
// ids are missing, two more statements look for such. Without columns it selects all columns.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return finding(ctx, s, ids, func(ids []int64) (map[int64]*ent.Subscriber, error) {
		return store.ByIDs(
			ctx, ids, columns, func(row *ent.Subscriber) int64 { return row.ID },
			func(some ...int64) *ent.SubscriberQuery {
				return s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.IDIn(some...))
			},
		)
	})
}

// lockWithContacts locks subscribers as lock does, and before them their contacts and the one with
// the address to which they are to move, if there is one.
func (s *Service) lockWithContacts(
	ctx context.Context, which []predicate.Subscriber, ids []int64, to *string, columns ...string,
) (map[int64]*ent.Subscriber, error) {
	seen, err := finding(ctx, s, ids, func(ids []int64) (map[int64]*ent.Subscriber, error) {
		return store.ByIDs(
			ctx, ids, []string{entsubscriber.FieldUserID, entsubscriber.FieldContactID},
			func(row *ent.Subscriber) int64 { return row.ID },
			func(some ...int64) *ent.SubscriberQuery {
				return s.db.Client(ctx).Subscriber.Query().
					Where(append(slices.Clone(which), entsubscriber.IDIn(some...))...)
			},
		)
	})
	if err != nil || len(seen) == 0 {
		return nil, err
	}
	contacts := make([]int64, 0, len(seen)+1)
	for _, row := range seen {
		contacts = append(contacts, row.ContactID)
		if to != nil {
			known, err := s.contacts.Known(ctx, row.UserID, address.Key(*to))
			if err != nil {
				return nil, err
			}
			contacts = append(contacts, known...)
		}
	}
	if _, err := s.contacts.Lock(ctx, contacts, entcontact.FieldID); err != nil {
		return nil, err
	}
	locked, err := s.lock(ctx, which, ids, columns...)
	if err != nil {
		return nil, err
	}
	for id, row := range locked {
		if before := seen[id]; before == nil || before.ContactID != row.ContactID {
			return nil, store.ErrStale
		}
	}
	return locked, nil
}

// lock locks subscribers in the running transaction, in the order of their ids, and returns them as
// ByIDs does. It leaves out those for which one of the conditions is false. There may be at most
// MaxRows ids.
func (s *Service) lock(
	ctx context.Context, which []predicate.Subscriber, ids []int64, columns ...string,
) (map[int64]*ent.Subscriber, error) {
	return finding(ctx, s, ids, func(ids []int64) (map[int64]*ent.Subscriber, error) {
		query := s.db.Client(ctx).Subscriber.Query().
			Where(append(slices.Clone(which), entsubscriber.IDIn(ids...))...).Order(entsubscriber.ByID())
		query.Modify(store.Lock)
		if len(columns) > 0 {
			query.Select(columns...)
		}
		rows, err := query.All(ctx)
		locked := make(map[int64]*ent.Subscriber, len(rows))
		for _, row := range rows {
			locked[row.ID] = row
		}
		return locked, err
	})
}
