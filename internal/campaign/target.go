package campaign

import (
	"encoding/json"
	"slices"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
)

// maxListsLength is the size of a column for lists and segments, in bytes. The text is ASCII.
const maxListsLength = 4000

// RecipientColumns are the columns that Recipients reads.
var RecipientColumns = []string{entcampaign.FieldAudienceSource, entcampaign.FieldRecipientLists}

// Recipients returns the lists and the segments that the audience of a campaign includes, without
// exclusions, in ascending order and without duplicates (legacy columns RecipientLists and
// RecipientSegments).
func Recipients(c *ent.Campaign) (lists, segments []int64) {
	var target rules.Audience
	var err error
	switch {
	case c.AudienceSource != "":
		target, err = rules.ParseRules([]byte(c.AudienceSource))
	case c.RecipientLists != "":
		target, err = rules.ParseLists(c.RecipientLists, "")
	}
	if err != nil {
		return nil, nil // stored text was valid when it was set, but maybe for a server version that accepted more
	}
	target.Exclude = nil
	refs := target.References()
	return numbers(refs.Lists), numbers(refs.Segments)
}

func numbers(refs []rules.Reference) []int64 {
	ids := make([]int64, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	return slices.Compact(ids)
}

// audience parses the requested audience, checks that all ids in it belong to the owner and that it
// can be evaluated, and sets the columns.
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
	// A campaign that is being or has been sent keeps the stored text: another text for the same
	// audience is no change.
	if canonical == u.c.Audience && canonical != "" && fixed(u.c.Status) {
		return
	}
	if canonical == u.c.Audience && columns.source == u.c.AudienceSource && columns.include == u.c.RecipientLists &&
		columns.exclude == u.c.ExcludedLists {
		return
	}
	if err := query.CheckReferences(
		u.ctx, u.db.Client(u.ctx), u.c.UserID, target.References(), "audience",
	); err != nil {
		u.faults.Add(err)
		return
	}
	if err := u.checkAudience(u.ctx, u.c.UserID, target); err != nil {
		u.faults.Add(err)
		return
	}
	u.draft.write.SetAudience(canonical).SetHasAudience(!target.IsZero()).
		SetAudienceSource(columns.source).SetRecipientLists(columns.include).SetExcludedLists(columns.exclude)
	u.draft.lists = new(includedLists(target))
	u.changed("audience")
	u.material = append(u.material, "audience")
}

// audienceColumns is an audience as the caller wrote it.
type audienceColumns struct{ source, include, exclude string }

// Audience returns the audience that the patch sets on a campaign without one. It returns the same
// errors as an update for invalid input, but it does not check that the named lists and segments
// exist.
func (p *AudiencePatch) Audience() (rules.Audience, error) {
	target, _, err := p.read(&ent.Campaign{})
	return target, err
}

func (p *AudiencePatch) read(c *ent.Campaign) (rules.Audience, audienceColumns, error) {
	if p.Rules != nil && *p.Rules != "" {
		target, err := rules.ParseRules([]byte(*p.Rules))
		return target, audienceColumns{source: *p.Rules}, err
	}
	columns := audienceColumns{include: pick(p.Include, c.RecipientLists), exclude: pick(p.Exclude, c.ExcludedLists)}
	for _, text := range []string{columns.include, columns.exclude} {
		if len(text) > maxListsLength {
			return rules.Audience{}, columns, apperr.InvalidField(
				"audience.lists", apperr.ReasonAudienceInvalid, "at most %d characters are allowed", maxListsLength,
			)
		}
	}
	target, err := rules.ParseLists(columns.include, columns.exclude)
	return target, columns, err
}
