package command_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

func TestCampaignRecipientsGet(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		a, b := f.list(t, me, "a"), f.list(t, me, "b")
		text := f.field(t, me, a, kind.FieldText)
		f.numberField(t, me)
		for _, address := range []string{"ann@example.com", "ben@example.com", "gone@example.com"} {
			f.subscribe(t, me, a, address)
		}
		for _, address := range []string{"ann@example.com", "cid@example.com"} {
			f.subscribe(t, me, b, address)
		}
		f.post("APIKey=" + me.key + "&Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&EmailAddress=gone@example.com&ListID=" + itoa(a))
		ann := f.db.Client(me.ctx).Subscriber.Query().Where(emailIs("ann@example.com")).Order(ent.Asc("id")).FirstX(me.ctx)
		f.db.Client(me.ctx).FieldValue.Create().SetSubscriberID(ann.ID).SetCustomFieldID(text).SetText("Berlin").
			ExecX(me.ctx)
		audience := func(name string, lists ...int64) int64 {
			id := f.campaign(t, me, name)
			both := strings.Trim(strings.ReplaceAll(fmt.Sprint(lists), " ", ","), "[]")
			f.patch(t, me, id, campaign.Patch{Audience: &campaign.AudiencePatch{Include: &both}})
			return id
		}
		s.let("both", audience("Both", a, b))
		c := f.list(t, me, "c")
		s.let("lost", audience("Lost", c))
		f.db.Client(me.ctx).SubscriberList.DeleteOneID(c).ExecX(me.ctx)
		s.let("empty", f.campaign(t, me, "Nobody"))
		s.let("sent", f.reach(t, me, "Sent", kind.StatusSent))
		s.let("paused", f.reach(t, me, "Paused", kind.StatusPaused))
		s.let("waiting", f.reach(t, me, "Waiting", kind.StatusPendingApproval))
		s.let("theirs", f.campaign(t, other, "Theirs"))

		const get = "Command=Campaign.Recipients.Get"
		s.step("1: no id", "key", get)
		s.step("2: a word", "key", get+"&CampaignID=abc")
		s.step("3: unknown", "key", get+"&CampaignID=999999999")
		s.step("3: of somebody else", "key", get+"&CampaignID={theirs}")
		s.step("4: sent", "key", get+"&CampaignID={sent}")
		s.step("4: paused", "key", get+"&CampaignID={paused}")
		s.step("5: no audience", "key", get+"&CampaignID={empty}")
		s.step("5: no audience, and it waits for approval", "key", get+"&CampaignID={waiting}")
		s.step("6: the list is gone", "key", get+"&CampaignID={lost}")
		s.step("99999", "writer", get+"&CampaignID={both}")
		s.step("99998", "", get+"&CampaignID={both}")
		s.step("everybody once", "key", get+"&CampaignID={both}")
		s.step("a page", "key", get+"&CampaignID={both}&RecordsPerRequest=1&RecordsFrom=1")
		s.step("from an offset to the end", "key", get+"&CampaignID={both}&RecordsFrom=2")
		s.step("the total alone", "key", get+"&CampaignID={both}&OnlyTotal=true")
		s.request("as XML", "query", "key", get+"&CampaignID={both}&ResponseFormat=XML", queryRequest)
		s.golden(t, "campaign_recipients")
	})
}

// record records an event of a person in a campaign.
func (f *fixture) record(t *testing.T, p person, e event.Event) {
	t.Helper()
	e.ID, e.At = fmt.Sprint(e), f.now().Format(time.RFC3339)
	results, err := f.events.Record(p.ctx, []event.Event{e})
	if err != nil || results[0].Outcome == event.Rejected {
		t.Fatal(err, results)
	}
	f.advance(time.Minute)
}

func TestCampaignRecipientsActivityGet(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		list, email := f.list(t, me, "People"), f.email(t, me)
		for _, address := range []string{"ann@example.com", "ben@example.org", "cid@example.com"} {
			f.subscribe(t, me, list, address)
		}
		id := f.reach(t, me, "News", kind.StatusSending)
		f.db.Client(me.ctx).Campaign.UpdateOneID(id).SetEmailID(email).ExecX(me.ctx)
		for i, e := range []event.Event{
			{Kind: kind.EventOpened, Email: "ann@example.com"},
			{Kind: kind.EventOpened, Email: "ben@example.org"},
			{Kind: kind.EventOpened, Email: "ann@example.com"},
			{Kind: kind.EventOpened, Email: "cid@example.com", UserAgent: "Googlebot/2.1"},
			{Kind: kind.EventClicked, Email: "ben@example.org", URL: "https://shop.example.com/"},
			{Kind: kind.EventSoftBounced, Email: "cid@example.com"},
			{Kind: kind.EventForwarded, Email: "ann@example.com"},
			{Kind: kind.EventConverted, Email: "ann@example.com", Amount: 10.5, Currency: "EUR"},
			{Kind: kind.EventConverted, Email: "ann@example.com", Amount: 0.55, Currency: "EUR"},
			{Kind: kind.EventUnsubscribed, Email: "ben@example.org"},
			{Kind: kind.EventHardBounced, Email: "cid@example.com"},
		} {
			e.CampaignID, e.Reason = id, fmt.Sprint(i)
			f.record(t, me, e)
		}
		s.let("id", id)
		s.let("theirs", f.campaign(t, other, "Theirs"))

		const get = "Command=Campaign.Recipients.Activity.Get"
		s.step("1: no id", "key", get+"&Activity=open")
		s.step("2: a word", "key", get+"&CampaignID=abc&Activity=open")
		s.step("3: unknown", "key", get+"&CampaignID=999999999&Activity=open")
		s.step("3: of somebody else", "key", get+"&CampaignID={theirs}&Activity=open")
		s.step("4: no activity", "key", get+"&CampaignID={id}")
		s.step("4: an unknown activity", "key", get+"&CampaignID={id}&Activity=sneeze")
		s.step("99999", "writer", get+"&CampaignID={id}&Activity=open")
		s.step("99998", "", get+"&CampaignID={id}&Activity=open")
		for _, activity := range []string{"open", "Click", "bounce", "unsubscription", "forward", "conversion"} {
			s.step(activity, "key", get+"&CampaignID={id}&Activity="+activity)
		}
		s.step("a keyword", "key", get+"&CampaignID={id}&Activity=open&SearchKeyword=ANN@")
		s.step("a keyword as an address", "key", get+"&CampaignID={id}&Activity=open&EmailAddress=ben@example.org")
		s.step("a percent sign is itself", "key", get+"&CampaignID={id}&Activity=open&SearchKeyword=%25")
		s.step("a page", "key", get+"&CampaignID={id}&Activity=open&RecordsPerRequest=1&RecordsFrom=1")
		s.step("behind the end", "key", get+"&CampaignID={id}&Activity=open&RecordsFrom=5")
		s.request("as XML", "query", "key", get+"&CampaignID={id}&Activity=bounce&ResponseFormat=XML", queryRequest)
		s.golden(t, "campaign_activity")
	})
}

// TestReportsCostAFixedNumberOfStatements compares one person with more than one batch of them.
func TestReportsCostAFixedNumberOfStatements(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		list := f.list(t, me, "a")
		f.field(t, me, list, kind.FieldText)
		include := itoa(list)
		draft, sent := f.campaign(t, me, "Draft"), f.reach(t, me, "Sent", kind.StatusSending)
		f.patch(t, me, draft, campaign.Patch{Audience: &campaign.AudiencePatch{Include: &include}})
		cost := func(form string, want int) int {
			recorder := &store.Recorder{}
			r := formRequest("Command=" + form + "&APIKey=" + me.key)
			got := f.do(r.WithContext(store.WithRecorder(r.Context(), recorder)))
			if n := strings.Count(got.body, `"EmailAddress":`); n != want {
				t.Fatalf("%d people, not %d: %.300s", n, want, got.body)
			}
			return len(recorder.Statements())
		}
		measure := func(n int) []int {
			for i := range n {
				address := fmt.Sprintf("p%d.%d@example.com", n, i)
				f.subscribe(t, me, list, address)
				f.record(t, me, event.Event{CampaignID: sent, Kind: kind.EventOpened, Email: address})
			}
			all := f.db.Client(me.ctx).Subscriber.Query().CountX(me.ctx)
			return []int{
				cost("Campaign.Recipients.Get&CampaignID="+itoa(draft), all),
				cost("Campaign.Recipients.Activity.Get&Activity=open&RecordsPerRequest=1000&CampaignID="+itoa(sent), all),
			}
		}
		if one, many := measure(1), measure(30); !slices.Equal(one, many) || one[0] == 0 {
			t.Errorf("one person costs %v statements, many cost %v", one, many)
		}
		var answer struct{ Recipients []any }
		body := f.post("Command=Campaign.Recipients.Activity.Get&Activity=open&APIKey=" + me.key + "&CampaignID=" + itoa(sent)).body
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Recipients) != 25 {
			t.Errorf("%d people without a size of the page, %v", len(answer.Recipients), err)
		}
	})
}

func TestEmailPreview(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		f.db.Client(me.ctx).User.UpdateOneID(me.ID).SetSender(kind.SenderBuiltIn).ExecX(me.ctx)
		s.let("key", me.key)
		s.let("other", other.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		make := func(p person) int64 {
			e, err := f.emails.Create(p.ctx, content.Patch{
				Subject: new("%Campaign:Name% for %List:Name%"), FromName: new("Ann"), FromEmail: new("ann@example.com"),
				Plain: new("Since %Subscriber:SubscriptionIP%.\n%Link:Unsubscribe%\n"),
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return e.ID
		}
		s.let("email", make(me))
		s.let("theirEmail", make(other))
		s.let("empty", f.email(t, me))
		s.let("campaign", f.campaign(t, me, "News"))
		s.let("theirs", f.campaign(t, other, "Theirs"))
		list := f.list(t, me, "People")
		f.subscribe(t, me, list, "first@example.com")
		s.let("list", list)
		s.let("nobody", f.list(t, me, "Nobody"))
		s.let("theirList", f.list(t, other, "Theirs"))

		const preview = "Command=Email.EmailPreview"
		s.step("1: no email", "key", preview+"&EmailAddress=ann@example.com")
		s.step("2: no address", "key", preview+"&EmailID={email}")
		s.step("3: unknown", "key", preview+"&EmailID=999999999&EmailAddress=ann@example.com")
		s.step("3: no number", "key", preview+"&EmailID=abc&EmailAddress=ann@example.com")
		s.step("3: of somebody else", "key", preview+"&EmailID={theirEmail}&EmailAddress=ann@example.com")
		s.step("4: no address", "key", preview+"&EmailID={email}&EmailAddress=ann")
		s.step("6: unknown list", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com&ListID=999999999")
		s.step("6: list of somebody else", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com&ListID={theirList}")
		s.step("7: unknown campaign", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com&CampaignID=999999999")
		s.step("7: campaign of somebody else", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com&CampaignID={theirs}")
		s.step("8: nothing to send", "key", preview+"&EmailID={empty}&EmailAddress=ann@example.com")
		s.step("8: another mailer sends", "other", preview+"&EmailID={theirEmail}&EmailAddress=ann@example.com")
		s.step("8: refused", "key", preview+"&EmailID={email}&EmailAddress=ann%2Bdot-550-5.1.1@example.com")
		s.step("99999", "reader", preview+"&EmailID={email}&EmailAddress=ann@example.com")
		s.step("99998", "", preview+"&EmailID={email}&EmailAddress=ann@example.com")
		if n := f.sink.Count(); n != 0 {
			t.Errorf("%d messages were sent", n)
		}
		s.step("alone", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com")
		s.step("for somebody of a list", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com&ListID={list}&CampaignID={campaign}")
		s.step("for nobody of a list", "key", preview+"&EmailID={email}&EmailAddress=ann@example.com&ListID={nobody}&CampaignID=0")
		for _, entry := range f.sink.Log() {
			s.out.WriteString("## sent to " + entry.Address + "\n" + told(entry.Body) + "\n\n")
		}
		s.golden(t, "email_preview")
	})
}

// told returns the subject and the text of a message.
func told(message []byte) string {
	head, body, _ := strings.Cut(strings.ReplaceAll(string(message), "\r\n", "\n"), "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		if strings.HasPrefix(line, "Subject:") {
			return line + "\n" + strings.TrimSpace(body)
		}
	}
	return body
}
