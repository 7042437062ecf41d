package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"campaignql/ent"
	enttag "campaignql/ent/tag"
	"campaignql/internal/caller"
	"campaignql/internal/schedule"
	"campaignql/internal/statistics"
)

// batch holds campaigns together with the data that is returned in addition to their columns.
type batch struct {
	campaigns []*ent.Campaign
	zones     map[int64]*time.Location
	tags      map[int64][]*ent.Tag
	days      map[int64][]statistics.Day
}

// wanted is the data that a request asks for in addition to the columns.
type wanted struct {
	tags, statistics bool
	days             int
	// without are the columns to leave out, by their index; nil for none.
	without []bool
}

// load reads the wanted data of the campaigns. The number of statements does not depend on the
// number of campaigns.
func (b *Bridge) load(ctx context.Context, campaigns []*ent.Campaign, want wanted) (*batch, error) {
	loaded := &batch{campaigns: campaigns}
	var err error
	if loaded.zones, err = b.zonesOf(ctx, campaigns); err != nil {
		return nil, err
	}
	if want.tags {
		ids := make([]int64, len(campaigns))
		for i, c := range campaigns {
			ids[i] = c.ID
		}
		if loaded.tags, err = b.Tags.ByCampaigns(ctx, ids, enttag.FieldName); err != nil {
			return nil, err
		}
	}
	if want.statistics {
		if loaded.days, err = b.daysOf(ctx, loaded, want.days); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// zonesOf returns the time zone of each owner. Only an admin sees campaigns of other accounts;
// reading their zones costs one statement.
func (b *Bridge) zonesOf(ctx context.Context, campaigns []*ent.Campaign) (map[int64]*time.Location, error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	zones := map[int64]*time.Location{id.UserID: location(id.TimeZone)}
	var others []int64
	for _, c := range campaigns {
		if c.UserID != id.UserID && !slices.Contains(others, c.UserID) {
			others = append(others, c.UserID)
		}
	}
	if len(others) == 0 {
		return zones, nil
	}
	names, err := b.Campaigns.Zones(ctx, others)
	if err != nil {
		return nil, err
	}
	for _, owner := range others {
		zones[owner] = location(names[owner])
	}
	return zones, nil
}

func location(name string) *time.Location {
	zone, err := schedule.ParseZone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

func (l *batch) view(c *ent.Campaign) *view { return &view{Campaign: c, zone: l.zones[c.UserID]} }

// daysOf reads the days of the campaigns, with one statement per time zone.
func (b *Bridge) daysOf(ctx context.Context, loaded *batch, days int) (map[int64][]statistics.Day, error) {
	byZone := map[*time.Location][]*ent.Campaign{}
	for _, c := range loaded.campaigns {
		zone := loaded.zones[c.UserID]
		byZone[zone] = append(byZone[zone], c)
	}
	all := map[int64][]statistics.Day{}
	for zone, campaigns := range byZone {
		found, err := b.Statistics.Days(ctx, campaigns, days, zone)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found)
	}
	return all, nil
}

// frame is the text before and after the value of a column.
type frame struct{ before, after string }

// columnFrames are the frames of all columns in each syntax. They are the same in every row.
var columnFrames = map[syntax][]frame{jsonSyntax{}: framesIn(jsonSyntax{}), xmlSyntax{}: framesIn(xmlSyntax{})}

func framesIn(s syntax) []frame {
	frames := make([]frame, len(columns))
	for i, col := range columns {
		frames[i] = frame{string(s.openMember(nil, i, col.name)), string(s.closeMember(nil, col.name))}
	}
	return frames
}

// row is one campaign of a list, in which every scalar is text.
type row struct {
	c    *ent.Campaign
	from *batch
	want wanted
}

func (r row) emit(e *encoder) error {
	v := r.from.view(r.c)
	e.buf = e.syntax.openObject(e.buf)
	frames := columnFrames[e.syntax]
	for i := range columns {
		if r.want.without != nil && r.want.without[i] {
			continue
		}
		e.buf = append(e.buf, frames[i].before...)
		e.cellText(columns[i].value(v))
		e.buf = append(e.buf, frames[i].after...)
	}
	var more Object
	if r.want.statistics {
		more = r.from.statistics(r.c)
	}
	if r.want.tags {
		tags := make([]any, len(r.from.tags[r.c.ID]))
		for i, t := range r.from.tags[r.c.ID] {
			tags[i] = Object{{"TagID", numberOf(t.ID).asString()}, {"Tag", t.Name}}
		}
		more = append(more, Member{"Tags", tags})
	}
	for i, m := range more {
		if err := e.member(len(columns)+i, m.Name, m.Value); err != nil {
			return err
		}
	}
	e.buf = e.syntax.closeObject(e.buf)
	return nil
}

// statistics returns the statistics of a campaign: under Statistics, and again as direct members,
// where older clients read them.
func (l *batch) statistics(c *ent.Campaign) Object {
	blocks := dayBlocks(l.days[c.ID])
	return append(Object{{"Statistics", blocks}}, blocks...)
}

func dayBlocks(days []statistics.Day) Object {
	unique := func(of func(statistics.Day) statistics.Unique) Object {
		return block(
			days, func(d statistics.Day) Object { return Object{{"Total", of(d).Total}, {"Unique", of(d).Unique}} },
		)
	}
	return Object{
		{"OpenStatistics", unique(func(d statistics.Day) statistics.Unique { return d.Opens })},
		{"ClickStatistics", unique(func(d statistics.Day) statistics.Unique { return d.Clicks })},
		// A person unsubscribes only once.
		{"UnsubscriptionStatistics", unique(func(d statistics.Day) statistics.Unique {
			return statistics.Unique{Total: d.Unsubscriptions, Unique: d.Unsubscriptions}
		})},
		{"ForwardStatistics", unique(func(d statistics.Day) statistics.Unique { return d.Forwards })},
		{"BrowserViewStatistics", unique(func(d statistics.Day) statistics.Unique { return d.BrowserViews })},
		{
			"BounceStatistics",
			block(
				days, func(d statistics.Day) Object { return Object{{"Hard", d.HardBounces}, {"Soft", d.SoftBounces}} },
			),
		},
	}
}

// block returns an object keyed by day; without days it is empty.
func block(days []statistics.Day, numbers func(statistics.Day) Object) Object {
	keyed := make(Object, len(days))
	for i, d := range days {
		keyed[i] = Member{d.Date, numbers(d)}
	}
	return keyed
}

// ratio returns part as a percentage of whole, with two decimals.
func ratio(part, whole int64) string {
	rate := statistics.Rate(part, whole)
	if rate == nil {
		return "0.00"
	}
	return fmt.Sprintf("%.2f", *rate*100)
}
