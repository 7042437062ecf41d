package subscriber

import (
	"cmp"
	"context"
	"time"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Patch names what a call changes of a person: nil leaves it alone.
type Patch struct {
	// Email is the new address, as in Subscription.
	Email *string
	// Status is the new state: SubscriberSubscribed confirms who is pending and lets who has left
	// enter again, SubscriberUnsubscribed takes the person off. Nobody is made pending: that is for
	// those who subscribe to a list with double opt-in.
	Status *kind.SubscriberStatus
	// Bounce says how mail came back: kind.BounceNone lets a person be written to again whose mail did for good.
	Bounce *kind.BounceType
	// SubscribedAt and OptedInAt are the dates; the zero time clears one. They outrank what Status would set.
	SubscribedAt, OptedInAt *time.Time
	// Fields are values of custom fields, as in Subscription.
	Fields map[int64]string
}

// Update changes what the patch names of a subscriber, and returns it as it is then. A subscriber
// that is not the caller's is NotFound, reason "subscriber_not_found". The faults of the patch are
// reported together, with those of Subscribe; and Invalid on status, reason
// "subscriber_status_invalid", and on bounce, reason "subscriber_bounce_invalid". An address that
// is on the list already is a Conflict on email, reason "subscriber_exists".
func (s *Service) Update(ctx context.Context, id int64, p Patch) (*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var updated *ent.Subscriber
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		query := s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.ID(id))
		query.Modify(store.Lock)
		present, err := query.Only(ctx)
		if ent.IsNotFound(err) {
			return apperr.NotFoundf("subscriber")
		}
		if err != nil {
			return err
		}
		if err := s.apply(ctx, present, p); err != nil {
			return err
		}
		updated, err = s.db.Client(ctx).Subscriber.Get(ctx, id)
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
	if p.Email != nil {
		email, key := readAddress(&faults, *p.Email)
		update.SetEmail(email).SetEmailKey(key).SetDomain(domainOf(key))
	}
	s.move(&faults, update, present.Status, &p)
	switch {
	case p.Bounce == nil:
	case entsubscriber.BounceValidator(*p.Bounce) != nil:
		faults.Add(apperr.InvalidField("bounce", apperr.ReasonSubscriberBounceInvalid, "is not a known kind of bounce"))
	default:
		update.SetBounce(*p.Bounce)
	}
	setInstant(p.SubscribedAt, update.SetSubscribedAt, update.ClearSubscribedAt)
	setInstant(p.OptedInAt, update.SetOptedInAt, update.ClearOptedInAt)
	values, err := s.valuesFor(ctx, present, p.Fields)
	faults.Add(err)
	if err := faults.Err(); err != nil {
		return err
	}
	if m := update.Mutation(); len(m.Fields())+len(m.ClearedFields()) > 0 {
		if _, err := update.Save(ctx); store.IsDuplicate(err) {
			return exists()
		} else if err != nil {
			return err
		}
	}
	if err := s.writeValues(ctx, present.UserID, values); err != nil {
		return err
	}
	return s.holdFields(ctx, values)
}

// move changes the state of a person, and sets the dates that go with it where the patch does not.
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
		faults.Add(
			apperr.InvalidField("status", apperr.ReasonSubscriberStatusInvalid, "must be subscribed or unsubscribed"),
		)
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

// valuesFor reads values for the custom fields of the list that a person is on.
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

// ByIDs returns the subscribers of the ids, in one statement for up to 5,000; an id that is not the
// caller's is absent. Without columns it selects all.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.Subscriber) int64 { return row.ID },
		func(some ...int64) *ent.SubscriberQuery {
			return s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.IDIn(some...))
		},
	)
}
