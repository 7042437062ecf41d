package campaign_test

import (
	"fmt"
	"strings"
	"testing"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// rules returns a RulesJsonBundle with one criterion.
func rules(list int64, rule string) string {
	return fmt.Sprintf(`{"criteria": [{"list_id": %d, "rules": [%s]}]}`, list, rule)
}

func pair(list, segment int64) string { return fmt.Sprintf("%d:%d", list, segment) }

func TestAudienceIsKeptAsGivenAndCanonically(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		list := f.list(t, f.owner)
		segment := f.segment(t, f.owner, list)
		a, b := f.create(t, "A"), f.create(t, "B")

		given := rules(list, `{"type":"fields","field_id":"email","operator":"STARTS_WITH","value":"a"}`)
		c := f.update(t, a.ID, campaign.Patch{Audience: &campaign.AudiencePatch{Rules: &given}})
		if c.AudienceSource != given || c.RecipientLists != "" || !c.HasAudience {
			t.Errorf("rules are kept as %v", c)
		}
		spelt := rules(list, ` { "operator":"begins with" , "type":"fields", "value":"a", "field_id":"EmailAddress" } `)
		other := f.update(t, b.ID, campaign.Patch{Audience: &campaign.AudiencePatch{Rules: &spelt}})
		if other.Audience != c.Audience || !strings.Contains(c.Audience, `"begins with"`) {
			t.Errorf("two spellings of one audience are kept as %q and %q", c.Audience, other.Audience)
		}

		c = f.update(
			t, a.ID,
			campaign.Patch{
				Audience: &campaign.AudiencePatch{
					Include: new(fmt.Sprintf(" %d ,", list)), Exclude: new(pair(list, segment)),
				},
			},
		)
		if c.AudienceSource != "" || c.RecipientLists != fmt.Sprintf(" %d ,", list) ||
			c.ExcludedLists != pair(list, segment) ||
			!strings.Contains(c.Audience, `"form":"lists"`) {
			t.Errorf("lists do not replace rules: %v", c)
		}
		c = f.update(
			t, a.ID, campaign.Patch{Audience: &campaign.AudiencePatch{Rules: &given, Include: new(pair(unknownID, 0))}},
		)
		if c.AudienceSource != given || c.RecipientLists != "" || c.ExcludedLists != "" {
			t.Errorf("rules do not replace lists: %v", c)
		}
	})
}

func TestAudienceOfListsChangesInParts(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		list := f.list(t, f.owner)
		c := f.create(t, "A")
		in, out := pair(list, 0), pair(list, f.segment(t, f.owner, list))
		for _, step := range []struct {
			name             string
			patch            campaign.AudiencePatch
			include, exclude string
			has, empty       bool
		}{
			{"only whom to leave out: nobody is chosen", campaign.AudiencePatch{Exclude: &out}, "", out, false, false},
			{"the other part stays", campaign.AudiencePatch{Include: &in}, in, out, true, false},
			{"one part is cleared", campaign.AudiencePatch{Exclude: new("")}, in, "", true, false},
			{"all is cleared", campaign.AudiencePatch{Rules: new(""), Include: new(""), Exclude: new("")}, "", "", false, true},
		} {
			c = f.update(t, c.ID, campaign.Patch{Audience: &step.patch})
			if c.RecipientLists != step.include || c.ExcludedLists != step.exclude || c.HasAudience != step.has ||
				(c.Audience == "") != step.empty {
				t.Errorf(
					"%s: got %q, %q, has %v, %q", step.name, c.RecipientLists, c.ExcludedLists, c.HasAudience,
					c.Audience,
				)
			}
		}
	})
}

func TestAudienceThatCannotBeEvaluatedIsNotKept(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		f := newFixture(t, db)
		list := f.list(t, f.owner)
		client, ctx := f.system(t)
		field := client.CustomField.Create().
			SetUserID(f.owner.UserID).
			SetName("N").
			SetNameKey("n").
			SetType(kind.FieldNumber).
			SetListID(list).
			SetCreatedAt(noon).
			SaveX(ctx).
			ID
		segment := f.segment(t, f.owner, list)
		for range query.MaxSegmentDepth {
			inner := segment
			segment = f.segment(t, f.owner, list)
			client.Segment.UpdateOneID(segment).
				SetRules(fmt.Sprintf(`{"operator":"and","rules":[{"type":"segments","operator":"belongs to","value":%d}]}`, inner)).
				ExecX(ctx)
		}
		c := f.create(t, "c")
		for name, test := range map[string]struct {
			patch  campaign.AudiencePatch
			reason apperr.Reason
			path   string
		}{
			"a value that does not suit its field": {
				campaign.AudiencePatch{Rules: new(rules(list, fmt.Sprintf(`{"type":"fields","field_id":%d,"operator":"is less than","value":"many"}`, field)))},
				apperr.ReasonAudienceInvalid, "criteria[0].rules[0].value: ",
			},
			"a level of segments too many":               {campaign.AudiencePatch{Include: new(pair(list, segment))}, apperr.ReasonAudienceTooLarge, "include[0]: "},
			"a level too many of whom is to be left out": {campaign.AudiencePatch{Exclude: new(pair(list, segment))}, apperr.ReasonAudienceTooLarge, "exclude[0]: "},
		} {
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Audience: &test.patch})
			faults := apperr.All(err)
			if len(faults) != 1 || faults[0].Code != apperr.Invalid || faults[0].Reason != test.reason ||
				faults[0].Field != "audience" ||
				!strings.HasPrefix(faults[0].Message, test.path) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
	})
}

// belongings are the ids of one object of each kind that a campaign may name.
type belongings struct{ list, segment, tag, field, campaign, email int64 }

func (f *fixture) belongings(t *testing.T, owner caller.Identity) belongings {
	t.Helper()
	client, ctx := f.system(t)
	list := f.list(t, owner)
	return belongings{
		list:    list,
		segment: f.segment(t, owner, list),
		tag: client.SubscriberTag.Create().
			SetUserID(owner.UserID).
			SetName("T").
			SetNameKey("t").
			SetCreatedAt(noon).
			SaveX(ctx).
			ID,
		field: client.CustomField.Create().
			SetUserID(owner.UserID).
			SetName("F").
			SetNameKey("f").
			SetListID(list).
			SetCreatedAt(noon).
			SaveX(ctx).
			ID,
		campaign: client.Campaign.Create().
			SetUserID(owner.UserID).
			SetName("C").
			SetNameKey("c").
			SetCreatedAt(noon).
			SetLastActivityAt(noon).
			SaveX(ctx).
			ID,
		email: f.email(t, owner, "Foreign").ID,
	}
}

// patches returns patches that each name one of the objects, all within the list.
func (b belongings) patches(list int64) map[string]campaign.Patch {
	ofRules := func(rule string, id int64) campaign.Patch {
		return campaign.Patch{Audience: &campaign.AudiencePatch{Rules: new(rules(list, fmt.Sprintf(rule, id)))}}
	}
	return map[string]campaign.Patch{
		"included list": {Audience: &campaign.AudiencePatch{Include: new(pair(b.list, 0))}},
		"excluded list": {
			Audience: &campaign.AudiencePatch{Include: new(pair(list, 0)), Exclude: new(pair(b.list, 0))},
		},
		"included segment": {Audience: &campaign.AudiencePatch{Include: new(pair(list, b.segment))}},
		"list of rules":    {Audience: &campaign.AudiencePatch{Rules: new(rules(b.list, ""))}},
		"segment":          ofRules(`{"type":"segments","operator":"belongs to","value":%d}`, b.segment),
		"subscriber tag":   ofRules(`{"type":"tags","operator":"has this tag","value":"%d"}`, b.tag),
		"custom field":     ofRules(`{"type":"fields","field_id":%d,"operator":"is set"}`, b.field),
		"campaign":         ofRules(`{"type":"campaign-events","operator":"opened","value":%d}`, b.campaign),
		"email":            {EmailID: new(b.email)},
		"email of a test": {ABTest: &campaign.ABTestPatch{Test: &campaign.ABTest{
			TestSize:     new(50),
			TestDuration: new(1),
			Winner:       campaign.WinnerByOpens,
			Variations:   []campaign.ABVariation{{b.email, 1}, {b.email, 3}},
		}}},
	}
}

func unknownBelongings() belongings {
	return belongings{unknownID, unknownID, unknownID, unknownID, unknownID, unknownID}
}

// numberless returns the text of an error without the number that the caller itself passed.
func numberless(err error) string {
	out := strings.Join(describe(err), ", ")
	for _, fault := range apperr.All(err) {
		out += "; " + fault.Field + ": " + strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, fault.Message)
	}
	return out
}

func TestForeignThingsAreAnsweredLikeUnknownOnes(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		stranger, admin := testkit.Account(t, db), testkit.Account(t, db, testkit.Admin())
		c := f.create(t, "Mine")
		list := f.list(t, f.owner)
		foreign, unknown := f.belongings(t, stranger).patches(list), unknownBelongings().patches(list)
		for as, id := range map[string]caller.Identity{"owner": f.owner, "admin": admin} {
			ctx := testkit.As(t, id)
			for name, patch := range foreign {
				_, err := f.campaigns.Update(ctx, campaign.Call{ID: c.ID}, patch)
				if code := apperr.CodeOf(err); code != apperr.NotFound {
					t.Errorf("%s, %s: got %v, want NotFound", as, name, err)
				}
				_, other := f.campaigns.Update(ctx, campaign.Call{ID: c.ID}, unknown[name])
				if numberless(err) != numberless(other) {
					t.Errorf("%s, %s: foreign %s, unknown %s", as, name, numberless(err), numberless(other))
				}
			}
		}
		f.unwritten(t, c, 1)
		for name, patch := range f.belongings(t, f.owner).patches(list) {
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, patch)
			switch name {
			case "included segment", "segment", "custom field": // of another list of the owner
				wantFault(t, err, apperr.NotFound, apperr.ReasonAudienceNotFound)
			case "email of a test": // twice the same
				wantFault(t, err, apperr.Invalid, apperr.ReasonABTestValue)
			default:
				if err != nil {
					t.Errorf("the owner's %s is refused: %v", name, err)
				}
			}
		}
	})
}

func TestAudienceThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "A")
		list := f.list(t, f.owner)
		for name, patch := range map[string]campaign.AudiencePatch{
			"not JSON":               {Rules: new("{")},
			"unknown operator":       {Rules: new(rules(list, `{"type":"fields","field_id":"EmailAddress","operator":"has","value":"x"}`))},
			"journeys":               {Rules: new(rules(list, `{"type":"journeys","operator":"in","value":1}`))},
			"not a number":           {Include: new("all")},
			"longer than its column": {Include: new(pair(list, 0) + strings.Repeat(" ", 4000))},
			"exclusions too long":    {Exclude: new(pair(list, 0) + strings.Repeat(",", 4000))},
		} {
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Audience: &patch})
			if faults := apperr.All(err); len(faults) == 0 || faults[0].Code != apperr.Invalid ||
				faults[0].Reason != apperr.ReasonAudienceInvalid {
				t.Errorf("%s: got %v, want Invalid %s", name, describe(err), apperr.ReasonAudienceInvalid)
			}
		}
		f.unwritten(t, c, 1)
	})
}

func TestReadinessListsWhatIsMissing(t *testing.T) {
	t.Parallel()
	email := int64(1)
	tested := ent.Campaign{
		AbTest:       `{"Variations":[{"EmailID":1,"Weight":1},{"EmailID":2,"Weight":1}]}`,
		HasAudience:  true,
		ScheduleType: kind.ScheduleImmediate,
	}
	whole := &ent.Email{Subject: "S", FromEmail: "a@example.com", Plain: "%Link:Unsubscribe%"}
	for _, tt := range []struct {
		name   string
		c      ent.Campaign
		emails []*ent.Email
		want   string
	}{
		{"everything", ent.Campaign{ScheduleType: kind.ScheduleNone}, nil, "EMAIL AUDIENCE SCHEDULE"},
		{"nothing", ent.Campaign{EmailID: &email, HasAudience: true, ScheduleType: kind.ScheduleImmediate}, []*ent.Email{whole}, ""},
		{"an email that is gone", ent.Campaign{EmailID: &email, HasAudience: true, ScheduleType: kind.ScheduleFuture}, []*ent.Email{nil}, "EMAIL"},
		{"a test", tested, []*ent.Email{whole, whole}, ""},
		{"a test whose email is gone", tested, []*ent.Email{whole, nil}, "EMAIL"},
		{"the parts of a variation", tested, []*ent.Email{{FromEmail: "a@example.com"}, {Subject: "S"}}, "SUBJECT CONTENT UNSUBSCRIBE_LINK FROM"},
		{"the parts of the email", ent.Campaign{EmailID: &email, HasAudience: true, ScheduleType: kind.ScheduleRecurring}, []*ent.Email{{}}, "SUBJECT FROM CONTENT UNSUBSCRIBE_LINK"},
	} {
		var codes []string
		for _, gap := range campaign.Readiness(&tt.c, tt.emails) {
			codes = append(codes, gap.Code)
		}
		if got := strings.Join(codes, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTheSameAudienceInOtherWordsIsNoChangeOfWhatWasSent(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		list := f.list(t, f.owner)
		c := f.create(t, "Sent")
		plain, spelled := fmt.Sprint(list), fmt.Sprintf("%d:0", list)
		f.update(t, c.ID, campaign.Patch{Audience: &campaign.AudiencePatch{Include: &plain}})
		for _, status := range []kind.CampaignStatus{kind.StatusReady, kind.StatusSending, kind.StatusSent} {
			f.update(t, c.ID, campaign.Patch{Status: &status})
		}
		before := f.row(t, c.ID)
		after := f.update(t, c.ID, campaign.Patch{Audience: &campaign.AudiencePatch{Include: &spelled}})
		if after.Version != before.Version || after.RecipientLists != plain {
			t.Errorf(
				"version %d and lists %q, want %d and %q", after.Version, after.RecipientLists, before.Version, plain,
			)
		}
		_, err := f.campaigns.Update(
			f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Audience: &campaign.AudiencePatch{Include: new("")}},
		)
		wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
	})
}
