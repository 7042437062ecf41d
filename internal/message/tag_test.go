package message

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// render writes a plain text with everything set to its own name, and returns it with the problems.
func render(t *testing.T, plain string) (text string, problems []string) {
	t.Helper()
	content, found := Compile(Source{FromEmail: "a@example.com", Subject: "s", Plain: plain}, Options{Fields: fields()})
	for _, p := range found {
		problems = append(problems, string(p.Kind)+" "+p.Text)
	}
	var values Values
	for v := Value(1); v < valueCount; v++ {
		values[v] = "<" + v.String() + ">"
	}
	values[SubscriberLastName] = ""
	to := &Recipient{
		Address: parsed(t, "Jane@Example.com"), Values: &values, Fields: map[int64]string{7: "Köln", 9: " "},
	}
	buf := new(bytes.Buffer)
	if _, err := content.Write(buf, envelope(), &values, to); err != nil {
		t.Fatal(err)
	}
	return readBack(t, buf.Bytes()).plain, problems
}

func TestTagsAreFilledIn(t *testing.T) {
	t.Parallel()
	const url = "https://t.example.com/u/AbC-_9?x=1&y=2"
	tests := map[string]string{
		"%Subscriber:EmailAddress%":                       "Jane@Example.com",
		"%SUBSCRIBER:firstname%":                          "<Subscriber:FirstName>",
		"%Subscriber:CustomField7%":                       "Köln",
		"%subscriber:customfield7%":                       "Köln",
		"%Subscriber:Favorite City%":                      "Köln",
		"%Subscriber:ｃｉｔｙ%":                               "Köln",
		"%Subscriber: City%":                              "%Subscriber: City%",
		"[%Subscriber:LastName%]":                         "[]",
		"%User:CompanyName%%List:Name%":                   "<User:CompanyName><List:Name>",
		"%Campaign:CampaignID%":                           "<Campaign:CampaignID>",
		"%Link:Unsubscribe%":                              url,
		"%link:unsubscribe:list=3%":                       url,
		"%%Link:Unsubscribe%":                             "%" + url,
		"{{ Subscriber:FirstName }}":                      "<Subscriber:FirstName>",
		"{{Subscriber:LastName|'my \"friend\"'}}":         `my "friend"`,
		`{{ Subscriber:Shoe size | "a | b" }}`:            "a | b",
		`{{ Subscriber:FirstName | "x" }}`:                "<Subscriber:FirstName>",
		"{{{ User:City }}}":                               "<User:City>",
		"{{{ User:City }}":                                "{<User:City>",
		"{{ Link:Unsubscribe }}":                          url,
		"100% of 20%u, %20 %u00e4 50%list: 3, 20%":        "100% of 20%u, %20 %u00e4 50%list: 3, 20%",
		"%Subscriber:\nFirstName%":                        "%Subscriber:\nFirstName%",
		"%Subscriber:First":                               "%Subscriber:First",
		"50%date 20%, {{ 1 }}, {{}}, { { a } }, [if a]":   "50%date 20%, {{ 1 }}, {{}}, { { a } }, [if a]",
		"https://x/?a=%25&b=%7B%Subscriber:CustomField7%": "https://x/?a=%25&b=%7BKöln",
	}
	for v := Value(1); v < valueCount; v++ {
		if v != SubscriberEmailAddress && v != SubscriberLastName {
			tests["%"+strings.ToUpper(v.String())+"%"] = "<" + v.String() + ">"
		}
	}
	for text, want := range tests {
		got, problems := render(t, text)
		if got != want || problems != nil {
			t.Errorf("%s: %q, want %q; problems %q", text, got, want, problems)
		}
	}
}

func TestWhatIsNotUnderstoodIsAProblemAndStaysInTheText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"%Subscriber:Nobody%":               {"UNKNOWN_TAG %Subscriber:Nobody%"},
		"%Subscriber:CustomField8%":         {"UNKNOWN_TAG %Subscriber:CustomField8%"},
		"%User:SubscriberID%":               {"UNKNOWN_TAG %User:SubscriberID%"},
		"%Link:Leave%":                      {"UNKNOWN_TAG %Link:Leave%"},
		"%Link:WebBrowser%":                 {"UNSUPPORTED_TAG %Link:WebBrowser%"},
		"%Link:SubscriberArea:x%":           {"UNSUPPORTED_TAG %Link:SubscriberArea:x%"},
		"%Date=d.m.Y% %date%":               {"UNSUPPORTED_TAG %Date=d.m.Y%", "UNSUPPORTED_TAG %date%"},
		"%Random:5%":                        {"UNSUPPORTED_TAG %Random:5%"},
		"%MFROMDomain%":                     {"UNSUPPORTED_TAG %MFROMDomain%"},
		"%RemoteContent=https://x.example%": {"UNSUPPORTED_TAG %RemoteContent=https://x.example%"},
		"{{ name }}":                        {"UNKNOWN_TAG {{ name }}"},
		"{{ Subscriber:FirstName | upper }}": {
			"UNSUPPORTED_TAG {{ Subscriber:FirstName | upper }}",
		},
		"{{ if Subscriber:City = 'a' }}x{{ else }}y{{endif}}": {
			"UNSUPPORTED_TAG {{ if Subscriber:City = 'a' }}", "UNSUPPORTED_TAG {{ else }}", "UNSUPPORTED_TAG {{endif}}",
		},
		"[IF:Subscriber:City]x[ELSE]y[ENDIF]": {
			"UNSUPPORTED_TAG [IF:Subscriber:City]", "UNSUPPORTED_TAG [ELSE]", "UNSUPPORTED_TAG [ENDIF]",
		},
	} {
		got, problems := render(t, text)
		if got != text {
			t.Errorf("%s became %q", text, got)
		}
		if diff := cmp.Diff(want, problems); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestAProblemSaysItsPlace(t *testing.T) {
	t.Parallel()
	_, problems := Compile(Source{
		FromEmail: "nobody", Subject: "ü %Link:X%", HTML: "<p>\n  <i>é%Date%</i> <%User:City%>", ReplyToEmail: "a b",
	}, Options{})
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		"fromEmail: the address must be one email address of at most 254 bytes, without a name",
		"replyToEmail: the address must be one email address of at most 254 bytes, without a name",
		"subject, line 1, column 3: %Link:X% is no tag: there is no link of this name",
		"html, line 2, column 7: %Date% is not supported yet",
		"html, line 2, column 19: %User:City% stands in an element of HTML, outside the values of its attributes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNeedsAreWhatTheTextsRead(t *testing.T) {
	t.Parallel()
	source := simple()
	source.FromName, source.Subject = "%User:CompanyName%", "%Subscriber:City% %List:Name%"
	source.Preheader = "%Campaign:Name%"
	source.ReplyToEmail, source.ReplyToName = "%List:SenderEmailAddress%", "%Subscriber:Status%"
	source.Plain = "{{ Subscriber:Shoe size | 'none' }} %Subscriber:City%"
	got := compiled(t, source).Needs()
	want := Needs{
		Values: []Value{
			SubscriberFirstName, SubscriberStatus, UserCompanyName, ListName, ListSenderEmailAddress, CampaignName,
		},
		Fields: []int64{7, 9}, UnsubscribeLink: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got.Has(ListName) || got.Has(SubscriberID) {
		t.Error("Has says something else than Values")
	}
	if needs := compiled(t, Source{FromEmail: "a@example.com", Subject: "s", Plain: "p"}).Needs(); needs.UnsubscribeLink ||
		len(needs.Values)+len(needs.Fields) > 0 {
		t.Errorf("a text without tags needs %+v", needs)
	}
}

func TestFieldsOfOneNameAreReadInTheirOrder(t *testing.T) {
	t.Parallel()
	var f Fields
	f.Add(1, "FirstName")
	f.Add(2, " firstname ", "FIRSTNAME", "")
	content, problems := Compile(
		Source{FromEmail: "a@example.com", Subject: "%Subscriber:FirstName%", Plain: "p"}, Options{Fields: &f},
	)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for want, values := range map[string]map[int64]string{
		"one": {1: "one", 2: "two"}, "two": {1: "", 2: "two"}, "Jane": nil,
	} {
		to := jane(t)
		to.Fields = values
		if got, _ := written(t, content, nil, to); got.subject(t) != want {
			t.Errorf("%v: %q, want %q", values, got.subject(t), want)
		}
	}
}
