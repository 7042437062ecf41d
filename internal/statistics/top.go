package statistics

import (
	"context"
	"strconv"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// LinkOrder is the column that links are ordered by, highest first.
type LinkOrder string

// The orders of links.
const (
	LinksByClicks LinkOrder = linkcounter.FieldClicks
	LinksByPeople LinkOrder = linkcounter.FieldUniqueClicks
)

// Domain is what happened to a campaign's recipients at one mail domain.
type Domain struct{ *ent.DomainCounter }

// Delivered is sent less hard and soft bounces, never negative, as it is of a campaign; not the events DELIVERED, which not every mailer reports.
func (d Domain) Delivered() int64 { return max(0, d.Sent-d.HardBounces-d.SoftBounces) }

// Links returns for each campaign at most limit links, those with the highest number first. It costs one statement whatever the number of campaigns.
func (s *Service) Links(ctx context.Context, campaignIDs []int64, by LinkOrder, limit int) (map[int64][]*ent.LinkCounter, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	found := map[int64][]*ent.LinkCounter{}
	if len(campaignIDs) == 0 {
		return found, nil
	}
	rows, err := s.db.Client(ctx).LinkCounter.Query().Where(func(sel *sql.Selector) {
		sel.Where(sql.In(sel.C(linkcounter.FieldID), highest(sel.Dialect(), linkcounter.Table, string(by), campaignIDs, limit)))
		sel.OrderBy(sql.Desc(sel.C(string(by))), sql.Desc(sel.C(linkcounter.FieldID)))
	}).All(ctx)
	for _, row := range rows {
		found[row.CampaignID] = append(found[row.CampaignID], row)
	}
	return found, store.Translate(err)
}

// Domains returns for each campaign at most limit mail domains, those sent to most first. It costs one statement whatever the number of campaigns.
func (s *Service) Domains(ctx context.Context, campaignIDs []int64, limit int) (map[int64][]Domain, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	found := map[int64][]Domain{}
	if len(campaignIDs) == 0 {
		return found, nil
	}
	rows, err := s.db.Client(ctx).DomainCounter.Query().Where(func(sel *sql.Selector) {
		sel.Where(sql.In(sel.C(domaincounter.FieldID), highest(sel.Dialect(), domaincounter.Table, domaincounter.FieldSent, campaignIDs, limit)))
		sel.OrderBy(sql.Desc(sel.C(domaincounter.FieldSent)), sql.Desc(sel.C(domaincounter.FieldID)))
	}).All(ctx)
	for _, row := range rows {
		found[row.CampaignID] = append(found[row.CampaignID], Domain{row})
	}
	return found, store.Translate(err)
}

// highest selects the ids of the rows with the highest values of each campaign: the union of one small reading of an index per campaign. Each stands in a
// table of its own, because neither database takes a LIMIT inside IN or in a part of a UNION.
func highest(dialect, table, column string, campaignIDs []int64, limit int) *sql.Selector {
	builder := sql.Dialect(dialect)
	var whole *sql.Selector
	for i, id := range campaignIDs {
		t := sql.Table(table)
		top := builder.Select(t.C("id")).From(t).Where(sql.EQ(t.C("campaign_id"), id)).
			OrderBy(sql.Desc(t.C(column)), sql.Desc(t.C("id"))).Limit(limit)
		part := builder.Select("id").From(top.As("h" + strconv.Itoa(i)))
		if whole == nil {
			whole = part
			continue
		}
		whole.UnionAll(part)
	}
	return builder.Select("id").From(whole.As("chosen"))
}
