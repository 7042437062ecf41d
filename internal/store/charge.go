package store

import (
	"context"
	stdsql "database/sql"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/budget"
)

// scanner is what rows are read from.
type scanner = sql.ColumnScanner

// charged counts the bytes of the rows it reads. The driver itself holds one row at a time.
type charged struct {
	scanner
	budget  *budget.Budget
	columns []string
}

// charge returns rows whose values are charged to the budget of ctx.
func charge(ctx context.Context, rows scanner) scanner {
	if b := budget.From(ctx); b != nil {
		return &charged{scanner: rows, budget: b}
	}
	return rows
}

// Charge returns rows of a statement that was run by hand, such that what is read is charged to the budget of ctx.
func Charge(ctx context.Context, rows *stdsql.Rows) *sql.Rows {
	return &sql.Rows{ColumnScanner: charge(ctx, rows)}
}

// chargeRows makes the result of a query of Ent count what is read.
func chargeRows(ctx context.Context, result any) {
	if rows, ok := result.(*sql.Rows); ok {
		rows.ColumnScanner = charge(ctx, rows.ColumnScanner)
	}
}

// perValue is what a value takes besides its text: the header of a string, its place in the row and
// in what is made of it.
const perValue = 24

// Scan reads a row, and fails when it is too much.
func (c *charged) Scan(into ...any) error {
	if err := c.scanner.Scan(into...); err != nil {
		return err
	}
	var sum, largest int64
	of := -1
	for i, value := range into {
		size := textSize(value)
		if size > largest {
			largest, of = size, i
		}
		sum += size + perValue
	}
	return c.budget.Charge(sum, c.column(of))
}

// column names a column for an error.
func (c *charged) column(i int) string {
	if i < 0 {
		return ""
	}
	if c.columns == nil {
		c.columns, _ = c.Columns() // of rows that were just read
	}
	if i >= len(c.columns) {
		return ""
	}
	return c.columns[i]
}

// textSize is the length of the text that was scanned into a value.
func textSize(into any) int64 {
	switch v := into.(type) {
	case *stdsql.NullString:
		return int64(len(v.String))
	case *string:
		return int64(len(*v))
	case **string:
		if *v != nil {
			return int64(len(**v))
		}
	case *[]byte:
		return int64(len(*v))
	case *stdsql.RawBytes:
		return int64(len(*v))
	case *any:
		switch v := (*v).(type) {
		case string:
			return int64(len(v))
		case []byte:
			return int64(len(v))
		}
	}
	return 0
}
