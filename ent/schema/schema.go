// Package schema declares the entities that Ent generates the client and the migrations from. Every
// table but users carries user_id, the account that owns the row: the store confines each statement
// by it, and a sharded engine can place rows by it. There are no foreign keys in the database; the
// domains keep references whole in their transactions. The reason of each index is told in
// docs/data-model.md.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
)

// instant is an UTC instant with microseconds, which MySQL would otherwise keep as a timestamp of
// whole seconds that ends in 2038.
func instant(name string) *timeField { return &timeField{name: name} }

type timeField struct{ name string }

func (f *timeField) required() ent.Field {
	return field.Time(f.name).SchemaType(map[string]string{dialect.MySQL: "datetime(6)"})
}

func (f *timeField) optional() ent.Field {
	return field.Time(f.name).SchemaType(map[string]string{dialect.MySQL: "datetime(6)"}).Optional().Nillable()
}

// short is the MySQL type of a value from a closed set: adding a value to a native enum would be DDL.
func short() map[string]string { return map[string]string{dialect.MySQL: "varchar(24)"} }

// long is the MySQL type of text beyond 64 KiB.
func long() map[string]string { return map[string]string{dialect.MySQL: "longtext"} }

// owned is the mixin of every row that belongs to an account.
type owned struct{ mixin.Schema }

func (owned) Fields() []ent.Field {
	return []ent.Field{field.Int64("user_id").Immutable().Comment("Account that owns the row (legacy RelOwnerUserID).")}
}

// table names the table and fixes its character set.
func table(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name, Charset: "utf8mb4", Collation: "utf8mb4_bin"}}
}

// numbered is the id of what legacy scripts see: a small increasing integer.
func numbered() ent.Field { return field.Int64("id") }

// counter is a number that only grows with events, 0 at first.
func counter(name, comment string) ent.Field { return field.Int64(name).Default(0).Comment(comment) }

// empty is the default of a text column: a function, because the engines disagree whether a
// longtext may have a default of its own.
func empty() string { return "" }
