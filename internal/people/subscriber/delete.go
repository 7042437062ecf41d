package subscriber

import (
	"context"
	"maps"
	"slices"

	"campaignql/ent/fieldvalue"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/label"
	"campaignql/internal/store"
)

// Delete deletes subscriptions with the values of their custom fields and their tags, all or
// nothing. The contacts, their events and their suppressions stay; a contact that nothing else
// remembers goes too. The events keep the ids of the subscriptions, which no other subscription
// gets. Delete returns the ids that it deleted, in ascending order, and ignores ids that the caller
// does not have. The id of a merged subscription stands for the one that stays, which is deleted
// and returned. More than MaxRows ids are Invalid on ids, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxRows {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxRows,
		)
	}
	return s.deleteSome(ctx, nil, ids)
}

// Removal selects people of one list for DeleteFrom. At least one of IDs and Rules is given; with
// both, a person must be among IDs and match Rules.
type Removal struct {
	ListID int64
	// IDs are ids of subscribers. nil means that they are not given.
	IDs []int64
	// Rules are rules as rules.ParseListRules reads them, joined by Operator. A person may match in
	// any state. A blank text means that they are not given.
	Rules, Operator string
	// Suppressed keeps only people whose address is on the account's suppression list.
	Suppressed bool
}

const (
	// deletedAtOnce is the number of people whom one transaction of DeleteFrom deletes.
	deletedAtOnce = 500
	// selectedAtOnce is the number of people whose ids are read at once, 8 bytes each.
	selectedAtOnce = 100_000
)

// DeleteFrom deletes people from a list (legacy Subscribers.Delete), each as Delete does, and
// returns how many. It ignores ids that are not on the list. There may be very many people:
// DeleteFrom deletes 500 in a transaction. If it returns an error, those of the committed
// transactions are deleted, and the same call deletes the others. Days in the rules count back from
// the beginning of the call. A person who no longer matches when their turn comes stays.
//
// A list of another account is NotFound, reason "list_not_found". The other faults are on the field
// rules, before anybody is deleted: Invalid, reason "audience_invalid", if the rules cannot be read,
// if there is none, or if a value does not fit its field; NotFound, reason "audience_not_found", if
// they name something that the account does not have; and Invalid, reason "audience_too_large".
func (s *Service) DeleteFrom(ctx context.Context, in Removal) (deleted int, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return 0, err
	}
	which, err := s.removal(ctx, in)
	if err != nil {
		return 0, err
	}
	remove := func(ids []int64) error {
		for some := range slices.Chunk(ids, deletedAtOnce) {
			gone, err := s.deleteSome(ctx, which, some)
			deleted += len(gone)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if in.IDs != nil {
		return deleted, remove(store.Distinct(in.IDs))
	}
	for after, more := int64(0), true; more; {
		ids, err := s.matching(ctx, which, after)
		if err != nil {
			return deleted, err
		}
		if err := remove(ids); err != nil {
			return deleted, err
		}
		if more = len(ids) == selectedAtOnce; more {
			after = ids[len(ids)-1]
		}
	}
	return deleted, nil
}

// removal returns the conditions of a removal, without its ids.
func (s *Service) removal(ctx context.Context, in Removal) ([]predicate.Subscriber, error) {
	list, err := s.list(ctx, in.ListID)
	if err != nil {
		return nil, store.Translate(err)
	}
	filter := Filter{ListID: list.ID}
	if in.Suppressed {
		filter.Suppressed = &in.Suppressed
	}
	if in.IDs == nil || in.Rules != "" {
		group, err := rules.ParseListRules([]byte(in.Rules), in.Operator)
		if err != nil {
			return nil, err
		}
		if filter.rules, err = s.rules.Matching(ctx, list, group); err != nil {
			return nil, err
		}
	}
	return filter.predicates(), nil
}

// matching returns ids of people above after, in ascending order.
func (s *Service) matching(ctx context.Context, which []predicate.Subscriber, after int64) ([]int64, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) ([]int64, error) {
		ids, err := s.db.Client(ctx).Subscriber.Query().
			Where(append(slices.Clone(which), entsubscriber.IDGT(after))...).
			Order(entsubscriber.ByID()).Limit(selectedAtOnce).IDs(ctx)
		return ids, store.Translate(err)
	})
}

// deleteSome deletes those subscribers for whom the conditions are true, in one transaction, and
// returns their ids in ascending order.
func (s *Service) deleteSome(
	ctx context.Context, which []predicate.Subscriber, ids []int64,
) (deleted []int64, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		found, err := s.lockWithContacts(ctx, which, ids, nil, entsubscriber.FieldID, entsubscriber.FieldContactID)
		if err != nil {
			return err
		}
		contacts := make(map[int64]int64, len(found))
		for _, row := range found {
			contacts[row.ID] = row.ContactID // a row stands for each of its ids
		}
		deleted = slices.Sorted(maps.Keys(contacts))
		return s.remove(ctx, deleted, slices.Collect(maps.Values(contacts)))
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}

// remove deletes locked subscriptions with everything of them, and those of the locked contacts that
// nothing else remembers. There may be at most MaxRows.
func (s *Service) remove(ctx context.Context, ids, contacts []int64) error {
	if len(ids) == 0 {
		return nil
	}
	client := s.db.Client(ctx)
	if _, err := client.FieldValue.Delete().Where(fieldvalue.SubscriberIDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if err := label.DeleteOf(ctx, s.db, ids); err != nil {
		return err
	}
	if err := s.forgetMerged(ctx, ids); err != nil {
		return err
	}
	if _, err := contact.DeleteFormer(ctx, s.db, ids); err != nil {
		return err
	}
	if _, err := client.Subscriber.Delete().Where(entsubscriber.IDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	return s.contacts.Drop(ctx, contacts)
}
