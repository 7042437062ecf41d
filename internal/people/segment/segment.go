// Package segment owns the segments of lists: saved rules, each on one list, that other rules may
// name. It checks that rules can be understood, name what the account has alone and do not lead
// back to themselves; it must not know how rules are evaluated.
package segment

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	entsegment "campaignql/ent/segment"
	"campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// maxName is the largest number of characters of a name, maxNameKey what the column of the folded name holds.
	maxName    = 250
	maxNameKey = 500
	// batch is the number of ids that one statement takes; SQLite allows 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
	// Named finds a campaign of the owners that can still be sent and whose audience names one of
	// the segments: it returns the segment and who names it, or 0. It is called in the transaction
	// of Delete. Only the campaign domain can read audiences; without it they do not keep a
	// segment.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// CheckRules reports, on the field "rules", why the rules that a segment is to have could not
	// be evaluated, in themselves or in those of the segments above it. It gets the segment with
	// its id, 0 for a new one, its list and its owner; the segments of the list with their id, list
	// and rules; and the ids of those whose rules lead to it. It is called in the transaction that
	// is to keep them, after all that they name was found to be the account's. Only the domain of
	// evaluating can tell; without it all such rules are kept.
	CheckRules func(ctx context.Context, of *ent.Segment, rules rules.Group, on []*ent.Segment, above []int64) error
	// Editing is called in the transaction of Update when rules are about to be written, with the
	// segment and those whose rules lead to it, and what it returns once they were written. Either
	// may refuse the change. Only the campaign domain knows what it means for the campaigns whose
	// audiences name one of them; without it nothing.
	Editing func(ctx context.Context, ownerID int64, ids []int64) (written func(ctx context.Context) error, err error)
}

// Service holds the rules of segments. Its methods may be used from many goroutines. Each acts for
// the caller of its context, and needs the scope read to read and write to write; a segment of
// another account is NotFound, reason "segment_not_found", exactly as one that does not exist.
//
// The methods that take columns select only those (of package ent/segment) and the ones they need
// themselves; without columns, all.
type Service struct {
	db    *store.Store
	now   func() time.Time
	named func(ctx context.Context, owners, ids []int64) (int64, string, error)
	// check is CheckRules of the options.
	check   func(ctx context.Context, of *ent.Segment, rules rules.Group, on []*ent.Segment, above []int64) error
	editing func(ctx context.Context, ownerID int64, ids []int64) (func(ctx context.Context) error, error)
}

// New returns the service over an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.Named == nil {
		opts.Named = func(context.Context, []int64, []int64) (int64, string, error) { return 0, "", nil }
	}
	if opts.CheckRules == nil {
		opts.CheckRules = func(context.Context, *ent.Segment, rules.Group, []*ent.Segment, []int64) error { return nil }
	}
	if opts.Editing == nil {
		opts.Editing = func(context.Context, int64, []int64) (func(context.Context) error, error) {
			return func(context.Context) error { return nil }, nil
		}
	}
	return &Service{db: db, now: opts.Now, named: opts.Named, check: opts.CheckRules, editing: opts.Editing}
}

// Input is a new segment.
type Input struct {
	// ListID is the list whose people it chooses from, for good.
	ListID int64
	// Name has 1 to 250 characters after trimming. It need not be unique.
	Name string
	// Rules are the rules as rules.ParseSegmentRules reads them (legacy RulesJson); the empty text is the whole list.
	Rules string
}

// Create makes a segment on a list of the caller's. The faults are reported together: a list of
// another account as NotFound on listId, reason "list_not_found"; a bad name as Invalid on name,
// reason "segment_name_required" or "segment_name_too_long"; rules that cannot be understood as
// Invalid on rules, reason "audience_invalid", with their path. Rules that name what the account
// does not have, or a field or a segment of another list, are NotFound on rules, reason
// apperr.ReasonAudienceNotFound; rules that could not be evaluated are Invalid on rules, reason
// "audience_invalid" where a value does not suit its field, "audience_too_large" past a limit of
// package query. The same idempotency key within a day answers the segment of the first call.
func (s *Service) Create(ctx context.Context, in Input, idempotencyKey *string) (*ent.Segment, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	now := store.Truncate(s.now())
	var made *ent.Segment
	id, replayed, err := idempotency.Do(
		ctx, s.db, now, "createSegment", idempotencyKey, in,
		func(ctx context.Context) (int64, error) {
			var faults apperr.Faults
			name := readName(&faults, in.Name)
			given := readRules(&faults, in.Rules)
			owner, err := s.list(ctx, in.ListID)
			faults.Add(err)
			if err := faults.Err(); err != nil {
				return 0, err
			}
			if err := query.CheckReferences(
				ctx,
				s.db.Client(ctx),
				owner,
				given.group.References(in.ListID),
				"rules",
			); err != nil {
				return 0, err
			}
			if err := s.check(ctx, &ent.Segment{UserID: owner, ListID: in.ListID}, given.group, nil, nil); err != nil {
				return 0, err
			}
			made, err = s.db.Client(ctx).
				Segment.Create().
				SetUserID(owner).
				SetListID(in.ListID).
				SetName(name).
				SetNameKey(kind.Fold(name, maxNameKey)).
				SetRules(given.canonical).
				SetRulesSource(given.source).
				SetCreatedAt(now).
				SetUpdatedAt(now).
				Save(ctx)
			if err != nil {
				return 0, err
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

// list locks a list and returns its owner. Whoever writes rules of segments on a list holds it: no
// two of them close a circle together, and the list is not deleted meanwhile.
func (s *Service) list(ctx context.Context, id int64) (owner int64, err error) {
	query := s.db.Client(ctx).SubscriberList.Query().Where(subscriberlist.ID(id))
	query.Modify(store.Lock)
	found, err := query.Select(subscriberlist.FieldID, subscriberlist.FieldUserID).Only(ctx)
	if ent.IsNotFound(err) {
		missing := apperr.NotFoundf("list")
		missing.Field = "listId"
		return 0, missing
	}
	if err != nil {
		return 0, err
	}
	return found.UserID, nil
}

func readName(faults *apperr.Faults, given string) string {
	name := strings.TrimSpace(kind.Clean(given))
	switch {
	case name == "":
		faults.Add(apperr.InvalidField("name", apperr.ReasonSegmentNameRequired, "is required"))
	case utf8.RuneCountInString(name) > maxName:
		faults.Add(
			apperr.InvalidField("name", apperr.ReasonSegmentNameTooLong, "must have at most %d characters", maxName),
		)
	}
	return name
}

// storedRules are rules as the columns of a segment hold them.
type storedRules struct {
	group             rules.Group
	canonical, source string
}

func readRules(faults *apperr.Faults, given string) storedRules {
	r := storedRules{source: strings.TrimSpace(kind.Clean(given))}
	if r.source != "" {
		var err error
		if r.group, err = rules.ParseSegmentRules([]byte(r.source)); err != nil {
			faults.Add(err)
			return r
		}
	}
	text, err := json.Marshal(r.group)
	faults.Add(err)
	r.canonical = string(text)
	return r
}

// Get returns one segment.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.Segment, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return s.get(ctx, id, columns)
}

func (s *Service) get(ctx context.Context, id int64, columns []string) (*ent.Segment, error) {
	query := s.db.Client(ctx).Segment.Query().Where(entsegment.ID(id))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, notFound()
	}
	return found, store.Translate(err)
}

// ByIDs returns the segments of the ids, in one statement for up to 5,000; an id that is not the caller's is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Segment, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.Segment) int64 { return row.ID },
		func(some ...int64) *ent.SegmentQuery {
			return s.db.Client(ctx).Segment.Query().Where(entsegment.IDIn(some...))
		},
	)
}

func notFound() *apperr.Error { return apperr.NotFoundf("segment") }
