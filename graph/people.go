package graph

import (
	"cmp"
	"context"
	"slices"

	"campaignql/ent"
	"campaignql/graph/model"
)

// The functions in this file wrap rows and load the selected relations for all rows together. If a
// relation cannot be loaded, only the fields that need it have an error, because the rows
// themselves may just have been written.

// shownLists wraps lists of subscribers.
func (r *resolver) shownLists(
	ctx context.Context, rows []*ent.SubscriberList, asked selection,
) []*model.SubscriberList {
	shown, ids := make([]*model.SubscriberList, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		shown[i], ids[i] = &model.SubscriberList{SubscriberList: row}, row.ID
	}
	if len(rows) == 0 {
		return shown
	}
	if len(asked.named("subscriberCount")) > 0 {
		counts, err := r.Subscribers.ActiveCounts(ctx, ids)
		for _, l := range shown {
			l.Active, l.Err = counts[l.ID], err
		}
	}
	if fields, ok := asked.relation("customFields", customFieldFields); ok {
		r.loadFields(ctx, shown, fields)
	}
	for _, p := range asked.paged("segments") {
		r.loadSegments(ctx, shown, ids, p)
	}
	for _, p := range asked.paged("subscribers") {
		r.loadSubscribers(ctx, shown, ids, p)
	}
	return shown
}

// loadFields loads the custom fields of lists.
func (r *resolver) loadFields(ctx context.Context, lists []*model.SubscriberList, asked selection) {
	rows := make([]*ent.SubscriberList, len(lists))
	for i, l := range lists {
		rows[i] = l.SubscriberList
	}
	byList, err := r.Fields.ByLists(ctx, rows, asked.columns()...)
	var all []*ent.CustomField
	for _, fields := range byList {
		all = append(all, fields...)
	}
	shown := map[int64]*model.CustomField{}
	for _, f := range r.shownFields(ctx, each(all, func(f *ent.CustomField) int64 { return f.ID }), asked) {
		shown[f.ID] = f
	}
	for _, l := range lists {
		if err != nil {
			l.Err = err
		}
		for _, f := range byList[l.ID] {
			l.Fields = append(l.Fields, shown[f.ID])
		}
	}
}

// shownSubscribers wraps subscribers.
func (r *resolver) shownSubscribers(ctx context.Context, rows []*ent.Subscriber, asked selection) []*model.Subscriber {
	shown := make([]*model.Subscriber, len(rows))
	for i, row := range rows {
		shown[i] = &model.Subscriber{Subscriber: row}
	}
	if len(rows) == 0 {
		return shown
	}
	if lists, ok := asked.relation("list", listFields); ok {
		byID, err := r.listsOf(ctx, ids(rows, func(s *ent.Subscriber) int64 { return s.ListID }), lists)
		for _, s := range shown {
			s.OnList, s.Err = byID[s.ListID], cmp.Or(s.Err, err)
		}
	}
	if values, ok := asked.relation("fields", nil); ok {
		r.loadValues(ctx, shown, values)
	}
	if tags, ok := asked.relation("tags", subscriberTagFields); ok {
		r.loadTags(ctx, shown, tags)
	}
	if suppressions, ok := asked.relation("suppression", suppressionFields); ok {
		found, err := r.Services.Suppressions.Of(ctx, rows, suppressions.columns()...)
		for _, s := range shown {
			s.Err = cmp.Or(s.Err, err)
			if row := found[s.ID]; row != nil {
				s.Suppressed = &model.Suppression{Suppression: row}
			}
		}
	}
	return shown
}

// loadValues loads the values of custom fields of subscribers.
func (r *resolver) loadValues(ctx context.Context, people []*model.Subscriber, asked selection) {
	values, err := r.Subscribers.TypedValues(ctx, ids(people, func(s *model.Subscriber) int64 { return s.ID }))
	var fieldIDs []int64
	for _, of := range values {
		fieldIDs = append(fieldIDs, ids(of, func(v *ent.FieldValue) int64 { return v.CustomFieldID })...)
	}
	fields, _ := asked.relation("field", customFieldFields)
	found := map[int64]*ent.CustomField{}
	if len(fieldIDs) > 0 {
		// The type of a field decides which form of its value is returned.
		found, err = r.Fields.ByIDs(
			ctx,
			slices.Compact(slices.Sorted(slices.Values(fieldIDs))),
			append(fields.columns(), "type")...)
	}
	rows := make([]*ent.CustomField, 0, len(found))
	for _, f := range found {
		rows = append(rows, f)
	}
	shown := map[int64]*model.CustomField{}
	for _, f := range r.shownFields(ctx, rows, fields) {
		shown[f.ID] = f
	}
	for _, s := range people {
		s.Err = cmp.Or(s.Err, err)
		for _, v := range values[s.ID] {
			if f := shown[v.CustomFieldID]; f != nil {
				s.Values = append(s.Values, &model.CustomFieldValue{Field: f, Value: v})
			}
		}
	}
}

// loadTags loads the tags of subscribers.
func (r *resolver) loadTags(ctx context.Context, people []*model.Subscriber, asked selection) {
	subscriberIDs := ids(people, func(s *model.Subscriber) int64 { return s.ID })
	carried, err := r.Services.SubscriberTags.BySubscribers(ctx, subscriberIDs, asked.columns()...)
	var all []*ent.SubscriberTag
	for _, tags := range carried {
		all = append(all, tags...)
	}
	shown := map[int64]*model.SubscriberTag{}
	for _, t := range r.shownSubscriberTags(ctx, each(all, func(t *ent.SubscriberTag) int64 { return t.ID }), asked) {
		shown[t.ID] = t
	}
	for _, s := range people {
		s.Err = cmp.Or(s.Err, err)
		for _, t := range carried[s.ID] {
			s.TagList = append(s.TagList, shown[t.ID])
		}
	}
}

func (r *resolver) shownFields(ctx context.Context, rows []*ent.CustomField, asked selection) []*model.CustomField {
	shown := make([]*model.CustomField, len(rows))
	var listIDs []int64
	for i, row := range rows {
		shown[i] = &model.CustomField{CustomField: row}
		if row.ListID != nil {
			listIDs = append(listIDs, *row.ListID)
		}
	}
	lists, ok := asked.relation("list", listFields)
	if !ok || len(listIDs) == 0 {
		return shown
	}
	byID, err := r.listsOf(ctx, listIDs, lists)
	for _, f := range shown {
		if f.ListID != nil {
			f.OfList, f.Err = byID[*f.ListID], err
		}
	}
	return shown
}

func (r *resolver) shownSegments(ctx context.Context, rows []*ent.Segment, asked selection) []*model.Segment {
	shown := make([]*model.Segment, len(rows))
	for i, row := range rows {
		shown[i] = &model.Segment{Segment: row}
	}
	lists, ok := asked.relation("list", listFields)
	if !ok || len(rows) == 0 {
		return shown
	}
	byID, err := r.listsOf(ctx, ids(rows, func(s *ent.Segment) int64 { return s.ListID }), lists)
	for _, s := range shown {
		s.OfList, s.Err = byID[s.ListID], err
	}
	return shown
}

// shownSubscriberTags wraps tags of subscribers.
func (r *resolver) shownSubscriberTags(
	ctx context.Context, rows []*ent.SubscriberTag, asked selection,
) []*model.SubscriberTag {
	shown := make([]*model.SubscriberTag, len(rows))
	for i, row := range rows {
		shown[i] = &model.SubscriberTag{SubscriberTag: row}
	}
	if len(rows) == 0 || len(asked.named("subscriberCount")) == 0 {
		return shown
	}
	counts, err := r.Services.SubscriberTags.PeopleCounts(
		ctx, ids(rows, func(t *ent.SubscriberTag) int64 { return t.ID }),
	)
	for _, t := range shown {
		t.Carriers, t.Err = counts[t.ID], err
	}
	return shown
}

func shownSuppressions(rows []*ent.Suppression) []*model.Suppression {
	shown := make([]*model.Suppression, len(rows))
	for i, row := range rows {
		shown[i] = &model.Suppression{Suppression: row}
	}
	return shown
}

// listsOf loads the lists of rows, each once.
func (r *resolver) listsOf(
	ctx context.Context, listIDs []int64, asked selection,
) (map[int64]*model.SubscriberList, error) {
	found, err := r.Services.Lists.ByIDs(ctx, slices.Compact(slices.Sorted(slices.Values(listIDs))), asked.columns()...)
	if err != nil {
		return nil, err
	}
	rows := make([]*ent.SubscriberList, 0, len(found))
	for _, row := range found {
		rows = append(rows, row)
	}
	byID := make(map[int64]*model.SubscriberList, len(rows))
	for _, l := range r.shownLists(ctx, rows, asked) {
		byID[l.ID] = l
	}
	return byID, nil
}

// ids returns the id of each row.
func ids[T any](rows []T, id func(T) int64) []int64 {
	out := make([]int64, len(rows))
	for i, row := range rows {
		out[i] = id(row)
	}
	return out
}

// each returns the rows without duplicate ids.
func each[T any](rows []T, id func(T) int64) []T {
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
