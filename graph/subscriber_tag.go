package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/label"
)

var subscriberTagFields = columnsOf("SubscriberTag", fields{"subscriberCount": reads("id")})

func (r queryResolver) SubscriberTag(ctx context.Context, id string) (*model.SubscriberTag, error) {
	number, err := identify(gid.SubscriberTag, "id", id)
	if err != nil {
		return nil, err
	}
	t, err := r.Services.SubscriberTags.Get(ctx, number, selected(ctx, subscriberTagFields, itself).columns()...)
	if err != nil {
		return nil, absent(err)
	}
	return shownSubscriberTag(t), nil
}

func (r queryResolver) SubscriberTags(
	ctx context.Context, search *string, first *int32, after *string, last *int32, before *string,
) (*model.SubscriberTagConnection, error) {
	filter := label.Filter{Search: value(search)}
	count := func(ctx context.Context) (int, error) { return r.Services.SubscriberTags.Count(ctx, filter) }
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.SubscriberTagConnection{Count: count}, request.Validate()
	}
	columns := selected(ctx, subscriberTagFields, connection).columns()
	result, err := r.Services.SubscriberTags.List(ctx, filter, request, columns...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, shownSubscriberTags(result.Items), count), nil
}

func (r mutationResolver) CreateSubscriberTag(
	ctx context.Context, input model.CreateSubscriberTagInput,
) (*model.CreateSubscriberTagPayload, error) {
	if err := beforeWriting(ctx, payloadSubscriberTag); err != nil {
		return nil, err
	}
	t, err := r.SubscriberTags.Create(ctx, input.Name, given(input.IdempotencyKey))
	problems, err := toUserErrors(ctx, err)
	return &model.CreateSubscriberTagPayload{SubscriberTag: shownSubscriberTag(t), UserErrors: problems}, err
}

func (r mutationResolver) UpdateSubscriberTag(
	ctx context.Context, input model.UpdateSubscriberTagInput,
) (*model.UpdateSubscriberTagPayload, error) {
	if err := beforeWriting(ctx, payloadSubscriberTag); err != nil {
		return nil, err
	}
	id, err := identify(gid.SubscriberTag, "id", input.ID)
	var t *ent.SubscriberTag
	if err == nil {
		t, err = r.SubscriberTags.Rename(ctx, id, input.Name)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateSubscriberTagPayload{SubscriberTag: shownSubscriberTag(t), UserErrors: problems}, err
}

func (r mutationResolver) DeleteSubscriberTags(
	ctx context.Context, input model.DeleteSubscriberTagsInput,
) (*model.DeleteSubscriberTagsPayload, error) {
	deleted, problems, err := deleteAll(ctx, gid.SubscriberTag, input.Ids, r.SubscriberTags.Delete)
	return &model.DeleteSubscriberTagsPayload{DeletedIds: deleted, UserErrors: problems}, err
}

func (r mutationResolver) TagSubscribers(
	ctx context.Context, input model.TagSubscribersInput,
) (*model.TagSubscribersPayload, error) {
	people, problems, err := r.relabel(ctx, input.SubscriberIds, input.TagIds, r.SubscriberTags.Assign)
	return &model.TagSubscribersPayload{Subscribers: people, UserErrors: problems}, err
}

func (r mutationResolver) UntagSubscribers(
	ctx context.Context, input model.UntagSubscribersInput,
) (*model.UntagSubscribersPayload, error) {
	people, problems, err := r.relabel(ctx, input.SubscriberIds, input.TagIds, r.SubscriberTags.Unassign)
	return &model.UntagSubscribersPayload{Subscribers: people, UserErrors: problems}, err
}

// relabel adds tags to subscribers or removes them, and returns the subscribers in the order of
// their ids.
func (r mutationResolver) relabel(
	ctx context.Context, personTexts, tagTexts []string,
	do func(ctx context.Context, subscriberIDs, tagIDs []int64) error,
) ([]*model.Subscriber, []*model.UserError, error) {
	shows := asks(ctx, "subscribers")
	if shows {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return nil, nil, err // before anything is written
		}
	}
	people, err := identifyAll(gid.Subscriber, "subscriberIds", personTexts, maxIDs)
	var tags []int64
	if err == nil {
		tags, err = identifyAll(gid.SubscriberTag, "tagIds", tagTexts, maxFilterTags)
	}
	if err == nil {
		err = do(ctx, people, tags)
	}
	if err != nil || !shows {
		problems, err := toUserErrors(ctx, err)
		return []*model.Subscriber{}, problems, err
	}
	asked := selected(ctx, subscriberFields, [][]string{{"subscribers"}})
	found, err := r.Subscribers.ByIDs(ctx, people, asked.columns()...)
	if err != nil {
		return nil, nil, err
	}
	rows := make([]*ent.Subscriber, 0, len(people))
	for _, id := range people {
		if s := found[id]; s != nil {
			rows = append(rows, s)
		}
	}
	return shownSubscribers(rows), []*model.UserError{}, nil
}
