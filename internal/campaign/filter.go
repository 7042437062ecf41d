package campaign

import (
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent/campaign"
	"campaignql/ent/campaigntag"
	"campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Bucket is a group of campaigns by status and schedule.
type Bucket string

const (
	// BucketScheduled contains Ready campaigns with a Future or Recursive schedule (legacy status
	// filter "Scheduled").
	BucketScheduled Bucket = "scheduled"
	// BucketOutbox contains Ready campaigns that are due at once, and Sending and Paused ones.
	BucketOutbox Bucket = "outbox"
)

// Limits of a filter.
const (
	maxFilterDepth      = 5
	maxFilterConditions = 100
	// maxFilterSearches is the upper bound of conditions that scan every name.
	maxFilterSearches = 10
	// maxFilterValues is the upper bound of ids in all conditions together. SQLite accepts 32,766
	// values in one statement.
	maxFilterValues = 20_000
	maxSearchLength = 250
)

// Filter selects campaigns. A campaign matches if all given conditions are true. The zero value
// selects all.
type Filter struct {
	// Statuses, if not nil, are the statuses to keep. An empty list keeps none.
	Statuses []kind.CampaignStatus
	Bucket   Bucket
	// Schedules, if not nil, are the schedule types to keep.
	Schedules []kind.ScheduleType
	// Search keeps campaigns whose name contains the text, ignoring case. With SearchSubject, the
	// subject of the email is searched too.
	Search        string
	SearchSubject bool
	// TagsAnyOf, TagsAllOf and TagsNoneOf, if not nil, are ids of tags.
	TagsAnyOf, TagsAllOf, TagsNoneOf []int64
	// IDs, if not nil, are the campaigns to keep, and OwnerIDs the accounts whose campaigns to keep.
	IDs, OwnerIDs []int64
	// CreatedAt, SendAt (the next due time) and FinishedAt select time spans.
	CreatedAt, SendAt, FinishedAt Span
	HasEmail, HasAudience         *bool
	// Recipients and Sent select ranges of numbers, and the rates select ranges of fractions. A
	// rate with denominator 0 matches no range.
	Recipients, Sent                Range[int64]
	OpenRate, ClickRate, BounceRate Range[float64]
	And, Or                         []Filter
	Not                             *Filter
}

// Span is a span of time: From is inclusive, To is exclusive, and nil means no bound.
type Span struct{ From, To *time.Time }

// Range is a range of numbers with inclusive bounds; nil means no bound.
type Range[T int64 | float64] struct{ Min, Max *T }

// Validate returns an error if the filter is nested too deeply, has too many conditions, searches
// or ids, or has a search text that is too long.
func (f Filter) Validate() error { return new(extent).add(f, 1) }

// extent is the size of a filter.
type extent struct{ conditions, searches, values int }

func (e *extent) add(f Filter, depth int) error {
	e.conditions++
	e.values += len(f.IDs) + len(f.OwnerIDs) + len(f.TagsAnyOf) + len(f.TagsAllOf) + len(f.TagsNoneOf)
	if f.Search != "" {
		e.searches++
	}
	switch {
	case depth > maxFilterDepth:
		return apperr.InvalidField("filter", apperr.ReasonFilterTooDeep, "is nested deeper than %d", maxFilterDepth)
	case e.conditions > maxFilterConditions:
		return apperr.InvalidField("filter", apperr.ReasonFilterTooLarge, "has more than %d parts", maxFilterConditions)
	case e.searches > maxFilterSearches:
		return apperr.InvalidField(
			"filter", apperr.ReasonFilterTooLarge, "searches for more than %d texts", maxFilterSearches,
		)
	case e.values > maxFilterValues:
		return apperr.InvalidField("filter", apperr.ReasonFilterTooLarge, "names more than %d ids", maxFilterValues)
	case kind.Cut(f.Search, maxSearchLength) != f.Search:
		return apperr.InvalidField(
			"filter.search", apperr.ReasonTextTooLong, "at most %d characters are allowed", maxSearchLength,
		)
	}
	nested := append(append([]Filter{}, f.And...), f.Or...)
	if f.Not != nil {
		nested = append(nested, *f.Not)
	}
	for _, part := range nested {
		if err := e.add(part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// where compiles the filter to one condition on the campaigns table. It returns nil if the filter
// selects all. Every value is a bound parameter.
func (f Filter) where(s *sql.Selector) *sql.Predicate {
	var all []*sql.Predicate
	add := func(p *sql.Predicate) {
		if p != nil {
			all = append(all, p)
		}
	}
	if f.Statuses != nil {
		// Use status_rank instead of status, because it is the indexed column.
		var ranks []any
		for _, status := range store.Distinct(f.Statuses) {
			ranks = append(ranks, status.Rank())
		}
		add(in(s.C(campaign.FieldStatusRank), ranks))
	}
	add(f.Bucket.where(s))
	if f.Schedules != nil {
		add(in(s.C(campaign.FieldScheduleType), store.Args(store.Distinct(f.Schedules))))
	}
	add(f.search(s))
	add(f.tags(s))
	if f.IDs != nil {
		add(in(s.C(campaign.FieldID), store.Args(f.IDs)))
	}
	if f.OwnerIDs != nil {
		add(in(s.C(campaign.FieldUserID), store.Args(f.OwnerIDs)))
	}
	add(f.CreatedAt.where(s.C(campaign.FieldCreatedAt)))
	add(f.SendAt.where(s.C(campaign.FieldNextSendAt)))
	add(f.FinishedAt.where(s.C(campaign.FieldSendingFinishedAt)))
	if f.HasEmail != nil {
		add(presence(s.C(campaign.FieldEmailID), *f.HasEmail))
	}
	if f.HasAudience != nil {
		add(sql.EQ(s.C(campaign.FieldHasAudience), *f.HasAudience))
	}
	add(f.Recipients.where(s.C(campaign.FieldTotalRecipients)))
	add(f.Sent.where(s.C(campaign.FieldTotalSent)))
	add(f.rates(s))
	for _, part := range f.And {
		add(part.where(s))
	}
	if f.Or != nil {
		add(f.any(s))
	}
	if f.Not != nil {
		add(f.not(s))
	}
	return allOf(all)
}

func (f Filter) any(s *sql.Selector) *sql.Predicate {
	var any []*sql.Predicate
	for _, part := range f.Or {
		p := part.where(s)
		if p == nil {
			return nil // this alternative matches all
		}
		any = append(any, p)
	}
	switch len(any) {
	case 0:
		return sql.False()
	case 1:
		return any[0]
	default:
		return sql.Or(any...)
	}
}

// allOf returns the conjunction of the conditions, or nil if there are none. A single condition is
// returned unchanged. sql.And would drop its nesting level, from which an OR knows that it needs
// parentheses. Without them, the condition that isolates accounts would bind only to the last part
// of the OR.
func allOf(all []*sql.Predicate) *sql.Predicate {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	default:
		return sql.And(all...)
	}
}

func (f Filter) not(s *sql.Selector) *sql.Predicate {
	p := f.Not.where(s)
	if p == nil {
		return sql.False()
	}
	// A comparison with NULL is neither true nor false. COALESCE makes NOT match everything that
	// the inner condition does not match.
	return sql.P(func(b *sql.Builder) {
		b.WriteString("NOT COALESCE(").Wrap(func(b *sql.Builder) { b.Join(p) }).WriteString(", FALSE)")
	})
}

func (b Bucket) where(s *sql.Selector) *sql.Predicate {
	rank, plan := s.C(campaign.FieldStatusRank), s.C(campaign.FieldScheduleType)
	switch b {
	case BucketScheduled:
		return sql.And(
			sql.EQ(rank, kind.StatusReady.Rank()),
			sql.In(plan, string(kind.ScheduleFuture), string(kind.ScheduleRecurring)),
		)
	case BucketOutbox:
		return sql.Or(
			sql.In(rank, kind.StatusSending.Rank(), kind.StatusPaused.Rank()),
			sql.And(sql.EQ(rank, kind.StatusReady.Rank()), sql.EQ(plan, string(kind.ScheduleImmediate))),
		)
	default:
		return nil
	}
}

// contains is a substring match in which % and _ have no special meaning. It works the same on both
// databases.
func contains(column, text string) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString("INSTR(").Ident(column).Comma().Arg(text).WriteString(") > 0")
	})
}

func (f Filter) search(s *sql.Selector) *sql.Predicate {
	text := kind.Fold(kind.Clean(f.Search), nameKeyLength)
	if text == "" {
		return nil
	}
	name := contains(s.C(campaign.FieldNameKey), text)
	if !f.SearchSubject {
		return name
	}
	emails := sql.Table(email.Table).As("searched_email")
	subject := sql.Select(emails.C(email.FieldID)).From(emails).Where(sql.And(
		sql.ColumnsEQ(emails.C(email.FieldID), s.C(campaign.FieldEmailID)),
		sql.ColumnsEQ(emails.C(email.FieldUserID), s.C(campaign.FieldUserID)),
		contains(emails.C(email.FieldSubjectKey), text),
	))
	return sql.Or(name, sql.Exists(subject))
}

func (f Filter) tags(s *sql.Selector) *sql.Predicate {
	var all []*sql.Predicate
	if f.TagsAnyOf != nil {
		all = append(all, tagged(s, f.TagsAnyOf))
	}
	for _, id := range f.TagsAllOf {
		all = append(all, tagged(s, []int64{id}))
	}
	if len(f.TagsNoneOf) > 0 {
		all = append(all, sql.Not(tagged(s, f.TagsNoneOf)))
	}
	return allOf(all)
}

// tagged is the condition that a campaign has one of the tags. The row in campaign_tags must belong
// to the account of the campaign.
func tagged(s *sql.Selector, ids []int64) *sql.Predicate {
	if len(ids) == 0 {
		return sql.False()
	}
	taggings := sql.Table(campaigntag.Table).As("filter_tagging")
	return sql.Exists(sql.Select(taggings.C(campaigntag.FieldTagID)).From(taggings).Where(sql.And(
		sql.ColumnsEQ(taggings.C(campaigntag.FieldCampaignID), s.C(campaign.FieldID)),
		sql.ColumnsEQ(taggings.C(campaigntag.FieldUserID), s.C(campaign.FieldUserID)),
		sql.In(taggings.C(campaigntag.FieldTagID), store.Args(ids)...),
	)))
}

// rates compares the same fractions that the statistics show, as the same floating-point numbers. A
// campaign without deliveries has no rate and matches no range.
func (f Filter) rates(s *sql.Selector) *sql.Predicate {
	bounced := "(" + s.C(campaign.FieldTotalHardBounces) + " + " + s.C(campaign.FieldTotalSoftBounces) + ")"
	delivered := "(" + s.C(campaign.FieldTotalSent) + " - " + bounced + ")"
	var all []*sql.Predicate
	for _, r := range []struct {
		of          Range[float64]
		part, whole string
	}{
		{f.OpenRate, s.C(campaign.FieldUniqueOpens), delivered},
		{f.ClickRate, s.C(campaign.FieldUniqueClicks), delivered},
		{f.BounceRate, bounced, s.C(campaign.FieldTotalSent)},
	} {
		if r.of.Min == nil && r.of.Max == nil {
			continue
		}
		all = append(all, sql.ExprP(r.whole+" > 0"))
		if r.of.Min != nil {
			all = append(all, sql.ExprP(r.part+" * 1e0 / "+r.whole+" >= ?", *r.of.Min))
		}
		if r.of.Max != nil {
			all = append(all, sql.ExprP(r.part+" * 1e0 / "+r.whole+" <= ?", *r.of.Max))
		}
	}
	return allOf(all)
}

func (r Range[T]) where(column string) *sql.Predicate {
	switch {
	case r.Min == nil && r.Max == nil:
		return nil
	case r.Max == nil:
		return sql.GTE(column, *r.Min)
	case r.Min == nil:
		return sql.LTE(column, *r.Max)
	default:
		return sql.And(sql.GTE(column, *r.Min), sql.LTE(column, *r.Max))
	}
}

func (p Span) where(column string) *sql.Predicate {
	switch {
	case p.From == nil && p.To == nil:
		return nil
	case p.To == nil:
		return sql.GTE(column, p.From.UTC())
	case p.From == nil:
		return sql.LT(column, p.To.UTC())
	default:
		return sql.And(sql.GTE(column, p.From.UTC()), sql.LT(column, p.To.UTC()))
	}
}

func presence(column string, present bool) *sql.Predicate {
	if present {
		return sql.NotNull(column)
	}
	return sql.IsNull(column)
}

func in(column string, values []any) *sql.Predicate {
	if len(values) == 0 {
		return sql.False()
	}
	return sql.In(column, values...)
}

// scans reports whether the filter has a condition that no index serves: a substring search or a
// rate. Then the query may read every campaign of the account.
func (f Filter) scans() bool {
	return f.Search != "" || f.OpenRate != (Range[float64]{}) || f.ClickRate != (Range[float64]{}) ||
		f.BounceRate != (Range[float64]{}) || f.Not != nil && f.Not.scans() ||
		slices.ContainsFunc(f.And, Filter.scans) || slices.ContainsFunc(f.Or, Filter.scans)
}
