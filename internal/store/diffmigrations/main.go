// Command diffmigrations writes the next versioned migration of each dialect: the difference
// between the Ent schema and the state after the migrations in internal/store/migrations. It
// replays them on an empty MySQL database:
//
//	go run ./internal/store/diffmigrations -name add_something -mysql mysql://root@127.0.0.1:3306/empty
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"campaignql/internal/store"
)

func main() {
	name := flag.String("name", "", "name of the migration, such as add_recipients")
	address := flag.String("mysql", os.Getenv("CAMPAIGNQL_TEST_MYSQL"), "address of an empty MySQL database")
	flag.Parse()
	if err := run(*name, *address); err != nil {
		fmt.Fprintln(os.Stderr, "diffmigrations:", err)
		os.Exit(1)
	}
}

func run(name, address string) error {
	if name == "" || address == "" {
		return errors.New("-name and -mysql are required")
	}
	for _, target := range []struct{ address, dir string }{
		{address, "internal/store/migrations/mysql"},
		{"sqlite::memory:", "internal/store/migrations/sqlite"},
	} {
		if err := store.WriteMigration(context.Background(), target.address, target.dir, name); err != nil {
			return fmt.Errorf("%s: %w", target.dir, err)
		}
	}
	return nil
}
