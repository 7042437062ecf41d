package model

import (
	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/internal/kind"
)

// Viewer shows the account of the request.
type Viewer struct {
	*ent.User
	// Scopes are the scopes of the credentials.
	Scopes []kind.Scope
}

// GlobalID returns the opaque id.
func (v *Viewer) GlobalID() string { return gid.Encode(gid.User, v.ID) }

// EmailAddress returns the address of the user.
func (v *Viewer) EmailAddress() string { return v.Email }

// APIKey shows a key without the key itself.
type APIKey struct{ *ent.APIKey }

// GlobalID returns the opaque id.
func (k *APIKey) GlobalID() string { return gid.Encode(gid.APIKey, k.ID) }

// GlobalParentID returns the opaque id of the key that created this one, nil if no key did.
func (k *APIKey) GlobalParentID() *string {
	if k.ParentID == nil {
		return nil
	}
	return new(gid.Encode(gid.APIKey, *k.ParentID))
}

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
