package translate_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/campaign"
	enttag "campaignql/ent/tag"
	"campaignql/internal/audience/rules"
	domain "campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/tag"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
	"campaignql/internal/translate"
)

// company is an account with data of every kind. Two companies differ only in their ids.
type company struct {
	*apitest.Account
	server *apitest.Server
	db     *store.Store
	// ids are the ids of its data, by the name that a request writes in braces.
	ids map[string]int64
}

// everything names all the campaigns that a company can have.
const everything = "{draft}{pending}{ready}{sending}{paused}{sent}"

// found creates a company with those campaigns that the request names.
func found(t *testing.T, server *apitest.Server, db *store.Store, request string) *company {
	t.Helper()
	c := &company{Account: server.Account(t), server: server, db: db, ids: map[string]int64{"nowhere": 1_999_999_999}}
	client, now := db.Client(c.Context), store.Now()
	for _, name := range []string{"email1", "email2", "email3"} {
		e, err := server.Services.Emails.Create(c.Context, content.Patch{Subject: &name}, nil)
		c.keep(t, name, err, func() int64 { return e.ID })
	}
	for _, name := range []string{"list1", "list2"} {
		l, err := client.SubscriberList.Create().SetName(name).SetNameKey(name).SetCreatedAt(now).Save(c.Context)
		c.keep(t, name, err, func() int64 { return l.ID })
	}
	s, err := client.Segment.Create().
		SetListID(c.ids["list1"]).
		SetName("S").
		SetNameKey("s").
		SetRules(`{"operator":"and","rules":[]}`).
		SetCreatedAt(now).
		SetUpdatedAt(now).
		Save(c.Context)
	c.keep(t, "segment1", err, func() int64 { return s.ID })
	for _, name := range []string{"tag1", "tag2"} {
		made, err := server.Services.Tags.Create(c.Context, tag.Input{Name: name}, nil)
		c.keep(t, name, err, func() int64 { return made.ID })
	}
	for _, one := range []struct {
		name string
		path []kind.CampaignStatus
	}{
		{"draft", nil},
		{"pending", []kind.CampaignStatus{kind.StatusPendingApproval}},
		{"ready", []kind.CampaignStatus{kind.StatusReady}},
		{"sending", []kind.CampaignStatus{kind.StatusReady, kind.StatusSending}},
		{"paused", []kind.CampaignStatus{kind.StatusReady, kind.StatusSending, kind.StatusPaused}},
		{"sent", []kind.CampaignStatus{kind.StatusReady, kind.StatusSending, kind.StatusSent}},
	} {
		if strings.Contains(request, "{"+one.name+"}") {
			c.campaign(t, one.name, one.path)
		}
	}
	if _, err := server.Services.Tags.Assign(
		c.Context, c.ids["tag1"], []int64{c.ids["sent"], c.ids["ready"]},
	); err != nil {
		t.Fatal(err)
	}
	err = client.Campaign.Update().
		Where(campaign.ID(c.ids["sent"])).
		SetTotalRecipients(100).
		SetTotalSent(90).
		SetTotalFailed(2).
		SetTotalOpens(12).
		SetUniqueOpens(9).
		SetTotalHardBounces(3).
		SetCreatedAt(now.Add(time.Hour)).
		Exec(c.Context)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *company) keep(t *testing.T, name string, err error, id func() int64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c.ids[name] = id()
}

func (c *company) campaign(t *testing.T, name string, path []kind.CampaignStatus) {
	t.Helper()
	made, err := c.server.Services.Campaigns.Create(c.Context, "The "+name+" one", nil)
	c.keep(t, name, err, func() int64 { return made.ID })
	email, include, exclude := c.ids["email1"], fmt.Sprint(c.ids["list2"]), ""
	if _, err := c.server.Services.Campaigns.Update(c.Context, domain.Call{ID: made.ID}, domain.Patch{
		EmailID: &email, Audience: &domain.AudiencePatch{Include: &include, Exclude: &exclude},
	}); err != nil {
		t.Fatal(err)
	}
	for _, status := range path {
		if _, err := c.server.Services.Campaigns.Update(
			c.Context, domain.Call{ID: made.ID}, domain.Patch{Status: &status},
		); err != nil {
			t.Fatal(err)
		}
	}
}

// write replaces the names in a request by the ids of this company.
func (c *company) write(request string) string {
	for name, id := range c.ids {
		request = strings.ReplaceAll(request, "{"+name+"}", strconv.FormatInt(id, 10))
	}
	return request
}

// legacy sends a form to the Command bridge.
func (c *company) legacy(t *testing.T, request string) (body string, success bool) {
	t.Helper()
	form, err := url.ParseQuery(c.write(request))
	if err != nil {
		t.Fatal(err)
	}
	form.Set("APIKey", c.Key)
	_, body = c.server.Command(t, form)
	var answer struct{ Success bool }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return body, answer.Success
}

// modern translates the request and sends the output of `translate --json` to GraphQL.
func (c *company) modern(t *testing.T, request string) (data map[string]any, success bool) {
	t.Helper()
	translation, err := translate.Translate(c.write(request) + "&APIKey=" + c.Key)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	check(t, translation.String())
	if strings.Contains(translation.String()+translation.JSON(), c.Key) {
		t.Errorf("%s: the translation repeats the key", request)
	}
	r, err := http.NewRequest(http.MethodPost, c.server.URL+"/graphql", strings.NewReader(translation.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.Key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(answer.Errors) > 0 {
		t.Errorf("%s: %s", request, text)
	}
	payload, _ := answer.Data[translation.Operation].(map[string]any)
	mend, _ := payload["userErrors"].([]any)
	return answer.Data, len(mend) == 0
}

// snapshot returns all campaigns and tags of the account, with names instead of ids. Values that
// the two surfaces store differently but with the same meaning are normalized; see same.
func (c *company) snapshot(t *testing.T) any {
	t.Helper()
	client := c.db.Client(c.Context)
	campaigns, err := client.Campaign.Query().Order(campaign.ByID()).All(c.Context)
	if err != nil {
		t.Fatal(err)
	}
	carried, err := c.server.Services.Tags.ByCampaigns(c.Context, idsOf(campaigns))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]any{}
	for i, row := range campaigns {
		shown := c.same(t, row)
		var names []string
		for _, carriedTag := range carried[row.ID] {
			names = append(names, carriedTag.Name)
		}
		shown["tags"] = names
		key := c.name(row.ID, "draft", "pending", "ready", "sending", "paused", "sent")
		if _, known := c.ids[key]; !known {
			key = fmt.Sprintf("new campaign %d", i)
		}
		rows[key] = shown
	}
	tags, err := client.Tag.Query().Order(enttag.ByID()).All(c.Context)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range tags {
		names = append(names, c.name(one.ID, "tag1", "tag2")+" "+one.Name)
	}
	return map[string]any{"campaigns": rows, "tags": names}
}

func idsOf(campaigns []*ent.Campaign) []int64 {
	ids := make([]int64, len(campaigns))
	for i, c := range campaigns {
		ids[i] = c.ID
	}
	return ids
}

// name returns the name of an id of one of the given kinds.
func (c *company) name(id int64, names ...string) string {
	for _, name := range names {
		if c.ids[name] == id {
			return name
		}
	}
	return "new"
}

var (
	number   = regexp.MustCompile(`\d+`)
	emailIDs = regexp.MustCompile(`"EmailID":\d+`)
)

// named replaces the ids in a text by names.
func (c *company) named(text string, names ...string) string {
	return number.ReplaceAllStringFunc(text, func(digits string) string {
		for _, name := range names {
			if strconv.FormatInt(c.ids[name], 10) == digits {
				return name
			}
		}
		return digits
	})
}

// same returns a campaign without its ids and without the times of the test. It writes lists as
// pairs, rules as JSON without an order of keys, and omits "every day".
func (c *company) same(t *testing.T, row *ent.Campaign) map[string]any {
	t.Helper()
	copied := *row
	copied.ID, copied.UserID, copied.EmailID, copied.CreatedAt, copied.LastActivityAt = 0, 0, nil, time.Time{}, time.Time{}
	for _, list := range []*string{&copied.RecurDaysOfWeek, &copied.RecurDaysOfMonth} {
		if *list == "0" {
			*list = ""
		}
	}
	target, err := rules.ParseLists(row.RecipientLists, row.ExcludedLists)
	if err != nil {
		t.Fatal(err)
	}
	include, exclude := target.Lists()
	targets := []string{"list1", "list2", "segment1"}
	copied.RecipientLists, copied.ExcludedLists, copied.Audience = c.named(
		include,
		targets...), c.named(
		exclude,
		targets...), c.named(
		row.Audience,
		targets...)
	copied.AbTest = emailIDs.ReplaceAllStringFunc(
		row.AbTest, func(member string) string { return c.named(member, "email1", "email2", "email3") },
	)
	if row.AudienceSource != "" {
		var rules any
		if err := json.Unmarshal([]byte(row.AudienceSource), &rules); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		copied.AudienceSource = c.named(string(text), targets...)
	}
	for _, at := range []**time.Time{&copied.SendingStartedAt, &copied.SendingFinishedAt} {
		if *at != nil {
			*at = &time.Time{}
		}
	}
	if row.NextSendAt != nil && time.Until(*row.NextSendAt) < time.Hour { // due at once
		copied.NextSendAt = &time.Time{}
	}
	text, err := json.Marshal(copied)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]any{}
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	if row.EmailID != nil {
		shown["email"] = c.name(*row.EmailID, "email1", "email2", "email3")
	}
	return shown
}

const (
	weekly    = "&ScheduleType=Recursive&ScheduleRecDaysOfWeek=5,1&ScheduleRecMonths=0&ScheduleRecHours=0,9&ScheduleRecMinutes=30,0&ScheduleRecSendMaxInstance=12&SendTimeZone=Europe/Berlin"
	abTest    = "&ABTesting[TestSize]=20&ABTesting[TestDuration]=24&ABTesting[Winner]=Most+Unique+Clicks&ABTesting[Variations][0][EmailID]={email1}&ABTesting[Variations][0][Weight]=70&ABTesting[Variations][1][EmailID]={email2}&ABTesting[Variations][1][Weight]=30.5"
	someRules = `&RulesJsonBundle={"operator":"or","criteria":[{"list_id":{list1},"operator":"and","rules":[{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user"}]},{"list_id":{list2}}]}`
	tomorrow  = "&ScheduleType=Future&SendDate=2099-01-02&SendTime=09:30&SendTimeZone=(GMT-03:00)+Brasilia"
)

// changes has requests of every command that changes something.
var changes = []string{
	"Command=Campaign.Create&CampaignName=Summer+%26+Sale",
	"Command=Campaign.Create&CampaignName=" + strings.Repeat("x", 251),
	"Command=Campaign.Copy&CampaignID={sent}",
	"Command=Campaign.Copy&CampaignID={nowhere}",
	"Command=Campaign.Approve&CampaignID={pending}",
	"Command=Campaign.Approve&CampaignID={draft}",
	"Command=Campaign.Pause&CampaignID={sending}",
	"Command=Campaign.Pause&CampaignID={draft}",
	"Command=Campaign.Resume&CampaignID={paused}",
	"Command=Campaign.Resume&CampaignID={sending}",
	"Command=Campaign.Cancel&CampaignID={sending}",
	"Command=Campaign.Cancel&CampaignID={ready}",
	"Command=Campaign.Cancel&CampaignID={sent}",
	"Command=Campaigns.Delete&Campaigns={draft},{sent},{nowhere}",
	"Command=Campaigns.Delete&Campaigns=none",
	"Command=Tag.Create&Tag=news",
	"Command=Tag.Create&Tag=tag1",
	"Command=Tag.Update&TagID={tag1}&Tag=renamed",
	"Command=Tag.Update&TagID={nowhere}&Tag=x",
	"Command=Tags.Delete&Tags={tag1},{nowhere}",
	"Command=Tag.AssignToCampaigns&TagID={tag2}&CampaignIDs={draft},{sent}",
	"Command=Tag.AssignToCampaigns&TagID={nowhere}&CampaignIDs={draft}",
	"Command=Tag.UnassignFromCampaigns&TagID={tag1}&CampaignIDs={ready},{draft}",
}

// updates are the parameters of Campaign.Update in addition to the campaign. The campaign is the
// draft if none is named.
var updates = []string{
	"",
	"&CampaignStatus=Ready",
	"&CampaignStatus=Pending",
	"&CampaignID={ready}&CampaignStatus=Draft&CampaignStatusReason=not+yet",
	"&CampaignID={sent}&CampaignStatus=Draft",
	"&CampaignStatusReason=because",
	"&CampaignName=New+name",
	"&CampaignName=" + strings.Repeat("x", 251),
	"&RelEmailID={email2}",
	"&RelEmailID=0",
	"&RelEmailID={nowhere}",
	"&RelEmailID=x",
	"&ScheduleType=Not+Scheduled",
	"&ScheduleType=Immediate&SendDate=2099-01-01",
	"&ScheduleType=Immediate&CampaignStatus=Ready",
	"&CampaignID={ready}&ScheduleType=Immediate",
	tomorrow,
	tomorrow + "&CampaignStatus=Ready",
	"&ScheduleType=Future&SendDate=2020-01-01&SendTime=10:00:01&SendTimeZone=UTC",
	weekly,
	"&ScheduleType=Recursive&ScheduleRecDaysOfWeek=0&ScheduleRecMonths=12,1&ScheduleRecHours=0&ScheduleRecMinutes=0&ScheduleRecSendMaxInstance=0&SendTimeZone=%2B03:00",
	"&ScheduleType=Recursive&ScheduleRecDaysOfMonth=0&ScheduleRecMonths=0&ScheduleRecHours=1&ScheduleRecMinutes=5&ScheduleRecSendMaxInstance=0&SendTimeZone=UTC",
	"&ScheduleType=Recursive&ScheduleRecDaysOfWeek=0&ScheduleRecDaysOfMonth=15&ScheduleRecMonths=0&ScheduleRecHours=1&ScheduleRecMinutes=5&ScheduleRecSendMaxInstance=0&SendTimeZone=UTC",
	weekly + "&ScheduleRecDaysOfMonth=31",
	weekly + "&AutoResendEnabled=1&AutoResendWaitDays=1&AutoResendSubject=Again",
	"&CampaignID={sent}" + tomorrow,
	"&ApprovalUserExplanation=+Please+",
	"&GoogleAnalyticsDomains=example.com,example.org",
	"&PublishOnRSS=Enabled",
	"&PublishOnRSS=Disabled",
	"&S2SEnabled=on",
	someRules,
	someRules + "&RecipientListsAndSegments={list1}",
	strings.ReplaceAll(someRules, "{list1}", "{nowhere}"),
	"&RecipientListsAndSegments={list1}",
	"&RecipientListsAndSegments={list1}:{segment1},{list2}:0",
	"&RecipientListsAndSegments={list1}&Exclude_RecipientListsAndSegments={list1}:{segment1}",
	"&RecipientListsAndSegments={nowhere}",
	"&CampaignID={sent}&RecipientListsAndSegments={list1}",
	"&AutoResendEnabled=true&AutoResendWaitDays=3&AutoResendSubject=Again&AutoResendPreHeaderText=Did+you",
	"&AutoResendEnabled=true",
	"&AutoResendEnabled=no",
	"&AutoResendWaitDays=366",
	"&AutoResendWaitDays=5&AutoResendSubject=Later",
	abTest,
	strings.ReplaceAll(abTest, "{email2}", "{nowhere}"),
	"&ABTesting=",
	"&CampaignName=All+at+once&RelEmailID={email3}&PublishOnRSS=Enabled&S2SEnabled=1&CampaignStatus=Ready" + tomorrow + someRules + abTest,
	"&CampaignName=Nothing+of+it&RelEmailID={nowhere}",
}

// TestTranslationsDoTheSame sends each request to the Command bridge as one account and its
// translation to GraphQL as another. It then compares the data of both accounts.
func TestTranslationsDoTheSame(t *testing.T) {
	t.Parallel()
	requests := slices.Clone(changes)
	for _, update := range updates {
		id := "&CampaignID={draft}"
		if strings.Contains(update, "CampaignID=") {
			id = ""
		}
		requests = append(requests, "Command=Campaign.Update"+id+update)
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		server := apitest.New(t, db)
		succeeded := 0
		for _, request := range requests {
			old, modern := found(t, server, db, request), found(t, server, db, request)
			before := old.snapshot(t)
			if diff := cmp.Diff(before, modern.snapshot(t)); diff != "" {
				t.Fatalf("the two accounts are not alike:\n%s", diff)
			}
			body, worked := old.legacy(t, request)
			data, alike := modern.modern(t, request)
			if worked != alike {
				t.Errorf("%s: the command answers %s, GraphQL %v", request, body, data)
			}
			after := old.snapshot(t)
			if diff := cmp.Diff(after, modern.snapshot(t)); diff != "" {
				t.Errorf("%s (-command +GraphQL):\n%s", request, diff)
			}
			if worked && !cmp.Equal(before, after) {
				succeeded++
			}
		}
		if succeeded < len(requests)/2 {
			t.Errorf("only %d of %d requests changed something", succeeded, len(requests))
		}
	})
}
