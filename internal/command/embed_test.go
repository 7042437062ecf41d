package command_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"campaignql/internal/command"
)

func TestAnswersWithinADocumentAreObservedAndTellNoCause(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		var seen []string
		bridge := command.New(f.bridge.Services, command.Options{
			Logger: quiet(), RequestID: func(context.Context) string { return "r-7" },
			Observe: func(name string, outcome command.Outcome, _ time.Duration) {
				seen = append(seen, name+" "+string(outcome))
			},
		})
		gone, cancel := context.WithCancel(me.ctx)
		cancel()
		for _, tc := range []struct {
			ctx                    context.Context
			name, parameters, want string
		}{
			{me.ctx, "tags.get", "", `{"Success":true,"ErrorCode":0,"TotalTagCount":0,"Tags":[]}`},
			{me.ctx, "Campaigns.Get", "null", `{"Success":true,"ErrorCode":0,"ErrorText":"","Campaigns":[],"TotalCampaigns":0}`},
			{me.ctx, "Campaign.Pause", `{"CampaignID":""}`, `{"Success":false,"ErrorCode":1,"ErrorText":"Missing required parameter: CampaignID"}`},
			{me.ctx, "nope", "{}", `{"Success":false,"ErrorCode":100003,`},
			{me.ctx, "Tags.Get", "{", `{"Success":false,"ErrorCode":100000,"ErrorText":"The body is not valid JSON.",`},
			{gone, "Campaigns.Get", "{}", `{"Success":false,"ErrorCode":100005,"ErrorText":"An unexpected error occurred on the server, request r-7.",`},
		} {
			got := bridge.Answer(tc.ctx, tc.name, json.RawMessage(tc.parameters))
			if !json.Valid(got) || !strings.HasPrefix(string(got), tc.want) {
				t.Errorf("%s %s: %s, want %s", tc.name, tc.parameters, got, tc.want)
			}
		}
		if want := "Tags.Get success, Campaigns.Get success, Campaign.Pause refused,  refused,  refused, Campaigns.Get failed"; strings.Join(
			seen, ", ",
		) != want {
			t.Errorf("observed %q", seen)
		}
	})
}
