// Package list owns the subscriber lists of an account: their names and how one gets onto them, and
// that a list goes with all that is on it. It must not know who is on a list.
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
	// MaxNameLength is the longest name, in characters.
	MaxNameLength = 250
	// maxNameKey is what the column of the folded name holds, in characters.
	maxNameKey = 500
	// batch is the number of ids that one statement takes; SQLite allows 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
	// Named finds a campaign of the owners that can still be sent and whose audience names one of
	// the lists: it returns the list and who names it, or
	// 0. It is called in the transaction of Delete. Only the campaign domain can read audiences; without it they do not keep a list.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// Purges takes what deleted lists leave behind; one of its own otherwise, which a server hears of later.
	Purges *purge.Service
}

// Service holds the rules of lists. Its methods may be used from many goroutines. Each acts for the
// caller of its context, and needs the scope read to read and write to write; a list of another
// account is NotFound, reason "list_not_found", exactly as one that does not exist.
//
// The methods that take columns select only those (of package ent/subscriberlist) and the ones they
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

// Input is a new list.
type Input struct {
	// Name is the name (legacy SubscriberListName): 1 to 250 characters after trimming. It need not be unique.
	Name string
	// DoubleOptIn tells that whoever subscribes is to confirm it first (legacy OptInMode).
	DoubleOptIn bool
}

// Create makes a list in the caller's account (legacy List.Create). A bad name is Invalid on the
// field name, with the reason "list_name_required" or "list_name_too_long". The same idempotency
// key within a day answers the list of the first call.
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

// Patch names the settings of a list that a call changes: nil leaves one alone.
type Patch struct {
	// Name is the new name, as in Input.
	Name *string
	// DoubleOptIn is for those who subscribe from then on: whoever is pending stays so.
	DoubleOptIn *bool
}

// Update changes the settings that the patch names, and returns the list as it is then. The errors
// of a name are those of Create.
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
		updated, err = s.get(ctx, id, columns) // which finds that there is none
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

// ByIDs returns the lists of the ids, in one statement for up to 5,000; an id that is not the caller's is absent.
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

// Filter chooses lists. The zero value chooses all.
type Filter struct {
	// Search is a part of the name, without regard to case; "%" and "_" stand for themselves.
	Search string
}

func (f Filter) predicates() []predicate.SubscriberList {
	if search := kind.Fold(kind.Clean(f.Search), maxNameKey); search != "" {
		return []predicate.SubscriberList{entlist.NameKeyContains(search)}
	}
	return nil
}

// Order is an order of lists.
type Order = page.Order[*ent.SubscriberList]

// The orders of lists.
var (
	// ByID: in the order they were made.
	ByID = Order{
		Name: "ID", Column: entlist.FieldID,
		Key: func(l *ent.SubscriberList) page.Key { return page.Key{ID: l.ID} },
	}
	// ByName: without regard to case.
	ByName = Order{
		Name: "NAME", Column: entlist.FieldNameKey, Type: page.Text,
		Key: func(l *ent.SubscriberList) page.Key { return page.Key{Value: l.NameKey, ID: l.ID} },
	}
	// ByCreated: by the instant they were made.
	ByCreated = Order{
		Name: "CREATED_AT", Column: entlist.FieldCreatedAt, Type: page.Instant,
		Key: func(l *ent.SubscriberList) page.Key { return page.Key{Value: l.CreatedAt, ID: l.ID} },
	}
)

// List returns one page of the lists that the filter chooses, in one statement. The errors of a bad
// request are those of page.Request.
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

// streamBatch is how many lists Each reads at first, and largestBatch how many it reads at a time in the end.
const (
	streamBatch  = 250
	largestBatch = 2000
)

// Each calls visit for all lists, in order, from the offset and at most limit of them (0: all), a
// batch at a time and without ever holding more (legacy Lists.Get). An error of visit ends it.
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

// Count returns how many lists the filter chooses (legacy TotalListCount).
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).SubscriberList.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}
