// Package field owns the custom fields of people: their names, types and choices, and whether one
// belongs to a list or to every list of its account. It must not know the values that people have
// in them, but for one thing: a field goes with its values.
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
	// MaxPerList is the most fields that the people of one list may have, those of every list included.
	MaxPerList = 250
	// MaxChoices is the most choices of a field.
	MaxChoices = 500
	// maxName and maxChoice are in characters, maxNameKey is what the column of the folded name holds.
	maxName    = 250
	maxChoice  = 250
	maxNameKey = 500
	// batch is the number of ids that one statement takes; SQLite allows 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
	// Named finds rules that name one of the fields: of a segment, or of the audience of a campaign
	// of the owners that can still be sent. It returns the field and who names it, or 0. It is
	// called in the transaction of Delete; without it rules do not keep a field.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// Purges takes what deleted fields leave behind; one of its own otherwise, which a server hears of later.
	Purges *purge.Service
}

// Service holds the rules of custom fields. Its methods may be used from many goroutines. Each acts
// for the caller of its context, and needs the scope read to read and write to write; a field of
// another account is NotFound, reason "custom_field_not_found", exactly as one that does not exist.
//
// The methods that take columns select only those (of package ent/customfield) and the ones they
// need themselves; without columns, all.
type Service struct {
	db    *store.Store
	now   func() time.Time
	named func(ctx context.Context, owners, ids []int64) (int64, string, error)

	purges *purge.Service
}

// New returns the service over an open database.
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
	// ListID is the list whose people have it; 0 for those of every list of the account.
	ListID int64
	// Name has 1 to 250 characters after trimming. No two fields that somebody may have at once
	// share a name, without regard to case.
	Name string
	// Type decides how values are read and compared, and never changes.
	Type kind.FieldType
	// Choices are the values that a field of choices allows, each of 1 to 250 characters; without
	// any it allows all. Other types have none.
	Choices []string
}

// Create makes a field. A list of another account is NotFound on listId, reason "list_not_found". A
// bad name is Invalid on name, reason "custom_field_name_required" or "custom_field_name_too_long";
// a taken one a Conflict, reason "custom_field_exists". Choices that cannot be are Invalid on
// choices, reason "custom_field_choices_invalid". More fields than MaxPerList are a Conflict,
// reason "custom_field_limit". The same idempotency key within a day answers the field of the first
// call.
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
		ctx,
		s.db,
		now,
		"createCustomField",
		idempotencyKey,
		in,
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

// list locks the list that a field is for, so that it is not deleted meanwhile.
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

// fits checks that the people of a list, or of every list where it is 0, can have a field of the
// name besides the other fields. except is the field itself where it has been made already, or 0.
func (s *Service) fits(ctx context.Context, owner, listID, except int64, name string) error {
	beside := []predicate.CustomField{customfield.UserID(owner)}
	if listID != 0 {
		beside = append(beside, customfield.Or(customfield.ListID(listID), customfield.ListIDIsNil()))
	}
	// The rows are locked, and with them the gaps that another new field of the name would take.
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
		faults.Add(
			apperr.InvalidField(
				"name", apperr.ReasonCustomFieldNameTooLong, "must have at most %d characters", maxName,
			),
		)
	}
	return name
}

// readChoices returns choices as they are stored: a JSON array, or the empty text for none.
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

// Choices returns the choices of a field; none where it allows all, or is of another type. It reads the column choices.
func Choices(f *ent.CustomField) []string {
	choices := []string{}
	if err := json.Unmarshal([]byte(f.Choices), &choices); err != nil {
		return []string{} // what is stored was written by this package; the empty text is no choices
	}
	return choices
}

func exists() *apperr.Error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "name", Reason: apperr.ReasonCustomFieldExists,
		Message: "a custom field of this name exists already",
	}
}

// taken turns the violation of the unique index over account, list and name into its Conflict.
func taken(err error) error {
	if store.IsDuplicate(err) {
		conflict := exists()
		conflict.Err = err
		return conflict
	}
	return store.Translate(err)
}

func notFound() *apperr.Error {
	return &apperr.Error{
		Code: apperr.NotFound, Reason: apperr.ReasonCustomFieldNotFound, Message: "custom field not found",
	}
}
