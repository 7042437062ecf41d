package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// present is the current time of the data. It is fixed, so that a database loaded long ago gives
// the same results as a new one.
var present = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// These are the numbers of all other objects. Their ids start at 1.
const (
	listCount     = 3
	fieldCount    = 10
	campaignCount = 20
	// campaignDays is the number of days between two campaigns.
	campaignDays = 10
	accountID    = 1
)

// fields are the types of the custom fields. All lists have all fields, and each person has a value
// for each.
var fields = [fieldCount]kind.FieldType{
	kind.FieldText,
	kind.FieldNumber,
	kind.FieldNumber,
	kind.FieldDate,
	kind.FieldBoolean,
	kind.FieldText,
	kind.FieldText,
	kind.FieldText,
	kind.FieldText,
	kind.FieldNumber,
}

// seed creates the account, lists, custom fields and campaigns.
func seed(ctx context.Context, db *store.Store) error {
	ctx = caller.System(ctx)
	return db.Tx(ctx, func(ctx context.Context) error {
		client := db.Client(ctx)
		err := client.User.Create().
			SetID(accountID).SetUsername("bench").SetUsernameKey("bench").
			SetEmail("bench@example.com").SetEmailKey("bench@example.com").
			SetPasswordHash("no password matches this").SetTimeZone("UTC").SetCreatedAt(present).
			SetUpdatedAt(present).Exec(ctx)
		if err != nil {
			return err
		}
		lists := make([]*ent.SubscriberListCreate, listCount)
		for i := range lists {
			lists[i] = client.SubscriberList.Create().
				SetID(int64(i + 1)).SetUserID(accountID).SetName("List").SetNameKey("list").
				SetCreatedAt(present)
		}
		values := make([]*ent.CustomFieldCreate, fieldCount)
		for i := range values {
			values[i] = client.CustomField.Create().
				SetID(int64(i + 1)).SetUserID(accountID).SetName("Field").
				SetNameKey(fmt.Sprint("field", i)).SetType(fields[i]).SetCreatedAt(present)
		}
		campaigns := make([]*ent.CampaignCreate, campaignCount)
		for i := range campaigns {
			campaigns[i] = client.Campaign.Create().
				SetID(int64(i + 1)).SetUserID(accountID).SetName("Campaign").SetNameKey("campaign").
				SetCreatedAt(present).SetLastActivityAt(present)
		}
		if err := client.SubscriberList.CreateBulk(lists...).Exec(ctx); err != nil {
			return err
		}
		if err := client.CustomField.CreateBulk(values...).Exec(ctx); err != nil {
			return err
		}
		return client.Campaign.CreateBulk(campaigns...).Exec(ctx)
	})
}

// loader writes people and events. The database computes the rows from numbers, with arithmetic
// that is the same on all engines.
type loader struct {
	db    *sql.DB
	mysql bool
	size
}

// chunk is the number of rows that one statement writes at most.
const chunk = 100_000

// all fills the database. It creates the indexes after the rows, which is much faster.
func (l *loader) all(ctx context.Context) error {
	if l.mysql {
		// This fails without the privilege; loading then is only slower. The pool has one
		// connection.
		_, _ = l.db.ExecContext(ctx, "SET SESSION sql_log_bin = 0")
	}
	for _, table := range []struct {
		name string
		fill func(context.Context) error
	}{{"subscribers", l.people}, {"contacts", l.contacts}, {"field_values", l.values}, {"events", l.happened}, {"suppressions", l.suppressed}} {
		begin := time.Now()
		restore, err := l.dropIndexes(ctx, table.name)
		if err != nil {
			return err
		}
		if err := table.fill(ctx); err != nil {
			return err
		}
		filled := time.Now()
		if err := restore(); err != nil {
			return err
		}
		fmt.Printf(
			"  loaded %s: rows in %s, indexes in %s\n", table.name, filled.Sub(begin).Round(time.Second),
			time.Since(filled).Round(time.Second),
		)
	}
	analyze := "ANALYZE"
	if l.mysql {
		analyze = "ANALYZE TABLE contacts, subscribers, field_values, events, suppressions"
	}
	return l.exec(ctx, analyze, "CREATE TABLE "+loadedTable+" (id integer)")
}

func (l *loader) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := l.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w in %.300s", err, statement)
		}
	}
	return nil
}

// dropIndexes drops the indexes of a table. restore creates them again.
func (l *loader) dropIndexes(ctx context.Context, table string) (restore func() error, err error) {
	var drop, add []string
	if l.mysql {
		var name, definition string
		if err := l.db.QueryRowContext(ctx, "SHOW CREATE TABLE "+table).Scan(&name, &definition); err != nil {
			return nil, err
		}
		for line := range strings.Lines(definition) {
			line = strings.TrimRight(strings.TrimSpace(line), ",")
			if strings.HasPrefix(line, "KEY ") || strings.HasPrefix(line, "UNIQUE KEY ") {
				_, index, _ := strings.Cut(line, "KEY ")
				drop, add = append(drop, "DROP INDEX "+strings.Fields(index)[0]), append(add, "ADD "+line)
			}
		}
		alter := func(parts []string) string { return "ALTER TABLE " + table + " " + strings.Join(parts, ", ") }
		return func() error { return l.exec(ctx, alter(add)) }, l.exec(ctx, alter(drop))
	}
	rows, err := l.db.QueryContext(
		ctx, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", table,
	)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		drop, add = append(drop, "DROP INDEX `"+name+"`"), append(add, definition)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return func() error { return l.exec(ctx, add...) }, l.exec(ctx, drop...)
}
