package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// Email is the content of a mailing (legacy table oempro_emails).
type Email struct{ ent.Schema }

// Mixin of the Email.
func (Email) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Email.
func (Email) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.String("name").MaxLen(1000).Default("").Comment("Legacy EmailName."),
		field.String("name_key").MaxRuneLen(500).Default(""),
		field.String("subject").MaxLen(2000).Default(""),
		field.String("subject_key").MaxRuneLen(1000).Default("").Comment("Folded copy of subject, for search."),
		field.String("preheader").MaxLen(2000).Default("").Comment("Legacy PreHeaderText."),
		field.String("from_name").MaxLen(1000).Default(""),
		field.String("from_email").MaxLen(254).Default(""),
		field.String("reply_to_name").MaxLen(1000).Default(""),
		field.String("reply_to_email").MaxLen(254).Default(""),
		field.Text("html").DefaultFunc(empty).SchemaType(long()).Comment("Legacy HTMLContent."),
		field.Text("plain").DefaultFunc(empty).SchemaType(long()).Comment("Legacy PlainContent."),
		field.Enum("mode").GoType(kind.EmailMode("")).SchemaType(short()).Default(string(kind.EmailModeEmpty)),
		field.Bool("open_tracking").Default(true),
		field.Bool("link_tracking").Default(true),
		instant("created_at").required(),
		instant("updated_at").required(),
	}
}

// Edges of the Email.
func (Email) Edges() []ent.Edge {
	return []ent.Edge{edge.From("campaigns", Campaign.Type).Ref("emails").Through("uses", CampaignEmail.Type)}
}

// Indexes of the Email.
func (Email) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id"), index.Fields("user_id", "name_key"), index.Fields("user_id", "updated_at"),
	}
}

// Annotations of the Email.
func (Email) Annotations() []schema.Annotation { return table("emails") }
