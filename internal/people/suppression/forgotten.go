package suppression

import (
	"context"
	"slices"
	"strconv"

	"entgo.io/ent/dialect"

	"campaignql/ent"
	"campaignql/ent/forgottenaddress"
	"campaignql/ent/predicate"
	"campaignql/ent/suppression"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/secret"
	"campaignql/internal/store"
)

// recognizedAtOnce is the number of digests per statement.
const recognizedAtOnce = 5000

// Forget deletes, in the running transaction, the suppressions of people who are being forgotten.
// With keep it stores a digest of each address instead, with the reason and the instant of the
// suppression; an address that was not suppressed gets one too. Without a secret keep is a Conflict,
// reason "secret_required".
func (s *Service) Forget(ctx context.Context, people []Address, keep bool) error {
	known := s.digestKeys()
	if keep && len(known) == 0 {
		return &apperr.Error{
			Code: apperr.Conflict, Reason: apperr.ReasonSecretRequired,
			Message: "a digest of the address has to be kept, and the server has no secret for it: " +
				"set --secret-file or CAMPAIGNQL_SECRET, or forget the suppression too",
		}
	}
	suppressed, err := s.lockOf(ctx, people)
	if err != nil {
		return err
	}
	var rows []*ent.Suppression
	for _, row := range suppressed {
		rows = append(rows, row)
	}
	if _, err := s.release(ctx, rows); err != nil || !keep {
		return err
	}
	client, now := s.db.Client(ctx).ForgottenAddress, store.Truncate(s.now())
	creates := make([]*ent.ForgottenAddressCreate, len(people))
	for i, p := range people {
		creates[i] = client.Create().SetUserID(p.OwnerID).SetKeyID(known[0].ID).
			SetDigest(known[0].Digest(strconv.FormatInt(p.OwnerID, 10), p.Key)).
			SetReason(kind.SuppressedManually).SetCreatedAt(now)
		if row := suppressed[p]; row != nil {
			creates[i].SetReason(row.Reason).SetCreatedAt(row.CreatedAt)
		}
	}
	for some := range slices.Chunk(creates, leftAtOnce) {
		if err := client.CreateBulk(some...).Exec(ctx); err != nil {
			return err
		}
	}
	// The digests have waited for the end of a Suppress that had looked for them before, and whose
	// suppressions were not there when suppressed was read.
	if late, err := s.lockOf(ctx, people); err != nil || len(late) == 0 {
		return err
	}
	return store.ErrStale
}

// lockOf returns the suppressions of addresses, and locks them in the order of their ids.
func (s *Service) lockOf(ctx context.Context, people []Address) (map[Address]*ent.Suppression, error) {
	wanted := make(map[Address]bool, len(people))
	owners, keys := make([]int64, len(people)), make([]string, len(people))
	for i, p := range people {
		wanted[p], owners[i], keys[i] = true, p.OwnerID, p.Key
	}
	found := map[Address]*ent.Suppression{}
	for some := range slices.Chunk(keys, MaxAddresses) {
		query := s.db.Client(ctx).Suppression.Query().
			Where(suppression.UserIDIn(store.Distinct(owners)...), suppression.EmailKeyIn(some...)).
			Order(suppression.ByID())
		query.Modify(store.Lock)
		rows, err := query.All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if p := (Address{row.UserID, row.EmailKey}); wanted[p] {
				found[p] = row
			}
		}
	}
	return found, nil
}

// Restore suppresses, in the running transaction, those of the addresses that the account has
// forgotten, with the reason and the instant of before. The digests go. It runs one statement, and one
// per 5,000 addresses, if none of them was forgotten. If the account has digests of a secret that the
// server does not have, no address can be recognized: the error is Unavailable.
func (s *Service) Restore(ctx context.Context, ownerID int64, addresses []address.Address) error {
	forgotten, err := s.recognize(ctx, ownerID, addresses)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	var rows []*ent.Suppression
	for _, a := range addresses {
		if row := forgotten[a.Key]; row != nil {
			rows = append(rows, &ent.Suppression{
				UserID: ownerID, Email: a.Text, EmailKey: a.Key, Reason: row.Reason, CreatedAt: row.CreatedAt,
			})
		}
	}
	if err := s.Left(ctx, rows); err != nil {
		return err
	}
	return s.drop(ctx, forgotten)
}

// drop deletes digests.
func (s *Service) drop(ctx context.Context, forgotten map[string]*ent.ForgottenAddress) error {
	ids := make([]int64, 0, len(forgotten))
	for _, row := range forgotten {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	for some := range slices.Chunk(ids, recognizedAtOnce) {
		_, err := s.db.Client(ctx).ForgottenAddress.Delete().Where(forgottenaddress.IDIn(some...)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// recognize returns the digests of addresses that the account has forgotten, by the key of the
// address. It shares them with other transactions: every sign-up reads digests, so a lock that
// excludes others would have sign-ups wait for each other, and deadlock. It reads what is committed
// at that moment, whatever the isolation level.
func (s *Service) recognize(
	ctx context.Context, ownerID int64, addresses []address.Address,
) (map[string]*ent.ForgottenAddress, error) {
	if err := s.knowsSecrets(ctx, forgottenaddress.UserID(ownerID)); err != nil {
		return nil, err
	}
	known := s.digestKeys()
	if len(known) == 0 {
		return nil, nil
	}
	found := map[string]*ent.ForgottenAddress{}
	owner := strconv.FormatInt(ownerID, 10)
	for some := range slices.Chunk(addresses, recognizedAtOnce/len(known)) {
		of := make(map[string]string, len(some)*len(known)) // the key of the address by its digest
		var digests []any
		for _, key := range known {
			for _, a := range some {
				digest := key.Digest(owner, a.Key)
				of[digest], digests = a.Key, append(digests, digest)
			}
		}
		err := s.read(ctx, ownerID, idsOf(known), digests, func(row *ent.ForgottenAddress) {
			found[of[row.Digest]] = row
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// digestKeys returns the keys of digests, the current one first.
func (s *Service) digestKeys() []secret.Key { return s.secret.Keys(secret.ForgottenAddresses) }

func idsOf(known []secret.Key) []string {
	ids := make([]string, len(known))
	for i, key := range known {
		ids[i] = key.ID
	}
	return ids
}

// knowsSecrets returns an error if there are digests under a key that the server does not have, also
// after it has read its secret again. It reads without a lock, because ranges of keys end at rows of
// other keys and accounts.
func (s *Service) knowsSecrets(ctx context.Context, where ...predicate.ForgottenAddress) error {
	for {
		unknown, err := s.db.Client(ctx).ForgottenAddress.Query().
			Where(append(slices.Clone(where), forgottenaddress.KeyIDNotIn(idsOf(s.digestKeys())...))...).
			Exist(ctx)
		if err != nil || !unknown {
			return err
		}
		if !s.secret.Refresh() {
			return errUnknownSecret()
		}
	}
}

// read calls tell with the rows of an account that have one of the digests.
func (s *Service) read(
	ctx context.Context, ownerID int64, ids []string, digests []any, tell func(*ent.ForgottenAddress),
) error {
	raw := s.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT id,digest,reason,created_at FROM forgotten_addresses WHERE user_id=")
	t.Value(ownerID)
	t.WriteString(" AND key_id IN (")
	t.List(store.Args(ids))
	t.WriteString(") AND digest IN (")
	t.List(digests)
	t.WriteString(")")
	if s.db.Dialect() == dialect.MySQL {
		t.WriteString(" LOCK IN SHARE MODE")
	}
	return raw.Query(ctx, t, func(rows store.Rows) error {
		row := &ent.ForgottenAddress{UserID: ownerID}
		if err := rows.Scan(&row.ID, &row.Digest, &row.Reason, &row.CreatedAt); err != nil {
			return err
		}
		tell(row)
		return nil
	})
}

func errUnknownSecret() error {
	return apperr.New(
		apperr.Unavailable, "people were forgotten under a secret that this server does not have: "+
			"name all secrets of the installation by --secret-file or CAMPAIGNQL_SECRET",
	)
}

// CheckSecret returns an error if people of any account were forgotten under a secret that the
// server does not have: it would not recognize them. The caller needs the scope admin.
func (s *Service) CheckSecret(ctx context.Context) error {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return err
	}
	return store.Translate(s.knowsSecrets(ctx))
}

// ordered returns the addresses of suppressions and of digests, in the order in which they are
// wanted.
func ordered(
	wanted []address.Address, rows []*ent.Suppression, forgotten map[string]*ent.ForgottenAddress,
) []string {
	stored := make(map[string]string, len(rows))
	for _, row := range rows {
		stored[row.EmailKey] = row.Email
	}
	var out []string
	for _, a := range wanted {
		if text, suppressed := stored[a.Key]; suppressed {
			out = append(out, text)
		} else if forgotten[a.Key] != nil {
			out = append(out, a.Text)
		}
	}
	return out
}
