// Package list owns the subscriber lists of an account: their names and how one gets onto them. It must not know who is on a list.
package list

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

const (
	// MaxNameLength is the longest name, in characters.
	MaxNameLength = 250
	// maxNameKey is what the column of the folded name holds, in characters.
	maxNameKey = 500
)

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
}

// Service holds the rules of lists. Its methods may be used from many goroutines. Each acts for the caller of its context, and needs the scope
// read to read and write to write; a list of another account is NotFound, reason "list_not_found", exactly as one that does not exist.
//
// The methods that take columns select only those (of package ent/subscriberlist) and the ones they need themselves; without columns, all.
type Service struct {
	db  *store.Store
	now func() time.Time
}

// New returns the service over an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, now: opts.Now}
}

// Input is a new list.
type Input struct {
	// Name is the name (legacy SubscriberListName): 1 to 250 characters after trimming. It need not be unique.
	Name string
	// DoubleOptIn tells that whoever subscribes is to confirm it first (legacy OptInMode).
	DoubleOptIn bool
}

// Create makes a list in the caller's account (legacy List.Create). A bad name is Invalid on the field name, with the reason "list_name_required" or
// "list_name_too_long". The same idempotency key within a day answers the list of the first call.
func (s *Service) Create(ctx context.Context, in Input, idempotencyKey *string) (*ent.SubscriberList, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	in.Name = strings.TrimSpace(kind.Clean(in.Name))
	switch {
	case in.Name == "":
		return nil, apperr.InvalidField("name", "list_name_required", "is required")
	case utf8.RuneCountInString(in.Name) > MaxNameLength:
		return nil, apperr.InvalidField("name", "list_name_too_long", "must have at most %d characters", MaxNameLength)
	}
	now := store.Truncate(s.now())
	var made *ent.SubscriberList
	id, replayed, err := idempotency.Do(ctx, s.db, now, "createList", idempotencyKey, in, func(ctx context.Context) (int64, error) {
		var err error
		made, err = s.db.Client(ctx).SubscriberList.Create().
			SetName(in.Name).SetNameKey(kind.Fold(in.Name, maxNameKey)).SetDoubleOptIn(in.DoubleOptIn).SetCreatedAt(now).
			Save(ctx)
		if err != nil {
			return 0, err
		}
		return made.ID, nil
	})
	if err != nil {
		return nil, err
	}
	if replayed {
		return s.get(ctx, id, nil)
	}
	return made, nil
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

// List returns one page of the lists, in one statement. The errors of a bad request are those of page.Request.
func (s *Service) List(ctx context.Context, order Order, request page.Request, columns ...string) (page.Result[*ent.SubscriberList], error) {
	var none page.Result[*ent.SubscriberList]
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return none, err
	}
	plan, err := order.Plan(request)
	if err != nil {
		return none, err
	}
	query := s.db.Client(ctx).SubscriberList.Query()
	query.Modify(plan.Apply)
	if len(columns) > 0 {
		query.Select(plan.Select(columns)...)
	}
	rows, err := query.All(ctx)
	if err != nil {
		return none, store.Translate(err)
	}
	return plan.Result(rows), nil
}

// streamBatch is how many lists Each reads at first, and largestBatch how many it reads at a time in the end.
const (
	streamBatch  = 250
	largestBatch = 2000
)

// Each calls visit for the lists, in order, from the offset and at most limit of them (0: all), a batch at a time and without ever holding more
// (legacy Lists.Get). An error of visit ends it.
func (s *Service) Each(ctx context.Context, order Order, offset, limit int, columns []string, visit func([]*ent.SubscriberList) error) error {
	return page.Each(offset, limit, streamBatch, largestBatch, func(request page.Request) (page.Result[*ent.SubscriberList], error) {
		return s.List(ctx, order, request, columns...)
	}, visit)
}

// Count returns how many lists there are (legacy TotalListCount).
func (s *Service) Count(ctx context.Context) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).SubscriberList.Query().Count(ctx)
	return n, store.Translate(err)
}
