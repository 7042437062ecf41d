package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// Contact is one person of an account: one address, whatever lists it is on. What is true of the
// person stands here: the address, whether mail can be delivered to it, and the events.
type Contact struct{ ent.Schema }

// Mixin of the Contact.
func (Contact) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Contact.
func (Contact) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.String("email").MaxLen(254).Default("").Comment("The address as it was given last; empty if it is not known any more."),
		field.String("email_key").
			MaxRuneLen(254).
			Optional().
			Nillable().
			Comment("Identity of the address: unique in the account; none if the address is not known any more."),
		field.String("domain").MaxLen(254).Default("").Comment("Mail domain of the address, as it is compared."),
		field.Enum("deliverability").GoType(kind.BounceType("")).SchemaType(short()).Default(string(kind.BounceNone)),
		field.Int64("soft_bounces").
			Default(0).
			Comment("Campaigns in a row that ended in a soft bounce."),
		instant("deliverable_since").optional(),
		instant("created_at").required(),
	}
}

// Edges of the Contact.
func (Contact) Edges() []ent.Edge {
	return []ent.Edge{edge.From("runs", CampaignRun.Type).Ref("contacts").Through("mailings", RunRecipient.Type)}
}

// Indexes of the Contact.
func (Contact) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "email_key").Unique(),
		index.Fields("user_id", "deliverability"),
	}
}

// Annotations of the Contact.
func (Contact) Annotations() []schema.Annotation { return table("contacts") }

// FormerContact is a contact whose subscription got another address and moved to another contact.
// Later events of mail that was sent before belong to it.
type FormerContact struct{ ent.Schema }

// Mixin of the FormerContact.
func (FormerContact) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the FormerContact.
func (FormerContact) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("subscriber_id").Immutable().Comment("The subscription that moved away."),
		field.Int64("contact_id").Immutable().Comment("The contact that it belonged to."),
		instant("moved_at").required(),
	}
}

// Indexes of the FormerContact.
func (FormerContact) Indexes() []ent.Index {
	return []ent.Index{index.Fields("subscriber_id", "contact_id").Unique(), index.Fields("contact_id")}
}

// Annotations of the FormerContact.
func (FormerContact) Annotations() []schema.Annotation { return table("former_contacts") }

// MergedSubscriber is the id of a subscription that was merged with another one of the same list.
// It keeps answering as that other one.
type MergedSubscriber struct{ ent.Schema }

// Mixin of the MergedSubscriber.
func (MergedSubscriber) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the MergedSubscriber.
func (MergedSubscriber) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("subscriber_id").Immutable().Comment("The subscription that stays."),
	}
}

// Indexes of the MergedSubscriber.
func (MergedSubscriber) Indexes() []ent.Index { return []ent.Index{index.Fields("subscriber_id")} }

// Annotations of the MergedSubscriber.
func (MergedSubscriber) Annotations() []schema.Annotation { return table("merged_subscribers") }

// Suppression is an address the account never writes to.
type Suppression struct{ ent.Schema }

// Mixin of the Suppression.
func (Suppression) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Suppression.
func (Suppression) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("email").MaxLen(254),
		field.String("email_key").MaxRuneLen(254),
		field.Enum("reason").
			GoType(kind.SuppressionReason("")).
			SchemaType(short()).
			Default(string(kind.SuppressedManually)),
		instant("created_at").required(),
	}
}

// Indexes of the Suppression.
func (Suppression) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "email_key").Unique()}
}

// Annotations of the Suppression.
func (Suppression) Annotations() []schema.Annotation { return table("suppressions") }

// ForgottenAddress is the suppression of a person who was forgotten: the address is kept as a digest
// alone, by which it is recognized if it is entered again. Then it becomes a Suppression.
type ForgottenAddress struct{ ent.Schema }

// Mixin of the ForgottenAddress.
func (ForgottenAddress) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the ForgottenAddress.
func (ForgottenAddress) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("key_id").MaxLen(16).Immutable().Comment("Key of the digest, derived from the secret of the installation."),
		field.String("digest").MaxLen(64).Immutable().Comment("HMAC-SHA-256 of the account and the key of the address, hexadecimal."),
		field.Enum("reason").
			GoType(kind.SuppressionReason("")).
			SchemaType(short()).
			Immutable().
			Default(string(kind.SuppressedManually)),
		instant("created_at").required(),
	}
}

// Indexes of the ForgottenAddress.
func (ForgottenAddress) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "key_id", "digest").Unique()}
}

// Annotations of the ForgottenAddress.
func (ForgottenAddress) Annotations() []schema.Annotation { return table("forgotten_addresses") }
