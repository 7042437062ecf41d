package subscriber

import (
	"context"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/predicate"
	entsegment "campaignql/ent/segment"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/ent/subscribertagging"
	"campaignql/ent/suppression"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Segment is a part of a list, selected by the state of its people.
type Segment string

const (
	// Everyone selects all people on the list, in any state.
	Everyone Segment = ""
	// Active selects people who get mail: subscribed, without a hard bounce, not suppressed.
	Active Segment = "Active"
	// Pending selects people who have not confirmed yet.
	Pending Segment = "Opt-in pending"
	// Unsubscribed selects people who have unsubscribed.
	Unsubscribed Segment = "Unsubscribed"
	// Suppressed selects people whose address is on the account's suppression list, in any other
	// state.
	Suppressed Segment = "Suppressed"
	// SoftBounced and HardBounced select people whose mail bounced, in any other state.
	SoftBounced Segment = "Soft bounced"
	HardBounced Segment = "Hard bounced"
)

var segments = []Segment{Everyone, Active, Pending, Unsubscribed, Suppressed, SoftBounced, HardBounced}

// ReadSegment adds a segment to a filter: a segment by state in the legacy spelling, ignoring case,
// or the id of a segment by rules, as InSegment does. Any other text is NotFound, reason
// "segment_not_found", on the field segment.
func (s *Service) ReadSegment(ctx context.Context, filter Filter, text string) (Filter, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return filter, err
	}
	text = strings.TrimSpace(text)
	for _, known := range segments {
		if strings.EqualFold(text, string(known)) {
			filter.Segment = known
			return filter, nil
		}
	}
	id, err := strconv.ParseUint(text, 10, 63) // ParseUint, because it rejects a sign
	if err != nil {
		return filter, noSegment()
	}
	return s.inSegment(ctx, filter, int64(id), entsegment.ListID(filter.ListID))
}

// InSegment adds a segment by rules to a filter: it keeps people on the segment's list who are
// Active and match the rules. If the filter has another list, it selects nobody. A segment that
// does not exist or belongs to another account is NotFound, reason "segment_not_found", on the
// field segment. If the rules can no longer be evaluated, the errors are those of Rules. InSegment
// reads the objects that the rules name. The statements that use the filter evaluate the rules.
func (s *Service) InSegment(ctx context.Context, filter Filter, id int64) (Filter, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return filter, err
	}
	return s.inSegment(ctx, filter, id)
}

func (s *Service) inSegment(ctx context.Context, filter Filter, id int64, more ...predicate.Segment) (Filter, error) {
	row, err := s.db.Client(ctx).Segment.Query().Where(append(more, entsegment.ID(id))...).
		Select(entsegment.FieldID, entsegment.FieldUserID, entsegment.FieldListID, entsegment.FieldRules).Only(ctx)
	if ent.IsNotFound(err) {
		return filter, noSegment()
	}
	if err != nil {
		return filter, store.Translate(err)
	}
	filter.Segment, filter.rulesOf = Active, row.ListID
	filter.rules, err = s.rules.Members(ctx, row)
	return filter, err
}

func noSegment() error {
	return &apperr.Error{
		Code: apperr.NotFound, Field: "segment", Reason: apperr.ReasonSegmentNotFound,
		Message: "the list has no such segment",
	}
}

// Filter selects subscribers of one list. A subscriber matches if all given conditions are true.
// The caller must check the owner of the list; if the list belongs to another account, the filter
// selects nobody.
type Filter struct {
	ListID  int64
	Segment Segment
	// rules is the condition of a segment by rules, and rulesOf is the list of that segment. rules
	// is nil if there is none. InSegment and ReadSegment set them.
	rules   predicate.Subscriber
	rulesOf int64
	// Statuses and Bounces, if not nil, are the states to keep. An empty list keeps none.
	Statuses []kind.SubscriberStatus
	Bounces  []kind.BounceType
	// Active keeps people who get mail, as the segment Active does, or who do not.
	Active *bool
	// Suppressed keeps people whose address is, or is not, suppressed.
	Suppressed *bool
	// Addresses, if not nil, are the addresses to keep, by their keys.
	Addresses []string
	// SubscribedFrom (inclusive) and SubscribedTo (exclusive) are bounds of the subscription date.
	SubscribedFrom, SubscribedTo *time.Time
	// TagsAnyOf, TagsAllOf and TagsNoneOf, if not nil, are ids of subscriber tags.
	TagsAnyOf, TagsAllOf, TagsNoneOf []int64
	// Search is a part of a field, ignoring case. "%" and "_" have no special meaning. If it is
	// empty, nothing is searched.
	Search string
	// SearchIn is the field to search: rules.EmailAddress (the default), SubscriptionIP, or
	// SubscriberID, which must be equal to Search. SearchField takes precedence.
	SearchIn rules.FieldName
	// SearchField is the id of the custom field to search. Only the first 255 characters of its
	// values are searched.
	SearchField int64
}

func (f Filter) predicates() []predicate.Subscriber {
	return append(f.conditions(), entsubscriber.ListID(f.ListID))
}

// conditions returns the conditions of the filter without the list.
func (f Filter) conditions() []predicate.Subscriber {
	var chosen []predicate.Subscriber
	switch f.Segment {
	case Active:
		chosen = append(chosen, active())
	case Pending:
		chosen = append(chosen, entsubscriber.StatusEQ(kind.SubscriberPending))
	case Unsubscribed:
		chosen = append(chosen, entsubscriber.StatusEQ(kind.SubscriberUnsubscribed))
	case Suppressed:
		chosen = append(chosen, suppressed)
	case SoftBounced:
		chosen = append(chosen, entsubscriber.BounceEQ(kind.BounceSoft))
	case HardBounced:
		chosen = append(chosen, entsubscriber.BounceIn(undeliverable...))
	case Everyone:
	}
	if f.rules != nil {
		chosen = append(chosen, f.rules)
	}
	if f.Search != "" {
		chosen = append(chosen, f.search())
	}
	if f.Statuses != nil {
		chosen = append(chosen, entsubscriber.StatusIn(f.Statuses...))
	}
	if f.Bounces != nil {
		chosen = append(chosen, entsubscriber.BounceIn(f.Bounces...))
	}
	if f.Addresses != nil {
		keys := make([]string, len(f.Addresses))
		for i, email := range f.Addresses {
			keys[i] = address.Key(email)
		}
		chosen = append(chosen, entsubscriber.EmailKeyIn(keys...))
	}
	if f.Active != nil && *f.Active {
		chosen = append(chosen, active())
	} else if f.Active != nil {
		chosen = append(chosen, entsubscriber.Not(active()))
	}
	if f.Suppressed != nil && *f.Suppressed {
		chosen = append(chosen, suppressed)
	} else if f.Suppressed != nil {
		chosen = append(chosen, entsubscriber.Not(suppressed))
	}
	if f.SubscribedFrom != nil {
		chosen = append(chosen, entsubscriber.SubscribedAtGTE(f.SubscribedFrom.UTC()))
	}
	if f.SubscribedTo != nil {
		chosen = append(chosen, entsubscriber.SubscribedAtLT(f.SubscribedTo.UTC()))
	}
	return append(chosen, f.tags()...)
}

func (f Filter) tags() []predicate.Subscriber {
	var chosen []predicate.Subscriber
	if f.TagsAnyOf != nil {
		chosen = append(chosen, tagged(f.TagsAnyOf))
	}
	for _, id := range f.TagsAllOf {
		chosen = append(chosen, tagged([]int64{id}))
	}
	if len(f.TagsNoneOf) > 0 {
		chosen = append(chosen, entsubscriber.Not(tagged(f.TagsNoneOf)))
	}
	return chosen
}

// tagged selects people with one of the tags. The tagging must belong to the account of the person.
func tagged(ids []int64) predicate.Subscriber {
	return func(s *sql.Selector) {
		if len(ids) == 0 {
			s.Where(sql.False())
			return
		}
		taggings := sql.Table(subscribertagging.Table)
		s.Where(sql.Exists(sql.Select(taggings.C(subscribertagging.FieldSubscriberTagID)).From(taggings).Where(sql.And(
			sql.ColumnsEQ(taggings.C(subscribertagging.FieldSubscriberID), s.C(entsubscriber.FieldID)),
			sql.ColumnsEQ(taggings.C(subscribertagging.FieldUserID), s.C(entsubscriber.FieldUserID)),
			sql.In(taggings.C(subscribertagging.FieldSubscriberTagID), store.Args(ids)...),
			store.NotDeleted(kind.DeletedTag, taggings.C(subscribertagging.FieldSubscriberTagID)),
		))))
	}
}

// size is the approximate number of values that the conditions bind.
func (f Filter) size() int {
	return 10 + len(f.Statuses) + len(f.Bounces) + len(f.Addresses) +
		len(f.TagsAnyOf) + len(f.TagsAllOf) + len(f.TagsNoneOf)
}

// active selects people who get mail. Package audience/query has the same rule in SQL of its own, and a
// test that compares them.
func active() predicate.Subscriber {
	return entsubscriber.And(
		entsubscriber.StatusEQ(kind.SubscriberSubscribed),
		entsubscriber.BounceNotIn(undeliverable...),
		entsubscriber.Not(suppressed),
	)
}

// suppressed selects people whose address is on the suppression list of their account.
func suppressed(s *sql.Selector) {
	list := sql.Table(suppression.Table)
	s.Where(sql.Exists(sql.Select(list.C(suppression.FieldID)).From(list).Where(sql.And(
		sql.ColumnsEQ(list.C(suppression.FieldUserID), s.C(entsubscriber.FieldUserID)),
		sql.ColumnsEQ(list.C(suppression.FieldEmailKey), s.C(entsubscriber.FieldEmailKey)),
	))))
}

func (f Filter) search() predicate.Subscriber {
	part := kind.Fold(kind.Clean(f.Search), maxValue)
	if f.SearchField != 0 {
		return func(s *sql.Selector) {
			values := sql.Table(fieldvalue.Table)
			s.Where(sql.Exists(sql.Select(values.C(fieldvalue.FieldSubscriberID)).From(values).Where(sql.And(
				sql.ColumnsEQ(values.C(fieldvalue.FieldSubscriberID), s.C(entsubscriber.FieldID)),
				sql.ColumnsEQ(values.C(fieldvalue.FieldUserID), s.C(entsubscriber.FieldUserID)),
				sql.EQ(values.C(fieldvalue.FieldCustomFieldID), f.SearchField),
				sql.Contains(values.C(fieldvalue.FieldTextKey), part),
				store.NotDeleted(kind.DeletedField, values.C(fieldvalue.FieldCustomFieldID)),
			))))
		}
	}
	switch f.SearchIn {
	case rules.EmailAddress, "":
		return inAddress(f.Search)
	case rules.SubscriptionIP:
		return entsubscriber.SubscriptionIPContains(part)
	case rules.SubscriberID:
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nobody
		}
		return answeringTo(id)
	default:
		return nobody
	}
}

// inAddress selects people whose address contains a text. A text that is not ASCII is also looked
// for in the address as it was given, because in the key the domain is in ASCII.
func inAddress(search string) predicate.Subscriber {
	part := address.Trim(kind.Clean(search))
	var chosen []predicate.Subscriber
	for _, folded := range address.Parts(part) {
		chosen = append(chosen, entsubscriber.EmailKeyContains(folded))
	}
	if !address.IsASCII(part) {
		chosen = append(chosen, entsubscriber.EmailContains(part), entsubscriber.EmailContains(address.Fold(part)))
	}
	return entsubscriber.Or(chosen...)
}

// nobody is the condition for a search in a field that does not exist.
func nobody(s *sql.Selector) { s.Where(sql.False()) }

// heavy reports whether a page in an order may have to read the whole list, even for a few results.
// This happens if no index has the order, or if a condition keeps few of the rows in the index. The
// index of an order also serves conditions on its own column, and the index on addresses serves a
// filter by addresses.
func (f Filter) heavy(order Order) bool {
	if f.Addresses != nil && f.Search == "" && f.rules == nil {
		return false
	}
	light := Filter{ListID: f.ListID}
	switch order.Name {
	case ByAddress.Name:
	case ByStatus.Name:
		light.Statuses = f.Statuses
	case BySubscription.Name:
		light.SubscribedFrom, light.SubscribedTo = f.SubscribedFrom, f.SubscribedTo
	default:
		return true
	}
	return len(f.conditions()) > len(light.conditions())
}
