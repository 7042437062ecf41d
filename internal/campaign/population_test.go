package campaign_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// known is a campaign with its tags and subject.
type known struct {
	*ent.Campaign
	tags    []int64
	subject string
}

// population is an account with many campaigns, in a database with campaigns of other accounts.
type population struct {
	*fixture
	rows []known
	tags []int64
}

var words = []string{
	"Äpfel",
	"äPFEL",
	"100%",
	"10_0",
	"10\\0",
	"100",
	"Straße",
	"STRASSE",
	"it's",
	`"so"`,
	"sale",
	"Sale",
	"ñandú",
	"日本",
	"ﬁne",
	";--",
	"a",
	"ẞ",
}

// populate creates 60 campaigns of all kinds, with equal values and NULLs in every column, and as
// many of another account with taggings of its own.
func populate(t *testing.T, db *store.Store, r *rand.Rand) *population {
	t.Helper()
	p := &population{fixture: newFixture(t, db)}
	stranger := testkit.Account(t, db)
	p.tags = []int64{p.tag(t, p.owner, "a"), p.tag(t, p.owner, "b"), p.tag(t, p.owner, "c"), p.tag(t, stranger, "d")}
	var emails []*ent.Email
	for range 6 {
		emails = append(emails, p.email(t, p.owner, phrase(r)))
	}
	client, ctx := p.system(t)
	var creates []*ent.CampaignCreate
	for i := range 120 {
		owner := p.owner
		if i%2 == 1 {
			owner = stranger
		}
		create := client.Campaign.Create().SetUserID(owner.UserID)
		random(r, create)
		if r.IntN(3) > 0 {
			create.SetEmailID(emails[r.IntN(len(emails))].ID)
		}
		creates = append(creates, create)
	}
	made, err := client.Campaign.CreateBulk(creates...).Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var taggings []*ent.CampaignTagCreate
	for _, c := range made {
		row := known{Campaign: c}
		for _, id := range p.tags {
			if r.IntN(3) == 0 {
				row.tags = append(row.tags, id)
				taggings = append(
					taggings, client.CampaignTag.Create().SetUserID(c.UserID).SetCampaignID(c.ID).SetTagID(id),
				)
			}
		}
		for _, e := range emails {
			if c.EmailID != nil && *c.EmailID == e.ID {
				row.subject = e.Subject
			}
		}
		if c.UserID == p.owner.UserID {
			p.rows = append(p.rows, row)
		}
	}
	if err := client.CampaignTag.CreateBulk(taggings...).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	return p
}

func phrase(r *rand.Rand) string {
	parts := []string{}
	for range 1 + r.IntN(3) {
		parts = append(parts, words[r.IntN(len(words))])
	}
	return strings.Join(parts, " ")
}

func random(r *rand.Rand, create *ent.CampaignCreate) {
	status := kind.CampaignStatuses()[r.IntN(7)]
	plans := kind.ScheduleType("").Values()
	name := phrase(r)
	sent := int64(r.IntN(3)) * 50
	create.SetName(name).SetNameKey(kind.Fold(name, 500)).SetStatus(status).SetStatusRank(status.Rank()).
		SetScheduleType(kind.ScheduleType(plans[r.IntN(len(plans))])).
		SetCreatedAt(hours(r)).SetLastActivityAt(hours(r)).SetHasAudience(r.IntN(2) == 0).
		SetTotalRecipients(int64(r.IntN(5)) * 10).
		SetTotalSent(sent).SetUniqueOpens(int64(r.IntN(40))).SetUniqueClicks(int64(r.IntN(20))).
		SetTotalHardBounces(int64(r.IntN(int(sent)/4 + 1))).SetTotalSoftBounces(int64(r.IntN(int(sent)/2 + 1)))
	if r.IntN(2) == 0 {
		create.SetNextSendAt(hours(r))
	}
	if r.IntN(2) == 0 {
		create.SetSendingStartedAt(hours(r))
	}
	if r.IntN(2) == 0 {
		create.SetSendingFinishedAt(hours(r))
	}
}

// hours returns one of twelve instants, so that many are equal.
func hours(r *rand.Rand) time.Time { return noon.Add(time.Duration(r.IntN(12)) * time.Hour) }
