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

// SumLinks returns a page of the links of all campaigns that match, highest number first. Each URL
// appears once, with the sum of its clicks. Links are not counted by hour, so a span is Invalid,
// reason "not_by_hour". If the campaigns have more than MaxSummed links, the error is Invalid on
// the field filter, reason "too_many_rows". It runs three statements.
func (s *Service) SumLinks(
	ctx context.Context, filter campaign.Filter, span Span, by LinkOrder, request page.Request,
) (page.Result[*ent.LinkCounter], error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (page.Result[*ent.LinkCounter], error) {
		return s.sumLinks(ctx, filter, span, by, request)
	})
}

func (s *Service) sumLinks(
	ctx context.Context, filter campaign.Filter, span Span, by LinkOrder, request page.Request,
) (found page.Result[*ent.LinkCounter], err error) {
	plan, chosen, err := summable(ctx, linkOrder(by), request, filter, span, linkcounter.FieldCampaignID)
	if err != nil {
		return found, err
	}
	if err := s.fewLinks(ctx, chosen); err != nil {
		return found, err
	}
	var rows []*ent.LinkCounter
	err = s.db.Client(ctx).LinkCounter.Query().Where(chosen).Modify(func(sel *sql.Selector) {
		newest := sql.Max(sel.C(linkcounter.FieldID))
		sel.Select(
			sql.As(newest, linkcounter.FieldID), sql.As(sum(sel, linkcounter.FieldClicks), linkcounter.FieldClicks),
			sql.As(sum(sel, linkcounter.FieldUniqueClicks), linkcounter.FieldUniqueClicks),
		)
		sel.GroupBy(sel.C(linkcounter.FieldURLHash))
		plan.Sums(sel, sum(sel, string(by)), newest) // equal numbers have the same order as for one campaign
	}).Scan(ctx, &rows)
	if err != nil {
		return found, store.Translate(err)
	}
	found = plan.Result(rows)
	return found, s.nameLinks(ctx, found.Items)
}

// CountSumLinks returns how many links SumLinks has on all pages. It returns the same errors.
func (s *Service) CountSumLinks(ctx context.Context, filter campaign.Filter, span Span) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		_, chosen, err := summable(
			ctx, linkOrder(LinksByClicks), page.Request{}, filter, span, linkcounter.FieldCampaignID,
		)
		if err != nil {
			return 0, err
		}
		if err := s.fewLinks(ctx, chosen); err != nil {
			return 0, err
		}
		return distinct(ctx, s.db.Client(ctx).LinkCounter.Query().Where(chosen).Modify(func(sel *sql.Selector) {
			sel.Select(sql.Count(sql.Distinct(sel.C(linkcounter.FieldURLHash))))
		}).Scan)
	})
}

// distinct returns the one number that a query selects.
func distinct(ctx context.Context, scan func(context.Context, any) error) (int, error) {
	var counts []int
	if err := scan(ctx, &counts); err != nil {
		return 0, store.Translate(err)
	}
	return counts[0], nil
}

// fewLinks returns an error if there are too many links to add up.
func (s *Service) fewLinks(ctx context.Context, chosen func(*sql.Selector)) error {
	over, err := s.db.Client(ctx).LinkCounter.Query().Where(chosen).Offset(s.summed).Limit(1).IDs(ctx)
	return s.notTooMany(over, err, "links")
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

// SumDomains returns a page of the mail domains of the recipients of all campaigns that match, with
// their sums, the highest number of sent mails first. It returns the same errors as SumLinks. It
// runs two statements.
func (s *Service) SumDomains(
	ctx context.Context, filter campaign.Filter, span Span, request page.Request,
) (page.Result[*Domain], error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (page.Result[*Domain], error) {
		return s.sumDomains(ctx, filter, span, request)
	})
}

func (s *Service) sumDomains(
	ctx context.Context, filter campaign.Filter, span Span, request page.Request,
) (found page.Result[*Domain], err error) {
	plan, chosen, err := summable(ctx, domainOrder, request, filter, span, domaincounter.FieldCampaignID)
	if err != nil {
		return found, err
	}
	if err := s.fewDomains(ctx, chosen); err != nil {
		return found, err
	}
	var rows []*ent.DomainCounter
	err = s.db.Client(ctx).DomainCounter.Query().Where(chosen).Modify(func(sel *sql.Selector) {
		domain, newest := sel.C(domaincounter.FieldDomain), sql.Max(sel.C(domaincounter.FieldID))
		sel.Select(domain, sql.As(newest, domaincounter.FieldID))
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
		sel.GroupBy(domain)
		plan.Sums(sel, sum(sel, domaincounter.FieldSent), newest)
	}).Scan(ctx, &rows)
	if err != nil {
		return found, store.Translate(err)
	}
	return plan.Result(domainsOf(rows)), nil
}

// CountSumDomains returns how many mail domains SumDomains has on all pages. It returns the same
// errors.
func (s *Service) CountSumDomains(ctx context.Context, filter campaign.Filter, span Span) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		_, chosen, err := summable(ctx, domainOrder, page.Request{}, filter, span, domaincounter.FieldCampaignID)
		if err != nil {
			return 0, err
		}
		if err := s.fewDomains(ctx, chosen); err != nil {
			return 0, err
		}
		return distinct(ctx, s.db.Client(ctx).DomainCounter.Query().Where(chosen).Modify(func(sel *sql.Selector) {
			sel.Select(sql.Count(sql.Distinct(sel.C(domaincounter.FieldDomain))))
		}).Scan)
	})
}

// fewDomains returns an error if there are too many mail domains to add up.
func (s *Service) fewDomains(ctx context.Context, chosen func(*sql.Selector)) error {
	over, err := s.db.Client(ctx).DomainCounter.Query().Where(chosen).Offset(s.summed).Limit(1).IDs(ctx)
	return s.notTooMany(over, err, "mail domains")
}

// summable validates the arguments and returns the plan of the page and the condition on the rows of
// the campaigns that match.
func summable[T any](
	ctx context.Context, order page.Order[T], request page.Request, filter campaign.Filter, span Span, column string,
) (plan page.Plan[T], chosen func(*sql.Selector), err error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return plan, nil, err
	}
	var faults apperr.Faults
	faults.Add(overviewable(filter, span))
	plan, err = order.Plan(request)
	faults.Add(err)
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
		return plan, nil, err
	}
	// Always filter by campaign: neither table has an index by account.
	return plan, func(sel *sql.Selector) { sel.Where(filter.Chosen(id, sel, column)) }, nil
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
