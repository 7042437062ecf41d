package content

import (
	"slices"
	"strings"

	"campaignql/ent"
	entemail "campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/message"
)

// GapCode identifies something that an email lacks.
type GapCode string

const (
	// GapSubject means that the subject is blank.
	GapSubject GapCode = "SUBJECT"
	// GapFrom means that there is no sender address.
	GapFrom GapCode = "FROM"
	// GapContent means that HTML and plain text are both blank.
	GapContent GapCode = "CONTENT"
	// GapUnsubscribeLink means that a text without an unsubscribe link exists. In HTML the link counts
	// where a person can see and click it. A blank text counts only if both texts are blank.
	GapUnsubscribeLink GapCode = "UNSUBSCRIBE_LINK"
)

// Gap is a missing part that an email needs before it can be sent.
type Gap struct {
	Code GapCode
	// Message is the same in words for people.
	Message string
}

// MissingColumns are the columns that Missing reads.
var MissingColumns = []string{entemail.FieldSubject, entemail.FieldFromEmail, entemail.FieldHTML, entemail.FieldPlain}

// Missing returns what the email lacks, in the order of the declarations above. It reads
// MissingColumns. An empty list means that the email can be sent.
func Missing(e *ent.Email) []Gap {
	return MissingIn(e.Subject, e.FromEmail, e.HTML, e.Plain)
}

// MissingIn is Missing for the fields themselves.
func MissingIn(subject, fromEmail, html, plain string) []Gap {
	gaps := []Gap{}
	if blank(subject) {
		gaps = append(gaps, Gap{GapSubject, "the email has no subject"})
	}
	if blank(fromEmail) {
		gaps = append(gaps, Gap{GapFrom, "the email has no address to send from"})
	}
	empty := blank(html) && blank(plain)
	if empty {
		gaps = append(gaps, Gap{GapContent, "the email has neither HTML nor plain text"})
	}
	if empty || htmlLacksLink(html) || plainLacksLink(plain) {
		gaps = append(gaps, Gap{
			GapUnsubscribeLink, "the HTML or the plain text has no unsubscribe link: put in %Link:Unsubscribe%",
		})
	}
	return gaps
}

// Scope is a use of an email for which its content can be validated (legacy ValidateScope).
type Scope string

const (
	// ScopeOptIn is the message that asks for the confirmation of a subscription.
	ScopeOptIn Scope = "OptIn"
	// ScopeCampaign is a campaign, which needs unsubscribe links.
	ScopeCampaign Scope = "Campaign"
	// ScopeAutoResponder is an automatic answer.
	ScopeAutoResponder Scope = "AutoResponder"
)

// Scopes lists the scopes. They are parsed ignoring case.
func Scopes() []Scope { return []Scope{ScopeOptIn, ScopeCampaign, ScopeAutoResponder} }

// Validate returns all faults of an email's content for a use. It reads the columns html and plain.
// All faults are Invalid, with these reasons:
//
//   - "email_scope_required" and "email_scope_unknown" on scope (legacy codes 9 and 10)
//   - "email_content_required" on html if both texts are blank (legacy code 8)
//   - for a campaign, "email_html_unsubscribe_link" on html (11) and "email_plain_unsubscribe_link"
//     on plain (12), for each text that is not blank and has no unsubscribe link that a person can see
//     and click
func Validate(scope Scope, e *ent.Email) error {
	var faults apperr.Faults
	validate(&faults, scope, e.HTML, e.Plain)
	return faults.Err()
}

func validate(faults *apperr.Faults, scope Scope, html, plain string) {
	if blank(html) && blank(plain) {
		faults.Add(apperr.InvalidField("html", apperr.ReasonEmailContentRequired, "HTML or plain text is required"))
	}
	validateScope(faults, scope)
	validateLinks(faults, scope, html, plain)
}

// validateLinks adds a fault for each text without the unsubscribe link that a campaign needs.
func validateLinks(faults *apperr.Faults, scope Scope, html, plain string) {
	if !scope.is(ScopeCampaign) {
		return
	}
	if htmlLacksLink(html) {
		faults.Add(apperr.InvalidField(
			"html", apperr.ReasonEmailHTMLUnsubscribeLink, "has no unsubscribe link: put in %%Link:Unsubscribe%%",
		))
	}
	if plainLacksLink(plain) {
		faults.Add(apperr.InvalidField(
			"plain", apperr.ReasonEmailPlainUnsubscribeLink, "has no unsubscribe link: put in %%Link:Unsubscribe%%",
		))
	}
}

func validateScope(faults *apperr.Faults, scope Scope) {
	switch {
	case scope == "":
		faults.Add(apperr.InvalidField("scope", apperr.ReasonEmailScopeRequired, "is required"))
	case !slices.ContainsFunc(Scopes(), scope.is):
		faults.Add(apperr.InvalidField(
			"scope", apperr.ReasonEmailScopeUnknown, "must be OptIn, Campaign or AutoResponder",
		))
	}
}

func (s Scope) is(other Scope) bool { return strings.EqualFold(string(s), string(other)) }

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// htmlLacksLink reports whether an HTML text is not blank and has no unsubscribe link that a person can
// see and click.
func htmlLacksLink(html string) bool { return !blank(html) && !message.HTMLHasUnsubscribeLink(html) }

// plainLacksLink reports whether a plain text is not blank and has no unsubscribe link.
func plainLacksLink(plain string) bool {
	return !blank(plain) && !message.PlainHasUnsubscribeLink(plain)
}
