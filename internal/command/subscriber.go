package command

import (
	"context"
	"net/netip"
	"strings"
	"unicode"

	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
)

func (b *Bridge) subscriberCommands() []Command {
	return []Command{
		{
			Name:      "Subscriber.Subscribe",
			Operation: "addSubscribers",
			Scope:     kind.ScopeWrite,
			Doc:       "Puts an email address onto a list, or back onto one that it had left. On a list with double opt-in it is pending until it is confirmed.",
			Parameters: []Parameter{
				required("ListID", "The list."),
				required("EmailAddress", "The address."),
				required("IPAddress", ipAddress),
				optional(
					"CustomFieldN",
					"The value of the custom field with the id N; Fields[CustomFieldN] is another name for it. Fields that the list does not have are ignored.",
				),
			},
			Codes: []Code{
				{Number: 1, Text: "ListID is missing", Missing: "ListID"},
				{
					Number: 2, Text: "EmailAddress is missing", Missing: "EmailAddress",
					Reasons: []apperr.Reason{apperr.ReasonSubscriberAddressRequired},
				},
				{Number: 3, Text: "IPAddress is missing", Missing: "IPAddress"},
				{Number: 4, Text: "List not found", Reasons: []apperr.Reason{apperr.ReasonListNotFound}},
				{
					Number: 5, Text: "EmailAddress is no email address",
					Reasons: []apperr.Reason{apperr.ReasonSubscriberAddressInvalid},
				},
				{
					Number: 8, Text: "The value of a custom field cannot be accepted", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonCustomFieldInvalid},
				},
				{
					Number: 9, Text: "The email address is subscribed to the list already",
					Reasons: []apperr.Reason{apperr.ReasonSubscriberExists},
				},
			},
			run: b.subscribe,
		},
		{
			Name: "Subscriber.Unsubscribe", Operation: "unsubscribe", Scope: kind.ScopeWrite,
			Doc: "Takes an email address off lists, or with RulesJSON everybody for whom the rules hold.",
			Parameters: []Parameter{
				required("ListID", "The list, or comma-separated ids of several."),
				required("EmailAddress", "The address. May be left out with SubscriberID or RulesJSON."),
				optional("SubscriberID", "A subscription of the person, instead of the address."),
				optional(
					"RulesJSON",
					"Rules, as in RulesJson of a segment, that choose people of the lists; at least one. No campaign counts those who leave by them.",
				),
				optional("RulesOperator", "and or or: what joins the rules of the outer list, as in Subscribers.Delete."),
				optional(
					"CampaignID",
					"The campaign because of which the person leaves, in whose statistics it counts once; 0, or one that is gone, counts nowhere.",
				),
				optional("IPAddress", "The IP address from which the person asked for it. It is not kept."),
				optional("Preview", "Whether to change nothing and tell what would be answered: true or false."),
			},
			Codes: []Code{
				{Number: 1, Text: "ListID is missing", Missing: "ListID"},
				{Number: 3, Text: "EmailAddress is missing", Missing: "EmailAddress"},
				{Number: 4, Text: "List not found", Reasons: []apperr.Reason{apperr.ReasonListNotFound}},
				{
					Number: 6, Text: "EmailAddress is no email address",
					Reasons: []apperr.Reason{apperr.ReasonSubscriberAddressInvalid},
				},
				{
					Number: 7, Text: "The email address is not on the list",
					Reasons: []apperr.Reason{apperr.ReasonSubscriberNotFound},
				},
				{
					Number: 7, Text: "RulesJSON cannot be used", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonAudienceInvalid},
				},
				{Number: 8, Text: "CampaignID is no id", Reasons: []apperr.Reason{apperr.ReasonIDInvalid}},
				{
					Number: 9, Text: "The email address is not subscribed to the list",
					Reasons: []apperr.Reason{apperr.ReasonNotSubscribed},
				},
				{
					Number: 11, Text: "The rules cannot be evaluated", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonAudienceNotFound, apperr.ReasonAudienceTooLarge},
				},
			},
			run: b.unsubscribe,
		},
		{
			Name: "Subscribers.Get", Operation: "list", Scope: kind.ScopeRead,
			Doc: "Lists the people on a list, with their custom fields.",
			Parameters: []Parameter{
				required("SubscriberListID", "The list."),
				optional(
					"SubscriberSegment",
					"Active, Unsubscribed, Suppressed, Soft bounced, Hard bounced or Opt-in pending, or the id of a segment of the list, for those who are Active and for whom its rules hold; everyone if not given.",
				),
				optional("RecordsPerRequest", "The size of the page; 0, or not given, for all."),
				optional("RecordsFrom", "How many people to pass over."),
				optional(
					"SearchField",
					"Where to search: EmailAddress, which it is if not given, SubscriptionIP, SubscriberID or CustomFieldN. In anything else nobody is found.",
				),
				optional(
					"SearchKeyword",
					"A part of the field, without regard to case; a SubscriberID is compared whole. SearchKeyowrd is another name for it.",
				),
				optional(
					"OrderField",
					"SubscriberID, EmailAddress, BounceType, SubscriptionStatus, SubscriptionDate, SubscriptionIP, OptInDate or UnsubscriptionDate; EmailAddress for anything else.",
				),
				optional("OrderType", "ASC or DESC."),
			},
			Codes: []Code{
				{Number: 1, Shape: Array, Text: "SubscriberListID is missing", Missing: "SubscriberListID"},
				{
					Number: 2, Shape: Array, Text: "Segment not found",
					Reasons: []apperr.Reason{apperr.ReasonSegmentNotFound},
				},
				{
					Number: 3,
					Shape:  Array,
					Text:   "The rules of the segment can no longer be evaluated",
					Detail: true,
					Reasons: []apperr.Reason{
						apperr.ReasonAudienceNotFound, apperr.ReasonAudienceInvalid, apperr.ReasonAudienceTooLarge,
					},
				},
				{Number: 4, Shape: Array, Text: "List not found", Reasons: []apperr.Reason{apperr.ReasonListNotFound}},
			},
			run: b.subscribers,
		},
		{
			Name: "Subscribers.Delete", Operation: "deleteSubscribers", Scope: kind.ScopeWrite,
			Doc: "Deletes people from a list, with their custom fields and tags. Ids that are not on the list are ignored. What campaigns have counted stays, and so do suppressions. It deletes 500 people at a time: a call that did not end with success may have deleted some of them, and the same call again deletes the others.",
			Parameters: []Parameter{
				required("SubscriberListID", "The list."),
				required("Subscribers", "Comma-separated ids of the people. May be left out with RulesJSON."),
				optional(
					"RulesJSON",
					"Rules, as in RulesJson of a segment, that choose people of the list in any state; at least one. With Subscribers too, those of them are deleted for whom the rules hold.",
				),
				optional(
					"RulesOperator",
					"and or or: what joins the rules of the outer list. If not given, that of the rules, or for a list of lists or, for other lists and.",
				),
				optional(
					"Suppressed",
					"If true, only those of the chosen people are deleted whose address is suppressed. The suppressions stay.",
				),
			},
			Codes: []Code{
				{Number: 1, Shape: Array, Text: "Subscribers are missing", Missing: "Subscribers"},
				{Number: 2, Text: "SubscriberListID is missing", Missing: "SubscriberListID"},
				{Number: 5, Text: "List not found", Reasons: []apperr.Reason{apperr.ReasonListNotFound}},
				{
					Number: 6, Text: "The rules cannot be evaluated", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonAudienceNotFound, apperr.ReasonAudienceTooLarge},
				},
				{
					Number: 7, Text: "RulesJSON cannot be used", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonAudienceInvalid},
				},
				{Number: 8, Text: "Subscribers holds something else than integers", Reasons: []apperr.Reason{apperr.ReasonIDInvalid}},
			},
			run: b.deleteSubscribers,
		},
	}
}

func (b *Bridge) subscribe(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "ListID", "EmailAddress", "IPAddress"); err != nil {
		return nil, err
	}
	made, err := b.Subscribers.Subscribe(ctx, subscriber.Subscription{
		ListID:          p.ID("ListID"),
		Email:           p.Text("EmailAddress"),
		IP:              firstIP(p.Text("IPAddress")),
		Fields:          customFields(p),
		KnownFieldsOnly: true,
	})
	if err != nil {
		return nil, err
	}
	return success(
		Member{"SubscriberID", made.ID}, Member{"RedirectURL", ""},
		Member{"Subscriber", Object{
			{"SubscriberID", made.ID}, {"EmailAddress", made.Email}, {"SubscriptionStatus", made.Status.Legacy()},
		}},
	), nil
}

// customFields reads CustomFieldN and Fields[CustomFieldN]. CustomFieldN takes precedence. Empty
// values are ignored.
func customFields(p Parameters) map[int64]string {
	given := map[int64]string{}
	read := func(name string, value any) {
		digits, ok := strings.CutPrefix(name, "customfield")
		if id := parseID(digits); ok && id != 0 {
			if text := textValue(value); strings.TrimSpace(text) != "" {
				given[id] = text
			}
		}
	}
	if inner := open(p["fields"]); inner != nil {
		for name, value := range inner.values {
			read(name, value)
		}
	}
	for name, value := range p {
		read(name, value)
	}
	return given
}

// unsubscribe answers Subscriber.Unsubscribe.
func (b *Bridge) unsubscribe(ctx context.Context, p Parameters) (Object, error) {
	needed := []string{"ListID"}
	if !p.Has("SubscriberID") && !p.Has("RulesJSON") {
		needed = append(needed, "EmailAddress")
	}
	if err := absent(p, needed...); err != nil {
		return nil, err
	}
	lists, pure := p.IDs("ListID")
	if !pure {
		lists = append(lists, 0) // a list that nobody has
	}
	leaving := subscriber.Leaving{
		ListIDs: lists, Email: strings.TrimSpace(p.Text("EmailAddress")), SubscriberID: p.ID("SubscriberID"),
		Preview: p.Flag("Preview"),
	}
	if p.Has("RulesJSON") {
		leaving.Rules, leaving.Operator = p.Text("RulesJSON"), p.Text("RulesOperator")
	}
	if campaign := p.named("CampaignID"); campaign != nil {
		if leaving.CampaignID = *campaign; leaving.CampaignID == 0 {
			return nil, apperr.InvalidField("CampaignID", apperr.ReasonIDInvalid, "is no id")
		}
	}
	if err := b.Subscribers.Leave(ctx, leaving); err != nil {
		return nil, err
	}
	return success(Member{"RedirectURL", ""}), nil
}

// ipAddress describes the parameter IPAddress.
const ipAddress = "The IP address from which the person asked for it. Of a forwarded chain the first valid one counts; one that is none is not kept."

// firstIP returns the first IP address of a text such as a chain of X-Forwarded-For, or "".
func firstIP(text string) string {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }) {
		if host, err := netip.ParseAddrPort(part); err == nil {
			part = host.Addr().String()
		}
		if ip, err := netip.ParseAddr(strings.Trim(part, "[]")); err == nil {
			return ip.WithZone("").String()
		}
	}
	return ""
}

// subscribers answers Subscribers.Get. The rows are read while the response is written.
func (b *Bridge) subscribers(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "SubscriberListID"); err != nil {
		return nil, err
	}
	l, err := b.Lists.Get(ctx, p.ID("SubscriberListID"), entlist.FieldID, entlist.FieldUserID)
	if err != nil {
		return nil, err
	}
	filter, err := b.Subscribers.ReadSegment(ctx, subscriberFilter(p, l.ID), p.Text("SubscriberSegment"))
	if err != nil {
		return nil, err
	}
	total, err := b.Subscribers.Count(ctx, filter)
	if err != nil {
		return nil, err
	}
	fields, err := b.Subscribers.Fields(ctx, l)
	if err != nil {
		return nil, err
	}
	zones, err := b.zonesOfOwners(ctx, []int64{l.UserID})
	if err != nil {
		return nil, err
	}
	rows := b.people(ctx, p, filter, shape{fields: fields, zone: zones[l.UserID]})
	return success(Member{"Subscribers", rows}, Member{"TotalSubscribers", total}), nil
}

// deleteSubscribers answers Subscribers.Delete.
func (b *Bridge) deleteSubscribers(ctx context.Context, p Parameters) (Object, error) {
	needed := []string{"SubscriberListID"}
	if !p.Has("RulesJSON") {
		needed = append(needed, "Subscribers")
	}
	if err := absent(p, needed...); err != nil {
		return nil, err
	}
	removal := subscriber.Removal{
		ListID: p.ID("SubscriberListID"), Rules: p.Text("RulesJSON"), Operator: p.Text("RulesOperator"),
		Suppressed: p.Flag("Suppressed"),
	}
	if p.Has("Subscribers") {
		var whole bool
		if removal.IDs, whole = p.Integers("Subscribers"); !whole {
			return nil, apperr.InvalidField("Subscribers", apperr.ReasonIDInvalid, "holds something else than integers")
		}
	}
	if _, err := b.Subscribers.DeleteFrom(ctx, removal); err != nil {
		return nil, err
	}
	return success(Member{"ErrorText", ""}), nil
}

// subscriberFilter reads the search of Subscribers.Get.
func subscriberFilter(p Parameters, listID int64) subscriber.Filter {
	filter := subscriber.Filter{ListID: listID, Search: p.Text("SearchKeyword")}
	if filter.Search == "" {
		filter.Search = p.Text("SearchKeyowrd") // the misspelling of the old reference
	}
	field := strings.TrimSpace(p.Text("SearchField"))
	if digits, ok := strings.CutPrefix(fold(field), "customfield"); ok && parseID(digits) != 0 {
		filter.SearchField = parseID(digits)
		return filter
	}
	filter.SearchIn = searchIn(field)
	return filter
}
