package graph_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/graph"
	"campaignql/internal/apperr"
)

// graphCode returns the extensions.code for a code of a domain.
func graphCode(code apperr.Code) string { return graph.ErrorCode(code) }

func TestEveryCodeOfTheDomainsHasOneOfGraphQL(t *testing.T) {
	t.Parallel()
	want := map[apperr.Code][2]string{
		apperr.Invalid:         {"BAD_USER_INPUT", "INVALID"},
		apperr.NotFound:        {"NOT_FOUND", "NOT_FOUND"},
		apperr.Conflict:        {"CONFLICT", "CONFLICT"},
		apperr.Denied:          {"FORBIDDEN", ""},
		apperr.Unauthenticated: {"UNAUTHENTICATED", ""},
		apperr.Limited:         {"RATE_LIMITED", ""},
		apperr.Precondition:    {"CONFLICT", "CONFLICT"},
		apperr.Unavailable:     {"UNAVAILABLE", ""},
		apperr.Canceled:        {"CANCELED", ""},
		apperr.Internal:        {"INTERNAL", ""},
	}
	values := schema(t).Types["UserErrorCode"].EnumValues
	for _, code := range apperr.Codes() {
		expected, ok := want[code]
		if !ok {
			t.Errorf("%s has no code of GraphQL", code)
			continue
		}
		user, mendable := graph.UserCode(code)
		if diff := cmp.Diff(expected, [2]string{graph.ErrorCode(code), user}); diff != "" || mendable != (user != "") {
			t.Errorf("%s (mendable: %v):\n%s", code, mendable, diff)
		}
		if user != "" && values.ForName(user) == nil {
			t.Errorf("%s is no UserErrorCode", user)
		}
	}
	if len(want) != len(apperr.Codes()) {
		t.Errorf("%d codes here, %d in the domains", len(want), len(apperr.Codes()))
	}
}

// TestBothSurfacesTellTheSameFault causes each fault through both surfaces and compares the codes.
func TestBothSurfacesTellTheSameFault(t *testing.T) {
	const change = `mutation($id: ID!, %s) { updateCampaign(input: {id: $id, %s}) { campaign { id } ` + faults + `} }`
	one := func(mutation string) string {
		return `mutation($id: ID!) { ` + mutation + `(input: {id: $id}) { campaign { id } ` + faults + `} }`
	}
	// These are error codes of Campaign.Update.
	const statusCode, emailCode, pastCode = "3", "4", "27"
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		for _, tt := range []struct {
			name, as, prop string
			document       string
			variables      object
			graphQL        string
			command        url.Values
			// code is the ErrorCode as JSON. Some commands return a list.
			code string
		}{
			{"not found", "", "", one("pauseCampaign"), nil, "NOT_FOUND campaign_not_found", url.Values{"Command": {"Campaign.Pause"}}, "2"},
			{"a copy of nothing", "", "", one("copyCampaign"), nil, "NOT_FOUND campaign_not_found", url.Values{"Command": {"Campaign.Copy"}}, "[1]"},
			{"pause in the wrong status", "", "draft", one("pauseCampaign"), nil, "CONFLICT status_transition", url.Values{"Command": {"Campaign.Pause"}}, "3"},
			{"resume in the wrong status", "", "sending", one("resumeCampaign"), nil, "CONFLICT status_transition", url.Values{"Command": {"Campaign.Resume"}}, "3"},
			{"cancel in the wrong status", "", "sent", one("cancelCampaign"), nil, "CONFLICT status_transition", url.Values{"Command": {"Campaign.Cancel"}}, "3"},
			{"approve in the wrong status", "", "draft", one("approveCampaign"), nil, "CONFLICT status_transition", url.Values{"Command": {"Campaign.Approve"}}, "3"},
			{"a transition that is none", "", "sent", fmt.Sprintf(change, "$s: CampaignStatus", "status: $s"), object{"s": "DRAFT"}, "CONFLICT input.status status_transition",
				url.Values{"Command": {"Campaign.Update"}, "CampaignStatus": {"Draft"}}, statusCode},
			{"an email that is not there", "", "draft", fmt.Sprintf(change, "$e: ID", "emailId: $e"), object{"e": "987654321"}, "NOT_FOUND input.emailId email_not_found",
				url.Values{"Command": {"Campaign.Update"}, "RelEmailID": {"987654321"}}, emailCode},
			{"a moment in the past", "", "draft", fmt.Sprintf(change, "$d: Date!", `schedule: {at: {date: $d, time: "10:00", timeZone: "UTC"}}`), object{"d": "2020-01-01"},
				"INVALID input.schedule.at.date schedule_in_past", url.Values{"Command": {"Campaign.Update"}, "ScheduleType": {"Future"}, "SendDate": {"2020-01-01"},
					"SendTime": {"10:00"}, "SendTimeZone": {"UTC"}}, pastCode},
			{"no name", "", "", `mutation { createCampaign(input: {name: " "}) { campaign { id } ` + faults + `} }`, nil, "INVALID input.name name_required",
				url.Values{"Command": {"Campaign.Create"}, "CampaignName": {" "}}, "1"},
			{"a bad tag", "", "", `mutation { createTag(input: {name: "<"}) { tag { id } ` + faults + `} }`, nil, "INVALID input.name tag_name_characters",
				url.Values{"Command": {"Tag.Create"}, "Tag": {"<"}}, "3"},
			{"denied by scope", "reader", "draft", one("pauseCampaign"), nil, "!FORBIDDEN", url.Values{"Command": {"Campaign.Pause"}}, "99999"},
			{"denied by reputation", "untrusted", "pending", one("approveCampaign"), nil, "!FORBIDDEN approval_required", url.Values{"Command": {"Campaign.Approve"}}, "99999"},
			{"nobody", "nobody", "draft", one("pauseCampaign"), nil, "!UNAUTHENTICATED", url.Values{"Command": {"Campaign.Pause"}}, "99998"},
			{"a stranger", "stranger", "draft", one("pauseCampaign"), nil, "!UNAUTHENTICATED", url.Values{"Command": {"Campaign.Pause"}}, "99998"},
		} {
			id := "987654321"
			if tt.prop != "" {
				id = c.prop(t, c.account(tt.as), tt.prop)
			}
			variables := object{}
			for name, value := range tt.variables {
				variables[name] = value
			}
			variables["id"] = id
			response := w.Query(t, c.keys[tt.as], tt.document, variables)
			if got, _ := outcome(response); got != tt.graphQL {
				t.Errorf("%s: GraphQL says %s, want %s\n%s", tt.name, got, tt.graphQL, response.Body)
			}
			tt.command.Set("APIKey", c.keys[tt.as])
			tt.command.Set("CampaignID", id)
			_, body := w.Command(t, tt.command)
			var answer struct{ ErrorCode json.RawMessage }
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			if string(answer.ErrorCode) != tt.code {
				t.Errorf("%s: the command says %s, want %s\n%s", tt.name, answer.ErrorCode, tt.code, body)
			}
		}
	})
}
