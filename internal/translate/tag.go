package translate

import "campaignql/internal/page"

func listTags(r *reading) (string, map[string]any, error) {
	r.notef(
		"A page holds at most %d tags. For the next one send pageInfo.endCursor as the variable after while hasNextPage is true.",
		page.MaxSize,
	)
	r.notef("RelOwnerUserID has no field; viewer { user { legacyId } } is the number of the account.")
	return "query Tags($first: Int, $after: String) {\n  tags(first: $first, after: $after) {\n    nodes {\n      legacyId\n      name\n    }\n" + pageInfo + "    totalCount\n  }\n}\n",
		map[string]any{
			"first": page.MaxSize,
		}, nil
}

func createTag(r *reading) (string, map[string]any, error) {
	return mutation("createTag", "tag {\n  legacyId\n}"), withInput(map[string]any{"name": r.Text("Tag")}), nil
}

func updateTag(r *reading) (string, map[string]any, error) {
	document := mutation("updateTag", "tag {\n  legacyId\n  name\n}")
	return document, withInput(map[string]any{"id": r.id("TagID"), "name": r.Text("Tag")}), nil
}

func deleteTags(r *reading) (string, map[string]any, error) {
	ids, err := r.ids("Tags", maxIDs)
	return mutation("deleteTags", "deletedIds"), withInput(map[string]any{"ids": ids}), err
}

// retag translates a command that adds a tag to campaigns or removes it.
func retag(operation string) translator {
	return func(r *reading) (string, map[string]any, error) {
		ids, err := r.ids("CampaignIDs", maxIDs)
		if err != nil {
			return "", nil, err
		}
		r.notef(
			"CampaignIDs: GraphQL changes nothing when one of the campaigns is not there; the legacy command passed over it.",
		)
		input := map[string]any{"tagIds": []string{r.id("TagID")}, "campaignIds": ids}
		return mutation(operation, "campaigns {\n  legacyId\n}"), withInput(input), nil
	}
}
