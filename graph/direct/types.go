package direct

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/graph/exec"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/graph/scalar"
	"campaignql/internal/statistics"
)

var campaigns = &table[*model.Campaign]{
	name:       "Campaign",
	interfaces: []string{"Node"},
	fields: map[string]entry[*model.Campaign]{
		"id":           leaf(text, (*model.Campaign).GlobalID),
		"legacyId":     leaf(bigInt, func(c *model.Campaign) int64 { return c.ID }),
		"name":         leaf(text, func(c *model.Campaign) string { return c.Name }),
		"status":       leaf(text, func(c *model.Campaign) string { return exec.CampaignStatusName(c.Status) }),
		"statusReason": leaf(optionalText, (*model.Campaign).StatusReason),
		"version":      leaf(number[int64], func(c *model.Campaign) int64 { return c.Version }),
		"email": resolved(
			emails, "Campaign",
			func(r exec.ResolverRoot, ctx context.Context, c *model.Campaign) (*ent.Email, error) {
				return r.Campaign().Email(ctx, c)
			},
		),
		"schedule":               object(schedules, (*model.Campaign).Schedule),
		"audience":               optional(audiences, (*model.Campaign).Audience),
		"tags":                   list(tags, (*model.Campaign).Tags),
		"statistics":             object(counters, (*model.Campaign).Statistics),
		"autoResend":             object(autoResends, (*model.Campaign).AutoResend),
		"approvalExplanation":    leaf(optionalText, (*model.Campaign).ApprovalExplanation),
		"googleAnalyticsDomains": leaf(optionalText, (*model.Campaign).GoogleAnalyticsDomains),
		"publishOnRss":           leaf(boolean, func(c *model.Campaign) bool { return c.PublishOnRss }),
		"s2sEnabled":             leaf(boolean, func(c *model.Campaign) bool { return c.S2sEnabled }),
		"sendingStartedAt": leaf(
			optionalInstant, func(c *model.Campaign) *time.Time { return c.SendingStartedAt },
		),
		"sendingFinishedAt": leaf(
			optionalInstant, func(c *model.Campaign) *time.Time { return c.SendingFinishedAt },
		),
		"lastActivityAt": leaf(instant, func(c *model.Campaign) time.Time { return c.LastActivityAt }),
		"createdAt":      leaf(instant, func(c *model.Campaign) time.Time { return c.CreatedAt }),
	},
}

var schedules = &table[*model.Schedule]{name: "CampaignSchedule", fields: map[string]entry[*model.Schedule]{
	"type":          leaf(text, func(s *model.Schedule) string { return exec.ScheduleTypeName(s.Type()) }),
	"sendDate":      leaf(optionalText, (*model.Schedule).SendDate),
	"sendTime":      leaf(optionalText, (*model.Schedule).SendTime),
	"timeZone":      leaf(optionalText, (*model.Schedule).TimeZone),
	"recurrence":    optional(recurrences, certainly((*model.Schedule).Recurrence)),
	"nextSendAt":    leaf(optionalInstant, (*model.Schedule).NextSendAt),
	"sentInstances": leaf(number[int], (*model.Schedule).SentInstances),
}}

var recurrences = &table[*model.Recurrence]{name: "Recurrence", fields: map[string]entry[*model.Recurrence]{
	"daysOfWeek":   values(text, func(r *model.Recurrence) []string { return names(r.DaysOfWeek()) }),
	"daysOfMonth":  values(number[int], (*model.Recurrence).DaysOfMonth),
	"months":       values(number[int], (*model.Recurrence).Months),
	"hours":        values(number[int], (*model.Recurrence).Hours),
	"minutes":      values(number[int], (*model.Recurrence).Minutes),
	"maxInstances": leaf(number[int], (*model.Recurrence).MaxInstances),
}}

func names(days []model.DayOfWeek) []string {
	out := make([]string, len(days))
	for i, day := range days {
		out[i] = string(day)
	}
	return out
}

var audiences = &table[*model.Audience]{name: "CampaignAudience", fields: map[string]entry[*model.Audience]{
	"form":    leaf(text, func(a *model.Audience) string { return string(a.Form) }),
	"include": list(audienceParts, certainly(func(a *model.Audience) []*model.AudiencePart { return a.Include })),
	"exclude": list(audienceParts, certainly(func(a *model.Audience) []*model.AudiencePart { return a.Exclude })),
	"rules":   leaf(document, func(a *model.Audience) scalar.JSON { return a.Rules }),
}}

var audienceParts = &table[*model.AudiencePart]{name: "AudiencePart", fields: map[string]entry[*model.AudiencePart]{
	"listLegacyId":    leaf(bigInt, func(p *model.AudiencePart) int64 { return p.ListLegacyID }),
	"segmentLegacyId": leaf(optionalBigInt, func(p *model.AudiencePart) *int64 { return p.SegmentLegacyID }),
}}

var autoResends = &table[*model.AutoResend]{name: "AutoResend", fields: map[string]entry[*model.AutoResend]{
	"enabled":   leaf(boolean, (*model.AutoResend).Enabled),
	"waitDays":  leaf(number[int], (*model.AutoResend).WaitDays),
	"subject":   leaf(optionalText, (*model.AutoResend).Subject),
	"preheader": leaf(optionalText, (*model.AutoResend).Preheader),
}}

var counters = &table[*statistics.Counters]{name: "CampaignStatistics", fields: map[string]entry[*statistics.Counters]{
	"recipients":      leaf(number[int64], (*statistics.Counters).Recipients),
	"sent":            leaf(number[int64], (*statistics.Counters).Sent),
	"failed":          leaf(number[int64], (*statistics.Counters).Failed),
	"delivered":       leaf(number[int64], (*statistics.Counters).Delivered),
	"opens":           object(uniques, (*statistics.Counters).Opens),
	"clicks":          object(uniques, (*statistics.Counters).Clicks),
	"clickToOpenRate": leaf(optionalDecimal, (*statistics.Counters).ClickToOpenRate),
	"unsubscriptions": object(counts, (*statistics.Counters).Unsubscriptions),
	"bounces":         object(bounces, (*statistics.Counters).Bounces),
	"complaints":      object(counts, (*statistics.Counters).Complaints),
	"forwards":        object(uniques, (*statistics.Counters).Forwards),
	"browserViews":    object(uniques, (*statistics.Counters).BrowserViews),
	"conversions":     object(conversions, (*statistics.Counters).Conversions),
	"automated":       object(automated, (*statistics.Counters).Automated),
}}

var uniques = &table[statistics.Unique]{name: "UniqueStatistic", fields: map[string]entry[statistics.Unique]{
	"total":  leaf(number[int64], func(u statistics.Unique) int64 { return u.Total }),
	"unique": leaf(number[int64], func(u statistics.Unique) int64 { return u.Unique }),
	"rate":   leaf(optionalDecimal, func(u statistics.Unique) *float64 { return u.Rate }),
}}

var counts = &table[statistics.Count]{name: "CountStatistic", fields: map[string]entry[statistics.Count]{
	"total": leaf(number[int64], func(c statistics.Count) int64 { return c.Total }),
	"rate":  leaf(optionalDecimal, func(c statistics.Count) *float64 { return c.Rate }),
}}

var bounces = &table[statistics.Bounces]{name: "BounceStatistic", fields: map[string]entry[statistics.Bounces]{
	"hard": leaf(number[int64], func(b statistics.Bounces) int64 { return b.Hard }),
	"soft": leaf(number[int64], func(b statistics.Bounces) int64 { return b.Soft }),
	"rate": leaf(optionalDecimal, func(b statistics.Bounces) *float64 { return b.Rate }),
}}

var conversions = &table[statistics.Conversions]{
	name: "ConversionStatistic",
	fields: map[string]entry[statistics.Conversions]{
		"count":  leaf(number[int64], func(c statistics.Conversions) int64 { return c.Count }),
		"amount": leaf(decimal, func(c statistics.Conversions) float64 { return c.Amount }),
	},
}

var automated = &table[statistics.Automated]{name: "AutomatedStatistic", fields: map[string]entry[statistics.Automated]{
	"opens":  leaf(number[int64], func(a statistics.Automated) int64 { return a.Opens }),
	"clicks": leaf(number[int64], func(a statistics.Automated) int64 { return a.Clicks }),
}}

var tags = &table[*ent.Tag]{name: "Tag", interfaces: []string{"Node"}, fields: map[string]entry[*ent.Tag]{
	"id":        leaf(text, func(t *ent.Tag) string { return gid.Encode(gid.Tag, t.ID) }),
	"legacyId":  leaf(bigInt, func(t *ent.Tag) int64 { return t.ID }),
	"name":      leaf(text, func(t *ent.Tag) string { return t.Name }),
	"createdAt": leaf(instant, func(t *ent.Tag) time.Time { return t.CreatedAt }),
}}

var emails = &table[*ent.Email]{name: "Email", interfaces: []string{"Node"}, fields: map[string]entry[*ent.Email]{
	"id":           leaf(text, func(e *ent.Email) string { return gid.Encode(gid.Email, e.ID) }),
	"legacyId":     leaf(bigInt, func(e *ent.Email) int64 { return e.ID }),
	"name":         leaf(text, func(e *ent.Email) string { return e.Name }),
	"subject":      leaf(text, func(e *ent.Email) string { return e.Subject }),
	"preheader":    leaf(text, func(e *ent.Email) string { return e.Preheader }),
	"fromName":     leaf(text, func(e *ent.Email) string { return e.FromName }),
	"fromEmail":    leaf(textOrNull, func(e *ent.Email) string { return e.FromEmail }),
	"replyToName":  leaf(text, func(e *ent.Email) string { return e.ReplyToName }),
	"replyToEmail": leaf(textOrNull, func(e *ent.Email) string { return e.ReplyToEmail }),
	"html":         leaf(text, func(e *ent.Email) string { return e.HTML }),
	"plain":        leaf(text, func(e *ent.Email) string { return e.Plain }),
	"openTracking": leaf(boolean, func(e *ent.Email) bool { return e.OpenTracking }),
	"linkTracking": leaf(boolean, func(e *ent.Email) bool { return e.LinkTracking }),
	"createdAt":    leaf(instant, func(e *ent.Email) time.Time { return e.CreatedAt }),
	"updatedAt":    leaf(instant, func(e *ent.Email) time.Time { return e.UpdatedAt }),
}}

var pageInfos = &table[*model.PageInfo]{name: "PageInfo", fields: map[string]entry[*model.PageInfo]{
	"hasNextPage":     leaf(boolean, func(p *model.PageInfo) bool { return p.HasNextPage }),
	"hasPreviousPage": leaf(boolean, func(p *model.PageInfo) bool { return p.HasPreviousPage }),
	"startCursor":     leaf(optionalText, func(p *model.PageInfo) *string { return p.StartCursor }),
	"endCursor":       leaf(optionalText, func(p *model.PageInfo) *string { return p.EndCursor }),
}}

var campaignConnections = &table[*model.CampaignConnection]{
	name: "CampaignConnection",
	fields: map[string]entry[*model.CampaignConnection]{
		"nodes": list(
			campaigns, certainly(func(c *model.CampaignConnection) []*model.Campaign { return c.Nodes }),
		),
		"edges":      list(campaignEdges, certainly((*model.CampaignConnection).Edges)),
		"pageInfo":   object(pageInfos, (*model.CampaignConnection).PageInfo),
		"totalCount": total((*model.CampaignConnection).TotalCount),
	},
}

var campaignEdges = &table[*model.CampaignEdge]{name: "CampaignEdge", fields: map[string]entry[*model.CampaignEdge]{
	"cursor": leaf(text, func(e *model.CampaignEdge) string { return e.Cursor }),
	"node":   object(campaigns, func(e *model.CampaignEdge) *model.Campaign { return e.Node }),
}}

var tagConnections = &table[*model.TagConnection]{name: "TagConnection", fields: map[string]entry[*model.TagConnection]{
	"nodes":      list(tags, certainly((*model.TagConnection).Nodes)),
	"edges":      list(tagEdges, certainly((*model.TagConnection).Edges)),
	"pageInfo":   object(pageInfos, (*model.TagConnection).PageInfo),
	"totalCount": total((*model.TagConnection).TotalCount),
}}

var tagEdges = &table[*model.TagEdge]{name: "TagEdge", fields: map[string]entry[*model.TagEdge]{
	"cursor": leaf(text, func(e *model.TagEdge) string { return e.Cursor }),
	"node":   object(tags, func(e *model.TagEdge) *ent.Tag { return e.Node }),
}}
