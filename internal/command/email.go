package command

import (
	"context"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/content"
	"campaignql/internal/kind"
)

func (b *Bridge) emailCommands() []Command {
	return []Command{
		{
			Name: "Email.Create", Operation: "createEmail", Scope: kind.ScopeWrite,
			Doc: "Creates an empty email.",
			run: b.createEmail,
		},
		{
			Name: "Email.Get", Operation: "email", Scope: kind.ScopeRead,
			Doc:        "Returns one email with its content.",
			Parameters: []Parameter{required("EmailID", "The email.")},
			Codes: []Code{
				{Number: 1, Shape: Array, Text: "EmailID is missing", Missing: "EmailID"},
				{
					Number: 2, Shape: Array, Text: "Email not found",
					Reasons: []apperr.Reason{apperr.ReasonEmailNotFound},
				},
			},
			run: b.email,
		},
		{
			Name: "Emails.Get", Operation: "emails", Scope: kind.ScopeRead,
			Doc: "Lists the emails with their content, in the order they were made.",
			Parameters: []Parameter{
				optional("RecordsPerRequest", "The size of the page; 0, or not given, for all."),
				optional("RecordsFrom", "How many emails to pass over."),
				optional("EmailIDs", "Comma-separated ids of emails, at most 100: only these."),
				optional("Fields", "Comma-separated members that rows have; EmailID always stays. All if not given."),
			},
			Codes: []Code{
				{
					Number: 1, Shape: Array, Text: "EmailIDs holds no id",
					Reasons: []apperr.Reason{apperr.ReasonIDsRequired},
				},
				{
					Number: 3, Shape: Array, Text: "EmailIDs holds more than 100 ids",
					Reasons: []apperr.Reason{apperr.ReasonTooManyIDs},
				},
			},
			run: b.emails,
		},
		{
			Name:       "Email.Update",
			Operation:  "updateEmail",
			Scope:      kind.ScopeWrite,
			Doc:        "Changes what it names of an email, all or nothing, after it has validated the content that results.",
			Parameters: emailParameters,
			Codes:      emailCodes,
			run:        b.updateEmail,
		},
		{
			Name: "Email.Delete", Operation: "deleteEmails", Scope: kind.ScopeWrite,
			Doc:        "Deletes an email. Drafts that use it are left without.",
			Parameters: []Parameter{required("EmailID", "The email.")},
			Codes: []Code{
				{Number: 1, Shape: Array, Text: "EmailID is missing", Missing: "EmailID"},
				{
					Number: 2, Shape: Array, Text: "Email not found",
					Reasons: []apperr.Reason{apperr.ReasonEmailNotFound},
				},
				{
					Number: 3, Text: "A campaign that is not a Draft uses the email", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonEmailInUse},
				},
			},
			run: b.deleteEmail,
		},
	}
}

var emailParameters = []Parameter{
	required("EmailID", "The email."),
	required(
		"ValidateScope", "What the content is for: OptIn, Campaign (which needs unsubscribe links) or AutoResponder.",
	),
	optional("EmailName", "The name, for the owner alone; at most 250 characters."),
	optional("Subject", "The subject, at most 500 characters."),
	optional("PreHeaderText", "What mailboxes show after the subject, at most 500 characters."),
	optional("FromName", "The name of the sender."),
	optional("FromEmail", "The address of the sender."),
	optional("ReplyToName", "The name of whom answers go to."),
	optional("ReplyToEmail", "The address that answers go to."),
	optional("HTMLContent", "The HTML, at most 5 MiB."),
	optional("PlainContent", "The plain text, at most 5 MiB."),
	optional("Mode", "How the content is made: Empty, Editor, Template, Import, Stripo or Unlayer."),
	optional("OpenTracking", "Whether to track opens: true or false."),
	optional("LinkTracking", "Whether to track clicks: true or false."),
}

// emailCodes is the error table of Email.Update. The response contains every row that applies.
var emailCodes = []Code{
	{Number: 1, Shape: Array, Text: "EmailID is missing", Missing: "EmailID"},
	{Number: 3, Shape: Array, Text: "Email not found", Reasons: []apperr.Reason{apperr.ReasonEmailNotFound}},
	{
		Number: 4, Shape: Array, Text: "Mode is none of Empty, Editor, Template, Import, Stripo and Unlayer",
		Reasons: []apperr.Reason{apperr.ReasonEmailModeUnknown},
	},
	{
		Number: 6, Shape: Array, Text: "FromEmail is no email address", Field: "fromEmail",
		Reasons: []apperr.Reason{apperr.ReasonEmailAddressInvalid},
	},
	{
		Number: 7, Shape: Array, Text: "ReplyToEmail is no email address", Field: "replyToEmail",
		Reasons: []apperr.Reason{apperr.ReasonEmailAddressInvalid},
	},
	{
		Number: 8, Shape: Array, Text: "HTML and plain content are both empty",
		Reasons: []apperr.Reason{apperr.ReasonEmailContentRequired},
	},
	{
		Number: 9, Shape: Array, Text: "ValidateScope is missing",
		Reasons: []apperr.Reason{apperr.ReasonEmailScopeRequired},
	},
	{
		Number: 10, Shape: Array, Text: "ValidateScope is none of OptIn, Campaign and AutoResponder",
		Reasons: []apperr.Reason{apperr.ReasonEmailScopeUnknown},
	},
	{
		Number: 11, Shape: Array, Text: "The HTML content has no unsubscribe link: put in %Link:Unsubscribe%",
		Reasons: []apperr.Reason{apperr.ReasonEmailHTMLUnsubscribeLink},
	},
	{
		Number: 12, Shape: Array, Text: "The plain content has no unsubscribe link: put in %Link:Unsubscribe%",
		Reasons: []apperr.Reason{apperr.ReasonEmailPlainUnsubscribeLink},
	},
	{
		Number: 30, Shape: Array, Text: "Not possible in the present status of a campaign", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonNotInStatus},
	},
	{
		Number:     31,
		Shape:      Array,
		Text:       "A value cannot be accepted",
		Detail:     true,
		NamesField: true,
		Reasons: []apperr.Reason{
			apperr.ReasonEmailTextTooLong, apperr.ReasonEmailLineBreak, apperr.ReasonEmailContentTooLarge,
			apperr.ReasonValueInvalid,
		},
	},
}

func (b *Bridge) createEmail(ctx context.Context, _ Parameters) (Object, error) {
	e, err := b.Emails.Create(ctx, content.Patch{}, nil)
	if err != nil {
		return nil, err
	}
	return success(Member{"EmailID", e.ID}), nil
}

func (b *Bridge) email(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "EmailID"); err != nil {
		return nil, err
	}
	e, err := b.Emails.Get(ctx, p.ID("EmailID"))
	if err != nil {
		return nil, err
	}
	zones, err := b.zonesOfOwners(ctx, []int64{e.UserID})
	if err != nil {
		return nil, err
	}
	return success(Member{"EmailInformation", emailRow(e, zones[e.UserID])}), nil
}

// emails answers Emails.Get. The rows are read while the response is written.
func (b *Bridge) emails(ctx context.Context, p Parameters) (Object, error) {
	filter, err := emailFilter(p)
	if err != nil {
		return nil, err
	}
	total, err := b.Emails.Count(ctx, filter)
	if err != nil {
		return nil, err
	}
	fields := p.Text("Fields")
	rows := func(emit func(any) error) error {
		visit := func(ctx context.Context, emails []*ent.Email) error {
			owners := make([]int64, len(emails))
			for i, e := range emails {
				owners[i] = e.UserID
			}
			zones, err := b.zonesOfOwners(ctx, owners)
			if err != nil {
				return err
			}
			for _, e := range emails {
				if err := emit(asText(chosen(emailRow(e, zones[e.UserID]), fields))); err != nil {
					return err
				}
			}
			return nil
		}
		return b.Emails.Each(
			ctx, filter, content.ByCreated, p.Count("RecordsFrom"), p.Count("RecordsPerRequest"), nil, visit,
		)
	}
	return success(Member{"TotalEmailCount", total}, Member{"Emails", Stream(rows)}), nil
}

// maxEmailIDs is how many emails one Emails.Get may name.
const maxEmailIDs = 100

// emailFilter reads EmailIDs of Emails.Get.
func emailFilter(p Parameters) (content.Filter, error) {
	if !p.Has("EmailIDs") {
		return content.Filter{}, nil
	}
	ids, _ := p.IDs("EmailIDs")
	switch {
	case len(ids) == 0:
		return content.Filter{}, apperr.InvalidField("EmailIDs", apperr.ReasonIDsRequired, "holds no id")
	case len(ids) > maxEmailIDs:
		return content.Filter{}, apperr.InvalidField("EmailIDs", apperr.ReasonTooManyIDs, "holds too many ids")
	}
	return content.Filter{IDs: ids}, nil
}

// chosen returns the members of a row whose names the comma-separated text has, and always the first
// one. An empty text has all.
func chosen(row Object, names string) Object {
	if strings.TrimSpace(names) == "" {
		return row
	}
	few := row[:1]
	for _, m := range row[1:] {
		for name := range strings.SplitSeq(names, ",") {
			if strings.EqualFold(strings.TrimSpace(name), m.Name) {
				few = append(few, m)
				break
			}
		}
	}
	return few
}

// emailRow returns an email in the format of Email.Get and Emails.Get.
func emailRow(e *ent.Email, zone *time.Location) Object {
	return Object{
		{"EmailID", e.ID},
		{"RelUserID", e.UserID},
		{"EmailName", e.Name},
		{"FromName", e.FromName},
		{"FromEmail", e.FromEmail},
		{"ReplyToName", e.ReplyToName},
		{"ReplyToEmail", e.ReplyToEmail},
		{"Mode", e.Mode.Legacy()},
		{"Subject", e.Subject},
		{"PreHeaderText", e.Preheader},
		{"PlainContent", e.Plain},
		{"HTMLContent", e.HTML},
		{"OpenTracking", number(e.OpenTracking)},
		{"LinkTracking", number(e.LinkTracking)},
		{"LastActivityDateTime", dateTime(&e.UpdatedAt, zone)},
		{"CreateDateTime", dateTime(&e.CreatedAt, zone)},
	}
}

func (b *Bridge) updateEmail(ctx context.Context, p Parameters) (Object, error) {
	_, err := b.Emails.Update(ctx, p.ID("EmailID"), emailPatch(p), "id")
	if err == nil {
		return success(), nil
	}
	return nil, emailFaults(err, !p.Has("EmailID"))
}

// emailPatch reads the changes of Email.Update. It passes invalid values on, so that the domain
// reports them together with its own faults.
func emailPatch(p Parameters) content.Patch {
	var faults apperr.Faults
	scope := content.Scope(strings.TrimSpace(p.Text("ValidateScope")))
	patch := content.Patch{
		Name: p.Optional("EmailName"), Subject: p.Optional("Subject"), Preheader: p.Optional("PreHeaderText"),
		FromName: p.Optional("FromName"), FromEmail: p.Optional("FromEmail"),
		ReplyToName: p.Optional("ReplyToName"), ReplyToEmail: p.Optional("ReplyToEmail"),
		HTML: p.Optional("HTMLContent"), Plain: p.Optional("PlainContent"),
		OpenTracking: flag(p, &faults, "OpenTracking"), LinkTracking: flag(p, &faults, "LinkTracking"),
		Scope: &scope,
	}
	if text := strings.TrimSpace(p.Text("Mode")); text != "" {
		mode, ok := kind.ParseEmailMode(text)
		if !ok {
			mode = kind.EmailMode(unknown(text, mode.Values()))
		}
		patch.Mode = &mode
	}
	patch.Err = faults.Err()
	return patch
}

// emailFaults replaces the fault of a missing email by the fault of a missing parameter if the
// request had no email id.
func emailFaults(err error, unnamed bool) error {
	var faults apperr.Faults
	for _, fault := range apperr.All(err) {
		told := *fault
		if fault.Reason == apperr.ReasonEmailNotFound && unnamed {
			told.Reason, told.Field = apperr.ReasonParameterMissing, "EmailID"
		}
		faults.Add(&told)
	}
	if told := faults.Err(); told != nil {
		return told
	}
	return err
}

func (b *Bridge) deleteEmail(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "EmailID"); err != nil {
		return nil, err
	}
	deleted, err := b.Emails.Delete(ctx, []int64{p.ID("EmailID")})
	if err != nil {
		return nil, err
	}
	if len(deleted) == 0 {
		return nil, apperr.NotFoundf("email")
	}
	return success(), nil
}
