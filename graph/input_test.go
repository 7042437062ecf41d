package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/testkit/apitest"
)

// wrong has invalid values of each scalar. A value is in JSON, which is also its GraphQL literal
// unless it is an object.
var wrong = []struct {
	// scalar is the type of the variable, and document an operation that uses it. Messages call the
	// argument where.
	scalar, document, where string
	values                  []string
}{
	{
		"Int", `{ campaigns(first: %s) { totalCount } }`, "first",
		[]string{`"5"`, `1.5`, `true`, `[1]`, `{"a":1}`, `2147483648`, `99999999999999999999`, `1e400`, `"x"`},
	},
	{
		"Int",
		`mutation { updateCampaign(input: {id: "<draft>", name: "x", expectedVersion: %s}) { campaign { id } } }`,
		"expectedVersion", []string{`2147483648`, `-2147483649`, `3.0`},
	},
	{
		"Float", `{ campaigns(filter: {openRate: {min: %s}}) { totalCount } }`, "openRate.min",
		[]string{`"0.5"`, `"NaN"`, `true`, `{"a":1}`, `1e400`, `[0.1]`},
	},
	{
		"String", `mutation { updateCampaign(input: {id: "<draft>", name: %s}) { campaign { id } } }`, "name",
		[]string{`5`, `1.5`, `true`, `["a"]`, `{"a":"b"}`},
	},
	{
		"Boolean",
		`mutation { updateCampaign(input: {id: "<draft>", name: "x", publishOnRss: %s}) { campaign { id } } }`,
		"publishOnRss", []string{`1`, `"true"`, `[true]`, `{"a":1}`},
	},
	{
		"ID", `{ campaign(id: %s) { name } }`, "id",
		[]string{
			`1.5`, `true`, `{"a":1}`, `["1"]`, `""`, `"0"`, `"-1"`, `"+1"`, `"01"`, `"1 "`, `"99999999999999999999"`,
			`"Q2FtcGFpZ246MQ=="`, `"Q2FtcGFpZ246MDE"`,
		},
	},
	{
		"DateTime", `mutation { createApiKey(input: {scopes: [READ], expiresAt: %s}) { key } }`, "expiresAt",
		[]string{
			`5`, `true`, `[1]`, `{"a":1}`, `""`, `"2099-01-01"`, `"2099-01-01T10:00:00"`, `"2099-02-29T10:00:00Z"`,
			`"2099-01-01T10:00:60Z"`, `"2099-01-01T24:00:00Z"`, `"0999-01-01T00:00:00Z"`, `"9999-12-31T23:59:59-01:00"`,
			`"99999-01-01T00:00:00Z"`, `"tomorrow"`,
		},
	},
	{
		"Date",
		`mutation { updateCampaign(input: {id: "<draft>", schedule: {at: {date: %s, time: "10:00", timeZone: "UTC"}}}) { campaign { id } } }`,
		"schedule.at.date",
		[]string{
			`5`, `true`, `[1]`, `{"a":1}`, `""`, `"2031-02-29"`, `"2031-13-01"`, `"2031-1-1"`, `"01.02.2031"`,
			`"2031-01-01T00:00:00Z"`,
		},
	},
	{
		"LocalTime",
		`mutation { updateCampaign(input: {id: "<draft>", schedule: {at: {date: "2031-01-01", time: %s, timeZone: "UTC"}}}) { campaign { id } } }`,
		"schedule.at.time",
		[]string{
			`5`, `true`, `[1]`, `{"a":1}`, `""`, `"24:00"`, `"10:60"`, `"23:59:60"`, `"9:30"`, `"10:00 pm"`, `"10:00Z"`,
		},
	},
	{
		"TimeZone",
		`mutation { updateCampaign(input: {id: "<draft>", schedule: {at: {date: "2031-01-01", time: "10:00", timeZone: %s}}}) { campaign { id } } }`,
		"schedule.at.timeZone",
		[]string{
			`5`, `true`, `[1]`, `{"a":1}`, `""`, `"Local"`, `"Europe/Atlantis"`, `"+25:00"`, `"../../etc/passwd"`},
	},
	{
		"EmailAddress", `mutation { createEmail(input: {fromEmail: %s}) { email { id } } }`, "fromEmail",
		[]string{
			`5`, `true`, `[1]`, `{"a":1}`, `"x"`, `"a@b@c"`, `"Ann <a@example.com>"`, `"a@example.com, b@example.com"`,
			`"a@example.com\nBcc: b@example.com"`,
		},
	},
	{
		"String",
		`mutation { updateCampaign(input: {id: "<draft>", audience: {rulesJson: %s}}) { campaign { id } ` + faults + `} }`,
		"audience",
		[]string{
			`5`, `true`, `[1]`, `{"a":1}`, `""`, `"null"`, `"{"`, `{"criteria":[{"list_id":{}}]}`},
	},
	{
		"CampaignStatus", `mutation { updateCampaign(input: {id: "<draft>", status: %s}) { campaign { id } } }`,
		"status", []string{`"ready"`, `"READY "`, `5`, `true`, `{"a":1}`, `["READY"]`},
	},
	{"Scope", `mutation { createApiKey(input: {scopes: [%s]}) { key } }`, "scopes", []string{`"read"`, `"ROOT"`, `1`}},
}

func TestWrongValuesAreRefusedByName(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		draft := c.prop(t, a, "draft")
		before := w.dump(t, a.User.ID)
		for _, tt := range wrong {
			document := strings.ReplaceAll(tt.document, "<draft>", draft)
			for _, value := range tt.values {
				asVariable := strings.Replace(document, "mutation {", "{", 1)
				operation := "query"
				if asVariable != document {
					operation = "mutation"
				}
				w.refuses(
					t, a, fmt.Sprintf("%s($v: %s!) %s", operation, tt.scalar, fmt.Sprintf(asVariable, "$v")), value,
					tt.where,
				)
				w.refuses(t, a, fmt.Sprintf(document, literal(value)), "", tt.where)
			}
		}
		if w.dump(t, a.User.ID) != before {
			t.Error("something was written")
		}
	})
}

// literal converts a JSON value to a GraphQL literal, which has no quotes around field names.
func literal(value string) string {
	for _, name := range []string{"a", "criteria", "list_id"} {
		value = strings.ReplaceAll(value, `"`+name+`":`, name+": ")
	}
	return value
}

// refuses runs a document with the variable $v, unless it is empty, and fails unless the answer is
// a client error that names the place.
func (w *world) refuses(t *testing.T, a *apitest.Account, document, value, where string) {
	t.Helper()
	body := []byte(`{"query":` + compact(document) + `}`)
	if value != "" {
		body = []byte(`{"query":` + compact(document) + `,"variables":{"v":` + value + `}}`)
	}
	response := w.post(t, a.Key, body)
	noLeak(t, response)
	got, _ := outcome(response)
	codes := []string{"!BAD_USER_INPUT", "!GRAPHQL_VALIDATION_FAILED", "!COMPLEXITY_LIMIT_EXCEEDED", "INVALID"}
	if code, _, _ := strings.Cut(got, " "); !slices.Contains(codes, code) {
		t.Errorf("%s with %s: %s", document, value, response.Body)
		return
	}
	text := response.Body
	named := strings.Contains(text, where) || strings.Contains(text, strings.ReplaceAll(where, ".", `","`)) ||
		strings.Contains(text, "$v")
	if located := strings.Contains(text, `"locations":[{`); !named && !located &&
		!strings.Contains(text, "COMPLEXITY") {
		t.Errorf("%s with %s does not say where: %s", document, value, text)
	}
}

// post sends a body unchanged.
func (w *world) post(t *testing.T, key string, body []byte) *apitest.Response {
	t.Helper()
	request := must(http.NewRequest(http.MethodPost, w.URL+"/graphql", bytes.NewReader(body)))(t)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	text := must(io.ReadAll(response.Body))(t)
	out := &apitest.Response{Status: response.StatusCode, Body: string(text)}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

func TestVariablesThatDoNotFitAreToldByTheirPath(t *testing.T) {
	const (
		filter = `query($f: CampaignFilter) { campaigns(filter: $f) { totalCount } }`
		change = `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { campaign { version } ` + faults + `} }`
		plan   = `query($s: ScheduleInput!) { schedulePreview(input: $s) { upcoming ` + faults + `} }`
	)
	bad := func(field string) string { return "!BAD_USER_INPUT " + field + " variable_invalid" }
	play(t, []scenario{
		{name: "no object", document: filter, variables: object{"f": 5}, want: bad("$f")},
		{name: "a list for an object", document: filter, variables: object{"f": []any{}}, want: bad("$f")},
		{name: "a field that is none", document: filter, variables: object{"f": object{"nope": 1}}, want: bad("$f")},
		{
			name: "an enum value in lower case", document: filter,
			variables: object{"f": object{"status": []any{"SENT", "draft"}}}, want: bad("$f.status[1]"),
		},
		{
			name: "one value for a list", document: filter, variables: object{"f": object{"status": "SENT"}},
			want: `{"totalCount":0}`,
		},
		{
			name: "one bad value for a list", document: filter, variables: object{"f": object{"status": "sent"}},
			want: bad("$f.status[0]"),
		},
		{
			name: "null in a list", document: filter, variables: object{"f": object{"ids": []any{"1", nil}}},
			want: bad("$f.ids[1]"),
		},
		{
			name:      "a bad value deep inside",
			document:  filter,
			variables: object{"f": object{"or": []any{object{"not": object{"sent": object{"min": "5"}}}}}},
			want:      bad("$f.or[0].not.sent.min"),
		},
		{
			name: "a required field is missing", document: change, variables: object{"in": object{"name": "x"}},
			want: bad("$in.id"),
		},
		{
			name:      "a required field is null",
			document:  plan,
			variables: object{"s": object{"at": object{"date": nil, "time": "10:00", "timeZone": "UTC"}}},
			want:      bad("$s.at.date"),
		},
		{name: "a required variable is missing", document: change, want: bad("$in")},
		{name: "a required variable is null", document: change, variables: object{"in": nil}, want: bad("$in")},
		{
			name: "a variable nobody asked for", document: filter, variables: object{"other": 5},
			want: `{"totalCount":0}`,
		},

		{name: "one of none", document: plan, variables: object{"s": object{}}, want: bad("$s")},
		{
			name: "one of two", document: plan, variables: object{"s": object{"kind": "IMMEDIATE", "at": object{"date": "2031-01-01", "time": "10:00", "timeZone": "UTC"}}},
			want: bad("$s"),
		},
		{
			name: "one of one and null", document: plan, variables: object{"s": object{"kind": "IMMEDIATE", "at": nil}},
			want: bad("$s"),
		},
		{name: "one of null", document: plan, variables: object{"s": object{"kind": nil}}, want: bad("$s")},
		{
			name:      "two audiences",
			document:  change,
			variables: object{"in": object{"id": "<draft>", "audience": object{"kind": "NOBODY", "rulesJson": "{}"}}},
			want:      bad("$in.audience"),
		},
		{
			name: "a literal one of none", document: `{ schedulePreview(input: {}) { upcoming } }`,
			want: "!GRAPHQL_VALIDATION_FAILED",
		},
		{
			name:     "a literal one of two",
			document: `{ schedulePreview(input: {kind: IMMEDIATE, at: null}) { upcoming } }`,
			want:     "!GRAPHQL_VALIDATION_FAILED",
		},
		{
			name: "a literal one of null", document: `{ schedulePreview(input: {none: null}) { upcoming } }`,
			want: "!GRAPHQL_VALIDATION_FAILED",
		},
		{
			name:      "a nullable variable for one of",
			document:  `query($b: Boolean) { schedulePreview(input: {none: $b}) { upcoming } }`,
			variables: object{"b": nil},
			want:      "!GRAPHQL_VALIDATION_FAILED",
		},
	})
}

func TestBodiesThatAreNoRequestsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		before := w.dump(t, a.User.ID)
		for _, tt := range []struct{ name, body, code string }{
			{"invalid UTF-8", "{\"query\":\"mutation { createTag(input: {name: \\\"a\xff\\\"}) { tag { id } } }\"}", "BAD_REQUEST"},
			{"invalid UTF-8 in a variable", "{\"query\":\"mutation($n: String!) { createTag(input: {name: $n}) { tag { id } } }\",\"variables\":{\"n\":\"\xc3\x28\"}}", "BAD_REQUEST"},
			{"no JSON", `query { viewer { user { id } } }`, "BAD_REQUEST"},
			{"a batch", `[{"query":"{ viewer { user { id } } }"}]`, "BAD_REQUEST"},
			{"variables that are a list", `{"query":"{ viewer { user { id } } }","variables":[]}`, "BAD_REQUEST"},
			{"no document", `{"query":""}`, "BAD_REQUEST"},
			{"a document that ends early", `{"query":"{ viewer {"}`, "GRAPHQL_PARSE_FAILED"},
			{"an unknown operation", `{"query":"query A { viewer { user { id } } }","operationName":"B"}`, "GRAPHQL_VALIDATION_FAILED"},
			{"an unknown field", `{"query":"{ viewer { user { password } } }"}`, "GRAPHQL_VALIDATION_FAILED"},
			{"sixteen megabytes", `{"query":"{ viewer { user { id } } }","variables":{"x":"` + strings.Repeat("x", 16<<20) + `"}}`, "PAYLOAD_TOO_LARGE"},
		} {
			response := w.post(t, a.Key, []byte(tt.body))
			noLeak(t, response)
			if len(response.Errors) == 0 || response.Errors[0].Code() != tt.code {
				t.Errorf("%s: %s, want %s", tt.name, response.Body, tt.code)
			}
		}
		if w.dump(t, a.User.ID) != before {
			t.Error("something was written")
		}
	})
}

func TestNullForAVariableWithADefaultIsRefusedWhereAValueIsNeeded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		for name, tt := range map[string]struct{ document, variable string }{
			"directive":  {`query($v: Boolean = false) { campaigns { totalCount @skip(if: $v) } }`, "$v"},
			"enum":       {`query($v: SeriesInterval = DAY) { campaign(id: 1) { statistics { series(interval: $v) { sent } } } }`, "$v"},
			"number":     {`query($v: Int = 3) { schedulePreview(input: {kind: IMMEDIATE}, first: $v) { upcoming } }`, "$v"},
			"a fragment": {`query($v: Boolean = false) { campaigns { ...F } } fragment F on CampaignConnection { totalCount @include(if: $v) }`, "$v"},
		} {
			for _, key := range []string{a.Key, ""} {
				response := w.Query(t, key, tt.document, object{"v": nil})
				if len(response.Errors) != 1 || response.Errors[0].Code() != "BAD_USER_INPUT" ||
					response.Errors[0].Extensions["field"] != tt.variable {
					t.Errorf("%s: %s", name, response.Body)
				}
			}
		}
		w.MustQuery(t, a.Key, `query($v: String = "x") { campaigns(after: $v) { totalCount } }`, object{"v": nil})
	})
}
