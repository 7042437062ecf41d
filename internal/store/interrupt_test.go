package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/go-cmp/cmp"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// sampled are the versions that the tests start from if there is no time for all of them. All later
// migrations follow the first; the migration with a data step follows the second.
var sampled = []int64{20261123233802, 20261125211107}

// stepwise returns the engines for tests that migrate one step after the other, in one goroutine. The
// short form, for the race detector, leaves SQLite to the run without it.
func stepwise() []testkit.Engine {
	engines := testkit.Engines()
	if testing.Short() && len(engines) > 1 && engines[0].Name == "sqlite" {
		return engines[1:]
	}
	return engines
}

// eachLanded runs test on every engine of stepwise with a database of each released version, beginning with the
// empty one, and with the state that an uninterrupted migration by the released runners produces.
// sample is the only version that runs without testkit.LongVariable.
func eachLanded(t *testing.T, sample int64, test func(t *testing.T, db *landed, from int64, want state)) {
	t.Helper()
	for _, engine := range stepwise() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			versions := openLanded(t, "sqlite::memory:").versions
			for i := range versions {
				from := append([]int64{0}, versions...)[i]
				if !testkit.Long() && from != sample {
					continue
				}
				t.Run(fmt.Sprint(from), func(t *testing.T) {
					t.Parallel()
					want := reference(t, engine, from)
					test(t, openLanded(t, engine.Fresh(t)).upTo(t, from), from, want)
				})
			}
		})
	}
}

// references caches the states that uninterrupted migrations produce.
var references = struct {
	sync.Mutex
	states map[string]state
}{states: map[string]state{}}

// reference returns the state that the released runners produce from the database of a released
// version.
func reference(t *testing.T, engine testkit.Engine, from int64) state {
	t.Helper()
	references.Lock()
	defer references.Unlock()
	key := fmt.Sprint(engine.Name, " ", from)
	if known, ok := references.states[key]; ok {
		return known
	}
	db := openLanded(t, engine.Fresh(t)).upTo(t, from)
	db.finish(t, from)
	references.states[key] = db.state(t)
	return references.states[key]
}

// mustEqual compares a migrated database with the expected state.
func (l *landed) mustEqual(t *testing.T, want state) {
	t.Helper()
	got := l.state(t)
	if diff := cmp.Diff(strings.Split(want.catalogue, "\n"), strings.Split(got.catalogue, "\n")); diff != "" {
		t.Errorf("the schema differs from an uninterrupted migration: %s", diff)
	}
	if diff := cmp.Diff(strings.Split(want.contents, "\n"), strings.Split(got.contents, "\n")); diff != "" {
		t.Errorf("the rows differ from an uninterrupted migration: %s", diff)
	}
	drift, err := l.Drift(t.Context())
	if err != nil || len(drift) > 0 {
		t.Errorf("the schema differs from the declared one: %v, %v", drift, err)
	}
	if l.Dialect() == dialect.MySQL {
		if held := l.texts(t, "SELECT owner FROM migration_lease WHERE owner <> ''"); len(held) > 0 {
			t.Errorf("the lease is held by %v", held)
		}
	}
}

// interruptions decides at which points a migration is interrupted: at each point a limited number
// of times, so that each start gets further than the previous one.
type interruptions struct {
	seen map[string]int
	// batches reports whether a step has batches.
	batches func(step string) bool
}

// next reports whether to interrupt at a point: three times in a step with batches, once elsewhere.
func (i *interruptions) next(point, step string) bool {
	key := point + " " + step
	most := 1
	if i.batches != nil && i.batches(step) && point != "before" && point != "recorded" {
		most = 3
	}
	if i.seen[key] >= most {
		return false
	}
	i.seen[key]++
	return true
}

// steps counts the statements of the migrations after a version.
func (l *landed) steps(t *testing.T, from int64) int {
	t.Helper()
	statements, err := store.Statements(os.DirFS(l.folder))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for version, list := range statements {
		if version > from {
			n += len(list)
		}
	}
	return n
}

var errInterrupted = errors.New("interrupted")

// TestAMigrationInterruptedAnywhereIsFinished interrupts the migration before each statement,
// between each statement and its record, and after the record, and restarts it each time.
func TestAMigrationInterruptedAnywhereIsFinished(t *testing.T) {
	t.Parallel()
	eachLanded(t, sampled[0], func(t *testing.T, db *landed, from int64, want state) {
		points := &interruptions{map[string]int{}, db.IsDataStep}
		db.SmallPortions()
		db.OnStep(func(point, step string) error {
			if points.next(point, step) {
				return errInterrupted
			}
			return nil
		})
		starts := 0
		for {
			_, err := db.Migrate(t.Context())
			if err == nil {
				break
			}
			if !errors.Is(err, errInterrupted) {
				t.Fatalf("after %d interruptions: %v", starts, err)
			}
			starts++
		}
		least := 2 * db.steps(t, from) // the points "before" and "done"
		if db.Dialect() == dialect.MySQL {
			least = 3 * db.steps(t, from)
		}
		if starts < least {
			t.Errorf("the migration was interrupted %d times, there are %d points", starts, least)
		}
		db.mustEqual(t, want)
	})
}

// TestADatabaseThatAReleasedBuildLeftHalfMigratedIsFinished runs the first statements of the next
// migration and records nothing. goose left a MySQL database in this state when it was killed.
func TestADatabaseThatAReleasedBuildLeftHalfMigratedIsFinished(t *testing.T) {
	t.Parallel()
	statements, err := store.Statements(os.DirFS("migrations/mysql"))
	if err != nil {
		t.Fatal(err)
	}
	versions := openLanded(t, "sqlite::memory:").versions
	for _, engine := range testkit.Engines() {
		if engine.Name == "sqlite" {
			continue // on SQLite each migration is one transaction
		}
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			for i, version := range versions {
				if version > lastByGoose {
					break // later versions are recorded by statement
				}
				from := append([]int64{0}, versions...)[i]
				list := statements[version]
				for done := 1; done <= len(list); done++ {
					if !testkit.Long() && (i > 2 || done != max(1, len(list)-1)) {
						continue
					}
					t.Run(fmt.Sprintf("%d/%d", version, done), func(t *testing.T) {
						t.Parallel()
						want := reference(t, engine, from)
						db := openLanded(t, engine.Fresh(t)).upTo(t, from)
						if from == 0 { // goose creates its table first
							if _, err := db.goose.GetDBVersion(t.Context()); err != nil {
								t.Fatal(err)
							}
						}
						for _, text := range list[:done] {
							if _, err := db.Pools()[0].ExecContext(t.Context(), text); err != nil {
								t.Fatal(err)
							}
						}
						if _, err := db.goose.Up(t.Context()); err == nil {
							t.Fatal("the released runner goes on with this database: it is not what it leaves")
						}
						if _, err := db.Migrate(t.Context()); err != nil {
							t.Fatal(err)
						}
						db.mustEqual(t, want)
					})
				}
			}
		})
	}
}

// The environment variables of a child process that migrates and is killed.
const (
	childAddress = "CAMPAIGNQL_TEST_CHILD_ADDRESS"
	childSeen    = "CAMPAIGNQL_TEST_CHILD_SEEN"
	childSignal  = "CAMPAIGNQL_TEST_CHILD_SIGNAL"
	childPoints  = "CAMPAIGNQL_TEST_CHILD_POINTS"
)

// childStopped is the exit status of a child whose migration was stopped by SIGTERM.
const childStopped = 3

func TestMain(m *testing.M) {
	if address := os.Getenv(childAddress); address != "" {
		if os.Getenv(childLarge) != "" {
			os.Exit(migrateLarge(address))
		}
		os.Exit(migrateInChild(address))
	}
	os.Exit(m.Run())
}

// migrateInChild migrates the database. At the first point that no earlier child reached, it sends
// the signal to itself.
func migrateInChild(address string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer db.Close()
	points := &interruptions{map[string]int{}, db.IsDataStep}
	file := os.Getenv(childSeen)
	seen, _ := os.ReadFile(file)
	for line := range strings.Lines(string(seen)) {
		points.seen[strings.TrimSpace(line)]++
	}
	db.SmallPortions()
	sent := false
	db.OnStep(func(point, step string) error {
		if sent || !strings.Contains(os.Getenv(childPoints), point) || !points.next(point, step) {
			return nil
		}
		sent = true
		if err := os.WriteFile(file, append(seen, (point+" "+step+"\n")...), 0o600); err != nil {
			return err
		}
		if os.Getenv(childSignal) == "KILL" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-ctx.Done()
		return nil
	})
	if _, err := db.Migrate(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if sent && ctx.Err() != nil {
			return childStopped
		}
		return 1
	}
	return 0
}

// TestAProcessKilledInAMigrationLeavesADatabaseThatIsFinished kills real processes: by SIGKILL,
// after which the lease must expire, and by SIGTERM, after which the process must release the
// lease.
func TestAProcessKilledInAMigrationLeavesADatabaseThatIsFinished(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"KILL", "TERM"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachLanded(t, sampled[1], func(t *testing.T, db *landed, from int64, want state) {
				points := "before done portion recorded"
				if !testkit.Long() {
					points = "done"
				}
				killed := 0
				seen := filepath.Join(t.TempDir(), "seen")
				for {
					child := exec.Command(os.Args[0])
					child.Env = append(os.Environ(), childAddress+"="+db.address, childSeen+"="+seen,
						childSignal+"="+name, childPoints+"="+points)
					out, err := child.CombinedOutput()
					if err == nil {
						break
					}
					db.mustHaveDied(t, name, child, string(out))
					killed++
				}
				if least := db.steps(t, from); name == "KILL" && killed < least {
					t.Errorf("%d processes were killed, there are %d statements", killed, least)
				} else if killed == 0 && from != db.versions[len(db.versions)-2] { // on SQLite the last migration ends in time
					t.Error("no process was stopped")
				}
				db.mustEqual(t, want)
			})
		})
	}
}

// mustHaveDied checks that a child was ended by its signal. If the child was killed, mustHaveDied
// also ends the lease, which would otherwise expire after 30 s.
func (l *landed) mustHaveDied(t *testing.T, name string, child *exec.Cmd, out string) {
	t.Helper()
	status := child.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case name == "KILL" && status.Signaled() && status.Signal() == syscall.SIGKILL:
	case name == "TERM" && status.ExitStatus() == childStopped && strings.Contains(out, "the next start goes on"):
	default:
		t.Fatalf("the process ended with %v: %s", child.ProcessState, out)
	}
	if l.Dialect() != dialect.MySQL {
		return
	}
	held := l.texts(t, "SELECT owner FROM migration_lease WHERE owner <> ''")
	if (len(held) > 0) != (name == "KILL") {
		t.Fatalf("after SIG%s the lease is held by %v", name, held)
	}
	if _, err := l.Pools()[0].Exec("UPDATE migration_lease SET until = 0"); err != nil {
		t.Fatal(err)
	}
}
