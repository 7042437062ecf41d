package command_test

import (
	"strings"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/kind"
)

func TestCampaignGet(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		admin := f.person(t, account.NewUser{Role: kind.RoleAdmin, TimeZone: "America/New_York"})
		s.let("key", me.key)
		s.let("admin", admin.key)
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		sending := f.reach(t, me, "Running", kind.StatusSending)
		s.let("sending", sending)
		s.let("quiet", f.campaign(t, me, "Quiet"))
		s.let("theirs", f.campaign(t, other, "Theirs"))
		f.tag(t, me, "summer", sending)
		f.tag(t, me, "Sale", sending)
		f.count(t, me, sending)
		f.advance(30 * time.Second)

		s.step("1: no id", "key", "Command=Campaign.Get")
		s.step("1: empty", "key", "Command=Campaign.Get&campaignid=")
		s.step("2: a word", "key", "Command=Campaign.Get&campaignid=abc")
		s.step("2: a number and more", "key", "Command=Campaign.Get&campaignid=1+OR+1")
		s.step("not found: unknown", "key", "Command=Campaign.Get&campaignid=999999999")
		s.step("not found: of somebody else", "key", "Command=Campaign.Get&campaignid={theirs}")
		s.step("not found: zero", "key", "Command=Campaign.Get&campaignid=0")
		s.step("not found: negative", "key", "Command=Campaign.Get&campaignid=-5")
		s.step("not found: huge", "key", "Command=Campaign.Get&campaignid=99999999999999999999")
		s.step("3: asked to fail", "key", "Command=Campaign.Get&campaignid=999999999&FailOnNotFound=true")
		s.step("99999: a key that may only write", "writer", "Command=Campaign.Get&campaignid={quiet}")
		s.step(
			"nothing happened", "key",
			"Command=Campaign.Get&campaignid={quiet}&retrievestatistics=true&retrievetags=true",
		)
		s.step("without statistics", "key", "Command=Campaign.Get&campaignid={sending}")
		s.step(
			"with three days of statistics", "key",
			"Command=Campaign.Get&campaignid={sending}&retrievestatistics=true&retrievetags=true&StatisticsDays=3",
		)
		s.step(
			"an admin sees it in the zone of its owner", "admin",
			"Command=Campaign.Get&campaignid={sending}&retrievestatistics=1&StatisticsDays=1",
		)
		s.request(
			"as JSON with numbers and booleans", "json", "key",
			`{"command":"campaign.get","CAMPAIGNID":{quiet},"retrieveTags":true,"FailOnNotFound":false,"unknown":{"a":[1]}}`,
			jsonRequest,
		)
		s.request(
			"as XML", "query", "key",
			"Command=Campaign.Get&campaignid={sending}&retrievestatistics=true&retrievetags=true&StatisticsDays=1&ResponseFormat=XML",
			queryRequest,
		)
		s.request("a failure as XML", "query", "key", "Command=Campaign.Copy&ResponseFormat=XML", queryRequest)
		s.request("xml is not XML", "query", "key", "Command=Campaign.Get&ResponseFormat=xml", queryRequest)
		s.golden(t, "campaign_get")
	})
}

func TestCampaignsGet(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		nobody := f.owner(t)
		s.let("nobody", nobody.key)
		s.let("theirs", f.campaign(t, other, "Summer of theirs"))
		sent := f.reach(t, me, "Summer Sale", kind.StatusSent)
		f.campaign(t, me, "autumn 100%")
		f.advance(time.Minute)
		ready := f.campaign(t, me, "Winter")
		f.post(
			"APIKey=" + me.key + "&Command=Campaign.Update&CampaignStatus=Ready&ScheduleType=Future&SendDate=2027-01-01&SendTime=00:00&SendTimeZone=UTC&CampaignID=" + itoa(
				ready,
			),
		)
		f.reach(t, me, "Waiting", kind.StatusPendingApproval)
		s.let("tag", f.tag(t, me, "Summer", sent))
		s.let("tag2", f.tag(t, me, "empty"))
		f.count(t, me, sent)

		s.step(
			"all, with everything", "key",
			"Command=Campaigns.Get&RetrieveTags=true&RetrieveStatistics=true&StatisticsDays=1",
		)
		s.let("sent", sent)
		s.let("ready", ready)
		s.step("without columns", "key", "Command=Campaigns.Get&CampaignIDs={sent}&ExcludeColumns[]=campaignid&ExcludeColumns[]=RulesJsonBundle&ExcludeColumns[]=campaignname&ExcludeColumns[]=nothing")
		s.step("the number alone", "key", "Command=Campaigns.Get&CountOnly=true&CampaignStatus=Sent")
		s.step("none", "nobody", "Command=Campaigns.Get")
		s.step("99999: a key that may only write", "writer", "Command=Campaigns.Get")
		names := func(name, parameters string) {
			t.Helper()
			got := s.expand("APIKey={key}&Command=Campaigns.Get&" + parameters)
			body := f.post(got).body
			s.out.WriteString(
				"## " + name + "\n" + short(parameters) + "\n" + strings.Join(namesOf(t, body), ", ") + "\n\n",
			)
		}
		names(
			"the example of the reference",
			"RecordsPerRequest=10&RecordsFrom=0&CampaignStatus=Scheduled&SearchKeyword=Winter&OrderField=CampaignName&OrderType=ASC&RetrieveTags=true&RetrieveStatistics=true",
		)
		names("a page", "RecordsPerRequest=2&RecordsFrom=1")
		names("from an offset to the end", "RecordsFrom=2")
		names("behind the end", "RecordsPerRequest=2&RecordsFrom=100")
		names("bad numbers", "RecordsPerRequest=-1&RecordsFrom=x&Tags=x")
		names("huge numbers", "RecordsPerRequest=99999999999999999999&RecordsFrom=-99999999999999999999")
		names("drafts", "CampaignStatus=draft")
		names("pending", "CampaignStatus=Pending")
		names("pending approval", "CampaignStatus=Pending+Approval")
		names("sent", "CampaignStatus=Sent")
		names("scheduled", "CampaignStatus=Scheduled")
		names("an unknown status", "CampaignStatus=Active")
		names("future and recursive", "ScheduleType[]=future&ScheduleType[]=Recursive")
		names("not scheduled", "ScheduleType=Not+Scheduled")
		names("an unknown schedule", "ScheduleType=Weekly")
		names("some ids, one of somebody else", "CampaignIDs={sent}, {ready},{theirs},x")
		names("ids that are none", "CampaignIDs=x")
		names("keyword", "SearchKeyword=SUMMER")
		email := f.email(t, me)
		f.db.Client(me.ctx).Email.UpdateOneID(email).SetSubject("Ice cream").SetSubjectKey("ice cream").ExecX(me.ctx)
		f.db.Client(me.ctx).Campaign.UpdateOneID(ready).SetEmailID(email).ExecX(me.ctx)
		names("keyword in the subject", "SearchKeyword=ice+CREAM")
		names("keyword as the old reference wrote it", "SearchKeyowrd=summer")
		names("a percent sign is itself", "SearchKeyword=%25")
		names("an underscore is itself", "SearchKeyword=_")
		names("a keyword longer than any name", "SearchKeyword="+strings.Repeat("x", 251))
		names("tag", "Tags={tag2},{tag}")
		names("a tag that nothing has", "Tags={tag2}")
		names("a tag that is not there", "Tags=999999999")
		names("by name, descending", "OrderField=campaignname&OrderType=desc")
		names("by an unknown field", "OrderField=1;DROP&OrderType=DESC")
		names("by status, most urgent first whatever the direction", "OrderField=sort-by-status&OrderType=ASC")
		names("by send date", "OrderField=sort-by-send-date&OrderType=DESC")
		names("by creation", "OrderField=CreateDateTime&OrderType=DESC")
		names("by opens", "OrderField=TotalOpens&OrderType=DESC")
		s.golden(t, "campaigns_get")
	})
}
