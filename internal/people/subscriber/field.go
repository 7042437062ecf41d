package subscriber

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entgo.io/ent/dialect"

	"campaignql/ent"
	"campaignql/ent/customfield"
	"campaignql/ent/fieldvalue"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// maxValue is the maximum length of a custom field value, in characters.
	maxValue = 10_000
	// maxValueKey is the number of characters of a value that are compared and searched.
	maxValueKey = 255
	// firstYear and lastYear are the range of years that MySQL can store.
	firstYear = 1000
	lastYear  = 9999
)

// Fields returns the custom fields that the subscribers of a list may have, by id: the fields of
// the list and the fields of every list of its account. The list needs id and user_id. Fields runs
// one statement.
func (s *Service) Fields(ctx context.Context, list *ent.SubscriberList) ([]*ent.CustomField, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	fields, err := s.fields(ctx, list)
	return fields, store.Translate(err)
}

func (s *Service) fields(ctx context.Context, list *ent.SubscriberList) ([]*ent.CustomField, error) {
	return s.db.Client(ctx).CustomField.Query().
		Where(customfield.UserID(list.UserID), customfield.Or(customfield.ListID(list.ID), customfield.ListIDIsNil())).
		Order(customfield.ByID()).
		All(ctx)
}

// Values returns the values of the custom fields of each subscriber as text, by the id of the
// field, in one statement. A subscriber without values, or one that the caller cannot see, is
// absent.
func (s *Service) Values(ctx context.Context, subscriberIDs []int64) (map[int64]map[int64]string, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	rows, err := s.db.Client(ctx).FieldValue.Query().Where(fieldvalue.SubscriberIDIn(subscriberIDs...)).
		Select(fieldvalue.FieldSubscriberID, fieldvalue.FieldCustomFieldID, fieldvalue.FieldText).
		All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	values := map[int64]map[int64]string{}
	for _, row := range rows {
		if values[row.SubscriberID] == nil {
			values[row.SubscriberID] = map[int64]string{}
		}
		values[row.SubscriberID][row.CustomFieldID] = row.Text
	}
	return values, nil
}

// fieldValue is a value as it is stored: the text, and for types with another comparison also the
// number or the date.
type fieldValue struct {
	field  *ent.CustomField
	text   string
	number *float64
	date   *time.Time
}

// readValues parses the given values, keyed by the id of their field. The error holds all faults,
// on the fields "fields.<id>". A value for a field that the list does not have is a fault, or is
// ignored if knownOnly is set.
func readValues(fields []*ent.CustomField, given map[int64]string, knownOnly bool) ([]fieldValue, error) {
	var faults apperr.Faults
	var values []fieldValue
	known := map[int64]bool{}
	for _, field := range fields {
		known[field.ID] = true
		text, sent := given[field.ID]
		if !sent {
			continue
		}
		value, problem := readValue(field, strings.TrimSpace(kind.Clean(text)))
		if problem != "" {
			faults.Add(apperr.InvalidField(
				fmt.Sprintf("fields.%d", field.ID), apperr.ReasonCustomFieldInvalid, "the custom field %d (%s) %s",
				field.ID, field.Name, problem,
			))
		}
		values = append(values, value)
	}
	if !knownOnly {
		var strange []int64
		for id := range given {
			if !known[id] {
				strange = append(strange, id)
			}
		}
		slices.Sort(strange)
		for _, id := range strange {
			faults.Add(apperr.InvalidField(
				fmt.Sprintf("fields.%d", id), apperr.ReasonCustomFieldNotFound, "the list has no custom field %d", id,
			))
		}
	}
	return values, faults.Err()
}

// readValue parses one value. It returns a description of the problem if the value is invalid. An
// empty value clears the field, for every type.
func readValue(field *ent.CustomField, text string) (value fieldValue, problem string) {
	value = fieldValue{field: field, text: text}
	if text == "" {
		return value, ""
	}
	if utf8.RuneCountInString(text) > maxValue {
		return value, fmt.Sprintf("must have at most %d characters", maxValue)
	}
	switch field.Type {
	case kind.FieldNumber:
		number, ok := Number(text)
		if !ok {
			return value, fmt.Sprintf("must be a number, such as 12.5, of at most %d", MaxNumber)
		}
		value.number = &number
	case kind.FieldDate:
		moment, ok := rules.ParseMoment(text)
		if !ok || moment.Wall.Year() < firstYear {
			return value, "must be a date, YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"
		}
		value.date = &moment.Wall // dates of people have no zone: the wall clock time is stored as UTC
	case kind.FieldBoolean:
		yes, ok := readBoolean(text)
		if !ok {
			return value, "must be true or false"
		}
		value.number = &yes
		value.text = strconv.FormatFloat(yes, 'f', 0, 64)
	case kind.FieldChoice:
		choice, ok := readChoice(field.Choices, text)
		if !ok {
			return value, "must be one of its choices"
		}
		value.text = choice
	case kind.FieldText:
	}
	return value, ""
}

// readBoolean parses a boolean and returns 1 or 0.
func readBoolean(text string) (yes float64, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on":
		return 1, true
	case "false", "0", "no", "off":
		return 0, true
	default:
		return 0, false
	}
}

// readChoice searches for a text among the choices of a field, ignoring case, and returns the
// choice in its declared spelling. A field without declared choices accepts any text.
func readChoice(declared, text string) (string, bool) {
	if declared == "" {
		return text, true
	}
	var choices []string
	if err := json.Unmarshal([]byte(declared), &choices); err != nil {
		return "", false
	}
	for _, choice := range choices {
		if kind.Fold(choice, maxValue) == kind.Fold(text, maxValue) {
			return choice, true
		}
	}
	return "", false
}

// personValue is the value of a field of one subscriber.
type personValue struct {
	subscriberID int64
	fieldValue
}

// valuesAtOnce is the number of values per statement. SQLite accepts 32,766 arguments, and a value
// has up to 4.
const valuesAtOnce = 5000

// valueColumns are the columns of a value: its owner, its key, and the columns that an update
// overwrites.
var valueColumns = []string{
	fieldvalue.FieldUserID, fieldvalue.FieldSubscriberID, fieldvalue.FieldCustomFieldID, fieldvalue.FieldText,
	fieldvalue.FieldTextKey, fieldvalue.FieldNumber, fieldvalue.FieldDate,
}

func orNull[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}

// writeValues sets values of custom fields of the subscribers of one account. An empty text deletes
// the value.
func (s *Service) writeValues(ctx context.Context, ownerID int64, values []personValue) error {
	raw := s.db.Raw(ctx)
	cleared := map[int64][]int64{} // the people by field
	rows := make([][]any, 0, len(values))
	for _, v := range values {
		if v.text == "" {
			cleared[v.field.ID] = append(cleared[v.field.ID], v.subscriberID)
			continue
		}
		rows = append(rows, []any{
			ownerID, v.subscriberID, v.field.ID,
			v.text, kind.Fold(v.text, maxValueKey), orNull(v.number), orNull(v.date),
		})
	}
	for some := range store.Portions(rows, valuesAtOnce) {
		if err := raw.Upsert(
			ctx, fieldvalue.Table, valueColumns, some, valueColumns[1:3], valueColumns[3:],
		); err != nil {
			return err
		}
	}
	if len(cleared) == 0 {
		return nil
	}
	return clearValues(ctx, s.db.Client(ctx).FieldValue, cleared)
}

// holdFields locks the fields of written values with shared locks until the transaction ends, so
// that no value refers to a deleted field. It runs last, so that the locks are short. Several
// transactions may hold locks on the same fields. If a field was deleted, the transaction runs
// again. SQLite needs no locks, because its write transactions never run concurrently.
func (s *Service) holdFields(ctx context.Context, written []personValue) error {
	if len(written) == 0 || s.db.Dialect() != dialect.MySQL {
		return nil
	}
	distinct := map[int64]bool{}
	for _, v := range written {
		distinct[v.field.ID] = true
	}
	ids := make([]any, 0, len(distinct))
	for _, id := range slices.Sorted(maps.Keys(distinct)) {
		ids = append(ids, id)
	}
	raw := s.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT id FROM custom_fields WHERE id IN (")
	t.List(ids)
	t.WriteString(") ORDER BY id LOCK IN SHARE MODE") // MariaDB does not support FOR SHARE
	held := 0
	if err := raw.Query(ctx, t, func(store.Rows) error { held++; return nil }); err != nil {
		return err
	}
	if held < len(ids) {
		return store.ErrStale
	}
	return nil
}

// clearValues deletes values, one batch of people per statement.
func clearValues(ctx context.Context, client *ent.FieldValueClient, cleared map[int64][]int64) error {
	for _, fieldID := range slices.Sorted(maps.Keys(cleared)) {
		for some := range slices.Chunk(cleared[fieldID], MaxRows) {
			if _, err := client.Delete().
				Where(fieldvalue.CustomFieldID(fieldID), fieldvalue.SubscriberIDIn(some...)).
				Exec(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
