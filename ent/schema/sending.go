package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// CampaignRun is one sending of a campaign to the recipients that its audience had at the beginning.
// A recurring campaign has a run for each instance.
type CampaignRun struct{ ent.Schema }

// Mixin of the CampaignRun.
func (CampaignRun) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the CampaignRun.
func (CampaignRun) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("campaign_id").Immutable(),
		field.Int("instance").Immutable().Comment("Instance of a recurring campaign, from 1; 1 for every other."),
		field.Enum("purpose").GoType(kind.RunPurpose("")).SchemaType(short()).Immutable().Default(string(kind.RunMain)),
		field.Enum("phase").GoType(kind.RunPhase("")).SchemaType(short()).Default(string(kind.RunFreezing)),
		field.Int64("epoch").Default(1).Comment("Grows with each resume: who began under an older one reads everything again."),
		field.Text("audience").SchemaType(long()).Immutable().Comment("Canonical rule tree as JSON, as it was at the beginning."),
		instant("resolved_at").required(),
		field.Int64("frozen_through").Default(0).Comment("Contact up to which the recipients are written down."),
		field.Int("batches").Default(0).Comment("Number of batches."),
		field.Int("contents").Default(0).Comment("Number of contents."),
		field.String("hold_code").MaxLen(40).Default("").Comment("Why nothing is sent at present; empty if something is."),
		field.String("hold_text").MaxLen(1000).Default("").Comment("The same in words, with those of the mail server."),
		instant("hold_until").optional(),
		counter("total", "Recipients."),
		counter("pending", ""), counter("begun", ""), counter("deferred", ""), counter("sent", ""),
		counter("failed", ""), counter("unknown", ""), counter("skipped", ""),
		instant("started_at").required(),
		instant("frozen_at").optional(),
		instant("finished_at").optional(),
	}
}

// Edges of the CampaignRun.
func (CampaignRun) Edges() []ent.Edge {
	return []ent.Edge{edge.To("contacts", Contact.Type).Through("recipients", RunRecipient.Type)}
}

// Indexes of the CampaignRun.
func (CampaignRun) Indexes() []ent.Index {
	return []ent.Index{index.Fields("campaign_id", "instance", "purpose").Unique(), index.Fields("phase")}
}

// Annotations of the CampaignRun.
func (CampaignRun) Annotations() []schema.Annotation { return table("campaign_runs") }

// RunContent is an email as a run sends it: what becomes of the email later does not change it. A run
// has one for each variation of an A/B test, and more if the content changed while it was paused.
type RunContent struct{ ent.Schema }

// Mixin of the RunContent.
func (RunContent) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the RunContent.
func (RunContent) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("run_id").Immutable(),
		field.Int("number").Immutable().Comment("From 1, in the order in which they came."),
		field.Int64("epoch").Immutable().Comment("Epoch of the run from which on it is sent."),
		field.Int("variation").Immutable().Default(0).Comment("Variation of the A/B test, from 1; 0 without a test."),
		field.Int("weight").Immutable().Default(1).Comment("Share of the variation among the sum of all."),
		field.Int64("email_id").Immutable(),
		field.String("subject").MaxLen(2000).Immutable(),
		field.String("preheader").MaxLen(2000).Immutable(),
		field.String("from_name").MaxLen(1000).Immutable(),
		field.String("from_email").MaxLen(254).Immutable(),
		field.String("reply_to_name").MaxLen(1000).Immutable(),
		field.String("reply_to_email").MaxLen(254).Immutable(),
		field.Text("html").SchemaType(long()).Immutable(),
		field.Text("plain").SchemaType(long()).Immutable(),
	}
}

// Indexes of the RunContent.
func (RunContent) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "number").Unique()}
}

// Annotations of the RunContent.
func (RunContent) Annotations() []schema.Annotation { return table("run_contents") }

// RunBatch is a part of the recipients of a run, by a range of contacts. One server at a time works
// on it, for the time of its lease.
type RunBatch struct{ ent.Schema }

// Mixin of the RunBatch.
func (RunBatch) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the RunBatch.
func (RunBatch) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("run_id").Immutable(),
		field.Int("number").Immutable(),
		field.Int64("after_contact").Immutable().Comment("The range begins after this contact."),
		field.Int64("last_contact").Comment("The range ends with this contact."),
		field.Int("size").Comment("Number of recipients."),
		field.Bool("closed").Default(false).Comment("Nothing is left to do for any of its recipients."),
		instant("due_at").required(),
		field.String("owner").MaxLen(64).Default("").Comment("Process that works on it."),
		field.Int64("fence").Default(0).Comment("Grows with each claim, so that an owner notices that it is none any more."),
		instant("lease_until").optional(),
	}
}

// Indexes of the RunBatch.
func (RunBatch) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "number").Unique(), index.Fields("run_id", "closed", "due_at")}
}

// Annotations of the RunBatch.
func (RunBatch) Annotations() []schema.Annotation { return table("run_batches") }

// RunRecipient is what became of one contact in a run.
type RunRecipient struct{ ent.Schema }

// Mixin of the RunRecipient.
func (RunRecipient) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the RunRecipient.
func (RunRecipient) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("run_id"),
		field.Int64("contact_id"),
		field.Int64("subscriber_id").Immutable().Comment("The subscription through which the audience reached the contact."),
		field.Enum("state").
			GoType(kind.RecipientState("")).
			SchemaType(short()).
			Default(string(kind.RecipientPending)),
		field.Enum("trouble").
			GoType(kind.RecipientState("")).
			SchemaType(short()).
			Optional().
			Nillable().
			Comment("Copy of state if it is deferred, failed, unknown or skipped, so that an index finds these few."),
		field.Enum("skipped").
			GoType(kind.SkipReason("")).
			SchemaType(short()).
			Optional().
			Nillable().
			Comment("Why the contact was not written to."),
		field.Int16("content").Default(0).Comment("Number of the content that was sent; 0 before the first attempt."),
		field.Int16("attempts").Default(0),
		field.Int64("token").Default(0).Comment("Random number of the last attempt: its answer is recognized by it."),
		field.Int16("reply_code").Default(0).Comment("SMTP code of the last reply, such as 550; 0 for none."),
		field.String("enhanced_code").MaxLen(12).Default("").Comment("Enhanced code of the last reply, such as 5.1.1."),
		field.String("reply").MaxLen(1000).Default("").Comment("Text of the last reply, or what else went wrong."),
		instant("begun_at").optional(),
		instant("settled_at").optional(),
		instant("due_at").optional(),
	}
}

// Edges of the RunRecipient.
func (RunRecipient) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("run", CampaignRun.Type).Unique().Required().Field("run_id"),
		edge.To("contact", Contact.Type).Unique().Required().Field("contact_id"),
	}
}

// Indexes of the RunRecipient.
func (RunRecipient) Indexes() []ent.Index { return []ent.Index{index.Fields("run_id", "trouble")} }

// Annotations of the RunRecipient.
func (RunRecipient) Annotations() []schema.Annotation {
	return append(table("run_recipients"), field.ID("run_id", "contact_id"))
}
