package command_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/command"
	"campaignql/internal/kind"
)

// The tests of this file cover the transport and authentication rules of the contract, rule by
// rule, as a client sees them.

const done = `{"Success":true,"ErrorCode":0}`

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

// TestNestedParametersInEveryForm sends one A/B test in brackets, as JSON, and as JSON within a
// form, which is not an A/B test.
func TestNestedParametersInEveryForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		id, a, b := f.campaign(t, me, "A"), f.email(t, me), f.email(t, me)
		want := fmt.Sprintf(
			`{"TestSize":20,"TestDuration":24,"Winner":"Highest Open Rate","Variations":[{"EmailID":%d},{"EmailID":%d}]}`,
			a,
			b,
		)
		head := fmt.Sprintf("Command=Campaign.Update&APIKey=%s&CampaignID=%d&", me.key, id)
		brackets := fmt.Sprintf(
			"ABTesting[TestSize]=20&abtesting[testduration]=24&ABTesting[Winner]=Highest+Open+Rate&ABTesting[Variations][0][EmailID]=%d&ABTesting[Variations][1][emailid]=%d",
			a,
			b,
		)
		encoded := strings.NewReplacer("[", "%5B", "]", "%5d").Replace(brackets)
		unnumbered := strings.NewReplacer("[0]", "[]", "[1]", "[]").Replace(brackets)
		requests := map[string]*http.Request{
			"form":              formRequest(head + brackets),
			"encoded":           formRequest(head + encoded),
			"without positions": formRequest(head + unnumbered),
			"multipart":         multipartRequest(head + brackets),
			"query":             queryRequest(head + encoded),
			"JSON": jsonRequest(fmt.Sprintf(
				`{"Command":"Campaign.Update","APIKey":%q,"CampaignID":"%d","ABTesting":%s}`, me.key, id, want,
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

// endless is a body without an end and without a length.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

func TestBodiesOverTenMebibytesAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		const limit = 10 << 20
		head := "Command=Tags.Get&APIKey=" + me.key + "&x="
		got := f.post(head + strings.Repeat("x", limit-len(head)))
		if got.status != http.StatusOK || !strings.HasPrefix(got.body, `{"Success":true`) {
			t.Errorf("10 MiB: %d %s", got.status, got.body)
		}
		const refused = `{"Success":false,"ErrorCode":100000,"ErrorText":"The body is larger than 10485760 bytes.","Errors":[{"Code":100000,"Message":"The body is larger than 10485760 bytes."}]}`
		got = f.post(head + strings.Repeat("x", limit-len(head)+1))
		if got.status != http.StatusRequestEntityTooLarge || got.body != refused {
			t.Errorf("10 MiB and a byte: %d %s", got.status, got.body)
		}
		body := new(endless)
		got = f.do(httptest.NewRequest(http.MethodPost, "/api.php?Command=Tags.Get", io.NopCloser(body)))
		if got.status != http.StatusRequestEntityTooLarge || got.body != refused || body.read > 2*limit {
			t.Errorf("a body without end: %d %s after %d bytes", got.status, got.body, body.read)
		}
		if got.header.Get(command.OperationHeader) != "tags" {
			t.Errorf("it names the operation %q", got.header.Get(command.OperationHeader))
		}
	})
}

func TestResponseFormatIsExactlyXMLOrJSON(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		for format, kind := range map[string]string{
			"XML": "application/xml; charset=utf-8", "JSON": "application/json; charset=utf-8", "": "application/json; charset=utf-8",
			"xml": "application/json; charset=utf-8", "Xml": "application/json; charset=utf-8", "+XML": "application/json; charset=utf-8", "HTML": "application/json; charset=utf-8",
		} {
			for _, request := range []string{"Command=Tags.Get&APIKey=" + me.key, "Command=Tags.Get", "Command=nope", "Command=Tags.Get&JSONPCallBack=f", "%zz&Command=Tags.Get"} {
				got := f.post(request + "&responseformat=" + format)
				if got.header.Get("Content-Type") != kind ||
					strings.HasPrefix(
						got.body, `<?xml version="1.0" encoding="utf-8"?><response>`,
					) != (format == "XML") {
					t.Errorf("%s as %q: %s %s", request, format, got.header.Get("Content-Type"), got.body)
				}
			}
		}
	})
}

func TestJSONPIsRefusedUnlessItIsEmpty(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		for _, name := range []string{"JSONPCallBack", "jsonpcallback"} {
			got := f.post("Command=Campaign.Create&CampaignName=x&APIKey=" + me.key + "&" + name + "=alert")
			if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"ErrorCode":100000`) {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		if list := f.listed(t, me, "JSONPCallBack="); list.TotalCampaigns != 0 {
			t.Errorf("%d campaigns were made", list.TotalCampaigns)
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
		"List.Create":     one("SubscriberListName", "made"),
		"Lists.Get":       {},
		"Subscribers.Get": one("SubscriberListID", itoa(list)),
		"Subscriber.Subscribe": one(
			"ListID", itoa(list), "EmailAddress", "a@example.com", "IPAddress", "203.0.113.1",
		),
		"Subscriber.Unsubscribe": one("ListID", itoa(list), "EmailAddress", "b@example.com"),
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

// TestEveryAnswerNamesTheOperation covers successes and failures, including hard failures.
func TestEveryAnswerNamesTheOperation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		campaign, tag, email, list := f.campaign(t, me, "A"), f.tag(t, me, "same"), f.email(t, me), f.list(t, me, "a")
		for _, cmd := range f.bridge.Commands() {
			form := url.Values{"Command": {strings.ToUpper(cmd.Name)}, "APIKey": {me.key}}
			for name, value := range valid(me, campaign, tag, email, list)[cmd.Name] {
				form[name] = value
			}
			cut := jsonRequest(`{"a":`)
			cut.URL.RawQuery = "Command=" + cmd.Name
			put := httptest.NewRequest(http.MethodPut, "/api.php?command="+cmd.Name, nil)
			for name, r := range map[string]*http.Request{
				"success": formRequest(form.Encode()), "alone": formRequest("Command=" + cmd.Name), "with a key alone": formRequest("APIKey=" + me.key + "&Command=" + cmd.Name),
				"JSONP": formRequest(form.Encode() + "&JSONPCallBack=f"), "badly encoded": formRequest(form.Encode() + "&%zz"), "JSON cut off": cut, "another method": put,
				"as XML": queryRequest(form.Encode() + "&ResponseFormat=XML"),
			} {
				if got := f.do(r); got.header.Get(command.OperationHeader) != cmd.Operation {
					t.Errorf(
						"%s, %s: the operation %q, want %q: %s", cmd.Name, name,
						got.header.Get(command.OperationHeader), cmd.Operation, got.body,
					)
				}
			}
		}
		if got := f.post("Command=nope"); got.header.Get(command.OperationHeader) != "command" {
			t.Errorf("an unknown command names %q", got.header.Get(command.OperationHeader))
		}
	})
}

func TestOneCredentialIsChosenOfSeveral(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		alice, bob := f.owner(t), f.owner(t)
		admin := f.person(t, account.NewUser{Role: kind.RoleAdmin})
		f.tag(t, alice, "of alice")
		f.tag(t, bob, "of bob")
		session := func(p person) string {
			return sessionOf(
				t, f.post("Command=User.Login&Username="+p.Username+"&Password="+url.QueryEscape(password)).body,
			)
		}
		ofAlice, ofBob := session(alice), session(bob)
		const refused = `{"Success":false,"ErrorCode":99998,"ErrorText":"Authentication failure or session expired"}`
		for _, tc := range []struct{ name, form, header, want string }{
			{"a key", "APIKey=" + alice.key, "", "of alice"},
			{"a session", "SessionID=" + ofBob, "", "of bob"},
			{"a key and a session of somebody else", "APIKey=" + alice.key + "&SessionID=" + ofBob, "", "of alice"},
			{"a key and no session at all", "APIKey=" + alice.key + "&SessionID=your-session-id", "", "of alice"},
			{"a wrong key and a session", "APIKey=your-api-key&SessionID=" + ofBob, "", refused},
			{"an empty key and a session", "APIKey=&SessionID=" + ofBob, "", "of bob"},
			{"a key and an empty session", "APIKey=" + alice.key + "&SessionID=", "", "of alice"},
			{"a key with blanks about it", "APIKey=+" + alice.key + "%0A", "", "of alice"},
			{"by the name of an admin's", "AdminAPIKey=" + alice.key, "", "of alice"},
			{"under both names", "APIKey=" + alice.key + "&AdminAPIKey=" + bob.key, "", "of alice"},
			{"empty under the first name", "APIKey=&AdminAPIKey=" + bob.key, "", "of bob"},
			{"a key as bearer", "", "Bearer " + bob.key, "of bob"},
			{"a session as bearer", "", "bearer " + ofAlice, "of alice"},
			{"a key over a bearer", "APIKey=" + alice.key, "Bearer " + bob.key, "of alice"},
			{"a session beside a key as bearer", "SessionID=" + ofAlice, "Bearer " + bob.key, "of bob"},
			{"a wrong bearer", "", "Bearer x", refused},
			{"another scheme", "", "Basic " + bob.key, refused},
			{"a key as a session", "SessionID=" + alice.key, "", refused},
			{"a session as a key", "APIKey=" + ofAlice, "", refused},
			{"nothing", "", "", refused},
		} {
			r := formRequest("Command=Tags.Get&" + tc.form)
			if tc.header != "" {
				r.Header.Set("Authorization", tc.header)
			}
			got := f.do(r)
			if got.status != http.StatusOK || !strings.Contains(got.body, tc.want) ||
				strings.Count(got.body, "TagID") > 1 {
				t.Errorf("%s: %d %s, want %s", tc.name, got.status, got.body, tc.want)
			}
		}
		all := f.post("Command=Tags.Get&AdminAPIKey=" + admin.key).body
		if !strings.Contains(all, `"RelOwnerUserID":"`+itoa(alice.ID)+`"`) ||
			!strings.Contains(all, `"RelOwnerUserID":"`+itoa(bob.ID)+`"`) {
			t.Errorf("an admin's key sees %.300s", all)
		}
	})
}

// TestRefusalsOfEveryKindAreTheSameBytes compares the responses for credentials that never existed,
// expired, or were revoked.
func TestRefusalsOfEveryKindAreTheSameBytes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		soon := f.now().Add(time.Minute)
		_, expired, err := f.accounts.CreateKey(
			me.ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}, ExpiresAt: &soon},
		)
		if err != nil {
			t.Fatal(err)
		}
		record, revoked, err := f.accounts.CreateKey(me.ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		opened := sessionOf(t, f.post("Command=User.Login&APIKey="+revoked).body)
		slept := sessionOf(
			t, f.post("Command=User.Login&Username="+me.Username+"&Password="+url.QueryEscape(password)).body,
		)
		for _, credential := range []string{"APIKey=" + expired, "APIKey=" + revoked, "SessionID=" + opened, "SessionID=" + slept} {
			if got := f.post("Command=Tags.Get&" + credential); !strings.HasPrefix(got.body, `{"Success":true`) {
				t.Fatalf("before: %s", got.body)
			}
		}
		if _, err := f.accounts.RevokeKey(me.ctx, record.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		f.advance(25 * time.Hour)
		want := f.post("Command=Tags.Get")
		for name, credential := range map[string]string{
			"an unknown key": "APIKey=cq_" + strings.Repeat("x", 40), "an expired key": "APIKey=" + expired, "a revoked key": "APIKey=" + revoked,
			"an unknown session": "SessionID=cqs_" + strings.Repeat("x", 40), "an expired session": "SessionID=" + slept, "a session of a revoked key": "SessionID=" + opened,
		} {
			got := f.post("Command=Tags.Get&" + credential)
			if got.body != want.body || got.status != want.status ||
				!slices.Equal(got.header.Values("Content-Length"), want.header.Values("Content-Length")) {
				t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, want.status, want.body)
			}
		}
	})
}
