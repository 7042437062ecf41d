package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	transactionRows = 5000
	// sqliteRows keeps a statement below the limit of SQLite, one million bytes.
	sqliteRows = 2000
)

// insertAll is the limit: it inserts only the rows, in the order of the unique index.
func (w *world) insertAll(ctx context.Context, header string, rows, writers int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for first := 0; first < rows; first += transactionRows {
		group.Go(func() error {
			some := make([]person, min(transactionRows, rows-first))
			for i := range some {
				some[i] = personOf(first + i)
			}
			slices.SortFunc(some, func(x, y person) int { return strings.Compare(x.email, y.email) })
			return w.insert(ctx, some, hasFields(header))
		})
	}
	return group.Wait()
}

// insert inserts people in one transaction.
func (w *world) insert(ctx context.Context, people []person, fields bool) error {
	tx, err := w.db.Pools()[0].BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	atOnce := transactionRows
	if w.db.Dialect() != "mysql" {
		atOnce = sqliteRows
	}
	for some := range slices.Chunk(people, atOnce) {
		first, err := w.insertPeople(ctx, tx, some)
		if err == nil && fields {
			err = w.insertValues(ctx, tx, first, some)
		}
		if err != nil {
			_ = tx.Rollback() // err is the more useful error
			return err
		}
	}
	return tx.Commit()
}

func (w *world) insertPeople(ctx context.Context, tx *sql.Tx, people []person) (first int64, err error) {
	const now = "2026-11-20 12:00:00.000001"
	contact, err := w.insertRows(
		ctx, tx, "contacts (user_id,email,email_key,domain,deliverability,soft_bounces,created_at)", people,
		func(_ int, p person) string {
			_, domain, _ := strings.Cut(p.email, "@")
			return fmt.Sprintf("(%d,'%s','%s','%s','none',0,'%s')", w.user, p.email, p.email, domain, now)
		},
	)
	if err != nil {
		return 0, err
	}
	return w.insertRows(
		ctx, tx, "subscribers (user_id,list_id,contact_id,email,email_key,status,bounce,"+
			"subscription_ip,subscribed_at,created_at)", people,
		func(i int, p person) string {
			return fmt.Sprintf(
				"(%d,%d,%d,'%s','%s','subscribed','none','','%s','%s')", w.user, w.list, contact+int64(i), p.email,
				p.email, now, now,
			)
		},
	)
}

// insertRows inserts a row for each person, in one statement, and returns the id of the first.
func (w *world) insertRows(
	ctx context.Context, tx *sql.Tx, into string, people []person, row func(i int, p person) string,
) (first int64, err error) {
	var text strings.Builder
	text.WriteString("INSERT INTO " + into + " VALUES ")
	for i, p := range people {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(row(i, p))
	}
	result, err := tx.ExecContext(ctx, text.String())
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	if w.db.Dialect() != "mysql" {
		id -= int64(len(people) - 1) // SQLite returns the id of the last row
	}
	return id, err
}

func (w *world) insertValues(ctx context.Context, tx *sql.Tx, first int64, people []person) error {
	var text strings.Builder
	text.WriteString(
		"INSERT INTO field_values (user_id,subscriber_id,custom_field_id,text,text_key,number,date) VALUES ",
	)
	for i, p := range people {
		if i > 0 {
			text.WriteByte(',')
		}
		id := first + int64(i)
		fmt.Fprintf(&text, "(%d,%d,%d,'%s','%s',NULL,NULL),", w.user, id, w.fields[0], p.name, strings.ToLower(p.name))
		fmt.Fprintf(&text, "(%d,%d,%d,'%d','%d',%d,NULL),", w.user, id, w.fields[1], p.age, p.age, p.age)
		fmt.Fprintf(
			&text, "(%d,%d,%d,'%s','%s',NULL,'%s 00:00:00')", w.user, id, w.fields[2], p.since, p.since, p.since,
		)
	}
	_, err := tx.ExecContext(ctx, text.String())
	return err
}
