package event

import (
	"context"
	"slices"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	"campaignql/ent/linkcounter"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

var newestOfContact = page.TextOrder[*ent.Event]{
	Name: "EVENT", Key: func(e *ent.Event) page.TextKey { return page.TextKey{At: e.At, ID: e.ID} },
}

// PlanOfContact validates a request for OfContacts. Invalid requests return the errors of page.Request.
func PlanOfContact(request page.Request) error {
	_, err := newestOfContact.Plan(request)
	return err
}

// OfContacts returns the same page for each of several contacts that were found for the caller: their
// events, newest first. Events of deleted campaigns are left out. It runs two statements for up to
// MaxEvents events. The first reads only an index, of these contacts; the second reads the events that
// are returned. Invalid requests return the errors of page.Request.
func (s *Service) OfContacts(
	ctx context.Context, contacts []*ent.Contact, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.Event], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := newestOfContact.Plan(request)
	if err != nil {
		return nil, err
	}
	ids, err := s.sql(ctx).pageOfContacts(ctx, contacts, plan)
	if err != nil {
		return nil, store.Translate(err)
	}
	found := make(map[int64][]*ent.Event, len(contacts))
	for some := range slices.Chunk(ids, MaxEvents) {
		query := s.db.Client(ctx).Event.Query().Where(entevent.IDIn(some...))
		if len(columns) > 0 {
			query.Select(append([]string{entevent.FieldID, entevent.FieldContactID, entevent.FieldAt}, columns...)...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, e := range rows {
			found[e.ContactID] = append(found[e.ContactID], e)
		}
	}
	pages := make(map[int64]page.Result[*ent.Event], len(contacts))
	for _, c := range contacts {
		slices.SortFunc(found[c.ID], newestFirst)
		if plan.Backward() {
			slices.Reverse(found[c.ID])
		}
		pages[c.ID] = plan.Result(found[c.ID])
	}
	return pages, nil
}

// CountsOfContacts returns the number of events of each contact that OfContacts returns on all pages, in one
// statement, which reads the index of these events. A contact without any is absent.
func (s *Service) CountsOfContacts(ctx context.Context, contacts []*ent.Contact) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	counts := make(map[int64]int, len(contacts))
	if len(contacts) == 0 {
		return counts, nil
	}
	sql := s.sql(ctx)
	t := sql.Text()
	t.WriteString("SELECT contact_id,COUNT(*)")
	sql.fromContacts(t, contacts)
	t.WriteString(" GROUP BY contact_id")
	err := sql.Query(ctx, t, func(rows store.Rows) error {
		var id, n int64
		err := rows.Scan(&id, &n)
		counts[id] = int(n)
		return err
	})
	return counts, store.Translate(err)
}

// newestFirst orders events as pageOfContacts does.
func newestFirst(x, y *ent.Event) int {
	switch {
	case !x.At.Equal(y.At):
		return y.At.Compare(x.At)
	case x.ID < y.ID:
		return 1
	default:
		return -1
	}
}

// pageOfContacts returns the ids of the events of a page of each contact.
func (s statements) pageOfContacts(
	ctx context.Context, contacts []*ent.Contact, plan page.TextPlan[*ent.Event],
) ([]string, error) {
	if len(contacts) == 0 {
		return nil, nil
	}
	direction := " DESC"
	if plan.Backward() {
		direction = " ASC"
	}
	t := s.Text()
	t.WriteString("SELECT id FROM (SELECT id,ROW_NUMBER() OVER (PARTITION BY contact_id ORDER BY at" + direction +
		",id" + direction + ") AS n")
	s.fromContacts(t, contacts)
	bound(t, "<", plan.Older())
	bound(t, ">", plan.Newer())
	t.WriteString(") AS ranked WHERE n<=")
	t.Value(int64(plan.Limit()))
	var found []string
	err := s.Query(ctx, t, func(rows store.Rows) error {
		var id string
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	})
	return found, err
}

// bound writes the condition that an event is older or newer than a position.
func bound(t *store.Text, than string, key *page.TextKey) {
	if key == nil {
		return
	}
	t.WriteString(" AND (at" + than)
	t.Value(key.At)
	t.WriteString(" OR at=")
	t.Value(key.At)
	t.WriteString(" AND id" + than)
	t.Value(key.ID)
	t.WriteByte(')')
}

// fromContacts writes FROM and WHERE for the events of contacts, without those of deleted campaigns. The id
// of an event begins with the id of its campaign, so an index that contains the id of the event is enough
// to leave out deleted campaigns.
func (s statements) fromContacts(t *store.Text, contacts []*ent.Contact) {
	ids, owners := make([]int64, len(contacts)), make([]int64, len(contacts))
	for i, c := range contacts {
		ids[i], owners[i] = c.ID, c.UserID
	}
	const ofPurges = " FROM purges WHERE user_id IN ("
	campaign := "CAST(id AS INTEGER)"
	t.WriteString(" FROM events ")
	if s.lite {
		t.WriteString("INDEXED BY event_contact_id_kind_at_automated")
	} else {
		t.WriteString("FORCE INDEX (event_contact_id_kind_at_automated)")
		campaign = "CAST(SUBSTRING_INDEX(id,'-',1) AS SIGNED)"
	}
	t.WriteString(" WHERE contact_id IN (")
	t.List(store.Args(store.Distinct(ids)))
	t.WriteString(") AND (NOT EXISTS (SELECT 1" + ofPurges)
	t.List(store.Args(store.Distinct(owners)))
	t.WriteString(")) OR " + campaign + " NOT IN (SELECT campaign_id" + ofPurges)
	t.List(store.Args(store.Distinct(owners)))
	t.WriteString(")))")
}

// LinkURLs returns the URLs of links by the ids of their counters, in one statement per 5,000.
func (s *Service) LinkURLs(ctx context.Context, ids []int64) (map[int64]string, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	rows, err := store.ByIDs(
		ctx, ids, []string{linkcounter.FieldURL}, func(l *ent.LinkCounter) int64 { return l.ID },
		func(some ...int64) *ent.LinkCounterQuery {
			return s.db.Client(ctx).LinkCounter.Query().Where(linkcounter.IDIn(some...))
		},
	)
	urls := make(map[int64]string, len(rows))
	for id, row := range rows {
		urls[id] = row.URL
	}
	return urls, err
}
