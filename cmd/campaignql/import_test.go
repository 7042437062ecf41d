package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/program"
)

// importedRows is more than four batches, so that a kill after the first batch leaves rows to
// import.
const importedRows = 45_000

// TestAKilledImportContinues kills an import before it has recorded anything, and again after its
// first batch. The third run must finish it.
func TestAKilledImportContinues(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		newUser(t, address, "ann")
		db := testkit.Open(t, address)
		list, age := newList(t, db)
		path := filepath.Join(t.TempDir(), "people.csv")
		people, rejected := writePeople(t, path)
		count := func() int {
			ctx := caller.System(t.Context())
			n, err := db.Client(ctx).Subscriber.Query().Where(subscriber.ListID(list)).Count(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		killImport(t, address, path, list, func() bool { return count() > 0 })
		killImport(t, address, path, list, func() bool {
			_, err := os.Stat(path + ".import.json")
			return err == nil
		})
		if n := count(); n == 0 || n >= people {
			t.Fatalf("%d of %d people are there after two kills", n, people)
		}
		var stdout bytes.Buffer
		last := importing(t, address, path, list)
		last.Stdout = &stdout
		if err := last.Run(); err != nil {
			t.Fatal(err)
		}
		got := stdout.String()
		if !strings.HasPrefix(got, fmt.Sprintf("%d rows: ", importedRows)) ||
			!strings.HasSuffix(got, fmt.Sprintf(" %d rejected\n", len(rejected))) {
			t.Errorf("the import printed %q", got)
		}
		if n := count(); n != people {
			t.Errorf("%d people, want %d", n, people)
		}
		if n, want := agesOf(t, db, age), people; n != want {
			t.Errorf("%d people have the age of their row, want %d", n, want)
		}
		lines := reported(t, strings.TrimSuffix(path, ".csv")+".rejected.csv")
		if strings.Join(lines, " ") != strings.Join(rejected, " ") {
			t.Errorf("%d rows are reported, want %d", len(lines), len(rejected))
		}
		if _, err := os.Stat(path + ".import.json"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the checkpoint of a finished import: %v", err)
		}
	})
}

// TestAFileIsImportedByOneProcessAtATime imports the file a second time while the first import
// runs, and again after the first one was killed.
func TestAFileIsImportedByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	address := "sqlite:" + filepath.Join(t.TempDir(), "campaignql.db")
	newUser(t, address, "ann")
	list, _ := newList(t, testkit.Open(t, address))
	path := filepath.Join(t.TempDir(), "people.csv")
	_, rejected := writePeople(t, path)
	killImport(t, address, path, list, func() bool {
		if _, err := os.Stat(path + ".import.lock"); err != nil {
			return false
		}
		var stderr bytes.Buffer
		second := importing(t, address, path, list)
		second.Stderr = &stderr
		var status *exec.ExitError
		const message = "people.csv is being imported by another process"
		err := second.Run()
		if !errors.As(err, &status) || status.ExitCode() != 2 || !strings.Contains(stderr.String(), message) {
			t.Errorf("a second import at the same time: %v, %s", err, stderr.Bytes())
		}
		return true
	})
	out, err := importing(t, address, path, list).Output()
	if err != nil || !strings.HasSuffix(string(out), fmt.Sprintf(" %d rejected\n", len(rejected))) {
		t.Errorf("an import after one that was killed: %v, %s", err, out)
	}
	if left, err := filepath.Glob(path + ".import.*"); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// importing returns the command that imports the file.
func importing(t *testing.T, address, path string, list int64) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(
		t.Context(), program.Path(t), "import", "subscribers", path,
		"--database", address, "--username", "ann", "--list", strconv.FormatInt(list, 10),
	)
	command.Env = environ()
	command.Stderr = os.Stderr
	return command
}

// killImport starts an import and kills it as soon as far returns true.
func killImport(t *testing.T, address, path string, list int64, far func() bool) {
	t.Helper()
	command := importing(t, address, path, list)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(6 * patience); !far(); time.Sleep(5 * time.Millisecond) { // a batch is 10,000 rows
		if time.Now().After(deadline) {
			t.Error("the import did not get far enough to be killed")
			break
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatalf("the import ended before it was killed: %v", err)
	}
	if err := command.Wait(); err == nil {
		t.Fatal("the import ended before it was killed")
	}
}

// newList creates a list of ann's with a number field.
func newList(t *testing.T, db *store.Store) (list, field int64) {
	t.Helper()
	return newListNamed(t, db, "l")
}

func newListNamed(t *testing.T, db *store.Store, name string) (list, field int64) {
	t.Helper()
	ctx, now := caller.System(t.Context()), store.Now()
	client := db.Client(ctx)
	owner, err := client.User.Query().OnlyID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	made, err := client.SubscriberList.Create().SetUserID(owner).SetName(name).SetNameKey(name).SetCreatedAt(now).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	age, err := client.CustomField.Create().SetUserID(owner).SetListID(made.ID).
		SetName("Age").SetNameKey("age").SetType(kind.FieldNumber).SetCreatedAt(now).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID, age.ID
}

// writePeople writes a file in which every hundredth row is rejected and every thousandth row
// repeats the previous one. It returns the number of people and the line numbers of the rejected
// rows.
func writePeople(t *testing.T, path string) (people int, rejected []string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "Email,Age")
	for i := range importedRows {
		switch {
		case i%100 == 50:
			rejected = append(rejected, strconv.Itoa(i+2))
			fmt.Fprintf(w, "nobody %d,1\n", i)
		case i%1000 == 999:
			fmt.Fprintf(w, "p%d@example.org,%d\n", i-1, i-1)
		default:
			people++
			fmt.Fprintf(w, "p%d@example.org,%d\n", i, i)
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return people, rejected
}

// agesOf counts the people whose age matches their row.
func agesOf(t *testing.T, db *store.Store, field int64) int {
	t.Helper()
	const statement = `SELECT s.email, v.number FROM field_values v
		JOIN subscribers s ON s.id = v.subscriber_id WHERE v.custom_field_id = ?`
	rows, err := db.Pools()[0].QueryContext(t.Context(), statement, field)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var email string
		var number float64
		if err := rows.Scan(&email, &number); err != nil {
			t.Fatal(err)
		}
		if email == fmt.Sprintf("p%.0f@example.org", number) {
			n++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// reported returns the line numbers in a report of rejected rows.
func reported(t *testing.T, path string) (lines []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		lines = append(lines, row[len(row)-2])
	}
	return lines
}

func TestFaultsOfAnImportNameTheFlags(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	address := "sqlite:" + filepath.Join(t.TempDir(), "campaignql.db")
	newUser(t, address, "ann")
	list, _ := newList(t, testkit.Open(t, address))
	path, other := filepath.Join(t.TempDir(), "people.csv"), filepath.Join(t.TempDir(), "other.csv")
	err := errors.Join(
		os.WriteFile(path, []byte("Email\na@k\xf6ln.example\n"), 0o600),
		os.WriteFile(other, []byte("mine\n"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--map", "Email"}, `campaignql: --map: "Email": write Column=email`},
		{[]string{"--map", "Email=nothing"}, `campaignql: --map: "Email=nothing": the list has no field "nothing"`},
		{[]string{"--map", "Email=ip"}, `campaignql: --map: no column is the email of ["Email"]: say which is, by Column=email`},
		{[]string{"--map", "Nobody=email"}, `campaignql: --map: the file has no column "Nobody" of ["Email"]`},
		{[]string{"--encoding", "utf-8"}, "campaignql: --encoding: line 2 is not UTF-8: mend it, or give latin-1 if the file is that"},
		{[]string{"--report", other}, "campaignql: --report: " + other + " is there already and is no report of rejected rows: name another file"},
	} {
		command := importing(t, address, path, list)
		var stderr bytes.Buffer
		command.Args, command.Stderr = append(command.Args, test.flags...), &stderr
		if err := command.Run(); err == nil || stderr.String() != test.want+"\n" {
			t.Errorf("%v: %v, %q, want %q", test.flags, err, stderr.String(), test.want)
		}
	}
	var stderr bytes.Buffer
	command := importing(t, address, path, list)
	command.Stderr = &stderr
	want := path + ": read as Latin-1 (Windows-1252), since line 2 is not UTF-8\n"
	if err := command.Run(); err != nil || stderr.String() != want {
		t.Errorf("%v, %q", err, stderr.String())
	}
}

// TestACorrectedReportIsImportedByTheSameCommand imports a file, corrects the report, and runs the
// same command with the report as the file.
func TestACorrectedReportIsImportedByTheSameCommand(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		newUser(t, address, "ann")
		db := testkit.Open(t, address)
		for name, test := range map[string]struct {
			content string
			flags   []string
		}{
			"a header":            {"E-mail Address,twitter (@handle),Age\na@example.org,@a,5\nbroken b@example.org,@b,6\nc@example.org,@c,x\n", nil},
			"a named separator":   {"\ufeffsep=;\r\nMAIL;\"a,\r\nb\";Age\r\na@example.org;\"1,\r\n2\";5\r\nbroken b@example.org;\"3,\r\n4\";6\r\nc@example.org;;x\r\n", nil},
			"columns by name":     {"Wer;x;Alter\na@example.org;x;5\nbroken b@example.org;K\xf6ln, x, y, z;6\nc@example.org;;x\n", []string{"--map", "wer=Emailadresse", "--map", "Alter=AGE", "--encoding", "latin-1"}},
			"columns by number":   {"x,Age,Email\nx,5,a@example.org\nx,6,broken b@example.org\nx,x,c@example.org\n", []string{"--map", "3=email", "--map", "2=Age"}},
			"no header":           {"x,6,broken b@example.org\nx,5,a@example.org\nx,x,c@example.org\n", []string{"--map", "3=email", "--map", "2=Age"}},
			"no header, as given": {"x|6|broken b@example.org\nx|5|a@example.org\nx|x|c@example.org\n", []string{"--map", "3=email", "--map", "2=Age", "--no-header"}},
			"a report that is given": {
				"Email,Age\na@example.org,5\nbroken b@example.org,6\nc@example.org,x\n",
				[]string{"--report", filepath.Join(t.TempDir(), "given.csv")},
			},
		} {
			list, age := newListNamed(t, db, name)
			path := filepath.Join(t.TempDir(), "people.csv")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			report := strings.TrimSuffix(path, ".csv") + ".rejected.csv"
			if i := slices.Index(test.flags, "--report"); i >= 0 {
				report = test.flags[i+1]
			}
			run := func(path, want string) string {
				var stderr bytes.Buffer
				command := importing(t, address, path, list)
				command.Args, command.Stderr = append(command.Args, test.flags...), &stderr
				if out, err := command.Output(); err != nil || string(out) != want {
					t.Errorf("%s: %v, %q, want %q, %s", name, err, out, want, stderr.Bytes())
				}
				return stderr.String()
			}
			said := run(path, "3 rows: 1 added, 0 updated, 0 on the list already, 0 have left, 2 rejected\n")
			if want := "rejected rows are in " + report + ": correct them there and import it with the same flags\n"; said != want {
				t.Errorf("%s: %q, want %q", name, said, want)
			}
			text, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			// The third person's age is 7. The x of other columns is no number either.
			fix := strings.NewReplacer(
				"broken ", "", "@c,x,", "@c,7,", ";;x;", ";;7;", "x,x,c@", "x,7,c@", "x|x|c@", "x|7|c@", "c@example.org,x,", "c@example.org,7,",
			)
			if err := os.WriteFile(report, []byte(fix.Replace(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			if said := run(report, "2 rows: 2 added, 0 updated, 0 on the list already, 0 have left, 0 rejected\n"); said != "" {
				t.Errorf("%s: %q", name, said)
			}
			if got, want := peopleOf(t, db, list, age), "a@example.org 5, b@example.org 6, c@example.org 7"; got != want {
				t.Errorf("%s: %q, want %q; the report was\n%s", name, got, want, text)
			}
		}
	})
}

// peopleOf returns the people of a list with the values of a number field, sorted by address.
func peopleOf(t *testing.T, db *store.Store, list, field int64) string {
	t.Helper()
	const statement = `SELECT s.email, v.number FROM field_values v
		JOIN subscribers s ON s.id = v.subscriber_id WHERE s.list_id = ? AND v.custom_field_id = ? ORDER BY s.email`
	rows, err := db.Pools()[0].QueryContext(t.Context(), statement, list, field)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var people []string
	for rows.Next() {
		var email string
		var number float64
		if err := rows.Scan(&email, &number); err != nil {
			t.Fatal(err)
		}
		people = append(people, fmt.Sprintf("%s %.0f", email, number))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(people, ", ")
}
