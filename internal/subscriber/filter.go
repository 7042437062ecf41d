package subscriber

import (
	"context"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent/fieldvalue"
	"campaignql/ent/predicate"
	entsegment "campaignql/ent/segment"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/ent/suppression"
	"campaignql/internal/apperr"
	"campaignql/internal/audience"
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

// ReadSegment reads a segment of a list: one by state, as the legacy API spells it and ignoring case. Anything else is NotFound, reason
// "segment_not_found", on the field segment, but for the id of a segment of that list: segments by rules cannot be listed, which is Invalid on it, reason
// "segment_by_rules".
func (s *Service) ReadSegment(ctx context.Context, listID int64, text string) (Segment, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return Everyone, err
	}
	text = strings.TrimSpace(text)
	for _, known := range segments {
		if strings.EqualFold(text, string(known)) {
			return known, nil
		}
	}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		exists, err := s.db.Client(ctx).Segment.Query().Where(entsegment.ID(id), entsegment.ListID(listID)).Exist(ctx)
		if err != nil {
			return Everyone, store.Translate(err)
		}
		if exists {
			return Everyone, apperr.InvalidField("segment", "segment_by_rules", "segments by rules cannot be listed")
		}
	}
	return Everyone, &apperr.Error{Code: apperr.NotFound, Field: "segment", Reason: "segment_not_found", Message: "the list has no such segment"}
}

// Filter chooses subscribers of one list. It is for the caller to know that the list is its own: of another's it chooses nobody.
type Filter struct {
	ListID  int64
	Segment Segment
	// Search is a part of a field, without regard to case; "%" and "_" stand for themselves. Empty searches nothing.
	Search string
	// SearchIn is the field: audience.EmailAddress (the default), SubscriptionIP or SubscriberID, which is compared whole. SearchField outranks it.
	SearchIn audience.FieldName
	// SearchField is the id of the custom field to search in, in the first 255 characters of its values.
	SearchField int64
}

func (f Filter) predicates() []predicate.Subscriber {
	chosen := []predicate.Subscriber{entsubscriber.ListID(f.ListID)}
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
	if f.Search != "" {
		chosen = append(chosen, f.search())
	}
	return chosen
}

// active chooses those who are written to.
func active() predicate.Subscriber {
	return entsubscriber.And(
		entsubscriber.StatusEQ(kind.SubscriberSubscribed), entsubscriber.BounceNEQ(kind.BounceHard), entsubscriber.Not(suppressed),
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
			))))
		}
	}
	switch f.SearchIn {
	case audience.EmailAddress, "":
		return entsubscriber.EmailKeyContains(part)
	case audience.SubscriptionIP:
		return entsubscriber.SubscriptionIPContains(part)
	case audience.SubscriberID:
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
