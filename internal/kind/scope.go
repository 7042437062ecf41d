package kind

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is one permission of an API key.
type Scope string

const (
	// ScopeRead allows queries.
	ScopeRead Scope = "read"
	// ScopeWrite allows every change that has no scope of its own.
	ScopeWrite Scope = "write"
	// ScopeApprove allows the approval of campaigns that wait for it.
	ScopeApprove Scope = "approve"
	// ScopeDelivery allows acting as the sender: to move campaigns to Sent or Failed and to record
	// events.
	ScopeDelivery Scope = "delivery"
	// ScopeAdmin allows reading and changing every account. Only keys of admins can have it.
	ScopeAdmin Scope = "admin"
)

// Scopes is a set of permissions, stored as comma-separated names in the order of declaration.
type Scopes []Scope

// AllScopes lists every scope that a key of the role can have.
func AllScopes(role Role) Scopes {
	scopes := Scopes{ScopeRead, ScopeWrite, ScopeApprove, ScopeDelivery}
	if role == RoleAdmin {
		scopes = append(scopes, ScopeAdmin)
	}
	return scopes
}

// Has reports whether the set contains the scope.
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

// ParseScopes parses comma-separated scope names. An unknown name is an error that contains the
// name.
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
