package query

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/ent/audiencepurge"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/customfield"
	"campaignql/ent/purge"
	"campaignql/ent/segment"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertag"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
	"campaignql/internal/store"
)

// known holds the objects of the owner among all that an audience and its segments name.
type known struct {
	segments map[int64]savedRules
	fields   map[int64]kind.FieldType
	// These maps hold the ids that exist, each with the list it belongs to, or 0 for none.
	lists, segmentLists, fieldLists, tags, campaigns map[int64]int64
	// purging means that events of deleted campaigns may still exist. purgingTags means that people
	// may still have tags that are deleted.
	purging, purgingTags bool
}

// savedRules are the rules of a segment. err is set if they cannot be read.
type savedRules struct {
	where rules.Group
	err   error
}

// plan reads the objects that a target names and returns a plan that can be compiled.
func (s *Service) plan(ctx context.Context, target Target) (*plan, error) {
	ownerID, err := owner(ctx, target)
	if err != nil || target.prepared != nil {
		return target.prepared, err
	}
	return s.bound(ctx, ownerID, target)
}

// bound reads and checks the objects that a target names, for the account for which it is
// evaluated.
func (s *Service) bound(ctx context.Context, ownerID int64, target Target) (*plan, error) {
	at := target.At
	if at.IsZero() {
		at = s.now()
	}
	p := &plan{dialect: s.db.Dialect(), owner: ownerID, operator: target.Audience.Operator}
	if target.Audience.IsZero() && len(target.Audience.Exclude) == 0 {
		return p, nil
	}
	zone, err := s.zone(ctx, ownerID)
	if err != nil {
		return nil, err
	}
	k, err := s.load(ctx, ownerID, target)
	if err != nil {
		return nil, err
	}
	b := &binder{known: k, zone: zone, at: store.Truncate(at), stored: target.stored, input: target.field()}
	included := "criteria"
	if target.Audience.Form == rules.FormLists {
		included, b.pairs = "include", true
	}
	p.criteria = b.criteria(included, target.Audience.Criteria)
	p.byAddress = b.byAddress
	p.exclude = b.criteria("exclude", target.Audience.Exclude)
	p.byRows = b.byRows
	return p, b.faults.Err()
}

// zone returns the time zone in which the owner reads dates.
func (s *Service) zone(ctx context.Context, ownerID int64) (*time.Location, error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	name := id.TimeZone
	if id.UserID != ownerID {
		found, err := s.db.Client(ctx).User.Query().Where(user.ID(ownerID)).Select(user.FieldTimeZone).Only(ctx)
		if ent.IsNotFound(err) {
			return nil, apperr.NotFoundf("account")
		}
		if err != nil {
			return nil, store.Translate(err)
		}
		name = found.TimeZone
	}
	return schedule.ParseZone(name)
}

// load reads everything that the target and its segments name: one statement per kind, and one per
// level of nested segments.
func (s *Service) load(ctx context.Context, ownerID int64, target Target) (*known, error) {
	client := s.db.Client(ctx)
	refs := target.Audience.References()
	if n := len(refs.Tags) + len(refs.Campaigns); n > MaxIDs {
		return nil, target.tooLarge("names %d tags and campaigns, at most %d are allowed", n, MaxIDs)
	}
	k := &known{
		segments: map[int64]savedRules{}, segmentLists: map[int64]int64{}, fieldLists: map[int64]int64{},
		fields: map[int64]kind.FieldType{},
	}
	var err error
	ids, owns := numbers(refs.Lists), subscriberlist.UserID(ownerID)
	if k.lists, err = ofNone(
		client.SubscriberList.Query().Where(subscriberlist.IDIn(ids...), owns).IDs(ctx),
	); err != nil {
		return nil, store.Translate(err)
	}
	depth := 0
	if target.read != nil {
		k.follow(target.read, &refs)
		depth++
	}
	for ; depth < MaxSegmentDepth; depth++ {
		missing := k.notLoaded(refs.Segments)
		if len(missing) == 0 {
			break
		}
		query := client.Segment.Query().Where(segment.IDIn(missing...), segment.UserID(ownerID))
		if target.latest {
			query.Modify(store.Lock)
		}
		rows, err := query.Select(segment.FieldID, segment.FieldListID, segment.FieldRules).All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		refs.Segments = nil
		for _, row := range rows {
			k.follow(row, &refs)
		}
	}
	if n := len(numbers(refs.Tags)) + len(numbers(refs.Campaigns)); n > MaxIDs {
		return nil, target.tooLarge("names %d tags and campaigns with its segments, at most %d are allowed", n, MaxIDs)
	}
	return k, s.loadRest(ctx, ownerID, refs, k)
}

func (s *Service) loadRest(ctx context.Context, ownerID int64, refs rules.References, k *known) (err error) {
	client := s.db.Client(ctx)
	if ids := numbers(refs.Fields); len(ids) > 0 {
		rows, err := client.CustomField.Query().Where(customfield.IDIn(ids...), customfield.UserID(ownerID)).
			Select(customfield.FieldID, customfield.FieldListID, customfield.FieldType).All(ctx)
		if err != nil {
			return store.Translate(err)
		}
		for _, row := range rows {
			k.fields[row.ID], k.fieldLists[row.ID] = row.Type, 0
			if row.ListID != nil {
				k.fieldLists[row.ID] = *row.ListID
			}
		}
	}
	if ids := numbers(refs.Tags); len(ids) > 0 {
		k.tags, err = ofNone(
			client.SubscriberTag.Query().Where(subscribertag.IDIn(ids...), subscribertag.UserID(ownerID)).IDs(ctx),
		)
		if err != nil {
			return store.Translate(err)
		}
	}
	if ids := numbers(refs.Campaigns); len(ids) > 0 {
		k.campaigns, err = ofNone(
			client.Campaign.Query().Where(entcampaign.IDIn(ids...), entcampaign.UserID(ownerID)).IDs(ctx),
		)
		if err != nil {
			return store.Translate(err)
		}
	}
	if refs.AnyCampaign {
		if k.purging, err = client.Purge.Query().Where(purge.UserID(ownerID)).Exist(ctx); err != nil {
			return store.Translate(err)
		}
	}
	if refs.AnyTag {
		k.purgingTags, err = client.AudiencePurge.Query().
			Where(audiencepurge.KindEQ(kind.DeletedTag), audiencepurge.UserID(ownerID)).
			Exist(ctx)
	}
	return store.Translate(err)
}

// notLoaded returns the segments that have not been queried yet.
func (k *known) notLoaded(refs []rules.Reference) []int64 {
	var ids []int64
	for _, id := range numbers(refs) {
		if _, loaded := k.segments[id]; !loaded {
			k.segments[id] = savedRules{err: fmt.Errorf("reach: there is no segment %d", id)}
			ids = append(ids, id)
		}
	}
	return ids
}

// follow adds a segment, and adds the objects that its rules name to the references still to be
// read.
func (k *known) follow(row *ent.Segment, refs *rules.References) {
	named := k.add(row)
	refs.Segments = append(refs.Segments, named.Segments...)
	refs.Fields = append(refs.Fields, named.Fields...)
	refs.Tags = append(refs.Tags, named.Tags...)
	refs.Campaigns = append(refs.Campaigns, named.Campaigns...)
	refs.AnyCampaign, refs.AnyTag = refs.AnyCampaign || named.AnyCampaign, refs.AnyTag || named.AnyTag
}

// add reads the rules of a segment and returns what they name.
func (k *known) add(row *ent.Segment) rules.References {
	var rules savedRules
	if row.Rules != "" {
		rules.err = json.Unmarshal([]byte(row.Rules), &rules.where)
	}
	k.segments[row.ID], k.segmentLists[row.ID] = rules, row.ListID
	return rules.where.References(row.ListID)
}

// numbers returns the ids in ascending order, without duplicates.
func numbers(refs []rules.Reference) []int64 {
	ids := make([]int64, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ofNone maps ids to list 0, which means that they belong to no list.
func ofNone(ids []int64, err error) (map[int64]int64, error) {
	found := make(map[int64]int64, len(ids))
	for _, id := range ids {
		found[id] = 0
	}
	return found, err
}
