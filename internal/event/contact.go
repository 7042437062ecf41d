package event

import (
	"context"
	"slices"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxOfContact is the maximum number of events of one contact in one call of OfContacts.
const MaxOfContact = 100

// OfContacts returns the newest events of contacts that were found for the caller, by contact,
// newest first, at most first of each. Events of deleted campaigns are left out. It runs two
// statements. The first reads only an index, of these contacts; the second reads the events that are
// returned. A number outside of 1 to MaxOfContact is Invalid on first, reason "page_size".
func (s *Service) OfContacts(
	ctx context.Context, contacts []*ent.Contact, first int, columns ...string,
) (map[int64][]*ent.Event, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if first < 1 || first > MaxOfContact {
		return nil, apperr.InvalidField("first", apperr.ReasonPageSize, "must be 1 to %d", MaxOfContact)
	}
	ids, err := s.sql(ctx).newest(ctx, contacts, int64(first))
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
	for _, events := range found {
		slices.SortFunc(events, newestFirst)
	}
	return found, nil
}

// newestFirst orders events as newest does.
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

// newest returns the ids of the newest events of each contact. The id of an event begins with its
// campaign, so that an index with the id also tells whether the campaign is deleted.
func (s statements) newest(ctx context.Context, contacts []*ent.Contact, first int64) ([]string, error) {
	if len(contacts) == 0 {
		return nil, nil
	}
	ids, owners := make([]int64, len(contacts)), make([]int64, len(contacts))
	for i, c := range contacts {
		ids[i], owners[i] = c.ID, c.UserID
	}
	const ofPurges = " FROM purges WHERE user_id IN ("
	t := s.Text()
	t.WriteString("SELECT id FROM (SELECT id,ROW_NUMBER() OVER (PARTITION BY contact_id ORDER BY at DESC,id DESC) AS n FROM events ")
	campaign := "CAST(id AS INTEGER)"
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
	t.WriteString(")))) AS ranked WHERE n<=")
	t.Value(first)
	var found []string
	err := s.Query(ctx, t, func(rows store.Rows) error {
		var id string
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	})
	return found, err
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
