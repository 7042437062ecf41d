package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// SubscriberList is a list of people (legacy table oempro_subscriber_lists).
type SubscriberList struct{ ent.Schema }

// Mixin of the SubscriberList.
func (SubscriberList) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the SubscriberList.
func (SubscriberList) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.String("name").MaxLen(1000).Comment("Legacy Name / SubscriberListName."),
		field.String("name_key").MaxRuneLen(500),
		field.Bool("double_opt_in").Default(false),
		instant("created_at").required(),
	}
}

// Edges of the SubscriberList.
func (SubscriberList) Edges() []ent.Edge {
	return []ent.Edge{edge.From("campaigns", Campaign.Type).Ref("lists").Through("audiences", CampaignList.Type)}
}

// Indexes of the SubscriberList.
func (SubscriberList) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("user_id", "name_key")}
}

// Annotations of the SubscriberList.
func (SubscriberList) Annotations() []schema.Annotation { return table("subscriber_lists") }

// Subscriber is the subscription of one contact to one list.
type Subscriber struct{ ent.Schema }

// Mixin of the Subscriber.
func (Subscriber) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Subscriber.
func (Subscriber) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("list_id").Immutable(),
		field.Int64("contact_id").Comment("The person. Without a default: a server from before contacts fails instead of writing a subscription of nobody."),
		field.String("email").MaxLen(254).Comment("The address as it was given for this list."),
		field.String("email_key").
			MaxRuneLen(254).
			Comment("Copy of the contact's, so that an index serves a list in the order of its addresses."),
		field.Enum("status").
			GoType(kind.SubscriberStatus("")).
			SchemaType(short()).
			Default(string(kind.SubscriberSubscribed)),
		field.Enum("bounce").
			GoType(kind.BounceType("")).
			SchemaType(short()).
			Default(string(kind.BounceNone)).
			Comment("Copy of the contact's deliverability, so that an audience reads no contacts."),
		field.String("subscription_ip").MaxLen(45).Default("").Comment("Legacy SubscriptionIP."),
		instant("subscribed_at").optional(),
		instant("opted_in_at").optional(),
		instant("unsubscribed_at").optional(),
		instant("created_at").required(),
	}
}

// Edges of the Subscriber.
func (Subscriber) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("tags", SubscriberTag.Type).Through("taggings", SubscriberTagging.Type),
		edge.To("custom_fields", CustomField.Type).Through("values", FieldValue.Type),
	}
}

// Indexes of the Subscriber.
func (Subscriber) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("list_id", "email_key").Unique(),
		index.Fields("list_id", "status"),
		index.Fields("list_id", "subscribed_at"),
		index.Fields("contact_id", "list_id").Unique(),
	}
}

// Annotations of the Subscriber.
func (Subscriber) Annotations() []schema.Annotation { return table("subscribers") }

// CustomField is a typed field that the subscribers of one list, or of all lists of the account, may have.
type CustomField struct{ ent.Schema }

// Mixin of the CustomField.
func (CustomField) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the CustomField.
func (CustomField) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("list_id").
			Optional().
			Nillable().
			Comment("List the field belongs to; none for a field of every list."),
		field.String("name").MaxLen(1000),
		field.String("name_key").MaxRuneLen(500),
		field.Enum("type").GoType(kind.FieldType("")).SchemaType(short()).Default(string(kind.FieldText)),
		field.Text("choices").DefaultFunc(empty).Comment("Allowed values of a choice field, a JSON array."),
		instant("created_at").required(),
	}
}

// Edges of the CustomField.
func (CustomField) Edges() []ent.Edge {
	return []ent.Edge{edge.From("subscribers", Subscriber.Type).Ref("custom_fields").Through("values", FieldValue.Type)}
}

// Indexes of the CustomField.
func (CustomField) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "list_id", "name_key").Unique()}
}

// Annotations of the CustomField.
func (CustomField) Annotations() []schema.Annotation { return table("custom_fields") }

// FieldValue is the value of one custom field of one subscriber, kept as text and, where the
// field's type says so, as number or date.
type FieldValue struct{ ent.Schema }

// Mixin of the FieldValue.
func (FieldValue) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the FieldValue.
func (FieldValue) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("subscriber_id"),
		field.Int64("custom_field_id"),
		field.Text("text").DefaultFunc(empty),
		field.String("text_key").
			MaxRuneLen(255).
			Default("").
			Comment("Folded beginning of text, for indexed comparison."),
		field.Float("number").Optional().Nillable().SchemaType(map[string]string{dialect.MySQL: "decimal(30,10)"}),
		instant("date").optional(),
	}
}

// Edges of the FieldValue.
func (FieldValue) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("subscriber", Subscriber.Type).Unique().Required().Field("subscriber_id"),
		edge.To("custom_field", CustomField.Type).Unique().Required().Field("custom_field_id"),
	}
}

// Indexes of the FieldValue.
func (FieldValue) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("custom_field_id", "text_key"),
		index.Fields("custom_field_id", "number"),
		index.Fields("custom_field_id", "date"),
	}
}

// Annotations of the FieldValue.
func (FieldValue) Annotations() []schema.Annotation {
	return append(table("field_values"), field.ID("subscriber_id", "custom_field_id"))
}

// SubscriberTag is a label of people.
type SubscriberTag struct{ ent.Schema }

// Mixin of the SubscriberTag.
func (SubscriberTag) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the SubscriberTag.
func (SubscriberTag) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.String("name").MaxLen(400),
		field.String("name_key").MaxRuneLen(200),
		instant("created_at").required(),
	}
}

// Edges of the SubscriberTag.
func (SubscriberTag) Edges() []ent.Edge {
	return []ent.Edge{edge.From("subscribers", Subscriber.Type).Ref("tags").Through("taggings", SubscriberTagging.Type)}
}

// Indexes of the SubscriberTag.
func (SubscriberTag) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "name_key").Unique()}
}

// Annotations of the SubscriberTag.
func (SubscriberTag) Annotations() []schema.Annotation { return table("subscriber_tags") }

// SubscriberTagging says that a subscriber carries a tag.
type SubscriberTagging struct{ ent.Schema }

// Mixin of the SubscriberTagging.
func (SubscriberTagging) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the SubscriberTagging.
func (SubscriberTagging) Fields() []ent.Field {
	return []ent.Field{field.Int64("subscriber_id"), field.Int64("subscriber_tag_id")}
}

// Edges of the SubscriberTagging.
func (SubscriberTagging) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("subscriber", Subscriber.Type).Unique().Required().Field("subscriber_id"),
		edge.To("tag", SubscriberTag.Type).Unique().Required().Field("subscriber_tag_id"),
	}
}

// Indexes of the SubscriberTagging.
func (SubscriberTagging) Indexes() []ent.Index {
	return []ent.Index{index.Fields("subscriber_tag_id", "subscriber_id")}
}

// Annotations of the SubscriberTagging.
func (SubscriberTagging) Annotations() []schema.Annotation {
	return append(table("subscriber_taggings"), field.ID("subscriber_id", "subscriber_tag_id"))
}

// Segment is a saved set of rules on one list (legacy table oempro_segments).
type Segment struct{ ent.Schema }

// Mixin of the Segment.
func (Segment) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Segment.
func (Segment) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("list_id"),
		field.String("name").MaxLen(1000),
		field.String("name_key").MaxRuneLen(500),
		field.Text("rules").SchemaType(long()).Comment("Canonical rule tree as JSON."),
		field.Text("rules_source").DefaultFunc(empty).SchemaType(long()).Comment("RulesJson as it was given."),
		instant("created_at").required(),
		instant("updated_at").required(),
	}
}

// Indexes of the Segment.
func (Segment) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "list_id", "name_key"), index.Fields("list_id")}
}

// Annotations of the Segment.
func (Segment) Annotations() []schema.Annotation { return table("segments") }

// AudiencePurge is something of the audience that is deleted and whose rows remain to be purged:
// the people of a list, the values of a custom field, the taggings of a tag. Nothing of them is to
// be seen any more. It goes when they are gone. The events of a contact stay, without what tells of
// the person.
type AudiencePurge struct{ ent.Schema }

// Mixin of the AudiencePurge.
func (AudiencePurge) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the AudiencePurge.
func (AudiencePurge) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Enum("kind").GoType(kind.Deleted("")).SchemaType(short()).Immutable(),
		field.Int64("target_id").Immutable().Comment("What is deleted, by its kind."),
	}
}

// Indexes of the AudiencePurge.
func (AudiencePurge) Indexes() []ent.Index {
	return []ent.Index{index.Fields("kind", "target_id").Unique()}
}

// Annotations of the AudiencePurge.
func (AudiencePurge) Annotations() []schema.Annotation { return table("audience_purges") }
