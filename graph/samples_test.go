package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"

	"campaignql/internal/app"
	"campaignql/internal/demo"
	"campaignql/internal/explorer"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

func TestSamplesOfTheExplorerRun(t *testing.T) {
	served := schema(t)
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 3)
		w.sending(t, a)
		samples := explorer.Samples()
		if len(samples) == 0 || samples[0].Variables != nil {
			t.Fatalf("%d samples; the first must run without variables", len(samples))
		}
		for _, sample := range samples {
			if _, err := gqlparser.LoadQueryWithRules(served, sample.Query, nil); err != nil {
				t.Errorf("%s: %v", sample.Title, err)
				continue
			}
			variables := object{}
			if sample.Variables != nil {
				if err := json.Unmarshal(sample.Variables, &variables); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(sample.Query, "\nsubscription ") {
				events := listen(t, w.URL, a.Key, sample.Query, variables)
				if data := events.wantEvent("next"); !strings.Contains(data, `"News"`) ||
					strings.Contains(data, `"errors"`) {
					t.Errorf("%s: %s", sample.Title, data)
				}
				events.close()
				continue
			}
			response := w.Query(t, a.Key, sample.Query, variables)
			noLeak(t, response)
			// The ids in the samples may not exist. The result is then a user error or null.
			if len(response.Errors) > 0 {
				t.Errorf("%s: %s", sample.Title, response.Body)
			}
		}
	})
}

// presents are the times at which the demo is viewed: each weekday once, including ends of months,
// the end of a year, the leap day, and the hour that occurs twice in Berlin. The tests of the
// demo's generator check the order of campaigns on many more days.
var presents = []string{
	"2026-11-30T10:30:00Z",
	"2028-02-29T12:00:00Z",
	"2027-03-31T00:00:00Z",
	"2026-12-31T23:30:00Z",
	"2027-04-30T22:30:00Z",
	"2027-07-31T05:00:00Z",
	"2027-10-31T01:30:00Z",
}

func TestSamplesOfTheExplorerShowSomethingOfTheDemoOnEveryDay(t *testing.T) {
	t.Parallel()
	for _, present := range presents[1:] {
		if !testkit.WithSQLite() {
			break
		}
		now := must(time.Parse(time.RFC3339, present))(t)
		t.Run(present, func(t *testing.T) {
			t.Parallel()
			showSamples(t, testkit.Open(t, "sqlite::memory:"), now)
		})
	}
	// The database assigns the numbers.
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		showSamples(t, testkit.Open(t, address), must(time.Parse(time.RFC3339, presents[0]))(t))
	})
}

// shown checks the demo's data in the answer to each sample.
var shown = map[string]func(t *testing.T, data object) (got, want any){
	"Campaigns": func(t *testing.T, data object) (got, want any) {
		return len(apitest.At(t, data, "campaigns", "nodes").([]any)), 10
	},
	"Campaign": func(t *testing.T, data object) (got, want any) {
		return fmt.Sprint(
			apitest.At(t, data, "campaign", "status"),
			len(apitest.At(t, data, "campaign", "schedule", "upcoming").([]any)),
		), "READY5"
	},
	"CampaignCounts": func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, "campaignCounts", "total"), 200.0
	},
	"SchedulePreview": func(t *testing.T, data object) (got, want any) {
		return len(apitest.At(t, data, "schedulePreview", "upcoming").([]any)), 10
	},
	"CreateCampaign": func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, "createCampaign", "campaign", "legacyId"), "201"
	},
	"UpdateCampaign": func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, "updateCampaign", "campaign", "name"), "Renamed in the explorer"
	},
	"SendCampaign": func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, "updateCampaign", "campaign", "status"), "READY"
	},
	// Nothing is sent here. A browser shows what these do where it is, in the tests of the package app.
	"PauseCampaign":   refusal("pauseCampaign"),
	"ResumeCampaign":  refusal("resumeCampaign"),
	"RetryRecipients": refusal("retryRecipients"),
	"CampaignRun": func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, "campaign", "status"), "READY"
	},
	"CampaignChanged": func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, "campaignChanged", "campaign", "status"), "SENDING"
	},
}

// refusal checks that a mutation needs a campaign that is being sent, or was.
func refusal(field string) func(t *testing.T, data object) (got, want any) {
	return func(t *testing.T, data object) (got, want any) {
		return apitest.At(t, data, field, "userErrors", 0, "code"), "CONFLICT"
	}
}

// showSamples runs the samples one after another, like a visitor of the demo, on a demo that was
// created just now.
func showSamples(t *testing.T, db *store.Store, now time.Time) {
	t.Helper()
	w := &world{
		Server: apitest.With(
			t, db, liveConfig(), func(opts *app.ServiceOptions) { opts.Now = func() time.Time { return now } },
		),
		db: db,
	}
	entry := must(demo.Ensure(t.Context(), db, demo.Services{Accounts: w.Services.Accounts}, now))(t)
	served := schema(t)
	for _, sample := range explorer.Samples() {
		document, err := gqlparser.LoadQueryWithRules(served, sample.Query, nil)
		if err != nil {
			t.Fatal(err)
		}
		name := document.Operations[0].Name
		if shown[name] == nil {
			t.Errorf("nothing says what the sample %s shows", name)
			continue
		}
		var variables object
		if sample.Variables != nil {
			if err := json.Unmarshal(sample.Variables, &variables); err != nil {
				t.Fatal(err)
			}
		}
		body := ""
		if strings.Contains(sample.Query, "\nsubscription ") {
			events := listen(t, w.URL, entry.APIKey, sample.Query, variables)
			body = events.wantEvent("next")
			events.close()
		} else {
			body = w.Query(t, entry.APIKey, sample.Query, variables).Body
		}
		var answer apitest.Response
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Errors) > 0 {
			t.Errorf("%s: %s", name, body)
			continue
		}
		if got, want := shown[name](t, answer.Data); got != want {
			t.Errorf("%s shows %v, want %v: %s", name, got, want, body)
		}
	}
}
