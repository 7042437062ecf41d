package campaign

import (
	"context"
	"encoding/json"
	"slices"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/customfield"
	"campaignql/ent/segment"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertag"
	"campaignql/internal/apperr"
	"campaignql/internal/audience"
)

// ReasonAudienceOwner is the reason of an audience that names a list, segment, tag, field or campaign which is not the owner's, or is not at all.
const ReasonAudienceOwner = "audience_not_found"

// ReasonAudienceInvalid is the reason of an audience that cannot be understood.
const ReasonAudienceInvalid = "audience_invalid"

// maxListsLength is what a column of lists and segments holds, in bytes; the text is digits and signs.
const maxListsLength = 4000

// RecipientColumns are the columns Recipients reads.
var RecipientColumns = []string{entcampaign.FieldAudienceSource, entcampaign.FieldRecipientLists}

// Recipients returns the lists and the segments that the audience of a campaign names, exclusions not counted, ascending and each once (legacy
// columns RecipientLists and RecipientSegments).
func Recipients(c *ent.Campaign) (lists, segments []int64) {
	var target audience.Audience
	var err error
	switch {
	case c.AudienceSource != "":
		target, err = audience.ParseRules([]byte(c.AudienceSource))
	case c.RecipientLists != "":
		target, err = audience.ParseLists(c.RecipientLists, "")
	}
	if err != nil {
		return nil, nil // what is stored was understood when it was set; an older server may have understood more
	}
	target.Exclude = nil
	refs := target.References()
	return numbers(refs.Lists), numbers(refs.Segments)
}

func numbers(refs []audience.Reference) []int64 {
	ids := make([]int64, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	return slices.Compact(ids)
}

// audience reads who the campaign is to go to, checks that all it names belongs to the owner, and sets the columns.
func (u *update) audience() {
	p := u.patch.Audience
	if p == nil || p.Rules == nil && p.Include == nil && p.Exclude == nil {
		return
	}
	target, columns, err := p.read(u.c)
	if err != nil {
		u.faults.Add(err)
		return
	}
	canonical := ""
	if !target.IsZero() || len(target.Exclude) > 0 {
		text, err := json.Marshal(target)
		if err != nil {
			u.faults.Add(err)
			return
		}
		canonical = string(text)
	}
	// What is being or has been sent keeps its spelling: the same people in other words are no change.
	if canonical == u.c.Audience && canonical != "" && fixed(u.c.Status) {
		return
	}
	if canonical == u.c.Audience && columns.source == u.c.AudienceSource && columns.include == u.c.RecipientLists && columns.exclude == u.c.ExcludedLists {
		return
	}
	if err := u.ownsReferences(target.References()); err != nil {
		u.faults.Add(err)
		return
	}
	u.draft.write.SetAudience(canonical).SetHasAudience(!target.IsZero()).
		SetAudienceSource(columns.source).SetRecipientLists(columns.include).SetExcludedLists(columns.exclude)
	u.changed("audience")
	u.material = append(u.material, "audience")
}

// audienceColumns is an audience as it was given.
type audienceColumns struct{ source, include, exclude string }

func (p *AudiencePatch) read(c *ent.Campaign) (audience.Audience, audienceColumns, error) {
	if p.Rules != nil && *p.Rules != "" {
		target, err := audience.ParseRules([]byte(*p.Rules))
		return target, audienceColumns{source: *p.Rules}, err
	}
	columns := audienceColumns{include: pick(p.Include, c.RecipientLists), exclude: pick(p.Exclude, c.ExcludedLists)}
	for _, text := range []string{columns.include, columns.exclude} {
		if len(text) > maxListsLength {
			return audience.Audience{}, columns, apperr.InvalidField("audience.lists", ReasonAudienceInvalid, "at most %d characters are allowed", maxListsLength)
		}
	}
	target, err := audience.ParseLists(columns.include, columns.exclude)
	return target, columns, err
}

// ownsReferences reports the first thing an audience names that the owner of the campaign does not have. It says the same whether it belongs to
// somebody else or does not exist.
func (u *update) ownsReferences(refs audience.References) error {
	client, owner := u.db.Client(u.ctx), u.c.UserID
	for _, kind := range []struct {
		what string
		refs []audience.Reference
		ids  func(ctx context.Context, ids []int64) (map[int64]int64, error)
	}{
		{"list", refs.Lists, func(ctx context.Context, ids []int64) (map[int64]int64, error) {
			return owned(client.SubscriberList.Query().Where(subscriberlist.IDIn(ids...), subscriberlist.UserID(owner)).IDs(ctx))
		}},
		{"segment", refs.Segments, func(ctx context.Context, ids []int64) (map[int64]int64, error) {
			rows, err := client.Segment.Query().Where(segment.IDIn(ids...), segment.UserID(owner)).Select(segment.FieldID, segment.FieldListID).All(ctx)
			lists := map[int64]int64{}
			for _, row := range rows {
				lists[row.ID] = row.ListID
			}
			return lists, err
		}},
		{"subscriber tag", refs.Tags, func(ctx context.Context, ids []int64) (map[int64]int64, error) {
			return owned(client.SubscriberTag.Query().Where(subscribertag.IDIn(ids...), subscribertag.UserID(owner)).IDs(ctx))
		}},
		{"custom field", refs.Fields, func(ctx context.Context, ids []int64) (map[int64]int64, error) {
			rows, err := client.CustomField.Query().Where(customfield.IDIn(ids...), customfield.UserID(owner)).Select(customfield.FieldID, customfield.FieldListID).All(ctx)
			lists := map[int64]int64{}
			for _, row := range rows {
				lists[row.ID] = pick(row.ListID, 0)
			}
			return lists, err
		}},
		{"campaign", refs.Campaigns, func(ctx context.Context, ids []int64) (map[int64]int64, error) {
			return owned(client.Campaign.Query().Where(entcampaign.IDIn(ids...), entcampaign.UserID(owner)).IDs(ctx))
		}},
	} {
		if len(kind.refs) == 0 {
			continue
		}
		ids := make([]int64, len(kind.refs))
		for i, ref := range kind.refs {
			ids[i] = ref.ID
		}
		lists, err := kind.ids(u.ctx, slices.Compact(slices.Sorted(slices.Values(ids))))
		if err != nil {
			return err
		}
		for _, ref := range kind.refs {
			if list, ok := lists[ref.ID]; !ok || list != 0 && ref.ListID != 0 && list != ref.ListID {
				return &apperr.Error{
					Code: apperr.NotFound, Field: "audience", Reason: ReasonAudienceOwner,
					Message: apperr.New(apperr.NotFound, "%s: there is no %s %d", ref.Path, kind.what, ref.ID).Message,
				}
			}
		}
	}
	return nil
}

// owned maps each id to list 0: it belongs to no list.
func owned(ids []int64, err error) (map[int64]int64, error) {
	lists := make(map[int64]int64, len(ids))
	for _, id := range ids {
		lists[id] = 0
	}
	return lists, err
}
