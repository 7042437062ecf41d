// Package suppression owns the suppression list of an account: the addresses that get no mail from
// the account, whatever list they are on. Of people who were forgotten it keeps a digest of the
// address instead, and recognizes the address when it is entered again. It must not know lists or
// people.
package suppression

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/suppression"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/secret"
	"campaignql/internal/store"
)

// MaxAddresses is the maximum number of addresses in one call.
const MaxAddresses = 5000

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Secret is the secret of the installation, for the digests of forgotten addresses. Without one,
	// none can be forgotten, and addresses of an account that has forgotten some cannot be entered.
	Secret *secret.Secret
	// Released, if not nil, is called in the transaction of Unsuppress with the keys of the addresses
	// that it has removed.
	Released func(ctx context.Context, ownerID int64, keys []string) error
}

// Service implements the rules of suppressions. Its methods are safe for concurrent use. Each
// method acts for the caller in its context, and requires the scope read to read and write to
// write. An address is suppressed only once: its key decides whether two addresses are equal.
//
// Methods with a columns parameter select only those columns (of package ent/suppression) and the
// ones they need themselves. Without columns they select all.
type Service struct {
	db       *store.Store
	now      func() time.Time
	secret   *secret.Secret
	released func(ctx context.Context, ownerID int64, keys []string) error
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{
		db: db, now: opts.Now, secret: opts.Secret, released: opts.Released,
	}
}

// Suppress suppresses addresses in the caller's account, all or nothing. It returns the
// suppressions in the order of the addresses, without duplicates. An address that is already
// suppressed keeps its reason and date, also if it was forgotten. People with a suppressed address
// stay on their lists.
//
// An invalid address is Invalid on addresses[i], reason "suppression_address_invalid". More than
// MaxAddresses addresses are Invalid on addresses, reason "too_many_addresses". An unknown reason
// is Invalid on reason, reason "suppression_reason_unknown".
func (s *Service) Suppress(
	ctx context.Context, addresses []string, reason kind.SuppressionReason,
) ([]*ent.Suppression, error) {
	who, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
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
	// Tx locks the gaps in which Restore finds no digest: Forget cannot insert one until the commit.
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.Restore(ctx, who.UserID, wanted); err != nil {
			return err
		}
		client := s.db.Client(ctx)
		rows := make([]*ent.SuppressionCreate, len(wanted))
		for i, a := range wanted {
			rows[i] = client.Suppression.Create().
				SetEmail(a.Text).
				SetEmailKey(a.Key).
				SetReason(reason).
				SetCreatedAt(now)
		}
		// MySQL does not support DoNothing, so this uses Ignore.
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

// find returns the suppressions of the caller's own account, also for an admin, in the order of the
// addresses. The modifiers change the query, for example to lock the rows.
func (s *Service) find(
	ctx context.Context, wanted []address.Address, modifiers ...func(*sql.Selector),
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
		if row := byKey[a.Key]; row != nil {
			out = append(out, row)
		}
	}
	return out, nil
}

// Unsuppress removes addresses from the suppression list of the caller's account, all or nothing,
// and the digests of those that were forgotten. It returns the removed addresses in their stored
// spelling, and forgotten ones as they are given, in the order of the input. It silently ignores
// addresses that are not suppressed. Invalid addresses return the errors of Suppress.
func (s *Service) Unsuppress(ctx context.Context, addresses []string) ([]string, error) {
	who, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	var faults apperr.Faults
	wanted := read(&faults, addresses)
	if err := faults.Err(); err != nil || len(wanted) == 0 {
		return []string{}, err
	}
	var released []string
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		rows, err := s.find(ctx, wanted, store.Lock) // of concurrent callers, only one releases an address
		if err != nil {
			return err
		}
		forgotten, err := s.recognize(ctx, who.UserID, wanted)
		if err != nil {
			return err
		}
		if released, err = s.release(ctx, rows); err != nil {
			return err
		}
		if len(rows) > 0 && s.released != nil {
			removed := make([]string, len(rows))
			for i, row := range rows {
				removed[i] = row.EmailKey
			}
			if err := s.released(ctx, who.UserID, removed); err != nil {
				return err
			}
		}
		if len(forgotten) == 0 {
			return nil
		}
		released = ordered(wanted, rows, forgotten)
		return s.drop(ctx, forgotten)
	})
	if err != nil {
		return nil, err
	}
	return released, nil
}

// release deletes suppressions, and returns their addresses.
func (s *Service) release(ctx context.Context, rows []*ent.Suppression) ([]string, error) {
	released, ids := make([]string, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		ids[i], released[i] = row.ID, row.Email
	}
	if len(rows) == 0 {
		return released, nil
	}
	_, err := s.db.Client(ctx).Suppression.Delete().Where(suppression.IDIn(ids...)).Exec(ctx)
	return released, err
}

func keys(all []address.Address) []string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.Key
	}
	return out
}

// read returns the addresses in their order, without duplicates.
func read(faults *apperr.Faults, given []string) []address.Address {
	if len(given) > MaxAddresses {
		faults.Add(apperr.InvalidField(
			"addresses", apperr.ReasonTooManyAddresses, "%d addresses, at most %d are allowed", len(given),
			MaxAddresses,
		))
		return nil
	}
	out, seen := make([]address.Address, 0, len(given)), make(map[string]bool, len(given))
	for i, text := range given {
		a, err := address.Parse(text)
		if err != nil {
			faults.Add(apperr.InvalidField(
				fmt.Sprintf("addresses[%d]", i), apperr.ReasonSuppressionAddressInvalid, "%v", err,
			))
			continue
		}
		if !seen[a.Key] {
			out = append(out, a)
		}
		seen[a.Key] = true
	}
	return out
}

// ByIDs returns the suppressions with the given ids, in one statement. An id that the caller does
// not have is absent.
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

// Address names an address of an account by its key.
type Address struct {
	OwnerID int64
	Key     string
}

// Of returns the suppressions of addresses, in one statement per 5,000. Addresses that are not
// suppressed are absent.
func (s *Service) Of(ctx context.Context, of []Address, columns ...string) (map[Address]*ent.Suppression, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	found := make(map[Address]*ent.Suppression)
	for some := range slices.Chunk(of, MaxAddresses) {
		var owners []int64
		keys := make([]string, len(some))
		for i, a := range some {
			keys[i] = a.Key
			if !slices.Contains(owners, a.OwnerID) {
				owners = append(owners, a.OwnerID)
			}
		}
		query := s.db.Client(ctx).
			Suppression.Query().
			Where(suppression.UserIDIn(owners...), suppression.EmailKeyIn(store.Distinct(keys)...))
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
		for _, row := range rows {
			found[Address{row.UserID, row.EmailKey}] = row
		}
	}
	return found, nil
}

// leftAtOnce is the number of addresses per statement of Left.
const leftAtOnce = 500

// Left suppresses the addresses of people who want no more mail, in the running transaction. Each
// row needs the account, the address, its key, the reason and the instant. An address that is
// already suppressed keeps its reason and date.
func (s *Service) Left(ctx context.Context, people []*ent.Suppression) error {
	client := s.db.Client(ctx).Suppression
	for some := range slices.Chunk(people, leftAtOnce) {
		rows := make([]*ent.SuppressionCreate, len(some))
		for i, p := range some {
			rows[i] = client.Create().SetUserID(p.UserID).SetEmail(p.Email).SetEmailKey(p.EmailKey).
				SetReason(p.Reason).SetCreatedAt(p.CreatedAt)
		}
		err := client.CreateBulk(rows...).
			OnConflictColumns(suppression.FieldUserID, suppression.FieldEmailKey).Ignore().Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}
