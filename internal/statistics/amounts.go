package statistics

import (
	"context"
	"maps"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/conversionamount"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// AmountsColumn is the name that requests the sums of money among the columns of SumSeries.
const AmountsColumn = "amounts"

// purse holds hundredths by currency.
type purse map[string]int64

// money returns the sums that are not zero, ordered by currency. A row may be left with zero when a
// recount corrected it.
func (p purse) money() []kind.Money {
	all := make([]kind.Money, 0, len(p))
	for _, code := range slices.Sorted(maps.Keys(p)) {
		if p[code] != 0 {
			all = append(all, kind.Money{Hundredths: p[code], Code: code})
		}
	}
	return all
}

// sumOfMoney is a row of sums by campaign and currency.
type sumOfMoney struct {
	CampaignID int64  `json:"campaign_id"`
	Currency   string `json:"currency"`
	Amount     int64  `json:"amount"`
}

// Amounts returns for each campaign what its conversions are worth: a sum for each currency, ordered
// by currency. The currency that no event named is "". Campaigns without such sums are absent. It
// runs one statement, whatever the number of campaigns.
func (s *Service) Amounts(ctx context.Context, campaignIDs []int64) (map[int64][]kind.Money, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil || len(campaignIDs) == 0 {
		return nil, err
	}
	return store.HeavyIf(ctx, s.db, len(campaignIDs) > 1, func(ctx context.Context) (map[int64][]kind.Money, error) {
		var rows []sumOfMoney
		err := s.db.Client(ctx).ConversionAmount.Query().
			Where(conversionamount.CampaignIDIn(campaignIDs...)).
			Modify(func(sel *sql.Selector) {
				id, currency := sel.C(conversionamount.FieldCampaignID), sel.C(conversionamount.FieldCurrency)
				sel.Select(id, currency)
				sel.AppendSelectAs(sum(sel, conversionamount.FieldAmount), conversionamount.FieldAmount)
				sel.GroupBy(id, currency)
			}).Scan(ctx, &rows)
		purses := map[int64]purse{}
		for _, row := range rows {
			if purses[row.CampaignID] == nil {
				purses[row.CampaignID] = purse{}
			}
			purses[row.CampaignID][row.Currency] = row.Amount
		}
		found := make(map[int64][]kind.Money, len(purses))
		for id, p := range purses {
			found[id] = p.money()
		}
		return found, store.Translate(err)
	})
}

// SumAmounts is Amounts over all campaigns that match the filter. With From or To it sums the hours
// that begin in the span, as Sum does.
func (s *Service) SumAmounts(ctx context.Context, filter campaign.Filter, span Span) ([]kind.Money, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	if err := overviewable(filter, span); err != nil {
		return nil, err
	}
	return store.Heavy(ctx, s.db, func(ctx context.Context) ([]kind.Money, error) {
		var rows []sumOfMoney
		err := s.db.Client(ctx).ConversionAmount.Query().
			Where(hoursOf(id, filter, span)).
			Modify(func(sel *sql.Selector) {
				currency := sel.C(conversionamount.FieldCurrency)
				sel.Select(currency)
				sel.AppendSelectAs(sum(sel, conversionamount.FieldAmount), conversionamount.FieldAmount)
				sel.GroupBy(currency)
			}).Scan(ctx, &rows)
		all := purse{}
		for _, row := range rows {
			all[row.Currency] = row.Amount
		}
		return all.money(), store.Translate(err)
	})
}

// amountsWithin returns the amounts of the hours of many campaigns that meet a condition on campaign
// and hour, in the order of campaign and hour.
func (s *Service) amountsWithin(
	ctx context.Context, within func(*sql.Selector) *sql.Predicate,
) (map[int64][]*ent.ConversionAmount, error) {
	rows, err := s.db.Client(ctx).ConversionAmount.Query().
		Where(func(sel *sql.Selector) { sel.Where(within(sel)) }).
		Order(conversionamount.ByCampaignID(), conversionamount.ByHour()).All(ctx)
	found := map[int64][]*ent.ConversionAmount{}
	for _, row := range rows {
		found[row.CampaignID] = append(found[row.CampaignID], row)
	}
	return found, store.Translate(err)
}

// sumAmounts returns the sums of each hour and currency over the campaigns that match, oldest first.
func (s *Service) sumAmounts(
	ctx context.Context, id caller.Identity, filter campaign.Filter, span Span,
) ([]*ent.ConversionAmount, error) {
	var rows []*ent.ConversionAmount
	err := s.db.Client(ctx).ConversionAmount.Query().
		Where(hoursOf(id, filter, span)).
		Modify(func(sel *sql.Selector) {
			hour, currency := sel.C(conversionamount.FieldHour), sel.C(conversionamount.FieldCurrency)
			sel.Select(hour, currency)
			sel.AppendSelectAs(sum(sel, conversionamount.FieldAmount), conversionamount.FieldAmount)
			sel.GroupBy(hour, currency).OrderBy(hour)
		}).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// fillAmounts is fill for amounts.
func fillAmounts(points []Point, rows []*ent.ConversionAmount, start time.Time, early bool) {
	fill(points, rows, func(row *ent.ConversionAmount) time.Time { return row.Hour }, (*Point).addAmount, start, early)
}

func (p *Point) addAmount(row *ent.ConversionAmount) {
	if p.amounts == nil {
		p.amounts = purse{}
	}
	p.amounts[row.Currency] += row.Amount
}
