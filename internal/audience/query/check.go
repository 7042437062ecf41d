package query

import (
	"context"
	"slices"
	"strconv"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/store"
)

// Check reports what of an audience could not be evaluated for the account: everything that Count
// would, but the people are not asked for. It is for those who keep audiences and need no scope:
// they have made sure that the caller may change what is the account's. It runs in their
// transaction.
func (s *Service) Check(ctx context.Context, ownerID int64, a rules.Audience) error {
	_, err := s.bound(ctx, ownerID, Target{Audience: a})
	return err
}

// CheckSegment reports, on the field "rules", what of the rules that a segment is to have could not
// be evaluated: in themselves, and in those of the segments that name it, which grow with it. It is
// for those who keep segments, as Check is for audiences. It reads the id, 0 for a new one, and the
// list and the owner of the segment; on are the segments of its list with their id, list and rules,
// and above the ids of those that lead to it.
func (s *Service) CheckSegment(
	ctx context.Context, of *ent.Segment, group rules.Group, on []*ent.Segment, above []int64,
) error {
	asked := rules.Audience{Criteria: []rules.Criterion{{ListID: of.ListID, Where: group}}}
	k, err := s.load(ctx, of.UserID, Target{input: fieldRules, latest: true, Audience: asked})
	if err != nil {
		return err
	}
	zone, err := s.zone(ctx, of.UserID)
	if err != nil {
		return err
	}
	b := &binder{known: k, zone: zone, at: store.Truncate(s.now()), input: fieldRules, inside: []int64{of.ID}}
	b.group(group, of.ListID, fieldRules)
	if err := b.faults.Err(); err != nil || len(above) == 0 {
		return err
	}
	return checkAbove(of, group, on, above)
}

// fieldRules is the field of the errors of the rules of a segment.
const fieldRules = "rules"

// checkAbove looks for limits alone: what else may be wrong with the segments above was so before.
func checkAbove(of *ent.Segment, group rules.Group, on []*ent.Segment, above []int64) error {
	k := &known{segments: map[int64]savedRules{}, segmentLists: map[int64]int64{}}
	for _, row := range on {
		k.add(row)
	}
	k.segments[of.ID], k.segmentLists[of.ID] = savedRules{where: group}, of.ListID
	for _, id := range slices.Sorted(slices.Values(above)) {
		b := &binder{known: k, zone: time.UTC, input: fieldRules, inside: []int64{id}, limitsAlone: true}
		b.group(k.segments[id].where, of.ListID, "segment "+strconv.FormatInt(id, 10)+", which names this one: rules")
		if faults := apperr.All(b.faults.Err()); len(faults) > 0 {
			return faults[0] // the others are the same in other places
		}
	}
	return nil
}
