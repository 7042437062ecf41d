package command_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
)

// The golden files of these tests list the codes of the companion commands.

func (f *fixture) field(t *testing.T, p person, list int64, of kind.FieldType) int64 {
	t.Helper()
	made, err := f.db.Client(p.ctx).
		CustomField.Create().
		SetListID(list).
		SetName(string(of)).
		SetNameKey(string(of)).
		SetType(of).
		SetChoices(`["Red","Blue"]`).
		SetCreatedAt(f.now()).
		Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (f *fixture) segment(t *testing.T, p person, list int64) int64 {
	t.Helper()
	made, err := f.db.Client(p.ctx).Segment.Create().SetListID(list).SetName("s").SetNameKey("s").SetRules("{}").
		SetCreatedAt(f.now()).SetUpdatedAt(f.now()).Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (f *fixture) subscribe(t *testing.T, p person, list int64, address string) {
	t.Helper()
	form := url.Values{
		"Command": {
			"Subscriber.Subscribe",
		},
		"APIKey":       {p.key},
		"ListID":       {itoa(list)},
		"EmailAddress": {address},
		"IPAddress":    {"192.0.2.1"},
	}
	if got := f.post(form.Encode()); !strings.Contains(got.body, `"Success":true`) {
		t.Fatal(got.body)
	}
}

func TestEmailCommands(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		s.let("theirs", f.email(t, other))
		s.let("long", strings.Repeat("ß", 501))

		s.step("create", "key", "Command=Email.Create")
		s.step("create with parameters, which it ignores", "writer", "Command=Email.Create&EmailName=x&Subject=y")
		s.request("create as JSON", "json", "", `{"Command":"Email.Create","APIKey":"{key}"}`, jsonRequest)
		s.request("create as multipart", "multipart", "", "APIKey={key}&Command=Email.Create", multipartRequest)
		s.request("create by GET", "query", "", "apikey={key}&command=email.create", queryRequest)
		ids := f.db.Client(me.ctx).Email.Query().IDsX(me.ctx)
		s.let("email", ids[0])
		s.let("other", ids[1])
		s.step("get 1", "key", "Command=Email.Get&EmailID=")
		s.step("get 2", "key", "Command=Email.Get&EmailID=999999999")
		s.step("get 2: not a number", "key", "Command=Email.Get&EmailID=abc")
		s.step("get 2: of somebody else", "key", "Command=Email.Get&EmailID={theirs}")
		s.step("get an empty one", "key", "Command=Email.Get&EmailID={email}")

		set := func(name, parameters string) {
			t.Helper()
			s.step(name, "key", "Command=Email.Update&EmailID={email}&"+parameters)
		}
		s.step("update 1, 9", "key", "Command=Email.Update&Subject=x")
		s.step(
			"update 1, 4, 6, 7, 10, 31", "key",
			"Command=Email.Update&ValidateScope=Letter&Mode=Word&FromEmail=x&ReplyToEmail=y&OpenTracking=maybe",
		)
		s.step("update 3", "key", "Command=Email.Update&EmailID=999999999&ValidateScope=Campaign")
		s.step("update 3: not a number", "key", "Command=Email.Update&EmailID=1.5&ValidateScope=Campaign")
		s.step("update 3, 9: of somebody else", "key", "Command=Email.Update&EmailID={theirs}")
		set("update 4", "ValidateScope=Campaign&PlainContent=%25Link:Unsubscribe%25&Mode=Word")
		set("update 4: a stored value in another case is a spelling", "ValidateScope=OptIn&PlainContent=x&Mode=EDITOR")
		set("update 6", "ValidateScope=OptIn&FromEmail=Shop+<shop@example.com>")
		set("update 7", "ValidateScope=OptIn&ReplyToEmail=help@")
		s.step("update 8", "key", "Command=Email.Update&EmailID={other}&ValidateScope=Campaign&Subject=x")
		s.step("update 8, 9", "key", "Command=Email.Update&EmailID={other}")
		s.step("update 8, 10", "key", "Command=Email.Update&EmailID={other}&ValidateScope=Newsletter")
		set("update 11", "ValidateScope=Campaign&HTMLContent=<p>Hello</p>&PlainContent=%25Link:Unsubscribe%25")
		set("update 12", "ValidateScope=Campaign&HTMLContent=%25Link:Unsubscribe%25&PlainContent=Hello")
		set("update 11, 12", "ValidateScope=campaign&HTMLContent=<p>Hello</p>&PlainContent=Hello")
		set(
			"update 31: a long subject, a line break, no boolean",
			"ValidateScope=OptIn&Subject={long}&FromName=a%0Ab&LinkTracking=maybe",
		)
		s.step("update 99999", "reader", "Command=Email.Update&EmailID={email}&ValidateScope=OptIn")
		set("an opt-in message needs no link", "ValidateScope=OptIn&PlainContent=Please+confirm")
		set("an answer needs no link", "ValidateScope=AutoResponder&HTMLContent=<p>Thanks</p>")
		set(
			"everything",
			"ValidateScope=Campaign&EmailName=Summer&Subject=Größte+Auswahl&PreHeaderText=Today&FromName=Shop&FromEmail=shop@example.com&ReplyToName=Help"+
				"&ReplyToEmail=help@example.com&HTMLContent=<a+href=\"%25Link:Unsubscribe%25\">leave</a>&PlainContent=leave:+%25link:unsubscribe%25&Mode=Unlayer&OpenTracking=no&LinkTracking=0",
		)
		f.advance(time.Hour)
		set(
			"one field, the others empty",
			"ValidateScope=Campaign&EmailName=&Subject=New&PreHeaderText=&FromName=&FromEmail=&HTMLContent=&PlainContent=&Mode=&OpenTracking=",
		)
		s.request("get as JSON", "json", "key", `{"Command":"Email.Get","EmailID":{email}}`, jsonRequest)
		s.step("get as XML", "key", "Command=Email.Get&EmailID={email}&ResponseFormat=XML")
		s.step("a page", "reader", "Command=Emails.Get&RecordsFrom=0&RecordsPerRequest=2")
		s.step("a page behind the end", "key", "Command=Emails.Get&RecordsFrom=100")
		s.step("nobody lists", "", "Command=Emails.Get")

		s.step("delete 1", "key", "Command=Email.Delete")
		s.step("delete 2", "key", "Command=Email.Delete&EmailID=999999999")
		s.step("delete 2: of somebody else", "key", "Command=Email.Delete&EmailID={theirs}")
		email, test := ids[0], ids[1]
		sent := f.reach(t, me, "Sent", kind.StatusReady)
		f.patch(t, me, sent, campaign.Patch{EmailID: &email})
		s.step("delete 3: used by a campaign", "key", "Command=Email.Delete&EmailID={email}")
		tested := f.campaign(t, me, "Test")
		f.patch(t, me, tested, campaign.Patch{ABTest: &campaign.ABTestPatch{Test: &campaign.ABTest{
			TestSize:     20,
			TestDuration: 24,
			Winner:       campaign.WinnerByOpens,
			Variations:   []campaign.ABVariation{{EmailID: test}, {EmailID: email}},
		}}})
		ready := kind.StatusReady
		f.patch(t, me, tested, campaign.Patch{Status: &ready})
		s.step("delete 3: used by an A/B test", "key", "Command=Email.Delete&EmailID={other}")
		draft := f.campaign(t, me, "Draft")
		f.patch(t, me, draft, campaign.Patch{EmailID: &ids[2]})
		s.let("drafted", ids[2])
		s.step("delete 99999", "reader", "Command=Email.Delete&EmailID={drafted}")
		s.step("delete what a draft uses", "key", "Command=Email.Delete&EmailID={drafted}")
		s.step("delete 2: again", "key", "Command=Email.Delete&EmailID={drafted}")
		if c, err := f.campaigns.Get(me.ctx, draft); err != nil || c.EmailID != nil {
			t.Errorf("the draft has the email %v, %v", c.EmailID, err)
		}
		s.golden(t, "emails")
	})
}

func TestListCommands(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		f.list(t, other, "theirs")
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		s.let("name250", strings.Repeat("ß", 250))
		s.let("name251", strings.Repeat("ß", 251))
		s.step("none", "key", "Command=Lists.Get")
		s.step("create", "writer", "Command=List.Create&SubscriberListName=+News+letter+")
		f.advance(time.Hour)
		s.request(
			"create as JSON", "json", "", `{"Command":"List.Create","APIKey":"{key}","SubscriberListName":"customers"}`,
			jsonRequest,
		)
		f.advance(time.Hour)
		s.request(
			"create as multipart", "multipart", "", "APIKey={key}&Command=List.Create&SubscriberListName=Árvore",
			multipartRequest,
		)
		s.request(
			"create by GET", "query", "", "apikey={key}&command=list.create&subscriberlistname=News+letter",
			queryRequest,
		)
		s.step("create of 250 characters", "key", "Command=List.Create&SubscriberListName={name250}")
		s.step("create 1", "key", "Command=List.Create")
		s.step("create 1: empty", "key", "Command=List.Create&SubscriberListName=")
		s.step("create 1: blank", "key", "Command=List.Create&SubscriberListName=%20")
		s.step("create 1: 251 characters", "key", "Command=List.Create&SubscriberListName={name251}")
		s.step("create 99999", "reader", "Command=List.Create&SubscriberListName=x")
		s.step("create by nobody", "", "Command=List.Create&SubscriberListName=x")

		first := f.db.Client(me.ctx).SubscriberList.Query().IDsX(me.ctx)[0]
		for i, address := range []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"} {
			f.subscribe(t, me, first, address)
			update := f.db.Client(me.ctx).Subscriber.Update().Where(emailIs(address))
			switch i {
			case 1:
				update.SetStatus(kind.SubscriberUnsubscribed).ExecX(me.ctx)
			case 2:
				update.SetBounce(kind.BounceHard).ExecX(me.ctx)
			}
		}
		f.suppress(t, me, "d@example.com")
		s.step("all, with those who are written to counted", "reader", "Command=Lists.Get")
		names := func(name, parameters string) {
			t.Helper()
			body := f.post("Command=Lists.Get&APIKey=" + me.key + "&" + parameters).body
			var list struct {
				Lists          []struct{ Name string }
				TotalListCount int
			}
			if err := json.Unmarshal([]byte(body), &list); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			line := []string{fmt.Sprintf("of %d", list.TotalListCount)}
			for _, l := range list.Lists {
				line = append(line, kind.Cut(l.Name, 20))
			}
			s.out.WriteString("## " + name + "\n" + parameters + "\n" + strings.Join(line, ", ") + "\n\n")
		}
		names("by name, descending", "OrderField=name&OrderType=desc")
		names("by id", "OrderField=ListID")
		names("by creation, ties by id", "OrderField=CreatedOn&OrderType=DESC")
		names("by an unknown field", "OrderField=1;DROP")
		names("a page", "RecordsFrom=1&RecordsPerRequest=2&OrderField=ListID")
		names("from an offset to the end", "RecordsFrom=3&OrderField=ListID")
		names("behind the end", "RecordsFrom=100")
		names("bad numbers", "RecordsFrom=-1&RecordsPerRequest=x&OrderField=ListID")
		s.step("as XML", "key", "Command=Lists.Get&RecordsPerRequest=1&ResponseFormat=XML")
		s.golden(t, "lists")
	})
}

func TestSubscriberCommands(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		list, theirs, double := f.list(t, me, "a"), f.list(t, other, "b"), f.list(t, me, "double")
		f.db.Client(me.ctx).SubscriberList.UpdateOneID(double).SetDoubleOptIn(true).ExecX(me.ctx)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		s.let("list", list)
		s.let("double", double)
		s.let("theirs", theirs)
		s.let("theirField", f.field(t, other, theirs, kind.FieldText))
		for _, of := range []kind.FieldType{kind.FieldText, kind.FieldNumber, kind.FieldDate, kind.FieldBoolean, kind.FieldChoice} {
			s.let(string(of), f.field(t, me, list, of))
		}
		subscribe := func(name, parameters string) {
			t.Helper()
			s.step(name, "key", "Command=Subscriber.Subscribe&"+parameters)
		}
		subscribe("subscribe", "ListID={list}&EmailAddress=Anna@Example.com&IPAddress=192.0.2.7")
		s.request(
			"subscribe as JSON",
			"json",
			"writer",
			`{"Command":"Subscriber.Subscribe","ListID":{list},"EmailAddress":"ben@example.com","IPAddress":"2001:DB8::1",`+
				`"CustomField{text}":"Köln","CustomField{number}":12.5,"CustomField{date}":"2026-02-28","CustomField{boolean}":true,"Fields":{"CustomField{choice}":"red"}}`,
			jsonRequest,
		)
		s.request(
			"subscribe as multipart", "multipart", "key",
			"Command=Subscriber.Subscribe&ListID={list}&EmailAddress=carl@example.com&IPAddress=192.0.2.9&Fields[CustomField{text}]=Ulm",
			multipartRequest,
		)
		s.request(
			"subscribe by GET", "query", "key",
			"command=subscriber.subscribe&listid={list}&emailaddress=dora@example.com&ipaddress=192.0.2.9&fields[customfield{number}]=-1e3&customfield{number}=7",
			queryRequest,
		)
		subscribe("to a list with double opt-in", "ListID={double}&EmailAddress=anna@example.com&IPAddress=192.0.2.7")
		subscribe("again before it is confirmed", "ListID={double}&EmailAddress=ANNA@example.com&IPAddress=192.0.2.8")
		subscribe(
			"fields that the list does not have",
			"ListID={double}&EmailAddress=emil@example.com&IPAddress=192.0.2.7&CustomField{text}=x&CustomField{theirField}=x&CustomField999999999=x&CustomFieldN=x&CustomField=x",
		)
		subscribe("1: no list", "EmailAddress=a@example.com&IPAddress=192.0.2.1")
		subscribe("1: nothing at all", "CustomField1=x")
		subscribe("2: no address", "ListID={list}&EmailAddress=+&IPAddress=192.0.2.1")
		subscribe("3: no IP address", "ListID={list}&EmailAddress=a@example.com&IPAddress=")
		subscribe("3: none", "ListID={list}&EmailAddress=a@example.com&IPAddress=home")
		subscribe("4: unknown", "ListID=999999999&EmailAddress=a@example.com&IPAddress=192.0.2.1")
		subscribe("4: not a number", "ListID=first&EmailAddress=a@example.com&IPAddress=192.0.2.1")
		subscribe("4: of somebody else", "ListID={theirs}&EmailAddress=nobody&IPAddress=192.0.2.1")
		subscribe("5", "ListID={list}&EmailAddress=nobody&IPAddress=192.0.2.1")
		subscribe("5: a name", "ListID={list}&EmailAddress=Anna+<anna2@example.com>&IPAddress=192.0.2.1")
		subscribe(
			"8: no number", "ListID={list}&EmailAddress=x@example.com&IPAddress=192.0.2.1&CustomField{number}=many",
		)
		subscribe(
			"8: no date", "ListID={list}&EmailAddress=x@example.com&IPAddress=192.0.2.1&CustomField{date}=2026-02-29",
		)
		subscribe(
			"8: no boolean", "ListID={list}&EmailAddress=x@example.com&IPAddress=192.0.2.1&CustomField{boolean}=maybe",
		)
		subscribe(
			"8: no choice", "ListID={list}&EmailAddress=x@example.com&IPAddress=192.0.2.1&CustomField{choice}=green",
		)
		subscribe("9", "ListID={list}&EmailAddress=ANNA@example.com&IPAddress=192.0.2.1")
		subscribe(
			"empty fields are not given",
			"ListID={list}&EmailAddress=fred@example.com&IPAddress=192.0.2.1&CustomField{number}=&CustomField{text}=",
		)
		f.suppress(t, me, "gina@example.com")
		subscribe("a suppressed address", "ListID={list}&EmailAddress=gina@example.com&IPAddress=192.0.2.1")
		s.step(
			"99999", "reader",
			"Command=Subscriber.Subscribe&ListID={list}&EmailAddress=x@example.com&IPAddress=192.0.2.1",
		)
		s.step("99998", "", "Command=Subscriber.Subscribe&ListID={list}&EmailAddress=x@example.com&IPAddress=192.0.2.1")

		leave := func(name, parameters string) {
			t.Helper()
			s.step(name, "key", "Command=Subscriber.Unsubscribe&"+parameters)
		}
		id := f.reach(t, me, "Sent", kind.StatusSent)
		s.let("campaign", id)
		s.let("theirCampaign", f.reach(t, other, "Theirs", kind.StatusSent))
		f.advance(time.Hour)
		leave("leave 1", "EmailAddress=anna@example.com")
		leave("leave 3", "ListID={list}")
		leave("leave 1: nothing at all", "CampaignID={campaign}")
		leave("leave 4: unknown", "ListID=999999999&EmailAddress=anna@example.com")
		leave("leave 4: of somebody else", "ListID={theirs}&EmailAddress=anna@example.com")
		for name, campaign := range map[string]string{"unknown": "999999999", "no number": "last", "of somebody else": "{theirCampaign}"} {
			got := f.post(s.expand(
				"Command=Subscriber.Unsubscribe&ListID={list}&EmailAddress=anna@example.com&CampaignID=" + campaign + "&APIKey=" + me.key,
			))
			if !strings.Contains(got.body, `"Success":true`) {
				t.Errorf("because of a campaign that is %s: %s", name, got.body)
			}
			got = f.post(s.expand(
				"Command=Subscriber.Subscribe&ListID={list}&EmailAddress=anna@example.com&IPAddress=192.0.2.1&APIKey=" + me.key,
			))
			if !strings.Contains(got.body, `"Success":true`) {
				t.Errorf("back on the list: %s", got.body)
			}
		}
		leave("leave 9: not there", "ListID={list}&EmailAddress=zoe@example.com")
		leave("leave because of a campaign", "ListID={list}&EmailAddress=Anna@example.COM&CampaignID={campaign}")
		leave("leave 9: again", "ListID={list}&EmailAddress=anna@example.com&CampaignID={campaign}")
		leave("leave without a campaign", "ListID={list}&EmailAddress=ben@example.com&CampaignID=0")
		leave("leave before it was confirmed", "ListID={double}&EmailAddress=emil@example.com&CampaignID=")
		s.step("leave 99999", "reader", "Command=Subscriber.Unsubscribe&ListID={list}&EmailAddress=carl@example.com")
		f.advance(time.Hour)
		subscribe(
			"back again, with other fields",
			"ListID={list}&EmailAddress=ben@example.com&IPAddress=192.0.2.20&CustomField{text}=Bonn&CustomField{date}=2026-03-01+10:00:00",
		)
		s.step("who is on the list", "key", "Command=Subscribers.Get&SubscriberListID={list}")
		s.step("who is on the list with double opt-in", "key", "Command=Subscribers.Get&SubscriberListID={double}")
		if got := f.post(
			"Command=Campaign.Get&retrievestatistics=1&campaignid=" + itoa(id) + "&APIKey=" + me.key,
		).body; !strings.Contains(
			got, `"TotalUnsubscriptions":1,`,
		) ||
			!strings.Contains(got, `"UnsubscriptionStatistics":{"2026-11-23":{"Total":1,"Unique":1}`) {
			t.Errorf("the campaign does not count the one who left: %s", got)
		}
		s.golden(t, "subscribers")
	})
}

func TestSubscribersGet(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		list, theirs := f.list(t, me, "a"), f.list(t, other, "b")
		s.let("key", me.key)
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		s.let("list", list)
		s.let("theirs", theirs)
		s.let("segment", f.segment(t, me, list))
		s.let("theirSegment", f.segment(t, other, theirs))
		city, age := f.field(t, me, list, kind.FieldText), f.field(t, me, list, kind.FieldNumber)
		s.let("city", city)
		s.let("age", age)
		f.field(t, me, f.list(t, me, "another"), kind.FieldDate)
		byRules := func(name string, field int64) {
			rules := fmt.Sprintf(
				`{"operator":"and","rules":[{"type":"fields","field_id":"CustomField%d","operator":"begins with","value":"köln"}]}`,
				field,
			)
			id := f.segment(t, me, list)
			f.db.Client(me.ctx).Segment.UpdateOneID(id).SetRules(rules).ExecX(me.ctx)
			s.let(name, id)
		}
		byRules("cologne", city)
		byRules("broken", 1<<40)
		s.step("nobody yet", "key", "Command=Subscribers.Get&SubscriberListID={list}")
		client := f.db.Client(me.ctx)
		for i, address := range []string{"Dora@example.com", "anna@example.com", "ben_1@example.net", "carl%2@example.net", "emil@example.com", "fred@example.com", "gina@example.com"} {
			f.subscribe(t, me, list, address)
			update := client.Subscriber.Update().
				Where(emailIs(address)).
				SetSubscriptionIP(fmt.Sprintf("192.0.2.%d", i+1))
			switch i {
			case 1:
				update.SetStatus(kind.SubscriberPending)
			case 2:
				update.SetStatus(kind.SubscriberUnsubscribed).SetUnsubscribedAt(f.now()).SetOptedInAt(f.now())
			case 3:
				update.SetBounce(kind.BounceSoft)
			case 4:
				update.SetBounce(kind.BounceHard)
			case 5:
				f.suppress(t, me, address)
			}
			update.ExecX(me.ctx)
			f.advance(-time.Minute)
		}
		dora := client.Subscriber.Query().Where(emailIs("Dora@example.com")).OnlyIDX(me.ctx)
		client.FieldValue.Create().
			SetSubscriberID(dora).
			SetCustomFieldID(city).
			SetText("Köln <1>").
			SetTextKey("köln <1>").
			ExecX(me.ctx)
		client.FieldValue.Create().
			SetSubscriberID(dora).
			SetCustomFieldID(age).
			SetText("30").
			SetTextKey("30").
			SetNumber(30).
			ExecX(me.ctx)
		s.let("dora", dora)

		s.step("1", "key", "Command=Subscribers.Get")
		s.step("2: unknown", "key", "Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment=999999999")
		s.step(
			"2: of somebody else", "key",
			"Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment={theirSegment}",
		)
		s.step(
			"2: with a sign", "key", "Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment=%2B{segment}",
		)
		s.step("2: no such name", "key", "Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment=Friends")
		s.step(
			"3: its rules name what is gone", "key",
			"Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment={broken}",
		)
		s.step(
			"a segment by rules", "key",
			"Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment={segment}&RecordsPerRequest=1",
		)
		s.step("4: unknown", "key", "Command=Subscribers.Get&SubscriberListID=999999999")
		s.step("4: not a number", "key", "Command=Subscribers.Get&SubscriberListID=all")
		s.step("4: of somebody else", "key", "Command=Subscribers.Get&SubscriberListID={theirs}")
		s.step("99999", "writer", "Command=Subscribers.Get&SubscriberListID={list}")
		s.step(
			"everyone", "key",
			"Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment=&RecordsPerRequest=&RecordsFrom=&SearchField=&SearchKeyword=&OrderField=&OrderType=",
		)
		s.request(
			"a page as JSON", "json", "key",
			`{"Command":"Subscribers.Get","SubscriberListID":{list},"RecordsPerRequest":1,"RecordsFrom":3}`,
			jsonRequest,
		)
		s.request(
			"a page by GET", "query", "key", "command=subscribers.get&subscriberlistid={list}&recordsperrequest=1",
			queryRequest,
		)
		s.request(
			"a page as multipart", "multipart", "key",
			"Command=Subscribers.Get&SubscriberListID={list}&RecordsPerRequest=1", multipartRequest,
		)
		s.step("as XML", "key", "Command=Subscribers.Get&SubscriberListID={list}&SearchKeyword=dora&ResponseFormat=XML")
		who := func(name, parameters string) {
			t.Helper()
			body := f.post(s.expand("Command=Subscribers.Get&SubscriberListID={list}&APIKey={key}&" + parameters)).body
			var people struct {
				Subscribers      []struct{ EmailAddress string }
				TotalSubscribers int
			}
			if err := json.Unmarshal([]byte(body), &people); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			line := []string{fmt.Sprintf("of %d", people.TotalSubscribers)}
			for _, person := range people.Subscribers {
				line = append(line, person.EmailAddress)
			}
			s.out.WriteString("## " + name + "\n" + parameters + "\n" + strings.Join(line, ", ") + "\n\n")
		}
		who("active", "SubscriberSegment=active")
		who("pending", "SubscriberSegment=Opt-in+pending")
		who("unsubscribed", "SubscriberSegment=Unsubscribed")
		who("suppressed", "SubscriberSegment=Suppressed")
		who("soft bounced", "SubscriberSegment=Soft+bounced")
		who("hard bounced", "SubscriberSegment=HARD+BOUNCED")
		who("by address, descending", "OrderField=EmailAddress&OrderType=DESC")
		who("by id", "OrderField=SubscriberID")
		who("by status", "OrderField=SubscriptionStatus")
		who("by bounce", "OrderField=BounceType")
		who("by IP address, descending", "OrderField=subscriptionip&OrderType=desc")
		who("by date", "OrderField=SubscriptionDate")
		who("by opt-in, those without first", "OrderField=OptInDate")
		who("by the date of leaving, those without last", "OrderField=UnsubscriptionDate&OrderType=DESC")
		who("by an unknown field", "OrderField=(SELECT+1)")
		who("a page", "RecordsFrom=2&RecordsPerRequest=3")
		who("from an offset to the end", "RecordsFrom=5")
		who("behind the end", "RecordsFrom=99")
		who("bad numbers", "RecordsFrom=x&RecordsPerRequest=-5")
		who("a keyword", "SearchKeyword=EXAMPLE.NET")
		who("a keyword as the old reference wrote it", "SearchKeyowrd=dora")
		who("a percent sign is itself", "SearchKeyword=%25")
		who("an underscore is itself", "SearchField=EmailAddress&SearchKeyword=_")
		who("by IP address", "SearchField=SubscriptionIP&SearchKeyword=2.3")
		who("by id alone", "SearchField=SubscriberID&SearchKeyword={dora}")
		who("an id that is none", "SearchField=SubscriberID&SearchKeyword=x")
		who("in a custom field", "SearchField=CustomField{city}&SearchKeyword=KÖLN")
		who("in a number", "SearchField=CustomField{age}&SearchKeyword=3")
		who("in a field that is not there", "SearchField=CustomField999999999&SearchKeyword=3")
		who("in no field", "SearchField=Password&SearchKeyword=a")
		who("a search within a segment", "SubscriberSegment=Active&SearchKeyword=example.net")
		who("a segment by rules", "SubscriberSegment={cologne}")
		who("a segment by rules, descending", "SubscriberSegment={segment}&OrderType=DESC")
		who("a page of a segment by rules", "SubscriberSegment={segment}&RecordsFrom=1&RecordsPerRequest=1")
		who("a search within a segment by rules", "SubscriberSegment={segment}&SearchKeyword=DORA")
		s.golden(t, "subscribers_get")
	})
}

// TestOfManyScriptsThatSubscribeAnAddressOneWins subscribes an address concurrently, and then
// unsubscribes it concurrently.
func TestOfManyScriptsThatSubscribeAnAddressOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		list, id := f.list(t, me, "a"), f.reach(t, me, "A", kind.StatusSent)
		race := func(form string) (won int) {
			answers := make([]string, 8)
			var wait sync.WaitGroup
			for i := range answers {
				wait.Go(func() {
					answers[i] = f.post(
						form + "&EmailAddress=a@example.com&APIKey=" + me.key + "&ListID=" + itoa(list),
					).body
				})
			}
			wait.Wait()
			for _, answer := range answers {
				switch {
				case strings.Contains(answer, `"Success":true`):
					won++
				case !strings.Contains(answer, `"ErrorCode":9,`):
					t.Errorf("unexpected answer %s", answer)
				}
			}
			return won
		}
		for range 3 {
			if won := race("Command=Subscriber.Subscribe&IPAddress=192.0.2.1"); won != 1 {
				t.Errorf("%d scripts subscribed it", won)
			}
			if won := race("Command=Subscriber.Unsubscribe&CampaignID=" + itoa(id)); won != 1 {
				t.Errorf("%d scripts unsubscribed it", won)
			}
		}
		c, err := f.campaigns.Get(me.ctx, id)
		if err != nil || c.TotalUnsubscriptions != 1 {
			t.Errorf("the campaign counts %d, %v; a person counts once", c.TotalUnsubscriptions, err)
		}
	})
}

// TestLongListsOfPeopleAreWhole reads more people than a batch holds, with ties in every order.
func TestLongListsOfPeopleAreWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		list := f.list(t, me, "a")
		want := f.people(t, me, list, 600)
		for _, field := range []string{
			"SubscriberID", "EmailAddress", "BounceType", "SubscriptionStatus", "SubscriptionDate", "SubscriptionIP", "OptInDate", "UnsubscriptionDate",
		} {
			for _, direction := range []string{"ASC", "DESC"} {
				got := f.addresses(t, me, list, "OrderField="+field+"&OrderType="+direction)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("by %s %s: %d people, want each of %d once", field, direction, len(got), len(want))
				}
			}
		}
		all := f.addresses(t, me, list, "OrderField=SubscriptionStatus")
		page := f.addresses(t, me, list, "OrderField=SubscriptionStatus&RecordsFrom=10&RecordsPerRequest=400")
		if !slices.Equal(page, all[10:410]) {
			t.Errorf("a page of 400 holds %d", len(page))
		}
	})
}

// TestAnAdminWorksForTheOwner changes data of another account. The data still belongs to that
// account.
func TestAnAdminWorksForTheOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		admin, owner := f.person(t, account.NewUser{Role: kind.RoleAdmin, TimeZone: "Asia/Tokyo"}), f.owner(t)
		list, email := f.list(t, owner, "a"), f.email(t, owner)
		id, theirs := f.reach(t, owner, "A", kind.StatusSent), f.reach(t, admin, "B", kind.StatusSent)
		field := f.field(t, owner, list, kind.FieldText)
		f.suppress(t, admin, "a@example.com")
		all := func(form string) string {
			return f.post(
				form + "&APIKey=" + admin.key + "&IPAddress=192.0.2.1&EmailAddress=a@example.com&ListID=" + itoa(list),
			).body
		}
		for _, form := range []string{
			"Command=Subscriber.Subscribe&CustomField" + itoa(field) + "=Ulm",
			"Command=Email.Update&EmailID=" + itoa(email) + "&ValidateScope=OptIn&PlainContent=x",
		} {
			if got := all(form); !strings.Contains(got, `"Success":true`) {
				t.Errorf("%s: %s", form, got)
			}
		}
		want := `"SubscriptionDate":"2026-11-23 11:00:00","SubscriptionIP":"192.0.2.1","UnsubscriptionDate":"0000-00-00 00:00:00",` +
			`"OptInDate":"0000-00-00 00:00:00","CustomField` + itoa(field) + `":"Ulm"}],"TotalSubscribers":1`
		for _, key := range []string{owner.key, admin.key} {
			if got := f.post(
				"Command=Subscribers.Get&SubscriberSegment=Active&SubscriberListID=" + itoa(list) + "&APIKey=" + key,
			).body; !strings.Contains(got, want) {
				t.Errorf("the list is %s, want %s in it", got, want)
			}
		}
		got := all("Command=Email.Get&EmailID=" + itoa(email))
		if !strings.Contains(got, `"CreateDateTime":"2026-11-23 11:00:00"`) ||
			!strings.Contains(got, `"RelUserID":`+itoa(owner.ID)) {
			t.Errorf("the email is %s", got)
		}
		got = all("Command=Subscriber.Unsubscribe&CampaignID=" + itoa(theirs))
		if !strings.Contains(got, `"Success":true`) {
			t.Errorf("because of a campaign of another account than the list's: %s", got)
		}
		if c, err := f.campaigns.Get(admin.ctx, theirs); err != nil || c.TotalUnsubscriptions != 0 {
			t.Errorf("the campaign of the other account counts %d, %v", c.TotalUnsubscriptions, err)
		}
		if got := all("Command=Subscriber.Subscribe&IPAddress=192.0.2.1"); !strings.Contains(got, `"Success":true`) {
			t.Errorf("subscribe again: %s", got)
		}
		got = all("Command=Subscriber.Unsubscribe&CampaignID=" + itoa(id))
		if !strings.Contains(got, `"Success":true`) {
			t.Errorf("unsubscribe: %s", got)
		}
		if c, err := f.campaigns.Get(owner.ctx, id); err != nil || c.TotalUnsubscriptions != 1 {
			t.Errorf("the owner's campaign counts %d, %v", c.TotalUnsubscriptions, err)
		}
	})
}

// TestHostileTextIsWellFormedInEveryList stores texts that contain the end of an element, and reads
// them as XML.
func TestHostileTextIsWellFormedInEveryList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		const hostile = "]]> <b>&amp;\x01\x08\ufffe\"' </response> \u2029"
		made := f.post("Command=List.Create&APIKey=" + me.key + "&SubscriberListName=" + url.QueryEscape(hostile))
		list := f.db.Client(me.ctx).SubscriberList.Query().OnlyIDX(me.ctx)
		field := itoa(f.field(t, me, list, kind.FieldText))
		f.post(url.Values{
			"Command": {
				"Subscriber.Subscribe",
			},
			"APIKey":              {me.key},
			"ListID":              {itoa(list)},
			"EmailAddress":        {"a'b@example.com"},
			"IPAddress":           {"::1"},
			"CustomField" + field: {hostile},
		}.Encode())
		html := hostile
		if _, err := f.emails.Create(me.ctx, content.Patch{HTML: &html, Plain: &html}, nil); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int{"Lists.Get": 1, "Emails.Get": 2, "Subscribers.Get&SubscriberListID=" + itoa(list): 1} {
			got := f.post("Command=" + name + "&ResponseFormat=XML&APIKey=" + me.key)
			found, element := 0, ""
			for decoder := xml.NewDecoder(strings.NewReader(got.body)); ; {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v in %s", name, err, got.body)
				}
				switch token := token.(type) {
				case xml.StartElement:
					element = ""
				case xml.CharData:
					element += string(token) // the decoder returns each section of CDATA separately
				case xml.EndElement:
					if strings.Contains(element, "]]> <b>&amp;\"' </response>") {
						found++
					}
					element = ""
				}
			}
			if got.status != http.StatusOK || found != want {
				t.Errorf(
					"%s: %d, the text was found %d times, want %d: %s (%s)", name, got.status, found, want, got.body,
					made.body,
				)
			}
		}
	})
}
