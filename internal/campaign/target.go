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

// maxListsLength is what a column of lists and segments holds, in bytes; the text is digits and signs.
const maxListsLength = 4000

// RecipientColumns are the columns Recipients reads.
var RecipientColumns = []string{entcampaign.FieldAudienceSource, entcampaign.FieldRecipientLists}

// Recipients returns the lists and the segments that the audience of a campaign names, exclusions
// not counted, ascending and each once (legacy columns RecipientLists and RecipientSegments).
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
		return nil, nil // what is stored was understood when it was set; an older server may have understood more
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

// audience reads who the campaign is to go to, checks that all it names belongs to the owner and
// that it can be evaluated, and sets the columns.
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
	if canonical == u.c.Audience && columns.source == u.c.AudienceSource && columns.include == u.c.RecipientLists &&
		columns.exclude == u.c.ExcludedLists {
		return
	}
	if err := query.CheckReferences(
		u.ctx,
		u.db.Client(u.ctx),
		u.c.UserID,
		target.References(),
		"audience",
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
	u.changed("audience")
	u.material = append(u.material, "audience")
}

// audienceColumns is an audience as it was given.
type audienceColumns struct{ source, include, exclude string }

// Audience returns the audience that the patch gives a campaign without one, with the errors of an
// update that are about what it says. What it names is not looked for.
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
