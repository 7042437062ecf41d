package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"campaignql/internal/kind"
)

// User is an account: the owner of everything else.
type User struct{ ent.Schema }

// Fields of the User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.String("username").MaxRuneLen(100),
		field.String("username_key").
			MaxRuneLen(200).
			Unique().
			Comment("Folded copy of username: unique and found without regard to case."),
		field.String("email").MaxLen(254),
		field.String("email_key").MaxRuneLen(254).Unique().Comment("Folded copy of email."),
		field.String("password_hash").MaxLen(255).Sensitive(),
		field.String("first_name").MaxRuneLen(100).Default(""),
		field.String("last_name").MaxRuneLen(100).Default(""),
		field.String("time_zone").MaxLen(100).Default("UTC").Comment("Zone in which the account reads dates."),
		field.Enum("role").GoType(kind.Role("")).SchemaType(short()).Default(string(kind.RoleUser)),
		field.Enum("reputation").
			GoType(kind.Reputation("")).
			SchemaType(short()).
			Default(string(kind.ReputationTrusted)),
		field.Enum("sender").
			GoType(kind.Sender("")).
			SchemaType(short()).
			Default(string(kind.SenderExternal)).
			Comment("Who sends the campaigns. Accounts from before the server could send have a mailer of their own."),
		instant("created_at").required(),
		instant("updated_at").required(),
	}
}

// Annotations of the User.
func (User) Annotations() []schema.Annotation { return table("users") }

// APIKey lets a program act for a user, within its scopes. The key itself is never stored.
type APIKey struct{ ent.Schema }

// Mixin of the APIKey.
func (APIKey) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the APIKey.
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		numbered(),
		field.Int64("parent_id").Optional().Nillable().Immutable().
			Comment("Key that made this one, itself or through a session; null for the command line, passwords and older keys."),
		field.String("hash").MaxLen(64).Unique().Sensitive().Comment("SHA-256 of the key, hexadecimal."),
		field.String("hint").MaxLen(16).Comment("First characters of the key, by which its owner recognises it."),
		field.String("scopes").MaxLen(100).Comment("Comma-separated scopes."),
		field.String("note").MaxRuneLen(200).Default(""),
		instant("expires_at").optional(),
		instant("last_used_at").optional(),
		instant("revoked_at").optional(),
		instant("created_at").required(),
	}
}

// Indexes of the APIKey.
func (APIKey) Indexes() []ent.Index { return []ent.Index{index.Fields("user_id")} }

// Annotations of the APIKey.
func (APIKey) Annotations() []schema.Annotation { return table("api_keys") }

// Session is a login that ends 24 hours after its last use, or by logout.
type Session struct{ ent.Schema }

// Mixin of the Session.
func (Session) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(64).Immutable().Comment("SHA-256 of the session token, hexadecimal."),
		field.Int64("api_key_id").
			Optional().
			Nillable().
			Comment("Key the session was opened with, if it was: the session ends with it."),
		instant("expires_at").required(),
		instant("created_at").required(),
	}
}

// Indexes of the Session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("expires_at")}
}

// Annotations of the Session.
func (Session) Annotations() []schema.Annotation { return table("sessions") }

// LoginAttempt counts failed logins per name and second, so that guessing is slowed down on every server alike.
type LoginAttempt struct{ ent.Schema }

// Fields of the LoginAttempt.
func (LoginAttempt) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(80).Immutable().Comment("Folded name or address, hashed, and the second."),
		field.Int("failures").Default(0),
		instant("expires_at").required(),
	}
}

// Indexes of the LoginAttempt.
func (LoginAttempt) Indexes() []ent.Index { return []ent.Index{index.Fields("expires_at")} }

// Annotations of the LoginAttempt.
func (LoginAttempt) Annotations() []schema.Annotation { return table("login_attempts") }

// IdempotencyKey remembers the answer of a creating call for a day, so that a repeated call creates nothing.
type IdempotencyKey struct{ ent.Schema }

// Mixin of the IdempotencyKey.
func (IdempotencyKey) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of the IdempotencyKey.
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").
			MaxLen(64).
			Immutable().
			Comment("SHA-256 of account, operation and the caller's key, hexadecimal."),
		field.String("operation").MaxLen(60),
		field.String("fingerprint").
			MaxLen(64).
			Comment("SHA-256 of the input: the same key with another input is an error."),
		field.Int64("result_id").Comment("Id of what was created."),
		instant("created_at").required(),
	}
}

// Indexes of the IdempotencyKey.
func (IdempotencyKey) Indexes() []ent.Index { return []ent.Index{index.Fields("created_at")} }

// Annotations of the IdempotencyKey.
func (IdempotencyKey) Annotations() []schema.Annotation { return table("idempotency_keys") }
