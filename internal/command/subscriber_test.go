package command_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/kind"
)

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
		subscribe("no IP address is kept", "ListID={list}&EmailAddress=hans@example.com&IPAddress=home")
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
			s.step(name, "key", "Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&"+parameters)
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
		for name, campaign := range map[string]string{"unknown": "999999999", "of somebody else": "{theirCampaign}"} {
			got := f.post(s.expand(
				"Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&ListID={list}&EmailAddress=anna@example.com&CampaignID=" + campaign + "&APIKey=" + me.key,
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
		leave("leave 7: not there", "ListID={list}&EmailAddress=zoe@example.com")
		leave("leave because of a campaign", "ListID={list}&EmailAddress=Anna@example.COM&CampaignID={campaign}")
		leave("leave 9: again", "ListID={list}&EmailAddress=anna@example.com&CampaignID={campaign}")
		leave("leave without a campaign", "ListID={list}&EmailAddress=ben@example.com&CampaignID=0")
		leave("leave before it was confirmed", "ListID={double}&EmailAddress=emil@example.com&CampaignID=")
		s.step("leave 99999", "reader", "Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&ListID={list}&EmailAddress=carl@example.com")
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

// TestSubscribersDelete covers each code, and each way of choosing people. Six people are on the list;
// one of them is on another list, too.
func TestSubscribersDelete(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		list, another, theirs := f.list(t, me, "a"), f.list(t, me, "b"), f.list(t, other, "c")
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		s.let("list", list)
		s.let("another", another)
		s.let("theirs", theirs)
		s.let("theirField", f.field(t, other, theirs, kind.FieldText))
		client := f.db.Client(me.ctx)
		for _, name := range []string{"anna", "ben", "carl", "dora", "emil", "fred"} {
			f.subscribe(t, me, list, name+"@example.com")
			s.let(name, client.Subscriber.Query().Where(emailIs(name+"@example.com")).OnlyIDX(me.ctx))
		}
		f.subscribe(t, me, another, "zoe@example.com")
		s.let("zoe", client.Subscriber.Query().Where(emailIs("zoe@example.com")).OnlyIDX(me.ctx))
		f.subscribe(t, other, theirs, "theirs@example.com")
		s.let("theirPerson", f.db.Client(other.ctx).Subscriber.Query().OnlyIDX(other.ctx))
		f.suppress(t, me, "ben@example.com")

		remove := func(name, parameters string) {
			t.Helper()
			s.step(name, "key", "Command=Subscribers.Delete&"+parameters)
		}
		rule := func(of, value string) string {
			return `{"type":"fields","field_id":"EmailAddress","operator":"` + of + `","value":"` + value + `"}`
		}
		remove("1: nobody", "SubscriberListID={list}")
		remove("1: nobody, of the suppressed", "SubscriberListID={list}&Suppressed=true")
		remove("1: nothing at all", "Subscribers=+")
		remove("2: no list", "Subscribers={anna}")
		remove("2: no list, by rules", "RulesJSON=["+rule("is", "anna@example.com")+"]")
		remove("5: unknown", "SubscriberListID=999999999&Subscribers={anna}")
		remove("5: not a number", "SubscriberListID=first&Subscribers={anna}")
		remove("5: of somebody else", "SubscriberListID={theirs}&Subscribers={theirPerson}")
		remove("6: a field of somebody else", `SubscriberListID={list}&RulesJSON=[{"type":"fields","field_id":{theirField},"operator":"is not","value":"x"}]`)
		remove("7: no JSON", "SubscriberListID={list}&RulesJSON=[{")
		remove("7: no rule", "SubscriberListID={list}&RulesJSON=[[]]")
		remove("7: an unknown rule", `SubscriberListID={list}&RulesJSON=[{"type":"everybody"}]`)
		remove("7: an unknown operator", "SubscriberListID={list}&RulesOperator=xor&RulesJSON=["+rule("is", "anna@example.com")+"]")
		remove("8: a word", "SubscriberListID={list}&Subscribers={anna},all")
		remove("8: a fraction", "SubscriberListID={list}&Subscribers={anna},1.5")
		remove("8: an empty place", "SubscriberListID={list}&Subscribers={anna},,{ben}")
		s.step("99999", "reader", "Command=Subscribers.Delete&SubscriberListID={list}&Subscribers={anna}")
		s.step("99998", "", "Command=Subscribers.Delete&SubscriberListID={list}&Subscribers={anna}")
		s.step("everybody is there", "key", "Command=Lists.Get")
		remove("who is not on the list", "SubscriberListID={list}&Subscribers={zoe},{theirPerson},0,-1,999999999,99999999999999999999")
		s.step("everybody is still there", "key", "Command=Lists.Get")
		s.step("one, and who is not on the list", "writer", "Command=Subscribers.Delete&SubscriberListID={list}&Subscribers={anna}, {zoe}")
		s.request(
			"by rules as JSON", "json", "key",
			`{"Command":"Subscribers.Delete","SubscriberListID":{list},"RulesOperator":"or","RulesJSON":[`+
				rule("is", "carl@example.com")+`,`+rule("is", "zoe@example.com")+`]}`, jsonRequest,
		)
		remove("suppressed ones of the list", "SubscriberListID={list}&Suppressed=1&RulesJSON=["+rule("ends with", "@example.com")+"]")
		remove("those of the given for whom rules hold", "SubscriberListID={list}&Subscribers={dora},{emil}&RulesJSON=["+rule("begins with", "em")+"]")
		s.request("as XML", "multipart", "key", "Command=Subscribers.Delete&SubscriberListID={list}&Subscribers[]={dora}&ResponseFormat=XML", multipartRequest)
		s.step("who is left", "key", "Command=Subscribers.Get&SubscriberListID={list}")
		s.step("who is left of the other list", "key", "Command=Subscribers.Get&SubscriberListID={another}")
		if n := f.db.Client(other.ctx).Subscriber.Query().CountX(other.ctx); n != 1 {
			t.Errorf("%d people of somebody else are left", n)
		}
		s.golden(t, "subscribers_delete")
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
			if won := race("Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&CampaignID=" + itoa(id)); won != 1 {
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
