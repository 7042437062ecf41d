package campaign_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// matches evaluates a filter on one campaign in memory, according to its documentation.
func matches(f campaign.Filter, c known) bool {
	carries := func(id int64) bool { return slices.Contains(c.tags, id) }
	search := kind.Fold(f.Search, 500)
	delivered := c.TotalSent - c.TotalHardBounces - c.TotalSoftBounces
	switch {
	case f.Statuses != nil && !slices.Contains(f.Statuses, c.Status),
		f.Bucket == campaign.BucketScheduled && !scheduled(c),
		f.Bucket == campaign.BucketOutbox && !outbox(c),
		f.Schedules != nil && !slices.Contains(f.Schedules, c.ScheduleType),
		search != "" && !strings.Contains(kind.Fold(c.Name, 500), search) && !(f.SearchSubject && strings.Contains(kind.Fold(c.subject, 500), search)),
		f.TagsAnyOf != nil && !slices.ContainsFunc(f.TagsAnyOf, carries),
		slices.ContainsFunc(f.TagsAllOf, func(id int64) bool { return !carries(id) }),
		slices.ContainsFunc(f.TagsNoneOf, carries),
		f.IDs != nil && !slices.Contains(f.IDs, c.ID),
		!within(f.CreatedAt, &c.CreatedAt), !within(f.SendAt, c.NextSendAt), !within(f.FinishedAt, c.SendingFinishedAt),
		f.HasEmail != nil && *f.HasEmail != (c.EmailID != nil),
		f.HasAudience != nil && *f.HasAudience != c.HasAudience,
		!between(f.Recipients, c.TotalRecipients), !between(f.Sent, c.TotalSent),
		!rated(f.OpenRate, c.UniqueOpens, delivered), !rated(f.ClickRate, c.UniqueClicks, delivered),
		!rated(f.BounceRate, c.TotalHardBounces+c.TotalSoftBounces, c.TotalSent),
		slices.ContainsFunc(f.And, func(part campaign.Filter) bool { return !matches(part, c) }),
		f.Or != nil && !slices.ContainsFunc(f.Or, func(part campaign.Filter) bool { return matches(part, c) }),
		f.Not != nil && matches(*f.Not, c):
		return false
	}
	return true
}

func scheduled(c known) bool {
	return c.Status == kind.StatusReady &&
		(c.ScheduleType == kind.ScheduleFuture || c.ScheduleType == kind.ScheduleRecurring)
}

func outbox(c known) bool {
	return c.Status == kind.StatusSending || c.Status == kind.StatusPaused ||
		c.Status == kind.StatusReady && c.ScheduleType == kind.ScheduleImmediate
}

func within(s campaign.Span, at *time.Time) bool {
	if s.From == nil && s.To == nil {
		return true
	}
	return at != nil && (s.From == nil || !at.Before(*s.From)) && (s.To == nil || at.Before(*s.To))
}

func between[T int64 | float64](r campaign.Range[T], n T) bool {
	return (r.Min == nil || n >= *r.Min) && (r.Max == nil || n <= *r.Max)
}

func rated(r campaign.Range[float64], part, whole int64) bool {
	if r.Min == nil && r.Max == nil {
		return true
	}
	return whole > 0 && between(r, float64(part)/float64(whole))
}

// conditions fill one condition of a filter each.
var conditions = []func(r *rand.Rand, p *population, f *campaign.Filter){
	func(r *rand.Rand, _ *population, f *campaign.Filter) { f.Statuses = some(r, kind.CampaignStatuses()) },
	func(r *rand.Rand, _ *population, f *campaign.Filter) {
		f.Bucket = []campaign.Bucket{campaign.BucketScheduled, campaign.BucketOutbox}[r.IntN(2)]
	},
	func(r *rand.Rand, _ *population, f *campaign.Filter) {
		f.Schedules = some(
			r,
			[]kind.ScheduleType{kind.ScheduleNone, kind.ScheduleImmediate, kind.ScheduleFuture, kind.ScheduleRecurring},
		)
	},
	func(r *rand.Rand, _ *population, f *campaign.Filter) {
		f.Search, f.SearchSubject = words[r.IntN(len(words))], r.IntN(2) == 0
		if runes := []rune(f.Search); r.IntN(2) == 0 {
			f.Search = string(runes[r.IntN(len(runes))])
		}
	},
	func(r *rand.Rand, p *population, f *campaign.Filter) { f.TagsAnyOf = some(r, p.tags) },
	func(r *rand.Rand, p *population, f *campaign.Filter) { f.TagsAllOf = some(r, p.tags) },
	func(r *rand.Rand, p *population, f *campaign.Filter) { f.TagsNoneOf = some(r, p.tags) },
	func(r *rand.Rand, p *population, f *campaign.Filter) {
		f.IDs = []int64{unknownID}
		for _, row := range p.rows {
			if r.IntN(2) == 0 {
				f.IDs = append(f.IDs, row.ID)
			}
		}
	},
	func(r *rand.Rand, _ *population, f *campaign.Filter) { f.CreatedAt = span(r) },
	func(r *rand.Rand, _ *population, f *campaign.Filter) { f.SendAt = span(r) },
	func(r *rand.Rand, _ *population, f *campaign.Filter) { f.FinishedAt = span(r) },
	func(r *rand.Rand, _ *population, f *campaign.Filter) { f.HasEmail = new(r.IntN(2) == 0) },
	func(r *rand.Rand, _ *population, f *campaign.Filter) { f.HasAudience = new(r.IntN(2) == 0) },
	func(r *rand.Rand, _ *population, f *campaign.Filter) {
		f.Recipients = numbers(r, func() int64 { return int64(r.IntN(50)) })
	},
	func(r *rand.Rand, _ *population, f *campaign.Filter) {
		f.Sent = numbers(r, func() int64 { return int64(r.IntN(3)) * 50 })
	},
	func(r *rand.Rand, p *population, f *campaign.Filter) {
		f.OpenRate = numbers(r, func() float64 { return p.rate(r, func(c known) int64 { return c.UniqueOpens }) })
	},
	func(r *rand.Rand, p *population, f *campaign.Filter) {
		f.ClickRate = numbers(r, func() float64 { return p.rate(r, func(c known) int64 { return c.UniqueClicks }) })
	},
	func(r *rand.Rand, _ *population, f *campaign.Filter) {
		f.BounceRate = numbers(r, func() float64 { return float64(r.IntN(50)) / 100 })
	},
}

// rate returns the rate of a random campaign, so that ranges end on values that occur.
func (p *population) rate(r *rand.Rand, part func(c known) int64) float64 {
	c := p.rows[r.IntN(len(p.rows))]
	if delivered := c.TotalSent - c.TotalHardBounces - c.TotalSoftBounces; delivered > 0 {
		return float64(part(c)) / float64(delivered)
	}
	return float64(r.IntN(100)) / 100
}

// some returns a random subset of the values in any order. It may be empty, which is not the same
// as no condition.
func some[T any](r *rand.Rand, values []T) []T {
	out := []T{}
	for _, i := range r.Perm(len(values))[:r.IntN(len(values))] {
		out = append(out, values[i])
	}
	return out
}

func span(r *rand.Rand) campaign.Span {
	from, to := hours(r).In(time.FixedZone("", 3600)), hours(r)
	return []campaign.Span{{From: &from}, {To: &to}, {From: &from, To: &to}}[r.IntN(3)]
}

func numbers[T int64 | float64](r *rand.Rand, value func() T) campaign.Range[T] {
	low, high := value(), value()
	return []campaign.Range[T]{{Min: &low}, {Max: &high}, {Min: &low, Max: &high}}[r.IntN(3)]
}

func (p *population) filter(r *rand.Rand, depth int) campaign.Filter {
	var f campaign.Filter
	for range r.IntN(3) {
		conditions[r.IntN(len(conditions))](r, p, &f)
	}
	parts := func() []campaign.Filter {
		out := []campaign.Filter{}
		for range r.IntN(3) {
			out = append(out, p.filter(r, depth-1))
		}
		return out
	}
	if depth > 0 {
		if r.IntN(3) == 0 {
			f.And = parts()
		}
		if r.IntN(3) == 0 {
			f.Or = parts()
		}
		if r.IntN(3) == 0 {
			not := p.filter(r, depth-1)
			f.Not = &not
		}
	}
	return f
}

// agree fails the test unless List, Count and Counts give the same result as the evaluation in
// memory. It returns the number of matches.
func (p *population) agree(t *testing.T, name string, f campaign.Filter) int {
	t.Helper()
	want, counts := []int64{}, campaign.Counts{ByStatus: map[kind.CampaignStatus]int{}}
	for _, row := range p.rows {
		if !matches(f, row) {
			continue
		}
		want = append(want, row.ID)
		counts.Total++
		counts.ByStatus[row.Status]++
		if scheduled(row) {
			counts.Scheduled++
		}
		if outbox(row) {
			counts.Outbox++
		}
	}
	result, err := p.campaigns.List(p.ctx, f, campaign.ByID, page.Request{First: new(page.MaxSize)})
	if err != nil {
		t.Fatalf("%s: %+v: %v", name, f, err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, idsOf(result.Items)); diff != "" {
		t.Fatalf("%s: %+v chooses other campaigns: -want +got\n%s", name, f, diff)
	}
	if n, err := p.campaigns.Count(p.ctx, f); n != len(want) || err != nil {
		t.Errorf("%s: Count is %d, %v, the list has %d", name, n, err, len(want))
	}
	got, err := p.campaigns.Counts(p.ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(counts, *got); diff != "" {
		t.Errorf("%s: Counts: -want +got\n%s", name, diff)
	}
	return len(want)
}

func idsOf(rows []*ent.Campaign) []int64 {
	ids := []int64{}
	for _, c := range rows {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestFiltersChooseWhatTheyDescribe(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		r := rand.New(rand.NewPCG(20261123, 7))
		p := populate(t, db, r)
		for i, fill := range conditions {
			chosen := 0
			for range 8 {
				var f campaign.Filter
				fill(r, p, &f)
				n := p.agree(t, fmt.Sprint("condition ", i), f)
				if n > 0 && n < len(p.rows) {
					chosen++
				}
				p.agree(t, fmt.Sprint("not condition ", i), campaign.Filter{Not: &f})
			}
			if chosen == 0 {
				t.Errorf("condition %d never chose a part of the campaigns: the test says nothing of it", i)
			}
		}
		for i := range 150 {
			p.agree(t, fmt.Sprint("nested ", i), p.filter(r, 3))
		}
	})
}

func TestAFilterWithoutConditionsChoosesAllAndAnEmptyChoiceNone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		p := populate(t, db, rand.New(rand.NewPCG(1, 1)))
		all := len(p.rows)
		for _, tt := range []struct {
			name   string
			filter campaign.Filter
			want   int
		}{
			{"zero", campaign.Filter{}, all},
			{"blank search", campaign.Filter{Search: " \t"}, all},
			{"no status", campaign.Filter{Statuses: []kind.CampaignStatus{}}, 0},
			{"no schedule", campaign.Filter{Schedules: []kind.ScheduleType{}}, 0},
			{"no id", campaign.Filter{IDs: []int64{}}, 0},
			{"any of no tags", campaign.Filter{TagsAnyOf: []int64{}}, 0},
			{"all of no tags", campaign.Filter{TagsAllOf: []int64{}}, all},
			{"none of no tags", campaign.Filter{TagsNoneOf: []int64{}}, all},
			{"any of nothing", campaign.Filter{Or: []campaign.Filter{}}, 0},
			{"one part that chooses all", campaign.Filter{Or: []campaign.Filter{{IDs: []int64{}}, {}}}, all},
			{"not all", campaign.Filter{Not: &campaign.Filter{}}, 0},
			{"not none", campaign.Filter{Not: &campaign.Filter{IDs: []int64{}}}, all},
			{"a tag that the stranger's taggings name", campaign.Filter{TagsAnyOf: []int64{unknownID}}, 0},
		} {
			if n := p.agree(t, tt.name, tt.filter); n != tt.want {
				t.Errorf("%s: %d campaigns, want %d", tt.name, n, tt.want)
			}
		}
	})
}

func TestSearchTakesItsTextLiterallyAndWithoutCase(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for _, name := range []string{"100% off", "1000 off", "a_b", "axb", `back\slash`, "Grüße aus Köln", "GRÜSSE", "it's; DROP TABLE", "Ünï", "Office ﬁle"} {
			f.create(t, name)
		}
		mailed := f.create(t, "Mailed")
		f.update(t, mailed.ID, campaign.Patch{EmailID: &f.email(t, f.owner, "Ganz 50% GRÜN").ID})
		for _, tt := range []struct {
			search  string
			subject bool
			want    []string
		}{
			{"0%", false, []string{"100% off"}},
			{"0%", true, []string{"100% off", "Mailed"}},
			{"%", false, []string{"100% off"}},
			{"_", false, []string{"a_b"}},
			{`\`, false, []string{`back\slash`}},
			{`\%`, false, nil},
			{"A_B", false, []string{"a_b"}},
			{"GRÜSSE", false, []string{"GRÜSSE", "Grüße aus Köln"}},
			{"grüße", false, []string{"GRÜSSE", "Grüße aus Köln"}},
			{"grusse", false, nil},
			{"grün", true, []string{"Mailed"}},
			{"grün", false, nil},
			{"'s; drop", false, []string{"it's; DROP TABLE"}},
			{"üNÏ", false, []string{"Ünï"}},
			{"u\u0308ni\u0308", false, []string{"Ünï"}},
			{" FILE ", false, []string{"Office ﬁle"}},
		} {
			result, err := f.campaigns.List(
				f.ctx, campaign.Filter{Search: tt.search, SearchSubject: tt.subject}, campaign.ByID, page.Request{},
			)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range result.Items {
				got = append(got, c.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q, subjects %v: -want +got\n%s", tt.search, tt.subject, diff)
			}
		}
	})
}

func TestARateIsFoundByTheNumberThatIsShown(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for opens := range int64(101) {
			shown := float64(opens) / 100
			c := f.at(t, kind.StatusSent, func(u *ent.CampaignUpdateOne) { u.SetTotalSent(100).SetUniqueOpens(opens) })
			exactly := campaign.Filter{IDs: []int64{c.ID}, OpenRate: campaign.Range[float64]{Min: &shown, Max: &shown}}
			if n, err := f.campaigns.Count(f.ctx, exactly); n != 1 || err != nil {
				t.Errorf("a rate of %v is not within %v to %v: %v", shown, shown, shown, err)
			}
		}
	})
}

func TestFiltersBeyondTheirLimitsAreRefused(t *testing.T) {
	t.Parallel()
	deep := campaign.Filter{}
	for range 5 {
		inner := deep
		deep = campaign.Filter{Not: &inner}
	}
	wide := campaign.Filter{And: make([]campaign.Filter, 100)}
	for name, tt := range map[string]struct {
		filter campaign.Filter
		reason apperr.Reason
	}{
		"too deep":      {deep, "filter_too_deep"},
		"too many":      {wide, "filter_too_large"},
		"many searches": {campaign.Filter{Or: slices.Repeat([]campaign.Filter{{Search: "a"}}, 11)}, "filter_too_large"},
		"many ids":      {campaign.Filter{Or: slices.Repeat([]campaign.Filter{{IDs: make([]int64, 250)}}, 81)}, "filter_too_large"},
		"long search":   {campaign.Filter{Search: strings.Repeat("ü", 251)}, apperr.ReasonTextTooLong},
		"nested search": {campaign.Filter{Or: []campaign.Filter{{Search: strings.Repeat("a", 251)}}}, apperr.ReasonTextTooLong},
	} {
		t.Run(name, func(t *testing.T) { wantFault(t, tt.filter.Validate(), apperr.Invalid, tt.reason) })
	}
	for name, f := range map[string]campaign.Filter{
		"five deep":      *deep.Not,
		"a hundred":      {And: make([]campaign.Filter, 99)},
		"ten searches":   {Or: slices.Repeat([]campaign.Filter{{Search: "a"}}, 10)},
		"longest search": {Search: strings.Repeat("ü", 250)},
	} {
		if err := f.Validate(); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
}

func TestValuesThatRepeatCountOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		f.create(t, "One")
		filter := campaign.Filter{
			Statuses: slices.Repeat([]kind.CampaignStatus{kind.StatusDraft, kind.StatusSent}, 40_000),
		}
		filter.Schedules = slices.Repeat([]kind.ScheduleType{kind.ScheduleNone}, 40_000)
		if n, err := f.campaigns.Count(f.ctx, filter); n != 1 || err != nil {
			t.Errorf("%d campaigns, %v", n, err)
		}
	})
}
