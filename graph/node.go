package graph

import (
	"context"
	"fmt"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// maxNodes is the upper bound of ids for the field nodes.
const maxNodes = 100

func (r queryResolver) Node(ctx context.Context, id string) (model.Node, error) {
	nodes, err := r.nodes(ctx, []string{id}, func(int) string { return "id" })
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

func (r queryResolver) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	if len(ids) > maxNodes {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), maxNodes,
		)
	}
	return r.nodes(ctx, ids, func(i int) string { return fmt.Sprintf("ids[%d]", i) })
}

// nodes loads the nodes with the given ids: one statement for each kind of id, and those that the
// selection of a kind adds. name returns the argument name of the id at index i, for errors.
func (r *resolver) nodes(ctx context.Context, texts []string, name func(i int) string) ([]model.Node, error) {
	wanted := map[gid.Kind][]int64{}
	for i, text := range texts {
		kind, id, ok := gid.Parse(text)
		if !ok {
			return nil, apperr.InvalidField(name(i), apperr.ReasonIDInvalid, "%q is not a global id", gid.Shorten(text))
		}
		wanted[kind] = append(wanted[kind], id)
	}
	found := map[string]model.Node{}
	for _, load := range []func() error{
		func() error {
			return nodesOf(ctx, wanted, gid.Campaign, campaignFields, found, r.Campaigns.ByIDs, shownCampaign)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.CampaignRun, runFields, found, r.Sending.RunsByIDs, shownRun)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.Tag, tagFields, found, r.Tags.ByIDs, unchanged[*ent.Tag])
		},
		func() error {
			return nodesOf(ctx, wanted, gid.Email, emailFields, found, r.Emails.ByIDs, unchanged[*ent.Email])
		},
		func() error {
			return nodesOf(ctx, wanted, gid.SubscriberList, listFields, found, r.Services.Lists.ByIDs, shownList)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.Subscriber, subscriberFields, found, r.Subscribers.ByIDs, shownSubscriber)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.Contact, contactFields, found, r.Services.Contacts.ByIDs, shownContact)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.CustomField, customFieldFields, found, r.Fields.ByIDs, shownField)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.Segment, segmentFields, found, r.Segments.ByIDs, shownSegment)
		},
		func() error {
			return nodesOf(
				ctx, wanted, gid.SubscriberTag, subscriberTagFields, found, r.SubscriberTags.ByIDs, shownSubscriberTag,
			)
		},
		func() error {
			return nodesOf(
				ctx, wanted, gid.Suppression, suppressionFields, found, r.Suppressions.ByIDs, shownSuppression,
			)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.User, userFields, found, r.Accounts.UsersByIDs, shownUser)
		},
		func() error {
			return nodesOf(ctx, wanted, gid.APIKey, apiKeyFields, found, r.Accounts.KeysByIDs, shownKey)
		},
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	out := make([]model.Node, len(texts))
	for i, text := range texts {
		out[i] = found[text]
	}
	return out, nil
}

// nodesOf loads and shows the nodes of one kind, whose type in the schema has the same name.
func nodesOf[E, N any](
	ctx context.Context, wanted map[gid.Kind][]int64, kind gid.Kind, table fields, found map[string]model.Node,
	load func(ctx context.Context, ids []int64, columns ...string) (map[int64]E, error), show func(row E) N,
) error {
	ids := wanted[kind]
	if len(ids) == 0 {
		return nil
	}
	byID, err := load(ctx, ids, selectedOn(ctx, string(kind), table).columns()...)
	for id, row := range byID {
		found[gid.Encode(kind, id)] = show(row)
	}
	return err
}

func (r queryResolver) ServerInfo(context.Context) (*model.ServerInfo, error) {
	return &model.ServerInfo{
		Version:       r.info.Version,
		Commit:        r.info.Commit,
		GoVersion:     r.info.GoVersion,
		Database:      r.info.Database,
		Time:          store.Now(),
		Demo:          r.info.Demo,
		MaxDepth:      int32(r.limits.depth),
		MaxComplexity: int32(r.limits.complexity),
		MaxPageSize:   page.MaxSize,
	}, nil
}

// mostCaptured is the largest number of captured messages that are returned at once.
const mostCaptured = 100

func (r queryResolver) CapturedMessages(
	ctx context.Context, first *int32, search *string,
) ([]*model.CapturedMessage, error) {
	if *first < 0 || *first > mostCaptured {
		return nil, apperr.InvalidField("first", apperr.ReasonPageSize, "must be 0 to %d", mostCaptured)
	}
	messages, err := r.Captured.Read(ctx, int(*first), value(search))
	if messages == nil {
		return nil, err
	}
	shown := make([]*model.CapturedMessage, len(messages))
	for i, m := range messages {
		shown[i] = &model.CapturedMessage{Message: m}
	}
	return shown, nil
}

func unchanged[T any](row T) T { return row }
