package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations
var migrations embed.FS

// versionTable holds the versions that were applied.
const versionTable = "schema_migrations"

// Migration is one versioned change of the schema.
type Migration struct {
	Version int64
	Name    string
	// SQL holds the statements, with the comments that goose reads.
	SQL string
}

// Migrate applies the embedded migrations that the database lacks, in order, and returns them. Servers that start at once on one database wait
// for each other: exactly one applies each migration. When a migration fails, those before it stay applied and the error names it.
func (s *Store) Migrate(ctx context.Context) ([]Migration, error) {
	db, done, err := s.migrationDB()
	if err != nil {
		return nil, err
	}
	applied, err := s.migrateWith(ctx, db)
	return applied, errors.Join(err, done())
}

func (s *Store) migrateWith(ctx context.Context, db *sql.DB) ([]Migration, error) {
	provider, err := s.provider(db)
	if err != nil {
		return nil, err
	}
	if pending, err := provider.HasPending(ctx); err == nil && !pending {
		return nil, nil
	}
	var applied []Migration
	err = withLease(ctx, db, s.dialect, func(ctx context.Context) error {
		results, err := provider.Up(ctx)
		for _, r := range results {
			applied = append(applied, s.describe(r.Source))
		}
		return err
	})
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	return applied, nil
}

// Pending returns the migrations that Migrate would apply, without applying anything.
func (s *Store) Pending(ctx context.Context) ([]Migration, error) {
	var pending []Migration
	err := s.withStatuses(ctx, func(status *goose.MigrationStatus) {
		if status.State == goose.StatePending {
			pending = append(pending, s.describe(status.Source))
		}
	})
	return pending, err
}

func (s *Store) latest() (int64, error) {
	provider, err := s.provider(s.dbs[0])
	if err != nil {
		return 0, err
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version, nil
}

func (s *Store) withStatuses(ctx context.Context, visit func(*goose.MigrationStatus)) error {
	provider, err := s.provider(s.dbs[0])
	if err != nil {
		return err
	}
	statuses, err := provider.Status(ctx)
	if err != nil {
		return fmt.Errorf("read the state of migrations: %w", err)
	}
	for _, status := range statuses {
		visit(status)
	}
	return nil
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	name, dir := goose.DialectMySQL, "migrations/mysql"
	if s.dialect == dialect.SQLite {
		name, dir = goose.DialectSQLite3, "migrations/sqlite"
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return nil, err
	}
	versions, err := database.NewStore(name, versionTable)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectCustom, db, files, goose.WithStore(versions), goose.WithDisableGlobalRegistry(true))
}

func (s *Store) describe(source *goose.Source) Migration {
	dir := "migrations/mysql/"
	if s.dialect == dialect.SQLite {
		dir = "migrations/sqlite/"
	}
	text, _ := migrations.ReadFile(dir + source.Path[strings.LastIndexByte(source.Path, '/')+1:])
	return Migration{Version: source.Version, Name: strings.TrimSuffix(source.Path, ".sql"), SQL: string(text)}
}
