package command_test

import (
	"strings"
	"testing"

	"campaignql/internal/kind"
)

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
		const (
			test = "ABTesting[TestSize]=20"
			two  = "ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][0][Weight]=30" +
				"&ABTesting[Variations][1][EmailID]={email2}&ABTesting[Variations][1][Weight]=10"
		)
		set("17: a list in a text", "ABTesting=[1")
		set("18: JSON without variations", `ABTesting={"a":1}`)
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
		set("23: no weight", strings.Replace(two, "[1][Weight]=10", "[1][Weight]=", 1))
		set("23: an empty email", test+"&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][EmailID]=")
		set("23: no email", test+"&ABTesting[Variations][0][EmailID]={email}&ABTesting[Variations][1][Name]=B")
		set("23 comes before 24", "ABTesting[Variations][0][EmailID]=x&ABTesting[Variations][0][Weight]=1&ABTesting[Variations][1][EmailID]={email}")
		set("24: an email that is no number", strings.Replace(two, "{email2}", "x", 1))
		set("24: a weight that is no number", strings.Replace(two, "=30", "=much", 1))
		set("24: a weight without bound", strings.Replace(two, "=30", "=inf", 1))
		set("24: no weight at all", strings.Replace(two, "=30", "=0", 1))
		set("24: a weight below zero", strings.Replace(two, "=30", "=-1", 1))
		set("24: the same email twice", strings.Replace(two, "{email2}", "{email}", 1))
		set("24: a sample that is no number", "ABTesting[TestSize]=some&"+two)
		set("24: no such winner", "ABTesting[Winner]=Luck&"+two)
		set("25: a share below one percent", strings.Replace(two, "=10", "=0.3", 1))
		set("25: a sample of nobody", "ABTesting[TestSize]=0&"+two)
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
		set("the names and forms of older versions", "RecipientListsAndSegments={list}::0&ExcludeRecipientListsAndSegments={list}:")
		s.step("which is the same", "key", "Command=Campaigns.Get&CampaignIDs={draft}&ExcludeColumns=CampaignName")
		set("lists", "RecipientListsAndSegments={list}:0&Exclude_RecipientListsAndSegments={list}:0")
		set(
			"a future schedule on the last day of a leap year's February",
			"ScheduleType=Future&SendDate=2028-02-29&SendTime=09:30&SendTimeZone=(GMT-03:00)+Brasilia",
		)
		set("year 9999", "SendDate=9999-12-30")
		set(
			"an A/B test as JSON, beside an email",
			`RelEmailID={email}&ABTesting={"variations":[{"emailid":{email2},"weight":2},{"emailid":"{email3}","weight":"1"}]}`,
		)
		s.step("it has no email of its own", "key", "Command=Campaign.Get&CampaignID={draft}")
		set("30: an email beside the test", "RelEmailID={email}")
		set("an email instead of the test", "RelEmailID={email}&ABTesting=")
		set(
			"an A/B test of a sample",
			test+"&ABTesting[Variations][0][EmailID]={email2}&ABTesting[Variations][0][Weight]=1&ABTesting[Variations][1][EmailID]={email3}&ABTesting[Variations][1][Weight]=1",
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
