// Package list owns the subscriber lists of an account: their names, their opt-in mode, and their
// deletion with everything on them. It must not know which people are on a list.
package list

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/ent/predicate"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

const (
	// MaxNameLength is the maximum length of a name, in characters.
	MaxNameLength = 250
	// maxNameKey is the size of the column of the folded name, in characters.
	maxNameKey = 500
	// batch is the number of ids per statement. SQLite accepts 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Named searches for a campaign of the owners that can still be sent and whose audience names
	// one of the lists. It returns the list and a text that names the campaign, or 0. It runs in
	// the transaction of Delete. Only the campaign package can read audiences. If Named is nil,
	// audiences do not prevent the deletion of a list.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// Deleting is called in the transaction that deletes lists, before they are deleted. Other packages
	// remove what they store about them. It may be nil.
	Deleting func(ctx context.Context, ids []int64) error
	// Purges deletes the remaining rows of deleted lists. If it is nil, the Service creates its
	// own, and a server notices those deletions only later.
	Purges *purge.Service
}

// Service implements the rules of lists. Its methods are safe for concurrent use. Each method acts
// for the caller in its context, and requires the scope read to read and write to write. A list of
// another account is NotFound, reason "list_not_found", exactly like a list that does not exist.
//
// Methods with a columns parameter select only those columns (of package ent/subscriberlist) and
// the ones they need themselves. Without columns they select all.
type Service struct {
	db    *store.Store
	now   func() time.Time
	named func(ctx context.Context, owners, ids []int64) (int64, string, error)
	// deleting is Options.Deleting.
	deleting func(ctx context.Context, ids []int64) error

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
	if opts.Deleting == nil {
		opts.Deleting = func(context.Context, []int64) error { return nil }
	}
	if opts.Purges == nil {
		opts.Purges = purge.New(db)
	}
	return &Service{db: db, now: opts.Now, named: opts.Named, deleting: opts.Deleting, purges: opts.Purges}
}

// Input is a new list.
type Input struct {
	// Name is the name (legacy SubscriberListName): 1 to 250 characters after trimming. It need not
	// be unique.
	Name string
	// DoubleOptIn means that new subscribers must confirm first (legacy OptInMode).
	DoubleOptIn bool
}

// Create creates a list in the caller's account (legacy List.Create). A bad name is Invalid on the
// field name, reason "list_name_required" or "list_name_too_long". A second call with the same
// idempotency key within one day returns the list of the first call.
func (s *Service) Create(ctx context.Context, in Input, idempotencyKey *string) (*ent.SubscriberList, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var err error
	if in.Name, err = readName(in.Name); err != nil {
		return nil, err
	}
	now := store.Truncate(s.now())
	var made *ent.SubscriberList
	id, replayed, err := idempotency.Do(
		ctx, s.db, now, "createList", idempotencyKey, in,
		func(ctx context.Context) (int64, error) {
			var err error
			made, err = s.db.Client(ctx).SubscriberList.Create().
				SetName(in.Name).
				SetNameKey(kind.Fold(in.Name, maxNameKey)).SetDoubleOptIn(in.DoubleOptIn).SetCreatedAt(now).
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

// readName returns a name as it is stored.
func readName(given string) (string, error) {
	name := strings.TrimSpace(kind.Clean(given))
	switch {
	case name == "":
		return "", apperr.InvalidField("name", apperr.ReasonListNameRequired, "is required")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return "", apperr.InvalidField(
			"name", apperr.ReasonListNameTooLong, "must have at most %d characters", MaxNameLength,
		)
	}
	return name, nil
}

// Patch is a partial update of a list; a nil field stays unchanged.
type Patch struct {
	// Name is the new name, as in Input.
	Name *string
	// DoubleOptIn applies to later subscriptions. Pending people stay pending.
	DoubleOptIn *bool
}

// Update changes a list as the patch says and returns it after the change. A bad name returns the
// errors of Create.
func (s *Service) Update(ctx context.Context, id int64, p Patch, columns ...string) (*ent.SubscriberList, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var updated *ent.SubscriberList
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		update := s.db.Client(ctx).SubscriberList.Update().Where(entlist.ID(id)).SetNillableDoubleOptIn(p.DoubleOptIn)
		if p.Name != nil {
			name, err := readName(*p.Name)
			if err != nil {
				return err
			}
			update.SetName(name).SetNameKey(kind.Fold(name, maxNameKey))
		}
		if len(update.Mutation().Fields()) > 0 {
			if _, err := update.Save(ctx); err != nil {
				return err
			}
		}
		var err error
		updated, err = s.get(ctx, id, columns) // returns NotFound if there is no such list
		return err
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

// Get returns one list.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.SubscriberList, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return s.get(ctx, id, columns)
}

func (s *Service) get(ctx context.Context, id int64, columns []string) (*ent.SubscriberList, error) {
	query := s.db.Client(ctx).SubscriberList.Query().Where(entlist.ID(id))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("list")
	}
	return found, store.Translate(err)
}

// ByIDs returns the lists with the given ids, in one statement per 5,000 ids. An id that the caller
// does not have is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.SubscriberList, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.SubscriberList) int64 { return row.ID },
		func(some ...int64) *ent.SubscriberListQuery {
			return s.db.Client(ctx).SubscriberList.Query().Where(entlist.IDIn(some...))
		},
	)
}

// Filter selects lists. The zero value selects all.
type Filter struct {
	// Search is a part of the name, ignoring case. "%" and "_" have no special meaning.
	Search string
}

func (f Filter) predicates() []predicate.SubscriberList {
	if search := kind.Fold(kind.Clean(f.Search), maxNameKey); search != "" {
		return []predicate.SubscriberList{entlist.NameKeyContains(search)}
	}
	return nil
}

// Order is a sort order of lists.
type Order = page.Order[*ent.SubscriberList]

// Orders of lists.
var (
	// ByID sorts by the order of creation.
	ByID = Order{
		Name: "ID", Column: entlist.FieldID,
		Key: func(l *ent.SubscriberList) page.Key { return page.Key{ID: l.ID} },
	}
	// ByName sorts by name, ignoring case.
	ByName = Order{
		Name: "NAME", Column: entlist.FieldNameKey, Type: page.Text,
		Key: func(l *ent.SubscriberList) page.Key { return page.Key{Value: l.NameKey, ID: l.ID} },
	}
	// ByCreated sorts by the time of creation.
	ByCreated = Order{
		Name: "CREATED_AT", Column: entlist.FieldCreatedAt, Type: page.Instant,
		Key: func(l *ent.SubscriberList) page.Key { return page.Key{Value: l.CreatedAt, ID: l.ID} },
	}
)

// List returns one page of the lists that match the filter, in one statement. Invalid page requests
// return the errors of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.SubscriberList], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.SubscriberList]{}, err
	}
	return page.Read(
		ctx, order, request, s.db.Client(ctx).SubscriberList.Query().Where(filter.predicates()...), columns,
	)
}

// streamBatch is the size of the first batch that Each reads, and largestBatch is the upper bound
// to which batches grow.
const (
	streamBatch  = 250
	largestBatch = 2000
)

// Each calls visit with batches of all lists, in order, starting at the offset (legacy Lists.Get).
// It visits at most limit lists; 0 means all. It holds only one batch in memory. An error of visit
// stops Each.
func (s *Service) Each(
	ctx context.Context, order Order, offset, limit int, columns []string,
	visit func(context.Context, []*ent.SubscriberList) error,
) error {
	return page.Each(
		ctx, offset, limit, streamBatch, largestBatch,
		func(ctx context.Context, request page.Request) (page.Result[*ent.SubscriberList], error) {
			return s.List(ctx, Filter{}, order, request, columns...)
		},
		visit,
	)
}

// Count returns the number of lists that match the filter (legacy TotalListCount).
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).SubscriberList.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}
