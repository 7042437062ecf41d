package store

import (
	"context"
	"database/sql"
	"io/fs"
	"time"

	"entgo.io/ent/dialect"
)

// Prepare is prepare.
func Prepare(db *sql.DB) *prepared { return prepare(db) }

// Kept is how many statements are prepared.
func Kept(p *prepared) int { return p.kept.Len() }

// OnStep calls at where a migration may be interrupted: with the point ("before", "done",
// "portion", "recorded") and the statement ("20261126060232/2"). An error stops the migration.
func (s *Store) OnStep(at func(point, step string) error) {
	s.migrator.at = func(point string, id stepID) error { return at(point, id.String()) }
}

// SetGrace is Options.MigrationGrace.
func (s *Store) SetGrace(d time.Duration) { s.migrator.grace = d }

// SetMigrations replaces the migrations of the store, which then need not make the declared schema.
func (s *Store) SetMigrations(files fs.FS) { s.migrator.files, s.migrator.declared = files, nil }

// SmallPortions makes the landed data steps change two rows at a time.
func (s *Store) SmallPortions() {
	if s.dialect == dialect.MySQL {
		s.migrator.data = map[stepID]dataStep{{20261126060232, 2}: portionsByKey("events", "e", "id", 2)}
	}
}

// KeepLease is keepLease.
func KeepLease(ctx context.Context, span time.Duration, until time.Time,
	renew func(context.Context, time.Time) (bool, error), lose context.CancelCauseFunc) {
	keepLease(ctx, span, until, renew, lose)
}

// ErrLeaseLost is errLeaseLost.
var ErrLeaseLost = errLeaseLost

// Statements returns the statements of each migration by its version.
func Statements(files fs.FS) (map[int64][]string, error) {
	read, err := readMigrations(files)
	out := map[int64][]string{}
	for _, file := range read {
		for _, s := range file.statements {
			out[file.version] = append(out[file.version], s.text)
		}
	}
	return out, err
}

// SetLease sets how long the lease lasts.
func (s *Store) SetLease(d time.Duration) { s.migrator.lease = d }

// SetDataStep makes a statement of a migration run in portions.
func (s *Store) SetDataStep(version int64, number int,
	step func(ctx context.Context, tx *sql.Tx, statement, position string) (string, error)) {
	s.migrator.data = map[stepID]dataStep{{version, number}: step}
}

// KillOn is killOn.
var KillOn = killOn

// ThisServer is thisServer.
const ThisServer = thisServer

// ProbesAfter reports whether Ready tries to write a row after a statement ended with err.
func ProbesAfter(err error) bool {
	var r refusal
	_ = r.note(err)
	return r.is()
}
