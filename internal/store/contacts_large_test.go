package store_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// largeVariable is the number of subscribers of TestALargeDatabaseBecomesContacts, which has five
// times as many events. Without it the test is skipped. .ci/long sets it.
const largeVariable = "CAMPAIGNQL_TEST_LARGE"

// childLarge makes the child process migrate with batches of full size and print each point.
const childLarge = "CAMPAIGNQL_TEST_CHILD_LARGE"

func migrateLarge(address string) int {
	db, err := store.Open(context.Background(), address, store.Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer db.Close()
	db.OnStep(func(point, step string) error {
		fmt.Println(point, step)
		return nil
	})
	if _, err := db.Migrate(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// largePeople is a database of the version before contacts that is written without being kept in
// memory. A third of its persons are on two lists, every fiftieth has an address with an IDN, and
// some of these are twice on one list. Every hundredth subscriber is gone.
type largePeople struct {
	subscribers, persons int64
	// contacts, merged and gone are the numbers of rows that the migration makes.
	contacts, merged, gone int
}

const largeCampaigns = 100

// person returns the person of a subscriber, and whether it is the first subscription.
func (p *largePeople) person(id int64) (person int64, first bool) {
	if id <= p.persons {
		return id - 1, true
	}
	return (id - p.persons - 1) * 3, false
}

func (p *largePeople) isGone(id int64) bool { return id%100 == 99 }

// isTwice reports whether the second subscription of a person is on the list of the first one.
func (p *largePeople) isTwice(person int64) bool { return person%300 == 0 }

func (p *largePeople) row(id int64) string {
	person, first := p.person(id)
	list := person%3 + 1
	if !first && !p.isTwice(person) {
		list = 2
	}
	domain := fmt.Sprintf("d%d.example", person%1000)
	if person%50 == 0 {
		domain = "bücher.example"
		if first {
			domain = "xn--bcher-kva.example"
		}
	}
	bounce := "none"
	if id%97 == 0 {
		bounce = "hard"
	} else if id%31 == 0 {
		bounce = "soft"
	}
	email := fmt.Sprintf("person-%d@%s", person, domain)
	at := peopleBegin.Add(time.Duration(id) * time.Second).Format("2006-01-02 15:04:05.000000")
	return fmt.Sprintf("(%d, 1, %d, '%s', '%s', '%s', '%s', '%s', '%s')", id, list, email, email, domain, bounce, at, at)
}

// bulk writes rows in statements of many.
func bulk(t *testing.T, db *store.Store, begin string, rows func(yield func(string) bool)) {
	t.Helper()
	tx, err := db.Pools()[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	flush := func() {
		if text.Len() == 0 {
			return
		}
		if _, err := tx.ExecContext(t.Context(), begin+text.String()); err != nil {
			t.Fatal(err)
		}
		text.Reset()
	}
	for row := range rows {
		if text.Len() > 0 {
			text.WriteString(", ")
		}
		if text.WriteString(row); text.Len() > 1<<20 {
			flush()
		}
	}
	flush()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func (p *largePeople) write(t *testing.T, db *landed) {
	t.Helper()
	add := db.dropIndexes(t, "events")
	bulk(t, db.Store, "INSERT INTO subscribers (id, user_id, list_id, email, email_key, domain, bounce, subscribed_at, "+
		"created_at) VALUES ", func(yield func(string) bool) {
		for id := int64(1); id <= p.subscribers; id++ {
			if !p.isGone(id) && !yield(p.row(id)) {
				return
			}
		}
	})
	bulk(t, db.Store, "INSERT INTO campaigns (id, user_id, name, name_key, approval_explanation, "+
		"google_analytics_domains, audience, audience_source, ab_test, last_activity_at, created_at) VALUES ",
		func(yield func(string) bool) {
			for id := range largeCampaigns {
				if !yield(fmt.Sprintf("(%d, 1, '', '', '', '', '', '', '', '2026-01-01', '2026-01-01')", id+1)) {
					return
				}
			}
		})
	gone := map[int64]bool{}
	for campaign := range int64(largeCampaigns) {
		rows := make([]string, p.subscribers*5/largeCampaigns)
		for i := range rows {
			digest := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(campaign)<<32+uint64(i)))
			id := int64(binary.BigEndian.Uint64(digest[:])>>1)%p.subscribers + 1
			if p.isGone(id) {
				gone[id] = true
			}
			kind := []string{"sent", "delivered", "opened", "clicked"}[i%4]
			rows[i] = fmt.Sprintf("('%d-%s', 1, %d, %d, '%s', '2026-11-%02d 08:00:00.%06d', '198.51.100.7', "+
				"'Mozilla/5.0 (X11; Linux x86_64; rv:140.0)', 'd%d.example')", campaign+1, hex.EncodeToString(digest[8:24]),
				campaign+1, id, kind, i%30+1, i%1_000_000, id%1000)
		}
		slices.Sort(rows)
		bulk(t, db.Store, "INSERT INTO events (id, user_id, campaign_id, subscriber_id, kind, at, ip, user_agent, domain) "+
			"VALUES ", slices.Values(rows))
	}
	p.gone = len(gone)
	for _, statement := range add {
		must(t, db.Pools()[0], statement)
	}
	for person := range p.persons {
		first, second := !p.isGone(person+1), person%3 == 0 && !p.isGone(p.persons+1+person/3)
		if first || second {
			p.contacts++
		}
		if first && second && p.isTwice(person) {
			p.merged++
		}
	}
}

// dropIndexes drops the indexes of a table, which would slow down the inserts, and returns the
// statements that make them.
func (l *landed) dropIndexes(t *testing.T, table string) (add []string) {
	t.Helper()
	if l.Dialect() == dialect.SQLite {
		add = l.texts(t, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type = 'index' AND tbl_name = '"+table+"'")
		for _, name := range l.texts(t, "SELECT name FROM sqlite_master WHERE sql IS NOT NULL AND type = 'index' "+
			"AND tbl_name = '"+table+"'") {
			must(t, l.Pools()[0], "DROP INDEX "+name)
		}
		return add
	}
	shown := l.texts(t, "SHOW CREATE TABLE "+table)[0]
	var drops, adds []string
	for _, m := range regexp.MustCompile("(?m)^ +KEY `(\\w+)` (.*?),?$").FindAllStringSubmatch(shown, -1) {
		drops, adds = append(drops, "DROP INDEX `"+m[1]+"`"), append(adds, fmt.Sprintf("ADD INDEX `%s` %s", m[1], m[2]))
	}
	must(t, l.Pools()[0], "ALTER TABLE "+table+" "+strings.Join(drops, ", "))
	return []string{"ALTER TABLE " + table + " " + strings.Join(adds, ", ")}
}

// largeRun is what is known of the child processes of one database.
type largeRun struct {
	took, last time.Duration
	peak       int // kB
	steps      map[string]time.Duration
}

// start migrates in a child. It kills the child the given time after the n-th time at a point, if
// that is not empty. It reports whether the child ended by itself.
func (r *largeRun) start(t *testing.T, address, at string, n int, wait time.Duration) bool {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childAddress+"="+address, childLarge+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	killed, step, begun := false, "", since
	lines := bufio.NewScanner(out)
	var last string
	for lines.Scan() {
		last = lines.Text()
		point, of, _ := strings.Cut(last, " ")
		if step != of {
			r.steps[step] += time.Since(begun)
			step, begun = of, time.Now()
		}
		r.peak = max(r.peak, peakOf(child.Process.Pid))
		if point+" "+of == at && !killed {
			if n--; n <= 0 {
				killed = true
				time.AfterFunc(wait, func() { _ = child.Process.Kill() })
			}
		}
	}
	r.steps[step] += time.Since(begun)
	err = child.Wait()
	r.last = time.Since(since)
	r.took += r.last
	if err != nil && !killed {
		t.Fatalf("the migration ended with %v: %s", err, last)
	}
	return err == nil
}

func peakOf(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	n, _ := strconv.Atoi(strings.TrimSpace(line))
	return n
}

// TestALargeDatabaseBecomesContacts kills the migration of a large database in a data step, in
// another one, and in the statement that rebuilds the events, and prints the time and the memory.
func TestALargeDatabaseBecomesContacts(t *testing.T) {
	n, _ := strconv.ParseInt(os.Getenv(largeVariable), 10, 64)
	if n == 0 {
		t.Skip(largeVariable + " is not set")
	}
	for _, engine := range testkit.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			address := engine.Fresh(t)
			db := openLanded(t, address)
			for _, v := range db.versions {
				if v <= beforeContacts {
					db.apply(t, v)
				}
			}
			p := &largePeople{subscribers: n, persons: n / 4 * 3}
			since := time.Now()
			p.write(t, db)
			t.Logf("%d subscribers and %d events were written in %s", n, n*5, time.Since(since).Round(time.Second))
			batches := int(n / 5000)
			kills := []struct {
				at string
				n  int
			}{
				{"portion 20261130061451/7", batches / 2}, {"portion 20261130061451/16", batches * 3},
				{"before 20261130061451/18", 1},
			}
			if db.Dialect() == dialect.SQLite {
				kills[0].at, kills[1].at, kills[1].n = "portion 20261130061451/11", "before 20261130061451/18", 1
				kills[2].at = "before 20261130061451/20"
			}
			run := &largeRun{steps: map[string]time.Duration{}}
			for _, kill := range kills {
				if run.start(t, address, kill.at, kill.n, 200*time.Millisecond) {
					t.Errorf("the migration was not killed after %s", kill.at)
				}
				if db.Dialect() == dialect.MySQL { // otherwise the lease lasts 30 s
					must(t, db.Pools()[0], "UPDATE migration_lease SET until = 0")
				}
			}
			if !run.start(t, address, "", 0, 0) {
				t.Fatal("the migration did not end")
			}
			t.Logf("4 starts took %s, the last %s, at most %d MB", run.took.Round(time.Second),
				run.last.Round(time.Second), run.peak>>10)
			for _, step := range slices.SortedFunc(maps.Keys(run.steps), func(a, b string) int {
				return int(run.steps[b] - run.steps[a])
			}) {
				if took := run.steps[step]; took > time.Second {
					t.Logf("  %s %s", step, took.Round(time.Second/10))
				}
			}
			p.check(t, address)
		})
	}
}

func (p *largePeople) check(t *testing.T, address string) {
	t.Helper()
	patient, err := store.Open(t.Context(), address, store.Options{StatementTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer patient.Close()
	db := &landed{Store: patient}
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM contacts WHERE email_key IS NOT NULL": p.contacts,
		"SELECT COUNT(*) FROM contacts WHERE email_key IS NULL":     p.gone,
		"SELECT COUNT(*) FROM merged_subscribers":                   p.merged,
		"SELECT COUNT(*) FROM migration_findings":                   p.merged,
		"SELECT COUNT(*) FROM subscribers":                          int(p.subscribers-p.subscribers/100) - p.merged,
		"SELECT COUNT(*) FROM events":                               int(p.subscribers * 5),
		"SELECT COUNT(*) FROM subscribers AS s JOIN contacts AS c ON c.id = s.contact_id AND s.bounce = " +
			"c.deliverability AND s.email_key = c.email_key": int(p.subscribers-p.subscribers/100) - p.merged,
		"SELECT COUNT(*) FROM events AS e JOIN subscribers AS s ON s.id = e.subscriber_id " +
			"AND s.contact_id <> e.contact_id": 0,
		"SELECT COUNT(*) FROM events AS e JOIN merged_subscribers AS m ON m.id = e.subscriber_id": 0,
		"SELECT COUNT(*) FROM pending_recounts":                                                   largeCampaigns + 1, // and the contacts
	} {
		if got := db.texts(t, query)[0]; got != strconv.Itoa(want) {
			t.Errorf("%s is %s, want %d", query, got, want)
		}
	}
}
