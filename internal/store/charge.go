package store

import (
	"context"
	stdsql "database/sql"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/budget"
)

// scanner is the source of rows.
type scanner = sql.ColumnScanner

// charged charges the bytes of the rows that it reads to a budget. The driver itself holds only one
// row in memory.
type charged struct {
	scanner
	budget  *budget.Budget
	columns []string
}

// charge returns rows whose values are charged to the budget of ctx, or rows unchanged if ctx has
// no budget.
func charge(ctx context.Context, rows scanner) scanner {
	if b := budget.From(ctx); b != nil {
		return &charged{scanner: rows, budget: b}
	}
	return rows
}

// Charge returns the rows of a hand-written statement. Their values are charged to the budget of
// ctx.
func Charge(ctx context.Context, rows *stdsql.Rows) *sql.Rows {
	return &sql.Rows{ColumnScanner: charge(ctx, rows)}
}

// chargeRows makes the result of an Ent query charge its values to the budget of ctx.
func chargeRows(ctx context.Context, result any) {
	if rows, ok := result.(*sql.Rows); ok {
		rows.ColumnScanner = charge(ctx, rows.ColumnScanner)
	}
}

// perValue is the memory in bytes that a value needs in addition to its text: the string header,
// its slot in the row, and its slot in the object built from the row.
const perValue = 24

// Scan reads a row. It returns an error if the row exceeds the budget.
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

// column returns the name of a column for an error message.
func (c *charged) column(i int) string {
	if i < 0 {
		return ""
	}
	if c.columns == nil {
		c.columns, _ = c.Columns() // cannot fail: a row was just read
	}
	if i >= len(c.columns) {
		return ""
	}
	return c.columns[i]
}

// textSize returns the length in bytes of the text that was scanned into a value.
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
