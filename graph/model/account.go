package model

import (
	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/internal/kind"
)

// Viewer shows the account of the request.
type Viewer struct {
	User *User
	// Scopes are the scopes of the credentials.
	Scopes []kind.Scope
}

// User shows an account.
type User struct{ *ent.User }

// GlobalID returns the opaque id.
func (u *User) GlobalID() string { return gid.Encode(gid.User, u.ID) }

// Actor shows who made a change.
type Actor struct {
	ID int64
	// Username is nil if the account was deleted since.
	Username *string
}

// GlobalID returns the opaque id.
func (a *Actor) GlobalID() string { return gid.Encode(gid.Actor, a.ID) }

// APIKey shows a key without the key itself.
type APIKey struct{ *ent.APIKey }

// GlobalID returns the opaque id.
func (k *APIKey) GlobalID() string { return gid.Encode(gid.APIKey, k.ID) }

// Scopes returns the scopes of the key. They were validated when the key was created.
func (k *APIKey) Scopes() []kind.Scope {
	scopes, err := kind.ParseScopes(k.APIKey.Scopes)
	if err != nil || scopes == nil {
		return []kind.Scope{}
	}
	return scopes
}

// IntRange is a range of whole numbers, both ends included.
type IntRange struct{ Min, Max *int64 }
