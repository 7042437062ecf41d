package command

import (
	"slices"
	"strconv"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/campaign"
	"campaignql/internal/page"
)

// column is one column of the legacy table oempro_campaigns, as Campaign.Get and Campaigns.Get
// return it.
type column struct {
	name string
	// reads are the database columns that value reads.
	reads []string
	value func(v *view) cell
	// order is the order by this column, or the zero Order if there is none.
	order campaign.Order
}

// view is a campaign as its owner sees it.
type view struct {
	*ent.Campaign
	// zone is the time zone of the owner.
	zone *time.Location
	// lists and segments are the ids of the audience. They are computed when the first column needs
	// them.
	lists, segments []int64
	targeted        bool
}

func (v *view) target() {
	if !v.targeted {
		v.lists, v.segments = campaign.Recipients(v.Campaign)
		v.targeted = true
	}
}

// columns are the columns of a campaign, in the order of the response. Texts of unlimited length
// have no order, because their keys would not fit in a cursor.
var columns = []column{
	numberColumn(
		"CampaignID", entcampaign.FieldID, func(c *ent.Campaign) int64 { return c.ID },
	).orderedBy(campaign.ByID),
	numberColumn("RelOwnerUserID", entcampaign.FieldUserID, func(c *ent.Campaign) int64 { return c.UserID }),
	// The stored values of status and schedule sort in the same order as their legacy spellings.
	spelledColumn(
		"CampaignStatus", entcampaign.FieldStatus, func(c *ent.Campaign) string { return string(c.Status) },
		func(c *ent.Campaign) string { return c.Status.Legacy() },
	),
	textColumn(
		"CampaignStatusReason", entcampaign.FieldStatusReason, func(c *ent.Campaign) string { return c.StatusReason },
	),
	textColumn(
		"CampaignName", entcampaign.FieldName, func(c *ent.Campaign) string { return c.Name },
	).orderedBy(campaign.ByName),
	emailColumn(),
	spelledColumn(
		"ScheduleType", entcampaign.FieldScheduleType, func(c *ent.Campaign) string { return string(c.ScheduleType) },
		func(c *ent.Campaign) string { return c.ScheduleType.Legacy() },
	),
	spelledColumn(
		"SendDate", entcampaign.FieldSendDate, func(c *ent.Campaign) string { return c.SendDate },
		func(c *ent.Campaign) string { return or(c.SendDate, unsetDate) },
	),
	spelledColumn(
		"SendTime", entcampaign.FieldSendTime, func(c *ent.Campaign) string { return c.SendTime },
		func(c *ent.Campaign) string { return or(c.SendTime, unsetTime) },
	),
	textColumn("SendTimeZone", entcampaign.FieldSendTimeZone, func(c *ent.Campaign) string { return c.SendTimeZone }),
	textColumn(
		"ScheduleRecDaysOfWeek", entcampaign.FieldRecurDaysOfWeek,
		func(c *ent.Campaign) string { return c.RecurDaysOfWeek },
	),
	textColumn(
		"ScheduleRecDaysOfMonth", entcampaign.FieldRecurDaysOfMonth,
		func(c *ent.Campaign) string { return c.RecurDaysOfMonth },
	),
	textColumn(
		"ScheduleRecMonths", entcampaign.FieldRecurMonths, func(c *ent.Campaign) string { return c.RecurMonths },
	),
	textColumn("ScheduleRecHours", entcampaign.FieldRecurHours, func(c *ent.Campaign) string { return c.RecurHours }),
	textColumn(
		"ScheduleRecMinutes", entcampaign.FieldRecurMinutes, func(c *ent.Campaign) string { return c.RecurMinutes },
	),
	numberColumn(
		"ScheduleRecSendMaxInstance", entcampaign.FieldRecurMaxInstances,
		func(c *ent.Campaign) int64 { return int64(c.RecurMaxInstances) },
	),
	numberColumn(
		"ScheduleRecSentInstances", entcampaign.FieldSentInstances,
		func(c *ent.Campaign) int64 { return int64(c.SentInstances) },
	),
	instantColumn(
		"SendProcessStartedOn", campaign.BySendingStart, func(c *ent.Campaign) *time.Time { return c.SendingStartedAt },
	),
	instantColumn(
		"SendProcessFinishedOn", campaign.BySendingFinish,
		func(c *ent.Campaign) *time.Time { return c.SendingFinishedAt },
	),
	numberColumn(
		"TotalRecipients", entcampaign.FieldTotalRecipients, func(c *ent.Campaign) int64 { return c.TotalRecipients },
	).orderedBy(campaign.ByRecipients),
	numberColumn("TotalSent", entcampaign.FieldTotalSent, func(c *ent.Campaign) int64 { return c.TotalSent }),
	numberColumn("TotalFailed", entcampaign.FieldTotalFailed, func(c *ent.Campaign) int64 { return c.TotalFailed }),
	numberColumn("TotalOpens", entcampaign.FieldTotalOpens, func(c *ent.Campaign) int64 { return c.TotalOpens }),
	numberColumn("UniqueOpens", entcampaign.FieldUniqueOpens, func(c *ent.Campaign) int64 { return c.UniqueOpens }),
	numberColumn("TotalClicks", entcampaign.FieldTotalClicks, func(c *ent.Campaign) int64 { return c.TotalClicks }),
	numberColumn("UniqueClicks", entcampaign.FieldUniqueClicks, func(c *ent.Campaign) int64 { return c.UniqueClicks }),
	numberColumn(
		"TotalForwards", entcampaign.FieldTotalForwards, func(c *ent.Campaign) int64 { return c.TotalForwards },
	),
	numberColumn(
		"UniqueForwards", entcampaign.FieldUniqueForwards, func(c *ent.Campaign) int64 { return c.UniqueForwards },
	),
	numberColumn(
		"TotalViewsOnBrowser", entcampaign.FieldTotalBrowserViews,
		func(c *ent.Campaign) int64 { return c.TotalBrowserViews },
	),
	numberColumn(
		"UniqueViewsOnBrowser", entcampaign.FieldUniqueBrowserViews,
		func(c *ent.Campaign) int64 { return c.UniqueBrowserViews },
	),
	numberColumn(
		"TotalUnsubscriptions", entcampaign.FieldTotalUnsubscriptions,
		func(c *ent.Campaign) int64 { return c.TotalUnsubscriptions },
	),
	numberColumn(
		"TotalHardBounces", entcampaign.FieldTotalHardBounces,
		func(c *ent.Campaign) int64 { return c.TotalHardBounces },
	),
	numberColumn(
		"TotalSoftBounces", entcampaign.FieldTotalSoftBounces,
		func(c *ent.Campaign) int64 { return c.TotalSoftBounces },
	),
	numberColumn(
		"TotalSpamReports", entcampaign.FieldTotalComplaints, func(c *ent.Campaign) int64 { return c.TotalComplaints },
	),
	numberColumn(
		"BenchmarkEmailsPerSecond", entcampaign.FieldBenchmarkEmailsPerSecond,
		func(c *ent.Campaign) int64 { return c.BenchmarkEmailsPerSecond },
	),
	textColumn(
		"ApprovalUserExplanation", entcampaign.FieldApprovalExplanation,
		func(c *ent.Campaign) string { return c.ApprovalExplanation },
	).unordered(),
	textColumn(
		"GoogleAnalyticsDomains", entcampaign.FieldGoogleAnalyticsDomains,
		func(c *ent.Campaign) string { return c.GoogleAnalyticsDomains },
	).unordered(),
	flagColumn(
		"PublishOnRSS", entcampaign.FieldPublishOnRss, func(c *ent.Campaign) bool { return c.PublishOnRss },
	).spelled("Disabled", "Enabled"),
	flagColumn("S2SEnabled", entcampaign.FieldS2sEnabled, func(c *ent.Campaign) bool { return c.S2sEnabled }),
	flagColumn(
		"AutoResendEnabled", entcampaign.FieldAutoResendEnabled,
		func(c *ent.Campaign) bool { return c.AutoResendEnabled },
	),
	numberColumn(
		"AutoResendWaitDays", entcampaign.FieldAutoResendWaitDays,
		func(c *ent.Campaign) int64 { return int64(c.AutoResendWaitDays) },
	),
	textColumn(
		"AutoResendSubject", entcampaign.FieldAutoResendSubject,
		func(c *ent.Campaign) string { return c.AutoResendSubject },
	),
	textColumn(
		"AutoResendPreHeaderText", entcampaign.FieldAutoResendPreheader,
		func(c *ent.Campaign) string { return c.AutoResendPreheader },
	),
	textColumn(
		"RulesJsonBundle", entcampaign.FieldAudienceSource, func(c *ent.Campaign) string { return c.AudienceSource },
	).unordered(),
	recipientColumn("RecipientLists", func(v *view) []int64 { return v.lists }),
	recipientColumn("RecipientSegments", func(v *view) []int64 { return v.segments }),
	instantColumn(
		"LastActivityDateTime", campaign.ByLastActivity, func(c *ent.Campaign) *time.Time { return &c.LastActivityAt },
	),
	instantColumn("CreateDateTime", campaign.ByCreated, func(c *ent.Campaign) *time.Time { return &c.CreatedAt }),
}

// columnsRead are the database columns that the rows of Campaign.Get and Campaigns.Get need, in
// addition to the id.
var columnsRead = func() []string {
	var read []string
	for _, col := range columns {
		read = append(read, col.reads...)
	}
	slices.Sort(read)
	return slices.DeleteFunc(slices.Compact(read), func(name string) bool { return name == entcampaign.FieldID })
}()

// The values of the legacy database for unset dates and times.
const (
	unsetDate     = "0000-00-00"
	unsetTime     = "00:00:00"
	unsetDateTime = unsetDate + " " + unsetTime
)

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func newOrder(name, field string, kind page.Type, key func(*ent.Campaign) any) campaign.Order {
	return campaign.Order{
		Name: name, Column: field, Type: kind,
		Key: func(c *ent.Campaign) page.Key { return page.Key{Value: key(c), ID: c.ID} },
	}
}

func (c column) orderedBy(order campaign.Order) column {
	c.order = order
	return c
}

func (c column) unordered() column { return c.orderedBy(campaign.Order{}) }

func numberColumn(name, field string, get func(*ent.Campaign) int64) column {
	return column{
		name: name, reads: []string{field},
		value: func(v *view) cell { return numberOf(get(v.Campaign)) },
		order: newOrder(name, field, page.Number, func(c *ent.Campaign) any { return get(c) }),
	}
}

// emailColumn returns 0 for a campaign without email, as a legacy integer column does.
func emailColumn() column {
	col := numberColumn("RelEmailID", entcampaign.FieldEmailID, func(c *ent.Campaign) int64 {
		if c.EmailID == nil {
			return 0
		}
		return *c.EmailID
	})
	col.order = newOrder(
		col.name, entcampaign.FieldEmailID, page.Number, func(c *ent.Campaign) any { return page.Optional(c.EmailID) },
	)
	col.order.Nullable = true
	return col
}

func textColumn(name, field string, get func(*ent.Campaign) string) column {
	return spelledColumn(name, field, get, get)
}

// spelledColumn returns a column whose displayed text differs from the stored text. It is ordered
// by the stored text.
func spelledColumn(name, field string, stored, shown func(*ent.Campaign) string) column {
	return column{
		name: name, reads: []string{field},
		value: func(v *view) cell { return textOf(shown(v.Campaign)) },
		order: newOrder(name, field, page.Text, func(c *ent.Campaign) any { return stored(c) }),
	}
}

// flagColumn returns a column with a boolean as 1 or 0.
func flagColumn(name, field string, get func(*ent.Campaign) bool) column {
	return numberColumn(name, field, func(c *ent.Campaign) int64 {
		if get(c) {
			return 1
		}
		return 0
	})
}

// spelled returns the column with words instead of 0 and 1.
func (c column) spelled(words ...string) column {
	number := c.value
	c.value = func(v *view) cell { return textOf(words[number(v).number]) }
	return c
}

func instantColumn(name string, order campaign.Order, get func(*ent.Campaign) *time.Time) column {
	return column{
		name: name, reads: []string{order.Column}, order: order,
		value: func(v *view) cell {
			at := get(v.Campaign)
			if at == nil || at.IsZero() {
				return textOf(unsetDateTime)
			}
			return textOf(at.In(v.zone).Format(time.DateTime))
		},
	}
}

// recipientColumn returns a column with comma-separated ids.
func recipientColumn(name string, pick func(*view) []int64) column {
	return column{
		name: name, reads: campaign.RecipientColumns,
		value: func(v *view) cell {
			v.target()
			var text []byte
			for i, id := range pick(v) {
				if i > 0 {
					text = append(text, ',')
				}
				text = strconv.AppendInt(text, id, 10)
			}
			return textOf(string(text))
		},
	}
}
