package query_test

import (
	"testing"

	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestRulesCompareAddressesByTheirKeys(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.people = nil
		for _, email := range []string{"²@bücher.example", "fi@example.com", "straße@maß.example", "jane@example.com"} {
			w.people = append(w.people, &person{
				email: email, key: address.Key(email), status: kind.SubscriberSubscribed, bounce: kind.BounceNone,
			})
		}
		w.found(t, db)
		w.write(t, db)
		for _, tt := range []struct {
			op    rules.FieldOperator
			value string
			want  int64
		}{
			{rules.Is, " ²@BÜCHER.example\u200b", 1},
			{rules.Is, "²@xn--bcher-kva.example", 1},
			{rules.Is, "2@bücher.example", 0},
			{rules.Is, "ﬁ@example.com", 0},
			{rules.Is, `"jane"@example.com`, 1},
			{rules.IsNot, "STRAẞE@maß.example", 3},
			{rules.IsNot, "strasse@maß.example", 4},
			{rules.Contains, "Bücher", 1},
			{rules.Contains, "ßE@", 1},
			{rules.Contains, "ss", 0},
			{rules.Contains, "xn--", 2},
			{rules.Contains, "\uff20", 0},
			{rules.DoesNotContain, "@bücher.", 3},
			{rules.BeginsWith, "²@XN--B", 1},
			{rules.BeginsWith, "2@", 0},
			{rules.BeginsWith, "²@bücher", 1},
			{rules.EndsWith, "@MAß.example", 1},
			{rules.EndsWith, "@mass.example", 0},
			{rules.IsLessThan, "JANE@EXAMPLE.COM", 1},
		} {
			got, err := w.service.Count(w.ctx, query.Target{Audience: rules.Audience{
				Form: rules.FormRules, Operator: rules.Or, Criteria: []rules.Criterion{{
					ListID: w.lists[0], Where: rules.Group{Operator: rules.And, Rules: []rules.Rule{
						rules.Field{Name: rules.EmailAddress, Operator: tt.op, Value: tt.value},
					}},
				}},
			}})
			if err != nil || got != tt.want {
				t.Errorf("%s %q: %d, want %d, %v", tt.op, tt.value, got, tt.want, err)
			}
		}
	})
}
