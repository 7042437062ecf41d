package command_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/go-cmp/cmp"

	"campaignql/ent/migrate"
	"campaignql/internal/campaign"
	"campaignql/internal/command"
	"campaignql/internal/kind"
)

// hostile contains text that breaks XML, JSON and careless scripts. The worst part comes first,
// because short columns keep only the beginning.
const hostile = "]]>\x01<&\uFFFE\"'/>]]]]>><![CDATA[x]]></response><!-- --> %00 &amp;&#0;\\ \r\n\t\r\x7f\x1f \u202Eשלום\u202C é 😀 \uFFFF\uFEFF\u2028"

// spoil writes hostile text into every text column of a row and returns the number of these
// columns. Columns that the product parses keep their value.
func (f *fixture) spoil(t *testing.T, table *schema.Table, id int64) int {
	t.Helper()
	text := hostile
	if strings.HasPrefix(f.db.Dialect(), "sqlite") {
		text = "]]>\xff" + hostile + "\xed\xa0\x80\xc3" // MySQL does not store invalid UTF-8
	}
	var set []string
	var values []any
	for _, c := range table.Columns {
		if c.Type != field.TypeString || slices.Contains(parsed, table.Name+"."+c.Name) {
			continue
		}
		value := text
		if limit := c.Size; limit > 0 && limit < 1<<16 && len(value) > int(limit) {
			value = kind.Cut(strings.ToValidUTF8(value, ""), int(limit))
		}
		set, values = append(set, c.Name+" = ?"), append(values, value)
	}
	pool := f.db.Pools()[0]
	statement := fmt.Sprintf("UPDATE %s SET %s WHERE id = ?", table.Name, strings.Join(set, ", "))
	if _, err := pool.ExecContext(t.Context(), statement, append(values, id)...); err != nil {
		t.Fatalf("%s: %v", table.Name, err)
	}
	return len(set)
}

// parsed are columns whose text only the product writes.
var parsed = []string{
	"campaigns.audience",
	"campaigns.ab_test",
	"users.time_zone",
	"users.password_hash",
	"users.username",
	"users.username_key",
	"users.email",
	"users.email_key",
	"users.role",
	"users.reputation",
	"subscribers.email",
	"subscribers.email_key",
}

// leaf is a scalar of a response, or an empty structure, with the path of elements to it.
type leaf struct{ Path, Text string }

// leavesOfXML parses a response, which must be well-formed.
func leavesOfXML(t *testing.T, name, text string) []leaf {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	var path []string
	var found []leaf
	var inner strings.Builder
	below := false // whether the closing element has child elements
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if len(path) > 0 || len(found) == 0 {
				t.Fatalf("%s: no whole document: %s", name, text)
			}
			return found
		}
		if err != nil {
			t.Fatalf("%s: %v in %q", name, err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			inner.Reset()
			below = false
		case xml.CharData:
			inner.Write(token)
		case xml.EndElement:
			if !below {
				found = append(found, leaf{strings.Join(path[1:], "."), inner.String()})
			}
			path, below = path[:len(path)-1], true
			inner.Reset()
		}
	}
}

// leavesOfJSON lists the same leaves of the same response as JSON.
func leavesOfJSON(t *testing.T, name, text string) []leaf {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var found []leaf
	var walk func(path string)
	walk = func(path string) {
		token, err := dec.Token()
		if err != nil {
			t.Fatalf("%s: %v in %q", name, err, text)
		}
		delim, structure := token.(json.Delim)
		if !structure {
			if token == nil {
				token = ""
			}
			found = append(found, leaf{path, command.AsXMLReads(fmt.Sprint(token))})
			return
		}
		if !dec.More() {
			found = append(found, leaf{path, ""})
		}
		for i := 0; dec.More(); i++ {
			step := fmt.Sprint(i)
			if delim == '{' {
				key, err := dec.Token()
				if err != nil {
					t.Fatal(err)
				}
				step = key.(string)
			}
			walk(strings.TrimPrefix(path+"."+command.ElementName(step), "."))
		}
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
	}
	walk("")
	return found
}

// twice sends a request for JSON and for XML and compares the contents of the responses.
func (f *fixture) twice(t *testing.T, name string, request func() *http.Request) (asJSON string) {
	t.Helper()
	r := request()
	r.URL.RawQuery += "&ResponseFormat=XML"
	plain, marked := f.do(request()), f.do(r)
	if marked.status != plain.status || marked.header.Get("Content-Type") != "application/xml; charset=utf-8" {
		t.Errorf("%s: as XML %d %s, as JSON %d", name, marked.status, marked.header.Get("Content-Type"), plain.status)
	}
	if diff := cmp.Diff(leavesOfJSON(t, name, plain.body), leavesOfXML(t, name, marked.body)); diff != "" {
		t.Errorf("%s (-JSON +XML):\n%.2000s", name, diff)
	}
	return plain.body
}

func TestXMLSaysWhatJSONSaysWhateverIsStored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		email, list := f.email(t, me), f.list(t, me, "a")
		id, sending := f.campaign(t, me, "A"), f.reach(t, me, "B", kind.StatusSending)
		tag := f.tag(t, me, "a", id, sending)
		f.count(t, me, sending)
		spoilt := 0
		for _, row := range []struct {
			table *schema.Table
			id    int64
		}{
			{migrate.CampaignsTable, id}, {migrate.CampaignsTable, sending}, {migrate.TagsTable, tag}, {migrate.EmailsTable, email}, {migrate.SubscriberListsTable, list}, {migrate.UsersTable, me.ID},
		} {
			spoilt += f.spoil(t, row.table, row.id)
		}
		if spoilt < 40 {
			t.Fatalf("%d columns hold hostile text: the test has lost sight of them", spoilt)
		}
		for _, form := range []string{
			"Command=Campaign.Get&campaignid=" + itoa(id) + "&retrievetags=1&retrievestatistics=1", "Command=Campaign.Get&campaignid=" + itoa(sending) + "&retrievetags=1&retrievestatistics=1&StatisticsDays=2",
			"Command=Campaigns.Get&RetrieveTags=1&RetrieveStatistics=1&StatisticsDays=2", "Command=Tags.Get", "Command=Email.Get&EmailID=" + itoa(email), "Command=Emails.Get", "Command=Lists.Get",
			"Command=Subscribers.Get&SubscriberListID=" + itoa(list),
		} {
			got := f.twice(t, form, func() *http.Request { return formRequest("APIKey=" + me.key + "&" + form) })
			if !strings.HasPrefix(got, `{"Success":true`) ||
				!strings.Contains(got, "]]>") && !strings.Contains(form, "Subscribers") {
				t.Errorf("%s shows nothing hostile: %.300s", form, got)
			}
		}
		login := leavesOfXML(t, "login", f.post("ResponseFormat=XML&Command=User.Login&APIKey="+me.key).body)
		i := slices.IndexFunc(login, func(l leaf) bool { return l.Path == "UserInfo.FirstName" })
		if i < 0 || !strings.HasPrefix(login[i].Text, "]]>") {
			t.Errorf("login shows %v", login)
		}
		// Every command succeeds on such rows, also in XML.
		for _, cmd := range f.bridge.Commands() {
			form := url.Values{"Command": {cmd.Name}, "ResponseFormat": {"XML"}}
			if !cmd.Public {
				form.Set("APIKey", me.key)
			}
			for name, value := range f.once(t, me, cmd.Name, id, tag, email, list) {
				form[name] = value
			}
			got := f.post(form.Encode())
			if said := leavesOfXML(t, cmd.Name, got.body); said[0] != (leaf{"Success", "true"}) {
				t.Errorf("%s: %d %s", cmd.Name, got.status, got.body)
			}
		}
	})
}

// once returns parameters with which a command succeeds once.
func (f *fixture) once(t *testing.T, me person, name string, id, tag, email, list int64) url.Values {
	t.Helper()
	status := map[string]kind.CampaignStatus{
		"Campaign.Approve": kind.StatusPendingApproval, "Campaign.Pause": kind.StatusSending, "Campaign.Resume": kind.StatusPaused, "Campaign.Cancel": kind.StatusReady,
	}[name]
	if status != "" {
		id := f.reach(t, me, "C", status)
		f.spoil(t, migrate.CampaignsTable, id)
		return url.Values{"CampaignID": {itoa(id)}}
	}
	switch name {
	case "Campaign.Recipients.Get":
		id, include := f.campaign(t, me, "R"), itoa(list)
		f.patch(t, me, id, campaign.Patch{Audience: &campaign.AudiencePatch{Include: &include}})
		f.spoil(t, migrate.CampaignsTable, id)
		return url.Values{"CampaignID": {itoa(id)}}
	case "Email.EmailPreview":
		f.db.Client(me.ctx).User.UpdateOneID(me.ID).SetSender(kind.SenderBuiltIn).ExecX(me.ctx)
		id := f.email(t, me)
		f.db.Client(me.ctx).Email.UpdateOneID(id).SetFromEmail("a@example.com").SetSubject("s").SetPlain("x").ExecX(me.ctx)
		return url.Values{"EmailID": {itoa(id)}, "EmailAddress": {"a@example.com"}}
	case "Campaigns.Delete":
		id := f.campaign(t, me, "D")
		f.spoil(t, migrate.CampaignsTable, id)
		return url.Values{"Campaigns": {itoa(id)}}
	case "Tag.Create", "Tag.Update":
		return url.Values{"TagID": {itoa(tag)}, "Tag": {"new " + strings.ToLower(strings.TrimPrefix(name, "Tag."))}}
	case "Email.Update":
		return url.Values{
			"EmailID": {itoa(email)}, "ValidateScope": {"Campaign"}, "HTMLContent": {"%Link:Unsubscribe%" + hostile},
			"PlainContent": {"%Link:Unsubscribe%"},
		}
	case "Email.Delete":
		return url.Values{"EmailID": {itoa(f.email(t, me))}}
	case "Subscriber.Unsubscribe":
		return url.Values{"ListID": {itoa(list)}, "EmailAddress": {"a@example.com"}, "IPAddress": {"192.0.2.1"}}
	}
	given := valid(me, id, tag, email, list)[name]
	if given == nil {
		t.Errorf("teach the tables valid or once what %s is called with", name)
	}
	return given
}

// TestEveryFailureIsWellFormedXML sends every command values that it rejects, including hostile
// text in every parameter. It also sends requests that reach no command.
func TestEveryFailureIsWellFormedXML(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		reader := f.key(t, me, kind.ScopeRead)
		campaign, tag, email, list := f.campaign(t, me, "A"), f.tag(t, me, "a"), f.email(t, me), f.list(t, me, "a")
		for _, cmd := range f.bridge.Commands() {
			if cmd.Name == "User.Login" {
				continue // tested below, because failed logins are counted
			}
			given := valid(me, campaign, tag, email, list)[cmd.Name]
			form := func(key string, change func(form url.Values)) func() *http.Request {
				return func() *http.Request {
					sent := url.Values{"Command": {cmd.Name}, "APIKey": {key}}
					for name, value := range given {
						sent[name] = value
					}
					change(sent)
					return formRequest(sent.Encode())
				}
			}
			f.twice(t, cmd.Name+" by nobody", form("", func(url.Values) {}))
			if cmd.Scope != kind.ScopeRead {
				f.twice(t, cmd.Name+" without the scope", form(reader, func(url.Values) {}))
			}
			for _, p := range cmd.Parameters {
				f.twice(t, cmd.Name+" without "+p.Name, form(reader, func(form url.Values) { form.Del(p.Name) }))
				// This request may succeed, and differently the second time.
				r := form(me.key, func(form url.Values) { form.Set(p.Name, hostile+"\xff\x00") })()
				r.URL.RawQuery = "ResponseFormat=XML"
				leavesOfXML(t, cmd.Name+" with hostile "+p.Name, f.do(r).body)
			}
		}
		for name, request := range map[string]func() *http.Request{
			"no command":     func() *http.Request { return formRequest("") },
			"unknown":        func() *http.Request { return formRequest("Command=" + url.QueryEscape(hostile+"\xff\x00")) },
			"JSONP":          func() *http.Request { return formRequest("Command=Tags.Get&JSONPCallBack=" + url.QueryEscape(hostile)) },
			"badly encoded":  func() *http.Request { return formRequest("Command=Tags.Get&a=%zz") },
			"JSON cut off":   func() *http.Request { return jsonRequest(`{"a`) },
			"a list":         func() *http.Request { return jsonRequest(`[]`) },
			"a damaged form": func() *http.Request { return typed("multipart/form-data; boundary=b", "--b\r\n\r\nx") },
			"a type":         func() *http.Request { return typed("text/]]>\x7f", "x") },
			"another type":   func() *http.Request { return typed("application/xml", "<Command/>") },
			"a method":       func() *http.Request { return method("]]>\x01") },
			"HEAD":           func() *http.Request { return method(http.MethodHead) },
			"too deep":       func() *http.Request { return formRequest("a" + strings.Repeat("[]", 9) + "=1") },
			"too large": func() *http.Request {
				return httptest.NewRequest(http.MethodPost, "/api.php?", io.NopCloser(new(endless)))
			},
			"nothing of 1, 2": func() *http.Request { return formRequest("Command=User.Login") },
			"a wrong login": func() *http.Request {
				return formRequest("Command=User.Login&Username=x&Password=" + url.QueryEscape(hostile))
			},
		} {
			f.twice(t, name, request)
		}
		for range 10 {
			f.post("Command=User.Login&Username=x&Password=x")
		}
		limited := f.post("Command=User.Login&Username=x&Password=x&ResponseFormat=XML")
		if limited.status != http.StatusTooManyRequests || limited.header.Get("Retry-After") == "" ||
			leavesOfXML(t, "429", limited.body)[1] != (leaf{"ErrorCode", "429"}) {
			t.Errorf("a limited login: %d %q %s", limited.status, limited.header.Get("Retry-After"), limited.body)
		}
	})
}

// TestAServerFaultIsWellFormedXML covers a panic and a database that does not answer.
func TestAServerFaultIsWellFormedXML(t *testing.T) {
	t.Parallel()
	bridge := command.New(command.Services{}, command.Options{Logger: quiet()})
	w := httptest.NewRecorder()
	bridge.ServeHTTP(w, formRequest("Command=User.Login&Username=x&Password=x&ResponseFormat=XML"))
	said := leavesOfXML(t, "a panic", w.Body.String())
	if w.Code != http.StatusInternalServerError || said[1] != (leaf{"ErrorCode", "100005"}) ||
		w.Header().Get(command.OperationHeader) != "login" {
		t.Errorf("a panic: %d %v", w.Code, said)
	}
	if bytes.Contains(w.Body.Bytes(), []byte("nil")) || bytes.Contains(w.Body.Bytes(), []byte(".go")) {
		t.Errorf("the answer tells of the inside: %s", w.Body)
	}
}

func method(name string) *http.Request {
	r := queryRequest("Command=Tags.Get")
	r.Method = name
	return r
}

func typed(contentType, body string) *http.Request {
	r := formRequest(body)
	r.Header.Set("Content-Type", contentType)
	return r
}
