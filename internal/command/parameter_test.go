package command_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// stored returns the name of a campaign in the database.
func (f *fixture) stored(t *testing.T, p person, id int64) string {
	t.Helper()
	c, err := f.campaigns.Get(p.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return c.Name
}

func TestQueryStringAndBodyAreMergedAndTheBodyWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		a, b := f.campaign(t, me, "A"), f.campaign(t, me, "B")
		bodies := map[string]func(string) *http.Request{
			"form": formRequest, "multipart": multipartRequest,
			"JSON": func(form string) *http.Request {
				fields := map[string]string{}
				for pair := range strings.SplitSeq(form, "&") {
					name, value, _ := strings.Cut(pair, "=")
					fields[name] = value
				}
				text, _ := json.Marshal(fields)
				return jsonRequest(string(text))
			},
			"a form without a content type": func(form string) *http.Request {
				r := formRequest(form)
				r.Header.Del("Content-Type")
				return r
			},
		}
		for name, request := range bodies {
			r := request("campaignID=" + itoa(b) + "&APIKey=" + me.key + "&CampaignName=" + url.QueryEscape(name))
			r.URL.RawQuery = "command=Campaign.Update&CampaignID=" + itoa(
				a,
			) + "&CampaignName=query&APIKey=exampleApiKey"
			want := url.QueryEscape(name)
			if name != "JSON" {
				want = name
			}
			if got := f.do(r); got.body != done || f.stored(t, me, b) != want || f.stored(t, me, a) != "A" {
				t.Errorf("%s: %s; A is %q, B is %q", name, got.body, f.stored(t, me, a), f.stored(t, me, b))
			}
		}
		r := httptest.NewRequest(
			http.MethodGet, "/api.php?Command=Campaign.Update&APIKey="+me.key+"&CampaignID="+itoa(a),
			strings.NewReader("CampaignName=body+of+GET"),
		)
		if got := f.do(r); got.body != done || f.stored(t, me, a) != "body of GET" {
			t.Errorf("a GET with a body: %s, %q", got.body, f.stored(t, me, a))
		}
	})
}

func TestTheLastOfARepeatedParameterWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := f.campaign(t, me, "A")
		for name, request := range map[string]func(string) *http.Request{"form": formRequest, "multipart": multipartRequest, "query": queryRequest} {
			got := f.do(request(
				"Command=nope&APIKey=x&CampaignID=1&CampaignName=first&COMMAND=Campaign.Update&apikey=" + me.key + "&campaignid=" + itoa(
					id,
				) + "&CAMPAIGNNAME=" + name,
			))
			if got.body != done || f.stored(t, me, id) != name {
				t.Errorf("%s: %s, %q", name, got.body, f.stored(t, me, id))
			}
		}
		got := f.do(jsonRequest(fmt.Sprintf(
			`{"Command":"nope","command":"Campaign.Update","APIKey":%q,"CampaignID":1,"campaignid":%d,"CampaignName":"x","campaignNAME":"JSON"}`,
			me.key,
			id,
		)))
		if got.body != done || f.stored(t, me, id) != "JSON" {
			t.Errorf("JSON: %s, %q", got.body, f.stored(t, me, id))
		}
	})
}

// TestNestedParametersInEveryForm sends one A/B test in brackets, as JSON, and as JSON in one field.
func TestNestedParametersInEveryForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id, a, b := f.campaign(t, me, "A"), f.email(t, me), f.email(t, me)
		want := fmt.Sprintf(
			`{"Variations":[{"EmailID":%d,"Weight":50},{"EmailID":%d,"Weight":25.5}],"TestSize":20,"TestDuration":24,"Winner":"Highest Open Rate"}`,
			a,
			b,
		)
		head := fmt.Sprintf("Command=Campaign.Update&APIKey=%s&CampaignID=%d&", me.key, id)
		brackets := fmt.Sprintf(
			"ABTesting[TestSize]=20&abtesting[testduration]=24&ABTesting[Winner]=Highest+Open+Rate&ABTesting[Variations][0][EmailID]=%d&ABTesting[Variations][0][weight]=50&ABTesting[variations][1][emailid]=%d&ABTesting[Variations][1][WEIGHT]=25.5",
			a,
			b,
		)
		encoded := strings.NewReplacer("[", "%5B", "]", "%5d").Replace(brackets)
		requests := map[string]*http.Request{
			"form":      formRequest(head + brackets),
			"encoded":   formRequest(head + encoded),
			"multipart": multipartRequest(head + brackets),
			"query":     queryRequest(head + encoded),
			"JSON": jsonRequest(fmt.Sprintf(
				`{"Command":"Campaign.Update","APIKey":%q,"CampaignID":"%d","ABTesting":%s}`, me.key, id, want,
			)),
			"JSON in a form": formRequest(head + "ABTesting=" + url.QueryEscape(" "+strings.ToLower(want))),
			"JSON in a part": multipartRequest(head + "ABTesting=" + url.QueryEscape(want)),
			"JSON in JSON": jsonRequest(fmt.Sprintf(
				`{"Command":"Campaign.Update","APIKey":%q,"CampaignID":"%d","ABTesting":%q}`, me.key, id, want,
			)),
		}
		for name, r := range requests {
			if got := f.post(head + "ABTesting="); got.body != done {
				t.Fatalf("before %s: %s", name, got.body)
			}
			if c, err := f.campaigns.Get(me.ctx, id); err != nil || c.AbTest != "" {
				t.Fatalf("an empty ABTesting leaves %q, %v", c.AbTest, err)
			}
			got := f.do(r)
			if c, err := f.campaigns.Get(me.ctx, id); err != nil || got.body != done || c.AbTest != want {
				t.Errorf("%s: %s, stored %q, %v", name, got.body, c.AbTest, err)
			}
		}
		for name, r := range map[string]*http.Request{
			"not sent": formRequest(head + "CampaignName=x"), "null": jsonRequest(fmt.Sprintf(`{"Command":"Campaign.Update","APIKey":%q,"CampaignID":%d,"ABTesting":null}`, me.key, id)),
		} {
			got := f.do(r)
			if c, err := f.campaigns.Get(me.ctx, id); err != nil || got.body != done || c.AbTest != want {
				t.Errorf("ABTesting %s: %s, stored %q, %v", name, got.body, c.AbTest, err)
			}
		}
	})
}

func TestValuesOfJSONAndOfFormsAreTheSame(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := f.campaign(t, me, "A")
		f.tag(t, me, "x", id)
		tagged := `"Tags":["x"]`
		for spelling, want := range map[string]bool{
			"true": true, "1": true, "yes": true, "on": true, "TRUE": true, "Yes": true, "ON": true, "false": false, "0": false, "no": false, "off": false, "False": false, "": false, "2": false,
		} {
			got := f.post(
				fmt.Sprintf("Command=Campaign.Get&APIKey=%s&campaignid=%d&retrievetags=%s", me.key, id, spelling),
			)
			if strings.Contains(got.body, tagged) != want || !strings.HasPrefix(got.body, `{"Success":true`) {
				t.Errorf("%q as a boolean is not %v: %s", spelling, want, got.body)
			}
		}
		for value, want := range map[string]bool{"true": true, `"true"`: true, "1": true, `"1"`: true, "false": false, "0": false, "null": false} {
			for _, number := range []string{itoa(id), `"` + itoa(id) + `"`} {
				got := f.do(jsonRequest(fmt.Sprintf(
					`{"Command":"Campaign.Get","APIKey":%q,"campaignid":%s,"retrievetags":%s}`, me.key, number,
					value,
				)))
				if strings.Contains(got.body, tagged) != want || !strings.HasPrefix(got.body, `{"Success":true`) {
					t.Errorf("%s of campaign %s: %s", value, number, got.body)
				}
			}
		}
	})
}

func TestInvalidUTF8IsNeverStored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id := f.campaign(t, me, "A")
		head := "Command=Campaign.Update&APIKey=" + me.key + "&CampaignID=" + itoa(id)
		for name, r := range map[string]*http.Request{
			"form": formRequest(head + "&CampaignName=a%FFb%C3"), "raw bytes": formRequest(head + "&CampaignName=a\xffb\xc3"), "multipart": multipartRequest(head + "&CampaignName=a%FFb%C3"),
			"query": queryRequest(head + "&CampaignName=a%FFb%C3"), "JSON": jsonRequest(fmt.Sprintf("{%q:%q,%q:%q,%q:%d,%q:%s}", "Command", "Campaign.Update", "APIKey", me.key, "CampaignID", id, "CampaignName", "\"a\xffb\xc3\"")),
		} {
			if got := f.do(r); got.body != done || f.stored(t, me, id) != "a\uFFFDb\uFFFD" {
				t.Errorf("%s: %s, stored %q", name, got.body, f.stored(t, me, id))
			}
			f.post(head + "&CampaignName=A")
		}
		if got := f.post("Command=%FFnope"); !strings.Contains(got.body, "\uFFFDnope") {
			t.Errorf("an unknown command is told back as %q", got.body)
		}
	})
}

func TestTheMisprintOfSearchKeywordIsAnAlias(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		f.campaign(t, me, "Summer")
		f.campaign(t, me, "Winter")
		for parameters, want := range map[string]string{
			"SearchKeyowrd=summer": "of 1, Summer", "searchkeyowrd=summer&SearchKeyword=": "of 1, Summer", "SearchKeyowrd=summer&SearchKeyword=winter": "of 1, Winter",
		} {
			got := namesOf(t, f.post("Command=Campaigns.Get&APIKey="+me.key+"&"+parameters).body)
			if strings.Join(got, ", ") != want {
				t.Errorf("%s: %v, want %s", parameters, got, want)
			}
		}
	})
}

// valid returns parameters with which each command succeeds repeatedly, or always fails in the same
// way. Commands that can succeed only once get ids that do not exist.
func valid(me person, campaign, tag, email, list int64) map[string]url.Values {
	const nowhere = "1999999999"
	one := func(name, value string, more ...string) url.Values {
		v := url.Values{name: {value}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	id := one("CampaignID", itoa(campaign))
	return map[string]url.Values{
		"User.Login":                one("Username", me.Username, "Password", password),
		"User.Logout":               one("SessionID", "cqs_none"),
		"Campaign.Create":           one("CampaignName", "made"),
		"Campaign.Get":              one("campaignid", itoa(campaign)),
		"Campaigns.Get":             {},
		"Campaign.Update":           id,
		"Campaign.Copy":             id,
		"Campaign.Approve":          id,
		"Campaign.Pause":            id,
		"Campaign.Resume":           id,
		"Campaign.Cancel":           id,
		"Campaigns.Delete":          one("Campaigns", nowhere),
		"Tags.Get":                  {},
		"Tag.Create":                one("Tag", "same"),
		"Tag.Update":                one("TagID", itoa(tag), "Tag", "same"),
		"Tags.Delete":               one("Tags", nowhere),
		"Tag.AssignToCampaigns":     one("TagID", itoa(tag), "CampaignIDs", itoa(campaign)),
		"Tag.UnassignFromCampaigns": one("TagID", itoa(tag), "CampaignIDs", itoa(campaign)),
		"Email.Create":              {},
		"Email.Get":                 one("EmailID", itoa(email)),
		"Emails.Get":                {},
		"Email.Delete":              one("EmailID", nowhere),
		"Email.Update": one(
			"EmailID", itoa(email), "ValidateScope", "Campaign", "PlainContent", "%Link:Unsubscribe%",
		),
		"List.Create":        one("SubscriberListName", "made"),
		"Lists.Get":          {},
		"Subscribers.Get":    one("SubscriberListID", itoa(list)),
		"Subscribers.Delete": one("SubscriberListID", itoa(list), "Subscribers", nowhere),
		"Subscriber.Subscribe": one(
			"ListID", itoa(list), "EmailAddress", "a@example.com", "IPAddress", "203.0.113.1",
		),
		"Subscriber.Unsubscribe": one(
			"ListID", itoa(list), "EmailAddress", "b@example.com", "IPAddress", "203.0.113.1",
		),
		"Campaign.Recipients.Get":          id,
		"Campaign.Recipients.Activity.Get": one("CampaignID", itoa(campaign), "Activity", "open"),
		"Email.EmailPreview":               one("EmailID", itoa(email), "EmailAddress", "a@example.com"),
	}
}

// TestEmptyMeansNotGivenForEveryParameterOfEveryCommand sends every command as published clients
// do: with all parameters, empty if they are not set.
func TestEmptyMeansNotGivenForEveryParameterOfEveryCommand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		campaign, tag, email, list := f.campaign(t, me, "A"), f.tag(t, me, "same"), f.email(t, me), f.list(t, me, "a")
		s := newScript(f)
		answer := func(form url.Values) string {
			got := f.post(form.Encode())
			return fmt.Sprint(got.status, differs.ReplaceAllString(s.stable(got.body), "…"))
		}
		for _, cmd := range f.bridge.Commands() {
			given, known := valid(me, campaign, tag, email, list)[cmd.Name]
			if !known {
				t.Errorf("teach the table valid what %s is called with", cmd.Name)
				continue
			}
			with := func(change func(form url.Values)) url.Values {
				form := url.Values{"Command": {cmd.Name}}
				if !cmd.Public {
					form.Set("APIKey", me.key)
				}
				for name, value := range given {
					form[name] = value
				}
				change(form)
				return form
			}
			all := with(func(form url.Values) {
				for _, p := range cmd.Parameters {
					if form.Get(p.Name) == "" && !strings.EqualFold(p.Name, "ABTesting") {
						form.Set(p.Name, "")
					}
				}
				form.Set("SearchKeyowrd", "")
				form.Set("JSONPCallBack", "")
				form.Set("ResponseFormat", "")
				form.Set("AdminAPIKey", "")
				if cmd.Name != "User.Logout" {
					form.Set("SessionID", "")
				}
			})
			answer(with(func(url.Values) {})) // effects that only the first call has
			want := answer(with(func(url.Values) {}))
			if got := answer(all); got != want {
				t.Errorf("%s with every unset parameter empty: %s, want %s", cmd.Name, got, want)
			}
			for name := range given {
				absent, empty := with(
					func(form url.Values) { form.Del(name) },
				), with(func(form url.Values) { form.Set(name, "") })
				if got, want := answer(empty), answer(absent); got != want {
					t.Errorf("%s with %s empty: %s, without: %s", cmd.Name, name, got, want)
				}
			}
			if got := answer(
				with(func(form url.Values) { form.Set("nothing", "x"); form.Set("nothing[x][]", "y") }),
			); got != want {
				t.Errorf("%s with an unknown parameter: %s, want %s", cmd.Name, got, want)
			}
		}
	})
}
