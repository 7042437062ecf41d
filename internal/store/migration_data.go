package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
)

// dataSteps are the statements that run in batches, by dialect: those that change rows of tables
// that may be large, and those whose work is done in Go. Every other statement that changes rows
// runs as one transaction.
var dataSteps = dataStepsOf(rowsOfPortion)

// rowsOfPortion is the number of rows in a batch. It is small, so that locks are released soon.
const rowsOfPortion = 5000

// dataStepsOf returns the data steps with batches of a number of rows.
func dataStepsOf(rows int) map[string]map[stepID]dataStep {
	return map[string]map[stepID]dataStep{
		dialect.MySQL: {
			{20261126060232, 2}: portionsByKey("events", "e", "id", rows),

			{ContactsVersion, 7}:  contactsOfSubscribers(rows),
			{ContactsVersion, 9}:  mergeSubscribers(rows),
			{ContactsVersion, 10}: portionsByKey("subscribers", "s", "id", rows),
			{ContactsVersion, 12}: freeSuppressionKeys(rows),
			{ContactsVersion, 13}: writeSuppressionKeys(rows),
			{ContactsVersion, 15}: contactsOfGone(rows),
			{ContactsVersion, 16}: portionsByKey("events", "e", "id", rows),
			// MySQL may otherwise begin with all subscribers.
			{ContactsVersion, 17}: noteRecounts(rows, "STRAIGHT_JOIN"),
			{ContactsVersion, 19}: writeAccountKeys,

			{amountsVersion, 2}: fillAmounts(rows, amountsOnMySQL),
			{usesVersion, 3}:    usesOfCampaigns(rows),
		},
		dialect.SQLite: {
			{ContactsVersion, 11}: contactsOfSubscribers(rows),
			{ContactsVersion, 13}: mergeSubscribers(rows),
			{ContactsVersion, 14}: freeSuppressionKeys(rows),
			{ContactsVersion, 15}: writeSuppressionKeys(rows),
			{ContactsVersion, 17}: contactsOfGone(rows),
			{ContactsVersion, 18}: noteRecounts(rows, "CROSS JOIN"), // which keeps the order on SQLite
			{ContactsVersion, 35}: writeAccountKeys,

			{amountsVersion, 4}: fillAmounts(rows, amountsOnSQLite),
			{usesVersion, 5}:    usesOfCampaigns(rows),
		},
	}
}

// portionsByKey runs an UPDATE without a WHERE clause in batches: each batch is a range of the key
// that contains the given number of rows. alias is the alias of the table in the UPDATE.
func portionsByKey(table, alias, key string, rows int) dataStep {
	end := fmt.Sprintf("SELECT MAX(k) FROM "+
		"(SELECT `%[1]s` AS k FROM `%[2]s`%%s ORDER BY `%[1]s` LIMIT %[3]d) AS chunk", key, table, rows)
	return func(ctx context.Context, tx *sql.Tx, statement, position string) (string, error) {
		after, where, bounds := "", fmt.Sprintf(" WHERE `%s`.`%s` <= ?", alias, key), []any(nil)
		if position != "" { // the first batch has no lower bound, which would depend on the type of the key
			after, bounds = fmt.Sprintf(" WHERE `%s` > ?", key), []any{position}
			where += fmt.Sprintf(" AND `%s`.`%s` > ?", alias, key)
		}
		var last sql.NullString
		err := tx.QueryRowContext(ctx, fmt.Sprintf(end, after), bounds...).Scan(&last)
		if err != nil || !last.Valid {
			return "", err
		}
		_, err = tx.ExecContext(ctx, statement+where, append([]any{last.String}, bounds...)...)
		return last.String, err
	}
}

// idRange is a batch of rows by a number: those after from and up to to.
type idRange struct{ from, to int64 }

func (r idRange) selection() selection {
	return selection{"%[1]s > ? AND %[1]s <= ?", []any{r.from, r.to}}
}

// selection is a condition on a column that holds ids.
type selection struct {
	// condition has %[1]s for the column.
	condition string
	args      []any
}

// listed selects ids that are listed.
func listed(ids []any) selection { return selection{"%[1]s IN (" + placeholders(len(ids)) + ")", ids} }

func (s selection) of(column string) string { return fmt.Sprintf(s.condition, column) }

// portionsByID calls change with ranges of a number. Each range contains the given number of rows,
// and all rows of its last number. The number must have an index.
func portionsByID(table, key string, rows int,
	change func(ctx context.Context, tx *sql.Tx, statement string, part idRange) error,
) dataStep {
	end := fmt.Sprintf("SELECT MAX(k) FROM "+
		"(SELECT `%[1]s` AS k FROM `%[2]s` WHERE `%[1]s` > ? ORDER BY `%[1]s` LIMIT %[3]d) AS chunk", key, table, rows)
	return func(ctx context.Context, tx *sql.Tx, statement, position string) (string, error) {
		var part idRange
		var err error
		if position != "" {
			if part.from, err = strconv.ParseInt(position, 10, 64); err != nil {
				return "", fmt.Errorf("the position %q of the statement is not a number", position)
			}
		}
		var last sql.NullInt64
		if err := tx.QueryRowContext(ctx, end, part.from).Scan(&last); err != nil || !last.Valid {
			return "", err
		}
		part.to = last.Int64
		return strconv.FormatInt(part.to, 10), change(ctx, tx, statement, part)
	}
}

// nextID returns the first free id of a table. Steps write ids themselves: those that a server
// gives depend on how often the migration was interrupted.
func nextID(ctx context.Context, tx *sql.Tx, table string) (id int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(`id`), 0) + 1 FROM `"+table+"`").Scan(&id)
	return id, err
}

// rowsOfCase is the number of rows in one statement of updateEach. MySQL estimates a short list by
// its index, and might read the whole table for a long one.
const rowsOfCase = 100

// updateEach sets a column of a table to a value of its own for each value of
// key. That is one statement for many rows.
func updateEach(
	ctx context.Context, tx *sql.Tx, table, column, key string, keys []int64, values []any,
) error {
	for begin := 0; begin < len(keys); begin += rowsOfCase {
		end := min(begin+rowsOfCase, len(keys))
		var cases, list []any
		for i := begin; i < end; i++ {
			cases, list = append(cases, keys[i], values[i]), append(list, keys[i])
		}
		statement := fmt.Sprintf("UPDATE `%s` SET `%s` = CASE `%s`%s END WHERE `%[3]s` IN (%[5]s)", table, column, key,
			strings.Repeat(" WHEN ? THEN ?", len(list)), placeholders(len(list)))
		if _, err := tx.ExecContext(ctx, statement, append(cases, list...)...); err != nil {
			return err
		}
	}
	return nil
}

// placeholders returns n placeholders, for a row or a list.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// insert is an INSERT of many rows.
type insert struct {
	begin string
	width int
	args  []any
}

func newInsert(table string, columns ...string) *insert {
	return &insert{
		begin: fmt.Sprintf("INSERT INTO `%s` (`%s`) VALUES ", table, strings.Join(columns, "`, `")), width: len(columns),
	}
}

func (i *insert) add(values ...any) { i.args = append(i.args, values...) }

// rowsOfInsert is the number of rows in one statement. An engine limits its arguments.
const rowsOfInsert = 1000

func (i *insert) exec(ctx context.Context, tx *sql.Tx) error {
	row := "(" + placeholders(i.width) + ")"
	for some := range slices.Chunk(i.args, rowsOfInsert*i.width) {
		values := strings.TrimSuffix(strings.Repeat(row+", ", len(some)/i.width), ", ")
		if _, err := tx.ExecContext(ctx, i.begin+values, some...); err != nil {
			return err
		}
	}
	return nil
}
