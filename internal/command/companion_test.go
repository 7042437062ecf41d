package command_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
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
		s.step("some, with few members", "key", "Command=Emails.Get&EmailIDs={email},{other},{theirs},x&Fields=subject, EmailName")
		s.step("list 1: no id", "key", "Command=Emails.Get&EmailIDs=x")
		s.step("list 3: too many", "key", "Command=Emails.Get&EmailIDs=1"+manyIDs())

		s.step("delete 1", "key", "Command=Email.Delete")
		s.step("delete 2", "key", "Command=Email.Delete&EmailID=999999999")
		s.step("delete 2: of somebody else", "key", "Command=Email.Delete&EmailID={theirs}")
		email, test := ids[0], ids[1]
		sent := f.reach(t, me, "Sent", kind.StatusReady)
		f.patch(t, me, sent, campaign.Patch{EmailID: &email})
		s.step("delete 3: used by a campaign", "key", "Command=Email.Delete&EmailID={email}")
		tested := f.campaign(t, me, "Test")
		f.patch(t, me, tested, campaign.Patch{ABTest: &campaign.ABTestPatch{Test: &campaign.ABTest{
			TestSize:     new(20),
			TestDuration: new(24),
			Winner:       campaign.WinnerByOpens,
			Variations:   []campaign.ABVariation{{EmailID: test, Weight: 1}, {EmailID: email, Weight: 1}},
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

// manyIDs returns the rest of a list of 101 ids.
func manyIDs() string {
	var text strings.Builder
	for i := range 100 {
		text.WriteString("," + itoa(int64(i+2)))
	}
	return text.String()
}
