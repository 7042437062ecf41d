// Command importing measures `campaignql import subscribers` as its users run it: the real binary as a child process, a CSV file made for it, and the
// MySQL-protocol server (or the SQLite file) that it is given. It prints rows per second and the peak memory of the process for a file of addresses
// alone and for one with three custom fields.
//
// It owns its databases, files and child processes, which end with it. Nothing else may depend on it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "importing:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("importing", flag.ContinueOnError)
	rows := flags.Int("rows", 1_000_000, "rows of each file")
	database := flags.String("database", os.Getenv("CAMPAIGNQL_BENCH_DATABASE"), "address of an empty `database`; a SQLite file of its own by default")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "campaignql-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if *database == "" {
		*database = "sqlite:" + filepath.Join(dir, "bench.db")
	}
	binary := filepath.Join(dir, "campaignql")
	if err := command(ctx, "", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "campaignql/cmd/campaignql").Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	lists, err := seed(ctx, binary, *database)
	if err != nil {
		return err
	}
	for i, header := range []string{"Email", "Email,First name,Age,Since"} {
		path := filepath.Join(dir, "people.csv")
		if err := writePeople(path, header, *rows); err != nil {
			return err
		}
		if err := measure(ctx, binary, *database, path, lists[i], *rows, header); err != nil {
			return err
		}
	}
	return nil
}

func command(ctx context.Context, database, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "CAMPAIGNQL_DATABASE="+database)
	c.Stderr = os.Stderr
	return c
}

// measure imports the file and prints what it took.
func measure(ctx context.Context, binary, database, path string, list int64, rows int, header string) error {
	c := command(ctx, database, binary, "import", "subscribers", path, "--username", "bench", "--list", strconv.FormatInt(list, 10))
	var printed bytes.Buffer
	c.Stdout = &printed
	begin := time.Now()
	if err := c.Run(); err != nil {
		return err
	}
	took := time.Since(begin)
	if want := fmt.Sprintf("%d rows: %d added", rows, rows); !strings.HasPrefix(printed.String(), want) {
		return fmt.Errorf("the import printed %q", printed.String())
	}
	peak := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss // KiB on Linux
	_, err := fmt.Printf("%-28s %8.1f s %8.0f rows/s, peak memory %d MiB\n", header, took.Seconds(), float64(rows)/took.Seconds(), peak>>10)
	return err
}

// seed makes the account, as its operator would, two lists, and the custom fields of the second.
func seed(ctx context.Context, binary, address string) (lists [2]int64, err error) {
	create := command(ctx, address, binary, "user", "create", "--username", "bench", "--email", "bench@example.com", "--password", "bench password")
	if err := create.Run(); err != nil {
		return lists, fmt.Errorf("campaignql user create: %w", err)
	}
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return lists, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	system := caller.System(ctx)
	user, err := db.Client(system).User.Query().OnlyID(system)
	if err != nil {
		return lists, err
	}
	ctx = caller.With(ctx, caller.Identity{UserID: user, Role: kind.RoleUser, Scopes: kind.AllScopes(kind.RoleUser), Surface: kind.SurfaceCLI, TimeZone: "UTC"})
	client := db.Client(ctx)
	for i := range lists {
		name := fmt.Sprintf("List %d", i+1)
		list, err := client.SubscriberList.Create().SetName(name).SetNameKey(kind.Fold(name, 500)).SetCreatedAt(store.Now()).Save(ctx)
		if err != nil {
			return lists, err
		}
		lists[i] = list.ID
	}
	field := func(name string, of kind.FieldType) *ent.CustomFieldCreate {
		return client.CustomField.Create().SetListID(lists[1]).SetName(name).SetNameKey(kind.Fold(name, 500)).SetType(of).SetCreatedAt(store.Now())
	}
	return lists, client.CustomField.CreateBulk(field("First name", kind.FieldText), field("Age", kind.FieldNumber), field("Since", kind.FieldDate)).Exec(ctx)
}

// writePeople writes a file of as many people; each column of the header has a value that differs from row to row.
func writePeople(path, header string, rows int) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, header)
	since := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		fmt.Fprintf(w, "person%d@example%d.com", i, i%1000)
		if strings.Contains(header, ",") {
			fmt.Fprintf(w, ",Name%d,%d,%s", i%5000, 18+i%70, since.AddDate(0, 0, i%4000).Format(time.DateOnly))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
