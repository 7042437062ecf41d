// Package content owns the emails that campaigns send: their subject, sender, HTML and plain text,
// and the check for what is missing before an email can be sent. It must not know the lifecycle of
// campaigns, except that an email is not deleted while a campaign that is not a draft uses it.
package content

import (
	"context"
	"time"

	"campaignql/ent"
	entemail "campaignql/ent/email"
	"campaignql/ent/predicate"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// batch is the number of ids per statement. SQLite accepts 32,766 arguments.
const batch = 5000

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Deleting runs in the transaction of Delete, after emails of these owners were locked and
	// before they are deleted. It rejects the deletion of emails that campaigns need, and detaches
	// the other emails from drafts. Only the campaign package can do this. If Deleting is nil,
	// nothing is checked.
	Deleting func(ctx context.Context, owners, emailIDs []int64) error
	// Editing runs in the transaction of Update, after the email of that owner was locked and
	// before it is written. The function that it returns runs after the write. Either of the two
	// may reject the change. Only the campaign package knows what the change means for the
	// campaigns that use the email. If Editing is nil, nothing is checked.
	Editing func(ctx context.Context, ownerID, emailID int64) (written func(ctx context.Context) error, err error)
}

// Service implements the rules of emails. Its methods are safe for concurrent use. Each method acts
// for the caller in its context, and requires the scope read to read and write to write. An email
// of another account is NotFound, reason "email_not_found", exactly like an email that does not
// exist.
//
// Methods with a columns parameter select only those columns (of package ent/email) and the ones
// they need themselves. Without columns they select all. Pass columns if the texts are not needed:
// html and plain have up to 5 MiB each.
type Service struct {
	db       *store.Store
	now      func() time.Time
	deleting func(ctx context.Context, owners, emailIDs []int64) error
	editing  func(ctx context.Context, ownerID, emailID int64) (func(ctx context.Context) error, error)
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.Deleting == nil {
		opts.Deleting = func(context.Context, []int64, []int64) error { return nil }
	}
	if opts.Editing == nil {
		opts.Editing = func(context.Context, int64, int64) (func(context.Context) error, error) {
			return func(context.Context) error { return nil }, nil
		}
	}
	return &Service{db: db, now: opts.Now, deleting: opts.Deleting, editing: opts.Editing}
}

// Create creates an email in the caller's account (legacy Email.Create). The zero Patch creates an
// empty email. All faults of the patch are reported together. A second call with the same
// idempotency key within one day returns the email of the first call.
func (s *Service) Create(ctx context.Context, p Patch, idempotencyKey *string) (*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	p.normalize(&faults)
	if p.Scope != nil {
		validate(&faults, *p.Scope, value(p.HTML), value(p.Plain))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	now := store.Truncate(s.now())
	var made *ent.Email
	id, replayed, err := idempotency.Do(
		ctx, s.db, now, "createEmail", idempotencyKey, p,
		func(ctx context.Context) (int64, error) {
			create := s.db.Client(ctx).Email.Create().SetCreatedAt(now).SetUpdatedAt(now)
			p.apply(create.Mutation())
			var err error
			if made, err = create.Save(ctx); err != nil {
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

// Update changes an email as the patch says (legacy Email.Update) and returns it after the change.
// All faults of the patch are reported together. If the patch has a Scope, the faults of the
// resulting content are reported too. If there are faults, nothing is written. The content of an
// email that a campaign is currently sending cannot change: the error is Conflict, reason
// "not_in_status". campaign.Service.EditEmail describes the effect on other campaigns.
func (s *Service) Update(ctx context.Context, id int64, p Patch, columns ...string) (*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var given apperr.Faults
	p.normalize(&given)
	var updated *ent.Email
	// TxLatest: the reads after the lock on the email see everything that the previous holder of
	// the lock committed.
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		ownerID, err := s.check(ctx, id, p, given.Err())
		if err != nil {
			return err
		}
		update := s.db.Client(ctx).Email.Update().Where(entemail.ID(id))
		p.apply(update.Mutation())
		if len(update.Mutation().Fields()) > 0 {
			if err := s.write(ctx, ownerID, id, update.SetUpdatedAt(store.Truncate(s.now()))); err != nil {
				return err
			}
		}
		updated, err = s.get(ctx, id, columns)
		return err
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

// write writes the change of a locked email between the two functions of Options.Editing.
func (s *Service) write(ctx context.Context, ownerID, id int64, update *ent.EmailUpdate) error {
	written, err := s.editing(ctx, ownerID, id)
	if err != nil {
		return err
	}
	if _, err := update.Save(ctx); err != nil {
		return err
	}
	return written(ctx)
}

// check locks the email and returns its owner. It returns all errors that prevent the change: a
// missing email, the faults of the patch, and the faults of the resulting content.
func (s *Service) check(ctx context.Context, id int64, p Patch, given error) (ownerID int64, err error) {
	var faults apperr.Faults
	columns := []string{entemail.FieldID, entemail.FieldUserID}
	if p.Scope != nil {
		columns = append(columns, entemail.FieldHTML, entemail.FieldPlain)
	}
	query := s.db.Client(ctx).Email.Query().Where(entemail.ID(id))
	query.Modify(store.Lock)
	present, err := query.Select(columns...).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		faults.Add(notFound())
		faults.Add(given)
		if p.Scope != nil {
			validateScope(&faults, *p.Scope)
			validateLinks(&faults, *p.Scope, valueOr(p.HTML, ""), valueOr(p.Plain, ""))
		}
		return 0, faults.Err()
	case err != nil:
		return 0, err
	case p.Scope == nil:
		return present.UserID, given
	default:
		faults.Add(given)
		validate(&faults, *p.Scope, valueOr(p.HTML, present.HTML), valueOr(p.Plain, present.Plain))
		return present.UserID, faults.Err()
	}
}

// Copy copies an email within the account of the original, even if the caller is an admin, and joins a
// running transaction. The copy has its own dates.
func (s *Service) Copy(ctx context.Context, id int64) (*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var made *ent.Email
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		from, err := s.get(ctx, id, nil)
		if err != nil {
			return err
		}
		now := store.Truncate(s.now())
		made, err = s.db.Client(ctx).Email.Create().
			SetUserID(from.UserID).
			SetName(from.Name).SetNameKey(from.NameKey).
			SetSubject(from.Subject).SetSubjectKey(from.SubjectKey).
			SetPreheader(from.Preheader).
			SetFromName(from.FromName).SetFromEmail(from.FromEmail).
			SetReplyToName(from.ReplyToName).SetReplyToEmail(from.ReplyToEmail).
			SetHTML(from.HTML).SetPlain(from.Plain).SetMode(from.Mode).
			SetOpenTracking(from.OpenTracking).SetLinkTracking(from.LinkTracking).
			SetCreatedAt(now).SetUpdatedAt(now).
			Save(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Get returns one email.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return s.get(ctx, id, columns)
}

func (s *Service) get(ctx context.Context, id int64, columns []string) (*ent.Email, error) {
	query := s.db.Client(ctx).Email.Query().Where(entemail.ID(id))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	return readTexts(ctx, s, columns, func(ctx context.Context) (*ent.Email, error) {
		found, err := query.Only(ctx)
		if ent.IsNotFound(err) {
			return nil, notFound()
		}
		return found, store.Translate(err)
	})
}

// ByIDs returns the emails with the given ids, in one statement per 5,000 ids. An id that the
// caller does not have is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return readTexts(ctx, s, columns, func(ctx context.Context) (map[int64]*ent.Email, error) {
		return store.ByIDs(
			ctx, ids, columns, func(row *ent.Email) int64 { return row.ID },
			func(some ...int64) *ent.EmailQuery {
				return s.db.Client(ctx).Email.Query().Where(entemail.IDIn(some...))
			},
		)
	})
}

// Filter selects emails. The zero value selects all.
type Filter struct {
	// Search is a part of the name or of the subject, ignoring case. "%" and "_" have no special
	// meaning.
	Search string
	// IDs, if not nil, are the emails to keep.
	IDs []int64
}

func (f Filter) predicates() (all []predicate.Email) {
	if search := kind.Fold(kind.Clean(f.Search), maxSubject); search != "" {
		all = append(all, entemail.Or(entemail.NameKeyContains(search), entemail.SubjectKeyContains(search)))
	}
	if f.IDs != nil {
		all = append(all, entemail.IDIn(f.IDs...))
	}
	return all
}

// Order is a sort order of emails.
type Order = page.Order[*ent.Email]

// Orders of emails. An index serves each of them.
var (
	// ByCreated sorts by the order of creation.
	ByCreated = Order{
		Name: "CREATED_AT", Column: entemail.FieldID,
		Key: func(e *ent.Email) page.Key { return page.Key{ID: e.ID} },
	}
	// ByName sorts by name, ignoring case.
	ByName = Order{
		Name: "NAME", Column: entemail.FieldNameKey, Type: page.Text,
		Key: func(e *ent.Email) page.Key { return page.Key{Value: e.NameKey, ID: e.ID} },
	}
	// ByUpdated sorts by the last change.
	ByUpdated = Order{
		Name: "UPDATED_AT", Column: entemail.FieldUpdatedAt, Type: page.Instant,
		Key: func(e *ent.Email) page.Key { return page.Key{Value: e.UpdatedAt, ID: e.ID} },
	}
)

// List returns one page of the emails. Invalid page requests return the errors of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.Email], error) {
	return store.HeavyIf(ctx, s.db, filter.Search != "", func(ctx context.Context) (page.Result[*ent.Email], error) {
		return s.list(ctx, filter, order, request, columns...)
	})
}

func (s *Service) list(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.Email], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.Email]{}, err
	}
	return readTexts(ctx, s, columns, func(ctx context.Context) (page.Result[*ent.Email], error) {
		return page.Read(ctx, order, request, s.db.Client(ctx).Email.Query().Where(filter.predicates()...), columns)
	})
}

// streamBatch is the size of the first batch that Each reads, and largestBatch is the upper bound
// to which batches of small emails grow.
const streamBatch, largestBatch = 4, 64

// Each calls visit with batches of the emails that match the filter, in order, starting at the
// offset (legacy Emails.Get). It visits at most limit emails; 0 means all. It holds only one small
// batch in memory. An error of visit stops Each.
func (s *Service) Each(
	ctx context.Context, filter Filter, order Order, offset, limit int, columns []string,
	visit func(context.Context, []*ent.Email) error,
) error {
	return page.Each(
		ctx, offset, limit, streamBatch, largestBatch,
		func(ctx context.Context, request page.Request) (page.Result[*ent.Email], error) {
			return s.List(ctx, filter, order, request, columns...)
		},
		visit,
	)
}

// Count returns the number of emails that match the filter (legacy TotalEmailCount).
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	return store.HeavyIf(ctx, s.db, filter.Search != "", func(ctx context.Context) (int, error) {
		return s.count(ctx, filter)
	})
}

func (s *Service) count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Email.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

func notFound() *apperr.Error { return apperr.NotFoundf("email") }
