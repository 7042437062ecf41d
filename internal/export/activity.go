package export

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"campaignql/ent"
	"campaignql/ent/contact"
	"campaignql/ent/event"
	"campaignql/ent/linkcounter"
	"campaignql/internal/budget"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
)

// PageRows is how many events one page reads.
const PageRows = 1000

// worth returns value for a conversion and nil for every other event.
func (a action) worth(value any) any {
	if a.Kind != kind.EventConverted {
		return nil
	}
	return value
}

func (s *Service) openActivity(file *File, campaignID int64, span statistics.Span) error {
	if err := span.Order(); err != nil {
		return err
	}
	file.columns = names(actionColumns)
	file.rows = func(ctx context.Context, row func([]any) error, flush func() error) error {
		return s.eachPage(ctx, campaignID, func(page []action) error {
			for _, a := range page {
				if !span.Holds(a.At) {
					continue
				}
				if err := row(cells(actionColumns, a)); err != nil {
					return err
				}
			}
			return flush()
		})
	}
	return nil
}

// eachPage visits the events of a campaign page by page. The keys of events begin with the id of
// their campaign, so these rows are adjacent in the primary index. Each page costs three
// statements, wherever it is in the file.
func (s *Service) eachPage(ctx context.Context, campaignID int64, visit func([]action) error) error {
	after := strconv.FormatInt(campaignID, 10) + "-"
	for {
		last, more, err := s.visitPage(ctx, campaignID, after, visit)
		if err != nil {
			return err
		}
		if !more {
			return s.whole(ctx, campaignID)
		}
		after = last
	}
}

// visitPage visits one page of events after a key and returns the key of the last one. It releases
// the memory of the page before it returns.
func (s *Service) visitPage(
	ctx context.Context, campaignID int64, after string, visit func([]action) error,
) (last string, more bool, err error) {
	ctx, held := budget.Portion(ctx, 0)
	defer held.Close()
	page, err := s.page(ctx, campaignID, after)
	if err != nil {
		return "", false, err
	}
	if err := visit(page); err != nil || len(page) < PageRows {
		return "", false, err
	}
	return page[len(page)-1].ID, true, nil
}

// page reads the events after a key.
func (s *Service) page(ctx context.Context, campaignID int64, after string) ([]action, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) ([]action, error) {
		return s.pageNow(ctx, campaignID, after)
	})
}

func (s *Service) pageNow(ctx context.Context, campaignID int64, after string) ([]action, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.db.Client(ctx).Event.Query().
		// The bound works because "." follows "-". A condition on the column campaign_id would mean
		// the same, but SQLite would then use an index with another order and sort all events of
		// the campaign for each page.
		Where(event.IDGT(after), event.IDLT(strconv.FormatInt(campaignID, 10)+".")).
		Order(event.ByID()).Limit(PageRows).
		Select(event.FieldID, event.FieldKind, event.FieldAt, event.FieldContactID, event.FieldSubscriberID, event.FieldLinkID, event.FieldReason, event.FieldAutomated,
			event.FieldAmount, event.FieldCurrency).
		All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	emails, err := s.emails(ctx, rows)
	if err != nil {
		return nil, err
	}
	urls, err := s.urls(ctx, rows)
	if err != nil {
		return nil, err
	}
	page := make([]action, len(rows))
	for i, row := range rows {
		page[i] = action{Event: row, email: emails[row.ContactID]}
		if row.LinkID != nil {
			page[i].url = urls[*row.LinkID]
		}
	}
	return page, nil
}

// emails returns the addresses of the contacts of the events.
func (s *Service) emails(ctx context.Context, rows []*ent.Event) (map[int64]string, error) {
	emails := map[int64]string{}
	for _, row := range rows {
		emails[row.ContactID] = ""
	}
	people, err := store.ByIDs(
		ctx,
		slices.Sorted(maps.Keys(emails)),
		[]string{contact.FieldEmail},
		func(c *ent.Contact) int64 { return c.ID },
		func(some ...int64) *ent.ContactQuery {
			return s.db.Client(ctx).Contact.Query().Where(contact.IDIn(some...))
		},
	)
	for id, person := range people {
		emails[id] = person.Email
	}
	return emails, err
}

// urls returns the URLs of the clicked links.
func (s *Service) urls(ctx context.Context, rows []*ent.Event) (map[int64]string, error) {
	found := map[int64]string{}
	for _, row := range rows {
		if row.LinkID != nil {
			found[*row.LinkID] = ""
		}
	}
	if len(found) == 0 {
		return found, nil
	}
	links, err := s.db.Client(ctx).
		LinkCounter.Query().
		Where(linkcounter.IDIn(slices.Sorted(maps.Keys(found))...)).
		Select(linkcounter.FieldID, linkcounter.FieldURL).
		All(ctx)
	for _, link := range links {
		found[link.ID] = link.URL
	}
	return found, store.Translate(err)
}
