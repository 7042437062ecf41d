package query_test

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// example is an example in docs/audience.md: a block of code, followed by the people it reaches or
// the reason why it is rejected.
type example struct{ form, text, reaches, refused string }

var examplePattern = regexp.MustCompile(
	"(?s)```(lists|json|segment)\n(.*?)\n```\n(?:Reaches ([a-z, ]+)\\.|Refused: `([^\n]*)`)\n",
)

func examples(t *testing.T) []example {
	t.Helper()
	page, err := os.ReadFile("../../../docs/audience.md")
	must(t, err)
	var found []example
	for _, m := range examplePattern.FindAllStringSubmatch(string(page), -1) {
		found = append(
			found,
			example{
				form: m[1], text: m[2], reaches: strings.TrimSuffix(strings.ReplaceAll(m[3], ",", ""), "nobody"),
				refused: m[4],
			},
		)
	}
	// Every block is an example except the GraphQL document and the typed rules, which package graph tests.
	if blocks := strings.Count(string(page), "\n```\n"); blocks != len(found)+2 || len(found) < 35 {
		t.Fatalf("%d examples in %d blocks", len(found), blocks)
	}
	return found
}

// documented is the world of the documentation page.
func documented() *world {
	w := small()
	for _, email := range []string{"ivy@gmail.com", "joe@test.example"} {
		w.people = append(
			w.people,
			&person{list: 1, email: email, key: email, status: kind.SubscriberSubscribed, bounce: kind.BounceNone},
		)
	}
	return w
}

// The ids on the page by kind, in the order of the world.
var pageLists, pageSegments, pageFields, pageTags, pageCampaigns = []int64{1, 2},
	[]int64{7, 8}, []int64{11, 12, 13, 14}, []int64{21, 22, 23}, []int64{31, 32}

// renumbered replaces the ids of the page by the ids of the world. Ids that the page does not
// define stay.
func (w *world) renumbered(a rules.Audience) rules.Audience {
	criteria := func(all []rules.Criterion) []rules.Criterion {
		out := slices.Clone(all)
		for i := range out {
			out[i].ListID = swap(pageLists, w.lists, out[i].ListID)
			out[i].Where = w.renumberedRule(out[i].Where).(rules.Group)
		}
		return out
	}
	a.Criteria, a.Exclude = criteria(a.Criteria), criteria(a.Exclude)
	return a
}

func (w *world) renumberedRule(rule rules.Rule) rules.Rule {
	each := func(from, to, ids []int64) []int64 {
		out := slices.Clone(ids)
		for i, id := range out {
			out[i] = swap(from, to, id)
		}
		return out
	}
	switch rule := rule.(type) {
	case rules.Group:
		rules := slices.Clone(rule.Rules)
		for i := range rules {
			rules[i] = w.renumberedRule(rules[i])
		}
		rule.Rules = rules
		return rule
	case rules.Field:
		rule.CustomID = swap(pageFields, w.fieldIDs, rule.CustomID)
		return rule
	case rules.Segment:
		rule.ID = swap(pageSegments, w.segmentIDs, rule.ID)
		return rule
	case rules.Tags:
		rule.IDs = each(pageTags, w.tags, rule.IDs)
		return rule
	case rules.CampaignEvent:
		rule.CampaignIDs = each(pageCampaigns, w.campaigns, rule.CampaignIDs)
		return rule
	}
	return rule
}

func swap(from, to []int64, id int64) int64 {
	if i := slices.Index(from, id); i >= 0 {
		return to[i]
	}
	return id
}

// parse parses an example as the surfaces do.
func (e example) parse(t *testing.T) (rules.Audience, error) {
	t.Helper()
	switch e.form {
	case "lists":
		form, err := url.ParseQuery(e.text)
		must(t, err)
		return rules.ParseLists(form.Get("RecipientListsAndSegments"), form.Get("Exclude_RecipientListsAndSegments"))
	case "segment":
		where, err := rules.ParseSegmentRules([]byte(e.text))
		return rules.Audience{
			Form: rules.FormRules, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: 1, Where: where}},
		}, err
	default:
		return rules.ParseRules([]byte(e.text))
	}
}

func TestTheExamplesOfThePageReachWhomItSays(t *testing.T) {
	t.Parallel()
	all := examples(t)
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := documented()
		w.found(t, db)
		w.write(t, db)
		begins := rules.Field{Name: rules.EmailAddress, Operator: rules.BeginsWith, Value: "user1"}
		first := w.segment(t, db, 0, rules.Group{Operator: rules.And, Rules: []rules.Rule{begins}})
		w.segment(t, db, 0, rules.Group{Operator: rules.And, Rules: []rules.Rule{
			rules.Segment{Operator: rules.BelongsTo, ID: first}, rules.Tags{Operator: rules.HasTag, IDs: w.tags[:1]}}})
		for _, e := range all {
			a, err := e.parse(t)
			if err == nil {
				a = w.renumbered(a)
				_, err = w.service.Prepare(w.ctx, query.Target{Audience: a})
			}
			if e.refused != "" {
				want := strings.NewReplacer("no segment 7", "no segment "+itoa(w.segmentIDs[0]), "custom field 12", "custom field "+itoa(w.fieldIDs[1])).
					Replace(e.refused)
				if err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("%s: %v, want %s", e.text, err, want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", e.text, err)
			} else if got := names(t, w, a); got != e.reaches {
				t.Errorf("%s reaches %q, the page says %q", e.text, got, e.reaches)
			}
		}
	})
}
