package command

import (
	"context"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/tag"
)

// Rows that several tag commands share. The reasons are from package tag.
func tagNameCodes() []Code {
	return []Code{
		{Number: 2, Text: "A tag of this name exists already", Reasons: []apperr.Reason{apperr.ReasonTagExists}},
		{
			Number: 3, Text: "A tag may hold letters, digits, spaces and the characters - _ % only",
			Reasons: []apperr.Reason{apperr.ReasonTagNameCharacters},
		},
		{
			Number: 4, Text: "The tag is blank",
			Reasons: []apperr.Reason{apperr.ReasonTagNameEmpty, apperr.ReasonTagNameRequired},
		},
	}
}

func (b *Bridge) tagCommands() []Command {
	tooLong := Code{
		Number: 6, Text: "The tag is too long", Detail: true, Reasons: []apperr.Reason{apperr.ReasonTagNameTooLong},
	}
	return []Command{
		{
			Name: "Tags.Get", Operation: "tags", Scope: kind.ScopeRead,
			Doc: "Lists the tags, by name.",
			run: b.tags,
		},
		{
			Name: "Tag.Create", Operation: "createTag", Scope: kind.ScopeWrite,
			Doc:        "Creates a tag.",
			Parameters: []Parameter{required("Tag", "The name: 1 to 100 letters, digits, spaces, - _ %.")},
			Codes: append(append([]Code{
				{Number: 1, Text: "The tag is missing", Missing: "Tag"},
			}, tagNameCodes()...), tooLong),
			run: b.createTag,
		},
		{
			Name: "Tag.Update", Operation: "updateTag", Scope: kind.ScopeWrite,
			Doc: "Renames a tag.",
			Parameters: []Parameter{
				required("TagID", "The tag."),
				required("Tag", "The new name."),
			},
			Codes: append(append([]Code{
				{Number: 1, Shape: Array, Text: "TagID is missing", Missing: "TagID"},
				{Number: 2, Shape: Array, Text: "The tag is missing", Missing: "Tag"},
			}, tagNameCodes()...), Code{Number: 5, Text: "Tag not found", Reasons: []apperr.Reason{apperr.ReasonTagNotFound}}, tooLong),
			run: b.updateTag,
		},
		{
			Name:       "Tags.Delete",
			Operation:  "deleteTags",
			Scope:      kind.ScopeWrite,
			Doc:        "Deletes tags and takes them off every campaign. Those that are not the caller's are left alone.",
			Parameters: []Parameter{required("Tags", "Comma-separated ids.")},
			Codes: []Code{
				{Number: 1, Shape: Array, Text: "Tags are missing", Missing: "Tags"},
			},
			run: b.deleteTags,
		},
		{
			Name: "Tag.AssignToCampaigns", Operation: "tagCampaigns", Scope: kind.ScopeWrite,
			Doc:        "Puts a tag on campaigns. Campaigns that are not the caller's are left out.",
			Parameters: taggingParameters(), Codes: taggingCodes(),
			run: func(ctx context.Context, p Parameters) (Object, error) { return tagCampaigns(ctx, p, b.Tags.Assign) },
		},
		{
			Name:       "Tag.UnassignFromCampaigns",
			Operation:  "untagCampaigns",
			Scope:      kind.ScopeWrite,
			Doc:        "Takes a tag off campaigns. Campaigns that are not the caller's are left out.",
			Parameters: taggingParameters(),
			Codes:      taggingCodes(),
			run:        func(ctx context.Context, p Parameters) (Object, error) { return tagCampaigns(ctx, p, b.Tags.Unassign) },
		},
	}
}

func taggingParameters() []Parameter {
	return []Parameter{
		required("TagID", "The tag."),
		required("CampaignIDs", "Comma-separated ids of campaigns."),
	}
}

func taggingCodes() []Code {
	return []Code{
		{Number: 1, Shape: Array, Text: "TagID is missing", Missing: "TagID"},
		{Number: 2, Shape: Array, Text: "CampaignIDs are missing", Missing: "CampaignIDs"},
		{
			Number: 2, Shape: Array, Text: "CampaignIDs are too many", Detail: true,
			Reasons: []apperr.Reason{apperr.ReasonTooManyIDs},
		},
		{Number: 3, Text: "Tag not found", Reasons: []apperr.Reason{apperr.ReasonTagNotFound}},
	}
}

func (b *Bridge) tags(ctx context.Context, _ Parameters) (Object, error) {
	tags, err := b.Tags.All(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]any, len(tags))
	for i, t := range tags {
		rows[i] = Object{
			{"TagID", numberOf(t.ID).asString()},
			{"RelOwnerUserID", numberOf(t.UserID).asString()},
			{"Tag", t.Name},
		}
	}
	return success(Member{"TotalTagCount", len(tags)}, Member{"Tags", rows}), nil
}

func (b *Bridge) createTag(ctx context.Context, p Parameters) (Object, error) {
	if err := notSent(p, "Tag"); err != nil {
		return nil, err
	}
	made, err := b.Tags.Create(ctx, tag.Input{Name: p.Text("Tag")}, nil)
	if err != nil {
		return nil, err
	}
	return success(Member{"TagID", made.ID}), nil
}

func (b *Bridge) updateTag(ctx context.Context, p Parameters) (Object, error) {
	if err := notSent(p, "TagID", "Tag"); err != nil {
		return nil, err
	}
	if _, err := b.Tags.Rename(ctx, p.ID("TagID"), p.Text("Tag")); err != nil {
		return nil, err
	}
	return success(), nil
}

func (b *Bridge) deleteTags(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "Tags"); err != nil {
		return nil, err
	}
	ids, _ := p.IDs("Tags")
	if _, err := b.Tags.Delete(ctx, ids); err != nil {
		return nil, err
	}
	return success(), nil
}

func tagCampaigns(
	ctx context.Context, p Parameters, change func(ctx context.Context, tagID int64, campaignIDs []int64) (int, error),
) (Object, error) {
	if err := absent(p, "TagID", "CampaignIDs"); err != nil {
		return nil, err
	}
	ids, _ := p.IDs("CampaignIDs")
	if _, err := change(ctx, p.ID("TagID"), ids); err != nil {
		return nil, err
	}
	return success(), nil
}
