package contact

import (
	"context"
	"slices"
	"strings"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/forgottenaddress"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// atOnce is the number of contacts per statement. SQLite accepts 32,766 arguments, and a contact
// has up to 5.
const atOnce = 5000

// foundColumns are the columns that Enter returns.
var foundColumns = []string{
	entcontact.FieldID, entcontact.FieldUserID, entcontact.FieldEmailKey, entcontact.FieldDeliverability,
}

// sampled is the number of addresses that Enter looks up to learn whether it meets new people.
const sampled = 32

// Enter returns the contacts of an account with the given addresses, by the key of the address, and
// makes those that it does not have. It runs in the running transaction, which holds a lock on each
// of the contacts until it ends, so that their deliverability cannot change. Of the contacts that it
// makes, it suppresses those whose address the account has forgotten. The number of statements does
// not depend on the number of addresses. The rows have id, user_id, email_key and deliverability;
// those that Enter made have the email too. The caller must be allowed to write to the account.
//
// Most calls with many addresses are imports of new people, who are not worth looking up. If none of
// a sample of the addresses is known, Enter inserts them all, and looks them up only if the database
// reports a duplicate.
func (s *Service) Enter(
	ctx context.Context, ownerID int64, addresses []address.Address,
) (map[string]*ent.Contact, error) {
	wanted := distinct(addresses)
	found := make(map[string]*ent.Contact, len(wanted))
	if len(wanted) > sampled {
		known, err := s.knowsSome(ctx, ownerID, wanted)
		if err != nil {
			return nil, err
		}
		if !known {
			err := s.insertAll(ctx, ownerID, wanted, found)
			if err == nil || !store.IsDuplicate(err) {
				return found, err
			}
			clear(found)
		}
	}
	if err := s.find(ctx, ownerID, keysOf(wanted), found); err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(wanted, func(a address.Address) bool { return found[a.Key] != nil })
	err := s.insertAll(ctx, ownerID, missing, found)
	if store.IsDuplicate(err) { // another transaction has made one of them meanwhile
		return nil, store.ErrStale
	}
	return found, err
}

// distinct returns the first address of each key, in the order of the unique index, so that
// concurrent calls do not deadlock.
func distinct(addresses []address.Address) []address.Address {
	sorted := slices.Clone(addresses)
	slices.SortStableFunc(sorted, func(x, y address.Address) int { return strings.Compare(x.Key, y.Key) })
	return slices.CompactFunc(sorted, func(x, y address.Address) bool { return x.Key == y.Key })
}

func keysOf(addresses []address.Address) []string {
	keys := make([]string, len(addresses))
	for i, a := range addresses {
		keys[i] = a.Key
	}
	return keys
}

// knowsSome reports whether the account has a contact with one of a sample of the addresses.
func (s *Service) knowsSome(ctx context.Context, ownerID int64, of []address.Address) (bool, error) {
	keys := make([]string, sampled)
	for i := range keys {
		keys[i] = of[i*len(of)/sampled].Key
	}
	return s.db.Client(ctx).Contact.Query().
		Where(entcontact.UserID(ownerID), entcontact.EmailKeyIn(keys...)).
		Exist(ctx)
}

// Known returns the id of the contact of an account with the key of an address, if there is one. It
// takes no lock: it serves to lock the contact together with others, in the order of their ids.
func (s *Service) Known(ctx context.Context, ownerID int64, key string) ([]int64, error) {
	return s.db.Client(ctx).Contact.Query().
		Where(entcontact.UserID(ownerID), entcontact.EmailKey(key)).
		IDs(ctx)
}

// find adds to found the contacts with the given keys. It looks them up without a lock, and then
// locks them in the order of their ids, as everybody does who locks several contacts.
func (s *Service) find(ctx context.Context, ownerID int64, keys []string, found map[string]*ent.Contact) error {
	var ids []int64
	for some := range slices.Chunk(keys, atOnce) {
		present, err := s.db.Client(ctx).Contact.Query().
			Where(entcontact.UserID(ownerID), entcontact.EmailKeyIn(some...)).
			IDs(ctx)
		if err != nil {
			return err
		}
		ids = append(ids, present...)
	}
	locked, err := s.Lock(ctx, ids, foundColumns...)
	for _, c := range locked {
		if c.EmailKey != nil {
			found[*c.EmailKey] = c
		}
	}
	return err
}

// Lock returns contacts of any account by their ids, and locks them until the running transaction
// ends: in the order of their ids, so that concurrent transactions do not deadlock. A contact that
// is gone is absent.
func (s *Service) Lock(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error) {
	return s.locked(ctx, ids, true, columns)
}

// Hold is Lock with a shared lock: other transactions may hold the same contacts, and none may
// change them.
func (s *Service) Hold(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error) {
	return s.locked(ctx, ids, false, columns)
}

func (s *Service) locked(
	ctx context.Context, ids []int64, exclusively bool, columns []string,
) (map[int64]*ent.Contact, error) {
	found := make(map[int64]*ent.Contact, len(ids))
	for some := range slices.Chunk(store.Distinct(ids), atOnce) {
		query := s.db.Client(ctx).Contact.Query().Where(entcontact.IDIn(some...)).Order(entcontact.ByID())
		if exclusively {
			query.Modify(store.Lock)
		} else {
			query.Modify(store.Share)
		}
		rows, err := query.Select(columns...).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range rows {
			found[c.ID] = c
		}
	}
	return found, nil
}

var insertedColumns = []string{
	entcontact.FieldUserID, entcontact.FieldEmail, entcontact.FieldEmailKey, entcontact.FieldDomain,
	entcontact.FieldCreatedAt,
}

// insertAll inserts contacts and adds them to found. If the account has one of them already, the
// error is a duplicate, and some of the others may have been inserted.
func (s *Service) insertAll(
	ctx context.Context, ownerID int64, all []address.Address, found map[string]*ent.Contact,
) error {
	now := store.Truncate(s.now())
	for some := range slices.Chunk(all, atOnce) {
		rows := make([][]any, len(some))
		for i, a := range some {
			rows[i] = []any{ownerID, a.Text, a.Key, a.Domain, now}
		}
		first, err := s.db.Raw(ctx).Insert(ctx, entcontact.Table, insertedColumns, rows)
		if err != nil {
			return err
		}
		if err := s.number(ctx, ownerID, some, first, found); err != nil {
			return err
		}
		forgotten, err := s.hasForgotten(ctx, ownerID)
		if err == nil && forgotten {
			err = s.forgotten.Restore(ctx, ownerID, some)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// number adds inserted contacts with their ids to found. The database numbers the rows of an INSERT in
// ascending order, beginning with first. If the id of the last row shows that there are no gaps, all
// ids are known from it. Otherwise they are read by address.
func (s *Service) number(
	ctx context.Context, ownerID int64, some []address.Address, first int64, found map[string]*ent.Contact,
) error {
	raw := s.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT id FROM contacts WHERE user_id=")
	t.Value(ownerID)
	t.WriteString(" AND email_key=")
	t.Value(some[len(some)-1].Key)
	var last int64
	if err := raw.Query(ctx, t, func(rows store.Rows) error { return rows.Scan(&last) }); err != nil {
		return err
	}
	if last != first+int64(len(some)-1) {
		return s.find(ctx, ownerID, keysOf(some), found)
	}
	for i, a := range some {
		key := a.Key
		found[key] = &ent.Contact{
			ID: first + int64(i), UserID: ownerID, Email: a.Text, EmailKey: &key,
			Deliverability: entcontact.DefaultDeliverability,
		}
	}
	return nil
}

// hasForgotten reports whether the account has forgotten anybody. It reads with a lock, because the
// account may have done so since the transaction began.
func (s *Service) hasForgotten(ctx context.Context, ownerID int64) (bool, error) {
	query := s.db.Client(ctx).ForgottenAddress.Query().Where(forgottenaddress.UserID(ownerID))
	query.Modify(store.Share)
	return query.Exist(ctx)
}
