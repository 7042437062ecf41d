package store

import (
	"context"

	"campaignql/internal/apperr"
)

// Ping reports whether the database answers on every pool of statements. It waits while a pool has no connection free.
func (s *Store) Ping(ctx context.Context) error {
	for _, db := range s.dbs {
		if err := db.PingContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Ready reports whether the database answers and lacks no migration: an Unavailable error says what is missing. It has a
// connection of its own, so that a server whose pool is in full use stays ready.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.health.PingContext(ctx); err != nil {
		return apperr.Wrap(apperr.Unavailable, err, "the database cannot be reached")
	}
	latest, err := s.latest()
	if err != nil {
		return err
	}
	var version int64
	row := s.health.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable)
	if err := row.Scan(&version); err != nil {
		return apperr.Wrap(apperr.Unavailable, err, "the database has not been migrated")
	}
	if version < latest {
		return apperr.New(apperr.Unavailable, "the database lacks migrations: it is at %d, this server needs %d", version, latest)
	}
	return nil
}
