package demo_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/demo"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// seeded is a database with demo data, read as the server itself.
type seeded struct {
	ctx       context.Context
	db        *store.Store
	client    *ent.Client
	entry     demo.Account
	campaigns []*ent.Campaign
}

func TestDemoDataIsConsistent(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		s := &seeded{ctx: caller.System(t.Context()), db: db, entry: ensure(t, db, newServices(db))}
		s.client = db.Client(s.ctx)
		s.campaigns = s.client.Campaign.Query().AllX(s.ctx)
		for name, check := range map[string]func(*testing.T){
			"columns": s.columns, "numbers": s.numbers, "hours": s.hours, "amounts": s.amounts, "links": s.links, "domains": s.domains, "events": s.events, "history": s.history,
			"schedules": s.schedules, "audiences": s.audiences, "readiness": s.readiness, "people": s.people, "rates": s.rates,
		} {
			t.Run(name, check)
		}
	})
}

func (s *seeded) columns(t *testing.T) {
	tests, resends, canceled := 0, 0, 0
	for i, c := range s.campaigns {
		if c.StatusRank != c.Status.Rank() || c.NameKey != kind.Fold(c.Name, 500) {
			t.Errorf("%s: rank %d, key %q", c.Name, c.StatusRank, c.NameKey)
		}
		if i > 0 && c.CreatedAt.Before(s.campaigns[i-1].CreatedAt) {
			t.Errorf("%s: is older than the campaign before it", c.Name)
		}
		if strings.ContainsAny(c.Name, "{}") {
			t.Errorf("%s: the name is not filled in", c.Name)
		}
		test, err := campaign.ParseABTest(c.AbTest)
		if err != nil {
			t.Error(err)
		}
		if test != nil {
			tests++
			if err := test.Validate(); err != nil || c.EmailID != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
		if c.AutoResendEnabled {
			resends++
			if c.ScheduleType == kind.ScheduleRecurring || c.AutoResendSubject == "" || c.AutoResendWaitDays < 1 {
				t.Errorf("%s: cannot be sent a second time", c.Name)
			}
		}
		if c.Status == kind.StatusFailed && c.StatusReason == "" {
			t.Errorf("%s: failed without a reason", c.Name)
		}
		if c.StatusReason == campaign.ReasonCanceled {
			canceled++
		}
	}
	if tests == 0 || resends == 0 || canceled == 0 {
		t.Errorf("%d A/B tests, %d second sendings, %d canceled: want some of each", tests, resends, canceled)
	}
	tagged := map[int64]int{}
	for _, tagging := range s.client.CampaignTag.Query().AllX(s.ctx) {
		tagged[tagging.CampaignID]++
	}
	for id, n := range tagged {
		if n > 4 {
			t.Errorf("campaign %d has %d tags", id, n)
		}
	}
	if len(tagged) == 0 || len(tagged) == len(s.campaigns) {
		t.Errorf("%d of %d campaigns have tags", len(tagged), len(s.campaigns))
	}
}

func (s *seeded) numbers(t *testing.T) {
	for _, c := range s.campaigns {
		for _, pair := range [][2]int64{
			{c.UniqueOpens, c.TotalOpens}, {c.UniqueClicks, c.TotalClicks}, {c.UniqueForwards, c.TotalForwards}, {c.UniqueBrowserViews, c.TotalBrowserViews},
			{c.TotalSent + c.TotalFailed, c.TotalRecipients}, {c.UniqueClicks, c.UniqueOpens}, {c.UniqueOpens, c.TotalDelivered},
			{c.TotalUnsubscriptions, c.UniqueOpens}, {c.TotalDelivered, c.TotalSent - c.TotalHardBounces - c.TotalSoftBounces},
		} {
			if pair[0] > pair[1] {
				t.Errorf("%s: %d exceeds %d", c.Name, pair[0], pair[1])
			}
		}
		started := c.SendingStartedAt != nil
		wantStarted := c.Status == kind.StatusSent || c.Status == kind.StatusSending || c.Status == kind.StatusPaused ||
			c.Status == kind.StatusFailed
		wantFinished := c.Status == kind.StatusSent || c.Status == kind.StatusFailed
		if started != wantStarted || (c.SendingFinishedAt != nil) != wantFinished {
			t.Errorf("%s is %s, begun %v, finished %v", c.Name, c.Status, c.SendingStartedAt, c.SendingFinishedAt)
		}
		whole := c.Status == kind.StatusSent && c.StatusReason == ""
		if whole && (c.TotalSent == 0 || c.TotalSent+c.TotalFailed != c.TotalRecipients) {
			t.Errorf("%s: %d sent and %d failed of %d", c.Name, c.TotalSent, c.TotalFailed, c.TotalRecipients)
		}
		if !started && c.TotalRecipients+c.TotalSent+c.TotalOpens != 0 {
			t.Errorf("%s: has numbers and was never sent", c.Name)
		}
	}
}

func (s *seeded) history(t *testing.T) {
	if owner := s.client.User.Query().OnlyX(s.ctx); owner.CreatedAt.After(s.campaigns[0].CreatedAt) {
		t.Errorf("the account is of %v, its first campaign of %v", owner.CreatedAt, s.campaigns[0].CreatedAt)
	}
	changes := map[int64][]*ent.CampaignChange{}
	for _, c := range s.client.CampaignChange.Query().Order(campaignchange.ByVersion()).AllX(s.ctx) {
		changes[c.CampaignID] = append(changes[c.CampaignID], c)
	}
	for _, c := range s.campaigns {
		list := changes[c.ID]
		if int64(len(list)) != c.Version {
			t.Fatalf("%s has version %d and %d changes", c.Name, c.Version, len(list))
		}
		for i, change := range list {
			if change.Version != int64(i+1) || (change.ActorID == 0) != (change.Surface == kind.SurfaceSender) {
				t.Errorf(
					"%s: change %d has version %d, by %d through %s", c.Name, i+1, change.Version, change.ActorID,
					change.Surface,
				)
			}
		}
		last := list[len(list)-1]
		if last.ToStatus != c.Status || !last.At.Equal(c.LastActivityAt) || !list[0].At.Equal(c.CreatedAt) ||
			list[0].Action != campaignchange.ActionCreate {
			t.Errorf(
				"%s is %s since %v, its history ends with %s at %v", c.Name, c.Status, c.LastActivityAt, last.ToStatus,
				last.At,
			)
		}
	}
}

func (s *seeded) schedules(t *testing.T) {
	seen := map[kind.ScheduleType]int{}
	for _, c := range s.campaigns {
		if c.Status != kind.StatusReady {
			if c.NextSendAt != nil {
				t.Errorf("%s is %s and due at %v", c.Name, c.Status, c.NextSendAt)
			}
			continue
		}
		seen[c.ScheduleType]++
		next, ok, err := campaign.ScheduleOf(c).Next(present, c.SentInstances)
		switch {
		case err != nil || !ok || c.NextSendAt == nil:
			t.Errorf("%s: due at %v, next is %v, %v, %v", c.Name, c.NextSendAt, next, ok, err)
		case !c.NextSendAt.Equal(next):
			t.Errorf("%s: due at %v, its schedule says %v", c.Name, c.NextSendAt, next)
		}
	}
	if want := map[kind.ScheduleType]int{
		kind.ScheduleFuture:    7, // none is due at once: it would go out before anybody looks
		kind.ScheduleRecurring: 4,
	}; !cmp.Equal(want, seen) {
		t.Error(cmp.Diff(want, seen))
	}
}

func (s *seeded) audiences(t *testing.T) {
	type thing struct {
		what string
		id   int64
	}
	owned := map[thing]bool{}
	own := func(what string, ids []int64, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			owned[thing{what, id}] = true
		}
	}
	ids, err := s.client.SubscriberList.Query().IDs(s.ctx)
	own("list", ids, err)
	ids, err = s.client.Segment.Query().IDs(s.ctx)
	own("segment", ids, err)
	ids, err = s.client.SubscriberTag.Query().IDs(s.ctx)
	own("tag", ids, err)
	ids, err = s.client.CustomField.Query().IDs(s.ctx)
	own("field", ids, err)
	check := func(name string, refs rules.References) {
		for what, list := range map[string][]rules.Reference{"list": refs.Lists, "segment": refs.Segments, "tag": refs.Tags, "field": refs.Fields} {
			for _, ref := range list {
				if !owned[thing{what, ref.ID}] {
					t.Errorf("%s: there is no %s %d", name, what, ref.ID)
				}
			}
		}
	}
	forms := map[rules.Form]int{}
	for _, c := range s.campaigns {
		if !c.HasAudience {
			if c.Audience+c.AudienceSource+c.RecipientLists+c.ExcludedLists != "" {
				t.Errorf("%s: nobody is chosen, by %q", c.Name, c.Audience)
			}
			continue
		}
		read, err := rules.ParseLists(c.RecipientLists, c.ExcludedLists)
		if c.AudienceSource != "" {
			read, err = rules.ParseRules([]byte(c.AudienceSource))
		}
		canonical, marshalErr := json.Marshal(read)
		if err != nil || marshalErr != nil || string(canonical) != c.Audience {
			t.Errorf("%s: %s is stored for %s (%v, %v)", c.Name, c.Audience, canonical, err, marshalErr)
		}
		forms[read.Form]++
		check(c.Name, read.References())
	}
	if forms[rules.FormLists] == 0 || forms[rules.FormRules] == 0 {
		t.Errorf("forms of audiences: %v, want both", forms)
	}
	for _, segment := range s.client.Segment.Query().AllX(s.ctx) {
		group, err := rules.ParseSegmentRules([]byte(segment.RulesSource))
		canonical, marshalErr := json.Marshal(group)
		if err != nil || marshalErr != nil || string(canonical) != segment.Rules {
			t.Errorf("%s: %s is stored for %s (%v, %v)", segment.Name, segment.Rules, canonical, err, marshalErr)
		}
		check(segment.Name, group.References(segment.ListID))
	}
}

func (s *seeded) readiness(t *testing.T) {
	emails := map[int64]*ent.Email{}
	for _, e := range s.client.Email.Query().AllX(s.ctx) {
		emails[e.ID] = e
		if err := content.Validate(content.ScopeCampaign, e); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if gaps := content.Missing(e); len(gaps) > 0 {
			t.Errorf("%s: %v", e.Name, gaps)
		}
	}
	lacking := 0
	for _, c := range s.campaigns {
		var of []*ent.Email
		for _, id := range campaign.ContentOf(c) {
			if emails[id] == nil {
				t.Errorf("%s: there is no email %d", c.Name, id)
			}
			of = append(of, emails[id])
		}
		gaps := campaign.Readiness(c, of)
		switch {
		case c.Status == kind.StatusDraft || c.Status == kind.StatusFailed:
			lacking += len(gaps)
		case len(gaps) > 0:
			t.Errorf("%s is %s and lacks %v", c.Name, c.Status, gaps)
		}
	}
	if lacking == 0 {
		t.Error("no campaign shows what readiness says")
	}
}
