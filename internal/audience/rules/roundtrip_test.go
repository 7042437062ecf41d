package rules_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"campaignql/internal/audience/rules"
)

var ids = rapid.Int64Range(1, 1<<63-1)

func distinct(least int) *rapid.Generator[[]int64] {
	return rapid.Custom(func(t *rapid.T) []int64 {
		out := rapid.SliceOfNDistinct(ids, least, 4, rapid.ID[int64]).Draw(t, "ids")
		if len(out) == 0 {
			return nil
		}
		return out
	})
}

func moments(t *rapid.T, from int64) rules.Moment {
	wall := time.Unix(rapid.Int64Range(from, 4_000_000_000).Draw(t, "second"), 0).UTC()
	m := rules.Moment{Wall: wall, DateOnly: rapid.Bool().Draw(t, "date only")}
	if m.DateOnly {
		m.Wall = wall.Truncate(24 * time.Hour)
	}
	return m
}

func fieldRules(t *rapid.T) rules.Rule {
	f := rules.Field{Operator: rapid.SampledFrom([]rules.FieldOperator{
		rules.Is, rules.IsNot, rules.Contains, rules.DoesNotContain, rules.BeginsWith, rules.EndsWith, rules.IsLessThan,
		rules.IsLessOrEqual, rules.IsGreaterThan, rules.IsGreaterOrEqual, rules.IsSet, rules.IsNotSet,
	}).Draw(t, "operator")}
	f.Name = rapid.SampledFrom([]rules.FieldName{
		"", rules.EmailAddress, rules.SubscriptionIP, rules.SubscriptionDate, rules.OptInDate, rules.SubscriberID,
	}).Draw(t, "name")
	if f.Name == "" {
		f.CustomID = ids.Draw(t, "custom field")
	}
	switch {
	case f.Operator == rules.IsSet || f.Operator == rules.IsNotSet:
	case f.Name == rules.SubscriptionDate || f.Name == rules.OptInDate:
		f.Value = moments(t, 0).String()
	case f.Name == rules.SubscriberID:
		f.Value = rapid.StringMatching(`[1-9][0-9]{0,17}`).Draw(t, "number")
	default:
		f.Value = rapid.StringN(1, 20, -1).Draw(t, "value")
	}
	return f
}

func eventRules(t *rapid.T) rules.Rule {
	e := rules.CampaignEvent{
		Event: rapid.SampledFrom([]rules.Event{
			rules.EventOpened, rules.EventClicked, rules.EventUnsubscribed, rules.EventComplained,
			rules.EventBounced, rules.EventDelivered, rules.EventFailed,
		}).Draw(t, "event"),
		Not:         rapid.Bool().Draw(t, "not"),
		CampaignIDs: distinct(0).Draw(t, "campaigns"),
	}
	if e.Event == rules.EventDelivered || e.Event == rules.EventFailed {
		return e
	}
	if rapid.Bool().Draw(t, "counted") {
		e.Count = &rules.Aggregation{
			Operator: rapid.SampledFrom([]rules.AggregationOperator{rules.AtLeast, rules.AtMost, rules.Exactly}).
				Draw(t, "aggregation"),
			Count: rapid.IntRange(0, 1<<31-1).Draw(t, "count"),
		}
	}
	if rapid.Bool().Draw(t, "timed") {
		e.Time = timeFilters(t)
	}
	return e
}

func timeFilters(t *rapid.T) *rules.TimeFilter {
	f := &rules.TimeFilter{Type: rapid.SampledFrom([]rules.TimeFilterType{
		rules.InLastDays, rules.NotInLastDays, rules.Between, rules.NotBetween, rules.After, rules.Before,
	}).Draw(t, "time filter")}
	switch f.Type {
	case rules.InLastDays, rules.NotInLastDays:
		f.Days = rapid.IntRange(1, 36500).Draw(t, "days")
	case rules.Between, rules.NotBetween:
		f.From = moments(t, 0)
		f.To = moments(t, f.From.Wall.Unix())
	case rules.After:
		f.From = moments(t, 0)
	case rules.Before:
		f.To = moments(t, 0)
	}
	return f
}

func tagRules(t *rapid.T) rules.Rule {
	r := rules.Tags{Operator: rapid.SampledFrom([]rules.TagOperator{
		rules.HasTag, rules.LacksTag, rules.HasAnyTag, rules.HasAllTags, rules.HasNoTags,
	}).Draw(t, "operator")}
	switch r.Operator {
	case rules.HasTag, rules.LacksTag:
		r.IDs = []int64{ids.Draw(t, "tag")}
	case rules.HasAnyTag, rules.HasAllTags:
		r.IDs = distinct(1).Draw(t, "tags")
	case rules.HasNoTags:
	}
	return r
}

func anyRule(t *rapid.T, outer rules.Connector, depth int) rules.Rule {
	kinds := 6
	if depth == rules.MaxDepth {
		kinds = 5
	}
	switch rapid.IntRange(1, kinds).Draw(t, "kind") {
	case 1:
		return fieldRules(t)
	case 2:
		return rules.Segment{
			Operator: rapid.SampledFrom([]rules.SegmentOperator{rules.BelongsTo, rules.DoesNotBelongTo}).
				Draw(t, "operator"),
			ID: ids.Draw(t, "segment"),
		}
	case 3:
		return tagRules(t)
	case 4:
		return rules.Suppression{
			Operator: rapid.SampledFrom([]rules.SuppressionOperator{rules.Suppressed, rules.NotSuppressed}).
				Draw(t, "operator"),
		}
	case 5:
		return eventRules(t)
	default:
		return group(t, outer.Alternate(), 1, depth+1)
	}
}

func group(t *rapid.T, operator rules.Connector, least, depth int) rules.Group {
	n := rapid.IntRange(least, 3).Draw(t, "rules")
	if n == 0 {
		return rules.Group{}
	}
	g := rules.Group{Operator: operator}
	for range n {
		g.Rules = append(g.Rules, anyRule(t, operator, depth))
	}
	return g
}

func connector(t *rapid.T) rules.Connector {
	return rapid.SampledFrom([]rules.Connector{rules.And, rules.Or}).Draw(t, "connector")
}

func criteria(t *rapid.T, least int) []rules.Criterion {
	var out []rules.Criterion
	for range rapid.IntRange(least, 3).Draw(t, "criteria") {
		out = append(out, rules.Criterion{ListID: ids.Draw(t, "list"), Where: group(t, connector(t), 0, 1)})
	}
	return out
}

func TestEveryTreeSurvivesItsCanonicalJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rules.Audience{
			Form: rules.FormRules, Operator: connector(t), Criteria: criteria(t, 1), Exclude: criteria(t, 0),
		}
		checkRoundTrip(t, a)
		text, err := a.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > rules.MaxBytes {
			return
		}
		back, err := rules.ParseRules(text)
		if err != nil {
			t.Fatalf("ParseRules(%s): %v", text, err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Fatalf("%s parsed back (-want +got):\n%s", text, diff)
		}
	})
}

func TestEveryListOfPairsSurvivesItsCanonicalJSONAndItsText(t *testing.T) {
	t.Parallel()
	pairs := rapid.StringMatching(`([1-9][0-9]{0,8}(:[0-9]{1,9})?,){0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, err := rules.ParseLists(pairs.Draw(t, "include"), pairs.Draw(t, "exclude"))
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, a)
		back, err := rules.ParseLists(a.Lists())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Fatalf("from its pairs (-want +got):\n%s", diff)
		}
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkRoundTrip checks that the canonical JSON of a gives the same tree, and that writing this
// tree gives the same bytes.
func checkRoundTrip(t fataler, a rules.Audience) {
	t.Helper()
	text, err := a.MarshalJSON()
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	var back rules.Audience
	if err := back.UnmarshalJSON(text); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	if diff := cmp.Diff(a, back); diff != "" {
		t.Fatalf("%s read back (-want +got):\n%s", text, diff)
	}
	again, err := back.MarshalJSON()
	if err != nil {
		t.Fatalf("writing again: %v", err)
	}
	if !bytes.Equal(text, again) {
		t.Fatalf("written again:\n%s\nat first:\n%s", again, text)
	}
}

// For every text, the parser must not panic, and the canonical JSON of an accepted tree must give
// the same tree.
func FuzzParseRules(f *testing.F) {
	seeds := []string{
		`{"operator":"or","criteria":[{"list_id":1,"operator":"and","rules":[A,[B,[C,D]]]},{"list_id":"2"}],"exclude":[{"list_id":3,"rules":[[A],[B]]}]}`,
		`{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":"SubscriptionDate","operator":"is_less_than","value":"2026-01-31 10:00:00"}]}]}`,
		`{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":5,"operator":"equals","value":"<\u2028\u0000\ud800%_\\>"}]}]}`,
		`{"criteria":[{"list_id":1,"rules":[{"type":"campaign-events","operator":"not opened","value":"1,2","time_filter":{"type":"between","value":["2026-01-31","2026-01-31"]},"aggregation":{"operator":"at_most","count":"3"}}]}]}`,
		`{"criteria":[{"list_id":1,"rules":[{"type":"campaign-events","operator":"clicked","value":[],"time_filter":{"type":"in_last_x_days","value":7}}]}]}`,
		`{"criteria":[{"list_id":1,"rules":[{"type":"segments","operator":"belongs to","value":2},{"type":"suppressions","operator":"exist"}]}]}`,
		`{"criteria":[{"list_id":1,"rules":[{"type":"journeys"},{"type":"website-events"}]}]}`,
		`{"criteria":[{"list_id":1,"rules":[]}]}{`,
		`[[A,B],[C]]`,
		`[[[[[[[[[[`,
		"\xff\x00",
		``,
	}
	for _, seed := range seeds {
		f.Add([]byte(expand(seed)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if a, err := rules.ParseRules(text); err == nil {
			if a.IsZero() {
				t.Fatal("accepted an audience of nobody")
			}
			checkRoundTrip(t, a)
			a.References()
		}
		if g, err := rules.ParseSegmentRules(text); err == nil {
			written, err := g.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var back rules.Group
			if err := back.UnmarshalJSON(written); err != nil {
				t.Fatalf("reading %s: %v", written, err)
			}
			if diff := cmp.Diff(g, back); diff != "" {
				t.Fatalf("%s read back (-want +got):\n%s", written, diff)
			}
		}
	})
}
