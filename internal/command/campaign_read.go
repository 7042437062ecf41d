package command

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

const (
	// maxTagFilter is the most tags that a list is filtered by; further ones are passed over.
	maxTagFilter = 10_000
	// maxKeyword is the longest name of a campaign: a longer keyword stands in none.
	maxKeyword = campaign.MaxNameLength
)

// numeric is what PHP calls numeric, but for exponents.
var numeric = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)$`)

// campaign answers Campaign.Get.
func (b *Bridge) campaign(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "campaignid"); err != nil {
		return nil, err
	}
	if !numeric.MatchString(strings.TrimSpace(p.Text("campaignid"))) {
		return nil, apperr.InvalidField("campaignid", reasonNotNumeric, "is not numeric")
	}
	c, err := b.Campaigns.Get(ctx, p.ID("campaignid"), columnsRead...)
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
		Member{"Campaign", loaded.detail(c, want)},
		Member{"CampaignThroughput", Object{{"EmailsPerSecond", decimal(strconv.FormatFloat(pace, 'f', -1, 64))}}},
	), nil
}

// detail is a campaign as Campaign.Get shows it: with numbers as such, and with name and status under both of their names.
func (l *batch) detail(c *ent.Campaign, want wanted) Object {
	v := l.view(c)
	shown := Object{{"CampaignID", c.ID}, {"Name", c.Name}, {"Status", c.Status.Legacy()}}
	for _, col := range columns[1:] {
		shown = append(shown, Member{col.name, col.value(v)})
	}
	shown = append(shown,
		Member{"HardBounceRatio", ratio(c.TotalHardBounces, c.TotalSent)},
		Member{"SoftBounceRatio", ratio(c.TotalSoftBounces, c.TotalSent)},
	)
	if want.statistics {
		shown = append(shown, l.statistics(c)...)
	}
	if want.tags {
		names := make([]any, len(l.tags[c.ID]))
		for i, t := range l.tags[c.ID] {
			names[i] = t.Name
		}
		shown = append(shown, Member{"Tags", names})
	}
	return shown
}

func statisticsDays(p Parameters) int {
	if n := p.Count("StatisticsDays"); n >= 1 && n <= statistics.MaxDays {
		return n
	}
	return statistics.DefaultDays
}

// campaigns answers Campaigns.Get. The rows are read while they are written.
func (b *Bridge) campaigns(ctx context.Context, p Parameters) (Object, error) {
	filter := campaignFilter(p)
	total, err := b.Campaigns.Count(ctx, filter)
	if err != nil {
		return nil, err
	}
	order := campaignOrder(p.Text("OrderField"), p.Text("OrderType"))
	want := wanted{tags: p.Flag("RetrieveTags"), statistics: p.Flag("RetrieveStatistics"), days: statisticsDays(p)}
	rows := func(emit func(any) error) error {
		visit := func(campaigns []*ent.Campaign) error {
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
		return b.Campaigns.Each(ctx, filter, order, p.Count("RecordsFrom"), p.Count("RecordsPerRequest"), columnsRead, visit)
	}
	return success(Member{"ErrorText", ""}, Member{"Campaigns", Stream(rows)}, Member{"TotalCampaigns", total}), nil
}

// campaignFilter reads the filters of Campaigns.Get. What cannot be understood is as good as not given.
func campaignFilter(p Parameters) campaign.Filter {
	var filter campaign.Filter
	status := strings.TrimSpace(p.Text("CampaignStatus"))
	if known, ok := kind.ParseCampaignStatus(status); ok {
		filter.Statuses = []kind.CampaignStatus{known}
	} else if strings.EqualFold(status, "Scheduled") {
		filter.Bucket = campaign.BucketScheduled
	}
	filter.Search = p.Text("SearchKeyword")
	if filter.Search == "" {
		filter.Search = p.Text("SearchKeyowrd") // the old reference printed it so
	}
	if utf8.RuneCountInString(filter.Search) > maxKeyword {
		filter.Search, filter.IDs = "", []int64{}
	}
	if tags, _ := p.IDs("Tags"); len(tags) > 0 {
		filter.TagsAnyOf = tags[:min(len(tags), maxTagFilter)]
	}
	return filter
}

// campaignOrder reads the order of Campaigns.Get; CampaignName for what cannot be ordered by.
func campaignOrder(field, direction string) campaign.Order {
	field = strings.TrimSpace(field)
	order := campaign.ByName
	switch {
	case strings.EqualFold(field, "sort-by-status"):
		return campaign.ByStatus // it has one direction: the most urgent first
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
