package campaign

import (
	"cmp"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent/campaign"
	"campaignql/ent/campaigntag"
	"campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Bucket is a group of campaigns by status and schedule.
type Bucket string

const (
	// BucketScheduled: Ready, with a schedule Future or Recursive (legacy status filter "Scheduled").
	BucketScheduled Bucket = "scheduled"
	// BucketOutbox: Ready to go out at once, Sending or Paused.
	BucketOutbox Bucket = "outbox"
)

// Limits of a filter.
const (
	maxFilterDepth      = 5
	maxFilterConditions = 100
	// maxFilterSearches bounds the conditions that look into every name.
	maxFilterSearches = 10
	// maxFilterValues is how many ids all conditions may name together; SQLite takes 32,766 values in a statement.
	maxFilterValues = 20_000
	maxSearchLength = 250
)

// Filter chooses campaigns: every condition that is given must hold. The zero value chooses all.
type Filter struct {
	// Statuses, if not nil, are the statuses to keep; an empty list keeps none.
	Statuses []kind.CampaignStatus
	Bucket   Bucket
	// Schedules, if not nil, are the kinds of schedule to keep.
	Schedules []kind.ScheduleType
	// Search keeps campaigns whose name, or with SearchSubject whose email's subject, contains the
	// text, without regard to case.
	Search        string
	SearchSubject bool
	// TagsAnyOf, TagsAllOf and TagsNoneOf, if not nil, are ids of tags.
	TagsAnyOf, TagsAllOf, TagsNoneOf []int64
	// IDs, if not nil, are the campaigns to keep.
	IDs []int64
	// CreatedAt, SendAt (next due) and FinishedAt keep a span of time.
	CreatedAt, SendAt, FinishedAt Span
	HasEmail, HasAudience         *bool
	// Recipients and Sent keep a range of numbers, the rates a range of fractions; a rate of nothing matches no range.
	Recipients, Sent                Range[int64]
	OpenRate, ClickRate, BounceRate Range[float64]
	And, Or                         []Filter
	Not                             *Filter
}

// Span is a span of time: From inclusive, To exclusive; nil is open.
type Span struct{ From, To *time.Time }

// Range is a range of numbers, both ends included; nil is open.
type Range[T int64 | float64] struct{ Min, Max *T }

// Validate reports a filter that is nested too deep, has too many conditions, searches or ids, or
// searches for too long a text.
func (f Filter) Validate() error { return new(extent).add(f, 1) }

// extent is how large a filter is.
type extent struct{ conditions, searches, values int }

func (e *extent) add(f Filter, depth int) error {
	e.conditions++
	e.values += len(f.IDs) + len(f.TagsAnyOf) + len(f.TagsAllOf) + len(f.TagsNoneOf)
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

// where compiles the filter to one condition on the campaigns table; nil when it chooses all. Every
// value is a bound parameter.
func (f Filter) where(s *sql.Selector) *sql.Predicate {
	var all []*sql.Predicate
	add := func(p *sql.Predicate) {
		if p != nil {
			all = append(all, p)
		}
	}
	if f.Statuses != nil {
		// status_rank stands for status: it is the indexed one.
		var ranks []any
		for _, status := range distinct(f.Statuses) {
			ranks = append(ranks, status.Rank())
		}
		add(in(s.C(campaign.FieldStatusRank), ranks))
	}
	add(f.Bucket.where(s))
	if f.Schedules != nil {
		add(in(s.C(campaign.FieldScheduleType), anys(distinct(f.Schedules))))
	}
	add(f.search(s))
	add(f.tags(s))
	if f.IDs != nil {
		add(in(s.C(campaign.FieldID), anys(f.IDs)))
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
			return nil // one part chooses all
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

// allOf is the condition that each of them holds; nil without any. A single one stays as it is: in
// sql.And it would lose its place in the nesting, by which an OR knows that it needs parentheses,
// and the condition that keeps accounts apart would bind to its last part alone.
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
	// A comparison with NULL is neither true nor false: what does not match is everything else.
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

// contains is an exact substring test in which % and _ mean themselves, the same on both databases.
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

// tagged is the condition that a campaign carries one of the tags. The tagging must be of the campaign's own account.
func tagged(s *sql.Selector, ids []int64) *sql.Predicate {
	if len(ids) == 0 {
		return sql.False()
	}
	taggings := sql.Table(campaigntag.Table).As("filter_tagging")
	return sql.Exists(sql.Select(taggings.C(campaigntag.FieldTagID)).From(taggings).Where(sql.And(
		sql.ColumnsEQ(taggings.C(campaigntag.FieldCampaignID), s.C(campaign.FieldID)),
		sql.ColumnsEQ(taggings.C(campaigntag.FieldUserID), s.C(campaign.FieldUserID)),
		sql.In(taggings.C(campaigntag.FieldTagID), anys(ids)...),
	)))
}

// rates compares the fractions that statistics shows, as the same floating-point numbers: a
// campaign of which nothing was delivered has none, and matches no range.
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

func distinct[T cmp.Ordered](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// scans reports whether the filter has a condition that no index serves, on a part of a text or on a
// rate: every campaign of the account may have to be read.
func (f Filter) scans() bool {
	return f.Search != "" || f.OpenRate != (Range[float64]{}) || f.ClickRate != (Range[float64]{}) ||
		f.BounceRate != (Range[float64]{}) || f.Not != nil && f.Not.scans() ||
		slices.ContainsFunc(f.And, Filter.scans) || slices.ContainsFunc(f.Or, Filter.scans)
}
