// Package tag owns the tags of campaigns: their names, which are unique in an account ignoring
// case, and which campaigns have them. It must not know the lifecycle of campaigns, and reads only
// the id and the owner of a campaign.
package tag

import (
	"context"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaigntag"
	"campaignql/ent/predicate"
	entag "campaignql/ent/tag"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// batch is the number of ids or rows per statement. SQLite accepts 32,766 arguments.
const batch = 5000

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
}

// Service implements the rules of tags. Its methods are safe for concurrent use. Each method acts
// for the caller in its context, and requires the scope read to read and write to write. A tag of
// another account is NotFound, reason "tag_not_found", exactly like a tag that does not exist.
//
// Methods with a columns parameter select only those columns (of package ent/tag) and the ones they
// need themselves. Without columns they select all.
type Service struct {
	db  *store.Store
	now func() time.Time
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, now: opts.Now}
}

// Input is a new tag.
type Input struct {
	// Name is the name (legacy Tag): 1 to 100 letters of any script, digits, spaces, "-", "_" and
	// "%", after trimming.
	Name string
}

// Create creates a tag in the caller's account (legacy Tag.Create). A bad name is Invalid on the
// field name, reason "tag_name_required", "tag_name_empty", "tag_name_too_long" or
// "tag_name_characters". A name that is taken is a Conflict on the field name, reason "tag_exists".
// A second call with the same idempotency key within one day returns the tag of the first call.
func (s *Service) Create(ctx context.Context, in Input, idempotencyKey *string) (*ent.Tag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	name, key, err := Normalize(in.Name)
	if err != nil {
		return nil, err
	}
	now := store.Truncate(s.now())
	var made *ent.Tag
	id, replayed, err := idempotency.Do(
		ctx, s.db, now, "createTag", idempotencyKey, name,
		func(ctx context.Context) (int64, error) {
			var err error
			if made, err = s.db.Client(ctx).
				Tag.Create().
				SetName(name).
				SetNameKey(key).
				SetCreatedAt(now).
				Save(ctx); err != nil {
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

// Rename changes the name of a tag (legacy Tag.Update). It returns the errors of Create.
func (s *Service) Rename(ctx context.Context, id int64, name string) (*ent.Tag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	name, key, err := Normalize(name)
	if err != nil {
		return nil, err
	}
	var renamed *ent.Tag
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.db.Client(ctx).Tag.Update().Where(entag.ID(id)).SetName(name).SetNameKey(key).Save(ctx)
		if err != nil {
			return taken(err)
		}
		if n == 0 {
			return notFound()
		}
		renamed, err = s.get(ctx, id, nil)
		return err
	})
	return renamed, err
}

// Delete deletes tags and removes them from every campaign (legacy Tags.Delete), in one
// transaction. It returns the ids that it deleted, in ascending order, and silently ignores ids
// that the caller does not have.
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	ids = store.Distinct(ids)
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		client := s.db.Client(ctx)
		for some := range slices.Chunk(ids, batch) {
			query := client.Tag.Query().Where(entag.IDIn(some...)).Order(entag.ByID())
			query.Modify(store.Lock)
			found, err := query.IDs(ctx)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				continue
			}
			if _, err := client.CampaignTag.Delete().Where(campaigntag.TagIDIn(found...)).Exec(ctx); err != nil {
				return err
			}
			if _, err := client.Tag.Delete().Where(entag.IDIn(found...)).Exec(ctx); err != nil {
				return err
			}
			deleted = append(deleted, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}

// Get returns one tag.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.Tag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return s.get(ctx, id, columns)
}

func (s *Service) get(ctx context.Context, id int64, columns []string) (*ent.Tag, error) {
	query := s.db.Client(ctx).Tag.Query().Where(entag.ID(id))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, notFound()
	}
	return found, store.Translate(err)
}

// Filter selects tags. The zero value selects all.
type Filter struct {
	// Search is a part of the name, ignoring case. "%" and "_" have no special meaning.
	Search string
}

func (f Filter) predicates() []predicate.Tag {
	if search := kind.Fold(kind.Clean(f.Search), maxName); search != "" {
		return []predicate.Tag{entag.NameKeyContains(search)}
	}
	return nil
}

var byName = page.Order[*ent.Tag]{
	Name:   "NAME",
	Column: entag.FieldNameKey,
	Type:   page.Text,
	Key:    func(t *ent.Tag) page.Key { return page.Key{Value: t.NameKey, ID: t.ID} },
}

// List returns one page of the tags, sorted by name. Invalid page requests return the errors of
// page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.Tag], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.Tag]{}, err
	}
	return page.Read(ctx, byName, request, s.db.Client(ctx).Tag.Query().Where(filter.predicates()...), columns)
}

// Count returns the number of tags that match the filter.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Tag.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// All returns every tag, sorted by name (legacy Tags.Get).
func (s *Service) All(ctx context.Context, columns ...string) ([]*ent.Tag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	query := s.db.Client(ctx).Tag.Query().Order(entag.ByNameKey(), entag.ByID())
	if len(columns) > 0 {
		query.Select(columns...)
	}
	rows, err := query.All(ctx)
	return rows, store.Translate(err)
}

// taken translates a violation of the unique index on account and name to a Conflict.
func taken(err error) error {
	return store.Taken(err, &apperr.Error{
		Code: apperr.Conflict, Field: "name", Reason: apperr.ReasonTagExists,
		Message: "a tag of this name exists already",
	})
}

func notFound() *apperr.Error { return apperr.NotFoundf("tag") }
