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

// WithDeleted returns a context whose queries see what is deleted and waits to be purged too. It is
// for those who purge.
func WithDeleted(ctx context.Context) context.Context {
	return context.WithValue(ctx, deletedKey{}, true)
}

// hide is the one place where what is deleted and waits to be purged is kept from sight: every
// query of the client for people, values or taggings, also of the server itself, leaves out the
// people of deleted lists, the values of deleted fields, the taggings of deleted tags, and what
// such people had. An update or a deletion does not: it is of rows that were found, and who purges
// locks people before they go.
func hide(client *ent.Client) {
	ofPerson := func(s *sql.Selector, column string) *sql.Predicate { return ofDeletedList(s.C(column)) }
	client.Subscriber.Intercept(
		hiding(
			func(s *sql.Selector) *sql.Predicate { return NotDeleted(kind.DeletedList, s.C(subscriber.FieldListID)) },
		),
	)
	client.FieldValue.Intercept(hiding(func(s *sql.Selector) *sql.Predicate {
		return unless(ofPerson(s, fieldvalue.FieldSubscriberID), s.C(fieldvalue.FieldCustomFieldID), kind.DeletedField)
	}))
	client.SubscriberTagging.Intercept(hiding(func(s *sql.Selector) *sql.Predicate {
		return unless(
			ofPerson(s, subscribertagging.FieldSubscriberID), s.C(subscribertagging.FieldSubscriberTagID),
			kind.DeletedTag,
		)
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

// NotDeleted is the condition that a column names nothing of a kind that is deleted and waits to be
// purged. It is for subqueries and for statements of other packages; queries of Ent have it
// already. Where nothing of the kind waits it is decided once for the whole statement, so that it
// costs nothing for a row, and it stands in an OR, so that no database makes a join of it and plans
// the rest otherwise.
func NotDeleted(what kind.Deleted, column string) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString(
			"(NOT EXISTS (" + waiting(
				"1", what,
			) + ") OR " + column + " NOT IN (" + waiting(
				audiencepurge.FieldTargetID, what,
			) + "))",
		)
	})
}

// unless is NotDeleted for rows that go with their people too.
func unless(ofDeleted *sql.Predicate, column string, what kind.Deleted) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString(
			"(NOT EXISTS (" + waiting(
				"1", kind.DeletedList, what,
			) + ") OR " + column + " NOT IN (" + waiting(
				audiencepurge.FieldTargetID, what,
			) + ") AND NOT ",
		)
		b.Join(ofDeleted).WriteByte(')')
	})
}

// ofDeletedList holds where a column names somebody on a list that waits to be purged.
func ofDeletedList(column string) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.WriteString(
			"EXISTS (SELECT 1 FROM `" + subscriber.Table + "` AS `gone` WHERE `gone`.`" + subscriber.FieldID + "` = " + column +
				" AND `gone`.`" + subscriber.FieldListID + "` IN (" + waiting(
				audiencepurge.FieldTargetID,
				kind.DeletedList,
			) + "))",
		)
	})
}

// waiting selects of what waits to be purged. Whose it is need not be asked: no number is given twice.
func waiting(column string, kinds ...kind.Deleted) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = "'" + string(k) + "'"
	}
	return "SELECT " + column + " FROM `" + audiencepurge.Table + "` WHERE `" + audiencepurge.FieldKind + "` IN (" + strings.Join(
		texts, ", ",
	) + ")"
}
