package page

import "slices"

// Each walks a list from an offset, at most limit rows of it (0: all), and never holds more than largest of them: fetch reads a page, and visit is
// called with its rows. The first page has batch rows, and each has twice as many as the one before, up to largest: an order that no index serves sorts
// the whole list for every page. An error of fetch or visit ends it. All but the first page are read by key, so that what is added or removed meanwhile is
// not seen twice. Pages of Each may be larger than MaxSize.
func Each[T any](offset, limit, batch, largest int, fetch func(Request) (Result[T], error), visit func([]T) error) error {
	request := Request{Offset: &offset}
	for done := 0; limit == 0 || done < limit; batch = min(2*batch, largest) {
		size := batch
		if limit > 0 {
			size = min(size, limit-done)
		}
		request.First, request.walk = &size, true
		result, err := fetch(request)
		if err != nil {
			return err
		}
		if len(result.Items) > 0 {
			if err := visit(result.Items); err != nil {
				return err
			}
		}
		if !result.HasNext {
			return nil
		}
		done += len(result.Items)
		request = Request{After: result.Cursor(len(result.Items) - 1)}
	}
	return nil
}

// Sorted tells EachSorted how to read a list.
type Sorted[T any] struct {
	Order Order[T]
	// Window is how many ids are read at a time, Batch how many rows.
	Window, Batch int
	// IDs returns the ids of the rows that the plan asks for, in their order, in one statement.
	IDs func(Plan[T]) ([]int64, error)
	// Rows returns rows by their ids; those that are no longer there are absent.
	Rows func([]int64) (map[int64]T, error)
}

// EachSorted is Each for an order that no index serves, in which each page costs a sort of the whole list. It reads the ids of a window of many rows in one
// sort, and then the rows by their ids, a batch at a time: what is held are the ids of a window and a batch of rows, and what is sorted is sorted once for a
// window. Rows that are removed meanwhile are left out.
func EachSorted[T any](offset, limit int, list Sorted[T], visit func([]T) error) error {
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
		ids, err := list.IDs(plan)
		if err != nil {
			return err
		}
		more := len(ids) > size && (limit == 0 || done+size < limit)
		ids = ids[:min(size, len(ids))]
		if more {
			// The place of the last row is looked up before the others are visited, which may take long: it may be gone by then.
			if request, err = list.behind(ids, request); err != nil {
				return err
			}
		}
		if err := list.visit(ids, visit); err != nil || !more {
			return err
		}
		done += len(ids)
	}
	return nil
}

// behind returns the request for what follows the last of the rows that is still there; where none is, the same request finds what follows them.
func (l Sorted[T]) behind(ids []int64, same Request) (Request, error) {
	for end, size := len(ids), 1; end > 0; size = l.Batch { // as a rule the last one is there
		some := ids[max(0, end-size):end]
		end -= len(some)
		found, err := l.Rows(some)
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

func (l Sorted[T]) visit(ids []int64, visit func([]T) error) error {
	for some := range slices.Chunk(ids, l.Batch) {
		found, err := l.Rows(some)
		if err != nil {
			return err
		}
		rows := make([]T, 0, len(some))
		for _, id := range some {
			if row, there := found[id]; there {
				rows = append(rows, row)
			}
		}
		if len(rows) > 0 {
			if err := visit(rows); err != nil {
				return err
			}
		}
	}
	return nil
}
