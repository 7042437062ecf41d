package loader

import (
	"sync"

	"campaignql/ent"
)

// pages remembers which campaigns an operation returns on one page. A value that a field needs for
// one of them is then loaded for all of them at once. So the number of statements does not depend
// on how quickly the fields of a page ask one after the other.
type pages struct {
	mu sync.Mutex
	of map[*ent.Campaign]*campaignPage
}

type campaignPage struct {
	rows []*ent.Campaign
	mu   sync.Mutex
	read map[any]func() (any, error)
}

// Together registers campaigns as one page. It must be called before any of them loads its
// statistics.
func (l *Loaders) Together(rows []*ent.Campaign) {
	page := &campaignPage{rows: rows, read: map[any]func() (any, error){}}
	l.pages.mu.Lock()
	defer l.pages.mu.Unlock()
	for _, row := range rows {
		l.pages.of[row] = page
	}
}

// Whole returns the value of one campaign from the map that load returns for its page. A key names
// the query and its arguments, and is loaded once for a page. The first caller's context applies to
// all.
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
