package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/command"
	"campaignql/internal/kind"
)

// TestWhatBelongsToSomebodyElseLooksLikeNothing sends every command with ids of another account and
// with ids that do not exist. The responses must be the same.
func TestWhatBelongsToSomebodyElseLooksLikeNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		victim, me := f.owner(t), f.owner(t)
		mine := f.campaign(t, me, "Mine")
		theirs := map[string]int64{
			"campaign": f.reach(t, victim, "Secret", kind.StatusSending),
			"tag":      f.tag(t, victim, "secret"),
			"email":    f.email(t, victim),
			"list":     f.list(t, victim, "secret"),
		}
		theirs["segment"] = f.segment(t, victim, theirs["list"])
		theirs["field"] = f.field(t, victim, theirs["list"], kind.FieldText)
		f.subscribe(t, victim, theirs["list"], "person@example.com")
		theirs["person"] = f.db.Client(victim.ctx).Subscriber.Query().OnlyIDX(victim.ctx)
		myList := f.list(t, me, "mine")
		f.subscribe(t, me, myList, "member@example.com")
		before := f.snapshot(t, victim)
		const nowhere = 1_999_999_999
		for _, form := range []string{
			"Command=Campaign.Get&campaignid={campaign}&retrievestatistics=true&retrievetags=true",
			"Command=Campaign.Get&campaignid={campaign}&FailOnNotFound=true",
			"Command=Campaigns.Get&SearchKeyword=secret&Tags={tag}",
			"Command=Campaign.Update&CampaignID={campaign}&CampaignName=x&CampaignStatus=Active&PublishOnRSS=maybe",
			"Command=Campaign.Copy&CampaignID={campaign}",
			"Command=Campaign.Approve&CampaignID={campaign}",
			"Command=Campaign.Pause&CampaignID={campaign}",
			"Command=Campaign.Resume&CampaignID={campaign}",
			"Command=Campaign.Cancel&CampaignID={campaign}",
			"Command=Campaigns.Delete&Campaigns={campaign}",
			"Command=Campaign.Update&CampaignID={mine}&RelEmailID={email}",
			"Command=Campaign.Update&CampaignID={mine}&RecipientListsAndSegments={list}",
			"Command=Campaign.Update&CampaignID={mine}&ABTesting[Variations][0][EmailID]={email}",
			"Command=Tag.Update&TagID={tag}&Tag=x",
			"Command=Tags.Delete&Tags={tag}",
			"Command=Tag.AssignToCampaigns&TagID={tag}&CampaignIDs={mine}",
			"Command=Tag.UnassignFromCampaigns&TagID={tag}&CampaignIDs={campaign}",
			"Command=Email.Get&EmailID={email}",
			"Command=Email.Update&EmailID={email}&ValidateScope=Campaign&Subject=x&Mode=none&FromEmail=x",
			"Command=Email.Delete&EmailID={email}",
			"Command=Email.EmailPreview&EmailID={email}&EmailAddress=a@example.com",
			"Command=Campaign.Recipients.Get&CampaignID={campaign}",
			"Command=Campaign.Recipients.Activity.Get&CampaignID={campaign}&Activity=open",
			"Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&ListID={myList}&SubscriberID={person}",
			"Command=Subscriber.Subscribe&ListID={list}&EmailAddress=new@example.com&IPAddress=192.0.2.1&CustomField{field}=x",
			"Command=Subscriber.Subscribe&ListID={list}&EmailAddress=person@example.com&IPAddress=192.0.2.1",
			"Command=Subscriber.Subscribe&ListID={list}&EmailAddress=nobody&IPAddress=nowhere",
			"Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&ListID={list}&EmailAddress=person@example.com",
			"Command=Subscriber.Unsubscribe&IPAddress=192.0.2.1&ListID={myList}&EmailAddress=nobody@example.com&CampaignID={campaign}",
			"Command=Subscribers.Get&SubscriberListID={list}",
			"Command=Subscribers.Get&SubscriberListID={list}&SubscriberSegment={segment}",
			"Command=Subscribers.Get&SubscriberListID={myList}&SubscriberSegment={segment}",
			"Command=Subscribers.Get&SubscriberListID={myList}&SearchField=CustomField{field}&SearchKeyword=secret",
			"Command=Subscribers.Delete&SubscriberListID={list}&Subscribers={person}",
			"Command=Subscribers.Delete&SubscriberListID={myList}&Subscribers={person}",
			`Command=Subscribers.Delete&SubscriberListID={list}&RulesJSON=[{"type":"fields","field_id":"SubscriberID","operator":"is","value":{person}}]`,
			`Command=Subscribers.Delete&SubscriberListID={myList}&RulesJSON=[{"type":"fields","field_id":{field},"operator":"is not","value":"x"}]`,
		} {
			form += "&APIKey=" + me.key
			form = strings.NewReplacer("{mine}", itoa(mine), "{myList}", itoa(myList)).Replace(form)
			foreign, absent := form, form
			for name, id := range theirs {
				foreign = strings.ReplaceAll(foreign, "{"+name+"}", itoa(id))
				absent = strings.ReplaceAll(absent, "{"+name+"}", itoa(nowhere))
			}
			got, want := f.post(foreign), f.post(absent)
			for name, id := range theirs {
				// A response may repeat an id that the caller sent.
				got.body = strings.ReplaceAll(got.body, "no "+name+" "+itoa(id), "no "+name+" "+itoa(nowhere))
				got.body = strings.ReplaceAll(
					got.body, "no custom "+name+" "+itoa(id), "no custom "+name+" "+itoa(nowhere),
				)
			}
			if diff := cmp.Diff(want.body, got.body); diff != "" || got.status != want.status {
				t.Errorf("%s differs from what does not exist (-absent +foreign):\n%s", form, diff)
			}
		}
		if diff := cmp.Diff(before, f.snapshot(t, victim)); diff != "" {
			t.Errorf("the other account changed:\n%s", diff)
		}
	})
}

// snapshot returns everything that an account can read about itself.
func (f *fixture) snapshot(t *testing.T, p person) string {
	t.Helper()
	seen := ""
	for _, list := range f.db.Client(p.ctx).SubscriberList.Query().IDsX(p.ctx) {
		seen += f.post("Command=Subscribers.Get&APIKey=" + p.key + "&SubscriberListID=" + itoa(list)).body
	}
	for _, list := range []string{"Campaigns.Get&RetrieveTags=true", "Tags.Get", "Emails.Get", "Lists.Get"} {
		seen += f.post("Command=" + list + "&APIKey=" + p.key).body
	}
	return seen
}

// TestEveryCommandNeedsTheScopeItDeclares sends each command with a key that has every other scope.
func TestEveryCommandNeedsTheScopeItDeclares(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := itoa(f.campaign(t, me, "A"))
		tag, email, list := itoa(f.tag(t, me, "a")), itoa(f.email(t, me)), itoa(f.list(t, me, "a"))
		for _, cmd := range f.bridge.Commands() {
			if cmd.Public {
				continue
			}
			scopes := slices.DeleteFunc(
				kind.AllScopes(kind.RoleUser), func(s kind.Scope) bool { return s == cmd.Scope },
			)
			form := url.Values{"APIKey": {f.key(t, me, scopes...)}, "Command": {cmd.Name}}
			for name, value := range map[string]string{
				"CampaignID": id, "CampaignName": "x", "Campaigns": id, "TagID": tag, "Tag": "x", "Tags": tag, "CampaignIDs": id,
				"EmailID": email, "ValidateScope": "Campaign", "SubscriberListName": "x", "ListID": list, "SubscriberListID": list,
				"EmailAddress": "a@example.com", "IPAddress": "192.0.2.1", "Subscribers": "1",
			} {
				form.Set(name, value)
			}
			if got := f.post(form.Encode()); !strings.Contains(got.body, `"ErrorCode":99999`) {
				t.Errorf("%s without the scope %s: %s", cmd.Name, cmd.Scope, got.body)
			}
			form.Del("APIKey")
			if got := f.post(form.Encode()); !strings.Contains(got.body, `"ErrorCode":99998`) {
				t.Errorf("%s by nobody: %s", cmd.Name, got.body)
			}
			if got := f.post(form.Encode()); got.header.Get(command.OperationHeader) != cmd.Operation {
				t.Errorf(
					"%s names the operation %q, want %q", cmd.Name, got.header.Get(command.OperationHeader),
					cmd.Operation,
				)
			}
		}
	})
}

func TestOfTwoScriptsThatPauseOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := f.reach(t, me, "A", kind.StatusSending)
		answers := make([]string, 8)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() {
				answers[i] = f.post("Command=Campaign.Pause&APIKey=" + me.key + "&CampaignID=" + itoa(id)).body
			})
		}
		wait.Wait()
		won := 0
		for _, answer := range answers {
			switch answer {
			case `{"Success":true,"ErrorCode":0}`:
				won++
			case `{"Success":false,"ErrorCode":3,"ErrorText":"Campaign is not in a 'Sending' state"}`:
			default:
				t.Errorf("unexpected answer %s", answer)
			}
		}
		if won != 1 {
			t.Errorf("%d scripts were told that they paused it, want 1: %q", won, answers)
		}
	})
}

// cutWriter ends the request after the first part of the response was sent.
type cutWriter struct {
	*httptest.ResponseRecorder
	cut func()
}

func (w cutWriter) Write(part []byte) (int, error) {
	defer w.cut()
	return w.ResponseRecorder.Write(part)
}

func TestAStreamThatBreaksBreaksTheConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		f.many(t, me)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := formRequest("Command=Campaigns.Get&APIKey=" + me.key).WithContext(ctx)
		w := cutWriter{httptest.NewRecorder(), cancel}
		defer func() {
			fault, _ := recover().(error)
			if !errors.Is(fault, http.ErrAbortHandler) {
				t.Errorf("the handler ended with %v, want http.ErrAbortHandler", fault)
			}
			if strings.Contains(w.Body.String(), "TotalCampaigns") || w.Body.Len() == 0 {
				t.Errorf("the answer of %d bytes is empty or whole", w.Body.Len())
			}
		}()
		f.serve(w, r)
	})
}

func TestAFaultBeforeTheFirstByteIsAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got := f.do(formRequest("Command=Campaigns.Get&APIKey=" + me.key).WithContext(ctx))
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, `"ErrorCode":100005`) ||
			!strings.Contains(f.log.String(), "r-1") {
			t.Errorf("got %d %s, log %q", got.status, got.body, f.log.String())
		}
	})
}

func TestExecuteAnswersForTheCallerOfTheContext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := f.campaign(t, me, "A")
		for _, tc := range []struct {
			name       string
			ctx        context.Context
			command    string
			parameters map[string]any
			want       string
		}{
			{"a number", me.ctx, "campaign.update", map[string]any{"campaignid": id, "CampaignName": "<B>"}, `{"Success":true,"ErrorCode":0}`},
			{"a list", me.ctx, "Campaigns.Delete", map[string]any{"Campaigns": []any{id, "x"}},
				`{"Success":false,"ErrorCode":{"campaigns":1},"ErrorText":"The 'campaigns' parameter is missing or invalid."}`},
			{"no parameters", me.ctx, "Tags.Get", nil, `{"Success":true,"ErrorCode":0,"TotalTagCount":0,"Tags":[]}`},
			{"nobody", t.Context(), "Tags.Get", nil, `{"Success":false,"ErrorCode":99998,"ErrorText":"Authentication failure or session expired"}`},
			{"unknown", me.ctx, "nope", nil,
				`{"Success":false,"ErrorCode":100003,"ErrorText":"Invalid API command: \"nope\" not found.","Errors":[{"Code":100003,"Message":"Invalid API command: \"nope\" not found."}]}`},
			{"not JSON", me.ctx, "Tags.Get", map[string]any{"a": make(chan int)}, `"ErrorCode":100000`},
		} {
			body, err := json.Marshal(f.bridge.Execute(tc.ctx, tc.command, tc.parameters))
			// json.Marshal escapes for HTML; the bridge does not.
			if err != nil || !strings.Contains(string(body), tc.want) {
				t.Errorf("%s: got %s, %v, want %s", tc.name, body, err, tc.want)
			}
		}
		list, err := json.Marshal(f.bridge.Execute(me.ctx, "Campaigns.Get", map[string]any{"SearchKeyword": "b"}))
		if err != nil || !strings.Contains(string(list), `"TotalCampaigns":1`) ||
			!strings.Contains(string(list), `"CampaignID":"`+itoa(id)+`"`) {
			t.Errorf("list: %s, %v", list, err)
		}
	})
}

// TestJSONStructuresAreTakenAsTheyAre sends structures as JSON that forms can only express with
// brackets.
func TestJSONStructuresAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id, list, a, b := f.campaign(t, me, "A"), f.list(t, me, "a"), f.email(t, me), f.email(t, me)
		send := func(parameters string) {
			t.Helper()
			got := f.do(jsonRequest(
				fmt.Sprintf(`{"Command":"Campaign.Update","APIKey":%q,"CampaignID":%d,%s}`, me.key, id, parameters),
			))
			if got.body != `{"Success":true,"ErrorCode":0}` {
				t.Errorf("%s: %s", parameters, got.body)
			}
		}
		bundle := fmt.Sprintf(
			`{"operator": "or", "criteria": [{"list_id": %d, "operator": "and", "rules": [{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"<é>"}]}]}`,
			list,
		)
		send(`"RulesJsonBundle":` + bundle)
		send(fmt.Sprintf(
			`"ABTesting":{"testsize":20,"TESTDURATION":"24","Winner":"most unique clicks","Variations":[{"EmailID":%d,"Weight":50},{"emailid":"%d","weight":"25.5"}]}`,
			a,
			b,
		))
		send(`"S2SEnabled":true,"ScheduleRecSendMaxInstance":null,"CampaignStatus":"Ready"`)
		c, err := f.campaigns.Get(me.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		wantTest := fmt.Sprintf(
			`{"Variations":[{"EmailID":%d,"Weight":50},{"EmailID":%d,"Weight":25.5}],"TestSize":20,"TestDuration":24,"Winner":"Most Unique Clicks"}`,
			a,
			b,
		)
		if c.AudienceSource != bundle || c.AbTest != wantTest || !c.S2sEnabled || c.Status != kind.StatusReady {
			t.Errorf("stored %q, %q, %v, %s", c.AudienceSource, c.AbTest, c.S2sEnabled, c.Status)
		}
		send(fmt.Sprintf(`"RecipientListsAndSegments":["%d:0"],"ABTesting":""`, list))
		if c, err = f.campaigns.Get(
			me.ctx, id,
		); err != nil || c.RecipientLists != itoa(list)+":0" || c.AudienceSource != "" ||
			c.AbTest != "" {
			t.Errorf("stored %q, %q, %q, %v", c.RecipientLists, c.AudienceSource, c.AbTest, err)
		}
	})
}

// TestTheLongestTextsAreKept stores texts at the limit, in multi-byte characters, and checks that
// longer texts are rejected.
func TestTheLongestTextsAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := itoa(f.campaign(t, me, "A"))
		for name, limit := range map[string]int{
			"CampaignName": 250, "CampaignStatusReason": 250, "AutoResendSubject": 250, "AutoResendPreHeaderText": 250, "ApprovalUserExplanation": 4000, "GoogleAnalyticsDomains": 4000,
		} {
			for _, char := range []string{"𝛀", "ﷺ", "ß"} {
				long := strings.Repeat(char, limit)
				update := url.Values{
					"Command": {"Campaign.Update"}, "APIKey": {me.key}, "CampaignID": {id}, name: {long},
				}
				if got := f.post(update.Encode()); got.body != `{"Success":true,"ErrorCode":0}` {
					t.Errorf("%s of %d %s: %d %s %s", name, limit, char, got.status, got.body, f.log.String())
					continue
				}
				var read struct{ Campaign map[string]any }
				got := f.post("Command=Campaign.Get&APIKey=" + me.key + "&campaignid=" + id)
				if err := json.Unmarshal([]byte(got.body), &read); err != nil || read.Campaign[name] != long {
					t.Errorf("%s of %d %s was not kept", name, limit, char)
				}
				update.Set(name, long+char)
				if got := f.post(update.Encode()); !strings.Contains(got.body, `"ErrorCode":31`) {
					t.Errorf("%s of %d %s: %s", name, limit+1, char, got.body)
				}
			}
		}
	})
}

// TestASessionOfAnAdminSeesEveryAccount also checks that each campaign is in the time zone of its
// owner.
func TestASessionOfAnAdminSeesEveryAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		admin := f.person(t, account.NewUser{Role: kind.RoleAdmin, TimeZone: "Asia/Tokyo"})
		mark := strings.ToLower(admin.Username)
		for zone, p := range map[string]person{
			"11:00:00": f.owner(t), "05:00:00": f.person(t, account.NewUser{TimeZone: "America/New_York"}), "19:00:00": admin,
		} {
			f.campaign(t, p, mark+" "+zone)
		}
		session := sessionOf(
			t, f.post("Command=User.Login&Username="+admin.Username+"&Password="+url.QueryEscape(password)).body,
		)
		body := f.post(
			"Command=Campaigns.Get&RetrieveStatistics=1&SessionID=" + session + "&SearchKeyword=" + mark,
		).body
		var list listed
		if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Campaigns) != 3 {
			t.Fatalf("%v in %s", err, body)
		}
		for _, row := range list.Campaigns {
			if want := "2026-11-23" + strings.TrimPrefix(
				row["CampaignName"].(string), mark,
			); row["CreateDateTime"] != want {
				t.Errorf("created at %s, want %s", row["CreateDateTime"], want)
			}
		}
	})
}

func TestTheServerItselfNeedsNoAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := f.campaign(t, me, "A")
		body, err := json.Marshal(
			f.bridge.Execute(caller.System(t.Context()), "Campaign.Get", map[string]any{"campaignid": id}),
		)
		if err != nil || !strings.Contains(string(body), `"CreateDateTime":"2026-11-23 11:00:00"`) {
			t.Errorf("got %s, %v", body, err)
		}
	})
}
