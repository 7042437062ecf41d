package page

import (
	"context"
	"errors"
	"slices"
	"testing"

	"campaignql/internal/budget"
)

var byNumber = Order[int64]{Name: "NUMBER", Column: idColumn, Key: func(n int64) Key { return Key{ID: n} }}

// fetcher serves pages of the numbers 1 to n and counts the pages.
func fetcher(n int64, pages *int) func(context.Context, Request) (Result[int64], error) {
	return func(_ context.Context, r Request) (Result[int64], error) {
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
		err := Each(
			t.Context(), test.offset, test.limit, 3, 3, fetcher(test.rows, &pages),
			func(_ context.Context, rows []int64) error {
				if len(rows) > 3 {
					t.Errorf("%s: a batch of %d", label, len(rows))
				}
				got = append(got, rows...)
				return nil
			},
		)
		if err != nil || !slices.Equal(got, want) || pages != test.pages {
			t.Errorf("%s: got %v in %d pages, %v; want %v in %d", label, got, pages, err, want, test.pages)
		}
	}
}

func TestEachEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	pages, boom := 0, errors.New("boom")
	err := Each(t.Context(), 0, 0, 3, 3, fetcher(10, &pages), func(context.Context, []int64) error { return boom })
	if !errors.Is(err, boom) || pages != 1 {
		t.Errorf("got %v after %d pages", err, pages)
	}
	if err := Each(
		t.Context(), -1, 0, 3, 3, fetcher(10, &pages), func(context.Context, []int64) error { return nil },
	); err == nil {
		t.Error("a negative offset was accepted")
	}
}

func TestBatchesGrowUpToTheLargest(t *testing.T) {
	t.Parallel()
	pages := 0
	var sizes []int
	err := Each(t.Context(), 0, 1000, 200, 600, fetcher(2000, &pages), func(_ context.Context, rows []int64) error {
		sizes = append(sizes, len(rows))
		return nil
	})
	if want := []int{200, 400, 400}; err != nil || !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, %v, want %v", sizes, err, want)
	}
	sizes = nil
	err = Each(t.Context(), 0, 0, 200, 600, fetcher(2000, &pages), func(_ context.Context, rows []int64) error {
		sizes = append(sizes, len(rows))
		return nil
	})
	if want := []int{200, 400, 600, 600, 200}; err != nil || !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, %v, want %v", sizes, err, want)
	}
}

// sortedNumbers is a list of the numbers 1 to n in windows of 5 and batches of 2. It counts the
// sorts and leaves out the numbers in gone.
func sortedNumbers(n int64, gone map[int64]bool, sorts *int) Sorted[int64] {
	numbers := fetcher(n, sorts)
	return Sorted[int64]{
		Order: byNumber, Window: 5, Batch: 2,
		IDs: func(ctx context.Context, plan Plan[int64]) ([]int64, error) {
			result, err := numbers(ctx, plan.request)
			ids := result.Items
			if result.HasNext {
				ids = append(ids, ids[len(ids)-1]+1)
			}
			return ids, err
		},
		Rows: func(_ context.Context, ids []int64) (map[int64]int64, error) {
			found := map[int64]int64{}
			for _, id := range ids {
				if !gone[id] {
					found[id] = id
				}
			}
			return found, nil
		},
	}
}

func TestEachSortedSortsOnceForAWindow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rows          int64
		offset, limit int
		gone          []int64
		first, last   int64
		sorts         int
	}{
		"all":                         {rows: 13, first: 1, last: 13, sorts: 3},
		"a whole number of windows":   {rows: 10, first: 1, last: 10, sorts: 2},
		"one window":                  {rows: 5, first: 1, last: 5, sorts: 1},
		"a limit within a window":     {rows: 13, limit: 3, first: 1, last: 3, sorts: 1},
		"a limit over windows":        {rows: 13, limit: 8, first: 1, last: 8, sorts: 2},
		"a limit beyond the end":      {rows: 4, limit: 9, first: 1, last: 4, sorts: 1},
		"an offset":                   {rows: 13, offset: 6, first: 7, last: 13, sorts: 2},
		"an offset beyond the end":    {rows: 4, offset: 9, sorts: 1},
		"nothing":                     {sorts: 1},
		"the last of a window gone":   {rows: 13, gone: []int64{5}, first: 1, last: 13, sorts: 3},
		"the last three of it gone":   {rows: 13, gone: []int64{3, 4, 5}, first: 1, last: 13, sorts: 4},
		"some in the middle gone":     {rows: 13, gone: []int64{2, 7, 8}, first: 1, last: 13, sorts: 3},
		"all of the last window gone": {rows: 8, gone: []int64{6, 7, 8}, first: 1, last: 8, sorts: 2},
	}
	for label, test := range tests {
		gone := map[int64]bool{}
		for _, id := range test.gone {
			gone[id] = true
		}
		var got, want []int64
		for i := test.first; i > 0 && i <= test.last; i++ {
			if !gone[i] {
				want = append(want, i)
			}
		}
		sorts := 0
		err := EachSorted(
			t.Context(), test.offset, test.limit, sortedNumbers(test.rows, gone, &sorts),
			func(_ context.Context, rows []int64) error {
				if len(rows) > 2 {
					t.Errorf("%s: a batch of %d", label, len(rows))
				}
				got = append(got, rows...)
				return nil
			},
		)
		if err != nil || !slices.Equal(got, want) || sorts != test.sorts {
			t.Errorf("%s: got %v in %d sorts, %v; want %v in %d", label, got, sorts, err, want, test.sorts)
		}
	}
}

func TestEachSortedEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	sorts, boom := 0, errors.New("boom")
	err := EachSorted(
		t.Context(), 0, 0, sortedNumbers(10, nil, &sorts), func(context.Context, []int64) error { return boom },
	)
	if !errors.Is(err, boom) || sorts != 1 {
		t.Errorf("got %v after %d sorts", err, sorts)
	}
	broken := sortedNumbers(10, nil, &sorts)
	broken.Rows = func(context.Context, []int64) (map[int64]int64, error) { return nil, boom }
	err = EachSorted(t.Context(), 0, 0, broken, func(context.Context, []int64) error { return nil })
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if err := EachSorted(
		t.Context(), -1, 0, sortedNumbers(10, nil, &sorts), func(context.Context, []int64) error { return nil },
	); err == nil {
		t.Error("a negative offset was accepted")
	}
}

// TestEachHoldsLittleOfLargeRows reads rows of one megabyte each. One of them is larger than a page
// may be.
func TestEachHoldsLittleOfLargeRows(t *testing.T) {
	t.Parallel()
	pages, read := 0, 0
	numbers := fetcher(40, &pages)
	ctx := budget.With(t.Context(), budget.NewPool(32<<20, 64<<20).Open())
	fetch := func(ctx context.Context, r Request) (Result[int64], error) {
		result, err := numbers(ctx, r)
		for _, n := range result.Items {
			read++
			size := int64(1 << 20)
			if n == 20 {
				size = 10 << 20
			}
			if err := budget.From(ctx).Charge(size, "html"); err != nil {
				return Result[int64]{}, err
			}
		}
		return result, err
	}
	var got []int64
	err := Each(ctx, 0, 0, 16, 64, fetch, func(_ context.Context, rows []int64) error {
		if len(rows) > 4 {
			t.Errorf("%d rows of a megabyte are held at once", len(rows))
		}
		got = append(got, rows...)
		return nil
	})
	if err != nil || len(got) != 40 || got[19] != 20 || got[39] != 40 {
		t.Errorf("visited %v, %v", got, err)
	}
	if read > 60 {
		t.Errorf("%d rows are read to visit 40", read)
	}
	if used := budget.From(ctx).Used(); used != 0 {
		t.Errorf("%d bytes are still charged", used)
	}
}
