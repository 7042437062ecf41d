package kind

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is one permission of an API key.
type Scope string

const (
	// ScopeRead: queries.
	ScopeRead Scope = "read"
	// ScopeWrite: every change that has no scope of its own.
	ScopeWrite Scope = "write"
	// ScopeApprove: approving a campaign that waits for it.
	ScopeApprove Scope = "approve"
	// ScopeDelivery: acting as the sender: moving campaigns to Sent or Failed and recording events.
	ScopeDelivery Scope = "delivery"
	// ScopeAdmin: seeing and changing every account; only keys of admins carry it.
	ScopeAdmin Scope = "admin"
)

// Scopes is a set of permissions, stored as comma-separated names in the order of declaration.
type Scopes []Scope

// AllScopes lists every scope a key of the role may carry.
func AllScopes(role Role) Scopes {
	scopes := Scopes{ScopeRead, ScopeWrite, ScopeApprove, ScopeDelivery}
	if role == RoleAdmin {
		scopes = append(scopes, ScopeAdmin)
	}
	return scopes
}

// Has reports whether the set holds the scope.
func (s Scopes) Has(scope Scope) bool { return slices.Contains(s, scope) }

// String returns the stored form.
func (s Scopes) String() string {
	names := make([]string, 0, len(s))
	for _, known := range AllScopes(RoleAdmin) {
		if s.Has(known) {
			names = append(names, string(known))
		}
	}
	return strings.Join(names, ",")
}

// ParseScopes reads comma-separated scope names; an unknown name is an error that tells it.
func ParseScopes(text string) (Scopes, error) {
	var out Scopes
	for name := range strings.SplitSeq(text, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		scope := Scope(name)
		if !AllScopes(RoleAdmin).Has(scope) {
			return nil, fmt.Errorf("unknown scope %q: use read, write, approve, delivery or admin", name)
		}
		if !out.Has(scope) {
			out = append(out, scope)
		}
	}
	return out, nil
}
