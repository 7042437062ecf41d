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
	"campaignql/internal/store"
)

// Segment is a part of a list by the state of its people.
type Segment string

const (
	// Everyone: all that are on the list, in whatever state.
	Everyone Segment = ""
	// Active: those who are written to: subscribed, not bounced hard, not suppressed.
	Active Segment = "Active"
	// Pending: those who have not confirmed yet.
	Pending Segment = "Opt-in pending"
	// Unsubscribed: those who have left.
	Unsubscribed Segment = "Unsubscribed"
	// Suppressed: those whose address the account never writes to, in whatever other state.
	Suppressed Segment = "Suppressed"
	// SoftBounced and HardBounced: those to whom mail came back, in whatever other state.
	SoftBounced Segment = "Soft bounced"
	HardBounced Segment = "Hard bounced"
)

var segments = []Segment{Everyone, Active, Pending, Unsubscribed, Suppressed, SoftBounced, HardBounced}

// ReadSegment narrows a filter to a segment of its list: one by state, as the legacy API spells it
// and ignoring case, or a segment by rules by its id, as InSegment does. Anything else is NotFound,
// reason "segment_not_found", on the field segment.
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
	id, err := strconv.ParseUint(text, 10, 63) // which has no sign
	if err != nil {
		return filter, noSegment()
	}
	return s.inSegment(ctx, filter, int64(id), entsegment.ListID(filter.ListID))
}

// InSegment narrows a filter to the people of a segment by rules: those on its list who are Active
// and for whom the rules hold. Of another list it chooses nobody. A segment that is not the
// caller's, or is not at all, is NotFound, reason "segment_not_found", on the field segment. Rules
// that cannot be evaluated any more are the errors of Rules. It reads what the rules name; the
// rules themselves are evaluated by the statements the filter is used in.
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

// Filter chooses subscribers of one list: every condition that is given must hold. It is for the
// caller to know that the list is its own: of another's it chooses nobody.
type Filter struct {
	ListID  int64
	Segment Segment
	// rules is the condition of a segment by rules, and rulesOf the list of the segment; nil for
	// none. InSegment and ReadSegment set them.
	rules   predicate.Subscriber
	rulesOf int64
	// Statuses and Bounces, if not nil, are the states to keep; an empty list keeps none.
	Statuses []kind.SubscriberStatus
	Bounces  []kind.BounceType
	// Suppressed keeps those whose address is, or is not, suppressed.
	Suppressed *bool
	// Addresses, if not nil, are the addresses to keep, in any case.
	Addresses []string
	// SubscribedFrom (itself included) and SubscribedTo (not included) bound the date of subscription.
	SubscribedFrom, SubscribedTo *time.Time
	// TagsAnyOf, TagsAllOf and TagsNoneOf, if not nil, are ids of subscriber tags.
	TagsAnyOf, TagsAllOf, TagsNoneOf []int64
	// Search is a part of a field, without regard to case; "%" and "_" stand for themselves. Empty searches nothing.
	Search string
	// SearchIn is the field: rules.EmailAddress (the default), SubscriptionIP or SubscriberID,
	// which is compared whole. SearchField outranks it.
	SearchIn rules.FieldName
	// SearchField is the id of the custom field to search in, in the first 255 characters of its values.
	SearchField int64
}

func (f Filter) predicates() []predicate.Subscriber {
	return append(f.conditions(), entsubscriber.ListID(f.ListID))
}

// conditions are those of the filter but for the list.
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
		chosen = append(chosen, entsubscriber.BounceEQ(kind.BounceHard))
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
		for i, address := range f.Addresses {
			keys[i] = AddressKey(address)
		}
		chosen = append(chosen, entsubscriber.EmailKeyIn(keys...))
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

// tagged chooses those who carry one of the tags. The tagging must be of the account of the person.
func tagged(ids []int64) predicate.Subscriber {
	return func(s *sql.Selector) {
		if len(ids) == 0 {
			s.Where(sql.False())
			return
		}
		any := make([]any, len(ids))
		for i, id := range ids {
			any[i] = id
		}
		taggings := sql.Table(subscribertagging.Table)
		s.Where(sql.Exists(sql.Select(taggings.C(subscribertagging.FieldSubscriberTagID)).From(taggings).Where(sql.And(
			sql.ColumnsEQ(taggings.C(subscribertagging.FieldSubscriberID), s.C(entsubscriber.FieldID)),
			sql.ColumnsEQ(taggings.C(subscribertagging.FieldUserID), s.C(entsubscriber.FieldUserID)),
			sql.In(taggings.C(subscribertagging.FieldSubscriberTagID), any...),
			store.NotDeleted(kind.DeletedTag, taggings.C(subscribertagging.FieldSubscriberTagID)),
		))))
	}
}

// size is how many values the conditions bind, roughly.
func (f Filter) size() int {
	return 10 + len(
		f.Statuses,
	) + len(
		f.Bounces,
	) + len(
		f.Addresses,
	) + len(
		f.TagsAnyOf,
	) + len(
		f.TagsAllOf,
	) + len(
		f.TagsNoneOf,
	)
}

// active chooses those who are written to.
func active() predicate.Subscriber {
	return entsubscriber.And(
		entsubscriber.StatusEQ(
			kind.SubscriberSubscribed,
		),
		entsubscriber.BounceNEQ(kind.BounceHard),
		entsubscriber.Not(suppressed),
	)
}

// suppressed chooses those whose address is on the suppression list of their account.
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
		return entsubscriber.EmailKeyContains(part)
	case rules.SubscriptionIP:
		return entsubscriber.SubscriptionIPContains(part)
	case rules.SubscriberID:
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nobody
		}
		return entsubscriber.ID(id)
	default:
		return nobody
	}
}

// nobody is chosen where something is searched in a field that no one has.
func nobody(s *sql.Selector) { s.Where(sql.False()) }

// heavy reports whether a page in an order may have to read everybody on the list, however few it
// shows: where no index has the order, and where a condition chooses few of those whom the index
// has. The index of an order serves conditions on its own column too, and one of addresses those.
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
