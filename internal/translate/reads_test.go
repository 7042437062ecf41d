package translate_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// lists are requests of Campaigns.Get and Tags.Get whose translations return the same rows in the
// same order.
var lists = []string{
	"Command=Campaigns.Get",
	"Command=Campaigns.Get&RecordsPerRequest=2&RecordsFrom=1",
	"Command=Campaigns.Get&CampaignStatus=Sent",
	"Command=Campaigns.Get&CampaignStatus=Pending",
	"Command=Campaigns.Get&CampaignStatus=Scheduled",
	"Command=Campaigns.Get&CampaignStatus=Active",
	"Command=Campaigns.Get&SearchKeyword=SEN",
	"Command=Campaigns.Get&SearchKeyowrd=%25",
	"Command=Campaigns.Get&OrderField=sort-by-status",
	"Command=Campaigns.Get&OrderField=CampaignID",
	"Command=Campaigns.Get&OrderField=CampaignID&OrderType=DESC",
	"Command=Campaigns.Get&OrderField=TotalRecipients&OrderType=DESC",
	"Command=Campaigns.Get&OrderField=CreateDateTime&OrderType=desc",
	"Command=Campaigns.Get&OrderField=nope",
	"Command=Campaigns.Get&OrderField=SendProcessFinishedOn",
	"Command=Campaigns.Get&Tags={tag1},{tag2}&RetrieveTags=true",
	"Command=Campaigns.Get&RecordsPerRequest=0&RetrieveStatistics=1&RetrieveTags=1",
}

// TestTranslatedReadsFindTheSame compares rows and numbers. It also checks that a full page with
// every selected field is within the limits of the server.
func TestTranslatedReadsFindTheSame(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		c := found(t, apitest.New(t, db), db, everything)
		// Creation times follow the order of ids.
		if err := db.Client(c.Context).
			Campaign.UpdateOneID(c.ids["sent"]).
			SetCreatedAt(store.Now()).
			Exec(c.Context); err != nil {
			t.Fatal(err)
		}
		for _, request := range lists {
			body, _ := c.legacy(t, request)
			var answer struct {
				Campaigns      []map[string]any
				TotalCampaigns int
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatal(err)
			}
			want := []string{fmt.Sprint("of ", answer.TotalCampaigns)}
			for _, row := range answer.Campaigns {
				want = append(
					want,
					told(
						row["CampaignID"], row["CampaignName"], row["RelEmailID"], row["TotalSent"], row["UniqueOpens"],
						row["TotalHardBounces"], tagNames(row["Tags"], "Tag"),
					),
				)
			}
			data, _ := c.modern(t, request)
			got := []string{fmt.Sprint("of ", apitest.At(t, data, "total", "totalCount"))}
			for _, row := range apitest.At(t, data, "campaigns", "nodes").([]any) {
				got = append(got, c.modernRow(t, row))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-command +GraphQL):\n%s", request, diff)
			}
		}
		c.oneCampaign(t)
		c.allTags(t)
	})
}

func told(columns ...any) string { return fmt.Sprintln(columns...) }

func tagNames(list any, key string) []any {
	var names []any
	rows, _ := list.([]any)
	for _, row := range rows {
		if object, ok := row.(map[string]any); ok {
			row = object[key]
		}
		names = append(names, row)
	}
	return names
}

func (c *company) modernRow(t *testing.T, row any) string {
	t.Helper()
	at := func(path ...any) any { return apitest.At(t, row, path...) }
	return told(
		at("legacyId"), at("name"), at("email", "legacyId"), at("statistics", "sent"),
		at("statistics", "opens", "unique"), at("statistics", "bounces", "hard"),
		tagNames(row.(map[string]any)["tags"], "name"),
	)
}

func (c *company) oneCampaign(t *testing.T) {
	t.Helper()
	const request = "Command=Campaign.Get&campaignid={sent}&retrievestatistics=true&retrievetags=true"
	body, _ := c.legacy(t, request)
	var answer struct{ Campaign map[string]any }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	row := answer.Campaign
	data, _ := c.modern(t, request)
	want := told(
		row["CampaignID"], row["CampaignName"], row["RelEmailID"], row["TotalSent"], row["UniqueOpens"],
		row["TotalHardBounces"], tagNames(row["Tags"], "Tag"),
	)
	if diff := cmp.Diff(want, c.modernRow(t, data["campaign"])); diff != "" {
		t.Errorf("%s (-command +GraphQL):\n%s", request, diff)
	}
	if data, _ := c.modern(t, "Command=Campaign.Get&campaignid={nowhere}"); data["campaign"] != nil {
		t.Errorf("there is a campaign: %v", data)
	}
}

func (c *company) allTags(t *testing.T) {
	t.Helper()
	body, _ := c.legacy(t, "Command=Tags.Get")
	var answer struct {
		TotalTagCount int
		Tags          []struct{ TagID, Tag string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprint("of ", answer.TotalTagCount)}
	for _, one := range answer.Tags {
		want = append(want, told(one.TagID, one.Tag))
	}
	data, _ := c.modern(t, "Command=Tags.Get")
	got := []string{fmt.Sprint("of ", apitest.At(t, data, "tags", "totalCount"))}
	for _, row := range apitest.At(t, data, "tags", "nodes").([]any) {
		got = append(got, told(apitest.At(t, row, "legacyId"), apitest.At(t, row, "name")))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tags (-command +GraphQL):\n%s", diff)
	}
}
