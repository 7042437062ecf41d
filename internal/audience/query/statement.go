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

// ownerColumn is the column of every table that says whose row it is.
const ownerColumn = "user_id"

// statement builds one SQL statement over the rows of one account.
type statement struct {
	dialect string
	owner   int64
	tables  int
	// whole tells that everybody on the lists is looked at, and not a range of ids alone; told that
	// conditions are columns of the rows, and do not choose them.
	whole, told bool
	// few tells that so few people are looked at that it does not matter how many there are of what they are asked for.
	few bool
	// beneath is how many conditions that are not simply joined by And the statement is within.
	beneath int
}

// apart is a condition within one that is not simply joined by And to all others: a part of an Or,
// or of what is negated.
func apart(c condition) condition {
	return func(s *statement, r row) *sql.Predicate {
		s.beneath++
		defer func() { s.beneath-- }()
		return c(s, r)
	}
}

// row is a row of a table, as conditions name it.
type row = *sql.SelectTable

// condition becomes a predicate on a row. It is never NULL, so that it may be negated.
type condition func(s *statement, r row) *sql.Predicate

// from returns a SELECT over the rows of a table that the account owns, under a name of its own.
// Every table comes into a statement here or by ofOwned: what the store does for Ent's statements
// is done for those of this package in this one place.
func (s *statement) from(table string) (*sql.Selector, row) {
	query, r := s.table(table)
	if table == entsubscriber.Table {
		// Who is meant is always found by the list or by the id. The index of the account holds the
		// people of all lists, and MySQL takes it if it can.
		return query.Where(written(r.C(ownerColumn)+" + 0 = ?", s.owner)), r
	}
	return query.Where(sql.EQ(r.C(ownerColumn), s.owner)), r
}

// ofOwned returns a SELECT over the rows that belong to something of which the binder has made sure
// that the account owns it: the column names it, by one of the ids. The owner stands in no index of
// these tables, so to compare it too each row would have to be read besides the index.
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

// exists holds where a row of the table fulfils the condition.
func (s *statement) exists(table string, where condition) *sql.Predicate {
	query, r := s.from(table)
	return sql.Exists(query.SelectExpr(sql.Raw("1")).Where(where(s, r)))
}

// alias is the name of a table in its statement.
func alias(r row) string {
	name, _, _ := strings.Cut(r.C(ownerColumn), ".")
	return name
}

// derived returns a SELECT over the result of another, which is evaluated whole first: with a LIMIT
// neither database merges it, which would evaluate each of its columns as often as it is used.
func (s *statement) derived(inner *sql.Selector, name string) *sql.Selector {
	return sql.Dialect(s.dialect).Select().From(inner.Limit(allRows).As(name))
}

// allRows is more rows than there are.
const allRows = 1 << 62

// collected has MySQL find what a subquery is about once and for all, rather than for each address
// by itself. It is for lists all of whose people are read anyway.
const collected = "SEMIJOIN(MATERIALIZATION)"

// one is what a subquery of which it matters alone whether it finds something selects, with a hint for MySQL.
func (s *statement) one(hint string) sql.Querier { return s.hinted(hint, "1") }

// hinted is an expression at the beginning of a SELECT, after a hint for MySQL or none. MariaDB takes it for a comment.
func (s *statement) hinted(hint, text string) sql.Querier {
	if hint != "" && s.dialect == dialect.MySQL {
		text = "/*+ " + hint + " */ " + text
	}
	return sql.Raw(text)
}

// some holds where one of the rows that are found belongs to a person: their column, which is never
// NULL, names the id of whose it is. Asked with EXISTS, SQLite looks the rows of each person up,
// and so does MySQL where it is to tell whether and not to choose; asked with IN they find all of
// the rows by an index of theirs, which is for a statement about everybody. Where MySQL chooses it
// finds the better way by itself, and may be given a hint.
func (s *statement) some(found *sql.Selector, column, id, hint string) *sql.Predicate {
	if !s.few && (s.told || s.whole && s.dialect == dialect.SQLite) {
		return sql.In(id, found.Select(column))
	}
	return sql.Exists(found.SelectExpr(s.one(hint)).Where(sql.ColumnsEQ(column, id)))
}

// optimizerHint forbids MySQL a strategy by which it returns a row as often as a subquery within
// EXISTS has rows, where a NOT EXISTS stands beside it: it plans to weed the duplicates out, and
// does not. MariaDB takes it for a comment.
const optimizerHint = "SET_VAR(optimizer_switch = 'duplicateweedout=off')"

// Of more than wholeSearch subqueries MySQL joins to the rows of subscribers it is to plan a few at
// a time: it tries every order of all together otherwise, for minutes where there are dozens.
const (
	wholeSearch = 8
	shortSearch = " SET_VAR(optimizer_search_depth = 3)"
)

// text returns a SELECT as it is sent to the database, with hints for MySQL.
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

// read runs a statement in a place for heavy work: each may read all people of an account.
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

// The connectors put parentheses around everything they join: Ent leaves those of a lone OR inside an AND out.

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

// written is a predicate of constants and columns alone; whatever comes from a rule is an argument.
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

// among holds where the column is one of the ids.
func among(column string, ids ...int64) *sql.Predicate {
	if len(ids) == 1 {
		return sql.EQ(column, ids[0])
	}
	return sql.In(column, anys(ids)...)
}

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// like holds where the text matches; prefix and suffix are "%" or empty, and the part stands for itself.
func like(text, prefix, part, suffix string) *sql.Predicate {
	return written(text+" LIKE ? ESCAPE '|'", prefix+likeEscapes.Replace(part)+suffix)
}

var likeEscapes = strings.NewReplacer("|", "||", "%", "|%", "_", "|_")

// bytes makes a text compare byte by byte, and so by code points, in the order of SQLite: MySQL's
// collations pad with spaces.
func (s *statement) bytes(text string) string {
	if s.dialect == dialect.MySQL {
		return "CAST(" + text + " AS BINARY)"
	}
	return text
}
