package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/contact"
	"campaignql/ent/customfield"
	entsubscriber "campaignql/ent/subscriber"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/budget"
	"campaignql/internal/campaign"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/page"
)

// reportCodes are the codes that the reports about one campaign have in common.
var reportCodes = []Code{
	{Number: 1, Shape: Message, Text: "Required parameter 'CampaignID' is missing.", Missing: "CampaignID"},
	{
		Number: 2, Shape: Message, Text: "The 'CampaignID' parameter must be numeric.",
		Reasons: []apperr.Reason{apperr.ReasonNotNumeric},
	},
	{Number: 3, Shape: Message, Text: "Campaign not found", Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound}},
}

func (b *Bridge) recipientCommands() []Command {
	return []Command{
		{
			Name: "Campaign.Recipients.Get", Operation: "campaign", Scope: kind.ScopeRead,
			Doc: "Lists the people whom a campaign would reach if it were sent now, by SubscriberID, with their custom fields by name. Only a campaign that is Draft, Ready or Pending Approval has them; who got another one is in its runs, in GraphQL.",
			Parameters: []Parameter{
				required("CampaignID", "The campaign."),
				optional("OnlyTotal", "Whether to count them only: true or false. Recipients is empty then."),
				optional("RecordsPerRequest", "The size of the page; 0, or not given, for all."),
				optional("RecordsFrom", "How many people to pass over."),
			},
			Codes: slices.Concat(reportCodes, []Code{
				{
					Number: 4, Shape: Message, Text: "The campaign is not Draft, Ready or Pending Approval", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonNotInStatus},
				},
				{
					Number: 5, Shape: Message, Text: "The campaign has no audience that can be used", Detail: true,
					Reasons: []apperr.Reason{
						apperr.ReasonNotReady, apperr.ReasonAudienceInvalid, apperr.ReasonAudienceTooLarge,
					},
				},
				{
					Number: 6, Shape: Message, Text: "A list or segment of the audience is not available", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonAudienceNotFound},
				},
			}),
			run: b.recipients,
		},
		{
			Name: "Campaign.Recipients.Activity.Get", Operation: "command", Scope: kind.ScopeRead,
			Doc: "Lists the people who did something after a campaign reached them, or whose message bounced, those with the newest event first. What machines did does not count.",
			Parameters: []Parameter{
				required("CampaignID", "The campaign."),
				required("Activity", "open, click, bounce, unsubscription, forward or conversion."),
				optional("SearchKeyword", "A part of the address, without regard to case. SearchKeyowrd and EmailAddress are other names for it."),
				optional("EmailAddress", "The same as SearchKeyword."),
				optional("RecordsPerRequest", "The size of the page, 25 if not given and at most 1000."),
				optional("RecordsFrom", "How many people to pass over."),
			},
			Codes: slices.Concat(reportCodes, []Code{
				{
					Number: 4, Shape: Message, Missing: "Activity",
					Text:    "Activity is none of open, click, bounce, unsubscription, forward and conversion.",
					Reasons: []apperr.Reason{apperr.ReasonValueInvalid},
				},
			}),
			run: b.activity,
		},
	}
}

// numericID reads a required id. A value that is no number is an error of its own.
func numericID(p Parameters, name string) (int64, error) {
	if err := absent(p, name); err != nil {
		return 0, err
	}
	if !numeric.MatchString(strings.TrimSpace(p.Text(name))) {
		return 0, apperr.InvalidField(name, apperr.ReasonNotNumeric, "is not numeric")
	}
	return p.ID(name), nil
}

// recipients answers Campaign.Recipients.Get. The rows are read while the response is written.
func (b *Bridge) recipients(ctx context.Context, p Parameters) (Object, error) {
	id, err := numericID(p, "CampaignID")
	if err != nil {
		return nil, err
	}
	c, err := b.Campaigns.Get(ctx, id, slices.Concat(query.CampaignColumns, campaign.ProspectColumns)...)
	if err != nil {
		return nil, err
	}
	if err := campaign.CheckProspects(c); err != nil {
		if apperr.All(err)[0].Reason == apperr.ReasonNotInStatus {
			err = &explained{err, Object{{"CampaignStatus", c.Status.Legacy()}}}
		}
		return nil, err
	}
	target, err := query.OfCampaign(c)
	if err != nil {
		return nil, err
	}
	if target, err = b.Audiences.Prepare(ctx, target); err != nil {
		return nil, err
	}
	total, err := b.Audiences.Count(ctx, target)
	if err != nil {
		return nil, err
	}
	rows := Stream(func(func(any) error) error { return nil })
	if !p.Flag("OnlyTotal") {
		fields, err := b.fieldsOf(ctx, target)
		if err != nil {
			return nil, err
		}
		rows = b.reached(ctx, target, p.Count("RecordsFrom"), p.Count("RecordsPerRequest"), fields)
	}
	return success(Member{"CampaignID", c.ID}, Member{"TotalRecipients", total}, Member{"Recipients", rows}), nil
}

// fieldsOf returns the custom fields of each list of an audience.
func (b *Bridge) fieldsOf(ctx context.Context, target query.Target) (map[int64][]*ent.CustomField, error) {
	var ids []int64
	for _, l := range target.Audience.References().Lists {
		ids = append(ids, l.ID)
	}
	found, err := b.Lists.ByIDs(ctx, ids, entlist.FieldID, entlist.FieldUserID)
	if err != nil {
		return nil, err
	}
	lists := make([]*ent.SubscriberList, 0, len(found))
	for _, l := range found {
		lists = append(lists, l)
	}
	return b.Fields.ByLists(ctx, lists, customfield.FieldName)
}

// recipientsAtOnce is how many recipients one statement reads the values of.
const recipientsAtOnce = 500

// errEnough ends the reading of an audience when a page is full.
var errEnough = errors.New("enough")

// reached reads the rows of Campaign.Recipients.Get while the response is written, with one statement
// for the values of recipientsAtOnce people. A limit of 0 means all.
func (b *Bridge) reached(
	ctx context.Context, target query.Target, offset, limit int, fields map[int64][]*ent.CustomField,
) Stream {
	return func(emit func(any) error) error {
		pass, left := offset, limit
		err := b.Audiences.Resolve(ctx, target, 0, func(found []query.Recipient) error {
			n := min(pass, len(found))
			pass, found = pass-n, found[n:]
			if limit > 0 {
				found = found[:min(left, len(found))]
				left -= len(found)
			}
			for some := range slices.Chunk(found, recipientsAtOnce) {
				if err := b.emitReached(ctx, some, fields, emit); err != nil {
					return err
				}
			}
			if limit > 0 && left == 0 {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
}

func (b *Bridge) emitReached(
	ctx context.Context, some []query.Recipient, fields map[int64][]*ent.CustomField, emit func(any) error,
) error {
	ids := make([]int64, len(some))
	for i, r := range some {
		ids[i] = r.SubscriberID
	}
	inner, held := budget.Portion(ctx, 0) // the values are released with their rows
	defer held.Close()
	values, err := b.Subscribers.Values(inner, ids)
	if err != nil {
		return err
	}
	for _, r := range some {
		row := make(Object, 0, 2+len(fields[r.ListID]))
		row = append(row, Member{"SubscriberID", r.SubscriberID}, Member{"EmailAddress", r.Email})
		for _, f := range fields[r.ListID] {
			if !slices.ContainsFunc(row, func(m Member) bool { return m.Name == f.Name }) {
				row = append(row, Member{f.Name, values[r.SubscriberID][f.ID]})
			}
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

// Sizes of the pages of the reports about one campaign.
const (
	reportSize    = 25
	maxReportSize = event.MaxActive
)

// activity answers Campaign.Recipients.Activity.Get.
func (b *Bridge) activity(ctx context.Context, p Parameters) (Object, error) {
	id, err := numericID(p, "CampaignID")
	if err != nil {
		return nil, err
	}
	c, err := b.Campaigns.Get(
		ctx, id, entcampaign.FieldUserID, entcampaign.FieldEmailID, entcampaign.FieldAbTest,
	)
	if err != nil {
		return nil, err
	}
	if err := absent(p, "Activity"); err != nil {
		return nil, err
	}
	filter := event.ActiveFilter{}
	if filter.Activity, err = event.ParseActivity(p.Text("Activity")); err != nil {
		return nil, err
	}
	for _, name := range []string{"SearchKeyword", "SearchKeyowrd", "EmailAddress"} {
		if filter.Search == "" {
			filter.Search = strings.TrimSpace(p.Text(name))
		}
	}
	size := p.Count("RecordsPerRequest")
	if size == 0 {
		size = reportSize
	}
	people, total, err := b.Events.Active(ctx, c, filter, p.Count("RecordsFrom"), min(size, maxReportSize))
	if err != nil {
		return nil, err
	}
	rows, err := b.activeRows(ctx, c, filter.Activity, people)
	if err != nil {
		return nil, err
	}
	return success(
		Member{"CampaignID", c.ID}, Member{"Activity", string(filter.Activity)}, Member{"TotalRecords", total},
		Member{"Recipients", rows},
	), nil
}

func (b *Bridge) activeRows(
	ctx context.Context, c *ent.Campaign, of event.Activity, people []event.Active,
) ([]any, error) {
	contacts, subscribers, lists, err := b.behind(ctx, people)
	if err != nil {
		return nil, err
	}
	zones, err := b.zonesOfOwners(ctx, []int64{c.UserID})
	if err != nil {
		return nil, err
	}
	emails := campaign.ContentOf(c)
	rows := make([]any, len(people))
	for i, a := range people {
		subscription, known := subscribers[a.ContactID], contacts[a.ContactID]
		var row Object
		var list *ent.SubscriberList
		if subscription != nil {
			row, list = append(row, Member{"SubscriberID", subscription.ID}), lists[subscription.ListID]
		} else {
			row = append(row, Member{"SubscriberID", 0})
		}
		if list != nil {
			row = append(row, Member{"ListID", list.ID}, Member{"ListName", list.Name})
		} else {
			row = append(row, Member{"ListID", 0}, Member{"ListName", ""})
		}
		address := ""
		if known != nil {
			address = known.Email
		}
		row = append(row, Member{"EmailAddress", address}, Member{"ActivityCount", a.Count},
			Member{"LastActivityDate", a.Last.In(zones[c.UserID]).Format(time.DateTime)})
		switch of {
		case event.ActivityBounce:
			row = append(row, Member{"BounceType", map[bool]string{true: "Hard", false: "Soft"}[a.HardBounced]})
		case event.ActivityConversion:
			row = append(row, Member{"TotalRevenue", hundredths(a.Amount)})
		}
		rows[i] = append(row, Member{"VariationEmailID", emailOf(emails, a.Variation)})
	}
	return rows, nil
}

// behind reads the contacts of people, a subscription of each, by contact, and the lists of these. The
// subscription is the one that the events name, else the first one of the contact.
func (b *Bridge) behind(ctx context.Context, people []event.Active) (
	contacts map[int64]*ent.Contact, subscribers map[int64]*ent.Subscriber, lists map[int64]*ent.SubscriberList, err error,
) {
	ids, named := make([]int64, len(people)), make([]int64, 0, len(people))
	for i, a := range people {
		ids[i] = a.ContactID
		if a.SubscriberID != 0 {
			named = append(named, a.SubscriberID)
		}
	}
	if contacts, err = b.Contacts.ByIDs(ctx, ids, contact.FieldEmail); err != nil {
		return nil, nil, nil, err
	}
	found, err := b.Subscribers.ByIDs(ctx, named, entsubscriber.FieldListID)
	if err != nil {
		return nil, nil, nil, err
	}
	subscribers = map[int64]*ent.Subscriber{}
	var without []int64
	for _, a := range people {
		if s := found[a.SubscriberID]; s != nil {
			subscribers[a.ContactID] = s
		} else {
			without = append(without, a.ContactID)
		}
	}
	others, err := b.Subscribers.OfContacts(ctx, without, page.Request{First: new(1)}, entsubscriber.FieldListID)
	if err != nil {
		return nil, nil, nil, err
	}
	for id, some := range others {
		if len(some.Items) > 0 {
			subscribers[id] = some.Items[0]
		}
	}
	var of []int64
	for _, s := range subscribers {
		if !slices.Contains(of, s.ListID) {
			of = append(of, s.ListID)
		}
	}
	lists, err = b.Lists.ByIDs(ctx, of, entlist.FieldName)
	return contacts, subscribers, lists, err
}

// emailOf returns the email of a variation, of the only email if there is no variation, or 0.
func emailOf(emails []int64, variation int64) int64 {
	switch {
	case variation >= 1 && variation <= int64(len(emails)):
		return emails[variation-1]
	case variation == 0 && len(emails) == 1:
		return emails[0]
	default:
		return 0
	}
}

// hundredths returns an amount as text with two decimals.
func hundredths(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}
