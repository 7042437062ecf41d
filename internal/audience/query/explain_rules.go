package query

import (
	"fmt"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
)

// ruleColumns builds the first statement of an explanation, which has three levels. The innermost
// level has one column per rule, which says whether the rule matches. It groups the subscribers of
// a list that match the same rules into one row with their number, so that every rule is evaluated
// once and few rows are kept. The next level adds one column per group, with the first rule that
// decides the group. The outermost level sums. Each sum uses a few small numbers, so the statement
// grows linearly with the number of rules, not quadratically.
type ruleColumns struct {
	s     *statement
	r     row
	rules *sql.Selector
	// groups are the columns of the second level.
	groups []string
	leaves int
	told   *tally
}

// explainRules returns the statement that fills in the people of each criterion and its rules.
func (p *plan) explainRules(out *Explanation, told *tally) *sql.Selector {
	s := p.statement()
	s.told = true
	c := &ruleColumns{s: s, told: told}
	c.rules, c.r = s.from(entsubscriber.Table)
	list := c.r.C(entsubscriber.FieldListID)
	c.rules.Where(among(list, p.listsExplained()...))
	c.rules.AppendSelectAs(list, "list_id")
	c.rules.AppendSelectExprAs(flag(reachable(s, c.r)), "reachable")
	for i, criterion := range p.criteria {
		c.criterion(criterion, &out.Criteria[i], fmt.Sprintf("list_id = %d AND reachable = 1", criterion.listID))
	}
	for i, criterion := range p.exclude {
		c.criterion(criterion, &out.Exclude[i], fmt.Sprintf("list_id = %d", criterion.listID))
	}
	columns := []string{"list_id", "reachable"}
	for i := range c.leaves {
		columns = append(columns, leafColumn(i))
	}
	decided := s.derived(numbered(c.rules, columns), "held").Select(append(columns, numberColumn)...)
	for i, group := range c.groups {
		decided.AppendSelectExprAs(sql.Raw(group), groupColumn(i))
	}
	return told.over(s, decided)
}

// numberColumn is the column with the number of people in a grouped row.
const numberColumn = "n"

// numbered groups equal rows and adds their number. columns are all columns of the statement.
func numbered(query *sql.Selector, columns []string) *sql.Selector {
	return query.AppendSelectExprAs(sql.Raw("COUNT(*)"), numberColumn).GroupBy(columns...)
}

func leafColumn(i int) string  { return "m" + strconv.Itoa(i) }
func groupColumn(i int) string { return "g" + strconv.Itoa(i) }

// flag is 1 if a predicate is true, and 0 otherwise.
func flag(p *sql.Predicate) sql.Querier {
	return sql.ExprFunc(func(b *sql.Builder) { b.WriteString("CASE WHEN ").Join(p).WriteString(" THEN 1 ELSE 0 END") })
}

func (c *ruleColumns) criterion(criterion criterion, out *ExplainedCriterion, people string) {
	c.told.sum(people, &out.People)
	held := c.truth(criterion.where, criterion.listID)
	c.told.sum(people+" AND "+held.text, &out.Chosen)
	c.group(held, out.Rules, people, people)
}

// held is a rule as a condition on the columns of the rules.
type held struct {
	node     *node
	text     string
	children []held
}

// truth adds a column for each rule.
func (c *ruleColumns) truth(n *node, listID int64) held {
	out := held{node: n, text: "TRUE"}
	if n.holds != nil {
		out.text = leafColumn(c.leaves) + " = 1"
		onList := sql.EQ(c.r.C(entsubscriber.FieldListID), listID)
		c.rules.AppendSelectExprAs(flag(all(onList, n.on(c.s, c.r))), leafColumn(c.leaves))
		c.leaves++
		return out
	}
	texts := make([]string, len(n.children))
	for i, child := range n.children {
		out.children = append(out.children, c.truth(child, listID))
		texts[i] = out.children[i].text
	}
	switch {
	case len(texts) == 0:
	case n.operator == rules.Or:
		out.text = "(" + strings.Join(texts, " OR ") + ")"
	default:
		out.text = "(" + strings.Join(texts, " AND ") + ")"
	}
	return out
}

// group adds the sums for the rules of a group. people is the condition for the people of the
// criterion, and before is the condition for the people left before the group.
func (c *ruleColumns) group(g held, out []ExplainedRule, people, before string) {
	if len(g.children) == 0 {
		return
	}
	deciding := groupColumn(len(c.groups))
	c.groups = append(c.groups, decisive(g))
	for i, child := range g.children {
		c.told.sum(people+" AND "+child.text, &out[i].Matches)
		entering, left := before, fmt.Sprintf("%s AND %s <= %d", before, deciding, i)
		if g.node.operator != rules.Or {
			entering = fmt.Sprintf("%s AND %s >= %d", before, deciding, i)
			left = fmt.Sprintf("%s AND %s > %d", before, deciding, i)
		}
		c.told.sum(left, &out[i].Left)
		c.group(child, out[i].Rules, people, entering)
	}
}

// decisive is the position of the rule that decides a group: with And the first rule that does not
// match, with Or the first rule that matches. It is the number of rules if there is no such rule.
func decisive(g held) string {
	var b strings.Builder
	b.WriteString("CASE")
	for i, child := range g.children {
		condition := child.text
		if g.node.operator != rules.Or {
			condition = "NOT (" + condition + ")"
		}
		fmt.Fprintf(&b, " WHEN %s THEN %d", condition, i)
	}
	fmt.Fprintf(&b, " ELSE %d END", len(g.children))
	return b.String()
}
