package content

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entemail "campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

func ptr[T any](v T) *T { return &v }

func faultsOf(err error) []string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, string(e.Code)+" "+e.Field+" "+string(e.Reason))
	}
	return out
}

func TestPatchTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ж", 501)
	tests := map[string]struct {
		patch Patch
		want  []string
	}{
		"empty": {Patch{}, nil},
		"all cleared": {
			Patch{
				Name: ptr(
					"",
				),
				Subject:      ptr(""),
				Preheader:    ptr(""),
				FromName:     ptr(""),
				FromEmail:    ptr(""),
				ReplyToName:  ptr(""),
				ReplyToEmail: ptr(""),
				HTML:         ptr(""),
				Plain:        ptr(""),
			},
			nil,
		},
		"at the limits": {
			Patch{
				Name: ptr(
					long[:500],
				),
				Subject:     ptr(long[:1000]),
				Preheader:   ptr(long[:1000]),
				FromName:    ptr(long[:500]),
				ReplyToName: ptr(long[:500]),
				FromEmail: ptr(
					strings.Repeat("a", 60) + "@" + strings.Repeat(strings.Repeat("b", 46)+".", 4) + "bbcom",
				),
				HTML: ptr(strings.Repeat("a", maxText)),
				Mode: ptr(kind.EmailModeUnlayer),
			},
			nil,
		},
		"beyond the limits": {
			Patch{
				Name: ptr(
					long[:502],
				),
				Subject:     &long,
				Preheader:   &long,
				FromName:    ptr(long[:502]),
				ReplyToName: ptr(long[:502]),
				FromEmail: ptr(
					strings.Repeat("a", 60) + "@" + strings.Repeat(strings.Repeat("b", 46)+".", 4) + "bbbcom",
				),
				ReplyToEmail: ptr("nobody"),
				HTML: ptr(
					strings.Repeat("a", maxText+1),
				),
				Plain: ptr(strings.Repeat("a", maxText+1)),
				Mode:  ptr(kind.EmailMode("Editor")),
			},
			[]string{
				"invalid name email_text_too_long", "invalid subject email_text_too_long",
				"invalid preheader email_text_too_long", "invalid fromName email_text_too_long",
				"invalid fromEmail email_address_invalid", "invalid replyToName email_text_too_long",
				"invalid replyToEmail email_address_invalid", "invalid html email_content_too_large",
				"invalid plain email_content_too_large", "invalid mode email_mode_unknown",
			},
		},
		"header injection": {
			Patch{
				Name: ptr(
					"a\nb",
				),
				Subject:      ptr("Hi\r\nBcc: all@example.com"),
				Preheader:    ptr("a\u2028b"),
				FromName:     ptr("a\rb"),
				FromEmail:    ptr("a@b.co\nBcc: c@d.co"),
				ReplyToName:  ptr("a\u0085b"),
				ReplyToEmail: ptr("a\r\n@b.co"),
			},
			[]string{
				"invalid name email_line_break", "invalid subject email_line_break",
				"invalid preheader email_line_break", "invalid fromName email_line_break",
				"invalid fromEmail email_address_invalid", "invalid replyToName email_line_break",
				"invalid replyToEmail email_address_invalid",
			},
		},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			var faults apperr.Faults
			test.patch.normalize(&faults)
			if diff := cmp.Diff(test.want, faultsOf(faults.Err())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPatchCleansWithoutTouchingTheCallers(t *testing.T) {
	t.Parallel()
	subject, html := " Hi \xff\t%User:Name%\n", "<p>\r\n\x00</p>\n"
	patch, faults := Patch{Subject: &subject, HTML: &html}, apperr.Faults{}
	patch.normalize(&faults)
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	if *patch.Subject != "Hi \uFFFD\t%User:Name%" || *patch.HTML != "<p>\r\n\uFFFD</p>\n" {
		t.Errorf("cleaned to %q and %q", *patch.Subject, *patch.HTML)
	}
	if subject != " Hi \xff\t%User:Name%\n" {
		t.Errorf("the caller's text became %q", subject)
	}
}

func TestMissingListsEveryGap(t *testing.T) {
	t.Parallel()
	const link = "%Link:Unsubscribe%"
	tests := map[string]struct {
		email ent.Email
		want  []GapCode
	}{
		"new email":        {ent.Email{}, []GapCode{GapSubject, GapFrom, GapContent, GapUnsubscribeLink}},
		"complete":         {ent.Email{Subject: "s", FromEmail: "a@b.co", HTML: link, Plain: link}, []GapCode{}},
		"HTML alone":       {ent.Email{Subject: "s", FromEmail: "a@b.co", HTML: link}, []GapCode{}},
		"plain text alone": {ent.Email{Subject: "s", FromEmail: "a@b.co", Plain: link}, []GapCode{}},
		"link in HTML alone": {
			ent.Email{Subject: "s", FromEmail: "a@b.co", HTML: link, Plain: "x"}, []GapCode{GapUnsubscribeLink},
		},
		"link in plain alone": {
			ent.Email{Subject: "s", FromEmail: "a@b.co", HTML: "x", Plain: link}, []GapCode{GapUnsubscribeLink},
		},
		"hidden link": {
			ent.Email{Subject: "s", FromEmail: "a@b.co", HTML: "<!-- " + link + " -->", Plain: link},
			[]GapCode{GapUnsubscribeLink},
		},
		"comment in plain": {
			ent.Email{Subject: "s", FromEmail: "a@b.co", HTML: link, Plain: "<!-- " + link + " -->"}, []GapCode{},
		},
		"blanks": {
			ent.Email{Subject: " ", FromEmail: " ", HTML: "\n", Plain: "\t"},
			[]GapCode{GapSubject, GapFrom, GapContent, GapUnsubscribeLink},
		},
	}
	for label, test := range tests {
		got := []GapCode{}
		for _, gap := range Missing(&test.email) {
			got = append(got, gap.Code)
			if gap.Message == "" {
				t.Errorf("%s: %s without a message", label, gap.Code)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", label, diff)
		}
	}
}

func TestValidateKnowsTheLegacyRules(t *testing.T) {
	t.Parallel()
	const link = "%Link:Unsubscribe%"
	tests := map[string]struct {
		scope       Scope
		html, plain string
		want        []string
	}{
		"campaign, complete":   {ScopeCampaign, link, link, nil},
		"campaign, no content": {ScopeCampaign, " ", "", []string{"invalid html email_content_required"}},
		"campaign, no links": {
			"campaign", "a", "b",
			[]string{"invalid html email_html_unsubscribe_link", "invalid plain email_plain_unsubscribe_link"},
		},
		"campaign, HTML alone": {ScopeCampaign, "a", "", []string{"invalid html email_html_unsubscribe_link"}},
		"campaign, hidden link": {
			ScopeCampaign, "<p hidden>" + link + "</p>", "", []string{"invalid html email_html_unsubscribe_link"},
		},
		"opt-in needs no link": {ScopeOptIn, "a", "b", nil},
		"auto responder":       {ScopeAutoResponder, "", "b", nil},
		"no scope, no content": {
			"", "", "", []string{"invalid html email_content_required", "invalid scope email_scope_required"},
		},
		"unknown scope":         {"Newsletter", "a", "", []string{"invalid scope email_scope_unknown"}},
		"opt-in without a text": {ScopeOptIn, "", "", []string{"invalid html email_content_required"}},
	}
	for label, test := range tests {
		err := Validate(test.scope, &ent.Email{HTML: test.html, Plain: test.plain})
		if diff := cmp.Diff(test.want, faultsOf(err)); diff != "" {
			t.Errorf("%s: %s", label, diff)
		}
	}
}

func TestFoldedKeysFitTheirColumns(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("新", 250), strings.Repeat("ﷺ", 250), strings.Repeat("a", 250), "a" + strings.Repeat("😀", 249)} {
		name, subject := foldedKey(text, maxNameKey), foldedKey(text+text, maxSubjectKey)
		if entemail.NameKeyValidator(name) != nil || entemail.SubjectKeyValidator(subject) != nil ||
			!utf8.ValidString(name+subject) {
			t.Errorf("%.20s…: keys of %d and %d bytes", text, len(name), len(subject))
		}
	}
	if got := foldedKey(" ÄBC ", maxNameKey); got != "äbc" {
		t.Errorf("got %q", got)
	}
}
