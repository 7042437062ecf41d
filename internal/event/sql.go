package event

import (
	"context"
	"strings"

	"entgo.io/ent/dialect"

	"campaignql/ent/conversionamount"
	"campaignql/ent/domaincounter"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/store"
)

// rowsAtOnce is how many rows one statement looks up or changes. A UNION of thousands of parts is
// slow to plan.
const rowsAtOnce = 500

// statements runs SQL that Ent cannot express: statements with many rows as arguments, to look up
// or to add. These statements are not confined to the caller's account. Their arguments are ids
// that were already found for the caller, or the server itself is the caller.
type statements struct {
	store.Raw
	lite bool
}

func (s *Service) sql(ctx context.Context) statements {
	return statements{Raw: s.db.Raw(ctx), lite: s.db.Dialect() == dialect.SQLite}
}

func (s statements) exec(ctx context.Context, t *store.Text) error {
	_, err := s.Exec(ctx, t)
	return err
}

// fillers are, for each table of counters, the columns without a default, and values that satisfy
// the database.
var fillers = map[string][2]string{
	hourlycounter.Table: {"user_id,campaign_id,hour", "0,0,TIMESTAMP'2000-01-01 00:00:00'"},
	conversionamount.Table: {
		"user_id,campaign_id,hour,currency", "0,0,TIMESTAMP'2000-01-01 00:00:00',''",
	},
	domaincounter.Table: {"user_id,campaign_id,domain", "0,0,''"},
	linkcounter.Table:   {"user_id,campaign_id,url_hash,url", "0,0,'',''"},
}

// addTo adds to existing counters, as Raw.Add does. On MySQL it runs an INSERT … ON DUPLICATE KEY
// UPDATE whose rows all exist: MySQL plans it once and not once per row. It runs an UPDATE on
// SQLite, and for tables without fillers, whose rows are too wide.
func (s statements) addTo(ctx context.Context, table string, columns []string, rows [][]any) error {
	filler, ok := fillers[table]
	if s.lite || !ok {
		return s.Add(ctx, table, columns, rows)
	}
	t := s.Text()
	t.WriteString("INSERT INTO " + table + " (" + filler[0] + ",id," + strings.Join(columns, ",") + ") VALUES ")
	for i, row := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteString("(" + filler[1] + ",")
		t.List(row)
		t.WriteByte(')')
	}
	t.WriteString(" ON DUPLICATE KEY UPDATE ")
	for i, column := range columns {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteString(column + "=" + column + "+VALUES(" + column + ")")
	}
	return s.exec(ctx, t)
}
