package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/model"
	"campaignql/internal/people/suppression"
	"campaignql/internal/store"
)

// The fields of lists, people and what belongs to them that are read beside their row. Each is read for
// all rows of a level at once.

func (r listResolver) SubscriberCount(ctx context.Context, lists []*model.SubscriberList) ([]int32, error) {
	counts, err := r.Services.Subscribers.ActiveCounts(ctx, idsOf(lists, (*model.SubscriberList).Number))
	if err != nil {
		return nil, err
	}
	return mapped(lists, func(l *model.SubscriberList) int32 { return int32(counts[l.ID]) }), nil
}

func (r listResolver) CustomFields(
	ctx context.Context, lists []*model.SubscriberList,
) ([][]*model.CustomField, error) {
	rows := mapped(distinctBy(lists, (*model.SubscriberList).Number), func(l *model.SubscriberList) *ent.SubscriberList {
		return l.SubscriberList
	})
	byList, err := r.Fields.ByLists(ctx, rows, selected(ctx, customFieldFields, itself).columns()...)
	if err != nil {
		return nil, err
	}
	return mapped(lists, func(l *model.SubscriberList) []*model.CustomField { return shownFields(byList[l.ID]) }), nil
}

func (r subscriberResolver) List(ctx context.Context, people []*model.Subscriber) ([]*model.SubscriberList, error) {
	return r.listsOf(ctx, mapped(people, func(s *model.Subscriber) *int64 { return &s.ListID }))
}

func (r subscriberResolver) Contact(ctx context.Context, people []*model.Subscriber) ([]*model.Contact, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	ids := mapped(people, func(s *model.Subscriber) int64 { return s.ContactID })
	rows, err := l.contacts.Load(ctx, ids, selected(ctx, contactFields, itself).columns())
	return mapped(rows, shownContact), err
}

func (r customFieldResolver) List(
	ctx context.Context, fields []*model.CustomField,
) ([]*model.SubscriberList, error) {
	return r.listsOf(ctx, mapped(fields, func(f *model.CustomField) *int64 { return f.ListID }))
}

func (r segmentResolver) List(ctx context.Context, segments []*model.Segment) ([]*model.SubscriberList, error) {
	return r.listsOf(ctx, mapped(segments, func(s *model.Segment) *int64 { return &s.ListID }))
}

// listsOf returns the lists with the given ids in their order, with the columns that the current field
// selects, and nil for an id that is nil.
func (r *resolver) listsOf(ctx context.Context, ids []*int64) ([]*model.SubscriberList, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := present(ids, func(ids []int64) ([]*ent.SubscriberList, error) {
		return l.lists.Load(ctx, ids, selected(ctx, listFields, itself).columns())
	})
	if err != nil {
		return nil, err
	}
	return shownLists(rows), nil
}

// Fields returns the values of custom fields. A value whose field was deleted meanwhile is left out.
func (r subscriberResolver) Fields(
	ctx context.Context, people []*model.Subscriber,
) ([][]*model.CustomFieldValue, error) {
	values, err := r.Subscribers.TypedValues(ctx, idsOf(people, (*model.Subscriber).Number))
	if err != nil {
		return nil, err
	}
	var fieldIDs []int64
	for _, of := range values {
		fieldIDs = append(fieldIDs, mapped(of, func(v *ent.FieldValue) int64 { return v.CustomFieldID })...)
	}
	// The type of a field decides which form of its value is returned.
	columns := selected(ctx, customFieldFields, [][]string{{"field"}}).columnsAnd("type")
	found := map[int64]*ent.CustomField{}
	if len(fieldIDs) > 0 {
		if found, err = r.Services.Fields.ByIDs(ctx, store.Distinct(fieldIDs), columns...); err != nil {
			return nil, err
		}
	}
	return mapped(people, func(s *model.Subscriber) []*model.CustomFieldValue {
		shown := []*model.CustomFieldValue{}
		for _, v := range values[s.ID] {
			if f := found[v.CustomFieldID]; f != nil {
				shown = append(shown, &model.CustomFieldValue{Field: &model.CustomField{CustomField: f}, Value: v})
			}
		}
		return shown
	}), nil
}

func (r subscriberResolver) Tags(ctx context.Context, people []*model.Subscriber) ([][]*model.SubscriberTag, error) {
	carried, err := r.SubscriberTags.BySubscribers(
		ctx, idsOf(people, (*model.Subscriber).Number), selected(ctx, subscriberTagFields, itself).columns()...)
	if err != nil {
		return nil, err
	}
	return mapped(people, func(s *model.Subscriber) []*model.SubscriberTag {
		return shownSubscriberTags(carried[s.ID])
	}), nil
}

func (r subscriberResolver) Suppression(
	ctx context.Context, people []*model.Subscriber,
) ([]*model.Suppression, error) {
	of := func(s *model.Subscriber) suppression.Address {
		return suppression.Address{OwnerID: s.UserID, Key: s.EmailKey}
	}
	found, err := r.Suppressions.Of(ctx, mapped(people, of), selected(ctx, suppressionFields, itself).columns()...)
	if err != nil {
		return nil, err
	}
	return mapped(people, func(s *model.Subscriber) *model.Suppression { return shownSuppression(found[of(s)]) }), nil
}

func (r subscriberTagResolver) SubscriberCount(ctx context.Context, tags []*model.SubscriberTag) ([]int32, error) {
	counts, err := r.SubscriberTags.PeopleCounts(ctx, idsOf(tags, (*model.SubscriberTag).Number))
	if err != nil {
		return nil, err
	}
	return mapped(tags, func(t *model.SubscriberTag) int32 { return int32(counts[t.ID]) }), nil
}

func shownLists(rows []*ent.SubscriberList) []*model.SubscriberList {
	return mapped(rows, shownList)
}

// shownList returns nil for nil, as do its siblings in this file.
func shownList(row *ent.SubscriberList) *model.SubscriberList {
	if row == nil {
		return nil
	}
	return &model.SubscriberList{SubscriberList: row}
}

func shownSubscribers(rows []*ent.Subscriber) []*model.Subscriber {
	return mapped(rows, shownSubscriber)
}

func shownSubscriber(row *ent.Subscriber) *model.Subscriber {
	if row == nil {
		return nil
	}
	return &model.Subscriber{Subscriber: row}
}

func shownFields(rows []*ent.CustomField) []*model.CustomField { return mapped(rows, shownField) }

func shownField(row *ent.CustomField) *model.CustomField {
	if row == nil {
		return nil
	}
	return &model.CustomField{CustomField: row}
}

func shownSegments(rows []*ent.Segment) []*model.Segment { return mapped(rows, shownSegment) }

func shownSegment(row *ent.Segment) *model.Segment {
	if row == nil {
		return nil
	}
	return &model.Segment{Segment: row}
}

func shownSubscriberTags(rows []*ent.SubscriberTag) []*model.SubscriberTag {
	return mapped(rows, shownSubscriberTag)
}

func shownSubscriberTag(row *ent.SubscriberTag) *model.SubscriberTag {
	if row == nil {
		return nil
	}
	return &model.SubscriberTag{SubscriberTag: row}
}

func shownSuppressions(rows []*ent.Suppression) []*model.Suppression {
	return mapped(rows, shownSuppression)
}

func shownSuppression(row *ent.Suppression) *model.Suppression {
	if row == nil {
		return nil
	}
	return &model.Suppression{Suppression: row}
}

// mapped returns what a function makes of each row. It is never nil.
func mapped[T, V any](rows []T, of func(T) V) []V {
	out := make([]V, len(rows))
	for i, row := range rows {
		out[i] = of(row)
	}
	return out
}

// idsOf returns the ids of rows, each once.
func idsOf[T any](rows []T, id func(T) int64) []int64 { return store.Distinct(mapped(rows, id)) }

// distinctBy returns the rows without duplicate ids.
func distinctBy[T any](rows []T, id func(T) int64) []T {
	seen := make(map[int64]bool, len(rows))
	out := make([]T, 0, len(rows))
	for _, row := range rows {
		if !seen[id(row)] {
			out = append(out, row)
		}
		seen[id(row)] = true
	}
	return out
}

// present calls load with the ids that are not nil, and returns its values in the places of their ids.
func present[V any](ids []*int64, load func(ids []int64) ([]V, error)) ([]V, error) {
	var known []int64
	for _, id := range ids {
		if id != nil {
			known = append(known, *id)
		}
	}
	out := make([]V, len(ids))
	if len(known) == 0 {
		return out, nil
	}
	values, err := load(known)
	if err != nil {
		return nil, err
	}
	next := 0
	for i, id := range ids {
		if id != nil {
			out[i] = values[next]
			next++
		}
	}
	return out, nil
}
