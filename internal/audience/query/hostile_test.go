package query_test

import (
	"errors"
	"strings"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestValuesAsLongAsAnAudienceMayBe compares with values that nearly fill the 64 KiB of an
// audience. They consist of texts with a special meaning in SQL, LIKE or collations. The result
// must be the people of the referee, or a clear fault with its path.
func TestValuesAsLongAsAnAudienceMayBe(t *testing.T) {
	t.Parallel()
	const size = 60_000
	units := map[string]string{
		"a":                    "a",
		"percent":              "%",
		"underscore":           "_",
		"backslash":            `\`,
		"quote":                "'",
		"bar":                  "|",
		"question mark":        "?",
		"NUL":                  "\x00",
		"emoji":                "😀",
		"right to left":        "שלום ",
		"overridden direction": "\u202Eabc\u202C",
		"combining":            "e\u0301",
		"SQL":                  "'; DROP TABLE subscribers; -- ",
	}
	all := []rules.FieldOperator{
		rules.Is, rules.IsNot, rules.Contains, rules.DoesNotContain, rules.BeginsWith, rules.EndsWith,
		rules.IsLessThan, rules.IsLessOrEqual, rules.IsGreaterThan, rules.IsGreaterOrEqual,
	}
	// One comparison of each kind for every text, and all comparisons for two texts.
	few := []rules.FieldOperator{rules.Is, rules.DoesNotContain, rules.BeginsWith, rules.IsLessOrEqual}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		for _, unit := range units {
			text := strings.TrimSpace(kind.Clean(strings.Repeat(unit, 1_000/len([]rune(unit)))))
			w.people = append(w.people, &person{
				email: "long" + itoa(
					int64(len(w.people)),
				) + "@example.net",
				key:    "long" + itoa(int64(len(w.people))) + "@example.net",
				status: kind.SubscriberSubscribed,
				bounce: kind.BounceNone,
				values: map[int]string{0: text},
			})
		}
		w.write(t, db)
		for name, unit := range units {
			long, short := strings.Repeat(unit, size/len(unit)), strings.Repeat(unit, 200/len([]rune(unit)))
			operators := few
			if name == "emoji" || name == "SQL" {
				operators = all
			}
			for _, op := range operators {
				ask := func(f rules.Field) rules.Audience {
					return rules.Audience{Form: rules.FormRules, Operator: rules.Or, Criteria: []rules.Criterion{
						{ListID: w.lists[0], Where: rules.Group{Operator: rules.And, Rules: []rules.Rule{f}}}}}
				}
				agree(t, w, ask(rules.Field{Name: rules.EmailAddress, Operator: op, Value: long}), false)
				agree(t, w, ask(rules.Field{CustomID: w.fieldIDs[0], Operator: op, Value: short}), false)
				_, err := w.service.Count(
					w.ctx, query.Target{Audience: ask(rules.Field{CustomID: w.fieldIDs[0], Operator: op, Value: long})},
				)
				var fault *apperr.Error
				if kind.Fold(long, size) != "" &&
					(!errors.As(err, &fault) || fault.Code != apperr.Invalid || !strings.HasPrefix(fault.Message, "criteria[0].rules[0].value: ")) {
					t.Errorf("%s, %s: %v", name, op, err)
				}
			}
		}
	})
}
