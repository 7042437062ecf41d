package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"campaignql/ent"
	"campaignql/internal/bench/bed"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// world is a database with an account, a list and three custom fields.
type world struct {
	binary, address string
	db              *store.Store
	user, list      int64
	fields          [3]int64
}

// inDatabase creates a database, calls do and drops the database.
func inDatabase(ctx context.Context, s *bed.Site, do func(*world) error) (err error) {
	binary, err := s.Binary(ctx)
	if err != nil {
		return err
	}
	address, drop, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	user, err := bed.CreateUser(ctx, binary, address, "bench")
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w := &world{binary: binary, address: address, db: db, user: user.ID}
	if err := w.seed(ctx); err != nil {
		return err
	}
	return do(w)
}

func (w *world) seed(ctx context.Context) error {
	ctx = caller.With(ctx, caller.Identity{
		UserID: w.user, Role: kind.RoleUser, Scopes: kind.AllScopes(kind.RoleUser),
		Surface: kind.SurfaceCLI, TimeZone: "UTC",
	})
	client := w.db.Client(ctx)
	list, err := client.SubscriberList.Create().SetName("List").SetNameKey("list").SetCreatedAt(store.Now()).Save(ctx)
	if err != nil {
		return err
	}
	w.list = list.ID
	field := func(name string, of kind.FieldType) *ent.CustomFieldCreate {
		return client.CustomField.Create().
			SetListID(w.list).SetName(name).SetNameKey(kind.Fold(name, 500)).SetType(of).
			SetCreatedAt(store.Now())
	}
	fields, err := client.CustomField.CreateBulk(
		field("First name", kind.FieldText), field("Age", kind.FieldNumber), field("Since", kind.FieldDate),
	).Save(ctx)
	for i, f := range fields {
		w.fields[i] = f.ID
	}
	return err
}

// imported is the cost of an import.
type imported struct {
	took, processor time.Duration
	memory          int64
}

func (w *world) imports(ctx context.Context, path string, rows int) (imported, error) {
	c := exec.CommandContext(
		ctx, w.binary, "import", "subscribers", path, "--username", "bench", "--list", strconv.FormatInt(w.list, 10),
	)
	c.Env = append(os.Environ(), "CAMPAIGNQL_DATABASE="+w.address)
	var printed, faults bytes.Buffer
	c.Stdout, c.Stderr = &printed, &faults
	begin := time.Now()
	if err := c.Run(); err != nil {
		return imported{}, fmt.Errorf("campaignql import: %w: %s", err, faults.Bytes())
	}
	took := time.Since(begin)
	if want := fmt.Sprintf("%d rows: %d added", rows, rows); !strings.HasPrefix(printed.String(), want) {
		return imported{}, fmt.Errorf("the import printed %q", printed.String())
	}
	peak := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss // KiB on Linux
	return imported{took, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), peak << 10}, nil
}

// person is one row of a file. Its values differ from row to row.
type person struct {
	email, name, since string
	age                int
}

var firstDay = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

func personOf(i int) person {
	return person{
		email: fmt.Sprintf("person%d@example%d.com", i, i%1000), name: fmt.Sprintf("Name%d", i%5000), age: 18 + i%70,
		since: firstDay.AddDate(0, 0, i%4000).Format(time.DateOnly),
	}
}

// hasFields reports whether people have values other than their address.
func hasFields(header string) bool { return strings.Contains(header, ",") }

// writePeople writes a file with the given number of people.
func writePeople(path, header string, rows int) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, header)
	for i := range rows {
		p := personOf(i)
		if hasFields(header) {
			fmt.Fprintf(w, "%s,%s,%d,%s\n", p.email, p.name, p.age, p.since)
		} else {
			fmt.Fprintln(w, p.email)
		}
	}
	return w.Flush()
}
