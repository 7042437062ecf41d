// Package loader reads rows by their ids for one operation. A row with the same columns is read once,
// wherever the operation asks for it.
package loader

import (
	"context"
	"strings"
	"time"

	"github.com/graph-gophers/dataloader/v7"
)

// Rows loads rows of one kind. It lives for one operation and acts for its caller.
type Rows[V any] struct {
	load  func(ctx context.Context, ids []int64, columns ...string) (map[int64]V, error)
	known *dataloader.InMemoryCache[key, V]
}

// key names a row and the columns that are needed of it.
type key struct {
	id      int64
	columns string
}

// NewRows returns a loader for the function that reads rows by their ids.
func NewRows[V any](load func(ctx context.Context, ids []int64, columns ...string) (map[int64]V, error)) *Rows[V] {
	return &Rows[V]{load: load, known: dataloader.NewCache[key, V]()}
}

// Load returns the rows with the given ids in their order, with the zero value where the caller has no such
// row. It takes one statement for those that are not known yet.
func (r *Rows[V]) Load(ctx context.Context, ids []int64, columns []string) ([]V, error) {
	keys, text := make([]key, len(ids)), strings.Join(columns, ",")
	for i, id := range ids {
		keys[i] = key{id, text}
	}
	batch := dataloader.NewBatchedLoader(
		func(ctx context.Context, keys []key) []*dataloader.Result[V] { return r.read(ctx, keys, columns) },
		dataloader.WithCache[key, V](r.known), dataloader.WithWait[key, V](never),
	)
	thunks := make([]dataloader.Thunk[V], len(keys))
	for i, key := range keys {
		thunks[i] = batch.Load(ctx, key)
	}
	batch.Flush()
	rows := make([]V, len(keys))
	for i, thunk := range thunks {
		var err error
		if rows[i], err = thunk(); err != nil {
			for _, key := range keys {
				r.known.Delete(ctx, key) // a later call tries again
			}
			return nil, err
		}
	}
	return rows, nil
}

// never is the time after which a batch would run by itself. Load runs it as soon as all keys are in it,
// so that slow machines do not split it.
const never = time.Minute

func (r *Rows[V]) read(ctx context.Context, keys []key, columns []string) []*dataloader.Result[V] {
	ids := make([]int64, len(keys))
	for i, key := range keys {
		ids[i] = key.id
	}
	found, err := r.load(ctx, ids, columns...)
	results := make([]*dataloader.Result[V], len(keys))
	for i, id := range ids {
		results[i] = &dataloader.Result[V]{Data: found[id], Error: err}
	}
	return results
}
