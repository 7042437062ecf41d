package graph

import (
	"context"
	"strconv"
	"time"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/schedule"
	"campaignql/internal/statistics"
)

// shownCampaigns wraps campaigns and loads the selected relations for all of them together.
func (r *resolver) shownCampaigns(
	ctx context.Context, rows []*ent.Campaign, asked selection,
) ([]*model.Campaign, error) {
	shown := make([]*model.Campaign, len(rows))
	views := make([]model.Campaign, len(rows))
	for i, row := range rows {
		views[i].Campaign = row
		shown[i] = &views[i]
	}
	if len(rows) > 0 {
		r.ahead(ctx, rows, asked)
	}
	tags, ok := asked.relation("tags", tagFields)
	if !ok || len(rows) == 0 {
		return shown, nil
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	byCampaign, err := r.Tags.ByCampaigns(ctx, ids, tags.columns()...)
	if err != nil {
		return nil, err
	}
	var all []*ent.Tag
	for i, row := range rows {
		views[i].TagList = byCampaign[row.ID]
		all = append(all, views[i].TagList...)
	}
	r.tagCountsAhead(ctx, all, tags)
	return shown, nil
}

// shownCampaign wraps the campaign that a mutation returned, for the field campaign of its payload.
// The campaign is already written, so if its tags cannot be read, only the field tags has an error.
func (r *resolver) shownCampaign(ctx context.Context, c *ent.Campaign) *model.Campaign {
	shown, err := r.shownCampaigns(ctx, []*ent.Campaign{c}, selected(ctx, campaignFields, [][]string{{"campaign"}}))
	if err != nil {
		return &model.Campaign{Campaign: c, TagsErr: err}
	}
	return shown[0]
}

// campaignByID returns the campaign with the selected columns, or nil if the caller has no campaign
// with this id.
func (r *resolver) campaignByID(ctx context.Context, id int64) (*model.Campaign, error) {
	asked := selected(ctx, campaignFields, itself)
	c, err := r.Campaigns.Get(ctx, id, asked.columns()...)
	if err != nil {
		return nil, absent(err)
	}
	shown, err := r.shownCampaigns(ctx, []*ent.Campaign{c}, asked)
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// absent returns nil for NotFound: a query returns null for an object that does not exist.
func absent(err error) error {
	if apperr.CodeOf(err) == apperr.NotFound {
		return nil
	}
	return err
}

func (r queryResolver) Campaign(ctx context.Context, id string) (*model.Campaign, error) {
	number, err := identify(gid.Campaign, "id", id)
	if err != nil {
		return nil, err
	}
	return r.campaignByID(ctx, number)
}

func (r queryResolver) Campaigns(
	ctx context.Context, filter *model.CampaignFilter, orderBy *model.CampaignOrder, first *int32, after *string,
	last *int32, before *string, offset *int32,
) (*model.CampaignConnection, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	conditions, err := campaignFilter(filter)
	if err != nil {
		return nil, err
	}
	result := &model.CampaignConnection{
		Count: func(ctx context.Context) (int, error) { return r.resolver.Campaigns.Count(ctx, conditions) },
	}
	request := pageRequest(first, after, last, before, offset)
	order := campaignOrder(orderBy)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		_, err := order.Plan(request)
		return result, err
	}
	asked := selected(ctx, campaignFields, connection)
	if result.Result, err = r.resolver.Campaigns.List(ctx, conditions, order, request, asked.columns()...); err != nil {
		return nil, err
	}
	result.Nodes, err = r.shownCampaigns(ctx, result.Result.Items, asked)
	return result, err
}

func campaignOrder(by *model.CampaignOrder) campaign.Order {
	if by == nil {
		return campaign.NewestFirst()
	}
	var order campaign.Order
	switch by.Field {
	case model.CampaignOrderFieldName:
		order = campaign.ByName
	case model.CampaignOrderFieldCreatedAt:
		order = campaign.ByCreated
	case model.CampaignOrderFieldLastActivityAt:
		order = campaign.ByLastActivity
	case model.CampaignOrderFieldNextSendAt:
		order = campaign.ByNextSend
	case model.CampaignOrderFieldSendingStartedAt:
		order = campaign.BySendingStart
	case model.CampaignOrderFieldSendingFinishedAt:
		order = campaign.BySendingFinish
	case model.CampaignOrderFieldStatus:
		order = campaign.ByStatus
	case model.CampaignOrderFieldRecipients:
		order = campaign.ByRecipients
	}
	order.Desc = by.Direction == model.OrderDirectionDesc
	return order
}

func (r queryResolver) CampaignCounts(ctx context.Context, filter *model.CampaignFilter) (*campaign.Counts, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	conditions, err := campaignFilter(filter)
	if err != nil {
		return nil, err
	}
	return r.resolver.Campaigns.Counts(ctx, conditions)
}

func (r countsResolver) ByStatus(_ context.Context, counts *campaign.Counts) ([]*model.CampaignStatusCount, error) {
	statuses := kind.CampaignStatuses()
	out := make([]*model.CampaignStatusCount, len(statuses))
	for i, status := range statuses {
		out[i] = &model.CampaignStatusCount{Status: status, Count: int32(counts.ByStatus[status])}
	}
	return out, nil
}

func (r campaignResolver) Email(ctx context.Context, c *model.Campaign) (*ent.Email, error) {
	return r.loadEmail(ctx, c.EmailID, selected(ctx, emailFields, itself).emailColumns())
}

func (r *resolver) loadEmail(ctx context.Context, id *int64, columns []string) (*ent.Email, error) {
	if id == nil {
		return nil, nil
	}
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	return l.Email(ctx, *id, columns)
}

func (r variationResolver) Email(ctx context.Context, v *model.ABTestVariation) (*ent.Email, error) {
	return r.loadEmail(ctx, &v.EmailID, selected(ctx, emailFields, itself).emailColumns())
}

func (r campaignResolver) Readiness(ctx context.Context, c *model.Campaign) ([]*model.ReadinessGap, error) {
	email, err := r.loadEmail(ctx, c.EmailID, readinessColumns)
	if err != nil {
		return nil, err
	}
	gaps := campaign.Readiness(c.Campaign, email)
	out := make([]*model.ReadinessGap, len(gaps))
	for i, gap := range gaps {
		out[i] = &model.ReadinessGap{Code: model.ReadinessCode(gap.Code), Message: gap.Message}
	}
	return out, nil
}

// mutations maps the actions of the domain to the names of the mutations in the schema.
var mutations = map[campaign.Action]string{
	campaign.ActionUpdate:  "updateCampaign",
	campaign.ActionApprove: "approveCampaign",
	campaign.ActionPause:   "pauseCampaign",
	campaign.ActionResume:  "resumeCampaign",
	campaign.ActionCancel:  "cancelCampaign",
}

func (r campaignResolver) AllowedTransitions(
	ctx context.Context, c *model.Campaign,
) ([]*model.CampaignTransition, error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	out := []*model.CampaignTransition{}
	for _, t := range campaign.Transitions(id, c.Campaign) {
		shown := &model.CampaignTransition{To: t.To, Mutation: mutations[t.Action]}
		if t.BlockedBy != nil {
			shown.BlockedBy = &model.TransitionBlock{Code: string(t.BlockedBy.Reason), Message: t.BlockedBy.Message}
		}
		out = append(out, shown)
	}
	return out, nil
}

func (r campaignResolver) History(
	ctx context.Context, c *model.Campaign, first *int32, after *string,
) (*model.CampaignChangeConnection, error) {
	plan, err := historyPlan(first, after)
	if err != nil {
		return nil, err
	}
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := l.History(ctx, c.ID, plan.beforeVersion, plan.size+1)
	if err != nil {
		return nil, err
	}
	return historyPage(rows, plan.size, plan.beforeVersion != 0), nil
}

// historyBounds is a page of a history: entries with a version below beforeVersion, or the newest
// entries if it is 0.
type historyBounds struct {
	beforeVersion int64
	size          int
}

func historyPlan(first *int32, after *string) (historyBounds, error) {
	plan := historyBounds{size: page.DefaultSize}
	if err := (page.Request{First: wide(first)}).Validate(); err != nil {
		return plan, err
	}
	if first != nil {
		plan.size = int(*first)
	}
	if value(after) == "" {
		return plan, nil
	}
	version, err := strconv.ParseInt(*after, 10, 64)
	if err != nil || version < 1 {
		return plan, apperr.InvalidField("after", apperr.ReasonCursorInvalid, "is not a cursor of this server")
	}
	plan.beforeVersion = version
	return plan, nil
}

// historyPage returns a page of a history. The cursor of an entry is its version, which is unique
// within the campaign and is not secret.
func historyPage(rows []*ent.CampaignChange, size int, continued bool) *model.CampaignChangeConnection {
	shown := &model.CampaignChangeConnection{
		Edges: []*model.CampaignChangeEdge{}, Nodes: []*model.CampaignChange{},
		PageInfo: &model.PageInfo{HasNextPage: len(rows) > size, HasPreviousPage: continued},
	}
	for _, row := range rows[:min(size, len(rows))] {
		node, cursor := &model.CampaignChange{CampaignChange: row}, strconv.FormatInt(row.Version, 10)
		shown.Nodes = append(shown.Nodes, node)
		shown.Edges = append(shown.Edges, &model.CampaignChangeEdge{Cursor: cursor, Node: node})
		if shown.PageInfo.StartCursor == nil {
			shown.PageInfo.StartCursor = &cursor
		}
		shown.PageInfo.EndCursor = &cursor
	}
	return shown
}

func (r scheduleResolver) Upcoming(_ context.Context, s *model.Schedule, first int32) ([]*time.Time, error) {
	if first < 1 || first > schedule.MaxUpcoming {
		return nil, apperr.InvalidField("first", apperr.ReasonPageSize, "must be 1 to %d", schedule.MaxUpcoming)
	}
	instants, err := r.Campaigns.Upcoming(s.Row, int(first))
	return pointers(instants), err
}

func (r statisticsResolver) Throughput(_ context.Context, c *statistics.Counters) (*statistics.Throughput, error) {
	t := c.ThroughputAt(r.Campaigns.Now())
	return &t, nil
}

func pointers[T any](values []T) []*T {
	out := make([]*T, len(values))
	for i := range values {
		out[i] = &values[i]
	}
	return out
}
