package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/pressly/goose/v3/database"

	entmigrate "campaignql/ent/migrate"
	"campaignql/internal/apperr"
)

// versionTable holds the versions that were applied, in the format of goose.
const versionTable = "schema_migrations"

// Migration is one versioned change of the schema.
type Migration struct {
	Version int64
	Name    string
	// SQL holds the statements still to run, with their comments.
	SQL string
}

// migrator migrates a database. Its zero value is not valid; use newMigrator.
type migrator struct {
	dialect  string
	versions database.Store
	files    fs.FS
	// declared are the tables that the database has once all files are applied. It is empty if a
	// test sets other files.
	declared []*schema.Table
	// data are the statements that run in batches of rows.
	data map[stepID]dataStep
	// late are changes of rows in batches that run before a statement that changes the schema, each
	// time that it is tried. They must do nothing if there is nothing left to do.
	late map[stepID]dataStep
	// lease is the lifetime of the migration lease on MySQL. If a server dies while it migrates,
	// other servers wait that long.
	lease time.Duration
	// grace is how long a statement may continue after the context of Migrate has ended.
	grace time.Duration
	// at is called before and after each statement, with the point "before", "done", "portion" or
	// "recorded". If it returns an error, the migration stops there. Only tests set it.
	at func(point string, id stepID) error
}

func newMigrator(dialectName string, grace time.Duration) migrator {
	name := database.DialectMySQL
	if dialectName == dialect.SQLite {
		name = database.DialectSQLite3
	}
	versions, err := database.NewStore(name, versionTable)
	if err != nil {
		panic("store: " + err.Error()) // only for an unknown dialect or an empty name
	}
	return migrator{
		dialect: dialectName, versions: versions, files: embeddedFiles(dialectName), declared: entmigrate.Tables,
		data: dataSteps[dialectName], late: lateSteps[dialectName], lease: defaultLeaseTime, grace: grace,
		at: func(string, stepID) error { return nil },
	}
}

// Migrate applies the embedded migrations that the database lacks, in order, and returns those that
// it finished. Servers that start concurrently on one database wait for each other: each migration
// is applied by exactly one of them.
//
// On SQLite each migration is one transaction. MySQL commits after each DDL statement. Migrate
// therefore reads the catalog to find out what is already done, and records each statement. If a
// migration was interrupted at any point, by this release or an earlier one, the next call finishes
// it.
//
// When ctx ends, the running statement may continue for Options.MigrationGrace. Then it is canceled
// and rolled back. Migrate rejects a database that a newer release has migrated, and one that lacks
// columns of its recorded versions; see Complete.
func (s *Store) Migrate(ctx context.Context) ([]Migration, error) {
	files, err := readMigrations(s.migrator.files)
	if err != nil {
		return nil, err
	}
	pending, err := s.migrator.pending(ctx, s.dbs[len(s.dbs)-1], files)
	if err != nil {
		return nil, err
	}
	if len(pending) == 0 {
		return nil, s.Complete(ctx)
	}
	var applied []Migration
	done := func(file migrationFile) { applied = append(applied, file.describe(nil)) }
	if s.dialect == dialect.SQLite {
		err = s.migrator.migrateSQLite(ctx, s.dbs[0], files, done)
	} else {
		err = s.migrateMySQL(ctx, files, done)
	}
	if err != nil && ctx.Err() != nil && !errors.Is(err, errGoesOn) { // stopped between two statements
		err = fmt.Errorf("%w: %w", err, errGoesOn)
	}
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	if ctx.Err() != nil { // finished within the grace period; the next start checks for missing columns
		return applied, nil
	}
	return applied, s.Complete(ctx)
}

func (s *Store) migrateMySQL(ctx context.Context, files []migrationFile, done func(migrationFile)) (err error) {
	db, err := s.migrationDB()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return withLease(ctx, db, s.migrator.lease, func(ctx context.Context) error {
		return s.migrator.migrateMySQL(ctx, db, files, done)
	})
}

// Pending returns the migrations that Migrate would apply, each with the statements that are still
// to run. It writes nothing: it does not create a missing SQLite file, and opens an existing one
// read-only.
func Pending(ctx context.Context, address string, opts Options) (pending []Migration, err error) {
	s, err := open(ctx, address, opts, true)
	if errors.Is(err, os.ErrNotExist) && strings.HasPrefix(address, "sqlite:") {
		return allMigrations(dialect.SQLite)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Pending(ctx)
}

func allMigrations(dialectName string) ([]Migration, error) {
	files, err := readMigrations(embeddedFiles(dialectName))
	var all []Migration
	for _, file := range files {
		all = append(all, file.describe(nil))
	}
	return all, err
}

// Pending returns the migrations that Migrate would apply, without applying them. If there are
// none, it checks the database as Migrate does.
func (s *Store) Pending(ctx context.Context) ([]Migration, error) {
	files, err := readMigrations(s.migrator.files)
	if err != nil {
		return nil, err
	}
	db := s.dbs[len(s.dbs)-1]
	lacking, err := s.migrator.pending(ctx, db, files)
	if err != nil {
		return nil, err
	}
	if len(lacking) == 0 {
		return nil, s.Complete(ctx)
	}
	var pending []Migration
	for i, file := range lacking {
		var done map[int]bool
		if i == 0 && s.dialect == dialect.MySQL { // the others have not begun
			if done, err = s.migrator.doneStatements(ctx, db, file); err != nil {
				return nil, err
			}
		}
		pending = append(pending, file.describe(done))
	}
	return pending, nil
}

// describe returns the migration without the statements that are already done.
func (f migrationFile) describe(done map[int]bool) Migration {
	var text []string
	for _, s := range f.statements {
		if done[s.id.number] {
			text = append(text, fmt.Sprintf("-- statement %d is done", s.id.number))
		} else {
			text = append(text, s.sql())
		}
	}
	return Migration{Version: f.version, Name: f.name, SQL: strings.Join(text, "\n")}
}

func (s *Store) latest() (int64, error) {
	names, err := fs.Glob(s.migrator.files, "*.sql")
	if err != nil {
		return 0, err
	}
	last, err := readMigration(names[len(names)-1], nil)
	return last.version, err
}

// Compatible returns an Unavailable error if a newer release has migrated the database, or has
// begun to.
func (s *Store) Compatible(ctx context.Context) error {
	latest, err := s.latest()
	if err != nil {
		return err
	}
	db := s.dbs[len(s.dbs)-1]
	applied, err := s.migrator.applied(ctx, db)
	if err != nil {
		return err
	}
	return s.migrator.refuseNewer(ctx, db, applied, latest)
}

// pending returns the files whose version is not recorded in the database.
func (m migrator) pending(ctx context.Context, db querier, files []migrationFile) ([]migrationFile, error) {
	applied, err := m.applied(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := m.refuseNewer(ctx, db, applied, files[len(files)-1].version); err != nil {
		return nil, err
	}
	var lacking []migrationFile
	for _, file := range files {
		switch {
		case !slices.Contains(applied, file.version):
			lacking = append(lacking, file)
		case len(lacking) > 0:
			return nil, fmt.Errorf("the database has migration %d and lacks %d before it: it was migrated by a build "+
				"that is no ancestor of this one; restore a backup that has neither", file.version, lacking[0].version)
		}
	}
	return lacking, nil
}

// applied returns the versions that are recorded in the database, or none if the table of versions
// does not exist.
func (m migrator) applied(ctx context.Context, db querier) ([]int64, error) {
	exists, err := m.tableExists(ctx, db, versionTable)
	if err != nil || !exists {
		return nil, err
	}
	var applied []int64
	read := func(rows *sql.Rows) error {
		var version int64
		err := rows.Scan(&version)
		applied = append(applied, version)
		return err
	}
	if err := eachRow(ctx, db, "SELECT version_id FROM "+versionTable+" WHERE is_applied", nil, read); err != nil {
		return nil, fmt.Errorf("read the versions of the database: %w", err)
	}
	return applied, nil
}

// refuseNewer returns an error if the database has a version newer than latest, or has begun one. A
// version begins only after all earlier ones are applied. So a database that lacks latest has not
// begun a newer one: if step records say otherwise, they are left over from before a backup was
// restored.
func (m migrator) refuseNewer(ctx context.Context, db querier, applied []int64, latest int64) error {
	newest := slices.Max(append([]int64{0}, applied...))
	begun, err := m.tableExists(ctx, db, stepTable)
	if err != nil {
		return err
	}
	if begun && newest >= latest {
		var version int64
		row := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM "+stepTable)
		if err := row.Scan(&version); err != nil {
			return fmt.Errorf("read the steps of migrations: %w", err)
		}
		newest = max(newest, version)
	}
	if newest > latest {
		return apperr.New(apperr.Unavailable, "the database was migrated by a newer campaignql: it is at %d, "+
			"this one knows %d; run the newer one, or restore the backup from before the upgrade", newest, latest)
	}
	return nil
}

func (m migrator) tableExists(ctx context.Context, db querier, table string) (bool, error) {
	query := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	if m.dialect == dialect.SQLite {
		query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	}
	var n int
	if err := db.QueryRowContext(ctx, query, table).Scan(&n); err != nil {
		return false, fmt.Errorf("look for the table %s: %w", table, err)
	}
	return n > 0, nil
}

// ensureVersions creates the table of versions, with the version 0 that earlier releases expect in
// it.
func (m migrator) ensureVersions(ctx context.Context, db database.DBTxConn) error {
	exists, err := m.tableExists(ctx, db, versionTable)
	if err != nil {
		return err
	}
	if !exists {
		if err := m.versions.CreateVersionTable(ctx, db); err != nil {
			return err
		}
	}
	var rows int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+versionTable).Scan(&rows); err != nil || rows > 0 {
		return err
	}
	return m.versions.Insert(ctx, db, database.InsertRequest{Version: 0})
}
