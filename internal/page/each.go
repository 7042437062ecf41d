package page

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
