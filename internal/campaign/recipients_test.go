package campaign_test

import (
	"slices"
	"testing"

	"campaignql/ent"
	"campaignql/internal/campaign"
)

func TestRecipientsAreTheListsAndSegmentsThatAnAudienceNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name            string
		c               ent.Campaign
		lists, segments []int64
	}{
		{name: "nobody was chosen"},
		{"lists, with exclusions", ent.Campaign{RecipientLists: "7:0, 3:2,3:5,3", ExcludedLists: "9:9"}, []int64{3, 7}, []int64{2, 5}},
		{"exclusions alone", ent.Campaign{ExcludedLists: "9:9"}, nil, nil},
		{"rules", ent.Campaign{AudienceSource: `{"operator":"or","criteria":[
			{"list_id":4,"operator":"and","rules":[{"type":"segments","operator":"belongs to","value":8}]},{"list_id":2}],"exclude":[{"list_id":9}]}`}, []int64{2, 4}, []int64{8}},
		{"rules that cannot be read any more", ent.Campaign{AudienceSource: "{"}, nil, nil},
	} {
		lists, segments := campaign.Recipients(&tc.c)
		if !slices.Equal(lists, tc.lists) || !slices.Equal(segments, tc.segments) {
			t.Errorf("%s: lists %v and segments %v, want %v and %v", tc.name, lists, segments, tc.lists, tc.segments)
		}
	}
}
