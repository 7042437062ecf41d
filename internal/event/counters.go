package event

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/conversionamount"
	"campaignql/ent/domaincounter"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/store"
)

// The columns that identify a counter of a campaign.
var (
	hourKeys   = []string{hourlycounter.FieldHour}
	amountKeys = []string{conversionamount.FieldHour, conversionamount.FieldCurrency}
	domainKeys = []string{domaincounter.FieldDomain}
)

// find looks up the counters of campaigns by more columns. Each key is a campaign id and the values
// of these columns. scan reads the columns id, campaign_id and these columns.
func (s statements) find(
	ctx context.Context, table string, columns []string, keys [][]any, scan func(store.Rows) error,
) error {
	names, read, match := []string{"c"}, "", ""
	for i, column := range columns {
		name := "k" + strconv.Itoa(i)
		names = append(names, name)
		read += ",t." + column
		match += " AND t." + column + "=d." + name
	}
	for some := range slices.Chunk(keys, rowsAtOnce) {
		t := s.Given(names, some)
		t.WriteString("SELECT t.id,t.campaign_id" + read + " FROM ")
		s.Derived(t, names, some)
		if s.lite {
			t.WriteString(" CROSS JOIN ")
		} else {
			t.WriteString(" STRAIGHT_JOIN ")
		}
		t.WriteString(table + " t ON t.campaign_id=d.c" + match)
		if err := s.Query(ctx, t, scan); err != nil {
			return err
		}
	}
	return nil
}

// write adds the changes to the counters. The campaigns must be locked; owners maps each campaign
// to its account. Rows are looked up first and then changed by id: an upsert by another unique key
// locks the neighboring gap, and a concurrent transaction may be about to insert the row of another
// campaign there.
func (s statements) write(ctx context.Context, changed *sums, owners map[int64]int64) error {
	if err := s.addAll(ctx, entcampaign.Table, campaignColumns, changed.campaigns); err != nil {
		return err
	}
	if err := s.addAll(ctx, linkcounter.Table, linkColumns, changed.links); err != nil {
		return err
	}
	hours := ordered(changed.hours, func(a, b hourKey) int {
		return cmp.Or(cmp.Compare(a.campaign, b.campaign), a.hour.Compare(b.hour))
	})
	err := upsert(ctx, s, hourlycounter.Table, hourKeys, hourColumns, changed.hours, hours, owners,
		func(k hourKey) (int64, []any) { return k.campaign, []any{k.hour} },
		func(rows store.Rows) (id int64, k hourKey, err error) {
			var at store.Instant
			err = rows.Scan(&id, &k.campaign, &at)
			k.hour = at.Time
			return id, k, err
		})
	if err != nil {
		return err
	}
	amounts := ordered(changed.amounts, func(a, b amountKey) int {
		return cmp.Or(
			cmp.Compare(a.campaign, b.campaign), a.hour.Compare(b.hour), cmp.Compare(a.currency, b.currency),
		)
	})
	err = upsert(ctx, s, conversionamount.Table, amountKeys, amountColumns, changed.amounts, amounts, owners,
		func(k amountKey) (int64, []any) { return k.campaign, []any{k.hour, k.currency} },
		func(rows store.Rows) (id int64, k amountKey, err error) {
			var at store.Instant
			err = rows.Scan(&id, &k.campaign, &at, &k.currency)
			k.hour = at.Time
			return id, k, err
		})
	if err != nil {
		return err
	}
	domains := ordered(changed.domains, func(a, b domainKey) int {
		return cmp.Or(cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.domain, b.domain))
	})
	return upsert(
		ctx,
		s,
		domaincounter.Table,
		domainKeys,
		domainColumns,
		changed.domains,
		domains,
		owners,
		func(k domainKey) (int64, []any) { return k.campaign, []any{k.domain} },
		func(rows store.Rows) (id int64, k domainKey, err error) {
			err = rows.Scan(&id, &k.campaign, &k.domain)
			return id, k, err
		},
	)
}

// ordered returns the keys whose counts are not all zero.
func ordered[K comparable](all map[K]*counts, compare func(a, b K) int) []K {
	keys := slices.Collect(maps.Keys(all))
	keys = slices.DeleteFunc(keys, func(k K) bool { return *all[k] == counts{} })
	slices.SortFunc(keys, compare)
	return keys
}

// addAll adds to existing rows by their ids.
func (s statements) addAll(
	ctx context.Context, table string, columns [numbers]string, changed map[int64]*counts,
) error {
	ids := ordered(changed, cmp.Compare[int64])
	atOnce := rowsAtOnce
	if _, planned := fillers[table]; planned {
		atOnce = 2 * rowsAtOnce
	}
	for some := range slices.Chunk(ids, atOnce) {
		named, which := used(columns, some, changed)
		rows := make([][]any, len(some))
		for i, id := range some {
			rows[i] = append([]any{id}, picked(changed[id], which)...)
		}
		if len(which) == 0 {
			continue
		}
		if err := s.addTo(ctx, table, named, rows); err != nil {
			return err
		}
	}
	return nil
}

// used returns the columns that are not zero for at least one of the keys.
func used[K comparable](columns [numbers]string, keys []K, all map[K]*counts) (named []string, which []int) {
	for number, column := range columns {
		if column != "" && slices.ContainsFunc(keys, func(k K) bool { return all[k][number] != 0 }) {
			named, which = append(named, column), append(which, number)
		}
	}
	return named, which
}

func picked(c *counts, which []int) []any {
	out := make([]any, len(which))
	for i, number := range which {
		out[i] = c[number]
	}
	return out
}

// upsert adds to the rows that exist and inserts the others. keyed are the columns that identify a
// row of a campaign.
func upsert[K comparable](
	ctx context.Context, s statements, table string, keyed []string, columns [numbers]string, changed map[K]*counts,
	keys []K, owners map[int64]int64, split func(K) (campaign int64, values []any),
	scan func(store.Rows) (int64, K, error),
) error {
	ids := make(map[K]int64, len(keys))
	rows := make([][]any, len(keys))
	for i, k := range keys {
		campaign, values := split(k)
		rows[i] = append([]any{campaign}, values...)
	}
	err := s.find(ctx, table, keyed, rows, func(rows store.Rows) error {
		id, k, err := scan(rows)
		ids[k] = id
		return err
	})
	if err != nil {
		return err
	}
	present := make(map[int64]*counts, len(ids))
	var missing []K
	for _, k := range keys {
		if id := ids[k]; id != 0 {
			present[id] = changed[k]
		} else {
			missing = append(missing, k)
		}
	}
	for some := range slices.Chunk(missing, 2*rowsAtOnce) {
		named, which := used(columns, some, changed)
		rows := make([][]any, len(some))
		for i, k := range some {
			campaign, values := split(k)
			rows[i] = slices.Concat([]any{owners[campaign], campaign}, values, picked(changed[k], which))
		}
		names := slices.Concat([]string{"user_id", "campaign_id"}, keyed, named)
		if err := s.InsertAll(ctx, table, names, rows, 2*rowsAtOnce); err != nil {
			return err
		}
	}
	return s.addAll(ctx, table, columns, present)
}

// hourOf returns the UTC hour that contains an instant.
func hourOf(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }
