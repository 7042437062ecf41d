package page

import (
	"strconv"

	"entgo.io/ent/dialect/sql"
)

// Groups chooses, instead of one page of a list, the page of each of several groups of it: of the
// lists of people the first ten on each, say. Each part selects the ids of one group, with its
// conditions; the rows of all of them come in the order of the list, mixed, in one statement that
// reads no more of a group than its page. It takes the place of Apply. Result turns the rows of one
// group into its page.
func (p Plan[T]) Groups(parts []*sql.Selector) func(*sql.Selector) {
	return func(s *sql.Selector) {
		var whole *sql.Selector
		for i, part := range parts {
			part.SetDialect(s.Dialect())
			p.Apply(part)
			// A table of its own: neither database takes a LIMIT inside IN or in a part of a UNION.
			own := sql.Dialect(s.Dialect()).Select(idColumn).From(part.As("g" + strconv.Itoa(i)))
			if whole == nil {
				whole = own
				continue
			}
			whole.UnionAll(own)
		}
		s.Where(sql.In(s.C(idColumn), sql.Dialect(s.Dialect()).Select(idColumn).From(whole.As("chosen"))))
		p.sort(s)
	}
}
