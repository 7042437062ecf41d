package segment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"campaignql/ent"
	entsegment "campaignql/ent/segment"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Patch is a partial update of a segment; a nil field stays unchanged.
type Patch struct {
	// Name and Rules are as in Input.
	Name, Rules *string
}

// Update changes a segment as the patch says and returns it after the change. It returns the errors
// of Create. If the rules lead back to the segment through the segments they name, the error is
// Invalid on rules, reason "segment_cycle". The segments that name this one are checked too: a
// change that would make one of them too large is rejected. If an approved campaign uses the rules,
// the change may withdraw its approval, or it may be rejected with Conflict on rules, reason
// "not_in_status"; see campaign.Service.EditSegment.
func (s *Service) Update(ctx context.Context, id int64, p Patch, columns ...string) (*ent.Segment, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var updated *ent.Segment
	// TxLatest: the reads after the lock on the list see everything that the previous holder of the
	// lock committed.
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		present, err := s.lock(ctx, id)
		if err != nil {
			return err
		}
		var faults apperr.Faults
		update := s.db.Client(ctx).Segment.Update().Where(entsegment.ID(id))
		if p.Name != nil {
			name := readName(&faults, *p.Name)
			update.SetName(name).SetNameKey(kind.Fold(name, maxNameKey))
		}
		var read storedRules
		if p.Rules != nil {
			read = readRules(&faults, *p.Rules)
			update.SetRules(read.canonical).SetRulesSource(read.source)
		}
		if err := faults.Err(); err != nil {
			return err
		}
		written := func(context.Context) error { return nil }
		if p.Rules != nil {
			if written, err = s.editRules(ctx, present, read.group); err != nil {
				return err
			}
		}
		if len(update.Mutation().Fields()) > 0 {
			if _, err := update.SetUpdatedAt(store.Truncate(s.now())).Save(ctx); err != nil {
				return err
			}
		}
		if err := written(ctx); err != nil {
			return err
		}
		updated, err = s.get(ctx, id, columns)
		return err
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

// editRules checks the new rules of a segment and prepares the change. The caller must call written
// after the rules were written.
func (s *Service) editRules(
	ctx context.Context, of *ent.Segment, group rules.Group,
) (written func(ctx context.Context) error, err error) {
	above, err := s.checkRules(ctx, of, group)
	if err != nil {
		return nil, err
	}
	return s.editing(ctx, of.UserID, append(above, of.ID))
}

// lock finds a segment and locks its list.
func (s *Service) lock(ctx context.Context, id int64) (*ent.Segment, error) {
	present, err := s.db.Client(ctx).Segment.Query().Where(entsegment.ID(id)).
		Select(entsegment.FieldID, entsegment.FieldUserID, entsegment.FieldListID).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.list(ctx, present.ListID); apperr.CodeOf(err) == apperr.NotFound {
		return nil, store.ErrStale // the list and its segments were deleted concurrently
	} else if err != nil {
		return nil, err
	}
	return present, nil
}

// checkRules checks the objects that the new rules of a segment name. It returns the segments whose
// rules name the segment, directly or through others.
func (s *Service) checkRules(ctx context.Context, of *ent.Segment, group rules.Group) (above []int64, err error) {
	refs := group.References(of.ListID)
	if err := query.CheckReferences(ctx, s.db.Client(ctx), of.UserID, refs, "rules"); err != nil {
		return nil, err
	}
	on, err := s.rulesOn(ctx, of.ListID)
	if err != nil {
		return nil, err
	}
	above = leadingTo(on, of.ID)
	for _, ref := range refs.Segments {
		if ref.ID == of.ID || slices.Contains(above, ref.ID) {
			return nil, apperr.InvalidField(
				"rules", apperr.ReasonSegmentCycle, "%s: segment %d leads back to this one", ref.Path, ref.ID,
			)
		}
	}
	return above, s.check(ctx, of, group, on, above)
}

// rulesOn returns the segments of a list with their rules. It reads them under a lock, so that all
// committed rows are visible.
func (s *Service) rulesOn(ctx context.Context, listID int64) ([]*ent.Segment, error) {
	query := s.db.Client(ctx).Segment.Query().Where(entsegment.ListID(listID))
	query.Modify(store.Lock)
	return query.Select(entsegment.FieldID, entsegment.FieldListID, entsegment.FieldRules).All(ctx)
}

// references returns everything that the rules of a stored segment name. It reads id, list_id and
// rules.
func references(row *ent.Segment) rules.References {
	var group rules.Group
	if err := json.Unmarshal([]byte(row.Rules), &group); err != nil {
		return rules.References{} // stored rules were valid when they were set; unreadable rules name nothing
	}
	return group.References(row.ListID)
}

// leadingTo returns the segments whose rules name the segment, directly or through others. The
// segment itself is left out, even if it is among them.
func leadingTo(on []*ent.Segment, id int64) []int64 {
	namedBy := map[int64][]int64{}
	for _, row := range on {
		for _, ref := range references(row).Segments {
			namedBy[ref.ID] = append(namedBy[ref.ID], row.ID)
		}
	}
	found, passed := []int64{}, map[int64]bool{id: true}
	for next := []int64{id}; len(next) > 0; next = next[1:] {
		for _, by := range namedBy[next[0]] {
			if !passed[by] {
				passed[by] = true
				found, next = append(found, by), append(next, by)
			}
		}
	}
	return found
}

// Delete deletes segments, all or nothing, and returns the ids that it deleted, in ascending order.
// It silently ignores ids that the caller does not have. If a segment that stays, or the audience
// of a campaign that can still be sent (any status but Sent), names one of the segments, Delete
// returns Conflict on the field ids, reason "segment_in_use", and deletes nothing. More than 5,000
// ids are Invalid on ids, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > batch {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), batch,
		)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		deleted = []int64{}
		client := s.db.Client(ctx)
		// The segments are locked first, so that no concurrent request adds them to other rules.
		query := client.Segment.Query().Where(entsegment.IDIn(ids...)).Order(entsegment.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(entsegment.FieldID, entsegment.FieldUserID, entsegment.FieldListID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		var owners, lists []int64
		for _, row := range found {
			deleted = append(deleted, row.ID)
			owners, lists = append(owners, row.UserID), append(lists, row.ListID)
		}
		owners, lists = distinct(owners), distinct(lists)
		if err := s.unnamed(ctx, owners, lists, deleted); err != nil {
			return err
		}
		_, err = client.Segment.Delete().Where(entsegment.IDIn(deleted...)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}

// unnamed checks that no remaining segment names one of the segments. Only segments of the same
// lists can.
func (s *Service) unnamed(ctx context.Context, owners, lists, ids []int64) error {
	rows, err := s.db.Client(ctx).Segment.Query().Where(entsegment.ListIDIn(lists...), entsegment.IDNotIn(ids...)).
		Select(entsegment.FieldID, entsegment.FieldListID, entsegment.FieldRules).All(ctx)
	if err != nil {
		return err
	}
	id, by := naming(rows, ids, func(refs rules.References) []rules.Reference { return refs.Segments })
	if id == 0 {
		if id, by, err = s.named(ctx, owners, ids); err != nil {
			return err
		}
	}
	if id != 0 {
		return &apperr.Error{
			Code: apperr.Conflict, Field: "ids", Reason: apperr.ReasonSegmentInUse,
			Message: fmt.Sprintf("segment %d is in the rules of %s", id, by),
		}
	}
	return nil
}

// naming returns the first of the ids that the rules of one of the segments name, and a text with
// that segment, or 0 if there is none.
func naming(rows []*ent.Segment, ids []int64, of func(rules.References) []rules.Reference) (int64, string) {
	for _, row := range rows {
		for _, ref := range of(references(row)) {
			if slices.Contains(ids, ref.ID) {
				return ref.ID, fmt.Sprintf("segment %d", row.ID)
			}
		}
	}
	return 0, ""
}

// Naming searches for a segment of the owners whose rules name one of the ids. of selects the kind
// of reference. It returns the id that is named and a text that names the segment, or 0 if there is
// none. The caller runs it in the transaction that deletes the named objects.
func (s *Service) Naming(
	ctx context.Context, owners, ids []int64, of func(rules.References) []rules.Reference,
) (named int64, by string, err error) {
	for last := int64(0); ; {
		rows, err := s.db.Client(ctx).Segment.Query().Where(entsegment.UserIDIn(owners...), entsegment.IDGT(last)).
			Order(entsegment.ByID()).Limit(namingBatch).
			Select(entsegment.FieldID, entsegment.FieldListID, entsegment.FieldRules).All(ctx)
		if err != nil {
			return 0, "", err
		}
		if id, by := naming(rows, ids, of); id != 0 {
			return id, by, nil
		}
		if len(rows) < namingBatch {
			return 0, "", nil
		}
		last = rows[len(rows)-1].ID
	}
}

// namingBatch is the number of segments that Naming reads per batch. It is small because rules may
// have 64 KiB.
const namingBatch = 500

func distinct(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// DeleteOf deletes the segments of lists that are being deleted, in the running transaction.
func DeleteOf(ctx context.Context, db *store.Store, listIDs []int64) error {
	_, err := db.Client(ctx).Segment.Delete().Where(entsegment.ListIDIn(listIDs...)).Exec(ctx)
	return err
}
