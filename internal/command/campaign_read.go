package command

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

const (
	// maxTagFilter is the maximum number of tags in a filter, and maxIDFilter that of campaigns; further
	// ones are ignored.
	maxTagFilter = 10_000
	maxIDFilter  = 10_000
	// maxKeyword is the maximum length of a campaign name. A longer keyword matches no campaign.
	maxKeyword = campaign.MaxNameLength
)

// numeric matches what PHP considers numeric, except exponents.
var numeric = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)$`)

// campaign answers Campaign.Get.
func (b *Bridge) campaign(ctx context.Context, p Parameters) (Object, error) {
	id, err := numericID(p, "campaignid")
	if err != nil {
		return nil, err
	}
	c, err := b.Campaigns.Get(ctx, id, detailColumns...)
	if apperr.CodeOf(err) == apperr.NotFound && !p.Flag("FailOnNotFound") {
		return success(Member{"Campaign", []any{}}), nil
	}
	if err != nil {
		return nil, err
	}
	want := wanted{tags: p.Flag("retrievetags"), statistics: p.Flag("retrievestatistics"), days: statisticsDays(p)}
	loaded, err := b.load(ctx, []*ent.Campaign{c}, want)
	if err != nil {
		return nil, err
	}
	pace := statistics.Of(c).ThroughputAt(b.Campaigns.Now()).EmailsPerSecond
	return success(
		Member{"Campaign", detail{c: c, from: loaded, want: want}},
		Member{"CampaignThroughput", Object{{"EmailsPerSecond", decimal(strconv.FormatFloat(pace, 'f', -1, 64))}}},
	), nil
}

// detailColumns are the database columns that Campaign.Get needs.
var detailColumns = slices.Concat(columnsRead, []string{entcampaign.FieldAbTest})

// detail is a campaign in the format of Campaign.Get: numbers are JSON numbers, and name and status
// appear under both of their names.
type detail row

func (d detail) emit(e *encoder) error {
	e.buf = e.syntax.openObject(e.buf)
	for i, m := range [...]Member{{"CampaignID", d.c.ID}, {"Name", d.c.Name}, {"Status", d.c.Status.Legacy()}} {
		if err := e.member(i, m.Name, m.Value); err != nil {
			return err
		}
	}
	v, frames := d.from.view(d.c), columnFrames[e.syntax]
	for i := 1; i < len(columns); i++ {
		e.buf = append(e.buf, frames[i].before...)
		e.cell(columns[i].value(v))
		e.buf = append(e.buf, frames[i].after...)
	}
	more, err := d.more()
	if err != nil {
		return err
	}
	for _, m := range more {
		if err := e.member(len(columns), m.Name, m.Value); err != nil {
			return err
		}
	}
	e.buf = e.syntax.closeObject(e.buf)
	return nil
}

// more returns the members after the columns.
func (d detail) more() (Object, error) {
	shown, err := options(d.c)
	if err != nil {
		return nil, err
	}
	shown = append(shown, Object{
		{"HardBounceRatio", ratio(d.c.TotalHardBounces, d.c.TotalSent)},
		{"SoftBounceRatio", ratio(d.c.TotalSoftBounces, d.c.TotalSent)},
	}...)
	if d.want.statistics {
		shown = append(shown, d.from.statistics(d.c)...)
	}
	if d.want.tags {
		names := make([]any, len(d.from.tags[d.c.ID]))
		for i, t := range d.from.tags[d.c.ID] {
			names[i] = t.Name
		}
		shown = append(shown, Member{"Tags", names})
	}
	return shown, nil
}

func statisticsDays(p Parameters) int {
	if n := p.Count("StatisticsDays"); n >= 1 && n <= statistics.MaxDays {
		return n
	}
	return statistics.DefaultDays
}

// campaigns answers Campaigns.Get. The rows are read while the response is written.
func (b *Bridge) campaigns(ctx context.Context, p Parameters) (Object, error) {
	filter := campaignFilter(p)
	total, err := b.Campaigns.Count(ctx, filter)
	if err != nil {
		return nil, err
	}
	order := campaignOrder(p.Text("OrderField"), p.Text("OrderType"))
	want := wanted{
		tags: p.Flag("RetrieveTags"), statistics: p.Flag("RetrieveStatistics"), days: statisticsDays(p),
		without: excludedColumns(p.Text("ExcludeColumns")),
	}
	rows := func(emit func(any) error) error {
		visit := func(ctx context.Context, campaigns []*ent.Campaign) error {
			loaded, err := b.load(ctx, campaigns, want)
			if err != nil {
				return err
			}
			for _, c := range campaigns {
				if err := emit(row{c: c, from: loaded, want: want}); err != nil {
					return err
				}
			}
			return nil
		}
		return b.Campaigns.Each(
			ctx, filter, order, p.Count("RecordsFrom"), p.Count("RecordsPerRequest"), columnsRead, visit,
		)
	}
	if p.Flag("CountOnly") {
		rows = func(func(any) error) error { return nil }
	}
	return success(Member{"ErrorText", ""}, Member{"Campaigns", Stream(rows)}, Member{"TotalCampaigns", total}), nil
}

// excludedColumns reads ExcludeColumns: which columns a row leaves out, by their index, or nil. The
// first column, CampaignID, always stays.
func excludedColumns(text string) []bool {
	if text == "" {
		return nil
	}
	without := make([]bool, len(columns))
	for name := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(columns, func(c column) bool { return strings.EqualFold(c.name, strings.TrimSpace(name)) })
		if i > 0 {
			without[i] = true
		}
	}
	return without
}

// campaignFilter reads the filters of Campaigns.Get. Values that cannot be parsed are ignored.
func campaignFilter(p Parameters) campaign.Filter {
	var filter campaign.Filter
	status := strings.TrimSpace(p.Text("CampaignStatus"))
	if known, ok := kind.ParseCampaignStatus(status); ok {
		filter.Statuses = []kind.CampaignStatus{known}
	} else if strings.EqualFold(status, "Scheduled") {
		filter.Bucket = campaign.BucketScheduled
	}
	for text := range strings.SplitSeq(p.Text("ScheduleType"), ",") {
		if known, ok := kind.ParseScheduleType(strings.TrimSpace(text)); ok {
			filter.Schedules = append(filter.Schedules, known)
		}
	}
	if ids, _ := p.IDs("CampaignIDs"); len(ids) > 0 {
		filter.IDs = ids[:min(len(ids), maxIDFilter)]
	}
	filter.Search, filter.SearchSubject = p.Text("SearchKeyword"), true
	if filter.Search == "" {
		filter.Search = p.Text("SearchKeyowrd") // the misspelling of the old reference
	}
	if utf8.RuneCountInString(filter.Search) > maxKeyword {
		filter.Search, filter.IDs = "", []int64{}
	}
	if tags, _ := p.IDs("Tags"); len(tags) > 0 {
		filter.TagsAnyOf = tags[:min(len(tags), maxTagFilter)]
	}
	return filter
}

// campaignOrder reads the order of Campaigns.Get. The default is CampaignName, also for unknown
// fields.
func campaignOrder(field, direction string) campaign.Order {
	field = strings.TrimSpace(field)
	order := campaign.ByName
	switch {
	case strings.EqualFold(field, "sort-by-status"):
		return campaign.ByStatus // it has only one direction: the most urgent first
	case strings.EqualFold(field, "sort-by-send-date"):
		order = campaign.ByNextSend
	default:
		for _, col := range columns {
			if strings.EqualFold(col.name, field) && col.order.Column != "" {
				order = col.order
			}
		}
	}
	order.Desc = strings.EqualFold(strings.TrimSpace(direction), "DESC")
	return order
}
