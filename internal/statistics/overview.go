package statistics

import (
	"context"
	"slices"
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

// CampaignsColumn is the name that requests the number of campaigns among the columns of Sum.
const CampaignsColumn = "campaigns"

// hourColumns maps a column of a campaign to the column of an hour with the same meaning.
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
	entcampaign.FieldAutomatedOpens:       hourlycounter.FieldAutomatedOpens,
	entcampaign.FieldAutomatedClicks:      hourlycounter.FieldAutomatedClicks,
}

// Total holds the sums over many campaigns.
type Total struct {
	// Campaigns is the number of campaigns that match the filter, whatever the period.
	Campaigns int64
	// Counters holds the sums in the columns of one campaign, so that rates are computed as for one
	// campaign.
	Counters *Counters
}

// Sum returns the sums of the given columns over all campaigns that match the filter. The columns
// are those that Counters documents, and CampaignsColumn. All other columns stay zero.
//
// Without From and To the sums are those of the campaigns' own counters. With From or To they are
// the sums of the hours that begin in the span, so that adjacent spans add up. A person is then
// counted in the span of their first event, once per campaign. total_recipients is the sum over the
// campaigns whose sending began in the span. It runs one statement, or up to two with From or To,
// whatever the number of campaigns.
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

// overviewable validates a filter and a span.
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

// begun returns the sum of a column over the campaigns whose sending began in the span.
func (s Span) begun(sel *sql.Selector, column string) sql.Querier {
	start := s.where(sel.C(entcampaign.FieldSendingStartedAt))
	return sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("COALESCE(SUM(CASE WHEN ").Join(start).WriteString(" THEN " + sel.C(column) + " ELSE 0 END), 0)")
	})
}

// sum returns the SQL sum of a column, zero if there are no rows.
func sum(sel *sql.Selector, column string) string { return "COALESCE(SUM(" + sel.C(column) + "), 0)" }

// where returns the condition that a column is within the span, which has at least one bound.
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

// hoursOf returns the condition on the hours of the campaigns that match, within a span, in the
// table of hours or of amounts. Without a filter it has no condition on the campaign, and the hours
// of the account are read by their hour only.
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

// SumSeries returns the sums over all campaigns that match, one point per interval, oldest first,
// with zeros for intervals without events. Only the given columns of an hour are read.
//
// The series begins at From, or with the first hour in which anything was counted. It is empty if
// nothing was counted. It ends at To, or now. The first point begins exactly at From and the last
// one ends exactly at To, even in the middle of an interval, so that the points add up to the
// result of Sum. With AmountsColumn among the columns it also reads the sums of money. More than
// MaxPoints points, or To not after From, is Invalid. It runs one statement for each of hours, money
// and, without From, the beginning.
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
	ofHours := slices.DeleteFunc(slices.Clone(columns), func(name string) bool { return name == AmountsColumn })
	hours, err := s.hours(ctx, id, filter, span, ofHours)
	fillHours(points, hours, start, false)
	if err != nil || len(ofHours) == len(columns) {
		return points, err
	}
	amounts, err := s.sumAmounts(ctx, id, filter, span)
	fillAmounts(points, amounts, start, false)
	return points, err
}

// firstHour returns where a series of many campaigns begins, and false if nothing was counted.
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
