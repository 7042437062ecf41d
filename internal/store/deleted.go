package store

import (
	"context"
	"strings"

	entgo "entgo.io/ent"
	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/audiencepurge"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/subscriber"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/kind"
)

type deletedKey struct{}

// WithDeleted returns a context whose queries also see rows that are deleted but not yet purged.
// Only code that purges should use it.
func WithDeleted(ctx context.Context) context.Context {
	return context.WithValue(ctx, deletedKey{}, true)
}

// hide is the only place that hides rows that are deleted but not yet purged. It applies to every
// query of the client for subscribers, field values or taggings, including queries of the server
// itself. It leaves out the subscribers of deleted lists, the values of deleted fields, the
// taggings of deleted tags, and the values and taggings of subscribers of deleted lists. It does
// not apply to updates and deletes: these act on rows that were already found, and the purge locks
// subscribers before it deletes them.
func hide(client *ent.Client) {
	ofPerson := func(s *sql.Selector, column string) *sql.Predicate { return ofDeletedList(s.C(column)) }
	client.Subscriber.Intercept(hiding(func(s *sql.Selector) *sql.Predicate {
		return NotDeleted(kind.DeletedList, s.C(subscriber.FieldListID))
	}))
	client.FieldValue.Intercept(hiding(func(s *sql.Selector) *sql.Predicate {
		return unless(ofPerson(s, fieldvalue.FieldSubscriberID), s.C(fieldvalue.FieldCustomFieldID), kind.DeletedField)
	}))
	client.SubscriberTagging.Intercept(hiding(func(s *sql.Selector) *sql.Predicate {
		column := s.C(subscribertagging.FieldSubscriberTagID)
		return unless(ofPerson(s, subscribertagging.FieldSubscriberID), column, kind.DeletedTag)
	}))
}

func hiding(kept func(*sql.Selector) *sql.Predicate) ent.Interceptor {
	return entgo.TraverseFunc(func(ctx context.Context, query entgo.Query) error {
		if ctx.Value(deletedKey{}) != nil {
			return nil
		}
		visible := func(s *sql.Selector) { beside(s, kept(s)) }
		switch q := query.(type) {
		case *ent.SubscriberQuery:
			q.Where(visible)
		case *ent.FieldValueQuery:
			q.Where(visible)
		case *ent.SubscriberTaggingQuery:
			q.Where(visible)
		}
		return nil
	})
}

// NotDeleted returns the condition that the object named by a column, of the given kind, is not
// waiting to be purged. Use it in subqueries and in statements of other packages; Ent queries
// already have it.
//
// If nothing of the kind waits to be purged, the database evaluates the condition once for the
// whole statement, at no cost for each row. The condition is an OR, so that no database turns it
// into a join and changes the plan of the rest.
func NotDeleted(what kind.Deleted, column string) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString("(NOT EXISTS (" + waiting("1", what) + ") OR " +
			column + " NOT IN (" + waiting(audiencepurge.FieldTargetID, what) + "))")
	})
}

// unless is NotDeleted for rows that are also hidden if ofDeleted is true, that is, if their
// subscriber is on a deleted list.
func unless(ofDeleted *sql.Predicate, column string, what kind.Deleted) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString("(NOT EXISTS (" + waiting("1", kind.DeletedList, what) + ") OR " +
			column + " NOT IN (" + waiting(audiencepurge.FieldTargetID, what) + ") AND NOT ")
		b.Join(ofDeleted).WriteByte(')')
	})
}

// ofDeletedList returns the condition that a column names a subscriber of a list that waits to be
// purged.
func ofDeletedList(column string) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString("EXISTS (SELECT 1 FROM `" + subscriber.Table + "` AS `gone` WHERE `gone`.`" +
			subscriber.FieldID + "` = " + column + " AND `gone`.`" + subscriber.FieldListID + "` IN (" +
			waiting(audiencepurge.FieldTargetID, kind.DeletedList) + "))")
	})
}

// waiting returns a subquery that selects a column of the objects that wait to be purged. It does
// not check their owner, because ids are never reused.
func waiting(column string, kinds ...kind.Deleted) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = "'" + string(k) + "'"
	}
	return "SELECT " + column + " FROM `" + audiencepurge.Table + "` WHERE `" + audiencepurge.FieldKind + "` IN (" +
		strings.Join(texts, ", ") + ")"
}
