package page

import (
	"errors"
	"slices"
	"testing"
)

var byNumber = Order[int64]{Name: "NUMBER", Column: idColumn, Key: func(n int64) Key { return Key{ID: n} }}

// fetcher serves pages of the numbers 1 to n, and counts them.
func fetcher(n int64, pages *int) func(Request) (Result[int64], error) {
	return func(r Request) (Result[int64], error) {
		*pages++
		plan, err := byNumber.Plan(r)
		if err != nil {
			return Result[int64]{}, err
		}
		first := int64(1)
		if r.Offset != nil {
			first += int64(*r.Offset)
		}
		if plan.after != nil {
			first = plan.after.id + 1
		}
		var rows []int64
		for i := first; i <= n && len(rows) <= *r.First; i++ {
			rows = append(rows, i)
		}
		return plan.Result(rows), nil
	}
}

func TestEachWalksTheRowsInBatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rows          int64
		offset, limit int
		first, last   int64
		pages         int
	}{
		"all":                       {rows: 10, first: 1, last: 10, pages: 4},
		"a whole number of batches": {rows: 9, first: 1, last: 9, pages: 3},
		"one batch":                 {rows: 3, first: 1, last: 3, pages: 1},
		"a limit within a batch":    {rows: 10, limit: 2, first: 1, last: 2, pages: 1},
		"a limit over batches":      {rows: 10, limit: 5, first: 1, last: 5, pages: 2},
		"a limit beyond the end":    {rows: 4, limit: 9, first: 1, last: 4, pages: 2},
		"an offset":                 {rows: 10, offset: 4, first: 5, last: 10, pages: 2},
		"an offset and a limit":     {rows: 10, offset: 4, limit: 4, first: 5, last: 8, pages: 2},
		"an offset beyond the end":  {rows: 4, offset: 9, pages: 1},
		"nothing":                   {pages: 1},
	}
	for label, test := range tests {
		var got, want []int64
		for i := test.first; i > 0 && i <= test.last; i++ {
			want = append(want, i)
		}
		pages := 0
		err := Each(test.offset, test.limit, 3, 3, fetcher(test.rows, &pages), func(rows []int64) error {
			if len(rows) > 3 {
				t.Errorf("%s: a batch of %d", label, len(rows))
			}
			got = append(got, rows...)
			return nil
		})
		if err != nil || !slices.Equal(got, want) || pages != test.pages {
			t.Errorf("%s: got %v in %d pages, %v; want %v in %d", label, got, pages, err, want, test.pages)
		}
	}
}

func TestEachEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	pages, boom := 0, errors.New("boom")
	if err := Each(0, 0, 3, 3, fetcher(10, &pages), func([]int64) error { return boom }); !errors.Is(err, boom) || pages != 1 {
		t.Errorf("got %v after %d pages", err, pages)
	}
	if err := Each(-1, 0, 3, 3, fetcher(10, &pages), func([]int64) error { return nil }); err == nil {
		t.Error("a negative offset was accepted")
	}
}

func TestBatchesGrowUpToTheLargest(t *testing.T) {
	t.Parallel()
	pages := 0
	var sizes []int
	err := Each(0, 1000, 200, 600, fetcher(2000, &pages), func(rows []int64) error {
		sizes = append(sizes, len(rows))
		return nil
	})
	if want := []int{200, 400, 400}; err != nil || !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, %v, want %v", sizes, err, want)
	}
	sizes = nil
	err = Each(0, 0, 200, 600, fetcher(2000, &pages), func(rows []int64) error {
		sizes = append(sizes, len(rows))
		return nil
	})
	if want := []int{200, 400, 600, 600, 200}; err != nil || !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, %v, want %v", sizes, err, want)
	}
}
