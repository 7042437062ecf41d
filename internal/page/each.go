package page

import (
	"context"
	"slices"

	"campaignql/internal/budget"
)

// portionBytes is the memory that a page of Each may hold. A page of a single row may exceed it.
const portionBytes = 4 << 20

// Each reads a list page by page, from offset on and at most limit rows (0 means all). It holds one
// page in memory: at most largest rows, and fewer if they would exceed portionBytes. It calls fetch
// to read a page and visit with the rows of the page. Both get a context whose memory budget
// belongs to that page only.
//
// The first page has batch rows, and the size doubles with each page up to largest, because an
// order without an index sorts the whole list for every page. Each stops at an error of fetch or
// visit. All pages except the first are read by key, so concurrent inserts and deletes do not cause
// a row to be visited twice. Pages of Each may be larger than MaxSize.
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

// portion reads rows that fit into portionBytes: it halves the number of rows until they fit. A
// single row may have any size that the budget of the answer allows. The rows are charged to the
// returned budget until it is closed.
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

// visitPortion calls visit with a separate budget for the data that visit loads in addition to the
// rows.
func visitPortion[T any](ctx context.Context, rows []T, visit func(context.Context, []T) error) error {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	return visit(inner, rows)
}

// next returns the size of the page after a page with this many rows and bytes.
func next(rows, largest int, bytes int64) int {
	size := min(2*rows, largest)
	if bytes > 0 {
		size = int(min(int64(size), portionBytes*3/4*int64(rows)/bytes))
	}
	return max(1, size)
}

// Sorted describes to EachSorted how to read a list.
type Sorted[T any] struct {
	Order Order[T]
	// Window is the number of ids per query, Batch the number of rows per query.
	Window, Batch int
	// IDs returns the ids of the rows that the plan requests, in their order, in one statement.
	IDs func(context.Context, Plan[T]) ([]int64, error)
	// Rows returns rows by their ids. Rows that no longer exist are absent.
	Rows func(context.Context, []int64) (map[int64]T, error)
}

// EachSorted is Each for an order without an index, in which each page costs a sort of the whole
// list. It reads the ids of a large window with one sort, and then reads the rows by id in batches.
// It holds the ids of one window and the rows of one batch in memory. Rows deleted meanwhile are
// left out.
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
			// Look up the position of the last row before visiting the others. Visiting may take
			// long, and the row may be deleted by then.
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

// window reads the ids of a window. Their memory is not charged to a page.
func (l Sorted[T]) window(ctx context.Context, plan Plan[T]) ([]int64, error) {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	return l.IDs(inner, plan)
}

// behind returns the request for the rows after the last of ids that still exists. If none of them
// exists, it returns same, which now finds the rows that followed them.
func (l Sorted[T]) behind(ctx context.Context, ids []int64, same Request) (Request, error) {
	for end, size := len(ids), 1; end > 0; size = l.Batch { // usually the last row exists
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

// rows reads rows that are used only briefly; their memory is released at once.
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
