package page

import (
	"context"
	"slices"

	"campaignql/internal/budget"
)

// portionBytes is how much a page of Each holds as a rule. A single row may be larger.
const portionBytes = 4 << 20

// Each walks a list from an offset, at most limit rows of it (0: all), and holds one page of it at
// a time: at most largest rows, and of large rows only as many as stay within portionBytes. fetch
// reads a page, and visit is called with its rows. Both are given a context whose memory is that
// page's alone. The first page has batch rows, and each has twice as many as the one before, up to
// largest: an order that no index serves sorts the whole list for every page. An error of fetch or
// visit ends it. All but the first page are read by key, so that what is added or removed meanwhile
// is not seen twice. Pages of Each may be larger than MaxSize.
func Each[T any](ctx context.Context, offset, limit, batch, largest int,
	fetch func(context.Context, Request) (Result[T], error), visit func(context.Context, []T) error,
) error {
	request := Request{Offset: &offset, walk: true}
	for done := 0; limit == 0 || done < limit; {
		size := batch
		if limit > 0 {
			size = min(size, limit-done)
		}
		result, held, err := portion(ctx, size, func(ctx context.Context, size int) (Result[T], error) {
			sized := request
			sized.First = &size
			return fetch(ctx, sized)
		})
		if err != nil {
			return err
		}
		rows := len(result.Items)
		if rows > 0 {
			err = visitPortion(ctx, result.Items, visit)
		}
		used := held.Used()
		held.Close()
		if err != nil || !result.HasNext {
			return err
		}
		done += rows
		batch = next(rows, largest, used)
		request = Request{After: result.Cursor(rows - 1), walk: true}
	}
	return nil
}

// portion reads rows that fit into portionBytes: half as many as long as they do not. One row is
// read whatever its size, as far as the answer may hold it. What was read is charged until the
// budget that is returned is closed.
func portion[T any](
	ctx context.Context, size int, fetch func(ctx context.Context, size int) (Result[T], error),
) (Result[T], *budget.Budget, error) {
	for ; ; size /= 2 {
		limit := int64(portionBytes)
		if size <= 1 {
			limit = 0
		}
		inner, held := budget.Portion(ctx, limit)
		result, err := fetch(inner, size)
		if err == nil {
			return result, held, nil
		}
		held.Close()
		if held.Err() == nil || size <= 1 {
			return result, nil, err
		}
	}
}

// visitPortion calls visit with memory of its own for what it loads beside the rows.
func visitPortion[T any](ctx context.Context, rows []T, visit func(context.Context, []T) error) error {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	return visit(inner, rows)
}

// next is the size of the page after one of so many rows and bytes.
func next(rows, largest int, bytes int64) int {
	size := min(2*rows, largest)
	if bytes > 0 {
		size = int(min(int64(size), portionBytes*3/4*int64(rows)/bytes))
	}
	return max(1, size)
}

// Sorted tells EachSorted how to read a list.
type Sorted[T any] struct {
	Order Order[T]
	// Window is how many ids are read at a time, Batch how many rows.
	Window, Batch int
	// IDs returns the ids of the rows that the plan asks for, in their order, in one statement.
	IDs func(context.Context, Plan[T]) ([]int64, error)
	// Rows returns rows by their ids; those that are no longer there are absent.
	Rows func(context.Context, []int64) (map[int64]T, error)
}

// EachSorted is Each for an order that no index serves, in which each page costs a sort of the
// whole list. It reads the ids of a window of many rows in one sort, and then the rows by their
// ids, a batch at a time: what is held are the ids of a window and a batch of rows, and what is
// sorted is sorted once for a window. Rows that are removed meanwhile are left out.
func EachSorted[T any](
	ctx context.Context, offset, limit int, list Sorted[T], visit func(context.Context, []T) error,
) error {
	request := Request{Offset: &offset}
	for done := 0; limit == 0 || done < limit; {
		size := list.Window
		if limit > 0 {
			size = min(size, limit-done)
		}
		request.First, request.walk = &size, true
		plan, err := list.Order.Plan(request)
		if err != nil {
			return err
		}
		ids, err := list.window(ctx, plan)
		if err != nil {
			return err
		}
		more := len(ids) > size && (limit == 0 || done+size < limit)
		ids = ids[:min(size, len(ids))]
		if more {
			// The place of the last row is looked up before the others are visited, which may take
			// long: it may be gone by then.
			if request, err = list.behind(ctx, ids, request); err != nil {
				return err
			}
		}
		if err := list.visit(ctx, ids, visit); err != nil || !more {
			return err
		}
		done += len(ids)
	}
	return nil
}

// window reads the ids of a window. They are the walk's own and charged to no page.
func (l Sorted[T]) window(ctx context.Context, plan Plan[T]) ([]int64, error) {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	return l.IDs(inner, plan)
}

// behind returns the request for what follows the last of the rows that is still there; where none
// is, the same request finds what follows them.
func (l Sorted[T]) behind(ctx context.Context, ids []int64, same Request) (Request, error) {
	for end, size := len(ids), 1; end > 0; size = l.Batch { // as a rule the last one is there
		some := ids[max(0, end-size):end]
		end -= len(some)
		found, err := l.rows(ctx, some)
		if err != nil {
			return same, err
		}
		for _, id := range slices.Backward(some) {
			if row, there := found[id]; there {
				return Request{After: l.Order.cursor(row)}, nil
			}
		}
	}
	return same, nil
}

// rows reads rows that are dropped at once.
func (l Sorted[T]) rows(ctx context.Context, ids []int64) (map[int64]T, error) {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	return l.Rows(inner, ids)
}

func (l Sorted[T]) visit(ctx context.Context, ids []int64, visit func(context.Context, []T) error) error {
	for some := range slices.Chunk(ids, l.Batch) {
		if err := l.visitBatch(ctx, some, visit); err != nil {
			return err
		}
	}
	return nil
}

func (l Sorted[T]) visitBatch(ctx context.Context, ids []int64, visit func(context.Context, []T) error) error {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	found, err := l.Rows(inner, ids)
	if err != nil {
		return err
	}
	rows := make([]T, 0, len(ids))
	for _, id := range ids {
		if row, there := found[id]; there {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return visitPortion(ctx, rows, visit)
}
