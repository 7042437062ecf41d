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

// Check returns the faults because of which an audience cannot be evaluated for the account. The
// faults are the same as in Count, but Check does not query subscribers. It is for packages that
// store audiences. It requires no scope: the caller has already checked the permission to change
// the account's data. It runs in the caller's transaction.
func (s *Service) Check(ctx context.Context, ownerID int64, a rules.Audience) error {
	_, err := s.bound(ctx, ownerID, Target{Audience: a})
	return err
}

// CheckSegment returns, on the field "rules", the faults because of which the new rules of a
// segment cannot be evaluated: faults in the rules themselves, and exceeded limits in the segments
// that name this segment and grow with it. It is for the package that stores segments, as Check is
// for audiences. It reads the id (0 for a new segment), the list and the owner of the segment. on
// holds the segments of the same list with their id, list and rules. above holds the ids of the
// segments that name this one, directly or through others.
func (s *Service) CheckSegment(
	ctx context.Context, of *ent.Segment, group rules.Group, on []*ent.Segment, above []int64,
) error {
	b, err := s.listBinder(ctx, of.UserID, of.ListID, group, true)
	if err != nil {
		return err
	}
	b.inside = []int64{of.ID}
	b.group(group, of.ListID, fieldRules)
	if err := b.faults.Err(); err != nil || len(above) == 0 {
		return err
	}
	return checkAbove(of, group, on, above)
}

// listBinder reads the objects that rules on a list name and returns a binder for the rules. latest
// means that segments are read under a lock.
func (s *Service) listBinder(
	ctx context.Context, ownerID, listID int64, where rules.Group, latest bool,
) (*binder, error) {
	asked := rules.Audience{Criteria: []rules.Criterion{{ListID: listID, Where: where}}}
	k, err := s.load(ctx, ownerID, Target{input: fieldRules, latest: latest, Audience: asked})
	if err != nil {
		return nil, err
	}
	zone, err := s.zone(ctx, ownerID)
	if err != nil {
		return nil, err
	}
	return &binder{known: k, zone: zone, at: store.Truncate(s.now()), input: fieldRules}, nil
}

// fieldRules is the error field for the rules of a segment.
const fieldRules = "rules"

// checkAbove reports only exceeded limits. Other faults of the segments above existed before this
// change.
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
			return faults[0] // the others are the same fault at other places
		}
	}
	return nil
}
