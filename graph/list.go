package graph

import (
	"context"
	"errors"

	"campaignql/ent"
	"campaignql/graph/exec"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	lists "campaignql/internal/people/list"
	"campaignql/internal/people/segment"
)

func (r queryResolver) List(ctx context.Context, id string) (*model.SubscriberList, error) {
	number, err := identify(gid.SubscriberList, "id", id)
	if err != nil {
		return nil, err
	}
	asked := selected(ctx, listFields, itself)
	l, err := r.resolver.Lists.Get(ctx, number, asked.columns()...)
	if err != nil {
		return nil, absent(err)
	}
	return r.shownLists(ctx, []*ent.SubscriberList{l}, asked)[0], nil
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
	asked := selected(ctx, listFields, connection)
	result, err := r.resolver.Lists.List(ctx, filter, order, request, asked.columns()...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, r.shownLists(ctx, result.Items, asked), count), nil
}

func listOrder(by *model.SubscriberListOrder) lists.Order {
	order := lists.ByName
	if by == nil {
		return order
	}
	if by.Field == model.SubscriberListOrderFieldCreatedAt {
		order = lists.ByCreated
	}
	order.Desc = by.Direction == model.OrderDirectionDesc
	return order
}

// errNotLoaded is the error for a page below a row that was not loaded together with the row. It
// should never occur.
var errNotLoaded = errors.New("graph: a page below a row was not loaded")

func loaded[N any](ctx context.Context, pages model.Pages[N]) (*model.Connection[N], error) {
	found, ok := pages[currentArguments(ctx)]
	if !ok {
		return nil, errNotLoaded
	}
	return found.Page, found.Err
}

func (r listResolver) Segments(
	ctx context.Context, l *model.SubscriberList, _ *string, _ *int32, _ *string, _ *int32, _ *string,
) (*model.SegmentConnection, error) {
	return loaded(ctx, l.SegmentPages)
}

func (r listResolver) Subscribers(
	ctx context.Context, l *model.SubscriberList, _ *model.SubscriberFilter, _ *model.SubscriberOrder, _ *int32,
	_ *string, _ *int32, _ *string,
) (*model.SubscriberConnection, error) {
	return loaded(ctx, l.SubscriberPages)
}

// loadSegments loads a page of the segments of each list.
func (r *resolver) loadSegments(ctx context.Context, shown []*model.SubscriberList, listIDs []int64, p *paged) {
	args, err := exec.ListArguments(ctx, p.places[0])
	if err != nil {
		return // the executor reads the arguments again and reports the error
	}
	filter := segment.Filter{Search: value(args["search"].(*string))}
	request := pageRequest(
		args["first"].(*int32), args["after"].(*string), args["last"].(*int32), args["before"].(*string), nil,
	)
	pages, counts := map[int64]*model.SegmentConnection{}, map[int64]int{}
	if err = request.Validate(); err == nil && p.asks("totalCount") {
		counts, err = r.Services.Segments.Counts(ctx, listIDs, filter)
	}
	if err == nil && p.asks("nodes", "edges", "pageInfo") {
		asked := p.rows(segmentFields)
		results, failure := r.Services.Segments.Lists(ctx, listIDs, filter, request, asked.columns()...)
		err = failure
		var all []*ent.Segment
		for _, id := range listIDs {
			all = append(all, results[id].Items...)
		}
		nodes := r.shownSegments(ctx, all, asked)
		for _, id := range listIDs {
			n := len(results[id].Items)
			pages[id] = model.PageOf(results[id], nodes[:n], nil)
			nodes = nodes[n:]
		}
	}
	for _, l := range shown {
		l.SegmentPages.Keep(p.arguments, counted(pages[l.ID], counts[l.ID]), err)
	}
}

// loadSubscribers loads a page of the subscribers of each list.
func (r *resolver) loadSubscribers(ctx context.Context, shown []*model.SubscriberList, listIDs []int64, p *paged) {
	args, err := exec.ListArguments(ctx, p.places[0])
	if err != nil {
		return // the executor reads the arguments again and reports the error
	}
	filter, err := r.chosenPeople(ctx, args["filter"].(*model.SubscriberFilter))
	order := subscriberOrder(args["orderBy"].(*model.SubscriberOrder))
	request := pageRequest(
		args["first"].(*int32), args["after"].(*string), args["last"].(*int32), args["before"].(*string), nil,
	)
	pages, counts := map[int64]*model.SubscriberConnection{}, map[int64]int{}
	if err == nil {
		_, err = order.Plan(request)
	}
	if err == nil && p.asks("totalCount") {
		counts, err = r.Services.Subscribers.Counts(ctx, listIDs, filter)
	}
	if err == nil && p.asks("nodes", "edges", "pageInfo") {
		asked := p.rows(subscriberFields)
		results, failure := r.Services.Subscribers.Lists(ctx, listIDs, filter, order, request, asked.columns()...)
		err = failure
		var all []*ent.Subscriber
		for _, id := range listIDs {
			all = append(all, results[id].Items...)
		}
		nodes := r.shownSubscribers(ctx, all, asked)
		for _, id := range listIDs {
			n := len(results[id].Items)
			pages[id] = model.PageOf(results[id], nodes[:n], nil)
			nodes = nodes[n:]
		}
	}
	for _, l := range shown {
		l.SubscriberPages.Keep(p.arguments, counted(pages[l.ID], counts[l.ID]), err)
	}
}

// counted adds the known number of rows to a page. If page is nil, the result has only the number.
func counted[N any](page *model.Connection[N], n int) *model.Connection[N] {
	if page == nil {
		page = &model.Connection[N]{}
	}
	page.Count = func(context.Context) (int, error) { return n, nil }
	return page
}

func (r mutationResolver) CreateList(
	ctx context.Context, input model.CreateListInput,
) (*model.CreateListPayload, error) {
	if err := beforeWriting(ctx, payloadList); err != nil {
		return nil, err
	}
	l, err := r.Services.Lists.Create(
		ctx, lists.Input{Name: input.Name, DoubleOptIn: input.DoubleOptIn}, given(input.IdempotencyKey),
	)
	problems, err := toUserErrors(ctx, err)
	return &model.CreateListPayload{List: r.writtenList(ctx, l), UserErrors: problems}, err
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
	return &model.UpdateListPayload{List: r.writtenList(ctx, l), UserErrors: problems}, err
}

// writtenList wraps the list of a payload; nil stays nil.
func (r *resolver) writtenList(ctx context.Context, l *ent.SubscriberList) *model.SubscriberList {
	if l == nil {
		return nil
	}
	return r.shownLists(ctx, []*ent.SubscriberList{l}, payloadList.selected(ctx))[0]
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
