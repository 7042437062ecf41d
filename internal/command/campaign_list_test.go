package command_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
)

// many creates 300 campaigns, more than one batch, with repeated and missing values.
func (f *fixture) many(t *testing.T, p person) []string {
	t.Helper()
	client := f.db.Client(p.ctx)
	const n = 300
	rows := make([]*ent.CampaignCreate, n)
	for i := range rows {
		name := fmt.Sprintf("campaign %03d", (i*7)%40)
		status := kind.CampaignStatuses()[i%7]
		rows[i] = client.Campaign.Create().
			SetName(name).
			SetNameKey(name).
			SetStatus(status).
			SetStatusRank(status.Rank()).
			SetCreatedAt(f.now().Add(time.Duration(i%5) * time.Hour)).
			SetLastActivityAt(f.now()).
			SetPublishOnRss(i%3 == 0).
			SetTotalOpens(int64(i % 11)).
			SetSendTimeZone([]string{"", "UTC", "Europe/Berlin"}[i%3]).
			SetAudienceSource(fmt.Sprintf(`{"operator":"or","criteria":[{"list_id":%d}]}`, i+1))
		if i%4 == 0 {
			rows[i].SetEmailID(int64(i + 1)).
				SetSendingStartedAt(f.now().Add(time.Duration(i%6) * time.Minute)).
				SetNextSendAt(f.now())
		}
	}
	made, err := client.Campaign.CreateBulk(rows...).Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, n)
	for i, c := range made {
		ids[i] = itoa(c.ID)
	}
	return ids
}

type listed struct {
	Campaigns      []map[string]any
	TotalCampaigns int
}

func (f *fixture) listed(t *testing.T, p person, parameters string) listed {
	t.Helper()
	var list listed
	got := f.post("Command=Campaigns.Get&APIKey=" + p.key + "&" + parameters)
	if err := json.Unmarshal([]byte(got.body), &list); err != nil {
		t.Fatalf("%s: %v", parameters, err)
	}
	return list
}

func idsOf(rows []map[string]any) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i], _ = row["CampaignID"].(string)
	}
	return ids
}

// TestListsAreWholeInEveryOrder reads all campaigns ordered by each column, in several batches, and
// by pages.
func TestListsAreWholeInEveryOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		want := slices.Sorted(slices.Values(f.many(t, me)))
		fields := []string{"sort-by-status", "sort-by-send-date"}
		for name := range f.listed(t, me, "RecordsPerRequest=1").Campaigns[0] {
			fields = append(fields, name)
		}
		for _, field := range fields {
			up := idsOf(f.listed(t, me, "OrderField="+field).Campaigns)
			if got := slices.Sorted(slices.Values(up)); !slices.Equal(got, want) {
				t.Errorf("by %s: %d campaigns, want each of %d once", field, len(got), len(want))
			}
			down := idsOf(f.listed(t, me, "OrderField="+field+"&OrderType=DESC").Campaigns)
			if field != "sort-by-status" {
				slices.Reverse(down)
			}
			if !slices.Equal(up, down) {
				t.Errorf("by %s: descending is not the reverse of ascending", field)
			}
		}
		all := idsOf(f.listed(t, me, "OrderField=TotalOpens").Campaigns)
		page := f.listed(t, me, "OrderField=TotalOpens&RecordsFrom=10&RecordsPerRequest=260")
		if !slices.Equal(idsOf(page.Campaigns), all[10:270]) || page.TotalCampaigns != len(want) {
			t.Errorf("a page of 260 holds %d of %d", len(page.Campaigns), page.TotalCampaigns)
		}
	})
}

func TestEveryScalarOfAListIsText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		f.many(t, me)
		for _, row := range f.listed(t, me, "RecordsPerRequest=20").Campaigns {
			for name, value := range row {
				if _, ok := value.(string); !ok {
					t.Fatalf("%s is the %T %v", name, value, value)
				}
			}
		}
	})
}
