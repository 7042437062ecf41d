package graph

import (
	"context"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/internal/audience/query"
	"campaignql/internal/campaign"
	"campaignql/internal/statistics"
)

// A field of the schema reads columns, those of its own and those of the fields below it. fields is
// the table from one to the other: the only place where a selection becomes columns. A relation
// that is loaded by itself stands here with the columns that lead to it and ends the walk.
type fields map[string]field

type field struct {
	columns []string
	below   fields
}

func reads(columns ...string) field { return field{columns: columns} }

func holds(below fields) field { return field{below: below} }

var (
	deliveredColumns = []string{"total_sent", "total_hard_bounces", "total_soft_bounces"}

	// counterFields are the numbers that one campaign and many have alike.
	counterFields = fields{
		"recipients": reads(
			"total_recipients",
		),
		"sent":            reads("total_sent"),
		"failed":          reads("total_failed"),
		"delivered":       reads(deliveredColumns...),
		"opens":           unique("total_opens", "unique_opens"),
		"clicks":          unique("total_clicks", "unique_clicks"),
		"clickToOpenRate": reads("unique_opens", "unique_clicks"),
		"unsubscriptions": count("total_unsubscriptions"),
		"bounces": holds(fields{
			"hard": reads(
				"total_hard_bounces",
			),
			"soft": reads("total_soft_bounces"),
			"rate": reads(deliveredColumns...),
		}),
		"complaints": count("total_complaints"),
		"forwards": unique(
			"total_forwards", "unique_forwards",
		),
		"browserViews": unique("total_browser_views", "unique_browser_views"),
		"conversions":  holds(fields{"count": reads("total_conversions"), "amount": reads("conversion_amount")}),
		"automated":    holds(fields{"opens": reads("automated_opens"), "clicks": reads("automated_clicks")}),
	}

	// accountFields reads sums; id stands for nothing of them.
	accountFields = counterFields.with(fields{
		"campaigns": reads(
			statistics.CampaignsColumn,
		),
		"series":  reads("id"),
		"links":   reads("id"),
		"domains": reads("id"),
	})

	// pointFields reads the sums of an hour; id stands for nothing of them.
	pointFields = fields{
		"start":       reads("id"),
		"end":         reads("id"),
		"sent":        reads("sent"),
		"failed":      reads("failed"),
		"opens":       reads("opens"),
		"uniqueOpens": reads("unique_opens"),
		"clicks": reads(
			"clicks",
		),
		"uniqueClicks":       reads("unique_clicks"),
		"forwards":           reads("forwards"),
		"uniqueForwards":     reads("unique_forwards"),
		"browserViews":       reads("browser_views"),
		"uniqueBrowserViews": reads("unique_browser_views"),
		"unsubscriptions": reads(
			"unsubscriptions",
		),
		"complaints":       reads("complaints"),
		"hardBounces":      reads("hard_bounces"),
		"softBounces":      reads("soft_bounces"),
		"conversions":      reads("conversions"),
		"conversionAmount": reads("conversion_amount"),
		"automatedOpens":   reads("automated_opens"),
		"automatedClicks":  reads("automated_clicks"),
	}

	campaignFields = fields{
		"id":       reads("id"),
		"legacyId": reads("id"),
		"name": reads(
			"name",
		),
		"status":       reads("status"),
		"statusReason": reads("status_reason"),
		"version":      reads("version"),
		"email":        reads("email_id"),
		"schedule": holds(fields{
			"type": reads(
				"schedule_type",
			),
			"sendDate": reads("send_date"),
			"sendTime": reads("send_time"),
			"timeZone": reads("send_time_zone"),
			"recurrence": {columns: []string{"schedule_type"}, below: fields{
				"daysOfWeek": reads(
					"recur_days_of_week",
				),
				"daysOfMonth": reads("recur_days_of_month"),
				"months":      reads("recur_months"),
				"hours": reads(
					"recur_hours",
				),
				"minutes":      reads("recur_minutes"),
				"maxInstances": reads("recur_max_instances"),
			}},
			"nextSendAt": reads(
				"next_send_at",
			),
			"upcoming":      reads(append([]string{"status"}, campaign.ScheduleColumns...)...),
			"sentInstances": reads("sent_instances"),
		}),
		"audience": holds(fields{
			"form": reads(
				"audience",
			),
			"include": reads("audience"),
			"exclude": reads("audience"),
			"rules":   reads("audience"),
			"count": reads(
				query.CampaignColumns...),
			"preview":   reads(query.CampaignColumns...),
			"waterfall": reads(query.CampaignColumns...),
			"explain":   reads(query.CampaignColumns...),
		}),
		"tags": reads("id"),
		"statistics": holds(counterFields.with(fields{
			"throughput": reads(statistics.ThroughputColumns...),
			"series":     reads("id", "sending_started_at"), "links": reads("id"), "domains": reads("id"),
		})),
		"readiness":          reads(campaign.ReadinessColumns...),
		"allowedTransitions": reads("status", "total_sent", "user_id"),
		"history":            reads("id"),
		"abTest":             reads("ab_test"),
		"autoResend": holds(fields{
			"enabled": reads(
				"auto_resend_enabled",
			),
			"waitDays":  reads("auto_resend_wait_days"),
			"subject":   reads("auto_resend_subject"),
			"preheader": reads("auto_resend_preheader"),
		}),
		"approvalExplanation": reads(
			"approval_explanation",
		),
		"googleAnalyticsDomains": reads("google_analytics_domains"),
		"publishOnRss":           reads("publish_on_rss"),
		"s2sEnabled":             reads("s2s_enabled"),
		"sendingStartedAt":       reads("sending_started_at"),
		"sendingFinishedAt":      reads("sending_finished_at"),
		"lastActivityAt":         reads("last_activity_at"),
		"createdAt":              reads("created_at"),
	}

	tagFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":      reads("id"),
		"name":          reads("name"),
		"createdAt":     reads("created_at"),
		"campaignCount": reads("id"),
	}

	emailFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":  reads("id"),
		"name":      reads("name"),
		"subject":   reads("subject"),
		"preheader": reads("preheader"),
		"fromName": reads(
			"from_name",
		),
		"fromEmail":    reads("from_email"),
		"replyToName":  reads("reply_to_name"),
		"replyToEmail": reads("reply_to_email"),
		"html": reads(
			"html",
		),
		"plain":        reads("plain"),
		"mode":         reads("mode"),
		"openTracking": reads("open_tracking"),
		"linkTracking": reads("link_tracking"),
		"createdAt":    reads("created_at"),
		"updatedAt":    reads("updated_at"),
	}

	listFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":    reads("id"),
		"name":        reads("name"),
		"doubleOptIn": reads("double_opt_in"),
		"createdAt":   reads("created_at"),
		"subscriberCount": reads(
			"id",
		),
		"customFields": reads("id", "user_id"),
		"segments":     reads("id"),
		"subscribers":  reads("id"),
	}

	subscriberFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":     reads("id"),
		"emailAddress": reads("email"),
		"status":       reads("status"),
		"bounce":       reads("bounce"),
		"subscriptionIp": reads(
			"subscription_ip",
		),
		"subscribedAt":   reads("subscribed_at"),
		"optedInAt":      reads("opted_in_at"),
		"unsubscribedAt": reads("unsubscribed_at"),
		"createdAt":      reads("created_at"),
		"list": reads(
			"list_id",
		),
		"fields":      reads("id"),
		"tags":        reads("id"),
		"suppression": reads("id", "user_id", "email_key"),
	}

	customFieldFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":  reads("id"),
		"name":      reads("name"),
		"type":      reads("type"),
		"choices":   reads("choices"),
		"list":      reads("list_id"),
		"createdAt": reads("created_at"),
	}

	segmentFields = fields{
		"id": reads(
			"id",
		),
		"legacyId": reads("id"),
		"name":     reads("name"),
		"list":     reads("list_id"),
		"rules":    reads("rules"),
		"subscriberCount": reads(
			query.SegmentColumns...),
		"createdAt": reads("created_at"),
		"updatedAt": reads("updated_at"),
	}

	subscriberTagFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":        reads("id"),
		"name":            reads("name"),
		"createdAt":       reads("created_at"),
		"subscriberCount": reads("id"),
	}

	suppressionFields = fields{
		"id": reads(
			"id",
		),
		"legacyId":     reads("id"),
		"emailAddress": reads("email"),
		"reason":       reads("reason"),
		"createdAt":    reads("created_at"),
	}
)

// with is the table and more.
func (f fields) with(more fields) fields {
	all := maps.Clone(f)
	maps.Copy(all, more)
	return all
}

func unique(total, unique string) field {
	return holds(
		fields{
			"total": reads(total), "unique": reads(unique),
			"rate": reads(append([]string{unique}, deliveredColumns...)...),
		},
	)
}

func count(total string) field {
	return holds(fields{"total": reads(total), "rate": reads(append([]string{total}, deliveredColumns...)...)})
}

// selection is what an operation asks of one type at one place.
type selection struct {
	op    *graphql.OperationContext
	table fields
	// asked are the fields of the type, merged over fragments and aliases.
	asked []graphql.CollectedField
}

// Paths from a field to the type it shows.
var (
	itself     = [][]string{{}}
	connection = [][]string{{"nodes"}, {"edges", "node"}}
)

// selected returns what the current field asks of the type that lies below it at the paths.
func selected(ctx context.Context, table fields, paths [][]string) selection {
	op := graphql.GetOperationContext(ctx)
	s := selection{op: op, table: table}
	current := graphql.GetFieldContext(ctx).Field
	for _, path := range paths {
		s.descend(current.Selections, current.Definition.Type, path)
	}
	return s
}

func (s *selection) descend(set ast.SelectionSet, of *ast.Type, path []string) {
	for _, f := range collect(s.op, set, of) {
		switch {
		case len(path) == 0:
			s.asked = append(s.asked, f)
		case f.Name == path[0]:
			s.descend(f.Selections, f.Definition.Type, path[1:])
		}
	}
}

// collect merges the fields of a selection set; fragments on the interface Node count as well.
func collect(op *graphql.OperationContext, set ast.SelectionSet, of *ast.Type) []graphql.CollectedField {
	return graphql.CollectFields(op, set, []string{of.Name(), "Node"})
}

// columns returns the columns that the selection reads, each once; id at least.
func (s selection) columns() []string {
	columns := []string{"id"}
	s.gather(s.table, s.asked, &columns)
	return columns
}

// columnsAnd returns the columns and more of them, each once.
func (s selection) columnsAnd(more ...string) []string {
	columns := s.columns()
	for _, column := range more {
		if !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	return columns
}

// sums returns the columns without id, which sums do not have.
func (s selection) sums() []string { return s.columns()[1:] }

func (s selection) gather(table fields, asked []graphql.CollectedField, columns *[]string) {
	for _, f := range asked {
		entry := table[f.Name]
		for _, column := range entry.columns {
			if !slices.Contains(*columns, column) {
				*columns = append(*columns, column)
			}
		}
		if entry.below != nil {
			s.gather(entry.below, collect(s.op, f.Selections, f.Definition.Type), columns)
		}
	}
}

// named returns the fields of a name, which are several under aliases.
func (s selection) named(name string) []graphql.CollectedField {
	var found []graphql.CollectedField
	for _, f := range s.asked {
		if f.Name == name {
			found = append(found, f)
		}
	}
	return found
}

// asks reports whether the current field asks for one of the fields below it.
func asks(ctx context.Context, names ...string) bool {
	current := graphql.GetFieldContext(ctx).Field
	for _, f := range collect(graphql.GetOperationContext(ctx), current.Selections, current.Definition.Type) {
		if slices.Contains(names, f.Name) {
			return true
		}
	}
	return false
}

// selectedOn returns what the current field, an interface, asks of one type that implements it.
func selectedOn(ctx context.Context, typeName string, table fields) selection {
	op := graphql.GetOperationContext(ctx)
	current := graphql.GetFieldContext(ctx).Field
	return selection{
		op: op, table: table, asked: graphql.CollectFields(op, current.Selections, []string{typeName, "Node"}),
	}
}
