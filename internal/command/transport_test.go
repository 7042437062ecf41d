package command_test

import (
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
