package statistics

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// LinkOrder is an order of links, highest number first.
type LinkOrder string

const (
	LinksByClicks LinkOrder = linkcounter.FieldClicks
	LinksByPeople LinkOrder = linkcounter.FieldUniqueClicks
)

// Domain holds the numbers of the recipients of a campaign at one mail domain.
type Domain struct{ *ent.DomainCounter }

// Delivered is sent minus hard and soft bounces, never negative, as for a campaign. It is not the
// number of DELIVERED events, because not every mailer reports them.
func (d Domain) Delivered() int64 { return max(0, d.Sent-d.HardBounces-d.SoftBounces) }

// Links returns for each campaign a page of its links, highest number first. The errors are those of
// the page. It runs one statement for up to 250 campaigns.
func (s *Service) Links(
	ctx context.Context, campaignIDs []int64, by LinkOrder, request page.Request,
) (map[int64]page.Result[*ent.LinkCounter], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return highest(
		linkOrder(by), request, linkcounter.Table, campaignIDs,
		func(choose func(*sql.Selector)) ([]*ent.LinkCounter, error) {
			query := s.db.Client(ctx).LinkCounter.Query()
			query.Modify(choose)
			return query.All(ctx)
		},
		func(l *ent.LinkCounter) int64 { return l.CampaignID },
	)
}

// CountLinks returns the number of links of each campaign, in one statement.
func (s *Service) CountLinks(ctx context.Context, campaignIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return counted(func(rows *[]countOf) error {
		return s.db.Client(ctx).LinkCounter.Query().
			Where(linkcounter.CampaignIDIn(campaignIDs...)).
			GroupBy(linkcounter.FieldCampaignID).
			Aggregate(ent.Count()).
			Scan(ctx, rows)
	})
}

// countOf is the number of rows of a campaign.
type countOf struct {
	CampaignID int64 `sql:"campaign_id"`
	Count      int   `sql:"count"`
}

func counted(read func(*[]countOf) error) (map[int64]int, error) {
	var rows []countOf
	if err := read(&rows); err != nil {
		return nil, store.Translate(err)
	}
	counts := make(map[int64]int, len(rows))
	for _, row := range rows {
		counts[row.CampaignID] = row.Count
	}
	return counts, nil
}

func linkOrder(by LinkOrder) page.Order[*ent.LinkCounter] {
	return page.Order[*ent.LinkCounter]{
		Name:   string(by),
		Column: string(by),
		Type:   page.Number,
		Desc:   true,
		Key: func(l *ent.LinkCounter) page.Key {
			if by == LinksByPeople {
				return page.Key{Value: l.UniqueClicks, ID: l.ID}
			}
			return page.Key{Value: l.Clicks, ID: l.ID}
		},
	}
}

// EachLink calls visit with the links of one of the caller's campaigns, one batch after the other,
// most clicks first. The pages are read by key, so a link whose number does not change meanwhile is
// visited once. It stops with the error of visit.
func (s *Service) EachLink(
	ctx context.Context, campaignID int64, visit func(context.Context, []*ent.LinkCounter) error,
) error {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return err
	}
	const fewest, most = 250, 1000
	return page.Each(
		ctx, 0, 0, fewest, most,
		func(ctx context.Context, request page.Request) (page.Result[*ent.LinkCounter], error) {
			return store.Heavy(ctx, s.db, func(ctx context.Context) (page.Result[*ent.LinkCounter], error) {
				query := s.db.Client(ctx).LinkCounter.Query().Where(linkcounter.CampaignID(campaignID))
				return page.Read(ctx, linkOrder(LinksByClicks), request, query, nil)
			})
		},
		visit,
	)
}

// Domains returns for each campaign a page of its mail domains, the highest number of sent mails
// first. It returns the same errors as Links. It runs one statement for up to 250 campaigns.
func (s *Service) Domains(
	ctx context.Context, campaignIDs []int64, request page.Request,
) (map[int64]page.Result[*Domain], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return highest(
		domainOrder, request, domaincounter.Table, campaignIDs,
		func(choose func(*sql.Selector)) ([]*Domain, error) {
			query := s.db.Client(ctx).DomainCounter.Query()
			query.Modify(choose)
			rows, err := query.All(ctx)
			return domainsOf(rows), err
		},
		func(d *Domain) int64 { return d.CampaignID },
	)
}

// CountDomains returns the number of mail domains of each campaign, in one statement.
func (s *Service) CountDomains(ctx context.Context, campaignIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return counted(func(rows *[]countOf) error {
		return s.db.Client(ctx).DomainCounter.Query().
			Where(domaincounter.CampaignIDIn(campaignIDs...)).
			GroupBy(domaincounter.FieldCampaignID).
			Aggregate(ent.Count()).
			Scan(ctx, rows)
	})
}

var domainOrder = page.Order[*Domain]{
	Name:   "SENT",
	Column: domaincounter.FieldSent,
	Type:   page.Number,
	Desc:   true,
	Key: func(d *Domain) page.Key {
		return page.Key{Value: d.Sent, ID: d.ID}
	},
}

func domainsOf(rows []*ent.DomainCounter) []*Domain {
	domains := make([]*Domain, len(rows))
	for i, row := range rows {
		domains[i] = &Domain{row}
	}
	return domains
}

// campaignsAtOnce is how many campaigns one statement reads. SQLite allows 500 parts in a UNION.
const campaignsAtOnce = 250

// highest returns for each campaign one page of its rows in the given order. read runs the query.
func highest[T any](
	order page.Order[T], request page.Request, table string, campaignIDs []int64,
	read func(choose func(*sql.Selector)) ([]T, error), of func(T) int64,
) (map[int64]page.Result[T], error) {
	plan, err := order.Plan(request)
	if err != nil {
		return nil, err
	}
	rows := map[int64][]T{}
	for some := range slices.Chunk(campaignIDs, campaignsAtOnce) {
		parts := make([]*sql.Selector, len(some))
		for i, id := range some {
			t := sql.Table(table)
			parts[i] = sql.Select(t.C("id")).From(t).Where(sql.EQ(t.C("campaign_id"), id))
		}
		found, err := read(plan.Groups(parts))
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range found {
			rows[of(row)] = append(rows[of(row)], row)
		}
	}
	pages := make(map[int64]page.Result[T], len(rows))
	for id, all := range rows {
		pages[id] = plan.Result(all)
	}
	return pages, nil
}
