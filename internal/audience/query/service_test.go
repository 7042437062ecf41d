package query_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// everything holds every way to evaluate a target.
var everything = map[string]func(ctx context.Context, s *query.Service, target query.Target) error{
	"Count": func(ctx context.Context, s *query.Service, target query.Target) error {
		_, err := s.Count(ctx, target)
		return err
	},
	"Preview": func(ctx context.Context, s *query.Service, target query.Target) error {
		_, err := s.Preview(ctx, target, 5)
		return err
	},
	"Explain": func(ctx context.Context, s *query.Service, target query.Target) error {
		_, err := s.Explain(ctx, target)
		return err
	},
	"Waterfall": func(ctx context.Context, s *query.Service, target query.Target) error {
		_, err := s.Waterfall(ctx, target)
		return err
	},
	"Resolve": func(ctx context.Context, s *query.Service, target query.Target) error {
		return s.Resolve(ctx, target, 0, func([]query.Recipient) error { return nil })
	},
}

func parse(t *testing.T, format string, args ...any) rules.Audience {
	t.Helper()
	a, err := rules.ParseRules(fmt.Appendf(nil, format, args...))
	must(t, err)
	return a
}

func TestWhatAnotherAccountHasIsAsIfItWereNot(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		mine, theirs := small(), small()
		mine.found(t, db)
		theirs.found(t, db)
		theirs.segment(t, db, 0, rules.Group{})
		mine.segment(t, db, 1, rules.Group{})
		list := mine.lists[0]
		tests := []struct {
			what, path string
			rules      string
			id         int64
		}{
			{"list", "criteria[0].list_id", `{"criteria":[{"list_id":%d}]}`, theirs.lists[0]},
			{
				"list", "exclude[0].list_id",
				fmt.Sprintf(`{"criteria":[{"list_id":%d}],`, list) + `"exclude":[{"list_id":%d}]}`, theirs.lists[0],
			},
			{
				"segment", "criteria[0].rules[0].value",
				in(list, `"type":"segments","operator":"belongs to","value":%d`), theirs.segmentIDs[0],
			},
			{
				"segment", "criteria[0].rules[0].value",
				in(list, `"type":"segments","operator":"belongs to","value":%d`), mine.segmentIDs[0],
			}, // of another list
			{
				"subscriber tag", "criteria[0].rules[0].value",
				in(list, `"type":"tags","operator":"does not have this tag","value":%d`), theirs.tags[0],
			},
			{
				"custom field", "criteria[0].rules[0].field_id",
				in(list, `"type":"fields","field_id":"%d","operator":"is not set"`), theirs.fieldIDs[0],
			},
			{
				"custom field", "criteria[0].rules[0].field_id",
				in(mine.lists[1], `"type":"fields","field_id":"%d","operator":"is not set"`), mine.fieldIDs[1],
			},
			{
				"campaign", "criteria[0].rules[0].value",
				in(list, `"type":"campaign-events","operator":"not opened","value":%d`), theirs.campaigns[0],
			},
		}
		for _, test := range tests {
			for _, id := range []int64{test.id, 1 << 50} {
				for name, evaluate := range everything {
					err := evaluate(mine.ctx, mine.service, query.Target{Audience: parse(t, test.rules, id)})
					want := apperr.Error{
						Code:    apperr.NotFound,
						Field:   "audience",
						Reason:  apperr.ReasonAudienceNotFound,
						Message: fmt.Sprintf("%s: there is no %s %d", test.path, test.what, id),
					}
					var got *apperr.Error
					if !errors.As(err, &got) || *got != want {
						t.Errorf("%s of %s %d: %v, want %v", name, test.what, id, err, want)
					}
				}
			}
		}
		whole := query.Target{
			OwnerID: theirs.account.UserID, Audience: parse(t, `{"criteria":[{"list_id":%d}]}`, theirs.lists[0]),
		}
		for name, evaluate := range everything {
			if err := evaluate(mine.ctx, mine.service, whole); apperr.CodeOf(err) != apperr.NotFound {
				t.Errorf("%s for another account: %v", name, err)
			}
			if err := evaluate(t.Context(), mine.service, whole); apperr.CodeOf(err) != apperr.Unauthenticated {
				t.Errorf("%s for nobody: %v", name, err)
			}
			if err := evaluate(
				testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeWrite))), mine.service, whole,
			); apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without the scope read: %v", name, err)
			}
			if err := evaluate(
				caller.System(t.Context()), mine.service, query.Target{Audience: whole.Audience},
			); apperr.CodeOf(err) != apperr.NotFound {
				t.Errorf("%s for no account: %v", name, err)
			}
		}
	})
}

// TestWhatHappenedInADeletedCampaignCountsNoMore checks that a rule on any campaign ignores the
// events of a deleted campaign, although these still wait to be purged.
func TestWhatHappenedInADeletedCampaignCountsNoMore(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		person := w.people[0]
		must(
			t,
			db.Client(w.ctx).
				Event.Create().
				SetID(fmt.Sprintf("%d-complained", w.campaigns[0])).
				SetContactID(person.contact).
				SetCampaignID(w.campaigns[0]).
				SetKind(kind.EventComplained).
				SetAt(present).
				Exec(w.ctx),
		)
		complained := func(not bool) int64 {
			rule := rules.CampaignEvent{Event: rules.EventComplained, Not: not}
			id := w.segment(t, db, person.list, rules.Group{Operator: rules.And, Rules: []rules.Rule{rule}})
			n, err := w.service.Count(
				w.ctx, query.OfSegment(&ent.Segment{ID: id, UserID: w.account.UserID, ListID: w.lists[person.list]}),
			)
			must(t, err)
			return n
		}
		with, without := complained(false), complained(true)
		if with != 1 {
			t.Fatalf("%d complained", with)
		}
		must(t, db.Client(w.ctx).Purge.Create().SetCampaignID(w.campaigns[1]).Exec(w.ctx))
		if n := complained(false); n != 1 {
			t.Errorf("%d complained once another campaign is deleted", n)
		}
		must(t, db.Client(w.ctx).Purge.Create().SetCampaignID(w.campaigns[0]).Exec(w.ctx))
		if n, not := complained(false), complained(true); n != 0 || not != without+1 {
			t.Errorf("%d complained and %d have not, want 0 and %d", n, not, without+1)
		}
	})
}

// Campaigns in saved rules are checked at evaluation, whatever way the rules were saved. Events of
// another account's campaign must not be visible.
func TestWhatHappenedInAnothersCampaignCountsForNobody(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		mine, theirs := small(), small()
		mine.found(t, db)
		theirs.found(t, db)
		mine.write(t, db)
		person := mine.people[0]
		must(
			t,
			db.Client(theirs.ctx).Event.Create().SetID(fmt.Sprintf("%d/theirs", person.id)).SetContactID(person.contact).
				SetCampaignID(theirs.campaigns[0]).SetKind(kind.EventComplained).SetAt(present).Exec(theirs.ctx),
		)
		saved := func(operator string, ids ...int64) query.Target {
			rule := rules.CampaignEvent{Event: rules.EventComplained, Not: operator == "not", CampaignIDs: ids}
			id := mine.segment(t, db, person.list, rules.Group{Operator: rules.And, Rules: []rules.Rule{rule}})
			return query.OfSegment(&ent.Segment{ID: id, UserID: mine.account.UserID, ListID: mine.lists[person.list]})
		}
		whole, err := mine.service.Count(mine.ctx, saved("not"))
		must(t, err)
		for name, test := range map[string]struct {
			target query.Target
			want   int64
		}{
			"theirs":         {saved("", theirs.campaigns[0]), 0},
			"theirs, not":    {saved("not", theirs.campaigns[0]), whole},
			"theirs or mine": {saved("", theirs.campaigns[0], mine.campaigns[1]), 0},
			"any":            {saved(""), 0},
		} {
			if n, err := mine.service.Count(mine.ctx, test.target); n != test.want || err != nil {
				t.Errorf("%s: %d people, %v, want %d", name, n, err, test.want)
			}
		}
		if whole == 0 {
			t.Error("nobody is on the list")
		}
	})
}

// in returns an audience of one list with one rule.
func in(list int64, rule string) string {
	return fmt.Sprintf(`{"criteria":[{"list_id":%d,"rules":[{`, list) + rule + `}]}]}`
}

func TestACampaignGoesToThePeopleOfItsOwner(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		admin := testkit.As(t, testkit.Account(t, db, testkit.Admin()))
		// The owner's time zone counts, not the admin's. The second campaign is deleted after the
		// rules were saved.
		rules := `{"criteria":[{"list_id":%d,"rules":[{"type":"fields","field_id":"SubscriptionDate","operator":"is","value":"2026-02-01"},
			{"type":"campaign-events","operator":"not opened","value":[%d,%d]}]}]}`
		text, err := parse(t, rules, w.lists[0], w.campaigns[0], 1<<50).MarshalJSON()
		must(t, err)
		target, err := query.OfCampaign(&ent.Campaign{UserID: w.account.UserID, Audience: string(text)})
		must(t, err)
		for _, ctx := range []context.Context{w.ctx, admin} {
			found, err := w.service.Preview(ctx, target, 5)
			must(t, err)
			if len(found) != 1 || found[0].Email != "user1.ben@example.net" || found[0].ListID != w.lists[0] {
				t.Errorf("reaches %+v, want ben", found)
			}
		}
		none, err := query.OfCampaign(&ent.Campaign{UserID: w.account.UserID})
		must(t, err)
		for _, evaluate := range everything {
			must(t, evaluate(w.ctx, w.service, none))
		}
		if n, err := w.service.Count(w.ctx, none); n != 0 || err != nil {
			t.Errorf("a campaign without an audience reaches %d, %v", n, err)
		}
		if _, err := query.OfCampaign(&ent.Campaign{UserID: 1, Audience: "{"}); apperr.CodeOf(err) != apperr.Internal {
			t.Errorf("an audience that cannot be read: %v", err)
		}
	})
}

func TestWhatCannotBeEvaluatedIsToldWithItsPath(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		belongs := func(ids ...int64) rules.Group {
			g := rules.Group{Operator: rules.And}
			for _, id := range ids {
				g.Rules = append(g.Rules, rules.Segment{Operator: rules.BelongsTo, ID: id})
			}
			return g
		}
		deep := []int64{w.segment(t, db, 0, rules.Group{})}
		for range query.MaxSegmentDepth {
			deep = append(deep, w.segment(t, db, 0, belongs(deep[len(deep)-1])))
		}
		circle := w.segment(t, db, 0, rules.Group{})
		second := w.segment(t, db, 0, belongs(circle))
		text, err := belongs(second).MarshalJSON()
		must(t, err)
		must(t, db.Client(w.ctx).Segment.UpdateOneID(circle).SetRules(string(text)).Exec(w.ctx))
		broken := w.segment(t, db, 0, rules.Group{})
		must(t, db.Client(w.ctx).Segment.UpdateOneID(broken).SetRules("[").Exec(w.ctx))
		gone := w.segment(
			t, db, 0,
			rules.Group{
				Operator: rules.And, Rules: []rules.Rule{rules.Tags{Operator: rules.HasTag, IDs: []int64{1 << 50}}},
			},
		)
		many := []rules.Rule{}
		for range rules.MaxRules {
			many = append(many, rules.Suppression{Operator: rules.NotSuppressed})
		}
		bomb := w.segment(t, db, 0, rules.Group{Operator: rules.And, Rules: many})
		w.fields, w.fieldIDs = w.fields[:4], w.fieldIDs[:4]

		value := "criteria[0].rules[0].value: "
		field := func(i int, operator, value string) string {
			return fmt.Sprintf(
				`"type":"fields","field_id":"%d","operator":"%s","value":"%s"`, w.fieldIDs[i], operator, value,
			)
		}
		segment := func(id int64) string { return fmt.Sprintf(`"type":"segments","operator":"belongs to","value":%d`, id) }
		named := func(n int) string {
			ids := make([]string, n)
			for i := range ids {
				ids[i] = itoa(int64(i + 1))
			}
			return `"type":"tags","operator":"has any of these tags","value":"` + strings.Join(ids, ",") + `"`
		}
		tests := []struct {
			rule   string
			reason apperr.Reason
			want   string
		}{
			{
				field(1, "is", "ten"), apperr.ReasonAudienceInvalid,
				value + fmt.Sprintf(
					"the custom field %d holds numbers, expected one such as 12.5, of at most 9007199254740991",
					w.fieldIDs[1],
				),
			},
			{
				field(1, "is greater than", "NaN"), apperr.ReasonAudienceInvalid,
				value + fmt.Sprintf(
					"the custom field %d holds numbers, expected one such as 12.5, of at most 9007199254740991",
					w.fieldIDs[1],
				),
			},
			{
				field(2, "is", "01.05.1990"), apperr.ReasonAudienceInvalid,
				value + fmt.Sprintf(
					"the custom field %d holds dates, expected YYYY-MM-DD or YYYY-MM-DD HH:MM:SS", w.fieldIDs[2],
				),
			},
			{
				field(3, "is not", "maybe"), apperr.ReasonAudienceInvalid,
				value + fmt.Sprintf("the custom field %d holds true or false", w.fieldIDs[3]),
			},
			{
				field(0, "does not contain", strings.Repeat("é", 256)), apperr.ReasonAudienceInvalid,
				value + "256 characters long, texts are compared by their first 255",
			},
			{
				segment(circle), apperr.ReasonAudienceInvalid,
				fmt.Sprintf(

					"%[1]ssegment %[2]d: rules[0].value: segment %[3]d: rules[0].value: segment %[2]d contains itself: %[2]d → %[3]d → %[2]d",
					value, circle, second,
				),
			},
			{
				segment(broken), apperr.ReasonAudienceInvalid,
				value + fmt.Sprintf("the rules of segment %d cannot be understood", broken),
			},
			{
				segment(gone), apperr.ReasonAudienceNotFound,
				value + fmt.Sprintf("segment %d: rules[0].value: there is no subscriber tag %d", gone, int64(1<<50)),
			},
			{
				segment(bomb) + "},{" + segment(bomb) + "},{" + segment(bomb), apperr.ReasonAudienceTooLarge,
				fmt.Sprintf(
					"criteria[0].rules[2].value: segment %d: rules[97]: more than 500 rules, those of segments counted",
					bomb,
				),
			},
			{
				named(query.MaxIDs + 1), apperr.ReasonAudienceTooLarge,
				"$: names 5001 tags and campaigns, at most 5000 are allowed",
			},
		}
		at := value
		for i := len(deep) - 1; i > 0; i-- {
			at += fmt.Sprintf("segment %d: rules[0].value: ", deep[i])
		}
		tests = append(tests, struct {
			rule   string
			reason apperr.Reason
			want   string
		}{segment(deep[len(deep)-1]), apperr.ReasonAudienceTooLarge,
			at + "segments stand within segments deeper than 5 levels"})
		for _, test := range tests {
			_, err := w.service.Count(w.ctx, query.Target{Audience: parse(t, "%s", in(w.lists[0], test.rule))})
			var got *apperr.Error
			if !errors.As(err, &got) || got.Message != test.want || got.Reason != test.reason ||
				got.Field != "audience" {
				t.Errorf("%.80s: %v, want %q", test.rule, err, test.want)
			}
		}
		if n, err := w.service.Count(
			w.ctx, query.Target{Audience: parse(t, "%s", in(w.lists[0], segment(deep[len(deep)-2])))},
		); err != nil {
			t.Errorf("the deepest segments allowed: %d, %v", n, err)
		}
		// All faults are reported together.
		_, err = w.service.Count(
			w.ctx,
			query.Target{Audience: parse(t, "%s", in(w.lists[0], field(1, "is", "x")+"},{"+field(3, "is", "x")))},
		)
		if all := apperr.All(err); len(all) != 2 {
			t.Errorf("two faults: %v", err)
		}
		if _, err := w.service.Preview(
			w.ctx, query.Target{}, query.MaxPreview+1,
		); apperr.CodeOf(err) != apperr.Invalid {
			t.Errorf("a preview that is too large: %v", err)
		}
	})
}

var tableNamed = regexp.MustCompile("(?:FROM|JOIN) `(\\w+)` AS `(t\\d+)`")

// carriesTheOwner reports whether a statement limits a table alias to the rows of the account: by
// the owner, or by a custom field, campaigns or lists that are checked to belong to the owner.
func carriesTheOwner(statement, table, name string) bool {
	owned := map[string]string{"field_values": "custom_field_id", "events": "campaign_id", "subscribers": "list_id"}[table]
	return regexp.MustCompile("`"+name+"`\\.`user_id`( \\+ 0)? = \\?").MatchString(statement) ||
		owned != "" &&
			regexp.MustCompile("FROM `"+table+"` AS `"+name+"` WHERE \\(*`"+name+"`\\.`"+owned+"` (= \\?|IN \\()").
				MatchString(statement)
}

// The store does not limit the statements of this package. Each table in each statement must
// therefore have a condition on the owner, and no value of a rule may be in the text.
func TestEveryTableOfEveryStatementCarriesTheOwnerAndEveryValueIsBound(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		inner := w.segment(
			t, db, 1,
			rules.Group{Operator: rules.And, Rules: []rules.Rule{rules.Suppression{Operator: rules.NotSuppressed}}},
		)
		fill := func(more string) rules.Audience {
			return parse(t, `{"operator":"%[1]s","criteria":[{"list_id":%[2]d,"rules":[[
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"secret"},
				{"type":"fields","field_id":"SubscriptionDate","operator":"contains","value":"secret"},
				{"type":"fields","field_id":"%[4]d","operator":"is less than","value":"secret"},
				{"type":"fields","field_id":"SubscriptionIP","operator":"is","value":"secret"},
				{"type":"tags","operator":"has no tags"},{"type":"tags","operator":"has all of these tags","value":"%[5]d,%[6]d"},
				{"type":"campaign-events","operator":"opened","value":"","aggregation":{"operator":"exactly","count":2}},
				{"type":"campaign-events","operator":"clicked","value":[%[8]d,%[9]d]},
				{"type":"campaign-events","operator":"not bounced","value":""}]]},
				{"list_id":%[3]d,"rules":[{"type":"segments","operator":"belongs to","value":%[7]d}]}],
				"exclude":[{"list_id":%[3]d,"rules":[{"type":"tags","operator":"has this tag","value":%[5]d}]},{"list_id":%[2]d}]}`,
				more, w.lists[0], w.lists[1], w.fieldIDs[0], w.tags[0], w.tags[1], inner,
				w.campaigns[0], w.campaigns[1])
		}
		for _, connector := range []string{"and", "or"} {
			for name, evaluate := range everything {
				recorder := &store.Recorder{}
				must(
					t,
					evaluate(store.WithRecorder(w.ctx, recorder), w.service, query.Target{Audience: fill(connector)}),
				)
				own, tables := 0, 0
				for _, statement := range recorder.Statements() {
					if !tableNamed.MatchString(statement.Query) {
						continue
					}
					own++
					for _, table := range tableNamed.FindAllStringSubmatch(statement.Query, -1) {
						tables++
						if !carriesTheOwner(statement.Query, table[1], table[2]) {
							t.Errorf("%s reads %s without its owner: %s", name, table[1], statement.Query)
						}
					}
					bare := strings.Count(statement.Query, "FROM `") - strings.Count(statement.Query, "FROM `t")
					if n := len(tableNamed.FindAllString(statement.Query, -1)); bare != n {
						t.Errorf("%s: %d tables are read and %d have a name: %s", name, bare, n, statement.Query)
					}
					if strings.Contains(statement.Query, "secret") {
						t.Errorf("%s writes a value into the statement: %s", name, statement.Query)
					}
				}
				want := map[string]int{"Count": 1, "Waterfall": 1, "Explain": 2, "Preview": 2, "Resolve": 2}[name]
				if db.Dialect() == dialect.SQLite && name != "Preview" && name != "Resolve" {
					want++ // the statement that checks the number of people
				}
				if own != want || tables == 0 {
					t.Errorf("%s of %q takes %d statements over %d tables, want %d", name, connector, own, tables, want)
				}
				if before := len(recorder.Statements()) - own; before > 10 {
					t.Errorf("%s reads what is named in %d statements, want 10 at most", name, before)
				}
			}
		}
	})
}

// The largest audiences that the parser accepts must be evaluated without reaching a limit of the
// database.
func TestTheLargestAudiencesAreEvaluated(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		leaf := func(i int) rules.Rule {
			return []rules.Rule{
				rules.Field{Name: rules.EmailAddress, Operator: rules.Contains, Value: "user1"},
				rules.Field{CustomID: w.fieldIDs[0], Operator: rules.IsSet},
				rules.Field{Name: rules.SubscriptionDate, Operator: rules.DoesNotContain, Value: "2019"},
				rules.CampaignEvent{Event: rules.EventClicked, Not: true, CampaignIDs: w.campaigns[1:]},
				rules.Tags{Operator: rules.LacksTag, IDs: w.tags[2:]},
			}[i%5]
		}
		many := rules.Group{Operator: rules.And}
		for i := range rules.MaxRules {
			many.Rules = append(many.Rules, leaf(i))
		}
		flat := rules.Audience{
			Form: rules.FormRules, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: w.lists[0], Where: many}},
		}
		nested := many
		for range rules.MaxDepth - 1 {
			nested = rules.Group{Operator: nested.Operator.Alternate(), Rules: []rules.Rule{nested}}
		}
		deep := rules.Audience{Form: rules.FormRules, Operator: rules.And, Criteria: []rules.Criterion{
			{
				ListID: w.lists[0], Where: nested,
			},
			{ListID: w.lists[0]},
		}, Exclude: []rules.Criterion{{ListID: w.lists[1], Where: rules.Group{
			Operator: rules.And, Rules: []rules.Rule{rules.Suppression{Operator: rules.Suppressed}}}}}}
		wide := rules.Audience{Form: rules.FormRules, Operator: rules.Or}
		for i := range rules.MaxCriteria {
			wide.Criteria = append(wide.Criteria, rules.Criterion{ListID: w.lists[i%2], Where: rules.Group{
				Operator: rules.And, Rules: []rules.Rule{leaf(i)}}})
		}
		saved := flat
		saved.Criteria = []rules.Criterion{
			{
				ListID: w.lists[0],
				Where:  rules.Group{Operator: rules.Or, Rules: many.Rules[:query.MaxRules-2*rules.MaxRules-2]},
			},
		}
		for range 2 {
			id := w.segment(t, db, 0, rules.Group{Operator: rules.Or, Rules: many.Rules})
			saved.Criteria[0].Where.Rules = append(
				saved.Criteria[0].Where.Rules[:len(saved.Criteria[0].Where.Rules):len(saved.Criteria[0].Where.Rules)],
				rules.Segment{Operator: rules.DoesNotBelongTo, ID: id},
			)
		}
		for name, a := range map[string]rules.Audience{"flat": flat, "deep": deep, "wide": wide, "saved": saved} {
			want := newReferee(w)
			target := query.Target{Audience: a, At: present}
			n, err := w.service.Count(w.ctx, target)
			if err != nil || n != int64(len(want.reached(a))) {
				t.Errorf("%s: %d, %v, want %d", name, n, err, len(want.reached(a)))
			}
			explanation, err := w.service.Explain(w.ctx, target)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if difference := cmp.Diff(want.explain(a), explanation); difference != "" {
				t.Errorf("%s (-referee +database):\n%s", name, difference)
			}
			if got := resolve(t, w, target, 0); len(got) != int(n) {
				t.Errorf("%s resolves to %d, want %d", name, len(got), n)
			}
		}
	})
}

func TestResolvingEndsWithTheErrorOfWhoReceives(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		enough := errors.New("enough")
		target := query.Target{Audience: parse(t, `{"criteria":[{"list_id":%d}]}`, w.lists[0])}
		if err := w.service.Resolve(
			w.ctx,
			target,
			0,
			func([]query.Recipient) error { return enough },
		); !errors.Is(
			err, enough,
		) {
			t.Errorf("got %v", err)
		}
	})
}
