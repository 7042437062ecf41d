package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	lists "campaignql/internal/people/list"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// asked is a request that can be sent to both surfaces.
type asked struct {
	mutation, input string
	command         url.Values
}

// surfaces are the ways to send a request: GraphQL, the bridge, and the bridge through the GraphQL
// field command. Each returns "" for success, otherwise the reason or the code.
var surfaces = map[string]func(t *testing.T, s *apitest.Server, key string, a asked) string{
	"GraphQL": func(t *testing.T, s *apitest.Server, key string, a asked) string {
		data := s.MustQuery(
			t, key,
			fmt.Sprintf(`mutation { %s(input: {%s}) { userErrors { code reason message } } }`, a.mutation, a.input),
			nil,
		)
		faults := apitest.At(t, data, a.mutation, "userErrors").([]any)
		if len(faults) == 0 {
			return ""
		}
		return fmt.Sprint(apitest.At(t, faults, 0, "code"), " ", apitest.At(t, faults, 0, "reason"))
	},
	"bridge": func(t *testing.T, s *apitest.Server, key string, a asked) string {
		values := url.Values{"APIKey": {key}}
		for name, value := range a.command {
			values[name] = value
		}
		status, body := s.Command(t, values)
		if status != http.StatusOK {
			t.Fatalf("%v: %d %s", a.command, status, body)
		}
		return legacyCode(t, body)
	},
	"command": func(t *testing.T, s *apitest.Server, key string, a asked) string {
		parameters := map[string]string{}
		for name := range a.command {
			parameters[name] = a.command.Get(name)
		}
		data := s.MustQuery(
			t, key, `mutation($n: String!, $p: JSON) { command(name: $n, parameters: $p) }`,
			map[string]any{"n": a.command.Get("Command"), "p": parameters},
		)
		body, err := json.Marshal(data["command"])
		if err != nil {
			t.Fatal(err)
		}
		return legacyCode(t, string(body))
	},
}

func legacyCode(t *testing.T, body string) string {
	t.Helper()
	var envelope struct {
		Success   bool
		ErrorCode any
	}
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if envelope.Success {
		return ""
	}
	return strings.Trim(fmt.Sprint(envelope.ErrorCode), "[]")
}

// applicant is an account whose campaigns need approval, with an admin and two lists.
type applicant struct {
	*apitest.Server
	owner, admin *apitest.Account
	lists        [2]int64
}

func newApplicant(t *testing.T, db *store.Store, now func() time.Time) *applicant {
	t.Helper()
	s := &applicant{Server: apitest.With(t, db, apitest.Config(), func(o *app.ServiceOptions) { o.Now = now })}
	s.owner = s.Account(t, func(u *account.NewUser) { u.Reputation = kind.ReputationUntrusted })
	s.admin = s.Account(t, func(u *account.NewUser) { u.Role = kind.RoleAdmin })
	for i := range s.lists {
		l, err := s.Services.Lists.Create(s.owner.Context, lists.Input{Name: fmt.Sprint("l", i)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.lists[i] = l.ID
	}
	return s
}

func (s *applicant) email(t *testing.T) int64 {
	t.Helper()
	e, err := s.Services.Emails.Create(
		s.owner.Context,
		content.Patch{Subject: new("Approved"), FromEmail: new("me@example.com"), Plain: new("%Link:Unsubscribe%")},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// approved creates a campaign that the admin has approved.
func (s *applicant) approved(t *testing.T) (id, emailID int64) {
	t.Helper()
	c, err := s.Services.Campaigns.Create(s.owner.Context, "C", nil)
	if err != nil {
		t.Fatal(err)
	}
	emailID, immediate, ready := s.email(t), kind.ScheduleImmediate, kind.StatusReady
	_, err = s.Services.Campaigns.Update(s.owner.Context, campaign.Call{ID: c.ID}, campaign.Patch{
		EmailID: &emailID, Status: &ready, Schedule: &campaign.SchedulePatch{Type: &immediate},
		Audience: &campaign.AudiencePatch{Include: new(fmt.Sprintf("%d:0", s.lists[0]))},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Services.Campaigns.Approve(s.admin.Context, campaign.Call{ID: c.ID}, ""); err != nil {
		t.Fatal(err)
	}
	return c.ID, emailID
}

func (s *applicant) status(t *testing.T, id int64) string {
	t.Helper()
	c, err := s.Services.Campaigns.Get(s.owner.Context, id)
	if err != nil {
		t.Fatal(err)
	}
	return string(c.Status)
}

func toStatus(id int64, status, legacy string) asked {
	return asked{"updateCampaign", fmt.Sprintf("id: %d, status: %s", id, status),
		url.Values{"Command": {"Campaign.Update"}, "CampaignID": {fmt.Sprint(id)}, "CampaignStatus": {legacy}}}
}

func subjectOf(id int64) asked {
	return asked{
		"updateEmail", fmt.Sprintf(`id: %d, subject: "Changed"`, id),
		url.Values{
			"Command": {"Email.Update"}, "EmailID": {fmt.Sprint(id)}, "ValidateScope": {"Campaign"},
			"Subject": {"Changed"},
		},
	}
}

// TestOnNoSurfaceIsSentWhatWasNotApproved tries all ways in which an untrusted owner could send
// something other than what was approved.
func TestOnNoSurfaceIsSentWhatWasNotApproved(t *testing.T) {
	t.Parallel()
	changes := map[string]func(s *applicant, t *testing.T, id, emailID int64) asked{
		"subject": func(_ *applicant, _ *testing.T, _, emailID int64) asked { return subjectOf(emailID) },
		"another email": func(s *applicant, t *testing.T, id, _ int64) asked {
			other := s.email(t)
			_, err := s.Services.Emails.Update(s.owner.Context, other, content.Patch{Subject: new("Other")})
			if err != nil {
				t.Fatal(err)
			}
			return asked{
				"updateCampaign", fmt.Sprintf("id: %d, emailId: %d", id, other),
				url.Values{
					"Command": {"Campaign.Update"}, "CampaignID": {fmt.Sprint(id)}, "RelEmailID": {fmt.Sprint(other)},
				},
			}
		},
		"another audience": func(s *applicant, _ *testing.T, id, _ int64) asked {
			return asked{
				"updateCampaign",
				fmt.Sprintf("id: %d, audience: {lists: {include: [{listId: \"%d\"}]}}", id, s.lists[1]),
				url.Values{
					"Command": {"Campaign.Update"}, "CampaignID": {fmt.Sprint(id)},
					"RecipientListsAndSegments": {fmt.Sprintf("%d:0", s.lists[1])},
				},
			}
		},
		"second sending": func(_ *applicant, _ *testing.T, id, _ int64) asked {
			return asked{
				"updateCampaign", fmt.Sprintf(`id: %d, autoResend: {enabled: true, waitDays: 1, subject: "Again"}`, id),
				url.Values{
					"Command": {"Campaign.Update"}, "CampaignID": {fmt.Sprint(id)}, "AutoResendEnabled": {"true"},
					"AutoResendWaitDays": {"1"}, "AutoResendSubject": {"Again"},
				},
			}
		},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := newApplicant(t, db, nil)
		for surface, ask := range surfaces {
			refused := "CONFLICT NOT_IN_STATUS"
			if surface != "GraphQL" {
				refused = "30"
			}
			for name, change := range changes {
				id, emailID := s.approved(t)
				if got := ask(t, s.Server, s.owner.Key, change(s, t, id, emailID)); got != "" {
					t.Fatalf("%s, %s: %s", surface, name, got)
				}
				if got := s.status(t, id); got != "pending_approval" {
					t.Errorf("%s, %s: it is %s", surface, name, got)
				}
				if got := ask(t, s.Server, s.owner.Key, toStatus(id, "SENDING", "Sending")); got == "" {
					t.Errorf("%s, %s: it was started", surface, name)
				}
				id, emailID = s.approved(t)
				for _, status := range [][2]string{{"SENDING", "Sending"}, {"PAUSED", "Paused"}} {
					if got := ask(t, s.Server, s.owner.Key, toStatus(id, status[0], status[1])); got != "" {
						t.Fatalf("%s, %s: %s", surface, name, got)
					}
					if got := ask(t, s.Server, s.owner.Key, change(s, t, id, emailID)); got != refused {
						t.Errorf("%s, %s while it is %s: %q", surface, name, status[1], got)
					}
				}
			}
		}
	})
}

// TestOnBothSurfacesTheEmailOfACampaignThatIsSendingStays checks this for admins too.
func TestOnBothSurfacesTheEmailOfACampaignThatIsSendingStays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := newApplicant(t, db, nil)
		for surface, ask := range surfaces {
			id, emailID := s.approved(t)
			if got := ask(t, s.Server, s.owner.Key, toStatus(id, "SENDING", "Sending")); got != "" {
				t.Fatal(surface, got)
			}
			remove := asked{
				"deleteEmails", fmt.Sprintf("ids: [%d]", emailID),
				url.Values{"Command": {"Email.Delete"}, "EmailID": {fmt.Sprint(emailID)}},
			}
			want := map[bool][2]string{true: {"CONFLICT NOT_IN_STATUS", "CONFLICT EMAIL_IN_USE"}, false: {"30", "3"}}[surface == "GraphQL"]
			for _, key := range []string{s.owner.Key, s.admin.Key} {
				if got := [2]string{
					ask(t, s.Server, key, subjectOf(emailID)),
					ask(t, s.Server, key, remove),
				}; got != want {
					t.Errorf("%s: %q, want %q", surface, got, want)
				}
			}
		}
	})
}

// TestOnBothSurfacesApprovingTooLateSaysWhy checks that the failure is not an internal error.
func TestOnBothSurfacesApprovingTooLateSaysWhy(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		s := newApplicant(t, db, func() time.Time { return now })
		id, _ := s.approved(t)
		future, draft, ready := kind.ScheduleFuture, kind.StatusDraft, kind.StatusReady
		for _, patch := range []campaign.Patch{{Status: &draft}, {
			Status: &ready, Schedule: &campaign.SchedulePatch{Type: &future, Date: new("2026-11-23"), Time: new("12:30"), Zone: new("UTC")},
		}} {
			if _, err := s.Services.Campaigns.Update(s.owner.Context, campaign.Call{ID: id}, patch); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Hour)
		late := asked{
			"approveCampaign", fmt.Sprintf("id: %d", id),
			url.Values{"Command": {"Campaign.Approve"}, "CampaignID": {fmt.Sprint(id)}},
		}
		for surface, ask := range surfaces {
			want := map[bool]string{true: "CONFLICT SCHEDULE_IN_PAST", false: "3"}[surface == "GraphQL"]
			if got := ask(t, s.Server, s.admin.Key, late); got != want {
				t.Errorf("%s: %q, want %q", surface, got, want)
			}
		}
		status, body := s.Command(
			t, url.Values{"Command": {"Campaign.Approve"}, "CampaignID": {fmt.Sprint(id)}, "APIKey": {s.admin.Key}},
		)
		if status != http.StatusOK || !strings.Contains(body, "has passed") {
			t.Errorf("%d %s", status, body)
		}
	})
}
