package label

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	entag "campaignql/ent/subscribertag"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// maxPairs is the upper bound of people times tags in one call.
const maxPairs = 100_000

// Assign adds each of the tags to each of the people, in one transaction. A missing tag or person
// is NotFound on the field tagIds or subscriberIds, and nothing is written. The same happens if the
// ids belong to several accounts, which is possible only for an admin. Adding a tag again is a
// no-op. More than 100,000 pairs are Invalid on subscriberIds, reason "too_many_ids".
func (s *Service) Assign(ctx context.Context, subscriberIDs, tagIDs []int64) error {
	return s.pair(ctx, subscriberIDs, tagIDs, func(ctx context.Context, owner int64, people, tags []int64) error {
		client := s.db.Client(ctx)
		rows := make([]*ent.SubscriberTaggingCreate, 0, len(people)*len(tags))
		for _, person := range people {
			for _, tag := range tags {
				rows = append(rows, client.SubscriberTagging.Create().
					SetUserID(owner).SetSubscriberID(person).SetSubscriberTagID(tag))
			}
		}
		for some := range slices.Chunk(rows, batch) {
			// MySQL does not support DoNothing, so this uses Ignore.
			err := client.SubscriberTagging.CreateBulk(some...).
				OnConflictColumns(subscribertagging.FieldSubscriberID, subscribertagging.FieldSubscriberTagID).
				Ignore().Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Unassign removes each of the tags from each of the people. It returns the errors of Assign.
func (s *Service) Unassign(ctx context.Context, subscriberIDs, tagIDs []int64) error {
	return s.pair(ctx, subscriberIDs, tagIDs, func(ctx context.Context, _ int64, people, tags []int64) error {
		for some := range slices.Chunk(people, batch) {
			_, err := s.db.Client(ctx).SubscriberTagging.Delete().
				Where(subscribertagging.SubscriberTagIDIn(tags...), subscribertagging.SubscriberIDIn(some...)).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteOf deletes the taggings of people who are being deleted, in the running transaction.
func DeleteOf(ctx context.Context, db *store.Store, subscriberIDs []int64) error {
	_, err := db.Client(ctx).SubscriberTagging.Delete().
		Where(subscribertagging.SubscriberIDIn(subscriberIDs...)).
		Exec(ctx)
	return err
}

// pair checks and locks the people and the tags, and calls write with their common owner.
func (s *Service) pair(
	ctx context.Context, subscriberIDs, tagIDs []int64,
	write func(ctx context.Context, owner int64, people, tags []int64) error,
) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	people, tags := store.Distinct(subscriberIDs), store.Distinct(tagIDs)
	if len(people)*len(tags) > maxPairs || len(tags) > batch || len(people) > maxPairs {
		return apperr.InvalidField(
			"subscriberIds", apperr.ReasonTooManyIDs, "at most %d tags on people in one call", maxPairs,
		)
	}
	if len(people) == 0 || len(tags) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		owner, err := s.lockTags(ctx, tags)
		if err != nil {
			return err
		}
		locked, err := s.lockPeople(ctx, owner, people)
		if err == nil && len(locked) < len(people) {
			locked, err = s.lockSurvivors(ctx, owner, people, locked)
		}
		if err != nil {
			return err
		}
		return write(ctx, owner, locked, tags)
	})
}

// lockPeople locks those of the people that the account has, and returns their ids.
func (s *Service) lockPeople(ctx context.Context, owner int64, people []int64) (locked []int64, err error) {
	for some := range slices.Chunk(people, batch) {
		query := s.db.Client(ctx).
			Subscriber.Query().
			Where(entsubscriber.IDIn(some...), entsubscriber.UserID(owner)).
			Order(entsubscriber.ByID())
		query.Modify(store.Lock)
		found, err := query.IDs(ctx)
		if err != nil {
			return nil, err
		}
		locked = append(locked, found...)
	}
	return locked, nil
}

// lockSurvivors locks the people who stay of those that were merged, and returns the ids of all. It
// returns NotFound if others than merged ones are missing.
func (s *Service) lockSurvivors(ctx context.Context, owner int64, people, locked []int64) ([]int64, error) {
	missing := slices.DeleteFunc(slices.Clone(people), func(id int64) bool {
		_, found := slices.BinarySearch(locked, id)
		return found
	})
	survivors, err := s.survivors(ctx, missing)
	if err != nil {
		return nil, err
	}
	stay := store.Distinct(slices.Collect(maps.Values(survivors)))
	more, err := s.lockPeople(ctx, owner, stay)
	if err != nil {
		return nil, err
	}
	if len(survivors) < len(missing) || len(more) < len(stay) {
		none := apperr.NotFoundf("subscriber")
		none.Field = "subscriberIds"
		return nil, none
	}
	return store.Distinct(append(locked, more...)), nil
}

// lockTags locks the tags and returns their owner.
func (s *Service) lockTags(ctx context.Context, ids []int64) (owner int64, err error) {
	query := s.db.Client(ctx).SubscriberTag.Query().Where(entag.IDIn(ids...)).Order(entag.ByID())
	query.Modify(store.Lock)
	found, err := query.Select(entag.FieldID, entag.FieldUserID).All(ctx)
	if err != nil {
		return 0, err
	}
	if len(found) < len(ids) ||
		slices.ContainsFunc(found, func(t *ent.SubscriberTag) bool { return t.UserID != found[0].UserID }) {
		missing := notFound()
		missing.Field = "tagIds"
		return 0, missing
	}
	return found[0].UserID, nil
}

// Delete deletes tags and removes them from all people, all or nothing, and returns the ids that it
// deleted, in ascending order. It silently ignores ids that the caller does not have. If the rules
// of a segment, or the audience of a campaign that can still be sent, name one of the tags, Delete
// returns Conflict on the field ids, reason "subscriber_tag_in_use", and deletes nothing. More than
// 5,000 ids are Invalid on ids, reason "too_many_ids". After Delete returns, the tags are no longer
// visible on anybody and cannot be added to anybody. Package purge deletes the taggings later, so
// that the cost of Delete does not depend on the number of people.
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > batch {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), batch,
		)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		client := s.db.Client(ctx)
		// The tags are locked first, so that no concurrent request adds them to rules.
		query := client.SubscriberTag.Query().Where(entag.IDIn(ids...)).Order(entag.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(entag.FieldID, entag.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		var owners []int64
		for _, t := range found {
			deleted = append(deleted, t.ID)
			owners = append(owners, t.UserID)
		}
		switch id, by, err := s.named(ctx, store.Distinct(owners), deleted); {
		case err != nil:
			return err
		case id != 0:
			return &apperr.Error{
				Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonSubscriberTagInUse,
				Message: fmt.Sprintf("subscriber tag %d is in the rules of %s", id, by),
			}
		}
		if _, err := client.SubscriberTag.Delete().Where(entag.IDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		left := make([]purge.Left, len(found))
		for i, t := range found {
			left[i] = purge.Left{OwnerID: t.UserID, ID: t.ID}
		}
		return s.purges.Note(ctx, kind.DeletedTag, left)
	})
	if err != nil {
		return nil, err
	}
	if len(deleted) > 0 {
		s.purges.Committed()
	}
	return deleted, nil
}
