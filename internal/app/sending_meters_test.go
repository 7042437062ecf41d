package app_test

import "testing"

func TestMetricsShowTheSender(t *testing.T) {
	t.Parallel()
	series := metrics(t, onSQLite(t))
	for _, name := range []string{
		`campaignql_messages_total{result="accepted"}`, `campaignql_messages_total{result="deferred"}`,
		`campaignql_messages_total{result="refused"}`, `campaignql_messages_total{result="not_handed_over"}`,
		`campaignql_messages_total{result="in_doubt"}`, `campaignql_sending_breaker_open`,
		`campaignql_runs_open{phase="freezing"}`, `campaignql_runs_open{phase="sending"}`,
		`campaignql_runs_open{phase="canceling"}`, `campaignql_sending_queue_age_seconds`,
	} {
		if value, known := series[name]; !known || value != 0 {
			t.Errorf("%s is %v, known %v, on a server that sends nothing", name, value, known)
		}
	}
}
