// Package suppression owns the addresses that an account never writes to, whatever list they are
// on. It must not know lists or people.
package suppression

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/predicate"
	"campaignql/ent/suppression"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

const (
	// MaxAddresses is the most addresses that one call takes.
	MaxAddresses = 5000
	// maxKey is what the column of the folded address holds, in characters.
	maxKey = 254
)

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
}

// Service holds the rules of suppressions. Its methods may be used from many goroutines. Each acts
// for the caller of its context, and needs the scope read to read and write to write. An address is
// suppressed once, without regard to case: kind.Fold decides whether two are the same.
//
// The methods that take columns select only those (of package ent/suppression) and the ones they
// need themselves; without columns, all.
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

// Suppress suppresses addresses in the caller's account, all or nothing, and returns the
// suppressions in the order of the addresses, each once. An address that is suppressed already
// stays so, with its reason and its date. Whoever it belongs to stays on the lists.
//
// One that is no address is Invalid on addresses[i], reason "suppression_address_invalid"; over
// MaxAddresses are Invalid on addresses, reason "too_many_addresses"; an unknown reason on reason,
// reason "suppression_reason_unknown".
func (s *Service) Suppress(
	ctx context.Context, addresses []string, reason kind.SuppressionReason,
) ([]*ent.Suppression, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	wanted := read(&faults, addresses)
	if !slices.Contains(reason.Values(), string(reason)) {
		faults.Add(apperr.InvalidField("reason", apperr.ReasonSuppressionReasonUnknown, "is not a known reason"))
	}
	if err := faults.Err(); err != nil || len(wanted) == 0 {
		return []*ent.Suppression{}, err
	}
	now := store.Truncate(s.now())
	var out []*ent.Suppression
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		rows := make([]*ent.SuppressionCreate, len(wanted))
		for i, a := range wanted {
			rows[i] = client.Suppression.Create().
				SetEmail(a.email).
				SetEmailKey(a.key).
				SetReason(reason).
				SetCreatedAt(now)
		}
		// Ignore and not DoNothing, which MySQL lacks.
		err := client.Suppression.CreateBulk(rows...).
			OnConflictColumns(suppression.FieldUserID, suppression.FieldEmailKey).
			Ignore().
			Exec(ctx)
		if err != nil {
			return err
		}
		out, err = s.find(ctx, wanted)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// find returns the suppressions of the caller's own account, an admin's too, in the order of the
// addresses. The modifiers change the query, for instance to lock what it finds.
func (s *Service) find(
	ctx context.Context, wanted []address, modifiers ...func(*sql.Selector),
) ([]*ent.Suppression, error) {
	who, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	query := s.db.Client(ctx).
		Suppression.Query().
		Where(suppression.UserID(who.UserID), suppression.EmailKeyIn(keys(wanted)...))
	if len(modifiers) > 0 {
		query.Order(suppression.ByID()).Modify(modifiers...)
	}
	found, err := query.All(ctx)
	if err != nil {
		return nil, err
	}
	byKey := make(map[string]*ent.Suppression, len(found))
	for _, row := range found {
		byKey[row.EmailKey] = row
	}
	out := make([]*ent.Suppression, 0, len(wanted))
	for _, a := range wanted {
		if row := byKey[a.key]; row != nil {
			out = append(out, row)
		}
	}
	return out, nil
}

// Unsuppress lets the caller's account write to addresses again, all or nothing, and returns those
// that were suppressed, as they were written, in the order of the addresses; the others are left
// out, silently. The errors of the addresses are those of Suppress.
func (s *Service) Unsuppress(ctx context.Context, addresses []string) ([]string, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	wanted := read(&faults, addresses)
	if err := faults.Err(); err != nil || len(wanted) == 0 {
		return []string{}, err
	}
	var released []string
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		released = []string{}
		rows, err := s.find(ctx, wanted, store.Lock) // of several callers at once each address is released by one
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]int64, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
			released = append(released, row.Email)
		}
		_, err = s.db.Client(ctx).Suppression.Delete().Where(suppression.IDIn(ids...)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return released, nil
}

// address is an address as it is stored, and its key.
type address struct{ email, key string }

func keys(all []address) []string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.key
	}
	return out
}

// read returns the addresses in their order, each once.
func read(faults *apperr.Faults, given []string) []address {
	if len(given) > MaxAddresses {
		faults.Add(
			apperr.InvalidField(
				"addresses", apperr.ReasonTooManyAddresses, "%d addresses, at most %d are allowed", len(given),
				MaxAddresses,
			),
		)
		return nil
	}
	out, seen := make([]address, 0, len(given)), make(map[string]bool, len(given))
	for i, text := range given {
		a := address{email: strings.TrimSpace(kind.Clean(text))}
		a.key = kind.Fold(a.email, maxKey+1)
		if !kind.IsAddress(a.email) || utf8.RuneCountInString(a.key) > maxKey {
			faults.Add(apperr.InvalidField(fmt.Sprintf("addresses[%d]", i), apperr.ReasonSuppressionAddressInvalid,
				"must be one email address of at most %d bytes, without a name", kind.MaxAddress))
			continue
		}
		if !seen[a.key] {
			out = append(out, a)
		}
		seen[a.key] = true
	}
	return out
}

// Filter chooses suppressions. The zero value chooses all.
type Filter struct {
	// Search is a part of the address, without regard to case; "%" and "_" stand for themselves.
	Search string
	// Reasons, if not nil, are the reasons to keep; an empty list keeps none.
	Reasons []kind.SuppressionReason
}

func (f Filter) predicates() []predicate.Suppression {
	var chosen []predicate.Suppression
	if search := kind.Fold(kind.Clean(f.Search), maxKey); search != "" {
		chosen = append(chosen, suppression.EmailKeyContains(search))
	}
	if f.Reasons != nil {
		chosen = append(chosen, suppression.ReasonIn(f.Reasons...))
	}
	return chosen
}

var byAddress = page.Order[*ent.Suppression]{
	Name: "EMAIL_ADDRESS", Column: suppression.FieldEmailKey, Type: page.Text,
	Key: func(s *ent.Suppression) page.Key { return page.Key{Value: s.EmailKey, ID: s.ID} },
}

// List returns one page of the suppressions that the filter chooses, by address, in one statement.
// The errors of a bad request are those of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.Suppression], error) {
	return store.HeavyIf(
		ctx, s.db, filter.Search != "",
		func(ctx context.Context) (page.Result[*ent.Suppression], error) {
			return s.list(ctx, filter, request, columns...)
		},
	)
}

func (s *Service) list(
	ctx context.Context, filter Filter, request page.Request, columns ...string,
) (page.Result[*ent.Suppression], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.Suppression]{}, err
	}
	return page.Read(
		ctx, byAddress, request, s.db.Client(ctx).Suppression.Query().Where(filter.predicates()...), columns,
	)
}

// Count returns how many suppressions the filter chooses.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		return s.count(ctx, filter)
	})
}

func (s *Service) count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Suppression.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// ByIDs returns the suppressions of the ids, in one statement; an id that is not the caller's is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Suppression, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.Suppression) int64 { return row.ID },
		func(some ...int64) *ent.SuppressionQuery {
			return s.db.Client(ctx).Suppression.Query().Where(suppression.IDIn(some...))
		},
	)
}

// Of returns the suppressions of people by their ids, in one statement for up to 5,000; who is not
// suppressed is absent. A person needs id, user_id and email_key.
func (s *Service) Of(
	ctx context.Context, people []*ent.Subscriber, columns ...string,
) (map[int64]*ent.Suppression, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	found := make(map[int64]*ent.Suppression)
	for some := range slices.Chunk(people, MaxAddresses) {
		var owners []int64
		addresses := make([]string, len(some))
		for i, p := range some {
			addresses[i] = p.EmailKey
			if !slices.Contains(owners, p.UserID) {
				owners = append(owners, p.UserID)
			}
		}
		query := s.db.Client(ctx).
			Suppression.Query().
			Where(suppression.UserIDIn(owners...), suppression.EmailKeyIn(addresses...))
		if len(columns) > 0 {
			query.Select(
				append(
					[]string{suppression.FieldID, suppression.FieldUserID, suppression.FieldEmailKey},
					columns...)...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		type key struct {
			owner int64
			email string
		}
		byKey := make(map[key]*ent.Suppression, len(rows))
		for _, row := range rows {
			byKey[key{row.UserID, row.EmailKey}] = row
		}
		for _, p := range some {
			if row := byKey[key{p.UserID, p.EmailKey}]; row != nil {
				found[p.ID] = row
			}
		}
	}
	return found, nil
}

// complaintsAtOnce is how many addresses one statement of Complained suppresses.
const complaintsAtOnce = 500

// Complained suppresses the addresses of people who complained about a campaign, in the running
// transaction. It takes the account, the address, its key and the instant of each. An address that
// is suppressed already stays so, with its reason and its date.
func (s *Service) Complained(ctx context.Context, complaints []*ent.Suppression) error {
	client := s.db.Client(ctx).Suppression
	for some := range slices.Chunk(complaints, complaintsAtOnce) {
		rows := make([]*ent.SuppressionCreate, len(some))
		for i, c := range some {
			rows[i] = client.Create().SetUserID(c.UserID).SetEmail(c.Email).SetEmailKey(c.EmailKey).
				SetReason(kind.SuppressedByComplaint).SetCreatedAt(c.CreatedAt)
		}
		err := client.CreateBulk(rows...).
			OnConflictColumns(suppression.FieldUserID, suppression.FieldEmailKey).Ignore().Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}
