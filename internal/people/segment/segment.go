// Package segment owns the segments of lists. A segment is a set of saved rules on one list that
// other rules may name. The package checks that rules are valid, name only objects of the account,
// and do not lead back to themselves. It must not know how rules are evaluated.
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
	// maxName is the maximum length of a name, and maxNameKey is the size of the column of the
	// folded name, both in characters.
	maxName    = 250
	maxNameKey = 500
	// batch is the number of ids per statement. SQLite accepts 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Named searches for a campaign of the owners that can still be sent and whose audience names
	// one of the segments. It returns the segment and a text that names the campaign, or 0. It runs
	// in the transaction of Delete. Only the campaign package can read audiences. If Named is nil,
	// audiences do not prevent the deletion of a segment.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// CheckRules returns, on the field "rules", the reason why the new rules of a segment cannot be
	// evaluated, in themselves or in the segments that name this one. It gets the segment with its
	// id (0 for a new segment), its list and its owner; the segments of the list with their id,
	// list and rules; and the ids of the segments that name this one, directly or through others.
	// It runs in the transaction that stores the rules, after all ids in the rules were found to
	// belong to the account. Only the package that evaluates rules can check this. If CheckRules is
	// nil, all rules with valid references are accepted.
	CheckRules func(ctx context.Context, of *ent.Segment, rules rules.Group, on []*ent.Segment, above []int64) error
	// Editing runs in the transaction of Update before rules are written. It gets the ids of the
	// segment and of the segments that name it, directly or through others. The function that it
	// returns runs after the write. Either of the two may reject the change. Only the campaign
	// package knows what the change means for campaigns whose audiences name one of these segments.
	// If Editing is nil, nothing is checked.
	Editing func(ctx context.Context, ownerID int64, ids []int64) (written func(ctx context.Context) error, err error)
}

// Service implements the rules of segments. Its methods are safe for concurrent use. Each method
// acts for the caller in its context, and requires the scope read to read and write to write. A
// segment of another account is NotFound, reason "segment_not_found", exactly like a segment that
// does not exist.
//
// Methods with a columns parameter select only those columns (of package ent/segment) and the ones
// they need themselves. Without columns they select all.
type Service struct {
	db    *store.Store
	now   func() time.Time
	named func(ctx context.Context, owners, ids []int64) (int64, string, error)
	// check is Options.CheckRules.
	check   func(ctx context.Context, of *ent.Segment, rules rules.Group, on []*ent.Segment, above []int64) error
	editing func(ctx context.Context, ownerID int64, ids []int64) (func(ctx context.Context) error, error)
}

// New returns a Service for an open database.
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
	// ListID is the list from which the segment selects. It never changes.
	ListID int64
	// Name has 1 to 250 characters after trimming. It need not be unique.
	Name string
	// Rules are in the format of rules.ParseSegmentRules (legacy RulesJson). The empty text selects
	// the whole list.
	Rules string
}

// Create creates a segment on a list of the caller. All faults are reported together:
//
//   - A list of another account is NotFound on listId, reason "list_not_found".
//   - A bad name is Invalid on name, reason "segment_name_required" or "segment_name_too_long".
//   - Rules that cannot be parsed are Invalid on rules, reason "audience_invalid", with their path.
//   - Rules that name an object that the account does not have, or a field or a segment of another
//     list, are NotFound on rules, reason apperr.ReasonAudienceNotFound.
//   - Rules that cannot be evaluated are Invalid on rules: reason "audience_invalid" if a value
//     does not fit its field, and "audience_too_large" above a limit of package query.
//
// A second call with the same idempotency key within one day returns the segment of the first call.
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
				ctx, s.db.Client(ctx), owner, given.group.References(in.ListID), "rules",
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

// list locks a list and returns its owner. Every transaction that writes segment rules on a list
// holds this lock. Two concurrent transactions therefore cannot create a cycle together, and the
// list is not deleted in between.
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
		faults.Add(apperr.InvalidField(
			"name", apperr.ReasonSegmentNameTooLong, "must have at most %d characters", maxName,
		))
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

// ByIDs returns the segments with the given ids, in one statement per 5,000 ids. An id that the
// caller does not have is absent.
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
