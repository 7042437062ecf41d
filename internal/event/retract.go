package event

import (
	"context"
	"slices"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// RetractFailures deletes FAILED events of a campaign that the caller has found, and what they count,
// in the running transaction: the recipients are tried again, and only what becomes of them in the end
// counts. The ids are those that the sender chose; ids that name no FAILED event are left out. It
// locks the campaign. The caller of ctx needs the scope write.
func (s *Service) RetractFailures(ctx context.Context, campaignID int64, ids []string) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	sql := s.sql(ctx)
	if _, err := sql.lock(ctx, []int64{campaignID}); err != nil {
		return err
	}
	changed, owners := newSums(), map[int64]int64{}
	for some := range slices.Chunk(ids, 2*rowsAtOnce) {
		keys := make([]any, len(some))
		for i, id := range some {
			keys[i] = Key(campaignID, id)
		}
		found, err := sql.failures(ctx, keys, func(owner int64, m moment) {
			owners[campaignID] = owner
			changed.add(campaignID, m, failed, -1)
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		t := sql.Text()
		t.WriteString("DELETE FROM events WHERE id IN (")
		t.List(found)
		t.WriteString(")")
		if err := sql.exec(ctx, t); err != nil {
			return err
		}
	}
	return sql.write(ctx, changed, owners)
}

// failures locks the FAILED events among the keys and returns their keys.
func (s statements) failures(
	ctx context.Context, keys []any, tell func(owner int64, m moment),
) (found []any, err error) {
	t := s.Text()
	t.WriteString("SELECT id,user_id,at,domain FROM events WHERE id IN (")
	t.List(keys)
	t.WriteString(") AND automated=0 AND kind=")
	t.Value(string(kind.EventFailed))
	if !s.lite {
		t.WriteString(" FOR UPDATE")
	}
	err = s.Query(ctx, t, func(rows store.Rows) error {
		var id, domain string
		var owner int64
		var at store.Instant
		if err := rows.Scan(&id, &owner, &at, &domain); err != nil {
			return err
		}
		found = append(found, id)
		tell(owner, moment{at.Time, domain})
		return nil
	})
	return found, err
}

// SettleWithin is RecordWithin for the owner of the campaigns, who says what became of mails of the
// built-in sender: each event has Sent. The caller of ctx needs the scope write.
func (s *Service) SettleWithin(ctx context.Context, r *Recording, events []Event) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	events = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.Sent == nil })
	return s.recordAll(ctx, r, events)
}
