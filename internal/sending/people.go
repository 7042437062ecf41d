package sending

import (
	"context"
	stdsql "database/sql"

	"campaignql/ent"
	"campaignql/ent/fieldvalue"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// person is a recipient as it is known at the moment of the begin.
type person struct {
	contact, subscriber, list int64
	address                   address.Address
	status                    kind.SubscriberStatus
	ip                        string
	subscribed, optedIn       store.Instant
	listName                  string
	// skip is why the person must not get the campaign any more, or "".
	skip kind.SkipReason
}

// people reads the persons of recipients, in their order. What was committed before the read counts:
// who unsubscribed before is not written to.
func (s *Service) people(ctx context.Context, rows []*ent.RunRecipient) ([]person, error) {
	people := make([]person, len(rows))
	keys := make([][]any, len(rows))
	for i, row := range rows {
		people[i] = person{contact: row.ContactID, subscriber: row.SubscriberID, skip: kind.SkippedDeleted}
		keys[i] = []any{int64(i), row.ContactID, row.SubscriberID}
	}
	r := s.db.Raw(ctx)
	names := []string{"i", "c", "p"}
	t := r.Given(names, keys)
	t.WriteString("SELECT d.i,c.email,c.email_key,c.deliverability,p.status,p.list_id,p.subscription_ip," +
		"p.subscribed_at,p.opted_in_at,l.name,EXISTS (SELECT 1 FROM suppressions x" +
		" WHERE x.user_id=c.user_id AND x.email_key=c.email_key) FROM ")
	r.Derived(t, names, keys)
	// The contact of a subscription changes with its address: then the person is another one.
	t.WriteString(" JOIN contacts c ON c.id=d.c JOIN subscribers p ON p.id=d.p AND p.contact_id=d.c" +
		" JOIN subscriber_lists l ON l.id=p.list_id")
	err := r.Query(ctx, t, func(rows store.Rows) error {
		var i int
		var p person
		var email string
		var key stdsql.NullString
		var bounce kind.BounceType
		var suppressed bool
		err := rows.Scan(&i, &email, &key, &bounce, &p.status, &p.list, &p.ip, &p.subscribed, &p.optedIn, &p.listName,
			&suppressed)
		if err != nil {
			return err
		}
		p.contact, p.subscriber = people[i].contact, people[i].subscriber
		p.skip = skipReason(p.status, bounce, key.Valid, suppressed)
		if p.skip == "" {
			var bad error
			if p.address, bad = address.Parse(email); bad != nil {
				p.skip = kind.SkippedInvalidAddress
			}
		}
		people[i] = p
		return nil
	})
	return people, err
}

// skipReason returns why somebody must not be written to, or "".
func skipReason(status kind.SubscriberStatus, bounce kind.BounceType, known, suppressed bool) kind.SkipReason {
	switch {
	case !known: // forgotten
		return kind.SkippedDeleted
	case status != kind.SubscriberSubscribed:
		return kind.SkippedUnsubscribed
	case suppressed:
		return kind.SkippedSuppressed
	case bounce == kind.BounceHard:
		return kind.SkippedBounced
	case bounce == kind.BounceInvalid:
		return kind.SkippedInvalidAddress
	default:
		return ""
	}
}

// values reads the values of custom fields of a burst, by subscriber and field.
func (s *Service) values(ctx context.Context, burst []recipient) (map[int64]map[int64]string, error) {
	ids := map[int64]bool{}
	var fields []int64
	for _, r := range burst {
		for _, field := range r.content.needs.Fields {
			if !ids[field] {
				ids[field] = true
				fields = append(fields, field)
			}
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	people := make([]int64, len(burst))
	for i, r := range burst {
		people[i] = r.subscriber
	}
	rows, err := s.db.Client(ctx).FieldValue.Query().
		Where(fieldvalue.SubscriberIDIn(people...), fieldvalue.CustomFieldIDIn(fields...)).
		Select(fieldvalue.FieldSubscriberID, fieldvalue.FieldCustomFieldID, fieldvalue.FieldText).All(ctx)
	values := map[int64]map[int64]string{}
	for _, row := range rows {
		if values[row.SubscriberID] == nil {
			values[row.SubscriberID] = map[int64]string{}
		}
		values[row.SubscriberID][row.CustomFieldID] = row.Text
	}
	return values, err
}
