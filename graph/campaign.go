package graph

import (
	"context"
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
	"campaignql/internal/store"
)

// campaignFields says what the fields of a campaign read.
var campaignFields = columnsOf("Campaign", fields{
	"statusReason": reads("status_reason"),
	"owner":        reads("user_id"),
	"email":        reads("email_id"),
	"schedule":     holds(scheduleFields),
	"audience":     holds(audienceFields),
	"tags":         reads("id"),
	"statistics": holds(columnsOf("CampaignStatistics", counterFields, fields{
		"id":         reads("id"),
		"throughput": reads(statistics.ThroughputColumns...),
		"series":     reads("id", "sending_started_at"),
		"links":      reads("id"),
		"domains":    reads("id"),
	})),
	"readiness":          reads(append([]string{"user_id"}, campaign.ReadinessColumns...)...),
	"allowedTransitions": reads("status", "total_sent", "begun", "user_id"),
	"history":            reads("id"),
	"run":                reads("id"),
	"runs":               reads("id"),
	"abTest":             reads("ab_test"),
	"autoResend": holds(fields{
		"id":        reads("id"),
		"enabled":   reads("auto_resend_enabled"),
		"waitDays":  reads("auto_resend_wait_days"),
		"subject":   reads("auto_resend_subject"),
		"preheader": reads("auto_resend_preheader"),
	}),
	"approvalExplanation":    reads("approval_explanation"),
	"googleAnalyticsDomains": reads("google_analytics_domains"),
})

var scheduleFields = fields{
	"id":       reads("id"),
	"type":     reads("schedule_type"),
	"sendDate": reads("send_date"),
	"sendTime": reads("send_time"),
	"timeZone": reads("send_time_zone"),
	"recurrence": {columns: []string{"schedule_type"}, below: fields{
		"daysOfWeek":   reads("recur_days_of_week"),
		"daysOfMonth":  reads("recur_days_of_month"),
		"months":       reads("recur_months"),
		"hours":        reads("recur_hours"),
		"minutes":      reads("recur_minutes"),
		"maxInstances": reads("recur_max_instances"),
	}},
	"nextSendAt":    reads("next_send_at"),
	"upcoming":      reads(append([]string{"status"}, campaign.ScheduleColumns...)...),
	"sentInstances": reads("sent_instances"),
}

func shownCampaigns(rows []*ent.Campaign) []*model.Campaign {
	views := make([]model.Campaign, len(rows))
	shown := make([]*model.Campaign, len(rows))
	for i, row := range rows {
		views[i].Campaign = row
		shown[i] = &views[i]
	}
	return shown
}

func shownCampaign(row *ent.Campaign) *model.Campaign { return &model.Campaign{Campaign: row} }

// campaignsByIDs returns the campaign of each id, with the selected columns, or nil where it was
// deleted since the id was read.
func (r *resolver) campaignsByIDs(ctx context.Context, ids []int64) ([]*model.Campaign, error) {
	found, err := r.Campaigns.ByIDs(ctx, store.Distinct(ids), selected(ctx, campaignFields, itself).columns()...)
	if err != nil {
		return nil, err
	}
	return mapped(ids, func(id int64) *model.Campaign {
		if c := found[id]; c != nil {
			return shownCampaign(c)
		}
		return nil
	}), nil
}

// campaignByID returns the campaign with the selected columns, or nil if the caller has no campaign
// with this id.
func (r *resolver) campaignByID(ctx context.Context, id int64) (*model.Campaign, error) {
	c, err := r.Campaigns.Get(ctx, id, selected(ctx, campaignFields, itself).columns()...)
	if err != nil {
		return nil, absent(err)
	}
	return shownCampaign(c), nil
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
	columns := selected(ctx, campaignFields, connection).columns()
	if result.Result, err = r.resolver.Campaigns.List(ctx, conditions, order, request, columns...); err != nil {
		return nil, err
	}
	result.Nodes = shownCampaigns(result.Result.Items)
	return result, nil
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
	order.Desc = value(given(by.Direction)) == model.OrderDirectionDesc
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

func (r campaignResolver) Tags(ctx context.Context, campaigns []*model.Campaign) ([][]*ent.Tag, error) {
	columns := selected(ctx, tagFields, itself).columns()
	byCampaign, err := r.Services.Tags.ByCampaigns(ctx, idsOf(campaigns, (*model.Campaign).Number), columns...)
	if err != nil {
		return nil, err
	}
	return mapped(campaigns, func(c *model.Campaign) []*ent.Tag { return byCampaign[c.ID] }), nil
}

func (r campaignResolver) Owner(ctx context.Context, campaigns []*model.Campaign) ([]*model.User, error) {
	return r.usersOf(ctx, mapped(campaigns, func(c *model.Campaign) int64 { return c.UserID }))
}

func (r campaignResolver) Email(ctx context.Context, campaigns []*model.Campaign) ([]*ent.Email, error) {
	return r.emailsOf(ctx, emailIDs(campaigns), selected(ctx, emailFields, itself).columns())
}

func (r variationResolver) Email(ctx context.Context, variations []*model.ABTestVariation) ([]*ent.Email, error) {
	ids := mapped(variations, func(v *model.ABTestVariation) *int64 { return &v.EmailID })
	return r.emailsOf(ctx, ids, selected(ctx, emailFields, itself).columns())
}

func emailIDs(campaigns []*model.Campaign) []*int64 {
	return mapped(campaigns, func(c *model.Campaign) *int64 { return c.EmailID })
}

// emailsOf returns the emails with the given ids in their order, and nil for an id that is nil.
func (r *resolver) emailsOf(ctx context.Context, ids []*int64, columns []string) ([]*ent.Email, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	return present(ids, func(ids []int64) ([]*ent.Email, error) { return l.emails.Load(ctx, ids, columns) })
}

func (r campaignResolver) Readiness(
	ctx context.Context, campaigns []*model.Campaign,
) ([][]*model.ReadinessGap, error) {
	counts := make([]int, len(campaigns))
	var ids []*int64
	for i, c := range campaigns {
		content := campaign.ContentOf(c.Campaign)
		counts[i] = len(content)
		ids = append(ids, mapped(content, func(id int64) *int64 { return &id })...)
	}
	emails, err := r.emailsOf(ctx, ids, campaign.ReadinessEmailColumns)
	if err != nil {
		return nil, err
	}
	missing, err := r.Sending.Gaps(ctx, idsOf(campaigns, func(c *model.Campaign) int64 { return c.UserID }))
	if err != nil {
		return nil, err
	}
	out := make([][]*model.ReadinessGap, len(campaigns))
	for i, c := range campaigns {
		own := emails[:counts[i]]
		emails = emails[counts[i]:]
		gaps := append(campaign.Readiness(c.Campaign, own), missing[c.UserID]...)
		out[i] = mapped(gaps, func(gap campaign.Gap) *model.ReadinessGap {
			return &model.ReadinessGap{Code: model.ReadinessCode(gap.Code), Message: gap.Message}
		})
	}
	return out, nil
}

// mutations maps the actions of the domain to the mutations of the schema.
var mutations = map[campaign.Action]model.CampaignTransitionMutation{
	campaign.ActionUpdate:  model.CampaignTransitionMutationUpdateCampaign,
	campaign.ActionApprove: model.CampaignTransitionMutationApproveCampaign,
	campaign.ActionPause:   model.CampaignTransitionMutationPauseCampaign,
	campaign.ActionResume:  model.CampaignTransitionMutationResumeCampaign,
	campaign.ActionRetry:   model.CampaignTransitionMutationRetryRecipients,
	campaign.ActionCancel:  model.CampaignTransitionMutationCancelCampaign,
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
			shown.BlockedBy = &model.TransitionBlock{
				Code: model.TransitionBlockCode(reasonName(t.BlockedBy.Reason)), Message: t.BlockedBy.Message,
			}
		}
		out = append(out, shown)
	}
	return out, nil
}

func (r scheduleResolver) Upcoming(_ context.Context, s *model.Schedule, first int32) ([]*time.Time, error) {
	if first < 1 || first > schedule.MaxUpcoming {
		return nil, apperr.InvalidField("first", apperr.ReasonPageSize, "must be 1 to %d", schedule.MaxUpcoming)
	}
	instants, err := r.Campaigns.Upcoming(s.Row, int(first))
	return pointers(instants), err
}

func (r statisticsResolver) ID(_ context.Context, c *statistics.Counters) (string, error) {
	return gid.Encode(gid.CampaignStatistics, c.ID), nil
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

// campaignsBelow returns the page of campaigns below each of the objects with the given ids. It counts
// the campaigns and reads them only if the current field asks for that.
func (r *resolver) campaignsBelow(
	ctx context.Context, ids []int64, request page.Request, count func() (map[int64]int, error),
	read func(request page.Request, columns ...string) (campaign.Pages, error),
) ([]*model.CampaignConnection, error) {
	if _, err := campaign.NewestFirst().Plan(request); err != nil {
		return nil, err
	}
	var counts map[int64]int
	var pages campaign.Pages
	var err error
	if asks(ctx, "totalCount") {
		if counts, err = count(); err != nil {
			return nil, err
		}
	}
	if asks(ctx, "nodes", "edges", "pageInfo") {
		if pages, err = read(request, selected(ctx, campaignFields, connection).columns()...); err != nil {
			return nil, err
		}
	}
	return mapped(ids, func(id int64) *model.CampaignConnection {
		result := pages[id]
		return &model.CampaignConnection{
			Result: result, Nodes: shownCampaigns(result.Items),
			Count: func(context.Context) (int, error) { return counts[id], nil },
		}
	}), nil
}
