package query

import (
	"context"
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/store"
)

// ownerColumn is the column with the owner of a row. Every table has it.
const ownerColumn = "user_id"

// statement builds one SQL statement on the rows of one account.
type statement struct {
	dialect string
	owner   int64
	tables  int
	// whole means that the statement reads everybody on the lists, not only a range of ids. told
	// means that conditions are columns of the rows and do not filter them.
	whole, told bool
	// few means that the statement reads so few people that the number of their field values and
	// events does not matter.
	few bool
	// beneath is the nesting depth of conditions that are not simply joined by And.
	beneath int
}

// apart marks a condition that is not simply joined by And to all others: it is a part of an Or, or
// it is negated.
func apart(c condition) condition {
	return func(s *statement, r row) *sql.Predicate {
		s.beneath++
		defer func() { s.beneath-- }()
		return c(s, r)
	}
}

// row is a row of a table, as conditions name it.
type row = *sql.SelectTable

// condition returns a predicate on a row. The predicate is never NULL, so that it can be negated.
type condition func(s *statement, r row) *sql.Predicate

// from returns a SELECT on the rows of a table that the account owns, under a new alias. Every
// table is added to a statement here or in ofOwned. These two functions limit the statements of
// this package to one account, as the store does for Ent's statements.
func (s *statement) from(table string) (*sql.Selector, row) {
	query, r := s.table(table)
	if table == entsubscriber.Table {
		// Subscribers are always found by the list or by the id. The expression "+ 0" keeps MySQL
		// from using the index of the account, which holds the people of all lists.
		return query.Where(written(r.C(ownerColumn)+" + 0 = ?", s.owner)), r
	}
	return query.Where(sql.EQ(r.C(ownerColumn), s.owner)), r
}

// ofOwned returns a SELECT on the rows that belong to objects whose owner the binder has checked.
// column names the object by one of the ids. The indexes of these tables do not contain the owner,
// so a comparison with it would have to read each row in addition to the index.
func (s *statement) ofOwned(table, column string, ids ...int64) (*sql.Selector, row) {
	query, r := s.table(table)
	return query.Where(among(r.C(column), ids...)), r
}

func (s *statement) table(name string) (*sql.Selector, row) {
	s.tables++
	build := sql.Dialect(s.dialect)
	r := build.Table(name).As("t" + strconv.Itoa(s.tables))
	return build.Select().From(r), r
}

// exists is true if a row of the table meets the condition.
func (s *statement) exists(table string, where condition) *sql.Predicate {
	query, r := s.from(table)
	return sql.Exists(query.SelectExpr(sql.Raw("1")).Where(where(s, r)))
}

// alias returns the name of a table in its statement.
func alias(r row) string {
	name, _, _ := strings.Cut(r.C(ownerColumn), ".")
	return name
}

// derived returns a SELECT on the result of another SELECT, which is evaluated completely first.
// With a LIMIT neither database merges the two. If they were merged, each column would be evaluated
// as often as it is used.
func (s *statement) derived(inner *sql.Selector, name string) *sql.Selector {
	return sql.Dialect(s.dialect).Select().From(inner.Limit(allRows).As(name))
}

// allRows is larger than any number of rows.
const allRows = 1 << 62

// collected makes MySQL evaluate a subquery once instead of once per address. It is for statements
// that read whole lists anyway.
const collected = "SEMIJOIN(MATERIALIZATION)"

// one is the select list of a subquery that only needs to find a row, with a hint for MySQL.
func (s *statement) one(hint string) sql.Querier { return s.hinted(hint, "1") }

// hinted is an expression at the beginning of a SELECT, after an optional hint for MySQL. MariaDB
// treats the hint as a comment.
func (s *statement) hinted(hint, text string) sql.Querier {
	if hint != "" && s.dialect == dialect.MySQL {
		text = "/*+ " + hint + " */ " + text
	}
	return sql.Raw(text)
}

// some is true if one of the found rows belongs to a person. The column of the found rows, which is
// never NULL, holds the id of the person. With EXISTS, SQLite looks up the rows of each person, and
// so does MySQL if the condition is a column and not a filter. With IN, both find all rows by an
// index of their table, which is better for a statement that reads everybody. If MySQL filters, it
// chooses the better way itself and may get a hint.
func (s *statement) some(found *sql.Selector, column, id, hint string) *sql.Predicate {
	if !s.few && (s.told || s.whole && s.dialect == dialect.SQLite) {
		return sql.In(id, found.Select(column))
	}
	return sql.Exists(found.SelectExpr(s.one(hint)).Where(sql.ColumnsEQ(column, id)))
}

// optimizerHint disables a strategy of MySQL that returns wrong results. If an EXISTS and a NOT
// EXISTS are combined, MySQL returns a row as often as the subquery has rows: it plans to remove
// these duplicates, but does not. MariaDB treats the hint as a comment.
const optimizerHint = "SET_VAR(optimizer_switch = 'duplicateweedout=off')"

// If MySQL joins more than wholeSearch subqueries to the rows of subscribers, the hint limits its
// search for the best order. Otherwise it tries all orders, which takes minutes for dozens of
// subqueries.
const (
	wholeSearch = 8
	shortSearch = " SET_VAR(optimizer_search_depth = 3)"
)

// text returns the text of a SELECT as it is sent to the database, with hints for MySQL.
func (s *Service) text(query *sql.Selector, hints string) (string, []any, error) {
	text, args := query.Query()
	if err := query.Err(); err != nil {
		return "", nil, store.Translate(err)
	}
	if s.db.Dialect() == dialect.MySQL {
		if strings.Count(text, "EXISTS (") > wholeSearch {
			hints += shortSearch
		}
		text = "SELECT /*+ " + hints + " */ " + strings.TrimPrefix(text, "SELECT ")
	}
	return text, args, nil
}

// run runs a SELECT with hints for MySQL and calls scan for each row.
func (s *Service) run(ctx context.Context, query *sql.Selector, hints string, scan func(rows *sql.Rows) error) error {
	text, args, err := s.text(query, hints)
	if err != nil {
		return err
	}
	return s.read(ctx, text, args, scan)
}

// read runs a statement in a slot for heavy queries, because it may read all people of an account.
func (s *Service) read(ctx context.Context, text string, args []any, scan func(rows *sql.Rows) error) error {
	_, err := store.Heavy(ctx, s.db, func(ctx context.Context) (none struct{}, err error) {
		return none, s.readNow(ctx, text, args, scan)
	})
	return err
}

func (s *Service) readNow(ctx context.Context, text string, args []any, scan func(rows *sql.Rows) error) error {
	found, err := s.db.Client(ctx).QueryContext(ctx, text, args...)
	if err != nil {
		return store.Translate(err)
	}
	defer found.Close()
	rows := store.Charge(ctx, found)
	for rows.Next() {
		if err := scan(rows); err != nil {
			return store.Translate(err)
		}
	}
	return store.Translate(found.Err())
}

// The connectors put parentheses around everything they join, because Ent omits the parentheses of
// a single OR inside an AND.

func all(parts ...*sql.Predicate) *sql.Predicate   { return joined(" AND ", parts) }
func anyOf(parts ...*sql.Predicate) *sql.Predicate { return joined(" OR ", parts) }

func joined(connector string, parts []*sql.Predicate) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.Wrap(func(b *sql.Builder) {
			for i, part := range parts {
				if i > 0 {
					b.WriteString(connector)
				}
				b.Join(part)
			}
		})
	})
}

func not(p *sql.Predicate) *sql.Predicate {
	return sql.P(
		func(b *sql.Builder) { b.WriteString("(NOT ").Wrap(func(b *sql.Builder) { b.Join(p) }).WriteByte(')') },
	)
}

func negated(is bool, c condition) condition {
	if !is {
		return c
	}
	return func(s *statement, r row) *sql.Predicate { return not(c(s, r)) }
}

func holds(always bool) *sql.Predicate {
	if always {
		return written("TRUE")
	}
	return written("FALSE")
}

// written is a predicate of constants and columns. Values from rules must be arguments.
func written(text string, args ...any) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		for i, part := range strings.Split(text, "?") {
			if i > 0 {
				b.Arg(args[i-1])
			}
			b.WriteString(part)
		}
	})
}

// among is true if the column is one of the ids.
func among(column string, ids ...int64) *sql.Predicate {
	if len(ids) == 1 {
		return sql.EQ(column, ids[0])
	}
	return sql.In(column, store.Args(ids)...)
}

// like is true if the text matches. prefix and suffix are "%" or empty, and part is matched
// literally.
func like(text, prefix, part, suffix string) *sql.Predicate {
	return written(text+" LIKE ? ESCAPE '|'", prefix+likeEscapes.Replace(part)+suffix)
}

var likeEscapes = strings.NewReplacer("|", "||", "%", "|%", "_", "|_")

// bytes makes a text compare byte by byte. This is the order of code points, as in SQLite. MySQL's
// collations pad texts with spaces.
func (s *statement) bytes(text string) string {
	if s.dialect == dialect.MySQL {
		return "CAST(" + text + " AS BINARY)"
	}
	return text
}
