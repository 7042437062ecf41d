package command_test

import (
	"strings"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// The golden files of these tests are the error tables of the contract, code by code, as an old
// script would receive them.

func TestCampaignCreate(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me := f.owner(t)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		s.let("name250", strings.Repeat("ß", 250))
		s.let("name251", strings.Repeat("ß", 251))
		s.step("a name", "key", "Command=Campaign.Create&CampaignName=Summer+Sale")
		s.step("the same name again", "key", "Command=Campaign.Create&CampaignName=Summer+Sale")
		s.step("a key that may only write", "writer", "Command=Campaign.Create&CampaignName=Written")
		s.request(
			"as JSON", "json", "",
			`{"SessionID": "your-session-id", "APIKey": "{key}", "Command": "Campaign.Create", "CampaignName": "Summer Sale Campaign"}`,
			jsonRequest,
		)
		s.request(
			"as multipart", "multipart", "", "APIKey={key}&Command=Campaign.Create&CampaignName=Parts",
			multipartRequest,
		)
		s.request("by GET", "query", "", "apikey={key}&command=campaign.create&campaignname=Query", queryRequest)
		s.step("250 characters", "key", "Command=Campaign.Create&CampaignName={name250}")
		s.step("251 characters", "key", "Command=Campaign.Create&CampaignName={name251}")
		s.step("no name", "key", "Command=Campaign.Create")
		s.step("an empty name", "key", "Command=Campaign.Create&CampaignName=")
		s.step("a blank name", "key", "Command=Campaign.Create&CampaignName=%20%20")
		s.step("nobody", "", "Command=Campaign.Create&CampaignName=x")
		s.step(
			"an unknown key", "",
			"Command=Campaign.Create&CampaignName=x&APIKey=exampleApiKey&SessionID=exampleSessionId",
		)
		s.step("a key without the scope", "reader", "Command=Campaign.Create&CampaignName=x")
		s.golden(t, "campaign_create")
	})
}

func TestCampaignUpdate(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("plain", f.key(t, me, kind.ScopeRead, kind.ScopeWrite))
		s.let("draft", f.campaign(t, me, "Draft"))
		s.let("sent", f.reach(t, me, "Sent", kind.StatusSent))
		s.let("sending", f.reach(t, me, "Sending", kind.StatusSending))
		s.let("theirs", f.campaign(t, other, "Theirs"))
		s.let("email", f.email(t, me))
		s.let("email2", f.email(t, me))
		s.let("email3", f.email(t, me))
		s.let("theirEmail", f.email(t, other))
		s.let("list", f.list(t, me, "a"))
		s.let("number", f.numberField(t, me))
		s.let("theirList", f.list(t, other, "b"))
		set := func(name, parameters string) {
			t.Helper()
			s.step(name, "key", "Command=Campaign.Update&CampaignID={draft}&"+parameters)
		}

		s.step("1: no id", "key", "Command=Campaign.Update&CampaignName=x")
		s.step("2: unknown", "key", "Command=Campaign.Update&CampaignID=999999999")
		s.step("2: not a number", "key", "Command=Campaign.Update&CampaignID=abc")
		s.step("2: of somebody else", "key", "Command=Campaign.Update&CampaignID={theirs}&CampaignName=Mine")
		set("3: no such status", "CampaignStatus=Active")
		set("3: a stored value is no legacy spelling", "CampaignStatus=pending_approval")
		set("3: not from this status", "CampaignStatus=Paused")
		s.step("3: a sent campaign is final", "key", "Command=Campaign.Update&CampaignID={sent}&CampaignStatus=Draft")
		s.step(
			"3: only the sender ends a sending", "plain",
			"Command=Campaign.Update&CampaignID={sending}&CampaignStatus=Sent",
		)
		set("4: no number", "RelEmailID=abc")
		set("4: of somebody else", "RelEmailID={theirEmail}")
		set("5: no such type", "ScheduleType=Tomorrow")
		set("5: a stored value is no legacy spelling", "ScheduleType=recurring")
		set("6: no date", "ScheduleType=Future&SendTime=10:00&SendTimeZone=UTC")
		set("6: no real date", "ScheduleType=Future&SendDate=2027-02-29&SendTime=10:00&SendTimeZone=UTC")
		set("7: no time", "ScheduleType=Future&SendDate=2027-01-01&SendTimeZone=UTC")
		set("7: a leap second", "ScheduleType=Future&SendDate=2027-01-01&SendTime=23:59:60&SendTimeZone=UTC")
		set("8: no days", "ScheduleType=Recursive")
		set("8: eighth day of the week", "ScheduleType=Recursive&ScheduleRecDaysOfWeek=8")
		set("9: no months", "ScheduleType=Recursive&ScheduleRecDaysOfWeek=1")
		set("10: no hours", "ScheduleType=Recursive&ScheduleRecDaysOfWeek=1&ScheduleRecMonths=0")
		set("11: no minutes", "ScheduleType=Recursive&ScheduleRecDaysOfWeek=1&ScheduleRecMonths=0&ScheduleRecHours=9")
		set(
			"12: no maximum",
			"ScheduleType=Recursive&ScheduleRecDaysOfWeek=1&ScheduleRecMonths=0&ScheduleRecHours=9&ScheduleRecMinutes=0",
		)
		set(
			"12: no number",
			"ScheduleType=Recursive&ScheduleRecDaysOfWeek=1&ScheduleRecMonths=0&ScheduleRecHours=9&ScheduleRecMinutes=0&ScheduleRecSendMaxInstance=many",
		)
		set(
			"13: no zone for recursive",
			"ScheduleType=Recursive&ScheduleRecDaysOfWeek=1&ScheduleRecMonths=0&ScheduleRecHours=9&ScheduleRecMinutes=0&ScheduleRecSendMaxInstance=0",
		)
		set("13: no zone for future", "ScheduleType=Future&SendDate=2027-01-01&SendTime=10:00")
		set("13: no such zone", "ScheduleType=Future&SendDate=2027-01-01&SendTime=10:00&SendTimeZone=Mars/Olympus")
		set("14: no days to wait", "AutoResendEnabled=true&AutoResendSubject=Again")
		set("14: no number", "AutoResendWaitDays=soon")
		set("15: no subject", "AutoResendEnabled=true&AutoResendWaitDays=3")
		set("17: text", "ABTesting=yes")
		set("18: no variations", "ABTesting[TestSize]=20")
		set("18: text", "ABTesting[TestSize]=20&ABTesting[Variations]=2")
		const test = "ABTesting[TestSize]=20&ABTesting[TestDuration]=24&ABTesting[Winner]=Highest+Open+Rate"
		set(
			"19: email of somebody else",
			test+"&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={theirEmail}",
		)
		set(
			"19 comes before 23",
			"ABTesting[Variations][0][EmailID]={theirEmail}&ABTesting[Variations][1][EmailID]={email}",
		)
		set("21: one variation", test+"&ABTesting[Variations][0][EmailID]={email}")
		set("21 comes before 23", "ABTesting[Variations][0][EmailID]={email}")
		set("22: six variations", test+strings.Repeat("&ABTesting[Variations][][EmailID]={email}", 6))
		set(
			"23: no duration",
			"ABTesting[TestSize]=20&ABTesting[Winner]=Highest+Open+Rate&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={email2}",
		)
		set("23: an empty email", test+"&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]=")
		set(
			"25: half a percent",
			"ABTesting[TestSize]=0.5&ABTesting[TestDuration]=24&ABTesting[Winner]=Most+Unique+Clicks&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={email2}",
		)
		set("23: no email", test+"&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][Name]=B")
		set(
			"24: no number",
			"ABTesting[TestSize]=some&ABTesting[TestDuration]=24&ABTesting[Winner]=Highest+Open+Rate&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={email2}",
		)
		set(
			"24: no such winner",
			"ABTesting[TestSize]=20&ABTesting[TestDuration]=24&ABTesting[Winner]=Luck&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={email2}",
		)
		set(
			"24: the same email twice",
			test+"&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={email}",
		)
		set(
			"25: nobody",
			"ABTesting[TestSize]=0&ABTesting[TestDuration]=24&ABTesting[Winner]=Most+Unique+Clicks&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]={email2}",
		)
		set(
			"26: resent and recursive",
			"AutoResendEnabled=1&AutoResendWaitDays=3&AutoResendSubject=Again&ScheduleType=Recursive&ScheduleRecDaysOfWeek=1&ScheduleRecMonths=0&ScheduleRecHours=9&ScheduleRecMinutes=0&ScheduleRecSendMaxInstance=0&SendTimeZone=UTC",
		)
		set("27: in the past", "ScheduleType=Future&SendDate=2026-11-23&SendTime=10:59:59&SendTimeZone=Europe/Berlin")
		set("28: not JSON", "RulesJsonBundle=rules")
		set(
			"28: an unknown operator",
			`RulesJsonBundle={"operator":"or","criteria":[{"list_id":{list},"operator":"and","rules":[{"type":"fields","field_id":"EmailAddress","operator":"has","value":"x"}]}]}`,
		)
		set(
			"28: no number",
			`RulesJsonBundle={"operator":"or","criteria":[{"list_id":{list},"operator":"and","rules":[{"type":"fields","field_id":{number},"operator":"is less than","value":"many"}]}]}`,
		)
		set("28: not a list", "RecipientListsAndSegments=friends")
		set("29: list of somebody else", "RecipientListsAndSegments={theirList}:0")
		set("29: no such list in the rules", `RulesJsonBundle={"operator":"or","criteria":[{"list_id":999999999}]}`)
		s.step(
			"30: the content of a sent campaign", "key", "Command=Campaign.Update&CampaignID={sent}&RelEmailID={email}",
		)
		s.step(
			"30: the audience of a sending campaign", "key",
			"Command=Campaign.Update&CampaignID={sending}&RecipientListsAndSegments={list}",
		)
		set("31: a long name", "CampaignName="+strings.Repeat("x", 251))
		set("31: a blank name", "CampaignName=+")
		set("31: neither Enabled nor Disabled", "PublishOnRSS=maybe")
		set("31: no boolean", "S2SEnabled=maybe")
		set("31: no boolean for the second sending", "AutoResendEnabled=maybe")
		set("31: a long reason", "CampaignStatusReason="+strings.Repeat("x", 251))
		set(
			"the first fault answers",
			"CampaignStatus=Active&RelEmailID=abc&ScheduleType=Tomorrow&S2SEnabled=maybe&RulesJsonBundle=rules&CampaignStatusReason="+strings.Repeat(
				"x", 251,
			),
		)
		s.step("99999: a key that may only read", "reader", "Command=Campaign.Update&CampaignID={draft}&CampaignName=x")
		s.step("nothing was written so far", "key", "Command=Campaign.Get&CampaignID={draft}")

		set("the example of the reference", "CampaignStatus=Ready&CampaignName=New Campaign Name")
		set("the same status again", "CampaignStatus=Ready")
		set(
			"everything that is not a schedule",
			"RelEmailID={email}&CampaignStatusReason=because&ApprovalUserExplanation=please&GoogleAnalyticsDomains=example.com&PublishOnRSS=enabled&S2SEnabled=on&AutoResendEnabled=yes&AutoResendWaitDays=3&AutoResendSubject=Again&AutoResendPreHeaderText=Did+you+see%3F",
		)
		set("lists", "RecipientListsAndSegments={list}:0&Exclude_RecipientListsAndSegments={list}:0")
		set(
			"a future schedule on the last day of a leap year's February",
			"ScheduleType=Future&SendDate=2028-02-29&SendTime=09:30&SendTimeZone=(GMT-03:00)+Brasilia",
		)
		set("year 9999", "SendDate=9999-12-30")
		set(
			"an A/B test",
			test+"&ABTesting[Variations][0][EmailID]={email2}&ABTesting[Variations][1][EmailID]={email3}",
		)
		s.step("read back", "key", "Command=Campaign.Get&CampaignID={draft}")
		set(
			"a recursive schedule, no second sending, no test, no email",
			"AutoResendEnabled=false&ABTesting=&RelEmailID=0&ScheduleType=Recursive&ScheduleRecDaysOfWeek=1,3&ScheduleRecMonths=0&ScheduleRecHours=9&ScheduleRecMinutes=0,30&ScheduleRecSendMaxInstance=10&SendTimeZone=Europe/Berlin",
		)
		set("rules", `RulesJsonBundle={"operator":"or","criteria":[{"list_id":{list},"operator":"and","rules":[]}]}`)
		set(
			"empty values change nothing",
			"CampaignName=&ScheduleType=&SendDate=&RulesJsonBundle=&RecipientListsAndSegments=&PublishOnRSS=&S2SEnabled=&RelEmailID=",
		)
		s.step("read back again", "key", "Command=Campaign.Get&CampaignID={draft}")
		s.golden(t, "campaign_update")
	})
}

func TestCampaignStates(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		untrusted := f.person(t, account.NewUser{Reputation: kind.ReputationUntrusted})
		admin := f.person(t, account.NewUser{Role: kind.RoleAdmin})
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeRead, kind.ScopeWrite))
		s.let("untrusted", untrusted.key)
		s.let("admin", admin.key)
		for _, status := range kind.CampaignStatuses() {
			s.let(string(status), f.reach(t, me, status.Legacy(), status))
		}
		s.let("theirs", f.reach(t, other, "Theirs", kind.StatusSending))
		s.let("waiting", f.campaign(t, untrusted, "Waiting"))

		for _, command := range []string{"Pause", "Resume", "Cancel", "Approve"} {
			s.step(command+" 1: no id", "key", "Command=Campaign."+command)
			s.step(command+" 2: unknown", "key", "Command=Campaign."+command+"&CampaignID=999999999")
			s.step(command+" 2: no number", "key", "Command=Campaign."+command+"&CampaignID=abc")
			s.step(command+" 2: of somebody else", "key", "Command=Campaign."+command+"&CampaignID={theirs}")
			s.step(command+" 3: another status", "key", "Command=Campaign."+command+"&CampaignID={draft}")
			s.step(command+" 3: sent", "key", "Command=Campaign."+command+"&CampaignID={sent}")
			s.step(command+" 99999", "reader", "Command=Campaign."+command+"&CampaignID={ready}")
			s.step(command+" 99998", "", "Command=Campaign."+command+"&CampaignID={ready}")
		}
		s.step("cancel a failed campaign", "key", "Command=Campaign.Cancel&CampaignID={failed}")
		s.step("pause", "key", "Command=Campaign.Pause&CampaignID={sending}")
		s.step("pause again", "key", "Command=Campaign.Pause&CampaignID={sending}")
		s.step("resume", "key", "Command=Campaign.Resume&CampaignID={sending}")
		s.step("resume again", "key", "Command=Campaign.Resume&CampaignID={sending}")
		s.step("cancel a paused campaign", "key", "Command=Campaign.Cancel&CampaignID={paused}")
		s.step("cancel a ready campaign", "key", "Command=Campaign.Cancel&CampaignID={ready}")
		s.step("approving needs a scope of its own", "writer", "Command=Campaign.Approve&CampaignID={pending_approval}")
		s.step("a trusted owner approves", "key", "Command=Campaign.Approve&CampaignID={pending_approval}")
		s.step(
			"ready by an untrusted owner", "untrusted",
			"Command=Campaign.Update&CampaignID={waiting}&CampaignStatus=Ready",
		)
		s.step("an untrusted owner may not approve", "untrusted", "Command=Campaign.Approve&CampaignID={waiting}")
		s.step("an admin approves", "admin", "Command=Campaign.Approve&CampaignID={waiting}")
		s.step("what became of all", "key", "Command=Campaigns.Get&OrderField=CampaignID")
		s.golden(t, "campaign_states")
	})
}

func TestCampaignCopyAndDelete(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		email, list := f.email(t, me), f.list(t, me, "a")
		source := f.reach(t, me, "Ünïcode \"quoted\" <b>&\n", kind.StatusReady)
		lists := itoa(list)
		f.patch(t, me, source, campaign.Patch{EmailID: &email, Audience: &campaign.AudiencePatch{Include: &lists}})
		f.tag(t, me, "Summer", source)
		s.let("source", source)
		s.let("a", f.campaign(t, me, "A"))
		s.let("b", f.campaign(t, me, "B"))
		s.let("theirs", f.campaign(t, other, "Theirs"))

		s.step("copy", "key", "Command=Campaign.Copy&CampaignID={source}")
		s.step("copy 1: no id", "key", "Command=Campaign.Copy")
		s.step("copy 1: unknown", "key", "Command=Campaign.Copy&CampaignID=999999999")
		s.step("copy 1: of somebody else", "key", "Command=Campaign.Copy&CampaignID={theirs}")
		s.step("copy 99999", "reader", "Command=Campaign.Copy&CampaignID={source}")
		s.step(
			"the original and the copy", "key",
			"Command=Campaigns.Get&RetrieveTags=true&SearchKeyword=%C3%9Cn%C3%AFcode",
		)
		s.step("delete 1: nothing", "key", "Command=Campaigns.Delete")
		s.step("delete 1: empty", "key", "Command=Campaigns.Delete&Campaigns=")
		s.step("delete 1: a word", "key", "Command=Campaigns.Delete&Campaigns={a},all")
		s.step("delete 1: zero", "key", "Command=Campaigns.Delete&Campaigns={a},0")
		s.step("delete 1: negative", "key", "Command=Campaigns.Delete&Campaigns[]=-1")
		s.step("delete 1: an empty place", "key", "Command=Campaigns.Delete&Campaigns={a},,{b}")
		s.step("delete 1: a huge number", "key", "Command=Campaigns.Delete&Campaigns={a},99999999999999999999")
		s.step("delete 99999", "reader", "Command=Campaigns.Delete&Campaigns={a}")
		s.step(
			"delete one of mine and one of somebody else", "key",
			"Command=Campaigns.Delete&Campaigns={a}, {theirs},999999999",
		)
		s.step("delete by brackets", "key", "Command=Campaigns.Delete&Campaigns[]={b}&Campaigns[]={source}")
		s.step("what is left", "key", "Command=Campaigns.Get")
		if _, err := f.campaigns.Get(other.ctx, parse(t, s.vars["{theirs}"])); err != nil {
			t.Errorf("the campaign of somebody else: %v", err)
		}
		s.golden(t, "campaign_copy_delete")
	})
}

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
		names("keyword", "SearchKeyword=SUMMER")
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

func TestTagCommands(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("a", f.campaign(t, me, "A"))
		s.let("b", f.campaign(t, me, "B"))
		s.let("theirs", f.campaign(t, other, "Theirs"))
		s.let("theirTag", f.tag(t, other, "theirs"))
		s.let("tag", f.tag(t, me, "first"))

		s.step("create", "key", "Command=Tag.Create&Tag=news letter")
		s.step("create 1", "key", "Command=Tag.Create&Tag=")
		s.step("create 2", "key", "Command=Tag.Create&Tag=News Letter")
		s.step("create 3", "key", "Command=Tag.Create&Tag=a,b")
		s.step("create 4", "key", "Command=Tag.Create&Tag=%20")
		s.step("create 6", "key", "Command=Tag.Create&Tag="+strings.Repeat("x", 101))
		s.step("create 99999", "reader", "Command=Tag.Create&Tag=x")
		s.step("update", "key", "Command=Tag.Update&TagID={tag}&Tag=Second")
		s.step("update 1 and 2", "key", "Command=Tag.Update")
		s.step("update 1", "key", "Command=Tag.Update&Tag=x")
		s.step("update 2", "key", "Command=Tag.Update&TagID={tag}")
		s.step("update 2: taken", "key", "Command=Tag.Update&TagID={tag}&Tag=news letter")
		s.step("update 3", "key", "Command=Tag.Update&TagID={tag}&Tag=a/b")
		s.step("update 4", "key", "Command=Tag.Update&TagID={tag}&Tag=%20")
		s.step("update 5: unknown", "key", "Command=Tag.Update&TagID=999999999&Tag=x")
		s.step("update 5: no number", "key", "Command=Tag.Update&TagID=abc&Tag=x")
		s.step("update 5: of somebody else", "key", "Command=Tag.Update&TagID={theirTag}&Tag=x")
		s.step("assign", "key", "Command=Tag.AssignToCampaigns&TagID={tag}&CampaignIDs={a},{b},{theirs}")
		s.step("assign 1 and 2", "key", "Command=Tag.AssignToCampaigns")
		s.step("assign 2", "key", "Command=Tag.AssignToCampaigns&TagID={tag}")
		s.step("assign 3: of somebody else", "key", "Command=Tag.AssignToCampaigns&TagID={theirTag}&CampaignIDs={a}")
		s.step("assign 3: unknown", "key", "Command=Tag.AssignToCampaigns&TagID=abc&CampaignIDs={a}")
		s.step("unassign", "key", "Command=Tag.UnassignFromCampaigns&TagID={tag}&CampaignIDs[]={b}")
		s.step("unassign 1 and 2", "key", "Command=Tag.UnassignFromCampaigns")
		s.step("unassign 3", "key", "Command=Tag.UnassignFromCampaigns&TagID=999999999&CampaignIDs={a}")
		s.step("all", "key", "Command=Tags.Get")
		s.step("all by a reader", "reader", "Command=Tags.Get")
		s.step("delete 1", "key", "Command=Tags.Delete")
		s.step("delete", "key", "Command=Tags.Delete&Tags={tag},{theirTag},x")
		s.step("what is left", "key", "Command=Tags.Get")
		s.golden(t, "tags")
	})
}

func TestUserLogin(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me := f.person(
			t,
			account.NewUser{
				FirstName: "Ada", LastName: "Lovelace", TimeZone: "Europe/London", Reputation: kind.ReputationUntrusted,
			},
		)
		s.let("key", me.key)
		s.let("name", me.Username)
		s.let("email", me.Email)
		s.let("password", password)
		got := s.step(
			"by name", "",
			"Command=User.Login&Username={name}&Password={password}&RememberMe=true&Captcha=&DisableCaptcha=true&TFACode=1",
		)
		s.let("session", sessionOf(t, got.body))
		s.step("by email address", "", "Command=User.Login&Username={email}&Password={password}")
		s.step("by key", "", "Command=User.Login&APIKey={key}")
		s.step("with the session", "", "Command=Campaign.Create&CampaignName=x&SessionID={session}")
		s.step("with the session as bearer", "session", "Command=Tags.Get")
		s.step("a key wins over a session", "", "Command=Tags.Get&SessionID={session}&APIKey=exampleApiKey")
		s.step(
			"a key under the name of an admin's", "", "Command=Tags.Get&AdminAPIKey={key}&SessionID=exampleSessionId",
		)
		s.step("1 and 2", "", "Command=User.Login")
		s.step("1", "", "Command=User.Login&Password=x")
		s.step("2", "", "Command=User.Login&Username={name}")
		s.step("3: wrong password", "", "Command=User.Login&Username={name}&Password=wrong")
		s.step("3: unknown user", "", "Command=User.Login&Username=nobody+{name}&Password=wrong")
		s.step("3: unknown key", "", "Command=User.Login&APIKey=exampleApiKey")
		s.step("logout", "", "Command=User.Logout&SessionID={session}")
		s.step("logout again", "", "Command=User.Logout&SessionID={session}")
		s.step("logout without a session", "", "Command=User.Logout")
		s.step("logout with a key alone", "key", "Command=User.Logout")
		s.step("after logout", "", "Command=Tags.Get&SessionID={session}")
		for range 10 {
			f.post(s.expand("Command=User.Login&Username={name}&Password=wrong"))
		}
		s.step("429: too many failures", "", "Command=User.Login&Username={name}&Password={password}")
		s.golden(t, "user")
	})
}

func TestHardFailures(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me := f.owner(t)
		s.let("key", me.key)
		s.step("no command", "key", "CampaignID=1")
		s.step("an unknown command", "key", "Command=nope")
		s.step("unknown before authentication", "", "Command=<script>\"&ResponseFormat=JSON")
		s.step("a percent that begins no code", "key", "Command=Campaign.Get&CampaignName=100%zz")
		s.request("JSON cut off", "json", "key", `{"Command":"Campaign.Get"`, jsonRequest)
		s.request("JSON that is a list", "json", "key", `["Campaign.Get"]`, jsonRequest)
		s.request("JSON and more", "json", "key", `{"Command":"Campaign.Get"}{}`, jsonRequest)
		s.request(
			"JSON nested too deep", "json", "key", `{"Command":"Tags.Get","a":`+strings.Repeat("[", 20000)+`}`,
			jsonRequest,
		)
		s.step("brackets nested too deep", "key", "Command=Tags.Get&a"+strings.Repeat("[a]", 100)+"=1")
		s.step("JSONP", "key", "Command=Tags.Get&JSONPCallBack=alert")
		s.step("a failure as XML", "key", "Command=nope&ResponseFormat=XML")
		s.golden(t, "hard_failures")
	})
}
