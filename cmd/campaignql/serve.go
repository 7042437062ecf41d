package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"

	"campaignql/ent"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/store"
)

type serveCommand struct{ config.Config }

// Run serves until the process receives a signal to stop.
func (c *serveCommand) Run(ctx context.Context, env *environment) error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	b := thisBuild()
	build := app.Build{Version: b.version, Commit: b.commit}
	return app.Run(ctx, env.Database, c.Config, env.secret, build, env.log, env.stdout)
}

type migrateCommand struct {
	config.Bounces
	DryRun bool `help:"Print the SQL instead of running it." xor:"what"`
	Report bool `help:"Print what migrations found and changed, instead of running any." xor:"what"`
}

// Run applies the migrations that the database lacks, or prints them.
func (c *migrateCommand) Run(ctx context.Context, env *environment) error {
	if c.DryRun {
		return c.print(ctx, env)
	}
	db, err := env.reach(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if c.Report {
		return c.report(ctx, env, db)
	}
	applied, err := db.Migrate(ctx)
	for _, m := range applied {
		fmt.Fprintf(env.stdout, "applied %s\n", m.Name)
	}
	if err != nil || ctx.Err() != nil {
		return err
	}
	if len(applied) == 0 {
		fmt.Fprintln(env.stdout, "up to date")
	}
	services := app.NewServices(db, app.ServiceOptions{SoftBounceLimit: c.SoftBounceLimit})
	defer services.Close()
	return services.Events.RecountPending(caller.System(ctx), func(d fmt.Stringer) {
		fmt.Fprintf(env.stdout, "recounted %s\n", d)
	})
}

// report prints a line for each finding of the migrations: its version, its kind, the account, and
// what was found.
func (c *migrateCommand) report(ctx context.Context, env *environment, db *store.Store) error {
	services := app.NewServices(db, app.ServiceOptions{})
	defer services.Close()
	return services.Events.Findings(caller.System(ctx), func(f *ent.MigrationFinding) error {
		_, err := fmt.Fprintf(env.stdout, "%d %s account %d: %s\n", f.Version, f.Kind, f.UserID, f.Text)
		return err
	})
}

// print prints the pending migrations. It neither creates nor changes anything.
func (c *migrateCommand) print(ctx context.Context, env *environment) error {
	pending, err := store.Pending(ctx, env.Database, store.Options{})
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	for _, m := range pending {
		fmt.Fprintf(env.stdout, "-- %s\n%s\n", m.Name, m.SQL)
	}
	return nil
}

type versionCommand struct{}

func (versionCommand) Run(env *environment) error {
	_, err := fmt.Fprintln(env.stdout, versionLine())
	return err
}

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Command to explain."`
}

// Run prints the help of a command, or of the program.
func (c *helpCommand) Run(parsed *kong.Context) error {
	explained, err := kong.Trace(parsed.Kong, c.Command)
	if err != nil {
		return err
	}
	if explained.Error != nil {
		return explained.Error
	}
	return explained.PrintUsage(false)
}
