package page

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/go-cmp/cmp"

	"campaignql/internal/apperr"
)

type row struct {
	id   int64
	name string
	at   *time.Time
}

var (
	byID   = Order[row]{Name: "CREATED_AT", Column: "id", Key: func(r row) Key { return Key{ID: r.id} }}
	byName = Order[row]{
		Name: "NAME", Column: "name_key", Type: Text, Key: func(r row) Key { return Key{Value: r.name, ID: r.id} },
	}
	byAt = Order[row]{
		Name: "AT", Column: "at", Type: Instant, Nullable: true,
		Key: func(r row) Key { return Key{Value: Optional(r.at), ID: r.id} },
	}
)

func ptr[T any](v T) *T { return &v }

func reasons(err error) []string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, string(e.Code)+" "+e.Field+" "+string(e.Reason))
	}
	return out
}

func TestRequestTellsEveryFault(t *testing.T) {
	t.Parallel()
	good := byID.cursor(row{id: 7})
	tests := map[string]struct {
		request Request
		want    []string
	}{
		"empty":              {Request{}, nil},
		"first 0":            {Request{First: ptr(0)}, nil},
		"first at the limit": {Request{First: ptr(250)}, nil},
		"both cursors":       {Request{First: ptr(5), After: good, Before: good}, nil},
		"offset with first":  {Request{First: ptr(5), Offset: ptr(50)}, nil},
		"first over":         {Request{First: ptr(251)}, []string{"invalid first page_size"}},
		"first negative":     {Request{First: ptr(-1)}, []string{"invalid first page_size"}},
		"last negative":      {Request{Last: ptr(-1)}, []string{"invalid last page_size"}},
		"last over":          {Request{Last: ptr(1000)}, []string{"invalid last page_size"}},
		"both ends":          {Request{First: ptr(1), Last: ptr(1)}, []string{"invalid last page_both_ends"}},
		"offset negative":    {Request{Offset: ptr(-1)}, []string{"invalid offset page_offset"}},
		"offset with after": {
			Request{Offset: ptr(1), After: good}, []string{"invalid offset page_offset_with_cursor"},
		},
		"offset with before": {
			Request{Offset: ptr(1), Before: good}, []string{"invalid offset page_offset_with_cursor"},
		},
		"offset with last": {
			Request{Offset: ptr(1), Last: ptr(1)}, []string{"invalid offset page_offset_with_cursor"},
		},
		"several": {
			Request{First: ptr(-1), Last: ptr(300), After: "?", Before: "x"},
			[]string{
				"invalid first page_size", "invalid last page_size", "invalid last page_both_ends",
				"invalid after cursor_invalid", "invalid before cursor_invalid",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, reasons(test.request.Validate())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCursorReadsBackWhatItWrote(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
	for _, want := range []cursor{
		{order: "CREATED_AT", id: 1, kind: none},
		{order: "NAME", id: 9, kind: Text, text: ""},
		{order: "NAME-", id: 9, kind: Text, text: "größe: 100 % : ok"},
		{order: "SENT", id: 1<<62 + 1, kind: Number, num: -5},
		{order: "AT", id: 3, kind: Instant, at: at},
	} {
		got, ok := parseCursor(want.String())
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(cursor{})); !ok || diff != "" {
			t.Errorf("ok %v: %s", ok, diff)
		}
	}
}

func TestTamperedCursorIsInvalidNotAFault(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	for name, opaque := range map[string]string{
		"not base64":         "!!",
		"padded":             "bjE6QTo=",
		"empty payload":      encode([]byte("n")),
		"no value":           encode([]byte("n1:A")),
		"no id":              encode([]byte("n:A:")),
		"unknown type":       encode([]byte("z1:A:b")),
		"value without type": encode([]byte("n1:A:b")),
		"number of letters":  encode([]byte("i1:A:b")),
		"huge number":        encode([]byte("i1:A:99999999999999999999")),
		"instant of letters": encode([]byte("t1:A:b")),
		"year 300000":        encode([]byte("t1:A:9223372036854775807")),
		"invalid UTF-8":      encode([]byte("s1:A:\xff")),
		"NUL":                encode([]byte("s1:A:\x00")),
		"too long":           encode([]byte("s1:A:" + strings.Repeat("a", maxCursor))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(
				[]string{"invalid after cursor_invalid"}, reasons(Request{After: opaque}.Validate()),
			); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCursorBelongsToOneOrderAndDirection(t *testing.T) {
	t.Parallel()
	descending := byName
	descending.Desc = true
	name := byName.cursor(row{id: 1, name: "a"})
	tests := map[string]struct {
		plan func(Request) error
		want []string
	}{
		"same order":        {planner(byName), nil},
		"another order":     {planner(byAt), []string{"invalid before cursor_of_another_order"}},
		"another direction": {planner(descending), []string{"invalid before cursor_of_another_order"}},
		"forged type": {
			planner(Order[row]{Name: "NAME", Column: "total", Type: Number}),
			[]string{"invalid before cursor_invalid"},
		},
		"forged key of an id": {
			planner(Order[row]{Name: "NAME", Column: "id"}), []string{"invalid before cursor_invalid"},
		},
	}
	for label, test := range tests {
		if diff := cmp.Diff(test.want, reasons(test.plan(Request{Before: name}))); diff != "" {
			t.Errorf("%s: %s", label, diff)
		}
	}
	null := byAt.cursor(row{id: 1})
	strict := byAt
	strict.Nullable = false
	if diff := cmp.Diff(
		[]string{"invalid after cursor_invalid"}, reasons(planner(strict)(Request{After: null})),
	); diff != "" {
		t.Errorf("a NULL in an order without NULLs: %s", diff)
	}
}

func planner(o Order[row]) func(Request) error {
	return func(r Request) error {
		_, err := o.Plan(r)
		return err
	}
}

func TestPlanWritesAnIndexableRange(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	desc := func(o Order[row]) Order[row] { o.Desc = true; return o }
	name, dated, undated := row{id: 7, name: "b"}, row{id: 7, at: &at}, row{id: 7}
	tests := map[string]struct {
		order   Order[row]
		request Request
		want    string
		args    []any
	}{
		"first page": {byName, Request{}, "ORDER BY `rows`.`name_key` ASC, `rows`.`id` ASC LIMIT 26", nil},
		"offset": {
			byName, Request{First: ptr(10), Offset: ptr(30)},
			"ORDER BY `rows`.`name_key` ASC, `rows`.`id` ASC LIMIT 11 OFFSET 30", nil,
		},
		"by id, descending": {desc(byID), Request{After: desc(byID).cursor(name)},
			"WHERE `rows`.`id` < ? ORDER BY `rows`.`id` DESC LIMIT 26", []any{int64(7)}},
		"after": {
			byName,
			Request{First: ptr(2), After: byName.cursor(name)},
			"WHERE `rows`.`name_key` >= ? AND (`rows`.`name_key` > ? OR (`rows`.`name_key` = ? AND `rows`.`id` > ?)) ORDER BY `rows`.`name_key` ASC, `rows`.`id` ASC LIMIT 3",
			[]any{"b", "b", "b", int64(7)},
		},
		"last before turns the order round": {
			byName,
			Request{Last: ptr(2), Before: byName.cursor(name)},
			"WHERE `rows`.`name_key` <= ? AND (`rows`.`name_key` < ? OR (`rows`.`name_key` = ? AND `rows`.`id` < ?)) ORDER BY `rows`.`name_key` DESC, `rows`.`id` DESC LIMIT 3",
			[]any{"b", "b", "b", int64(7)},
		},
		"after NULL, ascending": {
			byAt, Request{After: byAt.cursor(undated)},
			"WHERE (`rows`.`at` IS NULL AND `rows`.`id` > ?) OR `rows`.`at` IS NOT NULL ORDER BY `rows`.`at` ASC, `rows`.`id` ASC LIMIT 26",
			[]any{int64(7)},
		},
		"after NULL, descending": {
			desc(byAt), Request{After: desc(byAt).cursor(undated)},
			"WHERE `rows`.`at` IS NULL AND `rows`.`id` < ? ORDER BY `rows`.`at` DESC, `rows`.`id` DESC LIMIT 26",
			[]any{int64(7)},
		},
		"after a value that NULLs follow": {
			desc(byAt),
			Request{After: desc(byAt).cursor(dated)},
			"WHERE `rows`.`at` < ? OR (`rows`.`at` = ? AND `rows`.`id` < ?) OR `rows`.`at` IS NULL ORDER BY `rows`.`at` DESC, `rows`.`id` DESC LIMIT 26",
			[]any{at, at, int64(7)},
		},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			plan, err := test.order.Plan(test.request)
			if err != nil {
				t.Fatal(err)
			}
			s := sql.Dialect(dialect.MySQL).Select("id").From(sql.Table("rows"))
			plan.Apply(s)
			query, args := s.Query()
			if diff := cmp.Diff("SELECT `id` FROM `rows` "+test.want, query); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.args, args); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGroupsAreReadByThemselves(t *testing.T) {
	t.Parallel()
	plan, err := byName.Plan(Request{Last: ptr(2), Before: byName.cursor(row{id: 7, name: "b"})})
	if err != nil {
		t.Fatal(err)
	}
	part := func(group int) *sql.Selector {
		table := sql.Table("rows")
		return sql.Select(table.C("id")).From(table).Where(sql.EQ(table.C("group_id"), group))
	}
	s := sql.Dialect(dialect.MySQL).Select("id").From(sql.Table("rows"))
	s.Where(sql.EQ("user_id", 1))
	plan.Groups([]*sql.Selector{part(3), part(4)})(s)
	query, args := s.Query()
	own := "SELECT `id` FROM (SELECT `rows`.`id` FROM `rows` WHERE `rows`.`group_id` = ? AND (`rows`.`name_key` <= ? AND (`rows`.`name_key` < ? OR (`rows`.`name_key` = ? AND `rows`.`id` < ?))) " +
		"ORDER BY `rows`.`name_key` DESC, `rows`.`id` DESC LIMIT 3) AS `g%d`"
	want := "SELECT `id` FROM `rows` WHERE `user_id` = ? AND `rows`.`id` IN (SELECT `id` FROM (" + fmt.Sprintf(
		own, 0,
	) + " UNION ALL " + fmt.Sprintf(own, 1) + ") AS `chosen`) " +
		"ORDER BY `rows`.`name_key` DESC, `rows`.`id` DESC"
	if diff := cmp.Diff(want, query); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{1, 3, "b", "b", "b", int64(7), 4, "b", "b", "b", int64(7)}, args); diff != "" {
		t.Error(diff)
	}
}

func TestPlanKeepsTheConditionsOfTheQuery(t *testing.T) {
	t.Parallel()
	plan, err := byAt.Plan(Request{After: byAt.cursor(row{id: 7}), Before: byAt.cursor(row{id: 9})})
	if err != nil {
		t.Fatal(err)
	}
	s := sql.Dialect(dialect.MySQL).Select("id").From(sql.Table("rows"))
	s.Where(sql.EQ("user_id", 1))
	plan.Apply(s)
	query, _ := s.Query()
	want := "SELECT `id` FROM `rows` WHERE (`user_id` = ? AND ((`rows`.`at` IS NULL AND `rows`.`id` > ?) OR `rows`.`at` IS NOT NULL)) AND (`rows`.`at` IS NULL AND `rows`.`id` < ?) ORDER BY `rows`.`at` ASC, `rows`.`id` ASC LIMIT 26"
	if diff := cmp.Diff(want, query); diff != "" {
		t.Error(diff)
	}
}

func TestResultTellsWhatLiesBeyond(t *testing.T) {
	t.Parallel()
	cursor := byID.cursor(row{id: 9})
	rows := func(ids ...int64) []row {
		out := []row{}
		for _, id := range ids {
			out = append(out, row{id: id})
		}
		return out
	}
	tests := map[string]struct {
		request        Request
		fetched, want  []row
		next, previous bool
	}{
		"whole list":            {Request{First: ptr(3)}, rows(1, 2, 3), rows(1, 2, 3), false, false},
		"more behind":           {Request{First: ptr(2)}, rows(1, 2, 3), rows(1, 2), true, false},
		"first 0 of some":       {Request{First: ptr(0)}, rows(1), rows(), true, false},
		"first 0 of none":       {Request{First: ptr(0)}, rows(), rows(), false, false},
		"after":                 {Request{First: ptr(2), After: cursor}, rows(10, 11), rows(10, 11), false, true},
		"last":                  {Request{Last: ptr(2)}, rows(3, 2, 1), rows(2, 3), false, true},
		"last before":           {Request{Last: ptr(2), Before: cursor}, rows(8, 7), rows(7, 8), true, false},
		"offset":                {Request{First: ptr(2), Offset: ptr(2)}, rows(3, 4, 5), rows(3, 4), true, true},
		"offset 0 is the start": {Request{First: ptr(2), Offset: ptr(0)}, rows(1), rows(1), false, false},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			plan, err := byID.Plan(test.request)
			if err != nil {
				t.Fatal(err)
			}
			got := plan.Result(test.fetched)
			if diff := cmp.Diff(test.want, got.Items, cmp.AllowUnexported(row{})); diff != "" {
				t.Error(diff)
			}
			if got.HasNext != test.next || got.HasPrevious != test.previous {
				t.Errorf("next %v, previous %v; want %v, %v", got.HasNext, got.HasPrevious, test.next, test.previous)
			}
			for i, item := range got.Items {
				if want := byID.cursor(item); got.Cursor(i) != want {
					t.Errorf("cursor %d is %s, want %s", i, got.Cursor(i), want)
				}
			}
		})
	}
}

func TestPlanSelectsWhatCursorsNeed(t *testing.T) {
	t.Parallel()
	plan, err := byName.Plan(Request{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(
		[]string{"id", "name_key", "subject"}, plan.Select([]string{"subject", "id", "id"}),
	); diff != "" {
		t.Error(diff)
	}
	if got := plan.Select(nil); got != nil {
		t.Errorf("all columns became %v", got)
	}
}
