package event

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"

	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// Difference is a counter that did not say what the events say.
type Difference struct {
	CampaignID int64
	// Where is the hour, the link or the mail domain that was counted; empty for the campaign as a whole.
	Where string
	// Column is the name of the counter.
	Column string
	// Was is what it said, Is what it says now.
	Was, Is int64
}

// Campaigns returns the ids of up to limit campaigns after one, in their order, for Recount.
func (s *Service) Campaigns(ctx context.Context, after int64, limit int) ([]int64, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return nil, err
	}
	return s.db.Client(ctx).Campaign.Query().Where(entcampaign.IDGT(after)).Order(entcampaign.ByID()).Limit(limit).IDs(ctx)
}

// Recount counts the events of a campaign anew, corrects the counters that differ and returns those, in the order of what they count. It may run while
// events are recorded: whoever records for the campaign waits until it is done, so that none is missed. It reads the events of some thousand subscribers at
// a time, whatever their number. The caller needs the scope admin; a campaign that is not there is NotFound, reason "campaign_not_found".
func (s *Service) Recount(ctx context.Context, campaignID int64) ([]Difference, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return nil, err
	}
	var found []Difference
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		found = nil
		c, err := s.db.Client(ctx).Campaign.Query().Where(entcampaign.ID(campaignID)).Select(entcampaign.FieldID, entcampaign.FieldUserID).All(ctx)
		if err != nil {
			return err
		}
		r := &recount{sql: s.sql(ctx), campaign: campaignID, sums: newSums()}
		locked, err := r.sql.lock(ctx, []int64{campaignID})
		if err != nil {
			return err
		}
		if len(c) == 0 || locked == 0 {
			return apperr.NotFoundf("campaign")
		}
		if err := r.count(ctx); err != nil {
			return err
		}
		if err := r.compare(ctx); err != nil {
			return err
		}
		found = r.found
		return r.sql.write(ctx, r.wrong, map[int64]int64{campaignID: c[0].UserID})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// recount is one recount on its way, within its transaction.
type recount struct {
	sql      statements
	campaign int64
	// sums are what the events say, wrong what has to be added to the counters for them to say it too.
	sums, wrong *sums
	found       []Difference
}

// Bounds of how many events are read at a time: the range of subscribers grows and shrinks with what was found in the last.
const (
	fewEvents  = 10_000
	manyEvents = 50_000
)

// count sums the events, a range of subscribers after the other.
func (r *recount) count(ctx context.Context) error {
	var low, high int64
	t := r.sql.Text()
	t.WriteString("SELECT COALESCE(MIN(subscriber_id),0),COALESCE(MAX(subscriber_id),-1) FROM events WHERE campaign_id=")
	t.Value(r.campaign)
	if err := r.sql.Query(ctx, t, func(rows *stdsql.Rows) error { return rows.Scan(&low, &high) }); err != nil {
		return err
	}
	for width := int64(10_000); low <= high; {
		end := low + width
		n, err := r.countRange(ctx, low, end)
		if err != nil {
			return err
		}
		low = end
		if n < fewEvents {
			width *= 2
		} else if n > manyEvents && width > 1 {
			width /= 2
		}
	}
	return nil
}

// countRange sums the events of the subscribers from low to before end, and returns how many there were.
func (r *recount) countRange(ctx context.Context, low, end int64) (int, error) {
	persons := map[int64]*person{}
	n := 0
	scan := func(rows *stdsql.Rows) error {
		var what, domain string
		var subscriber, cents int64
		var automated bool
		var link stdsql.NullInt64
		var at instant
		if err := rows.Scan(&what, &subscriber, &automated, &link, &domain, &at, &cents); err != nil {
			return err
		}
		n++
		m := moment{at.Time, domain}
		r.sums.event(r.campaign, kind.EventKind(what), m, automated, link.Int64, cents)
		if automated {
			return nil
		}
		if persons[subscriber] == nil {
			persons[subscriber] = new(person)
		}
		persons[subscriber].merge(kind.EventKind(what), m, link.Int64)
		return nil
	}
	// The amount is in no index, and conversions alone have one.
	for _, what := range kind.EventKind("").Values() {
		amount := "0"
		if what == string(kind.EventConverted) {
			amount = entevent.FieldAmount
		}
		t := r.sql.Text()
		t.WriteString("SELECT kind,subscriber_id,automated,link_id,domain,at," + amount + " FROM events ")
		if r.sql.lite {
			t.WriteString("INDEXED BY event_firsts")
		} else {
			t.WriteString("FORCE INDEX (event_firsts)")
		}
		t.WriteString(" WHERE campaign_id=")
		t.Value(r.campaign)
		t.WriteString(" AND kind=")
		t.Value(what)
		t.WriteString(" AND subscriber_id>=")
		t.Value(low)
		t.WriteString(" AND subscriber_id<")
		t.Value(end)
		if err := r.sql.Query(ctx, t, scan); err != nil {
			return n, err
		}
	}
	for _, p := range persons {
		r.sums.person(r.campaign, p, 1)
	}
	return n, nil
}

// compare reads the counters and notes where they differ from the sums.
func (r *recount) compare(ctx context.Context) error {
	r.wrong = newSums()
	of(r.sums.campaigns, r.campaign)
	id := func() (any, func() int64) {
		var id int64
		return &id, func() int64 { return id }
	}
	whole := func(int64) string { return "" }
	if err := stored(ctx, r, entcampaign.Table, "id", "id", campaignColumns, r.sums.campaigns, r.wrong.campaigns, id, whole); err != nil {
		return err
	}
	hour := func() (any, func() hourKey) {
		var at instant
		return &at, func() hourKey { return hourKey{r.campaign, at.Time} }
	}
	ofHour := func(k hourKey) string { return "hour " + k.hour.Format("2006-01-02T15:04Z") }
	if err := stored(ctx, r, hourlycounter.Table, "campaign_id", hourlycounter.FieldHour, hourColumns, r.sums.hours, r.wrong.hours, hour, ofHour); err != nil {
		return err
	}
	domain := func() (any, func() domainKey) {
		var name string
		return &name, func() domainKey { return domainKey{r.campaign, name} }
	}
	at := func(k domainKey) string { return "domain " + k.domain }
	if err := stored(ctx, r, domaincounter.Table, "campaign_id", domaincounter.FieldDomain, domainColumns, r.sums.domains, r.wrong.domains, domain, at); err != nil {
		return err
	}
	link := func(id int64) string { return fmt.Sprint("link ", id) }
	return stored(ctx, r, linkcounter.Table, "campaign_id", "id", linkColumns, r.sums.links, r.wrong.links, id, link)
}

// stored compares the rows of a table with the sums: reading makes the place for the key of a row, and what tells the key once it is read.
func stored[K comparable](
	ctx context.Context, r *recount, table, owner, key string, columns [numbers]string, all, wrong map[K]*counts,
	reading func() (into any, key func() K), name func(K) string,
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
			found = append(found, Difference{CampaignID: r.campaign, Where: name(k), Column: named[i], Was: was[number], Is: is[number]})
		}
	}
	err := r.sql.Query(ctx, t, func(rows *stdsql.Rows) error {
		var was counts
		into, told := reading()
		targets := []any{into}
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

// String tells the difference in one line.
func (d Difference) String() string {
	where := ""
	if d.Where != "" {
		where = ", " + d.Where
	}
	return fmt.Sprintf("campaign %d%s: %s was %d, is %d", d.CampaignID, where, d.Column, d.Was, d.Is)
}
