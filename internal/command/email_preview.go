package command

import (
	"context"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
)

func (b *Bridge) previewCommands() []Command {
	return []Command{
		{
			Name: "Email.EmailPreview", Operation: "sendTest", Scope: kind.ScopeWrite,
			Doc: "Sends an email to one address, to see it. The subject begins with [Test], and nothing of it counts anywhere.",
			Parameters: []Parameter{
				required("EmailID", "The email."),
				required("EmailAddress", "The address to send it to."),
				optional(
					"ListID",
					"The list of the person whose values the tags get: whoever has the address, else the first one who is subscribed. If not given, the tags of a person are empty.",
				),
				optional("CampaignID", "The campaign whose values the tags get."),
			},
			Codes: []Code{
				{Number: 1, Text: "EmailID is missing", Missing: "EmailID"},
				{Number: 2, Text: "EmailAddress is missing", Missing: "EmailAddress"},
				{Number: 3, Text: "Email not found", Reasons: []apperr.Reason{apperr.ReasonEmailNotFound}},
				{
					Number: 4, Text: "EmailAddress is no email address",
					Reasons: []apperr.Reason{apperr.ReasonEmailAddressInvalid},
				},
				{Number: 6, Text: "List not found", Reasons: []apperr.Reason{apperr.ReasonListNotFound}},
				{Number: 7, Text: "Campaign not found", Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound}},
				{
					Number: 8, Text: "The email could not be delivered", Detail: true,
					Reasons: []apperr.Reason{
						apperr.ReasonNotAccepted, apperr.ReasonNotReady, apperr.ReasonNotSentHere, apperr.ReasonApprovalRequired,
						apperr.ReasonSubscriberNotFound, // the person was deleted meanwhile
					},
				},
			},
			run: b.previewEmail,
		},
	}
}

func (b *Bridge) previewEmail(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "EmailID", "EmailAddress"); err != nil {
		return nil, err
	}
	err := b.Sending.SendPreview(ctx, sending.Preview{
		EmailID: p.ID("EmailID"), To: p.Text("EmailAddress"), ListID: p.named("ListID"), CampaignID: p.named("CampaignID"),
	})
	if err != nil {
		return nil, err
	}
	return success(), nil
}

// named returns an optional id, nil if none was given. A value that is no id becomes 0.
func (p Parameters) named(name string) *int64 {
	if !p.Has(name) || p.Text(name) == "0" {
		return nil
	}
	return new(p.ID(name))
}
