package query

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/audience/rules"
)

// Explanation is an audience with the number of people left after each step. It shows which step
// removes them.
type Explanation struct {
	// Criteria and Exclude are the criteria and exclusions of the audience, in its order.
	Criteria, Exclude []ExplainedCriterion
	// Reached is the number of people that the audience reaches, as in Count.
	Reached int64
}

// ExplainedCriterion is one criterion or exclusion.
type ExplainedCriterion struct {
	// Path is the position of the criterion, for example criteria[1], or include[1] for an audience
	// of FormLists.
	Path   string
	ListID int64
	// People is the number of people before the rules are applied. For a criterion these are the
	// reachable people on the list, for an exclusion all people on the list in any state.
	People int64
	// Chosen is the number of those people who match the rules.
	Chosen int64
	// Left is the number of addresses that the audience would reach if it ended after this step:
	// with the criteria up to this one, or for an exclusion with all criteria and the exclusions up
	// to this one.
	Left int64
	// Rules are the rules of the criterion; none for a whole list.
	Rules []ExplainedRule
}

// ExplainedRule is one rule.
type ExplainedRule struct {
	// Path is the position of the rule, for example criteria[1].rules[0]. Rule is the rule itself.
	Path string
	Rule rules.Rule
	// Matches is the number of the criterion's people who match this rule, ignoring all other
	// rules.
	Matches int64
	// Left is the number of the criterion's people who are left after the rules up to and including
	// this one. With And, these are the people who match all of the rules; with Or, any of the
	// rules. A group that is joined by And starts with the people left before the group. A group
	// that is joined by Or starts with everybody.
	Left int64
	// Rules are the rules of a group.
	Rules []ExplainedRule
}

// Explain returns the audience with the people left after each rule, in at most two statements for
// any number of rules. A segment is one rule.
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
		// A single criterion selects from reachable people, and an address is on a list only once.
		// Chosen is therefore the result.
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

// tally collects the sums that a statement returns in its single row, each with its destination.
type tally struct {
	sums []string
	into []*int64
}

// sum adds the number of people who match a condition on the columns of the statement.
func (t *tally) sum(where string, into *int64) {
	t.sums = append(t.sums, "COALESCE(SUM(CASE WHEN "+where+" THEN "+numberColumn+" ELSE 0 END), 0)")
	t.into = append(t.into, into)
}

// over returns the statement that sums over the rows of inner.
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
	// The statement reads everybody on the lists, whatever the rules are.
	return s.run(ctx, query, optimizerHint+notByAddress, func(rows *sql.Rows) error { return rows.Scan(into...) })
}
