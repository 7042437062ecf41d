package sending

import (
	"context"
	"slices"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/contact"
	"campaignql/ent/predicate"
	"campaignql/ent/runrecipient"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// maxSearch is the length of the longest search, in characters.
const maxSearch = 254

// RecipientFilter says which recipients of a run are read. The zero value means all.
type RecipientFilter struct {
	State *kind.RecipientState
	// Code is a code of the last reply, such as 550 or 5.1.1. Empty means any, or none.
	Code string
	// Search is a part of the address.
	Search string
}

// Validate returns Invalid on the field code or search if one of them is malformed.
func (f RecipientFilter) Validate() error {
	var faults apperr.Faults
	if f.Code != "" && !code.MatchString(f.Code) {
		faults.Add(apperr.InvalidField("code", apperr.ReasonValueInvalid, codeText))
	}
	if utf8.RuneCountInString(f.Search) > maxSearch {
		faults.Add(apperr.InvalidField(
			"search", apperr.ReasonTextTooLong, "at most %d characters are allowed", maxSearch,
		))
	}
	return faults.Err()
}

// Counted reports whether the number of recipients has to be counted, because the row of the run does
// not tell it.
func (f RecipientFilter) Counted() bool { return f.Code != "" || f.Search != "" }

// troubled reports whether an index finds the recipients of the state.
func (f RecipientFilter) troubled() bool {
	return f.State != nil && slices.Contains(troubles, *f.State)
}

// heavy reports whether a page may pass over many recipients.
func (f RecipientFilter) heavy() bool { return f.State != nil && !f.troubled() || f.Counted() }

// apply narrows a selection of recipients.
func (f RecipientFilter) apply(t *sql.Selector) {
	switch {
	case f.State == nil:
	case f.troubled():
		t.Where(sql.EQ(t.C(runrecipient.FieldTrouble), string(*f.State)))
	default:
		t.Where(sql.EQ(t.C(runrecipient.FieldState), string(*f.State)))
	}
	if f.Code != "" {
		withCode(f.Code)(t)
	}
	if part := kind.FoldPart(kind.Clean(f.Search)); part != "" {
		people := sql.Table(contact.Table)
		t.Where(sql.Exists(sql.Select(people.C(contact.FieldID)).From(people).Where(sql.And(
			sql.ColumnsEQ(people.C(contact.FieldID), t.C(runrecipient.FieldContactID)),
			sql.Contains(people.C(contact.FieldEmailKey), part),
		))))
	}
}

// CountRecipients returns the number of recipients of each run that match a filter, in one statement,
// which reads those of the state, and without one all of the run. A run without any is absent.
func (s *Service) CountRecipients(
	ctx context.Context, runIDs []int64, filter RecipientFilter,
) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if err := filter.Validate(); err != nil {
		return nil, err
	}
	var rows []struct {
		RunID int64 `sql:"run_id"`
		Count int   `sql:"count"`
	}
	_, err := store.Heavy(ctx, s.db, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.db.Client(ctx).RunRecipient.Query().
			Where(runrecipient.RunIDIn(runIDs...), predicate.RunRecipient(filter.apply)).
			GroupBy(runrecipient.FieldRunID).Aggregate(ent.Count()).Scan(ctx, &rows)
	})
	counted := make(map[int64]int, len(rows))
	for _, row := range rows {
		counted[row.RunID] = row.Count
	}
	return counted, store.Translate(err)
}
