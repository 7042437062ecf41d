package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/page"
	lists "campaignql/internal/people/list"
	"campaignql/internal/people/segment"
)

// listFields says what the fields of a list read.
var listFields = columnsOf("SubscriberList", fields{
	"subscriberCount": reads("id"),
	"customFields":    reads("id", "user_id"),
	"segments":        reads("id"),
	"subscribers":     reads("id"),
	"campaigns":       reads("id"),
})

func (r queryResolver) List(ctx context.Context, id string) (*model.SubscriberList, error) {
	number, err := identify(gid.SubscriberList, "id", id)
	if err != nil {
		return nil, err
	}
	l, err := r.resolver.Lists.Get(ctx, number, selected(ctx, listFields, itself).columns()...)
	if err != nil {
		return nil, absent(err)
	}
	return shownList(l), nil
}

func (r queryResolver) Lists(
	ctx context.Context, search *string, orderBy *model.SubscriberListOrder, first *int32, after *string, last *int32,
	before *string,
) (*model.SubscriberListConnection, error) {
	filter := lists.Filter{Search: value(search)}
	count := func(ctx context.Context) (int, error) { return r.resolver.Lists.Count(ctx, filter) }
	order, request := listOrder(orderBy), pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		_, err := order.Plan(request)
		return &model.SubscriberListConnection{Count: count}, err
	}
	columns := selected(ctx, listFields, connection).columns()
	result, err := r.resolver.Lists.List(ctx, filter, order, request, columns...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, shownLists(result.Items), count), nil
}

func listOrder(by *model.SubscriberListOrder) lists.Order {
	order := lists.ByName
	if by == nil {
		return order
	}
	if by.Field == model.SubscriberListOrderFieldCreatedAt {
		order = lists.ByCreated
	}
	order.Desc = value(given(by.Direction)) == model.OrderDirectionDesc
	return order
}

func (r listResolver) Segments(
	ctx context.Context, lists []*model.SubscriberList, search *string, first *int32, after *string, last *int32,
	before *string,
) ([]*model.SegmentConnection, error) {
	filter, request := segment.Filter{Search: value(search)}, pageRequest(first, after, last, before, nil)
	if err := request.Validate(); err != nil {
		return nil, err
	}
	ids := idsOf(lists, (*model.SubscriberList).Number)
	columns := selected(ctx, segmentFields, connection).columns()
	return pagesBelow(ctx, lists,
		func() (map[int64]int, error) { return r.Services.Segments.Counts(ctx, ids, filter) },
		func() (map[int64]page.Result[*ent.Segment], error) {
			return r.Services.Segments.Lists(ctx, ids, filter, request, columns...)
		}, shownSegments)
}

func (r listResolver) Subscribers(
	ctx context.Context, lists []*model.SubscriberList, filter *model.SubscriberFilter,
	orderBy *model.SubscriberOrder, first *int32, after *string, last *int32, before *string,
) ([]*model.SubscriberConnection, error) {
	chosen, err := r.chosenPeople(ctx, filter)
	if err != nil {
		return nil, err
	}
	order, request := subscriberOrder(orderBy), pageRequest(first, after, last, before, nil)
	if _, err := order.Plan(request); err != nil {
		return nil, err
	}
	ids := idsOf(lists, (*model.SubscriberList).Number)
	columns := selected(ctx, subscriberFields, connection).columns()
	return pagesBelow(ctx, lists,
		func() (map[int64]int, error) { return r.Services.Subscribers.Counts(ctx, ids, chosen) },
		func() (map[int64]page.Result[*ent.Subscriber], error) {
			return r.Services.Subscribers.Lists(ctx, ids, chosen, order, request, columns...)
		}, shownSubscribers)
}

func (r listResolver) Campaigns(
	ctx context.Context, lists []*model.SubscriberList, first *int32, after *string, last *int32, before *string,
) ([]*model.CampaignConnection, error) {
	number := (*model.SubscriberList).Number
	ids := idsOf(lists, number)
	return r.campaignsBelow(ctx, mapped(lists, number), pageRequest(first, after, last, before, nil),
		func() (map[int64]int, error) { return r.resolver.Campaigns.ListCounts(ctx, ids) },
		func(request page.Request, columns ...string) (campaign.Pages, error) {
			return r.resolver.Campaigns.OfLists(ctx, ids, request, columns...)
		})
}

// pagesBelow returns the page below each parent. It counts the rows and reads them only if the current field
// asks for that.
func pagesBelow[P interface{ Number() int64 }, E, N any](
	ctx context.Context, parents []P, count func() (map[int64]int, error),
	read func() (map[int64]page.Result[E], error), show func(rows []E) []N,
) ([]*model.Connection[N], error) {
	var counts map[int64]int
	var results map[int64]page.Result[E]
	var err error
	if asks(ctx, "totalCount") {
		if counts, err = count(); err != nil {
			return nil, err
		}
	}
	if asks(ctx, "nodes", "edges", "pageInfo") {
		if results, err = read(); err != nil {
			return nil, err
		}
	}
	return mapped(parents, func(parent P) *model.Connection[N] {
		id := parent.Number()
		result := results[id]
		return model.PageOf(result, show(result.Items), func(context.Context) (int, error) { return counts[id], nil })
	}), nil
}

func (r mutationResolver) CreateList(
	ctx context.Context, input model.CreateListInput,
) (*model.CreateListPayload, error) {
	if err := beforeWriting(ctx, payloadList); err != nil {
		return nil, err
	}
	l, err := r.Services.Lists.Create(
		ctx, lists.Input{Name: input.Name, DoubleOptIn: or(input.DoubleOptIn, false)}, given(input.IdempotencyKey),
	)
	problems, err := toUserErrors(ctx, err)
	return &model.CreateListPayload{List: shownList(l), UserErrors: problems}, err
}

func (r mutationResolver) UpdateList(
	ctx context.Context, input model.UpdateListInput,
) (*model.UpdateListPayload, error) {
	if err := beforeWriting(ctx, payloadList); err != nil {
		return nil, err
	}
	id, err := identify(gid.SubscriberList, "id", input.ID)
	var l *ent.SubscriberList
	if err == nil {
		patch := lists.Patch{Name: given(input.Name), DoubleOptIn: given(input.DoubleOptIn)}
		l, err = r.Services.Lists.Update(ctx, id, patch, payloadList.selected(ctx).columns()...)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateListPayload{List: shownList(l), UserErrors: problems}, err
}

func (r mutationResolver) DeleteLists(
	ctx context.Context, input model.DeleteListsInput,
) (*model.DeleteListsPayload, error) {
	deleted, problems, err := deleteAll(ctx, gid.SubscriberList, input.Ids, r.Services.Lists.Delete)
	return &model.DeleteListsPayload{DeletedIds: deleted, UserErrors: problems}, err
}

// deleteAll deletes the objects with the given ids and returns the global ids of those that
// existed.
func deleteAll(
	ctx context.Context, kind gid.Kind, texts []string, del func(ctx context.Context, ids []int64) ([]int64, error),
) ([]string, []*model.UserError, error) {
	ids, err := identifyAll(kind, "ids", texts, maxIDs)
	var deleted []int64
	if err == nil {
		deleted, err = del(ctx, ids)
	}
	problems, err := toUserErrors(ctx, err)
	return globalIDs(kind, deleted), problems, err
}

// renamed replaces the field names of domain errors by the names of the input.
func renamed(err error, name func(fault *apperr.Error) string) error {
	faults := apperr.All(err)
	if len(faults) == 0 {
		return err
	}
	var out apperr.Faults
	for _, fault := range faults {
		shown := *fault
		shown.Field = name(fault)
		out.Add(&shown)
	}
	return out.Err()
}
