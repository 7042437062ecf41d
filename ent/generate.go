// Package ent is the database client generated from ent/schema; only this file and the schema are written by hand.
package ent

//go:generate go run -mod=mod entgo.io/ent/cmd/ent generate --feature intercept,sql/versioned-migration,sql/upsert,sql/modifier,sql/execquery --target . ./schema
