package query

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/audience/rules"
)

// Explanation is an audience with the number of people left after each step, so that one sees which of them empties it.
type Explanation struct {
	// Criteria and Exclude are those of the audience, in its order.
	Criteria, Exclude []ExplainedCriterion
	// Reached is who the audience goes to in the end, as Count says it.
	Reached int64
}

// ExplainedCriterion is one criterion or exclusion.
type ExplainedCriterion struct {
	// Path is where the criterion stands, such as criteria[1], or include[1] for an audience of FormLists.
	Path   string
	ListID int64
	// People is who the rules choose from: those on the list who are written to, or for an
	// exclusion all on the list, in whatever state.
	People int64
	// Chosen is those of them for whom the rules hold.
	Chosen int64
	// Left is how many addresses the audience would reach if it ended here: with the criteria up to
	// this one and, for an exclusion, all criteria and the exclusions up to this one.
	Left int64
	// Rules are those of the criterion; none for the whole list.
	Rules []ExplainedRule
}

// ExplainedRule is one rule.
type ExplainedRule struct {
	// Path is where the rule stands, such as criteria[1].rules[0], and Rule what it says.
	Path string
	Rule rules.Rule
	// Matches is those of the criterion's people for whom this rule holds, whatever the others say.
	Matches int64
	// Left is those who are left of the criterion's people once the rules before this one and this
	// one are applied: of rules joined by And those for whom all of them hold, of rules joined by
	// Or those for whom any does. Within a group it begins with who is left before the group where
	// that is joined to it by And, and with everybody where it is joined by Or.
	Left int64
	// Rules are those of a group.
	Rules []ExplainedRule
}

// Explain returns the audience with the people left after each rule, in at most two statements
// however many rules there are. A segment is one rule.
func (s *Service) Explain(ctx context.Context, target Target) (*Explanation, error) {
	p, err := s.planned(ctx, target)
	if err != nil {
		return nil, err
	}
	out := &Explanation{Criteria: explained(p.criteria), Exclude: explained(p.exclude)}
	if len(p.criteria) == 0 {
		return out, nil
	}
	rules := &tally{}
	if err := s.tell(ctx, p.explainRules(out, rules), rules); err != nil {
		return nil, err
	}
	if len(out.Criteria) == 1 && len(out.Exclude) == 0 {
		// Whom one criterion chooses of those who are written to is who is left: an address is on a list once.
		out.Criteria[0].Left, out.Reached = out.Criteria[0].Chosen, out.Criteria[0].Chosen
		return out, nil
	}
	steps := &tally{}
	if err := s.tell(ctx, p.explainSteps(out, steps), steps); err != nil {
		return nil, err
	}
	out.Reached = out.Criteria[len(out.Criteria)-1].Left
	if n := len(out.Exclude); n > 0 {
		out.Reached = out.Exclude[n-1].Left
	}
	return out, nil
}

func explained(criteria []criterion) []ExplainedCriterion {
	var out []ExplainedCriterion
	for _, c := range criteria {
		out = append(out, ExplainedCriterion{Path: c.path, ListID: c.listID, Rules: explainedRules(c.where)})
	}
	return out
}

func explainedRules(n *node) []ExplainedRule {
	if len(n.children) == 0 {
		return nil
	}
	out := make([]ExplainedRule, len(n.children))
	for i, child := range n.children {
		out[i] = ExplainedRule{Path: child.path, Rule: child.rule, Rules: explainedRules(child)}
	}
	return out
}

// tally is the sums a statement returns in its one row, each with where it goes.
type tally struct {
	sums []string
	into []*int64
}

// sum adds the number of people for which a condition on the columns of the statement holds.
func (t *tally) sum(where string, into *int64) {
	t.sums = append(t.sums, "COALESCE(SUM(CASE WHEN "+where+" THEN "+numberColumn+" ELSE 0 END), 0)")
	t.into = append(t.into, into)
}

// over returns the statement that sums over the rows of another.
func (t *tally) over(s *statement, inner *sql.Selector) *sql.Selector {
	query := s.derived(inner, "told")
	for _, sum := range t.sums {
		query.AppendSelectExpr(sql.Raw(sum))
	}
	return query
}

func (s *Service) tell(ctx context.Context, query *sql.Selector, t *tally) error {
	into := make([]any, len(t.into))
	for i, p := range t.into {
		into[i] = p
	}
	// Everybody on the lists is looked at, whatever the rules.
	return s.run(ctx, query, optimizerHint+notByAddress, func(rows *sql.Rows) error { return rows.Scan(into...) })
}
