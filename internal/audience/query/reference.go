package query

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/customfield"
	"campaignql/ent/segment"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertag"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/store"
)

// CheckReferences returns, on the given input field, an error for the first object among the
// references that the owner does not have: NotFound, reason apperr.ReasonAudienceNotFound. The
// error is the same for an object of another account and for an object that does not exist. A
// segment or a field of another list than the one for which it is named counts as missing.
// CheckReferences runs one statement for each kind that is named.
//
// In a transaction, the objects found exist until its end. To delete a list, segment, tag or field,
// lock it first and then search for rules that name it.
func CheckReferences(
	ctx context.Context, client *ent.Client, ownerID int64, refs rules.References, field string,
) error {
	for _, kind := range []struct {
		what string
		refs []rules.Reference
		find func(ctx context.Context, client *ent.Client, ownerID int64, ids []int64) (map[int64]int64, error)
	}{
		{"list", refs.Lists, ownedLists},
		{"segment", refs.Segments, ownedSegments},
		{"subscriber tag", refs.Tags, ownedLabels},
		{"custom field", refs.Fields, ownedFields},
		{"campaign", refs.Campaigns, ownedCampaigns},
	} {
		if len(kind.refs) == 0 {
			continue
		}
		ids := make([]int64, len(kind.refs))
		for i, ref := range kind.refs {
			ids[i] = ref.ID
		}
		found, err := kind.find(ctx, client, ownerID, slices.Compact(slices.Sorted(slices.Values(ids))))
		if err != nil {
			return store.Translate(err)
		}
		for _, ref := range kind.refs {
			if list, ok := found[ref.ID]; !ok || list != 0 && ref.ListID != 0 && list != ref.ListID {
				return &apperr.Error{
					Code: apperr.NotFound, Field: field, Reason: apperr.ReasonAudienceNotFound,
					Message: fmt.Sprintf("%s: there is no %s %d", ref.Path, kind.what, ref.ID),
				}
			}
		}
	}
	return nil
}

// The finders return the ids that the owner has, each with the list that it belongs to, or 0 for
// none.

func ownedLists(ctx context.Context, client *ent.Client, ownerID int64, ids []int64) (map[int64]int64, error) {
	query := client.SubscriberList.Query().
		Where(subscriberlist.IDIn(ids...), subscriberlist.UserID(ownerID)).
		Order(subscriberlist.ByID())
	query.Modify(store.Lock)
	return ofNone(query.IDs(ctx))
}

func ownedSegments(ctx context.Context, client *ent.Client, ownerID int64, ids []int64) (map[int64]int64, error) {
	query := client.Segment.Query().Where(segment.IDIn(ids...), segment.UserID(ownerID)).Order(segment.ByID())
	query.Modify(store.Lock)
	rows, err := query.Select(segment.FieldID, segment.FieldListID).All(ctx)
	found := make(map[int64]int64, len(rows))
	for _, row := range rows {
		found[row.ID] = row.ListID
	}
	return found, err
}

func ownedLabels(ctx context.Context, client *ent.Client, ownerID int64, ids []int64) (map[int64]int64, error) {
	query := client.SubscriberTag.Query().
		Where(subscribertag.IDIn(ids...), subscribertag.UserID(ownerID)).
		Order(subscribertag.ByID())
	query.Modify(store.Lock)
	return ofNone(query.IDs(ctx))
}

func ownedFields(ctx context.Context, client *ent.Client, ownerID int64, ids []int64) (map[int64]int64, error) {
	query := client.CustomField.Query().
		Where(customfield.IDIn(ids...), customfield.UserID(ownerID)).
		Order(customfield.ByID())
	query.Modify(store.Lock)
	rows, err := query.Select(customfield.FieldID, customfield.FieldListID).All(ctx)
	found := make(map[int64]int64, len(rows))
	for _, row := range rows {
		found[row.ID] = 0
		if row.ListID != nil {
			found[row.ID] = *row.ListID
		}
	}
	return found, err
}

// ownedCampaigns takes no locks. Rules about a deleted campaign match nobody, which is correct.
func ownedCampaigns(ctx context.Context, client *ent.Client, ownerID int64, ids []int64) (map[int64]int64, error) {
	return ofNone(client.Campaign.Query().Where(campaign.IDIn(ids...), campaign.UserID(ownerID)).IDs(ctx))
}
