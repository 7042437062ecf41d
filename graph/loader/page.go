package loader

import (
	"sync"

	"campaignql/ent"
)

// pages remembers which campaigns an operation shows together, so that what one of them is asked
// for is read for all of them at once: the number of statements does not hang on how fast the
// fields of a page ask one after the other.
type pages struct {
	mu sync.Mutex
	of map[*ent.Campaign]*campaignPage
}

type campaignPage struct {
	rows []*ent.Campaign
	mu   sync.Mutex
	read map[any]func() (any, error)
}

// Together says that campaigns are shown on one page, before any of them is asked for its statistics.
func (l *Loaders) Together(rows []*ent.Campaign) {
	page := &campaignPage{rows: rows, read: map[any]func() (any, error){}}
	l.pages.mu.Lock()
	defer l.pages.mu.Unlock()
	for _, row := range rows {
		l.pages.of[row] = page
	}
}

// Whole returns the value of one campaign from what load answers by id for its page. A key, which
// names the reading and its arguments, is loaded once for a page, with the context of whoever asks
// first.
func Whole[V any](
	l *Loaders, c *ent.Campaign, key any, load func(rows []*ent.Campaign) (map[int64]V, error),
) (V, error) {
	l.pages.mu.Lock()
	page := l.pages.of[c]
	if page == nil {
		page = &campaignPage{rows: []*ent.Campaign{c}, read: map[any]func() (any, error){}}
		l.pages.of[c] = page
	}
	l.pages.mu.Unlock()
	page.mu.Lock()
	once := page.read[key]
	if once == nil {
		once = sync.OnceValues(func() (any, error) { return load(page.rows) })
		page.read[key] = once
	}
	page.mu.Unlock()
	all, err := once()
	if err != nil {
		var none V
		return none, err
	}
	return all.(map[int64]V)[c.ID], nil
}
