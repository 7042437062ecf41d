package command

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/apperr"
)

// TestEveryCodeHasAnAnswer covers all codes of the domains, so that a new code cannot be forgotten.
func TestEveryCodeHasAnAnswer(t *testing.T) {
	t.Parallel()
	type answer struct {
		Status     int
		Code       string
		RetryAfter time.Duration
		Logged     bool
	}
	want := map[apperr.Code]answer{
		apperr.Invalid:         {Status: 400, Code: "100000"},
		apperr.NotFound:        {Status: 400, Code: "100000"},
		apperr.Conflict:        {Status: 409, Code: "409", Logged: true},
		apperr.Denied:          {Status: 200, Code: "99999"},
		apperr.Unauthenticated: {Status: 200, Code: "99998"},
		apperr.Limited:         {Status: 429, Code: "429", RetryAfter: 7 * time.Second},
		apperr.Precondition:    {Status: 409, Code: "409", Logged: true},
		apperr.Unavailable:     {Status: 503, Code: "100005", RetryAfter: 7 * time.Second, Logged: true},
		apperr.Canceled:        {Status: 503, Code: "100005", RetryAfter: 7 * time.Second, Logged: true},
		apperr.Internal:        {Status: 500, Code: "100005", Logged: true},
	}
	for _, code := range apperr.Codes() {
		var log strings.Builder
		b := New(
			Services{},
			Options{
				Logger:    slog.New(slog.NewTextHandler(&log, nil)),
				RequestID: func(context.Context) string { return "r-9" },
			},
		)
		err := &apperr.Error{
			Code: code, Message: "a message", RetryAfter: 7 * time.Second, Err: errors.New("secret of the driver"),
		}
		got := b.failure(t.Context(), &Command{Name: "A.B"}, err)
		body, marshalErr := got.MarshalJSON()
		if marshalErr != nil {
			t.Fatal(marshalErr)
		}
		_, rest, _ := strings.Cut(string(body), `"ErrorCode":`)
		number, _, _ := strings.Cut(rest, ",")
		if diff := cmp.Diff(want[code], answer{got.Status, number, got.RetryAfter, log.Len() > 0}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
		if strings.Contains(string(body), "secret") {
			t.Errorf("%s: the answer shows the cause: %s", code, body)
		}
		if log.Len() > 0 &&
			(!strings.Contains(log.String(), "secret of the driver") || !strings.Contains(log.String(), "r-9")) {
			t.Errorf("%s: the log lacks the cause or the request: %s", code, log.String())
		}
	}
}

func TestAnErrorOfNoDomainIsAServerFault(t *testing.T) {
	t.Parallel()
	b := New(Services{}, Options{Logger: slog.New(slog.DiscardHandler)})
	got := b.failure(t.Context(), &Command{}, errors.New("boom"))
	if got.Status != http.StatusInternalServerError || got.Outcome != Failed {
		t.Errorf("got %+v, want a server fault", got)
	}
}

func TestAServerFaultOutranksFaultsOfTheInput(t *testing.T) {
	t.Parallel()
	b := New(Services{}, Options{Logger: slog.New(slog.DiscardHandler)})
	cmd := &Command{Codes: []Code{{Number: 1, Text: "bad", Reasons: []apperr.Reason{"bad"}}}}
	err := apperr.List{apperr.InvalidField("x", "bad", "bad"), apperr.Wrap(apperr.Unavailable, nil, "gone")}
	if got := b.failure(t.Context(), cmd, err); got.Status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", got.Status)
	}
}

// TestDeclarations checks that the declarations, from which the documentation is generated, are
// complete.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, cmd := range New(Services{}, Options{}).Commands() {
		if seen[fold(cmd.Name)] {
			t.Errorf("%s is declared twice", cmd.Name)
		}
		seen[fold(cmd.Name)] = true
		if cmd.Doc == "" || cmd.Operation == "" || cmd.run == nil || cmd.Public == (cmd.Scope != "") {
			t.Errorf("%s lacks its text, its operation, its handler or its scope", cmd.Name)
		}
		reasons := map[apperr.Reason]bool{}
		for _, code := range cmd.Codes {
			if code.Number == 0 || code.Text == "" || len(code.Reasons) == 0 && code.Missing == "" {
				t.Errorf("%s: an incomplete row %+v", cmd.Name, code)
			}
			for _, reason := range code.Reasons {
				if reasons[reason+apperr.Reason(code.Field)] {
					t.Errorf("%s: two rows answer for %q", cmd.Name, reason)
				}
				reasons[reason+apperr.Reason(code.Field)] = true
			}
		}
		for _, p := range cmd.Parameters {
			if p.Name == "" || p.Doc == "" {
				t.Errorf("%s: an incomplete parameter %+v", cmd.Name, p)
			}
		}
	}
}

// TestColumnsOfTheLegacyTable compares the columns with the list of the contract, word for word.
func TestColumnsOfTheLegacyTable(t *testing.T) {
	t.Parallel()
	want := strings.Split(
		"CampaignID,RelOwnerUserID,CampaignStatus,CampaignStatusReason,CampaignName,RelEmailID,ScheduleType,SendDate,SendTime,SendTimeZone,"+
			"ScheduleRecDaysOfWeek,ScheduleRecDaysOfMonth,ScheduleRecMonths,ScheduleRecHours,ScheduleRecMinutes,ScheduleRecSendMaxInstance,"+
			"ScheduleRecSentInstances,SendProcessStartedOn,SendProcessFinishedOn,TotalRecipients,TotalSent,TotalFailed,TotalOpens,UniqueOpens,"+
			"TotalClicks,UniqueClicks,TotalForwards,UniqueForwards,TotalViewsOnBrowser,UniqueViewsOnBrowser,TotalUnsubscriptions,TotalHardBounces,"+
			"TotalSoftBounces,TotalSpamReports,BenchmarkEmailsPerSecond,ApprovalUserExplanation,GoogleAnalyticsDomains,PublishOnRSS,S2SEnabled,"+
			"AutoResendEnabled,AutoResendWaitDays,AutoResendSubject,AutoResendPreHeaderText,RulesJsonBundle,RecipientLists,RecipientSegments,"+
			"LastActivityDateTime,CreateDateTime",
		",",
	)
	var got []string
	for _, col := range columns {
		got = append(got, col.name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}
