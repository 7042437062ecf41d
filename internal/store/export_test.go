package store

import (
	"context"
	"database/sql"
	"io/fs"
	"time"
)

func Prepare(db *sql.DB) *prepared { return prepare(db) }

// Kept returns the number of prepared statements in the cache.
func Kept(p *prepared) int { return p.kept.Len() }

// OnStep makes a migration call at, with the point ("before", "done", "portion", "recorded") and
// the statement ("20261126060232/2"). If at returns an error, the migration stops there.
func (s *Store) OnStep(at func(point, step string) error) {
	s.migrator.at = func(point string, id stepID) error { return at(point, id.String()) }
}

// SetGrace sets Options.MigrationGrace.
func (s *Store) SetGrace(d time.Duration) { s.migrator.grace = d }

// SetMigrations replaces the migrations of the store. They need not produce the declared schema.
func (s *Store) SetMigrations(files fs.FS) { s.migrator.files, s.migrator.declared = files, nil }

// SmallPortions makes the released data steps change two rows per batch.
func (s *Store) SmallPortions() {
	s.migrator.data, s.migrator.late = dataStepsOf(2)[s.dialect], lateStepsOf(2)[s.dialect]
}

// IsDataStep reports whether a statement ("20261126060232/2") runs in batches.
func (s *Store) IsDataStep(step string) bool {
	for id := range s.migrator.data {
		if id.String() == step {
			return true
		}
	}
	return false
}

func KeepLease(ctx context.Context, span time.Duration, until time.Time,
	renew func(context.Context, time.Time) (bool, error), lose context.CancelCauseFunc) {
	keepLease(ctx, span, until, renew, lose)
}

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

// SetLease sets the lifetime of the lease.
func (s *Store) SetLease(d time.Duration) { s.migrator.lease = d }

// SetDataStep makes a statement of a migration run in batches.
func (s *Store) SetDataStep(version int64, number int,
	step func(ctx context.Context, tx *sql.Tx, statement, position string) (string, error)) {
	s.migrator.data = map[stepID]dataStep{{version, number}: step}
}

var KillOn = killOn

const ThisServer = thisServer

// ProbesAfter reports whether Ready writes a row after a statement has failed with err.
func ProbesAfter(err error) bool {
	var r refusal
	_ = r.note(err)
	return r.is()
}

// MissedStatements are the statements of the contacts migration that late subscribers have missed, by
// their numbers.
var MissedStatements = map[int]string{7: setContact, 9: deleteMerged, 10: repeatBounce}
