package store

import (
	"context"
	"database/sql"
	"fmt"

	"entgo.io/ent/dialect"
)

// dataSteps are the statements that run in batches, by dialect: those that change rows of tables
// that may be large. Every other statement that changes rows runs as one transaction.
var dataSteps = map[string]map[stepID]dataStep{
	dialect.MySQL: {
		{20261126060232, 2}: portionsByKey("events", "e", "id", rowsOfPortion),
	},
}

// rowsOfPortion is the number of rows in a batch. It is small, so that locks are released soon.
const rowsOfPortion = 5000

// portionsByKey runs an UPDATE without a WHERE clause in batches: each batch is a range of the key
// that contains the given number of rows. alias is the alias of the table in the UPDATE.
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
