// Package content owns the emails that campaigns send: their subject, sender, HTML and plain text,
// and what one lacks before it may be sent. It must not know how a campaign lives, but for one
// thing: an email stays while a campaign that is not a draft uses it.
package content

import (
	"context"
	"time"

	"campaignql/ent"
	entemail "campaignql/ent/email"
	"campaignql/ent/predicate"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/gate"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// batch is the number of ids that one statement takes; SQLite allows 32,766 arguments.
const batch = 5000

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
	// Deleting is called in the transaction of Delete, once emails of these owners are locked and
	// before they are deleted. It refuses emails that campaigns need, and takes them out of the
	// others. Only the campaign domain knows which those are; without it nothing.
	Deleting func(ctx context.Context, owners, emailIDs []int64) error
	// Editing is called in the transaction of Update, once the email of that owner is locked and
	// before it is written, and what it returns once it was written. Either may refuse the change.
	// Only the campaign domain knows what the change means for the campaigns that use the email;
	// without it nothing.
	Editing func(ctx context.Context, ownerID, emailID int64) (written func(ctx context.Context) error, err error)
}

// Service holds the rules of emails. Its methods may be used from many goroutines. Each acts for
// the caller of its context, and needs the scope read to read and write to write; an email of
// another account is NotFound, reason "email_not_found", exactly as one that does not exist.
//
// The methods that take columns select only those (of package ent/email) and the ones they need
// themselves; without columns, all. Name columns wherever the texts are not needed: html and plain
// hold up to 5 MiB each.
type Service struct {
	db *store.Store
	// texts has a place for each read of texts.
	texts    *gate.Gate
	now      func() time.Time
	deleting func(ctx context.Context, owners, emailIDs []int64) error
	editing  func(ctx context.Context, ownerID, emailID int64) (func(ctx context.Context) error, error)
}

// New returns the service over an open database.
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
	return &Service{
		db: db, texts: gate.New("reads of the texts of emails", textReads, accountTextReads),
		now: opts.Now, deleting: opts.Deleting, editing: opts.Editing,
	}
}

// Create makes an email in the caller's account (legacy Email.Create); the zero Patch makes an
// empty one. All faults of the patch are reported together. The same idempotency key within a day
// answers the email of the first call.
func (s *Service) Create(ctx context.Context, p Patch, idempotencyKey *string) (*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	p.normalise(&faults)
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

// Update changes the fields that the patch names (legacy Email.Update), and returns the email as it
// is then. All faults of the patch are reported together, with those of the content that would
// result when the patch asks for it by Scope; then nothing is written. The content of an email that
// a campaign sends at present does not change: a Conflict, reason "not_in_status". See
// campaign.Service.EditEmail for what it means for other campaigns.
func (s *Service) Update(ctx context.Context, id int64, p Patch, columns ...string) (*ent.Email, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var given apperr.Faults
	p.normalise(&given)
	var updated *ent.Email
	// What is read once the email is locked is what its last holder left.
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

// write writes the change of a locked email between the two calls of Options.Editing.
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

// check locks the email and returns its owner, or everything that forbids the change: that it is
// not there, the faults of the patch as given, and those of the content that would result, where
// there is one.
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

// Copy makes a copy of an email in the account of the original, whoever calls, and joins a running
// transaction. Its dates are its own.
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

// ByIDs returns the emails of the ids, in one statement for up to 5,000; an id that is not the caller's is absent.
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

// Filter chooses emails. The zero value chooses all.
type Filter struct {
	// Search is a part of the name or of the subject, without regard to case; "%" and "_" stand for themselves.
	Search string
}

func (f Filter) predicates() []predicate.Email {
	if search := kind.Fold(kind.Clean(f.Search), maxSubject); search != "" {
		return []predicate.Email{entemail.Or(entemail.NameKeyContains(search), entemail.SubjectKeyContains(search))}
	}
	return nil
}

// Order is an order of emails.
type Order = page.Order[*ent.Email]

// The orders of emails, each served by an index.
var (
	// ByCreated: in the order they were made.
	ByCreated = Order{
		Name: "CREATED_AT", Column: entemail.FieldID,
		Key: func(e *ent.Email) page.Key { return page.Key{ID: e.ID} },
	}
	// ByName: without regard to case.
	ByName = Order{
		Name: "NAME", Column: entemail.FieldNameKey, Type: page.Text,
		Key: func(e *ent.Email) page.Key { return page.Key{Value: e.NameKey, ID: e.ID} },
	}
	// ByUpdated: by the last change.
	ByUpdated = Order{
		Name: "UPDATED_AT", Column: entemail.FieldUpdatedAt, Type: page.Instant,
		Key: func(e *ent.Email) page.Key { return page.Key{Value: e.UpdatedAt, ID: e.ID} },
	}
)

// List returns one page of the emails. The errors of a bad request are those of page.Request.
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

// streamBatch is how many emails Each reads at first, largestBatch how many small ones it reads at a time in the end.
const streamBatch, largestBatch = 4, 64

// Each calls visit for the emails that the filter chooses, in order, from the offset and at most
// limit of them (0: all), a few at a time and without ever holding more (legacy Emails.Get). An
// error of visit ends it.
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

// Count returns how many emails the filter chooses (legacy TotalEmailCount).
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
