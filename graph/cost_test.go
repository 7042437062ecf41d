package graph_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/graph/gid"
	"campaignql/internal/testkit/apitest"
)

// shapes are queries over a page of campaigns. %d is the page size, and %s the ids of the page.
var shapes = []struct{ name, document string }{
	{
		"tags and statistics",
		`{ campaigns(first: %d) { nodes { name status tags { name } statistics { sent opens { unique } } } totalCount } }`,
	},
	{
		"edges",
		`{ campaigns(first: %d) { edges { cursor node { name status tags { name } } } pageInfo { endCursor } } }`,
	},
	{"email", `{ campaigns(first: %d) { nodes { name email { subject } } } }`},
	{"history", `{ campaigns(first: %d) { nodes { history(first: 3) { nodes { at version } } } } }`},
	{"readiness", `{ campaigns(first: %d) { nodes { readiness { code } allowedTransitions { to } } } }`},
	{
		"series",
		`{ campaigns(first: %d) { nodes { statistics { series(from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z") { sent } } } } }`,
	},
	{
		"links and domains",
		`{ campaigns(first: %d) { nodes { statistics { sent links(first: 3) { nodes { url } } domains(first: 3) { nodes { domain } } } } } }`,
	},
	{"A/B test", `{ campaigns(first: %d) { nodes { abTest { variations { email { subject html } } } } } }`},
	{"campaigns of tags", `{ campaigns(first: %d) { nodes { tags { name campaignCount } } } }`},
	{"aliases", `{ campaigns(first: %d) { nodes { a: tags { name } b: tags { id createdAt } c: name d: name } } }`},
	{
		"fragments",
		`query { campaigns(first: %d) { ...F edges { node { ...C } } } } fragment F on CampaignConnection { nodes { ...C ... on Node { id } } }
		fragment C on Campaign { name ... on Campaign { tags { ...T } } } fragment T on Tag { name }`,
	},
	{"campaigns of listed tags", `{ tags(first: %d) { nodes { name campaignCount } } }`},
	{
		"nodes",
		`{ nodes(ids: [%s]) { id ... on Campaign { name tags { name } email { subject } statistics { sent } } } }`,
	},
}

// statements runs a document and returns its SQL statements without the lookup of the key.
func statements(t *testing.T, w *world, a *apitest.Account, document string) []string {
	t.Helper()
	var ran []string
	for _, s := range w.Record(func() { w.MustQuery(t, a.Key, document, nil) }) {
		if !strings.Contains(s.Query, "FROM api_keys") {
			ran = append(ran, s.Query)
		}
	}
	return ran
}

func TestStatementsDoNotDependOnTheNumberOfRows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		few, many := w.Account(t), w.Account(t)
		one, fifty := w.page(t, few, 1), w.page(t, many, 50)
		ask := func(a *apitest.Account, document string) []string { return statements(t, w, a, document) }
		for _, shape := range shapes {
			t.Run(shape.name, func(t *testing.T) {
				small, large := fmt.Sprintf(shape.document, 50), fmt.Sprintf(shape.document, 50)
				if shape.name == "nodes" {
					quoted := make([]string, len(fifty))
					for i, c := range fifty {
						quoted[i] = fmt.Sprintf("%q", globalID(gid.Campaign, c.ID))
					}
					small = fmt.Sprintf(shape.document, fmt.Sprintf("%q", globalID(gid.Campaign, one[0].ID)))
					large = fmt.Sprintf(shape.document, strings.Join(quoted, ","))
				}
				cheap, dear := ask(few, small), ask(many, large)
				if len(cheap) != len(dear) {
					t.Errorf(
						"%d statements for one campaign, %d for fifty:\n%s", len(cheap), len(dear),
						strings.Join(dear, "\n"),
					)
				}
				if len(dear) > 3 {
					t.Errorf("%d statements:\n%s", len(dear), strings.Join(dear, "\n"))
				}
			})
		}
	})
}

func TestLargestPageCostsThreeStatements(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 250)
		ran := statements(t, w, a, fmt.Sprintf(shapes[0].document, 250))
		if len(ran) != 3 {
			t.Errorf("%d statements:\n%s", len(ran), strings.Join(ran, "\n"))
		}
	})
}

// fullStatistics selects all statistics of a page.
const fullStatistics = `{ campaigns(first: 50) { nodes { statistics {
	recipients sent failed delivered opens { total unique rate } clicks { total unique rate } clickToOpenRate unsubscriptions { total rate }
	bounces { hard soft rate } complaints { total rate } forwards { total unique rate } browserViews { total unique rate } conversions { count amounts { amount currency } }
	automated { opens clicks } throughput { emailsPerSecond startedAt finishedAt remaining estimatedFinish }
	series(from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z") { start sent uniqueOpens conversionAmounts { amount currency } }
	links(first: 10) { nodes { url clicks uniqueClicks } }
	domains(first: 10) { nodes { domain sent delivered } }
} } } }`

// TestFullStatisticsOfAPageCostSixStatements also checks which statements these are. None of them
// reads events, so their cost does not depend on the number of stored events.
func TestFullStatisticsOfAPageCostSixStatements(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		few, many := w.Account(t), w.Account(t)
		for _, tt := range []struct {
			owner *apitest.Account
			n     int
		}{{few, 1}, {many, 50}} {
			for _, c := range w.page(t, tt.owner, tt.n) {
				w.counted(t, tt.owner, c.ID)
			}
			var tables []string
			for _, query := range statements(t, w, tt.owner, fullStatistics) {
				tables = append(tables, fromTable.FindStringSubmatch(query)[1])
			}
			slices.Sort(tables)
			diff := cmp.Diff([]string{
				"campaigns", "conversion_amounts", "conversion_amounts", "domain_counters", "hourly_counters", "link_counters",
			}, tables)
			if diff != "" {
				t.Errorf("%d campaigns (-want +read):\n%s", tt.n, diff)
			}
		}
	})
}

// fromTable matches the table that a statement reads.
var fromTable = regexp.MustCompile("FROM `([a-z_]+)`")

var columnName = regexp.MustCompile("`([a-z0-9_]+)`$")

// columns returns the columns that the statement over a table selects.
func columns(t *testing.T, ran []string, table string) []string {
	t.Helper()
	for _, query := range ran {
		list, from, _ := strings.Cut(strings.TrimPrefix(query, "SELECT "), " FROM ")
		if !strings.HasPrefix(from, "`"+table+"`") || strings.Contains(list, "COUNT") {
			continue
		}
		var names []string
		for part := range strings.SplitSeq(list, ", ") {
			match := columnName.FindStringSubmatch(part)
			if match == nil {
				t.Fatalf("%q is no column, in %s", part, query)
			}
			names = append(names, match[1])
		}
		slices.Sort(names)
		return names
	}
	t.Fatalf("nothing was selected from %s:\n%s", table, strings.Join(ran, "\n"))
	return nil
}

func TestOnlyColumnsOfAskedFieldsAreSelected(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		campaigns := w.page(t, a, 2)
		id := number(campaigns[0].ID)
		for _, tt := range []struct {
			name, document, table string
			want                  []string
		}{
			{"statistics", fmt.Sprintf(shapes[0].document, 50), "campaigns", []string{"id", "name", "status", "total_sent", "unique_opens"}},
			{"tags of a page", fmt.Sprintf(shapes[0].document, 50), "campaign_tags", []string{"campaign_id", "id", "name"}},
			{"in fragments and under aliases", `{ campaigns { nodes { ...A } edges { node { x: version } } } } fragment A on Campaign { y: name ... { statistics { z: failed } } }`,
				"campaigns", []string{"id", "name", "total_failed", "version"}},
			{"one campaign", `{ campaign(id: ` + id + `) { autoResend { subject } schedule { timeZone } } }`, "campaigns", []string{"auto_resend_subject", "id", "send_time_zone"}},
			{"order", `{ campaigns(orderBy: {field: LAST_ACTIVITY_AT}) { nodes { id } } }`, "campaigns", []string{"id", "last_activity_at"}},
			{"interface", `{ node(id: "` + globalID(gid.Campaign, campaigns[0].ID) + `") { id ... on Campaign { name } ... on Tag { createdAt } } }`, "campaigns", []string{"id", "name"}},
			{"email of a campaign", `{ campaigns { nodes { email { subject } } } }`, "emails", []string{"id", "subject"}},
			{"email", `{ emails { nodes { name } } }`, "emails", []string{"id", "name"}},
			{"tag", `{ tags { edges { node { createdAt } } } }`, "tags", []string{"created_at", "id", "name_key"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if diff := cmp.Diff(tt.want, columns(t, statements(t, w, a, tt.document), tt.table)); diff != "" {
					t.Errorf("columns (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestOnlyWhatIsAskedIsReadOrCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 3)
		for _, tt := range []struct {
			document       string
			lists, counted int
		}{
			{`{ campaigns { totalCount } }`, 0, 1},
			{`{ campaigns { nodes { name } } }`, 1, 0},
			{`{ campaigns { pageInfo { hasNextPage } } }`, 1, 0},
			{`{ campaigns { nodes { name } totalCount } }`, 1, 1},
			{`{ tags { totalCount } }`, 0, 1},
			{`{ tags { nodes { name } } }`, 1, 0},
			{`{ emails { totalCount } }`, 0, 1},
			{`{ emails { nodes { name } } }`, 1, 0},
			{`{ serverInfo { version } }`, 0, 0},
			{`{ __typename }`, 0, 0},
		} {
			lists, counted := 0, 0
			for _, query := range statements(t, w, a, tt.document) {
				if strings.HasPrefix(query, "SELECT COUNT") {
					counted++
				} else {
					lists++
				}
			}
			if lists != tt.lists || counted != tt.counted {
				t.Errorf(
					"%s: %d lists and %d counts, want %d and %d", tt.document, lists, counted, tt.lists, tt.counted,
				)
			}
		}
	})
}

// everyColumn selects the columns that Campaign.Get and Campaigns.Get return, with their GraphQL
// names.
const everyColumn = `legacyId name status statusReason email { legacyId }
	schedule { type sendDate sendTime timeZone recurrence { daysOfWeek daysOfMonth months hours minutes maxInstances } sentInstances }
	sendingStartedAt sendingFinishedAt
	statistics { recipients sent failed opens { total unique } clicks { total unique } forwards { total unique } browserViews { total unique }
		unsubscriptions { total } bounces { hard soft } complaints { total } }
	approvalExplanation googleAnalyticsDomains publishOnRss s2sEnabled autoResend { enabled waitDays subject preheader }
	audience { rulesJson include { list { legacyId } segment { legacyId } } } lastActivityAt createdAt tags { legacyId name }`

func TestCommandsCostNoMoreStatementsThanGraphQL(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		id := number(w.page(t, a, 60)[0].ID)
		for _, tt := range []struct {
			document string
			command  url.Values
		}{
			{`{ campaigns(first: 50, orderBy: {field: NAME}) { nodes { ` + everyColumn + ` } totalCount } }`,
				url.Values{"Command": {"Campaigns.Get"}, "RecordsPerRequest": {"50"}, "RetrieveTags": {"1"}}},
			{`{ campaign(id: ` + id + `) { ` + everyColumn + ` } }`, url.Values{"Command": {"Campaign.Get"}, "CampaignID": {id}, "RetrieveTags": {"1"}}},
		} {
			inGraphQL := w.Record(func() { w.MustQuery(t, a.Key, tt.document, nil) })
			tt.command.Set("APIKey", a.Key)
			inBridge := w.Record(func() {
				if status, body := w.Command(t, tt.command); status != http.StatusOK ||
					!strings.Contains(body, `"Success":true`) {
					t.Errorf("%d %s", status, body)
				}
			})
			if len(inBridge) == 0 || len(inBridge) > len(inGraphQL) {
				t.Errorf("%s costs %d statements, GraphQL %d", tt.command.Get("Command"), len(inBridge), len(inGraphQL))
			}
		}
	})
}

func TestIntrospectionNeedsNoDatabase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		ran := w.Record(func() { w.MustQuery(t, a.Key, `{ __schema { queryType { name } } }`, nil) })
		if len(ran) != 0 {
			t.Errorf("introspection ran %v", ran)
		}
	})
}
