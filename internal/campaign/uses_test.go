package campaign_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"campaignql/ent/campaignemail"
	"campaignql/ent/campaignlist"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/list"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// uses returns the lists and the emails of a campaign by campaign_lists and campaign_emails.
func (f *fixture) uses(t *testing.T, id int64) (lists, emails []int64) {
	t.Helper()
	client, ctx := f.system(t)
	for _, row := range client.CampaignList.Query().Where(campaignlist.CampaignID(id)).
		Order(campaignlist.ByListID()).AllX(ctx) {
		lists = append(lists, row.ListID)
	}
	for _, row := range client.CampaignEmail.Query().Where(campaignemail.CampaignID(id)).
		Order(campaignemail.ByEmailID()).AllX(ctx) {
		emails = append(emails, row.EmailID)
	}
	return lists, emails
}

// TestListsAndEmailsOfACampaignFollowItsColumns changes a campaign in every way that changes its audience
// or its content.
func TestListsAndEmailsOfACampaignFollowItsColumns(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		l := []int64{f.list(t, f.owner), f.list(t, f.owner), f.list(t, f.owner)}
		e := []int64{f.email(t, f.owner, "A").ID, f.email(t, f.owner, "B").ID, f.email(t, f.owner, "C").ID}
		pairs := func(ids ...int64) *string {
			text := ""
			for i, id := range ids {
				if i > 0 {
					text += ","
				}
				text += fmt.Sprintf("%d:0", id)
			}
			return &text
		}
		rules := func(lists ...int64) *string {
			text := `{"operator":"and","criteria":[`
			for i, id := range lists {
				if i > 0 {
					text += ","
				}
				text += fmt.Sprintf(`{"list_id":%d}`, id)
			}
			return new(text + `],"exclude":[{"list_id":` + fmt.Sprint(l[0]) + `}]}`)
		}
		test := func(ids ...int64) *campaign.ABTestPatch {
			made := &campaign.ABTest{}
			for _, id := range ids {
				made.Variations = append(made.Variations, campaign.ABVariation{EmailID: id, Weight: 1})
			}
			return &campaign.ABTestPatch{Test: made}
		}
		c, other := f.create(t, "Draft"), f.create(t, "Other")
		f.update(t, other.ID, campaign.Patch{
			EmailID: &e[0], Audience: &campaign.AudiencePatch{Include: pairs(l[0])},
		})
		type want struct{ lists, emails []int64 }
		for _, tt := range []struct {
			name  string
			patch campaign.Patch
			want
		}{
			{"an email", campaign.Patch{EmailID: &e[0]}, want{nil, e[:1]}},
			{"lists", campaign.Patch{Audience: &campaign.AudiencePatch{Include: pairs(l[0], l[1]), Exclude: pairs(l[2])}},
				want{l[:2], e[:1]}},
			{"a name alone", campaign.Patch{Name: new("New")}, want{l[:2], e[:1]}},
			{"other lists", campaign.Patch{Audience: &campaign.AudiencePatch{Include: pairs(l[1], l[2])}}, want{l[1:], e[:1]}},
			{"a test", campaign.Patch{ABTest: test(e[0], e[1], e[2])}, want{l[1:], e}},
			{"rules, one list twice", campaign.Patch{Audience: &campaign.AudiencePatch{Rules: rules(l[2], l[2])}},
				want{l[2:], e}},
			{"another test", campaign.Patch{ABTest: test(e[1], e[2])}, want{l[2:], e[1:]}},
			{"an email instead of the test", campaign.Patch{EmailID: &e[0], ABTest: &campaign.ABTestPatch{}}, want{l[2:], e[:1]}},
			{"no email", campaign.Patch{EmailID: new(int64)}, want{l[2:], nil}},
			{"nobody", campaign.Patch{Audience: &campaign.AudiencePatch{Rules: new(""), Include: new(""), Exclude: new("")}},
				want{}},
			{"both again", campaign.Patch{
				ABTest: test(e[0], e[1]), Audience: &campaign.AudiencePatch{Include: pairs(l[0], l[1])},
			}, want{l[:2], e[:2]}},
		} {
			f.update(t, c.ID, tt.patch)
			lists, emails := f.uses(t, c.ID)
			if fmt.Sprint(lists, emails) != fmt.Sprint(tt.lists, tt.emails) {
				t.Errorf("%s: lists %v, emails %v; want %v, %v", tt.name, lists, emails, tt.lists, tt.emails)
			}
		}

		copied, err := f.campaigns.Copy(f.ctx, c.ID, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if lists, emails := f.uses(t, copied.ID); fmt.Sprint(lists) != fmt.Sprint(l[:2]) ||
			fmt.Sprint(emails) != fmt.Sprint(campaign.ContentOf(copied)) {
			t.Errorf("a copy: %v, %v", lists, emails)
		}

		emails := content.New(db, content.Options{Deleting: f.campaigns.ReleaseEmails})
		if deleted, err := emails.Delete(f.ctx, e[:1]); err != nil || len(deleted) != 1 {
			t.Fatal(deleted, err)
		}
		if _, emails := f.uses(t, c.ID); fmt.Sprint(emails) != fmt.Sprint(e[1:2]) {
			t.Errorf("after an email was deleted: %v", emails)
		}
		if _, emails := f.uses(t, other.ID); emails != nil {
			t.Errorf("of another campaign: %v", emails)
		}

		lists := list.New(db, list.Options{Deleting: f.campaigns.ReleaseLists})
		if deleted, err := lists.Delete(f.ctx, l[:1]); err != nil || len(deleted) != 1 {
			t.Fatal(deleted, err)
		}
		if left, _ := f.uses(t, c.ID); fmt.Sprint(left) != fmt.Sprint(l[1:2]) {
			t.Errorf("after a list was deleted: %v", left)
		}
		if copied, err = f.campaigns.Copy(f.ctx, c.ID, "", nil); err != nil {
			t.Fatal(err)
		}
		if left, _ := f.uses(t, copied.ID); fmt.Sprint(left) != fmt.Sprint(l[1:2]) {
			t.Errorf("a copy with a deleted list: %v", left)
		}
		if _, err := f.campaigns.Delete(f.ctx, []int64{c.ID, copied.ID}); err != nil {
			t.Fatal(err)
		}
		if lists, emails := f.uses(t, c.ID); lists != nil || emails != nil {
			t.Errorf("of a deleted campaign: %v, %v", lists, emails)
		}
	})
}

// TestEveryCampaignOfAListAndOfAnEmailIsOnOnePage reads pages of both, which SQLite serves by the index alone.
func TestEveryCampaignOfAListAndOfAnEmailIsOnOnePage(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		some, none, mail := f.list(t, f.owner), f.list(t, f.owner), f.email(t, f.owner, "A").ID
		var ids []int64
		for i := range 5 {
			c := f.create(t, fmt.Sprint(i))
			f.update(t, c.ID, campaign.Patch{
				EmailID: &mail, Audience: &campaign.AudiencePatch{Include: new(fmt.Sprintf("%d:0", some))},
			})
			ids = append([]int64{c.ID}, ids...)
		}
		read := map[string]func(context.Context, []int64, page.Request, ...string) (campaign.Pages, error){
			"lists": f.campaigns.OfLists, "emails": f.campaigns.OfEmails,
		}
		of := map[string]int64{"lists": some, "emails": mail}
		for name, read := range read {
			request := page.Request{First: new(2)}
			var got []int64
			for range 3 {
				pages, err := read(f.ctx, []int64{of[name], none}, request, "id")
				if err != nil {
					t.Fatal(err)
				}
				result := pages[of[name]]
				for _, c := range result.Items {
					got = append(got, c.ID)
				}
				if len(pages[none].Items) != 0 && name == "lists" {
					t.Errorf("a list without campaigns has %v", pages[none].Items)
				}
				request.After = result.Cursor(len(result.Items) - 1)
			}
			if fmt.Sprint(got) != fmt.Sprint(ids) {
				t.Errorf("%s: %v, want %v", name, got, ids)
			}
		}
		counts, err := f.campaigns.ListCounts(f.ctx, []int64{some, none})
		if err != nil || counts[some] != 5 || counts[none] != 0 {
			t.Error(counts, err)
		}
		if counts, err = f.campaigns.EmailCounts(f.ctx, []int64{mail}); err != nil || counts[mail] != 5 {
			t.Error(counts, err)
		}
		stranger := newFixture(t, db)
		if pages, err := stranger.campaigns.OfLists(stranger.ctx, []int64{some}, page.Request{}); err != nil ||
			len(pages[some].Items) != 0 {
			t.Errorf("for another account: %v, %v", pages, err)
		}
		if counts, err = stranger.campaigns.ListCounts(stranger.ctx, []int64{some}); err != nil || counts[some] != 0 {
			t.Errorf("for another account: %v, %v", counts, err)
		}
		c := f.at(t, kind.StatusDraft)
		_, err = f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{
			EmailID: &mail, OneContent: true, ABTest: &campaign.ABTestPatch{Test: &campaign.ABTest{}},
		})
		if got := describe(err); len(got) == 0 || got[0] != "conflict ab_test_has_emails" {
			t.Errorf("an email beside a test: %v", got)
		}
	})
}

// TestPagesOfTagsListsAndEmailsAreNotSorted reads the plans of SQLite: the index of the pairs has the order.
func TestPagesOfTagsListsAndEmailsAreNotSorted(t *testing.T) {
	t.Parallel()
	db := testkit.Engine{Name: "sqlite"}.Shared(t)
	f := newFixture(t, db)
	for name, read := range map[string]func(context.Context, []int64, page.Request, ...string) (campaign.Pages, error){
		"campaigntag_tag_id_campaign_id":     f.campaigns.OfTags,
		"campaignlist_list_id_campaign_id":   f.campaigns.OfLists,
		"campaignemail_email_id_campaign_id": f.campaigns.OfEmails,
	} {
		recorder := new(store.Recorder)
		if _, err := read(store.WithRecorder(f.ctx, recorder), []int64{1, 2}, page.Request{}, "id"); err != nil {
			t.Fatal(err)
		}
		statement := recorder.Statements()[0]
		rows, err := db.Pools()[0].QueryContext(f.ctx, "EXPLAIN QUERY PLAN "+statement.Query, statement.Args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan += step + "\n"
		}
		if err := rows.Err(); err != nil || strings.Count(plan, "USING COVERING INDEX "+name) != 2 ||
			strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %v\n%s%s", name, err, plan, statement.Query)
		}
	}
}
