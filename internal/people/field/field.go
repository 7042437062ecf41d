// Package field owns the custom fields of people: their names, types and choices, and whether a
// field belongs to one list or to every list of its account. It must not know the values that
// people have in the fields, except that the deletion of a field also deletes its values.
package field

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/ent/customfield"
	"campaignql/ent/predicate"
	"campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

const (
	// MaxPerList is the maximum number of fields of the people of one list, including fields of
	// every list.
	MaxPerList = 250
	// MaxChoices is the maximum number of choices of a field.
	MaxChoices = 500
	// maxName and maxChoice are maximum lengths, and maxNameKey is the size of the column of the
	// folded name, all in characters.
	maxName    = 250
	maxChoice  = 250
	maxNameKey = 500
	// batch is the number of ids per statement. SQLite accepts 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Named searches for rules that name one of the fields: in a segment, or in the audience of a
	// campaign of the owners that can still be sent. It returns the field and a text that names the
	// segment or campaign, or 0. It runs in the transaction of Delete. If Named is nil, rules do
	// not prevent the deletion of a field.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// Purges deletes the remaining rows of deleted fields. If it is nil, the Service creates its
	// own, and a server notices those deletions only later.
	Purges *purge.Service
}

// Service implements the rules of custom fields. Its methods are safe for concurrent use. Each
// method acts for the caller in its context, and requires the scope read to read and write to
// write. A field of another account is NotFound, reason "custom_field_not_found", exactly like a
// field that does not exist.
//
// Methods with a columns parameter select only those columns (of package ent/customfield) and the
// ones they need themselves. Without columns they select all.
type Service struct {
	db    *store.Store
	now   func() time.Time
	named func(ctx context.Context, owners, ids []int64) (int64, string, error)

	purges *purge.Service
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.Named == nil {
		opts.Named = func(context.Context, []int64, []int64) (int64, string, error) { return 0, "", nil }
	}
	if opts.Purges == nil {
		opts.Purges = purge.New(db)
	}
	return &Service{db: db, now: opts.Now, named: opts.Named, purges: opts.Purges}
}

// Input is a new field.
type Input struct {
	// ListID is the list whose people have the field, or 0 for all lists of the account.
	ListID int64
	// Name has 1 to 250 characters after trimming. Two fields that one person can have must not
	// have the same name, ignoring case.
	Name string
	// Type determines how values are parsed and compared. It never changes.
	Type kind.FieldType
	// Choices are the values that a field of type choice allows, each of 1 to 250 characters.
	// Without choices all values are allowed. Other types have no choices.
	Choices []string
}

// Create creates a field. A list of another account is NotFound on listId, reason "list_not_found".
// A bad name is Invalid on name, reason "custom_field_name_required" or
// "custom_field_name_too_long". A name that is taken is a Conflict, reason "custom_field_exists".
// Invalid choices are Invalid on choices, reason "custom_field_choices_invalid". More than
// MaxPerList fields are a Conflict, reason "custom_field_limit". A second call with the same
// idempotency key within one day returns the field of the first call.
func (s *Service) Create(ctx context.Context, in Input, idempotencyKey *string) (*ent.CustomField, error) {
	who, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	var faults apperr.Faults
	in.Name = readName(&faults, in.Name)
	if !slices.Contains(in.Type.Values(), string(in.Type)) {
		faults.Add(apperr.InvalidField("type", apperr.ReasonCustomFieldTypeUnknown, "is not a known type"))
	}
	choices := readChoices(&faults, in.Type, in.Choices)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	now := store.Truncate(s.now())
	var made *ent.CustomField
	id, replayed, err := idempotency.Do(
		ctx, s.db, now, "createCustomField", idempotencyKey, in,
		func(ctx context.Context) (int64, error) {
			create := s.db.Client(ctx).CustomField.Create().SetName(in.Name).SetNameKey(kind.Fold(in.Name, maxNameKey)).
				SetType(in.Type).SetChoices(choices).SetCreatedAt(now)
			owner := who.UserID
			if in.ListID != 0 {
				list, err := s.list(ctx, in.ListID)
				if err != nil {
					return 0, err
				}
				owner = list.UserID
				create.SetListID(in.ListID)
			}
			if err := s.fits(ctx, owner, in.ListID, 0, in.Name); err != nil {
				return 0, err
			}
			var err error
			if made, err = create.SetUserID(owner).Save(ctx); err != nil {
				return 0, taken(err)
			}
			return made.ID, nil
		},
	)
	if err != nil {
		return nil, err
	}
	if replayed {
		return s.get(ctx, id, nil)
	}
	return made, nil
}

// list locks the list of a new field, so that it is not deleted concurrently.
func (s *Service) list(ctx context.Context, id int64) (*ent.SubscriberList, error) {
	query := s.db.Client(ctx).SubscriberList.Query().Where(subscriberlist.ID(id))
	query.Modify(store.Lock)
	found, err := query.Select(subscriberlist.FieldID, subscriberlist.FieldUserID).Only(ctx)
	if ent.IsNotFound(err) {
		missing := apperr.NotFoundf("list")
		missing.Field = "listId"
		return nil, missing
	}
	return found, err
}

// fits checks that the people of a list (or of every list if listID is 0) can have a field with
// this name in addition to their other fields. except is the id of the field itself if it already
// exists, or 0.
func (s *Service) fits(ctx context.Context, owner, listID, except int64, name string) error {
	beside := []predicate.CustomField{customfield.UserID(owner)}
	if listID != 0 {
		beside = append(beside, customfield.Or(customfield.ListID(listID), customfield.ListIDIsNil()))
	}
	// The lock covers the rows and also the index gaps into which a concurrent request would insert
	// a field with the same name.
	query := s.db.Client(ctx).CustomField.Query().Where(beside...)
	query.Modify(store.Lock)
	others, err := query.Select(customfield.FieldID, customfield.FieldListID, customfield.FieldNameKey).All(ctx)
	if err != nil {
		return err
	}
	key, perList, everywhere := kind.Fold(name, maxNameKey), map[int64]int{}, 0
	for _, other := range others {
		switch {
		case other.ID == except:
			continue
		case other.NameKey == key:
			return exists()
		case other.ListID == nil:
			everywhere++
		default:
			perList[*other.ListID]++
		}
	}
	most := 0
	for _, n := range perList {
		most = max(most, n)
	}
	if except == 0 && everywhere+most >= MaxPerList {
		return &apperr.Error{
			Code: apperr.Conflict, Reason: apperr.ReasonCustomFieldLimit,
			Message: "the people of a list can have no more custom fields",
		}
	}
	return nil
}

func readName(faults *apperr.Faults, given string) string {
	name := strings.TrimSpace(kind.Clean(given))
	switch {
	case name == "":
		faults.Add(apperr.InvalidField("name", apperr.ReasonCustomFieldNameRequired, "is required"))
	case utf8.RuneCountInString(name) > maxName:
		faults.Add(apperr.InvalidField(
			"name", apperr.ReasonCustomFieldNameTooLong, "must have at most %d characters", maxName,
		))
	}
	return name
}

// readChoices returns choices as they are stored: a JSON array, or "" for none.
func readChoices(faults *apperr.Faults, of kind.FieldType, given []string) string {
	if len(given) == 0 {
		return ""
	}
	refuse := func(format string, args ...any) string {
		faults.Add(apperr.InvalidField("choices", apperr.ReasonCustomFieldChoicesInvalid, format, args...))
		return ""
	}
	switch {
	case of != kind.FieldChoice:
		return refuse("are for fields of choices alone")
	case len(given) > MaxChoices:
		return refuse("must be at most %d", MaxChoices)
	}
	choices, seen := make([]string, len(given)), map[string]bool{}
	for i, text := range given {
		choices[i] = strings.TrimSpace(kind.Clean(text))
		key := kind.Fold(choices[i], 18*maxChoice)
		switch {
		case choices[i] == "" || utf8.RuneCountInString(choices[i]) > maxChoice:
			return refuse("must have 1 to %d characters each", maxChoice)
		case seen[key]:
			return refuse("must differ, without regard to case")
		}
		seen[key] = true
	}
	text, err := json.Marshal(choices)
	if err != nil {
		faults.Add(err)
	}
	return string(text)
}

// Choices returns the choices of a field. The result is empty if the field allows all values or has
// another type. It reads the column choices.
func Choices(f *ent.CustomField) []string {
	choices := []string{}
	if err := json.Unmarshal([]byte(f.Choices), &choices); err != nil {
		return []string{} // only this package writes the column; "" means no choices
	}
	return choices
}

func exists() *apperr.Error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "name", Reason: apperr.ReasonCustomFieldExists,
		Message: "a custom field of this name exists already",
	}
}

// taken translates a violation of the unique index on account, list and name to a Conflict.
func taken(err error) error { return store.Taken(err, exists()) }

func notFound() *apperr.Error {
	return &apperr.Error{
		Code: apperr.NotFound, Reason: apperr.ReasonCustomFieldNotFound, Message: "custom field not found",
	}
}
