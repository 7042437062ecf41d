package store

import (
	"context"
	"errors"
	"fmt"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	entmigrate "campaignql/ent/migrate"
)

// WriteMigration replays the migrations of dir on the empty database at address. It then writes the
// difference to the Ent schema as a new file in dir. If there is no difference, it writes nothing.
func WriteMigration(ctx context.Context, address, dir, name string) (err error) {
	target, err := sqltool.NewGooseDir(dir)
	if err != nil {
		return err
	}
	s, err := Open(ctx, address, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return entmigrate.NewSchema(entsql.OpenDB(s.dialect, s.dbs[0])).
		NamedDiff(ctx, name, migrationOptions(s.dialect, target)...)
}

// Drift returns the statements that would change the database to match the Ent schema. After
// Migrate there are none, on every engine.
func (s *Store) Drift(ctx context.Context) ([]string, error) {
	var statements []string
	collect := schema.WithApplyHook(func(schema.Applier) schema.Applier {
		return schema.ApplyFunc(func(_ context.Context, _ dialect.ExecQuerier, plan *migrate.Plan) error {
			for _, change := range plan.Changes {
				statements = append(statements, change.Cmd)
			}
			return nil
		})
	})
	options := []schema.MigrateOption{
		collect, schema.WithForeignKeys(false), schema.WithDropColumn(true), schema.WithDropIndex(true),
	}
	tables, err := schema.CopyTables(entmigrate.Tables) // Ent writes to the tables that it compares
	if err == nil {
		compared := entmigrate.NewSchema(entsql.OpenDB(s.dialect, s.dbs[0]))
		err = entmigrate.Create(ctx, compared, tables, options...)
	}
	if err != nil {
		return nil, fmt.Errorf("compare with the schema: %w", err)
	}
	return statements, nil
}

func migrationOptions(name string, dir migrate.Dir) []schema.MigrateOption {
	return []schema.MigrateOption{
		schema.WithDir(dir),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDialect(name),
		schema.WithForeignKeys(false),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
	}
}
