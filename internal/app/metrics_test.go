package app_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// metrics reads /metrics and returns the value of each series by its name and labels.
func metrics(t *testing.T, s *apitest.Server) map[string]float64 {
	t.Helper()
	got := do(t, http.MethodGet, s.URL+"/metrics", "")
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s", got.status, got.body)
	}
	series := map[string]float64{}
	for line := range strings.Lines(got.body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if closing := strings.LastIndexByte(line, '}'); closing >= 0 {
			name, text = line[:closing+1], strings.TrimSpace(line[closing+1:])
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		series[name] = value
	}
	return series
}

func TestMetricsCountRequestsByOperationAndCommand(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	owner := s.Account(t)
	query := func(key, document string) { s.Query(t, key, document, nil) }
	command := func(name, key string) { s.Command(t, url.Values{"Command": {name}, "APIKey": {key}}) }
	tests := []struct {
		name   string
		send   func()
		labels string
		// operation is a label of the histogram.
		operation string
	}{
		{
			"a query", func() { query(owner.Key, `query MyOwnName { alias: campaignCounts { total } }`) },
			`operation="campaignCounts",outcome="success",surface="graphql"`,
			`operation="campaignCounts",surface="graphql"`,
		},
		{
			"a query that fails", func() { query("", `{ campaignCounts { total } }`) },
			`operation="campaignCounts",outcome="failed",surface="graphql"`,
			`operation="campaignCounts",surface="graphql"`,
		},
		{"a mutation", func() {
			query(owner.Key, `mutation { createCampaign(input: {name: "x"}) { campaign { id } } }`)
		}, `operation="createCampaign",outcome="success",surface="graphql"`, `operation="createCampaign",surface="graphql"`},
		{
			"a command in its own spelling", func() { command("campaigns.get", owner.Key) },
			`operation="Campaigns.Get",outcome="success",surface="command"`,
			`operation="Campaigns.Get",surface="command"`,
		},
		{
			"a command that is refused", func() { command("Campaigns.Get", "nonsense") },
			`operation="Campaigns.Get",outcome="refused",surface="command"`,
			`operation="Campaigns.Get",surface="command"`,
		},
		{
			"a command that does not exist", func() { command("Name.ThatClientsMakeUp", owner.Key) },
			`operation="unknown",outcome="refused",surface="command"`, `operation="unknown",surface="command"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			total, timed := "campaignql_requests_total{"+test.labels+"}", "campaignql_request_duration_seconds_count{"+test.operation+"}"
			before := metrics(t, s)
			for range 3 {
				test.send()
			}
			after := metrics(t, s)
			if after[total] != before[total]+3 || after[timed] != before[timed]+3 {
				t.Errorf(
					"after three requests %s went from %v to %v, %s from %v to %v", total, before[total], after[total],
					timed, before[timed], after[timed],
				)
			}
		})
	}
	for name := range metrics(t, s) {
		if strings.Contains(name, "MyOwnName") || strings.Contains(name, "alias") || strings.Contains(name, "MakeUp") {
			t.Errorf("clients can make up the series %s", name)
		}
	}
}

func TestMetricsTellThePoolAndTheCampaigns(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		s := apitest.With(t, testkit.Open(t, address), apitest.Config())
		for range 2 { // the campaigns of all accounts are counted
			s.MustQuery(t, s.Account(t).Key, `mutation { createCampaign(input: {name: "x"}) { campaign { id } } }`, nil)
		}
		got := metrics(t, s)
		if n := got[`campaignql_campaigns{status="draft"}`]; n != 2 {
			t.Errorf("%v drafts, want 2", n)
		}
		for _, prefix := range []string{
			"go_goroutines", "campaignql_build_info{", "process_resident_memory_bytes", "go_sql_open_connections{db_name=", "go_sql_in_use_connections{db_name=", "go_sql_wait_duration_seconds_total{db_name=",
			`campaignql_request_duration_seconds_bucket{operation="createCampaign"`,
		} {
			if !slices.ContainsFunc(keys(got), func(name string) bool { return strings.HasPrefix(name, prefix) }) {
				t.Errorf("there is no series %s…", prefix)
			}
		}
	})
}

func keys(series map[string]float64) []string {
	names := make([]string, 0, len(series))
	for name := range series {
		names = append(names, name)
	}
	return names
}

// TestMetricsSurviveTheDatabase checks that a failed count of the campaigns does not hide the other
// metrics, and is not reported as zero campaigns.
func TestMetricsSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := apitest.With(t, db, apitest.Config())
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	post(t, s, `{ __typename }`)
	metrics(t, s) // the next reading reports that this one was incomplete
	got := metrics(t, s)
	if n := got[`promhttp_metric_handler_errors_total{cause="gathering"}`]; n == 0 {
		t.Error("the failure is not counted")
	}
	if n := got[`campaignql_requests_total{operation="__typename",outcome="success",surface="graphql"}`]; n != 1 {
		t.Errorf("%v requests, want 1", n)
	}
	counted := func(name string) bool { return strings.HasPrefix(name, "campaignql_campaigns") }
	if slices.ContainsFunc(keys(got), counted) {
		t.Error("campaigns are counted without a database")
	}
}
