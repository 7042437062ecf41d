package store

import (
	"context"
	"fmt"

	entgo "entgo.io/ent"
	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/intercept"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
)

// ownerColumn returns the column that holds the owner of a row, or "" if the type has no owner.
// Every type is owned unless this function lists it.
func ownerColumn(entType string) string {
	switch entType {
	case ent.TypeUser:
		return "id"
	case ent.TypeLoginAttempt:
		return ""
	default:
		return "user_id"
	}
}

// confine is the only place that separates accounts in the statements of Ent. It adds the predicate
// "the owner is the caller" to every query, update and delete of the client, and sets the caller as
// the owner on every insert. If the context has no caller, the statement fails. A caller that sees
// all accounts (an admin or the server) is not confined. Statements of Raw are not confined either.
func confine(client *ent.Client) {
	client.Intercept(entgo.TraverseFunc(func(ctx context.Context, query entgo.Query) error {
		id, err := caller.From(ctx)
		if err != nil {
			return err
		}
		if id.SeesAll() {
			return nil
		}
		q, err := intercept.NewQuery(query)
		if err != nil {
			return fmt.Errorf("store: a query that cannot be confined: %w", err)
		}
		column := ownerColumn(q.Type())
		if column == "" {
			return errUnowned(q.Type())
		}
		if namedByIDs(ctx) {
			q.WhereP(ownedBy(column, id.UserID, byIDs))
			return nil
		}
		q.WhereP(ownedBy(column, id.UserID, sql.EQ))
		return nil
	}))
	client.Use(func(next entgo.Mutator) entgo.Mutator {
		return entgo.MutateFunc(func(ctx context.Context, m entgo.Mutation) (entgo.Value, error) {
			if err := confineMutation(ctx, m); err != nil {
				return nil, err
			}
			return next.Mutate(ctx, m)
		})
	})
}

// ownedBy returns a function that adds the predicate that the column has the value.
func ownedBy(column string, userID int64, equals func(string, any) *sql.Predicate) func(*sql.Selector) {
	return func(s *sql.Selector) { beside(s, equals(s.C(column), userID)) }
}

// beside adds a predicate to the existing predicate of a statement, and puts the existing one in
// parentheses. Ent omits the parentheses of a lone OR inside an AND, and "a OR b AND user_id = ?"
// would expose other accounts.
func beside(s *sql.Selector, more *sql.Predicate) {
	if asked := s.P(); asked != nil {
		s.SetP(nil)
		s.Where(sql.P(func(b *sql.Builder) { b.Wrap(func(b *sql.Builder) { b.Join(asked) }) }))
	}
	s.Where(more)
}

func confineMutation(ctx context.Context, m entgo.Mutation) error {
	id, err := caller.From(ctx)
	if err != nil {
		return err
	}
	column := ownerColumn(m.Type())
	if m.Op().Is(entgo.OpCreate) {
		return own(id, m, column)
	}
	if id.SeesAll() {
		return nil
	}
	confined, ok := m.(interface{ WhereP(...func(*sql.Selector)) })
	if !ok || column == "" {
		return errUnowned(m.Type())
	}
	confined.WhereP(ownedBy(column, id.UserID, sql.EQ))
	return nil
}

// own sets the caller as the owner of a new row. If an owner is already set, own checks that the
// caller may act for that owner.
func own(id caller.Identity, m entgo.Mutation, column string) error {
	if column != "user_id" {
		if id.SeesAll() {
			return nil
		}
		return errUnowned(m.Type())
	}
	owner, set := m.Field(column)
	switch {
	case !set:
		return m.SetField(column, id.UserID)
	case id.SeesAll(), owner == id.UserID:
		return nil
	default:
		err := fmt.Errorf("store: %s for account %v by account %d", m.Type(), owner, id.UserID)
		return apperr.Wrap(apperr.Internal, err, "internal error")
	}
}

func errUnowned(entType string) error {
	err := fmt.Errorf("store: %s may only be touched by the server itself", entType)
	return apperr.Wrap(apperr.Internal, err, "internal error")
}
