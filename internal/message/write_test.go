package message

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessagesAreThoseOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, source := range samples() {
		buf := new(bytes.Buffer)
		if _, err := compiled(t, source).Write(buf, envelope(), run(), jane(t)); err != nil {
			t.Fatal(err)
		}
		checkLines(t, buf.Bytes())
		path := filepath.Join("testdata", name+".eml")
		got := strings.ReplaceAll(buf.String(), "\r\n", "\n")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
			t.Errorf("%s (-update writes it): %s", name, diff)
		}
	}
}

// run are the values of a run.
func run() *Values {
	return &Values{
		UserCompanyName: "Kiefer & Korn", UserWebsite: "https://shop.example.com", UserEmailAddress: "jane@bücher.example",
		ListName: "Weekly", CampaignID: "198", CampaignName: "Spring <sale>",
	}
}

// samples are contents of every form.
func samples() map[string]Source {
	page, err := os.ReadFile(filepath.Join("testdata", "page.html"))
	if err != nil {
		panic(err)
	}
	unicode := simple()
	unicode.FromName, unicode.ReplyToName = "Žluťoučký kůň – %User:CompanyName%", "客服"
	unicode.ReplyToEmail = "%User:EmailAddress%"
	unicode.Subject = "Grüße an %Subscriber:FirstName% 😀: der lange Betreff, der in mehrere Zeilen gefaltet werden muss"
	unicode.Plain = "Grüße, %Subscriber:City%!\n\nEnde \n%Link:Unsubscribe:list=3% "
	plain := simple()
	plain.HTML = ""
	plain.Subject = "A subject in ASCII that is so long that it does not fit into one line of %Campaign:Name%"
	page1 := simple()
	page1.HTML, page1.Plain, page1.Preheader = string(page), "", "For %Subscriber:FirstName% <only> today"
	return map[string]Source{"simple": simple(), "unicode": unicode, "plain": plain, "page": page1}
}

func TestEveryHeaderFieldIsThere(t *testing.T) {
	t.Parallel()
	source := simple()
	source.ReplyToEmail, source.ReplyToName = "help@example.com", `Help "Desk" \ 1`
	got, result := written(t, compiled(t, source), nil, jane(t))
	want := map[string]string{
		"From": "Kiefer & Korn <news@shop.example.com>", "To": "jane@example.com", "Subject": "News",
		"Reply-To": `"Help \"Desk\" \\ 1" <help@example.com>`,
		"Date":     "Mon, 23 Nov 2026 12:00:00 +0100", "Message-Id": "<r1.c45.a@mail.example.com>",
		"List-Unsubscribe":      "<https://t.example.com/u/AbC-_9?x=1&y=2>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "List-Id": "<12.lists.example.com>",
		"Feedback-Id": "198:7:campaign:campaignql", "Precedence": "bulk", "Mime-Version": "1.0",
	}
	for name, value := range want {
		if values := got.header[name]; len(values) != 1 || values[0] != value {
			t.Errorf("%s: %q, want %q", name, values, value)
		}
	}
	if len(got.header) != len(want)+1 { // and Content-Type
		t.Errorf("%d fields, want %d", len(got.header), len(want)+1)
	}
	if diff := cmp.Diff(Written{From: "news@shop.example.com", To: "jane@example.com"}, result); diff != "" {
		t.Error(diff)
	}
}

func TestAddressesAreWrittenAsALabelsAndOnlyALocalPartNeedsUTF8(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]Written{
		"jane@bücher.example":   {To: "jane@xn--bcher-kva.example"},
		"Jane.Doe@EXAMPLE.com":  {To: "Jane.Doe@EXAMPLE.com"},
		`"a,b"@example.com`:     {To: `"a,b"@example.com`},
		"jürgen@bücher.example": {To: "jürgen@xn--bcher-kva.example", UTF8: true},
	} {
		recipient := jane(t)
		recipient.Address = parsed(t, to)
		got, result := written(t, compiled(t, simple()), nil, recipient)
		want.From = "news@shop.example.com"
		if diff := cmp.Diff(want, result); diff != "" {
			t.Errorf("%s: %s", to, diff)
		}
		addresses, err := got.header.AddressList("To")
		if err != nil || addresses[0].Address != strings.ReplaceAll(want.To, `"`, "") {
			t.Errorf("%s: To is %v, %v", to, addresses, err)
		}
	}
	source := simple()
	source.FromEmail = "grüße@example.com"
	if _, result := written(t, compiled(t, source), nil, jane(t)); !result.UTF8 {
		t.Error("a sender that is not ASCII needs SMTPUTF8")
	}
}

func TestWhatCannotBeWrittenIsAnErrorOfThePersonAndWritesNothing(t *testing.T) {
	t.Parallel()
	dynamic := simple()
	dynamic.FromEmail = "%Subscriber:FirstName%"
	large := simple()
	large.Subject = "%Subscriber:FirstName%"
	longName := func(_ *Envelope, to *Recipient) { to.Values[SubscriberFirstName] = strings.Repeat("x", 5000) }
	ancient := func(e *Envelope, _ *Recipient) { e.Date = e.Date.AddDate(-3000, 0, 0) }
	bracket := func(e *Envelope, _ *Recipient) { e.UnsubscribeURL = "https://x/>" }
	withLine := func(_ *Envelope, to *Recipient) { to.Address.Text = "a\r\nBcc: b@example.com" }
	tests := map[string]struct {
		source Source
		change func(*Envelope, *Recipient)
		reason Reason
	}{
		"too large":           {simple(), longName, ReasonTooLarge},
		"too large a subject": {large, longName, ReasonTooLarge},
		"no sender":           {dynamic, func(*Envelope, *Recipient) {}, ReasonAddress},
		"no recipient":        {simple(), func(_ *Envelope, to *Recipient) { to.Address.Domain = "" }, ReasonAddress},
		"line in recipient":   {simple(), withLine, ReasonAddress},
		"no message id":       {simple(), func(e *Envelope, _ *Recipient) { e.MessageID = "" }, ReasonEnvelope},
		"line in message id":  {simple(), func(e *Envelope, _ *Recipient) { e.MessageID = "a@b\r\nBcc: c" }, ReasonEnvelope},
		"no date":             {simple(), ancient, ReasonEnvelope},
		"no URL":              {simple(), func(e *Envelope, _ *Recipient) { e.UnsubscribeURL = "" }, ReasonEnvelope},
		"URL with a bracket":  {simple(), bracket, ReasonEnvelope},
		"line in list id":     {simple(), func(e *Envelope, _ *Recipient) { e.ListID = "a\nb" }, ReasonEnvelope},
		"blank in feedback":   {simple(), func(e *Envelope, _ *Recipient) { e.FeedbackID = "a b" }, ReasonEnvelope},
	}
	for name, test := range tests {
		content, _ := Compile(test.source, Options{MaxBytes: 4000})
		e, to := envelope(), jane(t)
		test.change(e, to)
		buf := bytes.NewBufferString("before")
		_, err := content.Write(buf, e, nil, to)
		var fault *Error
		if !errors.As(err, &fault) || fault.Reason != test.reason || fault.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, test.reason)
		}
		if buf.String() != "before" {
			t.Errorf("%s: something was written: %q", name, buf)
		}
	}
}

func TestNoLineBreakOfAValueEntersTheHeader(t *testing.T) {
	t.Parallel()
	source := simple()
	source.FromName, source.ReplyToName, source.ReplyToEmail = "%Subscriber:City%", "%Subscriber:City%", "a@example.com"
	source.Subject = "%Subscriber:City%"
	content := compiled(t, source)
	for _, hostile := range hostileValues() {
		to := jane(t)
		to.Fields[7] = hostile
		got, _ := written(t, content, nil, to)
		if len(got.header) != 13 {
			t.Errorf("%.30q: %d fields", hostile, len(got.header))
		}
		want := naiveHeader(hostile)
		if subject := got.subject(t); subject != want {
			t.Errorf("%.60q: the subject is %q", hostile, subject)
		}
		for _, field := range []string{"From", "Reply-To"} {
			list, err := got.header.AddressList(field)
			if err != nil || len(list) != 1 {
				t.Errorf("%.60q: %s is %v, %v", hostile, field, list, err)
			} else if list[0].Name != want {
				t.Errorf("%.60q: the name in %s is %q", hostile, field, list[0].Name)
			}
		}
	}
}
