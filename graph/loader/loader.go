// Package loader batches the rows that the fields of one operation load one by one. Each kind of
// row costs one statement for each set of columns, however many fields load it. Loaders exist for
// one operation and load with the permissions of its caller.
package loader

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"campaignql/ent"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/store"
	"campaignql/internal/tag"
)

const (
	// wait is how long a batch collects keys. The library's default of 16 ms would be added on each
	// level of a query.
	wait = time.Millisecond
	// capacity is the upper bound of keys in a batch.
	capacity = 500
)

// rowKey identifies a row and the columns to load.
type rowKey struct {
	id      int64
	columns string
}

// historyKey identifies a page of a campaign's history.
type historyKey struct {
	campaignID    int64
	beforeVersion int64
	limit         int
}

// Loaders are the loaders of one operation.
type Loaders struct {
	services  services
	emails    *dataloader.Loader[rowKey, *ent.Email]
	tagCounts *dataloader.Loader[int64, int]
	history   *dataloader.Loader[historyKey, []*ent.CampaignChange]
	pages     pages
}

// services are the domain services that the loaders use.
type services struct {
	campaigns *campaign.Service
	emails    *content.Service
	tags      *tag.Service
}

// New returns the loaders of one operation.
func New(campaigns *campaign.Service, emails *content.Service, tags *tag.Service) *Loaders {
	return &Loaders{
		services: services{campaigns, emails, tags},
		pages:    pages{of: map[*ent.Campaign]*campaignPage{}},
		emails: batched(func(ctx context.Context, keys []rowKey) ([]*ent.Email, error) {
			return byColumns(ctx, keys, emails.ByIDs)
		}),
		tagCounts: batched(func(ctx context.Context, ids []int64) ([]int, error) {
			counts, err := tags.CampaignCounts(ctx, ids)
			return pick(ids, counts), err
		}),
		history: batched(func(ctx context.Context, keys []historyKey) ([][]*ent.CampaignChange, error) {
			requests := make([]campaign.HistoryRequest, len(keys))
			for i, key := range keys {
				requests[i] = campaign.HistoryRequest{
					CampaignID: key.campaignID, BeforeVersion: key.beforeVersion, Limit: key.limit,
				}
			}
			return campaigns.Histories(ctx, requests)
		}),
	}
}

// Email returns an email with the given columns. It returns nil if the caller has no email with
// this id.
func (l *Loaders) Email(ctx context.Context, id int64, columns []string) (*ent.Email, error) {
	return l.emails.Load(ctx, rowKey{id, strings.Join(columns, ",")})()
}

// TagCount returns how many campaigns carry a tag.
func (l *Loaders) TagCount(ctx context.Context, id int64) (int, error) {
	return l.tagCounts.Load(ctx, id)()
}

// History returns at most limit entries of a campaign's history, newest first.
func (l *Loaders) History(
	ctx context.Context, campaignID, beforeVersion int64, limit int,
) ([]*ent.CampaignChange, error) {
	return l.history.Load(ctx, historyKey{campaignID, beforeVersion, limit})()
}

// EmailsAhead loads emails with the given columns in one statement and caches them for later calls
// of Email with the same columns. A missing email is cached as nil. After an error nothing is
// cached, so that Email gets the error again.
func (l *Loaders) EmailsAhead(ctx context.Context, ids []int64, columns []string) {
	if len(ids) == 0 {
		return
	}
	found, err := l.services.emails.ByIDs(ctx, store.Distinct(ids), columns...)
	if err != nil {
		return
	}
	for _, id := range ids {
		l.emails.Prime(ctx, rowKey{id, strings.Join(columns, ",")}, found[id])
	}
}

// TagCountsAhead does for TagCount what EmailsAhead does for Email.
func (l *Loaders) TagCountsAhead(ctx context.Context, ids []int64) {
	if len(ids) == 0 {
		return
	}
	counts, err := l.services.tags.CampaignCounts(ctx, store.Distinct(ids))
	if err != nil {
		return
	}
	for _, id := range ids {
		l.tagCounts.Prime(ctx, id, counts[id])
	}
}

// HistoriesAhead does for History what EmailsAhead does for Email. All campaigns have the same
// bounds.
func (l *Loaders) HistoriesAhead(ctx context.Context, campaignIDs []int64, beforeVersion int64, limit int) {
	ids := store.Distinct(campaignIDs)
	requests := make([]campaign.HistoryRequest, len(ids))
	for i, id := range ids {
		requests[i] = campaign.HistoryRequest{CampaignID: id, BeforeVersion: beforeVersion, Limit: limit}
	}
	pages, err := l.services.campaigns.Histories(ctx, requests)
	if err != nil {
		return
	}
	for i, page := range pages {
		l.history.Prime(ctx, historyKey{ids[i], beforeVersion, limit}, page)
	}
}

// batched returns a loader for load, which returns one value for each key, in the order of the
// keys.
func batched[K comparable, V any](load func(ctx context.Context, keys []K) ([]V, error)) *dataloader.Loader[K, V] {
	batch := func(ctx context.Context, keys []K) []*dataloader.Result[V] {
		values, err := load(ctx, keys)
		if err == nil && len(values) != len(keys) {
			err = fmt.Errorf("loader: %d values for %d keys", len(values), len(keys))
		}
		results := make([]*dataloader.Result[V], len(keys))
		for i := range keys {
			results[i] = &dataloader.Result[V]{Error: err}
			if err == nil {
				results[i].Data = values[i]
			}
		}
		return results
	}
	return dataloader.NewBatchedLoader(
		batch, dataloader.WithWait[K, V](wait), dataloader.WithBatchCapacity[K, V](capacity),
	)
}

// byColumns loads rows with one call of load for each set of columns in keys.
func byColumns[V any](
	ctx context.Context, keys []rowKey, load func(context.Context, []int64, ...string) (map[int64]V, error),
) ([]V, error) {
	ids := map[string][]int64{}
	for _, key := range keys {
		ids[key.columns] = append(ids[key.columns], key.id)
	}
	out := make([]V, len(keys))
	for columns, wanted := range ids {
		found, err := load(ctx, wanted, strings.Split(columns, ",")...)
		if err != nil {
			return nil, err
		}
		for i, key := range keys {
			if key.columns == columns {
				out[i] = found[key.id]
			}
		}
	}
	return out, nil
}

func pick[K comparable, V any](keys []K, values map[K]V) []V {
	out := make([]V, len(keys))
	for i, key := range keys {
		out[i] = values[key]
	}
	return out
}
