package content

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

const (
	// maxName, maxSubject and maxPreheader are in characters. maxName applies to the names of the
	// email, the sender and the reply address.
	maxName      = 250
	maxSubject   = 500
	maxPreheader = 500
	// maxText is the limit for the HTML and the plain text each, in bytes.
	maxText = 5 << 20
	// maxNameKey and maxSubjectKey are the sizes of the columns with the folded copies, in bytes.
	// The rest of a longer text is not searched.
	maxNameKey    = 500
	maxSubjectKey = 1000
)

// Patch is a partial update of an email: a nil field stays unchanged, and a pointer to "" clears
// it. Texts are converted to valid UTF-8. Single-line texts are trimmed. A line break or another
// control character in one is a fault, because these texts become headers.
//
// The faults are Invalid, on the field's name in lower camel case, with the reasons
// "email_text_too_long", "email_line_break", "email_address_invalid", "email_content_too_large" and
// "email_mode_unknown". With Scope, the faults of Validate are added.
type Patch struct {
	// Name is visible only to the owner (legacy EmailName). It has at most 250 characters.
	Name *string
	// Subject has at most 500 characters.
	Subject *string
	// Preheader is the text that mailboxes show after the subject (legacy PreHeaderText). It has at
	// most 500 characters.
	Preheader *string
	// FromName and FromEmail are the sender: a name of at most 250 characters, and one plain
	// address; see address.Parse.
	FromName, FromEmail *string
	// ReplyToName and ReplyToEmail are the reply address, with the limits of the sender.
	ReplyToName, ReplyToEmail *string
	// HTML and Plain are the texts (legacy HTMLContent and PlainContent), with at most 5 MiB each.
	HTML, Plain *string
	// Mode says how the content was made.
	Mode *kind.EmailMode
	// OpenTracking and LinkTracking say what a mailer tracks.
	OpenTracking, LinkTracking *bool
	// Scope requests a validation of the resulting content for a use (legacy ValidateScope). nil
	// requests none.
	Scope *Scope
	// Err holds faults that the surface found while reading the patch. They are reported with the
	// other faults.
	Err error `json:"-"`
}

// normalize cleans the fields and adds their faults. It never writes through a pointer of the
// caller.
func (p *Patch) normalize(faults *apperr.Faults) {
	p.Name = line(faults, "name", p.Name, maxName)
	p.Subject = line(faults, "subject", p.Subject, maxSubject)
	p.Preheader = line(faults, "preheader", p.Preheader, maxPreheader)
	p.FromName = line(faults, "fromName", p.FromName, maxName)
	p.FromEmail = readAddress(faults, "fromEmail", p.FromEmail)
	p.ReplyToName = line(faults, "replyToName", p.ReplyToName, maxName)
	p.ReplyToEmail = readAddress(faults, "replyToEmail", p.ReplyToEmail)
	p.HTML = body(faults, "html", p.HTML)
	p.Plain = body(faults, "plain", p.Plain)
	if p.Mode != nil && !slices.Contains(p.Mode.Values(), string(*p.Mode)) {
		faults.Add(apperr.InvalidField("mode", apperr.ReasonEmailModeUnknown, "is not a known mode"))
	}
	faults.Add(p.Err)
}

// apply sets the fields on a create or an update.
func (p Patch) apply(m *ent.EmailMutation) {
	set(p.Name, m.SetName)
	set(p.Subject, m.SetSubject)
	if p.Name != nil {
		m.SetNameKey(foldedKey(*p.Name, maxNameKey))
	}
	if p.Subject != nil {
		m.SetSubjectKey(foldedKey(*p.Subject, maxSubjectKey))
	}
	set(p.Preheader, m.SetPreheader)
	set(p.FromName, m.SetFromName)
	set(p.FromEmail, m.SetFromEmail)
	set(p.ReplyToName, m.SetReplyToName)
	set(p.ReplyToEmail, m.SetReplyToEmail)
	set(p.HTML, m.SetHTML)
	set(p.Plain, m.SetPlain)
	set(p.Mode, m.SetMode)
	set(p.OpenTracking, m.SetOpenTracking)
	set(p.LinkTracking, m.SetLinkTracking)
}

func set[T any](value *T, field func(T)) {
	if value != nil {
		field(*value)
	}
}

func line(faults *apperr.Faults, field string, given *string, limit int) *string {
	if given == nil {
		return nil
	}
	text := strings.TrimSpace(kind.Clean(*given))
	if utf8.RuneCountInString(text) > limit {
		faults.Add(apperr.InvalidField(field, apperr.ReasonEmailTextTooLong, "must have at most %d characters", limit))
	}
	if strings.ContainsFunc(text, breaksLine) {
		faults.Add(apperr.InvalidField(
			field, apperr.ReasonEmailLineBreak, "must be one line without control characters",
		))
	}
	return &text
}

// breaksLine reports whether a character could end a header, or could be mistaken for the end of
// one.
func breaksLine(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// readAddress returns an address as it is stored. An empty text clears the field.
func readAddress(faults *apperr.Faults, field string, given *string) *string {
	if given == nil {
		return nil
	}
	a, err := address.Parse(*given)
	if err != nil && !errors.Is(err, address.ErrEmpty) {
		faults.Add(apperr.InvalidField(field, apperr.ReasonEmailAddressInvalid, "%v", err))
	}
	return &a.Text
}

func body(faults *apperr.Faults, field string, given *string) *string {
	if given == nil {
		return nil
	}
	text := kind.Clean(*given)
	if len(text) > maxText {
		faults.Add(apperr.InvalidField(field, apperr.ReasonEmailContentTooLarge, "must have at most %d bytes", maxText))
	}
	return &text
}

// foldedKey returns the folded text, cut to the size of its column in bytes.
func foldedKey(text string, limit int) string {
	key := kind.Fold(text, limit)
	if len(key) <= limit {
		return key
	}
	for !utf8.RuneStart(key[limit]) {
		limit--
	}
	return key[:limit]
}

func value(p *string) string { return valueOr(p, "") }

func valueOr(p *string, otherwise string) string {
	if p == nil {
		return otherwise
	}
	return *p
}
