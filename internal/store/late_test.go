package store_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// The statements of the contacts migration of MySQL after which no late row is accepted any more.
const (
	subscribersDone = "20261130061451/11"
	eventsDone      = "20261130061451/18"
)

// eachServer runs test on every server with a database of the version before contacts.
func eachServer(t *testing.T, test func(t *testing.T, db *landed)) {
	t.Helper()
	for _, engine := range testkit.Engines() {
		if engine.Name == "sqlite" {
			continue // on SQLite each migration is one transaction
		}
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			db := openLanded(t, engine.Fresh(t)).upTo(t, beforeContacts)
			db.SmallPortions()
			test(t, db)
		})
	}
}

// exec runs statements as an old server does meanwhile.
func (l *landed) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := l.Pools()[0].ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}

func lateSubscriber(id, list int, email, bounce string) string {
	return fmt.Sprintf("INSERT INTO subscribers (id, user_id, list_id, email, email_key, status, bounce, "+
		"subscription_ip, created_at) VALUES (%d, 1, %d, '%s', '%s', 'subscribed', '%s', '', '2026-11-29 10:00:00')",
		id, list, email, strings.ToLower(email), bounce)
}

func lateEvent(id string, campaign, subscriber int) string {
	return fmt.Sprintf("INSERT INTO events (id, user_id, campaign_id, subscriber_id, kind, at) "+
		"VALUES ('%s', 1, %d, %d, 'opened', '2026-11-29 10:00:00')", id, campaign, subscriber)
}

// finishes migrates, and compares the schema with the declared one.
func (l *landed) finishes(t *testing.T) {
	t.Helper()
	l.OnStep(func(string, string) error { return nil })
	if _, err := l.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if drift, err := l.Drift(t.Context()); err != nil || len(drift) > 0 {
		t.Errorf("%v, %v", drift, err)
	}
}

// TestRowsThatAnOldServerAddsBehindTheMigrationGetContacts adds rows after all batches are done.
func TestRowsThatAnOldServerAddsBehindTheMigrationGetContacts(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, db *landed) {
		db.OnStep(func(point, step string) error {
			switch {
			case point == "before" && step == subscribersDone:
				db.exec(t,
					lateSubscriber(501, 1, "New@Late.example", "none"), lateSubscriber(502, 2, "new@late.example", "hard"),
					lateSubscriber(503, 2, "new@LATE.example", "none"), // its unique index is not there
					lateSubscriber(504, 1, "zoe@xn--bcher-kva.example", "hard"), lateSubscriber(505, 1, "no address", "none"),
				)
			case point == "before" && step == eventsDone:
				db.exec(t, lateEvent("1-late1", 1, 501), lateEvent("1-late2", 1, 504), lateEvent("1-late3", 1, 998),
					lateEvent("3-late4", 3, 996), lateEvent("3-late5", 3, 996))
			}
			return nil
		})
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.finishes(t)
		for query, want := range map[string][]string{
			"SELECT s.id, s.list_id, s.email_key, c.email_key, s.bounce, c.deliverability FROM subscribers AS s " +
				"JOIN contacts AS c ON c.id = s.contact_id WHERE s.id IN (13, 501, 502, 503, 504, 505) ORDER BY s.id": {
				"13 | 1 | zoe@xn--bcher-kva.example | zoe@xn--bcher-kva.example | hard | hard",
				"501 | 1 | new@late.example | new@late.example | hard | hard",
				"502 | 2 | new@late.example | new@late.example | hard | hard",
				"505 | 1 | no address | no address | invalid | invalid",
			},
			"SELECT id, subscriber_id FROM merged_subscribers WHERE id > 500 ORDER BY id": {"503 | 502", "504 | 13"},
			"SELECT kind, target_id FROM migration_findings WHERE target_id > 500 AND target_id < 996 ORDER BY target_id": {
				"merged | 503", "merged | 504", "invalid_address | 505",
			},
			"SELECT e.id, e.subscriber_id, COALESCE(c.email_key, 'gone') FROM events AS e JOIN contacts AS c " +
				"ON c.id = e.contact_id WHERE e.id LIKE '%late%' ORDER BY e.id": {
				"1-late1 | 501 | new@late.example", "1-late2 | 13 | zoe@xn--bcher-kva.example", "1-late3 | 998 | gone",
				"3-late4 | 996 | gone", "3-late5 | 996 | gone",
			},
			"SELECT subscriber_id, COUNT(DISTINCT contact_id) FROM events WHERE subscriber_id IN (996, 998) " +
				"GROUP BY subscriber_id ORDER BY subscriber_id": {"996 | 1", "998 | 1"},
			"SELECT id FROM pending_recounts WHERE id IN (1, 3)": {"1", "3"},
			"SELECT id FROM pending_recounts WHERE id = " + fmt.Sprint(int64(store.PendingContacts)): {
				fmt.Sprint(int64(store.PendingContacts)),
			},
		} {
			if diff := cmp.Diff(want, db.texts(t, query)); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
	})
}

// TestAMigrationThatLateRowsStopGoesOnAtTheNextStart adds a row in the moment between the search for
// late rows and the change of the table.
func TestAMigrationThatLateRowsStopGoesOnAtTheNextStart(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, db *landed) {
		db.stoppedBy(t, subscribersDone, lateSubscriber(501, 1, "new@late.example", "none"))
		db.stoppedBy(t, eventsDone, lateEvent("1-late", 1, 501))
		db.finishes(t)
		got := db.texts(t, "SELECT e.subscriber_id, c.email_key FROM events AS e JOIN contacts AS c ON c.id = e.contact_id "+
			"JOIN subscribers AS s ON s.contact_id = c.id WHERE e.id = '1-late'")
		if diff := cmp.Diff([]string{"501 | new@late.example"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// stoppedBy migrates, and adds a row just before a table is changed.
func (l *landed) stoppedBy(t *testing.T, step, row string) {
	t.Helper()
	l.OnStep(func(point, at string) error {
		if point == "portion" && at == step {
			l.exec(t, row)
		}
		return nil
	})
	_, err := l.Migrate(t.Context())
	if err == nil || !strings.Contains(err.Error(), "a server of an earlier release seems to write") {
		t.Fatalf("a late row did not stop statement %s: %v", step, err)
	}
}

// TestLateRowsGetTheStatementsOfTheFile compares them, because they are written twice.
func TestLateRowsGetTheStatementsOfTheFile(t *testing.T) {
	t.Parallel()
	statements, err := store.Statements(os.DirFS("migrations/mysql"))
	if err != nil {
		t.Fatal(err)
	}
	for number, text := range store.MissedStatements {
		if want := statements[store.ContactsVersion][number-1]; text != want {
			t.Errorf("statement %d is %s, not %s", number, want, text)
		}
	}
}
