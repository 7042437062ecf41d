package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// Campaign is one mailing (legacy table oempro_campaigns).
type Campaign struct{ ent.Schema }

// Mixin of the Campaign.
func (Campaign) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Campaign.
func (Campaign) Fields() []ent.Field {
	fields := []ent.Field{
		numbered(),
		field.String("name").MaxLen(1000).Comment("Legacy CampaignName; at most 250 characters."),
		field.String("name_key").
			MaxRuneLen(500).
			Comment("Folded copy of name, for order and search without regard to case."),
		field.Enum("status").GoType(kind.CampaignStatus("")).SchemaType(short()).Default(string(kind.StatusDraft)),
		field.Int8("status_rank").
			Default(kind.StatusDraft.Rank()).
			Comment("kind.CampaignStatus.Rank of status, kept beside it for an indexed order."),
		field.String("status_reason").MaxLen(1000).Default("").Comment("Legacy CampaignStatusReason."),
		field.Int64("email_id").Optional().Nillable().Comment("Legacy RelEmailID."),
		field.Int64("version").Default(1).Comment("Grows with every change; guards optimistic writes."),
	}
	fields = append(fields, campaignSchedule()...)
	fields = append(fields, campaignSettings()...)
	fields = append(fields, campaignCounters()...)
	return append(fields,
		instant("sending_started_at").optional(),
		instant("sending_finished_at").optional(),
		instant("last_activity_at").required(),
		instant("created_at").required(),
	)
}

func campaignSchedule() []ent.Field {
	return []ent.Field{
		field.Enum("schedule_type").
			GoType(kind.ScheduleType("")).
			SchemaType(short()).
			Default(string(kind.ScheduleNone)),
		field.String("send_date").MaxLen(10).Default("").Comment("Wall clock date YYYY-MM-DD, as the user said it."),
		field.String("send_time").MaxLen(8).Default("").Comment("Wall clock time HH:MM:SS."),
		field.String("send_time_zone").MaxLen(400).Default("").Comment("Zone as the user wrote it."),
		field.String("recur_days_of_week").
			MaxLen(40).
			Default("").
			Comment("Comma-separated; legacy ScheduleRecDaysOfWeek."),
		field.String("recur_days_of_month").MaxLen(100).Default("").Comment("Legacy ScheduleRecDaysOfMonth."),
		field.String("recur_months").MaxLen(40).Default("").Comment("Legacy ScheduleRecMonths."),
		field.String("recur_hours").MaxLen(80).Default("").Comment("Legacy ScheduleRecHours."),
		field.String("recur_minutes").MaxLen(200).Default("").Comment("Legacy ScheduleRecMinutes."),
		field.Int("recur_max_instances").Default(0).Comment("Legacy ScheduleRecSendMaxInstance; 0 is no limit."),
		field.Int("sent_instances").Default(0).Comment("Legacy ScheduleRecSentInstances."),
		instant("next_send_at").optional(),
	}
}

func campaignSettings() []ent.Field {
	return []ent.Field{
		field.Text("approval_explanation").DefaultFunc(empty).Comment("Legacy ApprovalUserExplanation."),
		field.Text("google_analytics_domains").DefaultFunc(empty).Comment("Legacy GoogleAnalyticsDomains."),
		field.Bool("publish_on_rss").Default(false).Comment("Legacy PublishOnRSS."),
		field.Bool("s2s_enabled").Default(false).Comment("Legacy S2SEnabled."),
		field.Bool("auto_resend_enabled").Default(false),
		field.Int("auto_resend_wait_days").Default(0),
		field.String("auto_resend_subject").MaxLen(1000).Default(""),
		field.String("auto_resend_preheader").MaxLen(1000).Default("").Comment("Legacy AutoResendPreHeaderText."),
		field.Text("audience").
			DefaultFunc(empty).
			SchemaType(long()).
			Comment("Canonical rule tree as JSON; empty when nobody was chosen."),
		field.Text("audience_source").
			DefaultFunc(empty).
			SchemaType(long()).
			Comment("RulesJsonBundle as it was given; empty when lists were given."),
		field.String("recipient_lists").MaxLen(4000).Default("").Comment("ListID:SegmentID pairs as they were given."),
		field.String("excluded_lists").
			MaxLen(4000).
			Default("").
			Comment("Excluded ListID:SegmentID pairs as they were given."),
		field.Bool("has_audience").Default(false),
		field.Bool("begun").Default(false).Comment("The server has begun to write to somebody, in this sending or an earlier one."),
		field.Text("ab_test").DefaultFunc(empty).Comment("A/B test as JSON; empty when there is none."),
		field.String("approved_digest").MaxLen(255).Optional().Nillable().
			Comment("Digest of the content and the audience that were approved; NULL where what is stored counts as approved."),
	}
}

func campaignCounters() []ent.Field {
	return []ent.Field{
		counter("total_recipients", "Legacy TotalRecipients."),
		counter("total_sent", "Legacy TotalSent."),
		counter("total_failed", "Legacy TotalFailed."),
		counter("total_delivered", "Deliveries a mailer confirmed."),
		counter("total_opens", "Legacy TotalOpens."),
		counter("unique_opens", "Legacy UniqueOpens."),
		counter("total_clicks", "Legacy TotalClicks."),
		counter("unique_clicks", "Legacy UniqueClicks."),
		counter("total_forwards", "Legacy TotalForwards."),
		counter("unique_forwards", "Legacy UniqueForwards."),
		counter("total_browser_views", "Legacy TotalViewsOnBrowser."),
		counter("unique_browser_views", "Legacy UniqueViewsOnBrowser."),
		counter("total_unsubscriptions", "Legacy TotalUnsubscriptions."),
		counter("total_hard_bounces", "Legacy TotalHardBounces."),
		counter("total_soft_bounces", "Legacy TotalSoftBounces."),
		counter("total_complaints", "Legacy TotalSpamReports."),
		counter("total_conversions", "Conversions."),
		counter("conversion_amount", "Sum of conversion amounts, in hundredths."),
		counter("automated_opens", "Opens by machines, not in total_opens."),
		counter("automated_clicks", "Clicks by machines, not in total_clicks."),
		counter(
			"recounts", "How often a recount corrected the counters: one that was overtaken by another notices it.",
		),
		counter("benchmark_emails_per_second", "Legacy BenchmarkEmailsPerSecond."),
	}
}

// Edges of the Campaign.
func (Campaign) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("tags", Tag.Type).Through("taggings", CampaignTag.Type),
		edge.To("lists", SubscriberList.Type).Through("audience_lists", CampaignList.Type),
		edge.To("emails", Email.Type).Through("contents", CampaignEmail.Type),
	}
}

// Indexes of the Campaign. The id stands implicitly at the end of each.
func (Campaign) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id"),
		index.Fields("user_id", "name_key"),
		index.Fields("user_id", "status_rank"),
		index.Fields("user_id", "schedule_type"),
		index.Fields("user_id", "created_at"),
		index.Fields("user_id", "last_activity_at"),
		index.Fields("user_id", "next_send_at"),
		index.Fields("user_id", "sending_started_at"),
		index.Fields("user_id", "sending_finished_at"),
		index.Fields("user_id", "total_recipients"),
		index.Fields("user_id", "email_id"),
		index.Fields("status_rank", "next_send_at"),
	}
}

// Annotations of the Campaign.
func (Campaign) Annotations() []schema.Annotation { return table("campaigns") }

// Tag is a label of campaigns, unique in its account without regard to case.
type Tag struct{ ent.Schema }

// Mixin of the Tag.
func (Tag) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Tag.
func (Tag) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.String("name").MaxLen(400).Comment("Legacy Tag; at most 100 characters."),
		field.String("name_key").MaxRuneLen(200),
		instant("created_at").required(),
	}
}

// Edges of the Tag.
func (Tag) Edges() []ent.Edge {
	return []ent.Edge{edge.From("campaigns", Campaign.Type).Ref("tags").Through("taggings", CampaignTag.Type)}
}

// Indexes of the Tag.
func (Tag) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "name_key").Unique()}
}

// Annotations of the Tag.
func (Tag) Annotations() []schema.Annotation { return table("tags") }

// CampaignTag says that a campaign carries a tag.
type CampaignTag struct{ ent.Schema }

// Mixin of the CampaignTag.
func (CampaignTag) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the CampaignTag.
func (CampaignTag) Fields() []ent.Field {
	return []ent.Field{field.Int64("campaign_id"), field.Int64("tag_id")}
}

// Edges of the CampaignTag.
func (CampaignTag) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("campaign", Campaign.Type).Unique().Required().Field("campaign_id"),
		edge.To("tag", Tag.Type).Unique().Required().Field("tag_id"),
	}
}

// Indexes of the CampaignTag.
func (CampaignTag) Indexes() []ent.Index { return []ent.Index{index.Fields("tag_id", "campaign_id")} }

// Annotations of the CampaignTag.
func (CampaignTag) Annotations() []schema.Annotation {
	return append(table("campaign_tags"), field.ID("campaign_id", "tag_id"))
}

// CampaignList says that the audience of a campaign includes a list. The rows follow the column audience.
type CampaignList struct{ ent.Schema }

// Mixin of the CampaignList.
func (CampaignList) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the CampaignList.
func (CampaignList) Fields() []ent.Field {
	return []ent.Field{field.Int64("campaign_id"), field.Int64("list_id")}
}

// Edges of the CampaignList.
func (CampaignList) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("campaign", Campaign.Type).Unique().Required().Field("campaign_id"),
		edge.To("list", SubscriberList.Type).Unique().Required().Field("list_id"),
	}
}

// Indexes of the CampaignList.
func (CampaignList) Indexes() []ent.Index { return []ent.Index{index.Fields("list_id", "campaign_id")} }

// Annotations of the CampaignList.
func (CampaignList) Annotations() []schema.Annotation {
	return append(table("campaign_lists"), field.ID("campaign_id", "list_id"))
}

// CampaignEmail says that an email is content of a campaign: its own, or a variation of its A/B test. The rows
// follow the columns email_id and ab_test.
type CampaignEmail struct{ ent.Schema }

// Mixin of the CampaignEmail.
func (CampaignEmail) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the CampaignEmail.
func (CampaignEmail) Fields() []ent.Field {
	return []ent.Field{field.Int64("campaign_id"), field.Int64("email_id")}
}

// Edges of the CampaignEmail.
func (CampaignEmail) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("campaign", Campaign.Type).Unique().Required().Field("campaign_id"),
		edge.To("email", Email.Type).Unique().Required().Field("email_id"),
	}
}

// Indexes of the CampaignEmail.
func (CampaignEmail) Indexes() []ent.Index {
	return []ent.Index{index.Fields("email_id", "campaign_id")}
}

// Annotations of the CampaignEmail.
func (CampaignEmail) Annotations() []schema.Annotation {
	return append(table("campaign_emails"), field.ID("campaign_id", "email_id"))
}

// CampaignChange is one entry of a campaign's history: who changed what, when, through which surface.
type CampaignChange struct{ ent.Schema }

// Mixin of the CampaignChange.
func (CampaignChange) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the CampaignChange.
func (CampaignChange) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("campaign_id").Immutable(),
		field.Int64("version").Immutable().Comment("Version of the campaign after the change."),
		field.Enum("action").
			Values("create", "copy", "update", "approve", "pause", "resume", "cancel", "send", "finish", "fail").
			SchemaType(short()).
			Immutable(),
		field.Int64("actor_id").Immutable().Comment("User who did it; 0 for the server itself."),
		field.Int64("api_key_id").Optional().Nillable().Immutable(),
		field.Enum("surface").GoType(kind.Surface("")).SchemaType(short()).Immutable(),
		field.Enum("from_status").GoType(kind.CampaignStatus("")).SchemaType(short()).Optional().Nillable().Immutable(),
		field.Enum("to_status").GoType(kind.CampaignStatus("")).SchemaType(short()).Immutable(),
		field.String("fields").
			MaxLen(1000).
			Default("").
			Immutable().
			Comment("Comma-separated names of the fields that changed."),
		field.String("reason").MaxLen(1000).Default("").Immutable(),
		instant("at").required(),
	}
}

// Indexes of the CampaignChange.
func (CampaignChange) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "version").Unique(), index.Fields("user_id", "at"),
		index.Fields("user_id", "actor_id", "at"),
	}
}

// Annotations of the CampaignChange.
func (CampaignChange) Annotations() []schema.Annotation { return table("campaign_changes") }

// Purge is a deleted campaign of which there are still events, links or mail domains: too many to be deleted with it.
type Purge struct{ ent.Schema }

// Mixin of the Purge.
func (Purge) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Purge.
func (Purge) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("campaign_id").Immutable(),
	}
}

// Indexes of the Purge.
func (Purge) Indexes() []ent.Index {
	return []ent.Index{index.Fields("campaign_id").Unique(), index.Fields("user_id", "campaign_id")}
}

// Annotations of the Purge.
func (Purge) Annotations() []schema.Annotation { return table("purges") }
