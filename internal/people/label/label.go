// Package label owns the subscriber tags: their names, which are unique in an account ignoring
// case, and which people have them. It must not know anything else about people, and reads only the
// id and the owner of a person.
package label

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/ent/predicate"
	entag "campaignql/ent/subscribertag"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/tag"
)

const (
	// maxKey is the size of the column of the folded name, in characters.
	maxKey = 200
	// batch is the number of ids or rows per statement. SQLite accepts 32,766 arguments.
	batch = 5000
)

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Named searches for rules that name one of the tags: in a segment, or in the audience of a
	// campaign of the owners that can still be sent. It returns the tag and a text that names the
	// segment or campaign, or 0. It runs in the transaction of Delete. If Named is nil, rules do
	// not prevent the deletion of a tag.
	Named func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
	// Survivors returns, for ids of subscribers that were merged with another one, the ids of those
	// that stay. If it is nil, nobody was merged.
	Survivors func(ctx context.Context, subscriberIDs []int64) (map[int64]int64, error)
	// Purges deletes the remaining rows of deleted tags. If it is nil, the Service creates its own,
	// and a server notices those deletions only later.
	Purges *purge.Service
}

// Service implements the rules of subscriber tags. Its methods are safe for concurrent use. Each
// method acts for the caller in its context, and requires the scope read to read and write to
// write. A tag of another account is NotFound, reason "subscriber_tag_not_found", exactly like a
// tag that does not exist.
//
// Methods with a columns parameter select only those columns (of package ent/subscribertag) and the
// ones they need themselves. Without columns they select all.
type Service struct {
	db    *store.Store
	now   func() time.Time
	named func(ctx context.Context, owners, ids []int64) (int64, string, error)

	survivors func(ctx context.Context, subscriberIDs []int64) (map[int64]int64, error)
	purges    *purge.Service
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.Named == nil {
		opts.Named = func(context.Context, []int64, []int64) (int64, string, error) { return 0, "", nil }
	}
	if opts.Survivors == nil {
		opts.Survivors = func(context.Context, []int64) (map[int64]int64, error) { return nil, nil }
	}
	if opts.Purges == nil {
		opts.Purges = purge.New(db)
	}
	return &Service{db: db, now: opts.Now, named: opts.Named, survivors: opts.Survivors, purges: opts.Purges}
}

// Create creates a tag in the caller's account. A bad name returns the errors of package tag. A
// name that is taken is a Conflict on name, reason "subscriber_tag_exists". A second call with the
// same idempotency key within one day returns the tag of the first call.
func (s *Service) Create(ctx context.Context, name string, idempotencyKey *string) (*ent.SubscriberTag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	name, key, err := tag.Normalize(name)
	if err != nil {
		return nil, err
	}
	now := store.Truncate(s.now())
	var made *ent.SubscriberTag
	id, replayed, err := idempotency.Do(
		ctx, s.db, now, "createSubscriberTag", idempotencyKey, name,
		func(ctx context.Context) (int64, error) {
			var err error
			if made, err = s.db.Client(ctx).
				SubscriberTag.Create().
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

// Rename changes the name of a tag. It returns the errors of Create.
func (s *Service) Rename(ctx context.Context, id int64, name string) (*ent.SubscriberTag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	name, key, err := tag.Normalize(name)
	if err != nil {
		return nil, err
	}
	var renamed *ent.SubscriberTag
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.db.Client(ctx).
			SubscriberTag.Update().
			Where(entag.ID(id)).
			SetName(name).
			SetNameKey(key).
			Save(ctx); err != nil {
			return taken(err)
		}
		var err error
		renamed, err = s.get(ctx, id, nil) // returns NotFound if there is no such tag
		return err
	})
	if err != nil {
		return nil, err
	}
	return renamed, nil
}

// Get returns one tag.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.SubscriberTag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return s.get(ctx, id, columns)
}

func (s *Service) get(ctx context.Context, id int64, columns []string) (*ent.SubscriberTag, error) {
	query := s.db.Client(ctx).SubscriberTag.Query().Where(entag.ID(id))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, notFound()
	}
	return found, store.Translate(err)
}

// ByIDs returns the tags with the given ids, in one statement per 5,000 ids. An id that the caller
// does not have is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.SubscriberTag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.SubscriberTag) int64 { return row.ID },
		func(some ...int64) *ent.SubscriberTagQuery {
			return s.db.Client(ctx).SubscriberTag.Query().Where(entag.IDIn(some...))
		},
	)
}

// Filter selects tags. The zero value selects all.
type Filter struct {
	// Search is a part of the name, ignoring case. "%" and "_" have no special meaning.
	Search string
}

func (f Filter) predicates() []predicate.SubscriberTag {
	if search := kind.Fold(kind.Clean(f.Search), maxKey); search != "" {
		return []predicate.SubscriberTag{entag.NameKeyContains(search)}
	}
	return nil
}

var byName = page.Order[*ent.SubscriberTag]{
	Name: "NAME", Column: entag.FieldNameKey, Type: page.Text,
	Key: func(t *ent.SubscriberTag) page.Key { return page.Key{Value: t.NameKey, ID: t.ID} },
}

// List returns one page of the tags, sorted by name. Invalid page requests return the errors of
// page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.SubscriberTag], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.SubscriberTag]{}, err
	}
	return page.Read(
		ctx, byName, request, s.db.Client(ctx).SubscriberTag.Query().Where(filter.predicates()...), columns,
	)
}

// Count returns the number of tags that match the filter.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).SubscriberTag.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// PeopleCounts returns the number of subscribers with each tag, in one statement per 5,000 tags. A
// tag without subscribers is absent.
func (s *Service) PeopleCounts(ctx context.Context, tagIDs []int64) (map[int64]int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (map[int64]int, error) {
		return s.peopleCounts(ctx, tagIDs)
	})
}

func (s *Service) peopleCounts(ctx context.Context, tagIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	counts := make(map[int64]int, len(tagIDs))
	for some := range slices.Chunk(tagIDs, batch) {
		var rows []struct {
			TagID int64 `sql:"subscriber_tag_id"`
			Count int   `sql:"count"`
		}
		err := s.db.Client(ctx).SubscriberTagging.Query().Where(subscribertagging.SubscriberTagIDIn(some...)).
			GroupBy(subscribertagging.FieldSubscriberTagID).Aggregate(ent.Count()).Scan(ctx, &rows)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			counts[row.TagID] = row.Count
		}
	}
	return counts, nil
}

// BySubscribers returns the tags of each person, sorted by name, in two statements per 5,000
// people. A person without tags, or one that the caller cannot see, is absent. People with the same
// tag share one *ent.SubscriberTag, which must not be modified.
func (s *Service) BySubscribers(
	ctx context.Context, subscriberIDs []int64, columns ...string,
) (map[int64][]*ent.SubscriberTag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var taggings []*ent.SubscriberTagging
	var tagIDs []int64
	for some := range slices.Chunk(subscriberIDs, batch) {
		rows, err := s.db.Client(ctx).SubscriberTagging.Query().Where(subscribertagging.SubscriberIDIn(some...)).
			Select(subscribertagging.FieldSubscriberID, subscribertagging.FieldSubscriberTagID).All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		taggings = append(taggings, rows...)
	}
	for _, t := range taggings {
		tagIDs = append(tagIDs, t.SubscriberTagID)
	}
	if len(columns) > 0 {
		columns = append([]string{entag.FieldNameKey}, columns...)
	}
	tags, err := s.ByIDs(ctx, store.Distinct(tagIDs), columns...)
	if err != nil {
		return nil, err
	}
	carried := make(map[int64][]*ent.SubscriberTag)
	for _, t := range taggings {
		if found := tags[t.SubscriberTagID]; found != nil {
			carried[t.SubscriberID] = append(carried[t.SubscriberID], found)
		}
	}
	for _, of := range carried {
		slices.SortFunc(of, byNameKey)
	}
	return carried, nil
}

func byNameKey(a, b *ent.SubscriberTag) int {
	return cmp.Or(strings.Compare(a.NameKey, b.NameKey), cmp.Compare(a.ID, b.ID))
}

// taken translates a violation of the unique index on account and name to a Conflict.
func taken(err error) error {
	return store.Taken(err, &apperr.Error{
		Code: apperr.Conflict, Field: "name", Reason: apperr.ReasonSubscriberTagExists,
		Message: "a subscriber tag of this name exists already",
	})
}

func notFound() *apperr.Error {
	return &apperr.Error{
		Code: apperr.NotFound, Reason: apperr.ReasonSubscriberTagNotFound, Message: "subscriber tag not found",
	}
}
