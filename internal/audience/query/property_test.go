package query_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// Random audiences per engine, with the default number of checks. MySQL spends most of the test on
// planning their statements.
const trees, treesOfLong = 2000, 5000

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestTheDatabaseReachesWhomTheRefereeReaches(t *testing.T) {
	t.Parallel()
	checks := 100
	if f := flag.Lookup("rapid.checks"); f != nil {
		checks, _ = strconv.Atoi(f.Value.String())
	}
	each := trees / 100
	if testkit.Long() {
		each = treesOfLong / 100
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		var asked, somebody atomic.Int64
		rapid.Check(t, func(rt *rapid.T) {
			w := drawWorld(rt)
			w.found(t, db)
			w.write(t, db)
			for range 4 {
				list := rapid.IntRange(0, w.listCount-1).Draw(rt, "list of the segment")
				w.segment(t, db, list, drawGroup(rt, w, list, len(w.segmentIDs)))
			}
			agreeOnSegment(rt, w, db, 3)
			for i := range each {
				a := reread(rt, drawAudience(rt, w))
				asked.Add(1)
				if len(newReferee(w).reached(a)) > 0 {
					somebody.Add(1)
				}
				// Two of three audiences compare only the number, which needs one statement.
				if i%3 > 0 {
					agreeOnNumber(rt, w, a)
					continue
				}
				agree(rt, w, a, i%12 == 0)
			}
		})
		t.Logf("%d audiences, %d of them reach somebody", asked.Load(), somebody.Load())
		if want := int64(checks * each); !t.Failed() && (asked.Load() < want || somebody.Load() < want/4) {
			t.Errorf(
				"%d audiences were asked about and %d reach somebody, want %d and a quarter of them", asked.Load(),
				somebody.Load(), want,
			)
		}
	})
}

// asker is a test or one check of a property.
type asker interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// reread returns an audience after encoding and parsing.
func reread(t asker, a rules.Audience) rules.Audience {
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	read, err := rules.ParseRules(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return read
}

// agreeOnNumber compares the number of people that the service and the referee reach.
func agreeOnNumber(t asker, w *world, a rules.Audience) {
	n, err := w.service.Count(w.ctx, query.Target{Audience: a, At: present})
	if want := len(newReferee(w).reached(a)); err != nil || n != int64(want) {
		text, _ := json.MarshalIndent(a, "", " ")
		t.Fatalf("%d people, %v, want %d, of %s", n, err, want, text)
	}
}

// agree compares the results of the service and of the referee for an audience.
func agree(t asker, w *world, a rules.Audience, wholly bool) {
	referee, target := newReferee(w), query.Target{Audience: a, At: present}
	fail := func(what, difference string) {
		if difference != "" {
			text, _ := json.MarshalIndent(a, "", " ")
			t.Fatalf("%s (-referee +database):\n%s\nof %s", what, difference, text)
		}
	}
	var want []query.Recipient
	for _, p := range referee.reached(a) {
		want = append(want, query.Recipient{
			ContactID: p.contact, SubscriberID: p.id, ListID: w.lists[p.list], Email: p.email,
		})
	}
	fail("recipients", cmp.Diff(want, resolve(t, w, target, 0)))
	n, err := w.service.Count(w.ctx, target)
	fail("count", cmp.Diff(int64(len(want)), n))
	if err != nil {
		t.Fatal(err)
	}
	if !wholly {
		return
	}
	waterfall, err := w.service.Waterfall(w.ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	fail("waterfall", cmp.Diff(referee.waterfall(a), waterfall))
	explanation, err := w.service.Explain(w.ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	fail("explanation", cmp.Diff(referee.explain(a), explanation))
	preview, err := w.service.Preview(w.ctx, target, 3)
	if err != nil {
		t.Fatal(err)
	}
	fail("preview", cmp.Diff(want[:min(3, len(want))], preview[:len(preview):len(preview)], nilIsEmpty))
	if len(want) > 0 {
		middle := want[len(want)/2].SubscriberID
		rest := slices.DeleteFunc(slices.Clone(want), func(r query.Recipient) bool { return r.SubscriberID <= middle })
		fail("resumed", cmp.Diff(rest, resolve(t, w, target, middle), nilIsEmpty))
	}
}

var nilIsEmpty = cmp.Transformer("people", func(r []query.Recipient) map[int]query.Recipient {
	out := map[int]query.Recipient{}
	for i, one := range r {
		out[i] = one
	}
	return out
})

func resolve(t asker, w *world, target query.Target, after int64) []query.Recipient {
	var all []query.Recipient
	err := w.service.Resolve(w.ctx, target, after, func(some []query.Recipient) error {
		if len(some) == 0 {
			return errors.New("an empty batch")
		}
		all = append(all, some...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// crowd is the number of people per engine, and questions the number of audiences.
const (
	crowd     = 3000
	questions = 40
)

// Databases evaluate a large population with other plans than a few people. Those plans must be
// correct too.
func TestTheDatabaseReachesWhomTheRefereeReachesInACrowd(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := &world{zone: "Europe/Berlin", listCount: 3, fields: fieldsDrawn}
		for i := range crowd {
			w.people = append(w.people, rapid.Custom(func(t *rapid.T) *person {
				// Each address is on one to three lists.
				return drawPerson(
					t, i%3, fmt.Sprintf("user%d@example.%s", i/3+i%3*i%2, []string{"net", "com"}[i%2]), 14,
				)
			}).Example(i))
		}
		w.suppressed = []string{"user1@example.net", "user2@example.com", "user10@example.net"}
		w.found(t, db)
		w.write(t, db)
		analyze(t, w, db)
		for i := range questions {
			agree(
				t, w, reread(t, rapid.Custom(func(t *rapid.T) rules.Audience { return drawAudience(t, w) }).Example(i)),
				i%8 < 2,
			)
		}
	})
}

// A person who opened campaigns often and never clicked must be reached once. Without a hint MySQL
// 9 returns this person once per opening.
func TestWhoeverOpenedOftenIsReachedOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := &world{zone: "UTC", listCount: 1}
		for i := range crowd {
			p := &person{
				email: fmt.Sprintf("user%d@example.net", i), status: kind.SubscriberSubscribed, bounce: kind.BounceNone,
			}
			p.key = p.email
			for n := range 10 {
				happened := func(every int, what kind.EventKind) {
					if (i+n)%every == 0 {
						p.events = append(
							p.events,
							happening{campaign: n % campaignCount, kind: what, at: present.AddDate(0, 0, -(i*7+n)%60)},
						)
					}
				}
				happened(3, kind.EventOpened)
				happened(11, kind.EventClicked)
				happened(1, kind.EventDelivered)
			}
			w.people = append(w.people, p)
			if i%200 == 0 {
				w.suppressed = append(w.suppressed, p.email)
			}
		}
		w.found(t, db)
		w.write(t, db)
		analyze(t, w, db)
		for i := range w.campaigns {
			some := w.campaigns[:i+1]
			group := rules.Group{Operator: rules.And, Rules: []rules.Rule{
				rules.CampaignEvent{
					Event: rules.EventOpened, CampaignIDs: some,
					Time: &rules.TimeFilter{Type: rules.InLastDays, Days: 30},
				},
				rules.CampaignEvent{Event: rules.EventClicked, Not: true, CampaignIDs: some},
			}}
			agree(
				t, w,
				rules.Audience{
					Form: rules.FormRules, Operator: rules.Or,
					Criteria: []rules.Criterion{{ListID: w.lists[0], Where: group}},
				},
				true,
			)
			w.segment(t, db, 0, group)
			agreeOnSegment(t, w, db, i)
		}
	})
}

// analyze updates the statistics of the database, which it would otherwise do only later.
func analyze(t *testing.T, w *world, db *store.Store) {
	t.Helper()
	statement := "ANALYZE"
	if db.Dialect() == dialect.MySQL {
		statement = "ANALYZE TABLE subscribers, field_values, subscriber_taggings, suppressions, events"
	}
	rows, err := db.Client(w.ctx).QueryContext(w.ctx, statement)
	must(t, err)
	for rows.Next() {
	}
	must(t, errors.Join(rows.Err(), rows.Close()))
}
