package event

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/conversionamount"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Difference is a counter that did not match the events.
type Difference struct {
	CampaignID int64
	// Where is the hour, the hour and currency, the link URL or the mail domain of the counter; empty
	// for a counter of the campaign itself.
	Where string
	// Column is the name of the counter.
	Column string
	// Was is the value before the correction, Is the value after it.
	Was, Is int64
}

// Campaigns returns the ids of up to limit campaigns after the given id, in ascending order, for
// Recount.
func (s *Service) Campaigns(ctx context.Context, after int64, limit int) ([]int64, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return nil, err
	}
	return s.db.Client(ctx).
		Campaign.Query().
		Where(entcampaign.IDGT(after)).
		Order(entcampaign.ByID()).
		Limit(limit).
		IDs(ctx)
}

// Recount counts the events of a campaign again, corrects the counters that differ, and returns the
// differences in the order of what they count. It may run while events are recorded, and it does
// not block recording: it reads events and counters from one snapshot and then adds the difference
// to the current counters. It reads the events of a few thousand contacts per batch, whatever
// their number. The caller needs the scope admin. A missing campaign is NotFound, reason
// "campaign_not_found".
func (s *Service) Recount(ctx context.Context, campaignID int64) ([]Difference, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return nil, err
	}
	for {
		r := &recount{campaign: campaignID, atOnce: s.recountedAtOnce}
		if err := s.db.Snapshot(ctx, func(ctx context.Context) error { return r.read(ctx, s) }); err != nil {
			return nil, err
		}
		if len(r.found) == 0 {
			return nil, nil
		}
		corrected, err := r.correct(ctx, s)
		if err != nil {
			return nil, err
		}
		if corrected {
			return r.found, nil
		}
	}
}

// recount is the state of one call of Recount.
type recount struct {
	// sql runs statements in the snapshot.
	sql      statements
	campaign int64
	// atOnce is how many events of a kind one batch reads, unless one contact has more.
	atOnce int
	// before is the campaign in the snapshot.
	before *ent.Campaign
	// sums are the values computed from the events. wrong is what must be added to the counters so
	// that they match.
	sums, wrong *sums
	found       []Difference
}

// read counts the events and compares the counters with them, in a snapshot.
func (r *recount) read(ctx context.Context, s *Service) error {
	r.sql, r.sums, r.wrong, r.found = s.sql(ctx), newSums(), newSums(), nil
	columns := []string{entcampaign.FieldID, entcampaign.FieldUserID, entcampaign.FieldRecounts}
	var err error
	r.before, err = s.db.Client(ctx).Campaign.Query().Where(entcampaign.ID(r.campaign)).Select(columns...).Only(ctx)
	if ent.IsNotFound(err) {
		return apperr.NotFoundf("campaign")
	}
	if err != nil {
		return err
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	return r.compare(ctx)
}

// correct adds the difference found in the snapshot. It returns false if another recount corrected
// the campaign since.
func (r *recount) correct(ctx context.Context, s *Service) (corrected bool, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		corrected = false
		client := s.db.Client(ctx).Campaign
		// This update also locks the campaign, as recording does.
		n, err := client.Update().
			Where(entcampaign.ID(r.campaign), entcampaign.Recounts(r.before.Recounts)).
			AddRecounts(1).
			Save(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			there, err := client.Query().Where(entcampaign.ID(r.campaign)).Exist(ctx)
			if err == nil && !there {
				return apperr.NotFoundf("campaign")
			}
			return err
		}
		corrected = true
		return s.sql(ctx).write(ctx, r.wrong, map[int64]int64{r.campaign: r.before.UserID})
	})
	return corrected, err
}

// count sums the events, one range of contacts after the other.
func (r *recount) count(ctx context.Context) error {
	for low := int64(0); ; {
		end, last, err := r.end(ctx, low)
		if err != nil {
			return err
		}
		if err := r.countRange(ctx, low, end); err != nil || last {
			return err
		}
		low = end
	}
}

// end returns the exclusive upper bound of the next range of contacts. The range has at most atOnce
// events of each kind, or it is one contact. last is true if no events follow the range.
func (r *recount) end(ctx context.Context, low int64) (end int64, last bool, err error) {
	t := r.sql.Text()
	t.WriteString("SELECT MIN(s) FROM (")
	for i, what := range kind.EventKind("").Values() {
		if i > 0 {
			t.WriteString(" UNION ALL ")
		}
		t.WriteString("SELECT s FROM (SELECT contact_id AS s")
		r.from(t, what, low)
		t.WriteString(" ORDER BY contact_id LIMIT 1 OFFSET " + strconv.Itoa(r.atOnce) + ") AS k" + strconv.Itoa(i))
	}
	t.WriteString(") AS ends")
	var found stdsql.NullInt64
	if err := r.sql.Query(ctx, t, func(rows store.Rows) error { return rows.Scan(&found) }); err != nil {
		return 0, false, err
	}
	if !found.Valid {
		return math.MaxInt64, true, nil
	}
	return max(found.Int64, low+1), false, nil
}

// from writes the FROM and WHERE clauses for the events of one kind whose contact id is at least
// low.
func (r *recount) from(t *store.Text, what string, low int64) {
	t.WriteString(" FROM events ")
	if r.sql.lite {
		t.WriteString("INDEXED BY event_firsts")
	} else {
		t.WriteString("FORCE INDEX (event_firsts)")
	}
	t.WriteString(" WHERE campaign_id=")
	t.Value(r.campaign)
	t.WriteString(" AND kind=")
	t.Value(what)
	t.WriteString(" AND contact_id>=")
	t.Value(low)
}

// countRange sums the events of the contacts from low (inclusive) to end (exclusive).
func (r *recount) countRange(ctx context.Context, low, end int64) error {
	persons := map[int64]*person{}
	scan := func(rows store.Rows) error {
		var what, domain string
		var contact int64
		var value worth
		var automated bool
		var link stdsql.NullInt64
		var at store.Instant
		if err := rows.Scan(&what, &contact, &automated, &link, &domain, &at, &value.cents, &value.currency); err != nil {
			return err
		}
		m := moment{at.Time, domain}
		r.sums.event(r.campaign, kind.EventKind(what), m, automated, link.Int64, value)
		if automated {
			return nil
		}
		if persons[contact] == nil {
			persons[contact] = new(person)
		}
		persons[contact].merge(kind.EventKind(what), m, link.Int64)
		return nil
	}
	// The amount is in no index, and only conversions have one, so the other kinds do not read it.
	for _, what := range kind.EventKind("").Values() {
		amount := "0,''"
		if what == string(kind.EventConverted) {
			amount = entevent.FieldAmount + "," + entevent.FieldCurrency
		}
		t := r.sql.Text()
		t.WriteString("SELECT kind,contact_id,automated,link_id,domain,at," + amount)
		r.from(t, what, low)
		t.WriteString(" AND contact_id<")
		t.Value(end)
		if err := r.sql.Query(ctx, t, scan); err != nil {
			return err
		}
	}
	for _, p := range persons {
		r.sums.person(r.campaign, p, 1)
	}
	return nil
}

// compare reads the counters and collects the differences from the sums.
func (r *recount) compare(ctx context.Context) error {
	of(r.sums.campaigns, r.campaign)
	id := func() ([]any, func() int64) {
		var id int64
		return []any{&id}, func() int64 { return id }
	}
	whole := func(int64) string { return "" }
	if err := stored(
		ctx, r, entcampaign.Table, "id", "id", campaignColumns, r.sums.campaigns, r.wrong.campaigns, id, whole,
	); err != nil {
		return err
	}
	hour := func() ([]any, func() hourKey) {
		var at store.Instant
		return []any{&at}, func() hourKey { return hourKey{r.campaign, at.Time} }
	}
	ofHour := func(k hourKey) string { return "hour " + k.hour.Format("2006-01-02T15:04Z") }
	if err := stored(
		ctx, r, hourlycounter.Table, "campaign_id", hourlycounter.FieldHour, hourColumns, r.sums.hours, r.wrong.hours,
		hour, ofHour,
	); err != nil {
		return err
	}
	amount := func() ([]any, func() amountKey) {
		var at store.Instant
		var currency string
		return []any{&at, &currency}, func() amountKey { return amountKey{hourKey{r.campaign, at.Time}, currency} }
	}
	ofAmount := func(k amountKey) string {
		return ofHour(k.hourKey) + ", " + cmp.Or(k.currency, "no currency")
	}
	if err := stored(
		ctx, r, conversionamount.Table, "campaign_id", strings.Join(amountKeys, ","), amountColumns, r.sums.amounts,
		r.wrong.amounts, amount, ofAmount,
	); err != nil {
		return err
	}
	domain := func() ([]any, func() domainKey) {
		var name string
		return []any{&name}, func() domainKey { return domainKey{r.campaign, name} }
	}
	at := func(k domainKey) string { return "domain " + k.domain }
	if err := stored(
		ctx, r, domaincounter.Table, "campaign_id", domaincounter.FieldDomain, domainColumns, r.sums.domains,
		r.wrong.domains, domain, at,
	); err != nil {
		return err
	}
	// Only the link that is currently read has its URL here: the URLs of all links would need too
	// much memory.
	var link struct {
		id  int64
		url string
	}
	reading := func() ([]any, func() int64) { return []any{&link.id, &link.url}, func() int64 { return link.id } }
	to := func(id int64) string {
		if id != link.id {
			return fmt.Sprint("link ", id) // events refer to a link that does not exist
		}
		return "link " + link.url
	}
	return stored(
		ctx, r, linkcounter.Table, "campaign_id", "id,url", linkColumns, r.sums.links, r.wrong.links, reading, to,
	)
}

// stored compares the rows of a table with the sums. reading returns the scan targets for the key
// of a row and a function that returns the key after the scan. name describes a key: of the row
// read last, or of a missing row.
func stored[K comparable](
	ctx context.Context, r *recount, table, owner, key string, columns [numbers]string, all, wrong map[K]*counts,
	reading func() (into []any, key func() K), name func(K) string,
) error {
	var named []string
	var which []int
	for number, column := range columns {
		if column != "" {
			named, which = append(named, column), append(which, number)
		}
	}
	t := r.sql.Text()
	t.WriteString("SELECT " + key + "," + strings.Join(named, ",") + " FROM " + table + " WHERE " + owner + "=")
	t.Value(r.campaign)
	seen := map[K]bool{}
	var found []Difference
	differ := func(k K, was counts) {
		var is counts
		if c := all[k]; c != nil {
			is = *c
		}
		for i, number := range which {
			if was[number] == is[number] {
				continue
			}
			of(wrong, k)[number] = is[number] - was[number]
			found = append(
				found,
				Difference{CampaignID: r.campaign, Where: name(k), Column: named[i], Was: was[number], Is: is[number]},
			)
		}
	}
	err := r.sql.Query(ctx, t, func(rows store.Rows) error {
		var was counts
		targets, told := reading()
		for _, number := range which {
			targets = append(targets, &was[number])
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		k := told()
		seen[k] = true
		differ(k, was)
		return nil
	})
	for k := range all {
		if !seen[k] {
			differ(k, counts{})
		}
	}
	slices.SortStableFunc(found, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Column, b.Column))
	})
	r.found = append(r.found, found...)
	return err
}

// String describes the difference in one line.
func (d Difference) String() string {
	where := ""
	if d.Where != "" {
		where = ", " + d.Where
	}
	return fmt.Sprintf("campaign %d%s: %s was %d, is %d", d.CampaignID, where, d.Column, d.Was, d.Is)
}
