package subscriber

import (
	"context"
	"slices"

	entsubscriber "campaignql/ent/subscriber"
)

// copiedColumns are the columns of a person that repeat the id, the email and the email_key of the
// contact.
var copiedColumns = []string{
	entsubscriber.FieldContactID, entsubscriber.FieldEmail, entsubscriber.FieldEmailKey,
}

// copiedFrom is the number of people from which a copy is faster than their values.
const copiedFrom = 100

// copyable reports whether copy can insert people: they differ only in their addresses, which are
// spelled as their contacts are, and the ids of the contacts are consecutive in the order of the
// people. So it is when an import meets new people. It returns the id of the first contact.
func (b *batch) copyable(some []entry, rows [][]any) (first int64, ok bool) {
	if len(some) < copiedFrom {
		return 0, false
	}
	first = b.contacts[some[0].address.Key].ID
	for i, e := range some {
		if c := b.contacts[e.address.Key]; c.ID != first+int64(i) || c.Email != e.address.Text {
			return 0, false
		}
	}
	for j, column := range personColumns {
		if slices.Contains(copiedColumns, column) {
			continue
		}
		if slices.ContainsFunc(rows, func(row []any) bool { return row[j] != rows[0][j] }) {
			return 0, false
		}
	}
	return first, true
}

// copy inserts people whose addresses the database takes from their contacts. That spares it to read
// them a second time.
func (b *batch) copy(ctx context.Context, first int64, rows [][]any) error {
	columns := slices.Clone(copiedColumns)
	var values []any
	for j, column := range personColumns {
		if !slices.Contains(copiedColumns, column) {
			columns, values = append(columns, column), append(values, rows[0][j])
		}
	}
	raw := b.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT id,email,email_key,")
	t.List(values)
	t.WriteString(" FROM contacts WHERE id BETWEEN ")
	t.Value(first)
	t.WriteString(" AND ")
	t.Value(first + int64(len(rows)) - 1)
	t.WriteString(" ORDER BY id")
	_, err := raw.Copy(ctx, entsubscriber.Table, columns, t)
	return err
}
