package query

import (
	"fmt"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
)

// The first statement of an explanation has three levels. The innermost has a column for each rule,
// whether it holds, and a row with their number for the subscribers of a list for whom the same
// rules hold: every rule is evaluated once, and few rows are kept. The next adds a column for each
// group, which of its rules is the first that decides it. The outermost sums, so each sum is about
// a few small numbers, and the statement grows with the rules and not with their square.
type ruleColumns struct {
	s     *statement
	r     row
	rules *sql.Selector
	// groups are the columns of the second level.
	groups []string
	leaves int
	told   *tally
}

// explainRules is the statement that fills in the people of each criterion and the rules.
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

// numberColumn is how many a row stands for.
const numberColumn = "n"

// numbered makes one row of those that are the same in the columns, which are all of a statement.
func numbered(query *sql.Selector, columns []string) *sql.Selector {
	return query.AppendSelectExprAs(sql.Raw("COUNT(*)"), numberColumn).GroupBy(columns...)
}

func leafColumn(i int) string  { return "m" + strconv.Itoa(i) }
func groupColumn(i int) string { return "g" + strconv.Itoa(i) }

// flag is 1 where a predicate holds, and 0 elsewhere.
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

// truth gives each rule its column.
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

// group sums for the rules of a group: people are those of the criterion, and before those that are
// left when the group begins.
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

// decisive is the place of the rule that decides a group: of rules joined by And the first that
// does not hold, by Or the first that does; their number where there is none.
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
