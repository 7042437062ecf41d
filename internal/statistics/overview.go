package statistics

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// CampaignsColumn stands among the columns of Sum for the number of campaigns.
const CampaignsColumn = "campaigns"

// hourColumns are the columns of an hour that hold the same number as a column of the campaign.
var hourColumns = map[string]string{
	entcampaign.FieldTotalSent:            hourlycounter.FieldSent,
	entcampaign.FieldTotalFailed:          hourlycounter.FieldFailed,
	entcampaign.FieldTotalDelivered:       hourlycounter.FieldDelivered,
	entcampaign.FieldTotalOpens:           hourlycounter.FieldOpens,
	entcampaign.FieldUniqueOpens:          hourlycounter.FieldUniqueOpens,
	entcampaign.FieldTotalClicks:          hourlycounter.FieldClicks,
	entcampaign.FieldUniqueClicks:         hourlycounter.FieldUniqueClicks,
	entcampaign.FieldTotalForwards:        hourlycounter.FieldForwards,
	entcampaign.FieldUniqueForwards:       hourlycounter.FieldUniqueForwards,
	entcampaign.FieldTotalBrowserViews:    hourlycounter.FieldBrowserViews,
	entcampaign.FieldUniqueBrowserViews:   hourlycounter.FieldUniqueBrowserViews,
	entcampaign.FieldTotalUnsubscriptions: hourlycounter.FieldUnsubscriptions,
	entcampaign.FieldTotalComplaints:      hourlycounter.FieldComplaints,
	entcampaign.FieldTotalHardBounces:     hourlycounter.FieldHardBounces,
	entcampaign.FieldTotalSoftBounces:     hourlycounter.FieldSoftBounces,
	entcampaign.FieldTotalConversions:     hourlycounter.FieldConversions,
	entcampaign.FieldConversionAmount:     hourlycounter.FieldConversionAmount,
	entcampaign.FieldAutomatedOpens:       hourlycounter.FieldAutomatedOpens,
	entcampaign.FieldAutomatedClicks:      hourlycounter.FieldAutomatedClicks,
}

// Total is the numbers of many campaigns in sum.
type Total struct {
	// Campaigns is how many match, whatever the period.
	Campaigns int64
	// Counters are the sums, in the columns of one campaign: what follows from them, such as rates,
	// is worked out as it is for one.
	Counters *Counters
}

// Sum adds up columns of all campaigns that match, as Counters documents them, and CampaignsColumn;
// the others stay zero. Without From and To they are the campaigns' own counters. With either they
// are what happened in that span, from the counters of the hours that begin in it, so that spans
// that follow one another add up: whoever did something first in it is counted there as a person,
// once for each campaign; total_recipients is that of the campaigns whose sending began in it. It
// costs one statement, or with From or To up to two, whatever the number of campaigns.
func (s *Service) Sum(ctx context.Context, filter campaign.Filter, span Span, columns []string) (Total, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (Total, error) {
		return s.sum(ctx, filter, span, columns)
	})
}

func (s *Service) sum(ctx context.Context, filter campaign.Filter, span Span, columns []string) (Total, error) {
	total := Total{Counters: new(Counters)}
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return total, err
	}
	if err := overviewable(filter, span); err != nil {
		return total, err
	}
	ofCampaigns, ofHours := columns, []string(nil)
	if span.bounded() {
		ofCampaigns, ofHours = nil, nil
		for _, column := range columns {
			if hourColumns[column] != "" {
				ofHours = append(ofHours, column)
			} else {
				ofCampaigns = append(ofCampaigns, column)
			}
		}
	}
	if len(ofCampaigns) > 0 {
		if total, err = s.sumCampaigns(ctx, filter, span, ofCampaigns); err != nil {
			return total, err
		}
	}
	if len(ofHours) == 0 {
		return total, nil
	}
	sums, err := s.sumHours(ctx, id, filter, span, ofHours)
	sums.TotalRecipients = total.Counters.TotalRecipients
	return Total{Campaigns: total.Campaigns, Counters: Of(&sums)}, err
}

// overviewable returns the faults of a filter and a span.
func overviewable(filter campaign.Filter, span Span) error {
	var faults apperr.Faults
	faults.Add(filter.Validate())
	faults.Add(span.Order())
	return faults.Err()
}

func (s *Service) sumCampaigns(
	ctx context.Context, filter campaign.Filter, span Span, columns []string,
) (Total, error) {
	var rows []struct {
		ent.Campaign
		Campaigns int64 `json:"campaigns"`
	}
	err := s.db.Client(ctx).Campaign.Query().Where(filter.Predicate()).Modify(func(sel *sql.Selector) {
		sel.Select()
		for _, column := range columns {
			switch {
			case column == CampaignsColumn:
				sel.AppendSelectAs(sql.Count("*"), column)
			case span.bounded():
				sel.AppendSelectExprAs(span.begun(sel, column), column)
			default:
				sel.AppendSelectAs(sum(sel, column), column)
			}
		}
	}).Scan(ctx, &rows)
	if err != nil {
		return Total{Counters: new(Counters)}, store.Translate(err)
	}
	return Total{Campaigns: rows[0].Campaigns, Counters: Of(&rows[0].Campaign)}, nil
}

// begun sums a column of the campaigns whose sending began in the span.
func (s Span) begun(sel *sql.Selector, column string) sql.Querier {
	start := s.where(sel.C(entcampaign.FieldSendingStartedAt))
	return sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("COALESCE(SUM(CASE WHEN ").Join(start).WriteString(" THEN " + sel.C(column) + " ELSE 0 END), 0)")
	})
}

// sum is the sum of a column; zero of no rows.
func sum(sel *sql.Selector, column string) string { return "COALESCE(SUM(" + sel.C(column) + "), 0)" }

// where is the condition that an instant lies in a span that is bounded.
func (s Span) where(column string) *sql.Predicate {
	var all []*sql.Predicate
	if s.From != nil {
		all = append(all, sql.GTE(column, s.From.UTC()))
	}
	if s.To != nil {
		all = append(all, sql.LT(column, s.To.UTC()))
	}
	return sql.And(all...)
}

func (s *Service) sumHours(
	ctx context.Context, id caller.Identity, filter campaign.Filter, span Span, columns []string,
) (ent.Campaign, error) {
	var rows []ent.Campaign
	err := s.db.Client(ctx).HourlyCounter.Query().Where(hoursOf(id, filter, span)).Modify(func(sel *sql.Selector) {
		sel.Select()
		for _, column := range columns {
			sel.AppendSelectAs(sum(sel, hourColumns[column]), column)
		}
	}).Scan(ctx, &rows)
	if err != nil {
		return ent.Campaign{}, store.Translate(err)
	}
	return rows[0], nil
}

// hoursOf is the condition on the hours of the campaigns that match, within a span. Without a
// filter the account's own are read by their hour alone.
func hoursOf(id caller.Identity, filter campaign.Filter, span Span) func(*sql.Selector) {
	return func(sel *sql.Selector) {
		if !filter.ChoosesAll() {
			sel.Where(filter.Chosen(id, sel, hourlycounter.FieldCampaignID))
		}
		if span.bounded() {
			sel.Where(span.where(sel.C(hourlycounter.FieldHour)))
		}
	}
}

// SumSeries returns what happened to all campaigns that match, in sum, a point per interval, oldest
// first, zeros where nothing happened; of the points only the given columns of an hour are read. It
// begins with From, or with the first hour in which anything was counted, and has no point when
// nothing was; it ends at To, or now. The first point begins at From and the last ends at To,
// wherever in their intervals these lie, so that the points add up to what Sum returns. More than
// MaxPoints, or To not after From, is Invalid. It costs one statement, two without From.
func (s *Service) SumSeries(
	ctx context.Context, filter campaign.Filter, span Span, columns []string, now time.Time,
) ([]Point, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) ([]Point, error) {
		return s.sumSeries(ctx, filter, span, columns, now)
	})
}

func (s *Service) sumSeries(
	ctx context.Context, filter campaign.Filter, span Span, columns []string, now time.Time,
) ([]Point, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	if err := overviewable(filter, span); err != nil {
		return nil, err
	}
	start, known, err := s.firstHour(ctx, id, filter, span)
	if err != nil || !known {
		return nil, err
	}
	end := now
	if span.To != nil {
		end = *span.To
	}
	points, over := span.points(start, end)
	if over && span.From != nil && span.To != nil {
		return nil, span.tooMany("to")
	} else if over {
		return nil, span.tooMany("from")
	}
	if len(points) == 0 {
		return points, nil
	}
	if span.From != nil {
		points[0].Start = span.From.UTC()
	}
	if span.To != nil {
		points[len(points)-1].End = span.To.UTC()
	}
	hours, err := s.hours(ctx, id, filter, span, columns)
	fill(points, hours, start, false)
	return points, err
}

// firstHour is where a series of many campaigns begins.
func (s *Service) firstHour(
	ctx context.Context, id caller.Identity, filter campaign.Filter, span Span,
) (time.Time, bool, error) {
	if span.From != nil {
		return *span.From, true, nil
	}
	rows, err := s.db.Client(ctx).HourlyCounter.Query().Where(hoursOf(id, filter, span)).
		Order(hourlycounter.ByHour()).Limit(1).Select(hourlycounter.FieldHour).All(ctx)
	if err != nil || len(rows) == 0 {
		return time.Time{}, false, store.Translate(err)
	}
	return rows[0].Hour, true, nil
}

// hours returns the sums of each hour in which anything was counted, oldest first.
func (s *Service) hours(
	ctx context.Context, id caller.Identity, filter campaign.Filter, span Span, columns []string,
) ([]*ent.HourlyCounter, error) {
	var rows []*ent.HourlyCounter
	if len(columns) == 0 {
		return nil, nil
	}
	err := s.db.Client(ctx).HourlyCounter.Query().Where(hoursOf(id, filter, span)).Modify(func(sel *sql.Selector) {
		hour := sel.C(hourlycounter.FieldHour)
		sel.Select(hour)
		for _, column := range columns {
			sel.AppendSelectAs(sum(sel, column), column)
		}
		sel.GroupBy(hour).OrderBy(hour)
	}).Scan(ctx, &rows)
	return rows, store.Translate(err)
}
