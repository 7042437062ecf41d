package translate

import (
	"errors"
	"slices"
	"strings"

	"campaignql/internal/campaign"
	"campaignql/internal/page"
)

func createCampaign(r *reading) (string, map[string]any, error) {
	document := mutation("createCampaign", "campaign {\n  legacyId\n}")
	return document, withInput(map[string]any{"name": r.Text("CampaignName")}), nil
}

// actOn translates a command that only names a campaign.
func actOn(operation string) translator {
	return func(r *reading) (string, map[string]any, error) {
		document := mutation(operation, "campaign {\n  legacyId\n  status\n}")
		return document, withInput(map[string]any{"id": r.id("CampaignID")}), nil
	}
}

func deleteCampaigns(r *reading) (string, map[string]any, error) {
	if _, pure := r.IDs("Campaigns"); !pure && strings.Contains(r.Text("Campaigns"), ",") {
		return "", nil, refused(errors.New("the list of campaigns holds something else than ids"))
	}
	ids, err := r.ids("Campaigns", maxIDs)
	return mutation("deleteCampaigns", "deletedIds"), withInput(map[string]any{"ids": ids}), err
}

// columns selects the fields that the legacy API returns of a campaign.
const columns = `legacyId
name
status
statusReason
email {
  legacyId
}
schedule {
  type
  sendDate
  sendTime
  timeZone
  recurrence {
    daysOfWeek
    daysOfMonth
    months
    hours
    minutes
    maxInstances
  }
  sentInstances
}
sendingStartedAt
sendingFinishedAt
approvalExplanation
googleAnalyticsDomains
publishOnRss
s2sEnabled
autoResend {
  enabled
  waitDays
  subject
  preheader
}
audience {
  rulesJson
}
lastActivityAt
createdAt
`

// counters selects the numbers that every campaign returns, and more fields of the statistics.
func counters(more string) string {
	return `statistics {
  recipients
  sent
  failed
  opens {
    total
    unique
  }
  clicks {
    total
    unique
  }
  forwards {
    total
    unique
  }
  browserViews {
    total
    unique
  }
  unsubscriptions {
    total
  }
  bounces {
    hard
    soft
  }
  complaints {
    total
  }
` + more + "}\n"
}

const tags = "tags {\n  legacyId\n  name\n}\n"

// shown adds notes about differences between the GraphQL response and the legacy response.
func (r *reading) shown(statistics, days string) {
	r.notef(
		"RelOwnerUserID is owner { legacyId }; BenchmarkEmailsPerSecond has no field.",
	)
	r.notef("RecipientLists and RecipientSegments are to be read from audience { rulesJson }.")
	if r.Flag(statistics) && r.Has(days) {
		r.notef("%s: series begins with the day on which sending began; its argument to ends it earlier.", days)
	}
}

// mostByDay is the maximum number of campaigns with statistics by day per page, within the default
// complexity limit.
const mostByDay = 100

// byDay selects the statistics by day if the request asks for them.
func (r *reading) byDay(statistics string) string {
	if !r.Flag(statistics) {
		return ""
	}
	return `  series(interval: DAY) {
    start
    opens
    uniqueOpens
    clicks
    uniqueClicks
    forwards
    uniqueForwards
    browserViews
    uniqueBrowserViews
    unsubscriptions
    hardBounces
    softBounces
  }
`
}

func getCampaign(r *reading) (string, map[string]any, error) {
	id := r.id("campaignid")
	r.shown("retrievestatistics", "StatisticsDays")
	if r.Has("FailOnNotFound") {
		r.notef("FailOnNotFound: there is no counterpart; campaign is null where there is none.")
	}
	selection := columns + counters("  throughput {\n    emailsPerSecond\n  }\n"+r.byDay("retrievestatistics"))
	if r.Flag("retrievetags") {
		selection += tags
	}
	document := "query Campaign($id: ID!) {\n  campaign(id: $id) {\n" + indent(selection, "    ") + "  }\n}\n"
	return document, map[string]any{"id": id}, nil
}

func listCampaigns(r *reading) (string, map[string]any, error) {
	variables := map[string]any{}
	filter, err := r.filter()
	if err != nil {
		return "", nil, err
	}
	if len(filter) > 0 {
		variables["filter"] = filter
	}
	if order := r.order(); order != nil {
		variables["orderBy"] = order
	}
	size, offset := r.Count("RecordsPerRequest"), r.Count("RecordsFrom")
	most := page.MaxSize
	if r.Flag("RetrieveStatistics") {
		most = mostByDay
	}
	if size == 0 || size > most {
		size = most
		r.notef(
			"A page holds at most %d campaigns. For the next one send pageInfo.endCursor as the variable after, without offset, while hasNextPage is true.",
			size,
		)
	}
	variables["first"] = size
	if offset > 0 {
		variables["offset"] = small(offset)
	}
	r.shown("RetrieveStatistics", "StatisticsDays")
	if r.Flag("CountOnly") {
		variables["first"] = 0
		r.notef("CountOnly: the total alone is read, with first: 0.")
	}
	if r.Has("ExcludeColumns") {
		r.notef("ExcludeColumns: leave the fields out of the document.")
	}
	selection := columns + counters(r.byDay("RetrieveStatistics"))
	if r.Flag("RetrieveTags") {
		selection += tags
	}
	document := "query Campaigns($filter: CampaignFilter, $orderBy: CampaignOrder, $first: Int, $after: String, $offset: Int) {\n" +
		"  campaigns(filter: $filter, orderBy: $orderBy, first: $first, after: $after, offset: $offset) {\n" +
		"    nodes {\n" + indent(selection, "      ") + "    }\n" + pageInfo + "  }\n" + total + "}\n"
	return document, variables, nil
}

const pageInfo = "    pageInfo {\n      hasNextPage\n      endCursor\n    }\n"

// total requests the total in a separate field with first: 0. Inside the page its cost would be
// multiplied by the size of the page, and a full page would exceed the server's limit.
const total = "  total: campaigns(filter: $filter, first: 0) {\n    totalCount\n  }\n"

// filter returns the filter of a list, as the bridge reads it.
func (r *reading) filter() (map[string]any, error) {
	given := r.CampaignFilter()
	out := map[string]any{}
	if given.Statuses != nil {
		statuses := make([]string, len(given.Statuses))
		for i, status := range given.Statuses {
			statuses[i] = constant(status)
		}
		out["status"] = statuses
	}
	if given.Bucket != "" {
		out["bucket"] = constant(given.Bucket)
	}
	if given.Search != "" {
		out["search"] = given.Search
	}
	if given.Schedules != nil {
		types := make([]string, len(given.Schedules))
		for i, of := range given.Schedules {
			types[i] = constant(of)
		}
		out["scheduleType"] = types
	}
	if len(given.IDs) > 0 {
		ids, err := r.ids("CampaignIDs", maxFilterTags)
		if err != nil {
			return nil, err
		}
		out["ids"] = ids
	} else if given.IDs != nil {
		out["ids"] = []string{}
		r.notef("SearchKeyword: it is longer than a name can be, and finds nothing.")
	}
	if given.TagsAnyOf != nil {
		ids, err := r.ids("Tags", maxFilterTags)
		if err != nil {
			return nil, err
		}
		out["tags"] = map[string]any{"anyOf": ids}
	}
	r.passedOver(given)
	return out, nil
}

// passedOver adds notes about values that the legacy command ignores.
func (r *reading) passedOver(given campaign.Filter) {
	status := strings.TrimSpace(r.Text("CampaignStatus"))
	if status != "" && !strings.EqualFold(status, "All") && given.Statuses == nil && given.Bucket == "" {
		r.notef("CampaignStatus: %s is no status: campaigns in every status are listed.", quote(status))
	}
	if r.Has("Tags") && given.TagsAnyOf == nil {
		r.notef("Tags: %s holds no ids: campaigns are listed whatever their tags.", quote(r.Text("Tags")))
	}
	if r.Has("ScheduleType") && given.Schedules == nil {
		r.notef("ScheduleType: %s is no schedule: campaigns with any are listed.", quote(r.Text("ScheduleType")))
	}
	if r.Has("CampaignIDs") && given.IDs == nil {
		r.notef("CampaignIDs: %s holds no ids: all campaigns are listed.", quote(r.Text("CampaignIDs")))
	}
	for _, name := range []string{"RecordsPerRequest", "RecordsFrom"} {
		if r.Has(name) && r.Count(name) == 0 && strings.TrimSpace(r.Text(name)) != "0" {
			r.notef("%s: %s is no number of campaigns: it is as good as not given.", name, quote(r.Text(name)))
		}
	}
}

// orders are the orders that GraphQL supports; the names are the same.
var orders = []campaign.Order{
	campaign.ByName,
	campaign.ByCreated,
	campaign.ByLastActivity,
	campaign.ByNextSend,
	campaign.BySendingStart,
	campaign.BySendingFinish,
	campaign.ByStatus,
	campaign.ByRecipients,
}

// order returns the order of a list, as the bridge reads it. It returns nil for newest first, the
// default of GraphQL.
func (r *reading) order() map[string]any {
	given := r.CampaignOrder()
	field := strings.TrimSpace(r.Text("OrderField"))
	direction := map[bool]string{false: "ASC", true: "DESC"}[given.Desc]
	switch {
	case given.Name == campaign.ByID.Name && given.Desc:
		return nil
	case given.Name == campaign.ByID.Name:
		r.notef("OrderField: GraphQL has no order by CampaignID; CREATED_AT is when the campaign was made.")
		return map[string]any{"field": campaign.ByCreated.Name, "direction": direction}
	case !slices.ContainsFunc(orders, func(o campaign.Order) bool { return o.Name == given.Name }):
		r.notef("OrderField: GraphQL has no order by %s; the campaigns are listed by name.", given.Name)
		return map[string]any{"field": campaign.ByName.Name, "direction": direction}
	case field != "" && given.Name == campaign.ByName.Name && !strings.EqualFold(field, "CampaignName"):
		r.notef("OrderField: campaigns cannot be ordered by %s: they are listed by name.", quote(field))
	}
	return map[string]any{"field": given.Name, "direction": direction}
}
