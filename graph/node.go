package graph

import (
	"context"
	"fmt"
	"maps"
	"slices"

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
	if ids := wanted[gid.Campaign]; len(ids) > 0 {
		if err := r.campaignNodes(ctx, ids, found); err != nil {
			return nil, err
		}
	}
	if ids := wanted[gid.Tag]; len(ids) > 0 {
		asked := selectedOn(ctx, "Tag", tagFields)
		tags, err := r.Tags.ByIDs(ctx, ids, asked.columns()...)
		if err != nil {
			return nil, err
		}
		r.tagCountsAhead(ctx, slices.Collect(maps.Values(tags)), asked)
		for id, t := range tags {
			found[gid.Encode(gid.Tag, id)] = t
		}
	}
	if ids := wanted[gid.Email]; len(ids) > 0 {
		emails, err := r.Emails.ByIDs(ctx, ids, selectedOn(ctx, "Email", emailFields).columns()...)
		if err != nil {
			return nil, err
		}
		for id, e := range emails {
			found[gid.Encode(gid.Email, id)] = e
		}
	}
	if err := r.peopleNodes(ctx, wanted, found); err != nil {
		return nil, err
	}
	out := make([]model.Node, len(texts))
	for i, text := range texts {
		out[i] = found[text]
	}
	return out, nil
}

func (r *resolver) campaignNodes(ctx context.Context, ids []int64, found map[string]model.Node) error {
	asked := selectedOn(ctx, "Campaign", campaignFields)
	byID, err := r.Campaigns.ByIDs(ctx, ids, asked.columns()...)
	if err != nil {
		return err
	}
	rows := make([]*ent.Campaign, 0, len(byID))
	for _, c := range byID {
		rows = append(rows, c)
	}
	shown, err := r.shownCampaigns(ctx, rows, asked)
	if err != nil {
		return err
	}
	for _, c := range shown {
		found[c.GlobalID()] = c
	}
	return nil
}

// peopleNodes loads lists, subscribers, custom fields, segments, subscriber tags and suppressions.
func (r *resolver) peopleNodes(ctx context.Context, wanted map[gid.Kind][]int64, found map[string]model.Node) error {
	err := nodesOf(
		ctx, wanted[gid.SubscriberList], "SubscriberList", listFields, found, r.Lists.ByIDs, r.shownLists,
	)
	if err != nil {
		return err
	}
	err = nodesOf(
		ctx, wanted[gid.Subscriber], "Subscriber", subscriberFields, found, r.Subscribers.ByIDs, r.shownSubscribers,
	)
	if err != nil {
		return err
	}
	err = nodesOf(
		ctx, wanted[gid.CustomField], "CustomField", customFieldFields, found, r.Fields.ByIDs, r.shownFields,
	)
	if err != nil {
		return err
	}
	err = nodesOf(ctx, wanted[gid.Segment], "Segment", segmentFields, found, r.Segments.ByIDs, r.shownSegments)
	if err != nil {
		return err
	}
	err = nodesOf(
		ctx, wanted[gid.SubscriberTag], "SubscriberTag", subscriberTagFields, found,
		r.SubscriberTags.ByIDs, r.shownSubscriberTags,
	)
	if err != nil {
		return err
	}
	show := func(_ context.Context, rows []*ent.Suppression, _ selection) []*model.Suppression {
		return shownSuppressions(rows)
	}
	return nodesOf(ctx, wanted[gid.Suppression], "Suppression", suppressionFields, found, r.Suppressions.ByIDs, show)
}

// nodesOf loads the nodes of one type and adds them to found.
func nodesOf[E any, N interface {
	model.Node
	GlobalID() string
}](
	ctx context.Context, ids []int64, typeName string, table fields, found map[string]model.Node,
	load func(ctx context.Context, ids []int64, columns ...string) (map[int64]E, error),
	show func(ctx context.Context, rows []E, asked selection) []N,
) error {
	if len(ids) == 0 {
		return nil
	}
	asked := selectedOn(ctx, typeName, table)
	byID, err := load(ctx, ids, asked.columns()...)
	if err != nil {
		return err
	}
	for _, node := range show(ctx, slices.Collect(maps.Values(byID)), asked) {
		found[node.GlobalID()] = node
	}
	return nil
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
