package statistics

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// MaxSummed is the maximum number of links, or of mail domains, that are added up to find the
// highest.
const MaxSummed = 200_000

// SumLinks returns the first links of all campaigns that match, highest number first. Each URL
// appears once, with the sum of its clicks. Links are not counted by hour, so a span is Invalid,
// reason "not_by_hour". If the campaigns have more than MaxSummed links, the error is Invalid on
// the field filter, reason "too_many_rows". It runs three statements.
func (s *Service) SumLinks(
	ctx context.Context, filter campaign.Filter, span Span, by LinkOrder, first int,
) ([]Link, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) ([]Link, error) {
		return s.sumLinks(ctx, filter, span, by, first)
	})
}

func (s *Service) sumLinks(
	ctx context.Context, filter campaign.Filter, span Span, by LinkOrder, first int,
) ([]Link, error) {
	chosen, err := s.summable(ctx, filter, span, first, linkcounter.FieldCampaignID)
	if err != nil {
		return nil, err
	}
	client := s.db.Client(ctx).LinkCounter
	over, err := client.Query().Where(chosen).Offset(s.summed).Limit(1).IDs(ctx)
	if err := s.notTooMany(over, err, "links"); err != nil {
		return nil, err
	}
	var rows []*ent.LinkCounter
	err = client.Query().Where(chosen).Modify(func(sel *sql.Selector) {
		newest := sql.Max(sel.C(linkcounter.FieldID))
		sel.Select(
			sql.As(newest, linkcounter.FieldID), sql.As(sum(sel, linkcounter.FieldClicks), linkcounter.FieldClicks),
			sql.As(sum(sel, linkcounter.FieldUniqueClicks), linkcounter.FieldUniqueClicks),
		)
		// Equal numbers have the same order as for one campaign.
		sel.GroupBy(sel.C(linkcounter.FieldURLHash)).
			OrderBy("SUM("+sel.C(string(by))+") DESC", newest+" DESC").
			Limit(first)
	}).Scan(ctx, &rows)
	if err != nil {
		return nil, store.Translate(err)
	}
	links := make([]Link, len(rows))
	for i, row := range rows {
		links[i] = Link{LinkCounter: row}
	}
	return links, s.nameLinks(ctx, rows)
}

// nameLinks reads the URLs of links by their ids.
func (s *Service) nameLinks(ctx context.Context, links []*ent.LinkCounter) error {
	ids := make([]int64, len(links))
	for i, link := range links {
		ids[i] = link.ID
	}
	rows, err := s.db.Client(ctx).
		LinkCounter.Query().
		Where(linkcounter.IDIn(ids...)).
		Select(linkcounter.FieldID, linkcounter.FieldURL).
		All(ctx)
	if err != nil {
		return store.Translate(err)
	}
	urls := make(map[int64]string, len(rows))
	for _, row := range rows {
		urls[row.ID] = row.URL
	}
	for _, link := range links {
		link.URL = urls[link.ID]
	}
	return nil
}

// SumDomains returns the first mail domains of the recipients of all campaigns that match, with
// their sums, the highest number of sent mails first. It returns the same errors as SumLinks. It
// runs two statements.
func (s *Service) SumDomains(ctx context.Context, filter campaign.Filter, span Span, first int) ([]Domain, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) ([]Domain, error) {
		return s.sumDomains(ctx, filter, span, first)
	})
}

func (s *Service) sumDomains(ctx context.Context, filter campaign.Filter, span Span, first int) ([]Domain, error) {
	chosen, err := s.summable(ctx, filter, span, first, domaincounter.FieldCampaignID)
	if err != nil {
		return nil, err
	}
	client := s.db.Client(ctx).DomainCounter
	over, err := client.Query().Where(chosen).Offset(s.summed).Limit(1).IDs(ctx)
	if err := s.notTooMany(over, err, "mail domains"); err != nil {
		return nil, err
	}
	var rows []*ent.DomainCounter
	err = client.Query().Where(chosen).Modify(func(sel *sql.Selector) {
		domain := sel.C(domaincounter.FieldDomain)
		sel.Select(domain)
		for _, column := range domaincounter.Columns {
			switch column {
			case domaincounter.FieldID,
				domaincounter.FieldUserID,
				domaincounter.FieldCampaignID,
				domaincounter.FieldDomain:
			default:
				sel.AppendSelectAs(sum(sel, column), column)
			}
		}
		sel.GroupBy(domain).
			OrderBy("SUM("+sel.C(domaincounter.FieldSent)+") DESC", sql.Max(sel.C(domaincounter.FieldID))+" DESC").
			Limit(first)
	}).Scan(ctx, &rows)
	if err != nil {
		return nil, store.Translate(err)
	}
	domains := make([]Domain, len(rows))
	for i, row := range rows {
		domains[i] = Domain{row}
	}
	return domains, nil
}

// summable validates the arguments and returns the condition on the rows of the campaigns that
// match.
func (s *Service) summable(
	ctx context.Context, filter campaign.Filter, span Span, first int, column string,
) (func(*sql.Selector), error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	var faults apperr.Faults
	faults.Add(overviewable(filter, span))
	faults.Add(page.Request{First: &first}.Validate())
	if span.bounded() {
		bound := "from"
		if span.From == nil {
			bound = "to"
		}
		faults.Add(apperr.InvalidField(
			bound, apperr.ReasonNotByHour,
			"links and mail domains are not counted by hour: ask for them without from and to",
		))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	// Always filter by campaign: neither table has an index by account.
	return func(sel *sql.Selector) { sel.Where(filter.Chosen(id, sel, column)) }, nil
}

// notTooMany returns an error if there is a row beyond the limit.
func (s *Service) notTooMany(over []int64, err error, what string) error {
	if err == nil && len(over) > 0 {
		return apperr.InvalidField(
			"filter", apperr.ReasonTooManyRows, "the campaigns have more than %d %s to add up: choose fewer", s.summed,
			what,
		)
	}
	return store.Translate(err)
}
