package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	"campaignql/internal/apperr"
)

// Complete returns an Unavailable error that names the declared tables and columns that the
// database lacks although its versions are recorded. It runs one statement. Ready does not make
// this check, so call Complete once at startup; Migrate and Pending call it too.
func (s *Store) Complete(ctx context.Context) error {
	return s.migrator.complete(ctx, s.dbs[len(s.dbs)-1])
}

func (m migrator) complete(ctx context.Context, db querier) error {
	if len(m.declared) == 0 {
		return nil
	}
	query := "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
	if m.dialect == dialect.SQLite {
		query = "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c " +
			"WHERE t.type = 'table'"
	}
	found := map[string][]string{}
	err := eachRow(ctx, db, query, nil, func(rows *sql.Rows) error {
		var table, column string
		err := rows.Scan(&table, &column)
		found[table] = append(found[table], column)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the columns of the database: %w", err)
	}
	if lacking := lackingOf(m.declared, found); len(lacking) > 0 {
		return apperr.New(apperr.Unavailable, "the versions that the database records are applied, but it lacks %s: "+
			"restore the backup from before the upgrade, and migrate it with this build", strings.Join(lacking, ", "))
	}
	return nil
}

// lackingOf returns the names of the declared tables and columns that were not found, sorted by
// table.
func lackingOf(declared []*schema.Table, found map[string][]string) (lacking []string) {
	tables := slices.SortedFunc(slices.Values(declared), func(a, b *schema.Table) int {
		return strings.Compare(a.Name, b.Name)
	})
	for _, table := range tables {
		columns, exists := found[table.Name]
		if !exists {
			lacking = append(lacking, "the table "+table.Name)
			continue
		}
		for _, column := range table.Columns {
			if !slices.Contains(columns, column.Name) {
				lacking = append(lacking, table.Name+"."+column.Name)
			}
		}
	}
	return lacking
}
