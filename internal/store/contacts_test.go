package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// people is a database of the version before contacts, as rows in memory.
type people struct {
	campaigns   []*campaignRow
	subscribers []*subscriberRow
	gone        []int64
	// values and labels are by subscriber.
	values       map[int64]map[int64]string
	labels       map[int64]map[int64]bool
	suppressions []*suppressionRow
	events       []*eventRow
}

type campaignRow struct{ id, userID int64 }

type subscriberRow struct {
	id, userID, listID                      int64
	email, key, status, bounce, ip          string
	subscribedAt, optedInAt, unsubscribedAt *time.Time
	createdAt                               time.Time
}

type suppressionRow struct {
	id, userID         int64
	email, key, reason string
	createdAt          time.Time
}

type eventRow struct {
	id                               string
	userID, campaignID, subscriberID int64
	at                               time.Time
}

var peopleBegin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// spell writes the address of a person in one of its spellings. Some persons have an address that is
// refused, some share an old key and have different new ones.
func spell(r *rand.Rand, person int) string {
	switch person % 20 {
	case 0, 1:
		return fmt.Sprintf("p%d@%s", person, pick(r, "bücher.example", "xn--bcher-kva.example", "BÜCHER.example"))
	case 2:
		return fmt.Sprintf("%s@x.example", pick(r, fmt.Sprintf("p%d", person), fmt.Sprintf(`"p%d"`, person)))
	case 3:
		return fmt.Sprintf("p%d\u200b@example.com", person)
	case 4: // "²" was folded to "2" once
		return fmt.Sprintf("%s%d@example.com", pick(r, "²p", `"2p"`, "2p"), person)
	case 5:
		return fmt.Sprintf("p%d@%s.example", person, pick(r, "maßanfertigung", "massanfertigung"))
	}
	return fmt.Sprintf("%s%d@d%d.example", pick(r, "p", "P"), person, person%7)
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func (p *people) moment(r *rand.Rand) time.Time {
	return peopleBegin.Add(time.Duration(r.Int64N(int64(250*24*time.Hour/time.Microsecond))) * time.Microsecond)
}

func (p *people) perhaps(r *rand.Rand) *time.Time {
	if r.IntN(4) == 0 {
		return nil
	}
	at := p.moment(r)
	return &at
}

// randomPeople makes persons of account 1 on the lists 1 to 3, a third of them on two lists and some
// twice on one, and a tenth of them in account 2.
func randomPeople(seed uint64, persons, events int) *people {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &people{values: map[int64]map[int64]string{}, labels: map[int64]map[int64]bool{}}
	taken, nextID := map[string]bool{}, int64(0)
	add := func(userID, listID int64, person int) {
		s := &subscriberRow{
			userID: userID, listID: listID, email: spell(r, person),
			status: pick(r, "subscribed", "subscribed", "pending", "unsubscribed"), createdAt: p.moment(r),
			bounce: pick(r, "none", "none", "none", "none", "none", "soft", "hard"), ip: pick(r, "", "192.0.2.1", "192.0.2.2"),
			subscribedAt: p.perhaps(r), optedInAt: p.perhaps(r), unsubscribedAt: p.perhaps(r),
		}
		s.key = kind.Fold(s.email, 254)
		if unique := fmt.Sprint(listID, s.key); !taken[unique] {
			taken[unique] = true
			nextID++
			s.id = nextID
			if r.IntN(20) == 0 {
				p.gone = append(p.gone, s.id)
				return
			}
			p.subscribers = append(p.subscribers, s)
			p.values[s.id], p.labels[s.id] = map[int64]string{}, map[int64]bool{}
			for range r.IntN(3) {
				p.values[s.id][1+r.Int64N(3)] = pick(r, "", fmt.Sprint("value of ", s.id))
				p.labels[s.id][1+r.Int64N(4)] = true
			}
		}
	}
	var order []func()
	for person := range persons {
		list := 1 + r.Int64N(3)
		order = append(order, func() { add(1, list, person) })
		if r.IntN(3) == 0 {
			order = append(order, func() { add(1, list%3+1, person) })
		}
		if r.IntN(10) == 0 {
			order = append(order, func() { add(1, list, person) }, func() { add(2, 4, person) })
		}
		if person%20 <= 2 && r.IntN(3) == 0 { // those whose spellings were two persons
			order = append(order, func() { add(1, list, person) }, func() { add(1, list, person) })
		}
		if r.IntN(10) == 0 {
			email := spell(r, person)
			p.suppressions = append(p.suppressions, &suppressionRow{
				userID: 1 + r.Int64N(2), email: email, key: kind.Fold(email, 254),
				reason: pick(r, "manual", "hard_bounce", "complaint"), createdAt: p.moment(r),
			}, &suppressionRow{
				userID: 1, email: spell(r, person), reason: pick(r, "manual", "hard_bounce"), createdAt: p.moment(r),
			})
		}
	}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, one := range order {
		one()
	}
	p.addSuppressions(r)
	p.addEvents(r, events)
	return p
}

func (p *people) addSuppressions(r *rand.Rand) {
	all, taken := p.suppressions, map[string]bool{}
	p.suppressions = nil
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, s := range all {
		s.key = kind.Fold(s.email, 254)
		if unique := fmt.Sprint(s.userID, " ", s.key); !taken[unique] {
			taken[unique] = true
			s.id = int64(len(p.suppressions) + 1)
			p.suppressions = append(p.suppressions, s)
		}
	}
}

// addEvents makes campaigns to one list each, in which nobody can be twice except by a merge, and a
// few to all lists.
func (p *people) addEvents(r *rand.Rand, events int) {
	byList := map[int64][]int64{}
	owner := map[int64]int64{}
	for _, s := range p.subscribers {
		byList[s.listID] = append(byList[s.listID], s.id)
		owner[s.id] = s.userID
	}
	const campaigns = 60
	for id := int64(1); id <= campaigns; id++ {
		p.campaigns = append(p.campaigns, &campaignRow{id, 1})
	}
	for i := range events {
		campaign := 1 + r.Int64N(campaigns+1) // the last one is deleted
		list := campaign%3 + 1
		switch {
		case campaign <= 5:
			list = 1 + r.Int64N(3)
		case campaign <= 50 && i%1000 != 0:
			campaign = 51 + campaign%10 // the others have few events, so not all of them have somebody twice
			list = campaign%3 + 1
		}
		e := &eventRow{
			id: fmt.Sprintf("%d-%08x", campaign, r.Uint32()), userID: 1, campaignID: campaign,
			subscriberID: pick(r, byList[list]...), at: p.moment(r),
		}
		if r.IntN(20) == 0 {
			e.subscriberID = pick(r, p.gone...)
		}
		p.events = append(p.events, e)
	}
	slices.SortFunc(p.events, func(a, b *eventRow) int { return cmp.Compare(a.id, b.id) })
	p.events = slices.CompactFunc(p.events, func(a, b *eventRow) bool { return a.id == b.id })
}

// write inserts the rows into a database of the version before contacts.
func (p *people) write(t *testing.T, db *store.Store) {
	t.Helper()
	tx, err := db.Pools()[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	insert := func(table, columns string, rows [][]any) {
		width := strings.Count(columns, ",") + 1
		row := "(" + strings.TrimSuffix(strings.Repeat("?, ", width), ", ") + ")"
		for some := range slices.Chunk(rows, 1000) {
			text := "INSERT INTO " + table + " (" + columns + ") VALUES " +
				strings.TrimSuffix(strings.Repeat(row+", ", len(some)), ", ")
			if _, err := tx.ExecContext(t.Context(), text, slices.Concat(some...)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	var rows [][]any
	for _, c := range p.campaigns {
		rows = append(rows, []any{c.id, c.userID, "", "", "", "", "", "", "", peopleBegin, peopleBegin})
	}
	insert("campaigns", "id, user_id, name, name_key, approval_explanation, google_analytics_domains, audience, "+
		"audience_source, ab_test, last_activity_at, created_at", rows)
	rows = nil
	for _, s := range p.subscribers {
		rows = append(rows, []any{
			s.id, s.userID, s.listID, s.email, s.key, s.status, s.bounce, s.ip, s.subscribedAt, s.optedInAt,
			s.unsubscribedAt, s.createdAt,
		})
	}
	insert("subscribers", "id, user_id, list_id, email, email_key, status, bounce, subscription_ip, subscribed_at, "+
		"opted_in_at, unsubscribed_at, created_at", rows)
	rows = nil
	for id, values := range p.values {
		for field, text := range values {
			rows = append(rows, []any{1, id, field, text})
		}
	}
	insert("field_values", "user_id, subscriber_id, custom_field_id, text", rows)
	rows = nil
	for id, labels := range p.labels {
		for tag := range labels {
			rows = append(rows, []any{1, id, tag})
		}
	}
	insert("subscriber_taggings", "user_id, subscriber_id, subscriber_tag_id", rows)
	rows = nil
	for _, s := range p.suppressions {
		rows = append(rows, []any{s.id, s.userID, s.email, s.key, s.reason, s.createdAt})
	}
	insert("suppressions", "id, user_id, email, email_key, reason, created_at", rows)
	rows = nil
	for _, e := range p.events {
		rows = append(rows, []any{e.id, e.userID, e.campaignID, e.subscriberID, "opened", e.at})
	}
	insert("events", "id, user_id, campaign_id, subscriber_id, kind, at", rows)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// migrated is what the tables hold after the migration, one line a row.
type migrated map[string][]string

// worse returns the worse of two values, by their place in an order from harmless to severe.
func worse(a, b string, order ...string) string {
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

func instant(at *time.Time) string {
	if at == nil {
		return "NULL"
	}
	return at.Format(time.RFC3339Nano)
}

// identity is a contact in the model.
type identity struct {
	email, domain, bounce string
	invalid               bool
	createdAt             time.Time
}

// model is the naive form of the migration.
func (p *people) model() migrated {
	contacts := map[string]*identity{}
	keyOf := map[int64]string{} // of a subscriber
	groups := map[string][]*subscriberRow{}
	out := migrated{}
	add := func(table, form string, values ...any) {
		out[table] = append(out[table], fmt.Sprintf(form, values...))
	}
	for _, s := range p.subscribers { // in the order of ids
		parsed, err := address.Parse(s.email)
		key := fmt.Sprint(s.userID, " ", address.Key(s.email))
		c := contacts[key]
		if c == nil {
			c = &identity{email: s.email, domain: parsed.Domain, bounce: "none", createdAt: s.createdAt}
			contacts[key] = c
		}
		c.bounce = worse(c.bounce, s.bounce, "none", "soft", "hard")
		if s.createdAt.Before(c.createdAt) {
			c.createdAt = s.createdAt
		}
		if err != nil {
			c.invalid = true
			add("findings", "%d | invalid_address | %d", s.userID, s.id)
		}
		keyOf[s.id] = key
		group := fmt.Sprint(key, " ", s.listID)
		groups[group] = append(groups[group], s)
	}
	for key, c := range contacts {
		if c.invalid {
			c.bounce = "invalid"
		}
		add("contacts", "%s | %s | %s | %s | %s", key, c.email, c.domain, c.bounce, instant(&c.createdAt))
	}
	stays := map[int64]int64{} // of a subscriber that went
	for _, group := range groups {
		s := p.merge(group, stays, add)
		c := contacts[keyOf[s.id]]
		add("subscribers", "%d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s", s.id, s.listID, keyOf[s.id], s.email,
			s.status, c.bounce, s.ip, instant(s.subscribedAt), instant(s.optedInAt), instant(s.unsubscribedAt),
			instant(&s.createdAt))
	}
	p.modelSuppressions(add)
	p.modelEvents(keyOf, stays, add)
	for table := range out {
		slices.Sort(out[table])
	}
	return out
}

// merge merges subscriptions of one contact to one list, given in the order of their ids.
func (p *people) merge(group []*subscriberRow, stays map[int64]int64, add func(string, string, ...any)) subscriberRow {
	newest := slices.Clone(group)
	slices.SortFunc(newest, func(a, b *subscriberRow) int {
		return cmp.Or(cmp.Compare(instant0(b.subscribedAt), instant0(a.subscribedAt)), cmp.Compare(b.id, a.id))
	})
	stay := *group[0]
	values, labels := map[int64]string{}, map[int64]bool{}
	for _, s := range newest {
		stay.status = worse(stay.status, s.status, "subscribed", "pending", "unsubscribed")
		if instant0(s.unsubscribedAt) > instant0(stay.unsubscribedAt) {
			stay.unsubscribedAt = s.unsubscribedAt
		}
		stay.subscribedAt, stay.optedInAt = cmp.Or(stay.subscribedAt, s.subscribedAt), cmp.Or(stay.optedInAt, s.optedInAt)
		stay.ip = cmp.Or(stay.ip, s.ip)
		for field, text := range p.values[s.id] {
			values[field] = cmp.Or(values[field], text)
		}
		maps.Copy(labels, p.labels[s.id])
		if s.id != stay.id {
			stays[s.id] = stay.id
			add("merged", "%d | %d | %d", s.userID, s.id, stay.id)
			add("findings", "%d | merged | %d", s.userID, s.id)
		}
	}
	for field, text := range values {
		add("values", "%d | %d | %s", stay.id, field, text)
	}
	for tag := range labels {
		add("labels", "%d | %d", stay.id, tag)
	}
	return stay
}

func instant0(at *time.Time) int64 {
	if at == nil {
		return 0
	}
	return at.UnixMicro()
}

func (p *people) modelSuppressions(add func(string, string, ...any)) {
	kept := map[string]*suppressionRow{}
	for _, s := range p.suppressions {
		key := fmt.Sprint(s.userID, " ", address.Key(s.email))
		one := *s
		if other := kept[key]; other != nil {
			reason := worse(one.reason, other.reason, "manual", "hard_bounce", "complaint")
			if !one.createdAt.Before(other.createdAt) {
				one = *other
			}
			one.reason = reason
		}
		kept[key] = &one
	}
	for key, s := range kept {
		add("suppressions", "%s | %d | %s | %s | %s", key, s.id, s.email, s.reason, instant(&s.createdAt))
	}
}

func (p *people) modelEvents(keyOf map[int64]string, stays map[int64]int64, add func(string, string, ...any)) {
	through, changed := map[string]int64{}, map[int64]bool{}
	goneSince := map[int64]time.Time{}
	for _, e := range p.events {
		subscriber, known := keyOf[e.subscriberID]
		id := e.subscriberID
		if !known {
			subscriber = fmt.Sprint("gone ", id)
			if at, seen := goneSince[id]; !seen || e.at.Before(at) {
				goneSince[id] = e.at
			}
		}
		if stay, merged := stays[id]; merged {
			id, changed[e.campaignID] = stay, true
		}
		unique := fmt.Sprint(e.campaignID, " ", subscriber)
		if other, seen := through[unique]; seen && other != id {
			changed[e.campaignID] = true
		}
		through[unique] = id
		add("events", "%s | %d | %s", e.id, id, subscriber)
	}
	for id, at := range goneSince {
		add("gone", "%d | %s", id, instant(&at))
	}
	for _, c := range p.campaigns {
		if changed[c.id] {
			add("recounts", "%d | %d", c.id, c.userID)
		}
	}
	if len(p.campaigns) > 0 {
		add("recounts", "%d | 0", int64(store.PendingContacts))
	}
}

// read returns what the migrated database holds.
func (l *landed) read(t *testing.T) migrated {
	t.Helper()
	out := migrated{}
	for table, query := range map[string]string{
		"contacts": "SELECT user_id, email_key, email, domain, deliverability, created_at FROM contacts " +
			"WHERE email_key IS NOT NULL AND soft_bounces = 0 AND deliverable_since IS NULL",
		"subscribers": "SELECT s.id, s.list_id, c.user_id, c.email_key, s.email, s.status, s.bounce, s.subscription_ip, " +
			"s.subscribed_at, s.opted_in_at, s.unsubscribed_at, s.created_at FROM subscribers AS s JOIN contacts AS c " +
			"ON c.id = s.contact_id AND c.email_key = s.email_key AND c.user_id = s.user_id",
		"merged":       "SELECT user_id, id, subscriber_id FROM merged_subscribers",
		"findings":     "SELECT user_id, kind, target_id FROM migration_findings WHERE version = 20261130061451",
		"values":       "SELECT subscriber_id, custom_field_id, text FROM field_values",
		"labels":       "SELECT subscriber_id, subscriber_tag_id FROM subscriber_taggings",
		"suppressions": "SELECT user_id, email_key, id, email, reason, created_at FROM suppressions",
		"events": "SELECT e.id, e.subscriber_id, c.user_id, c.email_key FROM events AS e JOIN contacts AS c " +
			"ON c.id = e.contact_id",
		"gone": "SELECT DISTINCT e.subscriber_id, c.created_at FROM events AS e JOIN contacts AS c ON c.id = e.contact_id " +
			"WHERE c.email_key IS NULL AND c.email = '' AND c.domain = '' AND c.deliverability = 'none'",
		"recounts": "SELECT id, user_id FROM pending_recounts",
	} {
		for _, line := range l.texts(t, query) {
			parts := strings.Split(line, " | ")
			switch table { // the account and the key are one value in the model
			case "contacts", "suppressions":
				parts = slices.Concat([]string{parts[0] + " " + parts[1]}, parts[2:])
			case "subscribers":
				parts = slices.Concat(parts[:2], []string{parts[2] + " " + parts[3]}, parts[4:])
			case "events":
				contact := parts[2] + " " + parts[3]
				if parts[3] == "NULL" {
					contact = "gone " + parts[1]
				}
				parts = append(parts[:2], contact)
			}
			out[table] = append(out[table], strings.Join(parts, " | "))
		}
		slices.Sort(out[table])
	}
	return out
}

// TestRandomPeopleBecomeTheContactsOfANaiveModel interrupts the migration at three random points and
// starts it again. Keys of the model are made by the address package, which has its own tests.
func TestRandomPeopleBecomeTheContactsOfANaiveModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := 20_000
	if testing.Short() {
		people = 4_000
	}
	p := randomPeople(seed, people, 5*people)
	want := p.model()
	for table, rows := range want {
		t.Logf("%d %s", len(rows), table)
	}
	if len(want["merged"]) < people/40 || len(want["gone"]) < people/200 || len(want["recounts"]) > len(p.campaigns) {
		t.Error("the people are not the ones that this test is about")
	}
	for _, engine := range stepwise() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			db := openLanded(t, engine.Fresh(t))
			for _, v := range db.versions {
				if v <= beforeContacts {
					db.apply(t, v)
				}
			}
			p.write(t, db.Store)
			r := rand.New(rand.NewPCG(seed, 1))
			for range 3 {
				left := 1 + r.IntN(60)
				db.OnStep(func(string, string) error {
					if left--; left == 0 {
						return errInterrupted
					}
					return nil
				})
				if _, err := db.Migrate(t.Context()); err != nil && !errors.Is(err, errInterrupted) {
					t.Fatal(err)
				}
			}
			db.OnStep(func(string, string) error { return nil })
			if _, err := db.Migrate(context.Background()); err != nil {
				t.Fatal(err)
			}
			got := db.read(t)
			for _, table := range slices.Sorted(maps.Keys(want)) {
				if diff := gocmp.Diff(want[table], got[table]); diff != "" {
					t.Errorf("%s: %d rows, want %d: %.3000s", table, len(got[table]), len(want[table]), diff)
				}
			}
			gone := fmt.Sprint(len(want["gone"]))
			if found := db.texts(t, "SELECT COUNT(*) FROM contacts WHERE email_key IS NULL"); found[0] != gone {
				t.Errorf("%s contacts have no address, want %s", found[0], gone)
			}
		})
	}
}
