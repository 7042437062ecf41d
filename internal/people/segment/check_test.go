package segment_test

import (
	"fmt"
	"strings"
	"testing"

	"campaignql/internal/audience/query"
	"campaignql/internal/kind"
	"campaignql/internal/people/segment"
)

// checked returns a fixture whose service checks that rules can be evaluated, as in the server.
func (f fixture) checked() fixture {
	f.Service = segment.New(f.db, segment.Options{CheckRules: query.New(f.db, query.Options{}).CheckSegment})
	return f
}

func TestRulesThatCannotBeEvaluatedAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		f = f.checked()
		list, client := f.list(), f.db.Client(f.ctx)
		field := client.CustomField.Create().
			SetListID(list).
			SetName("n").
			SetNameKey("n").
			SetType(kind.FieldNumber).
			SetCreatedAt(start).
			SaveX(f.ctx).
			ID
		compared := fmt.Sprintf(`[{"type":"fields","field_id":%d,"operator":"is less than","value":"many"}]`, field)
		deepest := f.segment(list, "").ID
		for range query.MaxSegmentDepth - 1 {
			deepest = f.segment(list, naming(deepest)).ID
		}
		kept := f.segment(list, "")
		for name, test := range map[string]struct{ rules, want, message string }{
			"a value that does not suit its field": {compared, "invalid audience_invalid rules", "rules[0].value: the custom field"},
			"one level of segments too many":       {naming(deepest), "invalid audience_too_large rules", "deeper than 5 levels"},
		} {
			_, created := f.Create(f.ctx, segment.Input{ListID: list, Name: "s", Rules: test.rules}, nil)
			_, updated := f.Update(f.ctx, kept.ID, segment.Patch{Rules: &test.rules})
			for _, err := range []error{created, updated} {
				if fault(err) != test.want || !strings.Contains(err.Error(), test.message) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

func TestSegmentsAboveAreCheckedWithTheRules(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		f = f.checked()
		list := f.list()
		base := f.segment(list, "").ID
		middle := f.segment(list, naming(base, base, base)).ID
		f.segment(list, naming(middle))
		f.segment(list, strings.ReplaceAll(naming(middle), "belongs to", "does not belong to"))
		many := func(n int) *string {
			rules := strings.Repeat(`,{"type":"suppressions","operator":"exist"}`, n)
			return new("[" + strings.TrimPrefix(rules, ",") + "]")
		}
		// One rule names the middle segment. Three rules name the base segment, and each is
		// replaced by its rules.
		const fits = (query.MaxRules - 4) / 3
		if _, err := f.Update(f.ctx, base, segment.Patch{Rules: many(fits)}); err != nil {
			t.Fatal(err)
		}
		_, err := f.Update(f.ctx, base, segment.Patch{Rules: many(fits + 1)})
		if fault(err) != "invalid audience_too_large rules" ||
			!strings.Contains(err.Error(), fmt.Sprintf("segment %d, which names this one: rules[2].value", middle)) {
			t.Error(err)
		}
		// A segment that names none of them has its own limit.
		if _, err := f.Update(f.ctx, f.segment(list, "").ID, segment.Patch{Rules: many(fits + 1)}); err != nil {
			t.Error(err)
		}
		// One more level below the base is within the limit of every segment, three more are not.
		chain := f.segment(list, "").ID
		for range query.MaxSegmentDepth - 4 {
			chain = f.segment(list, naming(chain)).ID
		}
		if _, err := f.Update(f.ctx, base, segment.Patch{Rules: new(naming(chain))}); err != nil {
			t.Error(err)
		}
		_, err = f.Update(f.ctx, base, segment.Patch{Rules: new(naming(f.segment(list, naming(chain)).ID))})
		if fault(err) != "invalid audience_too_large rules" || !strings.Contains(err.Error(), "deeper than 5 levels") {
			t.Error(err)
		}
	})
}
