package store

import (
	"context"
	"database/sql"
	"fmt"

	"entgo.io/ent/dialect"
)

// dataSteps are the statements that run in portions, for each dialect: those that change rows of
// tables which may be large. Other statements that change rows are one transaction each.
var dataSteps = map[string]map[stepID]dataStep{
	dialect.MySQL: {
		{20261126060232, 2}: portionsByKey("events", "e", "id", rowsOfPortion),
	},
}

// rowsOfPortion is how many rows a portion changes: few enough for locks that end soon.
const rowsOfPortion = 5000

// portionsByKey runs an UPDATE without WHERE, of a table under an alias, for ranges of its key of
// so many rows each.
func portionsByKey(table, alias, key string, rows int) dataStep {
	end := fmt.Sprintf("SELECT MAX(k) FROM "+
		"(SELECT `%[1]s` AS k FROM `%[2]s` WHERE `%[1]s` > ? ORDER BY `%[1]s` LIMIT %[3]d) AS chunk", key, table, rows)
	where := fmt.Sprintf(" WHERE `%s`.`%s` > ? AND `%[1]s`.`%[2]s` <= ?", alias, key)
	return func(ctx context.Context, tx *sql.Tx, statement, position string) (string, error) {
		var last sql.NullString
		if err := tx.QueryRowContext(ctx, end, position).Scan(&last); err != nil || !last.Valid {
			return "", err
		}
		_, err := tx.ExecContext(ctx, statement+where, position, last.String)
		return last.String, err
	}
}
