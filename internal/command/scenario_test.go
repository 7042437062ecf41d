package command_test

import (
	"strings"
	"testing"

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
