package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printed writes the results as a table, followed by the indexes that each statement uses.
func printed(w io.Writer, results []result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  question\tpeople\tours ms\tby hand ms\tratio\t")
	for _, r := range results {
		ratio := r.ours.Seconds() / r.byHand.Seconds()
		mark := ""
		if ratio > aim {
			mark = " *"
		}
		fmt.Fprintf(
			table, "  %s\t%d\t%s\t%s\t%.2f%s\t\n", r.name, r.people, milliseconds(r.ours), milliseconds(r.byHand),
			ratio, mark,
		)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		fmt.Fprintf(w, "  %s\n    ours:    %s\n    by hand: %s\n", r.name, r.index, r.byHands)
	}
	_, err := fmt.Fprintf(w, "  * above %.1f\n", aim)
	return err
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1000) }

// plan returns the index by which the database reads each table of a statement, in the order of
// access.
func (e engine) plan(ctx context.Context, db *sql.DB, o options, text string, args []any) (string, error) {
	explain := "EXPLAIN FORMAT=TRADITIONAL "
	if !e.MySQL() {
		explain = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.QueryContext(ctx, explain+text, args...)
	if err != nil {
		return "", err
	}
	var steps []string
	err = eachRow(rows, func(row map[string]string) {
		if step, ok := row["detail"]; ok {
			steps = append(steps, step)
		} else if row["table"] != "" {
			steps = append(
				steps, fmt.Sprintf("%s by %s (%s)", row["table"], orElse(row["key"], "no index"), row["type"]),
			)
		}
	})
	if err == nil && o.plans {
		err = e.tell(ctx, db, text, args)
	}
	return strings.Join(steps, ", "), err
}

// tell prints a statement and its plan in the output format of the database.
func (e engine) tell(ctx context.Context, db *sql.DB, text string, args []any) error {
	fmt.Printf("\n%s\n%v\n", text, args)
	explain := "EXPLAIN ANALYZE "
	switch {
	case !e.MySQL():
		explain = "EXPLAIN QUERY PLAN "
	case e.mariaDB(ctx, db):
		explain = "ANALYZE FORMAT=JSON "
	}
	rows, err := db.QueryContext(ctx, explain+text, args...)
	if err != nil {
		return err
	}
	return eachRow(rows, func(row map[string]string) {
		for _, column := range []string{"EXPLAIN", "ANALYZE", "detail"} {
			if row[column] != "" {
				fmt.Println(row[column])
			}
		}
	})
}

func (e engine) mariaDB(ctx context.Context, db *sql.DB) bool {
	var version string
	err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return err == nil && strings.Contains(version, "MariaDB")
}

// eachRow calls visit for each row, with the values as strings by column name.
func eachRow(rows *sql.Rows, visit func(map[string]string)) error {
	columns, err := rows.Columns()
	if err != nil {
		return errors.Join(err, rows.Close())
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return errors.Join(err, rows.Close())
		}
		row := map[string]string{}
		for i, column := range columns {
			row[column] = values[i].String
		}
		visit(row)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
