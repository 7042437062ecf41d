package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
)

// explainSteps returns the second statement of an explanation, which fills in the people left after
// each criterion and exclusion. The innermost level computes for each row which criteria and
// exclusions select it. The next level does the same for each contact, and the next computes the
// first criterion or exclusion that decides. If there is only one list, every row is a distinct
// contact.
func (p *plan) explainSteps(out *Explanation, told *tally) *sql.Selector {
	s := p.statement()
	s.told = true
	on := p.listsExplained()
	rows, r := s.from(entsubscriber.Table)
	rows.AppendSelectExprAs(flag(reachable(s, r)), "reachable").Where(among(r.C(entsubscriber.FieldListID), on...))
	columns, anyRow := []string{"reachable"}, func(text string) sql.Querier { return sql.Raw(text) }
	if len(on) > 1 {
		anyRow = func(text string) sql.Querier { return sql.Raw("MAX(" + text + ")") }
	}
	contacts := s.derived(rows, "held")
	choose := func(criteria []criterion, name string) {
		for i, c := range criteria {
			column := name + strconv.Itoa(i)
			rows.AppendSelectExprAs(
				flag(all(sql.EQ(r.C(entsubscriber.FieldListID), c.listID), c.where.on(s, r))), column,
			)
			contacts.AppendSelectExprAs(anyRow(column), column)
			columns = append(columns, column)
		}
	}
	choose(p.criteria, "c")
	choose(p.exclude, "x")
	for i := range p.criteria {
		contacts.AppendSelectExprAs(
			anyRow(fmt.Sprintf("CASE WHEN c%d = 1 AND reachable = 1 THEN 1 ELSE 0 END", i)), "r"+strconv.Itoa(i),
		)
	}
	if len(on) > 1 {
		rows.AppendSelectAs(r.C(entsubscriber.FieldContactID), entsubscriber.FieldContactID)
		contacts.AppendSelectExprAs(sql.Raw("1"), numberColumn).GroupBy(entsubscriber.FieldContactID)
	} else {
		numbered(rows, columns)
		contacts.AppendSelect(numberColumn)
	}

	decided := s.derived(contacts, "chosen").
		AppendSelectExprAs(sql.Raw(first("c%d = 0", len(p.criteria))), "missing").
		AppendSelectExprAs(sql.Raw(first("r%d = 1", len(p.criteria))), "reached").
		AppendSelectExprAs(sql.Raw(first("x%d = 1", len(p.exclude))), "excluded").
		AppendSelectExprAs(sql.Raw("SUM("+numberColumn+")"), numberColumn).
		GroupBy("missing", "reached", "excluded")
	for i := range out.Criteria {
		told.sum(p.left(i), &out.Criteria[i].Left)
	}
	for i := range out.Exclude {
		told.sum(fmt.Sprintf("%s AND excluded > %d", p.left(len(p.criteria)-1), i), &out.Exclude[i].Left)
	}
	return told.over(s, decided)
}

// listsExplained returns the lists of the criteria and the exclusions.
func (p *plan) listsExplained() []int64 {
	return lists(slices.Concat(p.criteria, p.exclude))
}

// left is the condition for contacts that the criteria up to the i-th reach.
func (p *plan) left(i int) string {
	if p.operator == rules.Or {
		return fmt.Sprintf("reached <= %d", i)
	}
	return fmt.Sprintf("reached <= %d AND missing > %d", i, i)
}

// first is the position of the first of n columns that meets the condition, or n if none does.
func first(condition string, n int) string {
	if n == 0 {
		return "0"
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i := range n {
		fmt.Fprintf(&b, " WHEN "+condition+" THEN %d", i, i)
	}
	fmt.Fprintf(&b, " ELSE %d END", n)
	return b.String()
}
