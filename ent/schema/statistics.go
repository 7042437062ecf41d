package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// Event is something that happened to one recipient of a campaign. There may be hundreds of millions.
type Event struct{ ent.Schema }

// Mixin of the Event.
func (Event) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Event.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(48).Immutable().
			Comment("Natural key: the campaign, then a digest of the sender's own id, so that a repeated event collides and a campaign's events lie together."),
		field.Int64("campaign_id").Immutable(),
		field.Int64("contact_id").Immutable().Comment("The person. Without a default, as that of a subscription."),
		field.Int64("subscriber_id").
			Optional().
			Nillable().
			Immutable().
			Comment("The subscription through which the campaign came, where it is known."),
		field.Int64("run_id").Optional().Nillable().Immutable().Comment("The sending of the campaign to which the event belongs."),
		field.Int64("variation").Optional().Nillable().Immutable().Comment("The variation of an A/B test that the person got."),
		field.Enum("kind").GoType(kind.EventKind("")).SchemaType(short()).Immutable(),
		instant("at").required(),
		field.Bool("automated").Default(false).Comment("Caused by a machine, not by a person; kept but not counted."),
		field.Int64("link_id").Optional().Nillable().Comment("Link counter of a click."),
		field.String("reason").MaxLen(1000).Default("").Immutable(),
		field.String("user_agent").MaxLen(1000).Default("").Immutable(),
		field.String("ip").MaxLen(45).Default("").Immutable(),
		field.Int64("amount").Default(0).Immutable().Comment("Amount of a conversion, in hundredths."),
		field.String("currency").MaxLen(3).Default("").Immutable(),
		field.String("domain").MaxLen(254).Default("").Immutable().
			Comment("Mail domain of the contact when the event was recorded, folded: who changes the address later stays counted there."),
	}
}

// Indexes of the Event. The first has a name of its own: Ent's would be longer than an engine allows.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "kind", "contact_id", "automated", "link_id", "domain", "at").
			StorageKey("event_firsts"),
		index.Fields("contact_id", "kind", "at", "automated"),
	}
}

// Annotations of the Event.
func (Event) Annotations() []schema.Annotation { return table("events") }

// HourlyCounter holds what happened to a campaign within one UTC hour.
type HourlyCounter struct{ ent.Schema }

// Mixin of the HourlyCounter.
func (HourlyCounter) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the HourlyCounter.
func (HourlyCounter) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("campaign_id").Immutable(),
		instant("hour").required(),
		counter("sent", ""),
		counter("failed", ""),
		counter("delivered", ""),
		counter("opens", ""),
		counter("unique_opens", ""),
		counter("clicks", ""),
		counter("unique_clicks", ""),
		counter("forwards", ""),
		counter("unique_forwards", ""),
		counter("browser_views", ""),
		counter("unique_browser_views", ""),
		counter(
			"unsubscriptions", "",
		),
		counter("hard_bounces", ""),
		counter("soft_bounces", ""),
		counter("complaints", ""),
		counter("conversions", ""),
		counter("conversion_amount", "In hundredths."),
		counter("automated_opens", ""),
		counter("automated_clicks", ""),
	}
}

// Indexes of the HourlyCounter.
func (HourlyCounter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("campaign_id", "hour").Unique(), index.Fields("user_id", "hour")}
}

// Annotations of the HourlyCounter.
func (HourlyCounter) Annotations() []schema.Annotation { return table("hourly_counters") }

// ConversionAmount holds what the conversions of a campaign within one UTC hour are worth in one
// currency.
type ConversionAmount struct{ ent.Schema }

// Mixin of the ConversionAmount.
func (ConversionAmount) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the ConversionAmount.
func (ConversionAmount) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("campaign_id").Immutable(),
		instant("hour").required(),
		field.String("currency").MaxLen(3).Immutable().Comment("As of the events; empty if they named none."),
		counter("amount", "In hundredths."),
	}
}

// Indexes of the ConversionAmount.
func (ConversionAmount) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "hour", "currency").Unique(),
		index.Fields("user_id", "hour"),
	}
}

// Annotations of the ConversionAmount.
func (ConversionAmount) Annotations() []schema.Annotation { return table("conversion_amounts") }

// LinkCounter holds the clicks on one link of a campaign.
type LinkCounter struct{ ent.Schema }

// Mixin of the LinkCounter.
func (LinkCounter) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the LinkCounter.
func (LinkCounter) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("campaign_id").Immutable(),
		field.String("url_hash").
			MaxLen(64).
			Immutable().
			Comment("SHA-256 of the whole normalized URL, hexadecimal; of url itself for links from before that."),
		field.Text("url").Immutable().Comment("As it was sent, cut."),
		counter("clicks", ""),
		counter("unique_clicks", ""),
	}
}

// Indexes of the LinkCounter.
func (LinkCounter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("campaign_id", "url_hash").Unique(), index.Fields("campaign_id", "clicks")}
}

// Annotations of the LinkCounter.
func (LinkCounter) Annotations() []schema.Annotation { return table("link_counters") }

// DomainCounter holds what happened to a campaign's recipients at one mail domain.
type DomainCounter struct{ ent.Schema }

// Mixin of the DomainCounter.
func (DomainCounter) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the DomainCounter.
func (DomainCounter) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("campaign_id").Immutable(),
		field.String("domain").MaxLen(254).Immutable().Comment("Mail domain of the recipients, folded."),
		counter("sent", ""),
		counter("failed", ""),
		counter("delivered", ""),
		counter("unique_opens", ""),
		counter("unique_clicks", ""),
		counter(
			"unsubscriptions", "",
		),
		counter("hard_bounces", ""),
		counter("soft_bounces", ""),
		counter("complaints", ""),
	}
}

// Indexes of the DomainCounter.
func (DomainCounter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("campaign_id", "domain").Unique(), index.Fields("campaign_id", "sent")}
}

// Annotations of the DomainCounter.
func (DomainCounter) Annotations() []schema.Annotation { return table("domain_counters") }

// PendingRecount is a campaign whose counters a migration could not keep, because it changed whom
// its events belong to. They are counted again before a server answers.
type PendingRecount struct{ ent.Schema }

// Mixin of the PendingRecount.
func (PendingRecount) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the PendingRecount.
func (PendingRecount) Fields() []ent.Field {
	return []ent.Field{field.Int64("id").Comment("Campaign to count again.")}
}

// Annotations of the PendingRecount.
func (PendingRecount) Annotations() []schema.Annotation { return table("pending_recounts") }

// MigrationFinding is a line of the report of a migration: something that it changed and that a
// person may want to know, or that it had to leave as it is.
type MigrationFinding struct{ ent.Schema }

// Mixin of the MigrationFinding.
func (MigrationFinding) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the MigrationFinding.
func (MigrationFinding) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("version").Immutable().Comment("Version of the migration."),
		field.Enum("kind").GoType(kind.Finding("")).SchemaType(short()).Immutable(),
		field.Int64("target_id").Immutable().Comment("Subscriber, contact, suppression or campaign, by the kind."),
		field.String("text").MaxLen(2000).Immutable(),
	}
}

// Indexes of the MigrationFinding.
func (MigrationFinding) Indexes() []ent.Index {
	return []ent.Index{index.Fields("version", "kind", "target_id")}
}

// Annotations of the MigrationFinding.
func (MigrationFinding) Annotations() []schema.Annotation { return table("migration_findings") }
