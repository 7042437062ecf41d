package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"campaignql/internal/bench/bed"
	"campaignql/internal/store"
)

// version is incremented when the data changes, so that a database with older data is not used.
const version = 1

// engine is one database engine to measure on.
type engine struct{ bed.Engine }

// sized returns the size to load on the engine. SQLite gets a tenth, because it counts on one core
// with a small cache and is not meant for as many people.
func (e engine) sized(s size) size {
	if e.MySQL() {
		return s
	}
	return size{s.people / 10, s.events / 10}
}

// database returns the name of the database for the size.
func (s size) database() string {
	return fmt.Sprintf("campaignql_bench_audience_%d_%d_%d", version, s.people, s.events)
}

// loadedTable is a table that exists only if all data is loaded.
const loadedTable = "bench_loaded"

// loaded opens the database of a size, with a pool of one connection for the timed statements. If
// the data is missing or incomplete, it loads the data from the start.
func (e engine) loaded(ctx context.Context, s size) (*store.Store, *sql.DB, error) {
	st, db, err := e.open(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	if _, err = db.ExecContext(ctx, "SELECT 1 FROM "+loadedTable); err == nil {
		return st, db, nil
	}
	if err := errors.Join(st.Close(), e.Drop(ctx, s.database())); err != nil {
		return nil, nil, err
	}
	if st, db, err = e.open(ctx, s); err != nil {
		return nil, nil, err
	}
	if err := e.load(ctx, st, db, s); err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, db, nil
}

func (e engine) open(ctx context.Context, s size) (*store.Store, *sql.DB, error) {
	address, err := e.Keep(ctx, s.database())
	if err != nil {
		return nil, nil, err
	}
	// One statement may create an index over millions of rows, so the timeout is long.
	st, err := store.Open(ctx, address, store.Options{MaxConnections: 1, StatementTimeout: time.Hour})
	if err != nil {
		return nil, nil, err
	}
	return st, st.Pools()[0], nil
}

// load fills an empty database.
func (e engine) load(ctx context.Context, st *store.Store, db *sql.DB, s size) error {
	if _, err := st.Migrate(ctx); err != nil {
		return err
	}
	if err := seed(ctx, st); err != nil {
		return err
	}
	l := loader{db: db, mysql: e.MySQL(), size: s}
	return l.all(ctx)
}
