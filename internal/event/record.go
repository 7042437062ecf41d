package event

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"slices"

	"campaignql/ent"
	"campaignql/ent/linkcounter"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// batch is the state of one call of Record within its transaction.
type batch struct {
	*Service
	sql     statements
	results []Result
	// campaigns are the campaigns of the events that belong to the caller; lists are the lists of
	// their audiences, as far as they were needed.
	campaigns map[int64]*ent.Campaign
	lists     map[int64][]int64
	// contacts are the locked contacts of the events.
	contacts map[int64]*ent.Contact
	earlier  attempts
	// persons are the contacts for which an event may be the first of its kind, in their state
	// before the batch.
	persons map[whom]*person
	sums    *sums
	// made are the ids of the link counters that the batch created.
	made []int64
}

// attempts are what earlier attempts at a batch have learned, by contact.
type attempts struct {
	// softened had soft bounces, so that their batch is locked for itself.
	softened map[int64]bool
	// vanished were not there any more, although a subscription or an address had led to them.
	vanished map[int64]bool
}

// record records events that passed validation. Rows are locked in a fixed order so that concurrent
// writers do not deadlock: first the contacts, then the subscriptions that the events may end, then
// the campaigns, each by id.
func (b *batch) record(ctx context.Context, read []*entry) error {
	events, err := b.resolve(ctx, read)
	if err != nil || len(events) == 0 {
		return err
	}
	if events, err = b.lockContacts(ctx, events); err != nil || len(events) == 0 {
		return err
	}
	subscriptions, err := b.lockSubscriptions(ctx, events)
	if err != nil {
		return err
	}
	if err := b.lockCampaigns(ctx, events); err != nil {
		return err
	}
	if err := b.findLinks(ctx, events); err != nil {
		return err
	}
	b.persons, b.sums = map[whom]*person{}, newSums()
	if err := b.readFirsts(ctx, events); err != nil {
		return err
	}
	fresh, err := b.insert(ctx, events)
	if err != nil {
		return err
	}
	if err := b.dropLinks(ctx, events, fresh); err != nil || len(fresh) == 0 {
		return err
	}
	b.count(fresh)
	if err := b.sql.write(ctx, b.sums, ownersOf(fresh)); err != nil {
		return err
	}
	return b.changePeople(ctx, fresh, subscriptions)
}

func ownersOf(events []*entry) map[int64]int64 {
	owners := map[int64]int64{}
	for _, e := range events {
		owners[e.CampaignID] = e.owner
	}
	return owners
}

// distinct returns the distinct keys of the events in ascending order.
func distinct[K cmp.Ordered](events []*entry, key func(*entry) (K, bool)) []K {
	seen := map[K]bool{}
	var out []K
	for _, e := range events {
		if k, ok := key(e); ok && !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// lockCampaigns locks the campaigns, so that no concurrent transaction changes their counters. If a
// campaign was deleted meanwhile, the transaction is retried.
func (b *batch) lockCampaigns(ctx context.Context, events []*entry) error {
	ids := distinct(events, func(e *entry) (int64, bool) { return e.CampaignID, true })
	locked := 0
	for some := range slices.Chunk(ids, 10*rowsAtOnce) {
		n, err := b.sql.lock(ctx, some)
		if err != nil {
			return err
		}
		locked += n
	}
	if locked < len(ids) {
		return store.ErrStale
	}
	return nil
}

// lock locks campaigns in the order of their ids, through the primary key and no other index. It
// returns how many of them exist.
func (s statements) lock(ctx context.Context, ids []int64) (int, error) {
	t := s.Text()
	t.WriteString("SELECT id FROM campaigns ")
	if !s.lite {
		t.WriteString("FORCE INDEX (PRIMARY) ")
	}
	t.WriteString("WHERE id IN (")
	t.List(store.Args(ids))
	t.WriteString(") ORDER BY id")
	if !s.lite {
		t.WriteString(" FOR UPDATE")
	}
	n := 0
	err := s.Query(ctx, t, func(store.Rows) error { n++; return nil })
	return n, err
}

// findLinks finds the counters of the clicked links and creates the missing ones. A link that was
// recorded before URLs were normalized is found by the URL as it was sent, and is preferred.
func (b *batch) findLinks(ctx context.Context, events []*entry) error {
	type link struct {
		campaign int64
		hash     string
	}
	clicked, sent := map[link][]*entry{}, map[link][]*entry{}
	var keys, known [][]any
	for _, e := range events {
		e.link = 0 // an attempt that was aborted may have set it
		if e.clicked.hash == "" {
			continue
		}
		l := link{e.CampaignID, e.clicked.hash}
		if clicked[l] == nil {
			keys = append(keys, []any{l.campaign, l.hash})
		}
		clicked[l] = append(clicked[l], e)
		if e.clicked.sent != l.hash {
			l.hash = e.clicked.sent
			if sent[l] == nil {
				known = append(known, []any{l.campaign, l.hash})
			}
			sent[l] = append(sent[l], e)
		}
	}
	find := func(keys [][]any) error {
		return b.sql.find(ctx, linkcounter.Table, []string{"url_hash"}, keys, func(rows store.Rows) error {
			var id int64
			var l link
			if err := rows.Scan(&id, &l.campaign, &l.hash); err != nil {
				return err
			}
			for _, e := range clicked[l] {
				if e.link == 0 {
					e.link = id
				}
			}
			for _, e := range sent[l] {
				e.link = id
			}
			return nil
		})
	}
	if err := find(slices.Concat(keys, known)); err != nil {
		return err
	}
	var missing, rows [][]any
	var first []*entry
	for _, key := range keys {
		unknown := func(e *entry) bool { return e.link == 0 }
		all := clicked[link{key[0].(int64), key[1].(string)}]
		if i := slices.IndexFunc(all, unknown); i >= 0 {
			e := all[i]
			first, missing = append(first, e), append(missing, key)
			rows = append(rows, []any{e.owner, e.CampaignID, e.clicked.hash, e.clicked.url})
		}
	}
	columns := []string{"user_id", "campaign_id", "url_hash", "url"}
	if err := b.sql.InsertAll(ctx, linkcounter.Table, columns, rows, 10*rowsAtOnce); err != nil {
		return err
	}
	if err := find(missing); err != nil {
		return err
	}
	for _, e := range first {
		b.made = append(b.made, e.link)
	}
	return nil
}

// readFirsts reads the first events of the persons for which an event may be the first of its kind.
// For an open or a click it reads both kinds, because a click implies an open.
func (b *batch) readFirsts(ctx context.Context, events []*entry) error {
	type asked struct {
		whom
		what kind.EventKind
	}
	seen := map[asked]bool{}
	var keys [][]any
	for _, e := range events {
		if _, counted := people[e.Kind]; !counted || e.automated {
			continue
		}
		who := whom{e.CampaignID, e.contactID}
		if b.persons[who] == nil {
			b.persons[who] = new(person)
		}
		kinds := []kind.EventKind{e.Kind}
		if e.Kind == kind.EventOpened || e.Kind == kind.EventClicked {
			kinds = []kind.EventKind{kind.EventOpened, kind.EventClicked}
		}
		for _, what := range kinds {
			if a := (asked{who, what}); !seen[a] {
				seen[a] = true
				keys = append(keys, []any{e.CampaignID, string(what), e.contactID})
			}
		}
	}
	return b.sql.firsts(ctx, keys, func(who whom, what kind.EventKind, link int64, m moment) {
		b.persons[who].merge(what, m, link)
	})
}

// firsts reads, for each campaign, kind and contact, the time of the first event by link and
// mail domain. One covering index serves the query.
func (s statements) firsts(
	ctx context.Context, keys [][]any, tell func(who whom, what kind.EventKind, link int64, m moment),
) error {
	names := []string{"c", "k", "s"}
	for some := range slices.Chunk(keys, 2*rowsAtOnce) {
		t := s.Given(names, some)
		t.WriteString("SELECT e.campaign_id,e.contact_id,e.kind,e.link_id,e.domain,MIN(e.at) FROM ")
		s.Derived(t, names, some)
		if s.lite {
			t.WriteString(" CROSS JOIN events e INDEXED BY event_firsts")
		} else {
			t.WriteString(" STRAIGHT_JOIN events e FORCE INDEX (event_firsts)")
		}
		t.WriteString(
			" ON e.campaign_id=d.c AND e.kind=d.k AND e.contact_id=d.s AND e.automated=0 GROUP BY e.campaign_id,e.contact_id,e.kind,e.link_id,e.domain",
		)
		err := s.Query(ctx, t, func(rows store.Rows) error {
			var who whom
			var what, domain string
			var link stdsql.NullInt64
			var at store.Instant
			if err := rows.Scan(&who.campaign, &who.contact, &what, &link, &domain, &at); err != nil {
				return err
			}
			tell(who, kind.EventKind(what), link.Int64, moment{at.Time, domain})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// count computes how the counters change: by each event, and by the difference between what the
// persons counted for before and what they count for now.
func (b *batch) count(events []*entry) {
	touched := map[whom]bool{}
	for _, e := range events {
		m := moment{e.at, e.domain}
		b.sums.event(e.CampaignID, e.Kind, m, e.automated, e.link, worth{e.cents, e.Currency})
		if _, counted := people[e.Kind]; !counted || e.automated {
			continue
		}
		who := whom{e.CampaignID, e.contactID}
		if !touched[who] {
			touched[who] = true
			b.sums.person(who.campaign, b.persons[who], -1)
		}
		b.persons[who].merge(e.Kind, m, e.link)
	}
	for who := range touched {
		b.sums.person(who.campaign, b.persons[who], 1)
	}
}
