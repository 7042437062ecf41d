package direct

import (
	"slices"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/exec"
)

func schemaOf(t *testing.T) *ast.Schema {
	t.Helper()
	return exec.NewExecutableSchema(exec.Config{}).Schema()
}

// TestEachWayHasItsOperations says which reads are direct. One that falls back to the executor by
// accident is right, and slow.
func TestEachWayHasItsOperations(t *testing.T) {
	t.Parallel()
	served := schemaOf(t)
	s := new(schema)
	for document, want := range map[string]bool{
		`{ campaigns(first: 50) { nodes { name status tags { name } statistics { sent opens { unique } } } totalCount } }`: true,
		`{ campaigns { edges { cursor node { id legacyId ...C } } pageInfo { endCursor hasNextPage } } } fragment C on Campaign {
			statusReason version autoResend { enabled waitDays subject preheader } approvalExplanation googleAnalyticsDomains publishOnRss s2sEnabled
			schedule { type sendDate sendTime timeZone nextSendAt sentInstances } sendingStartedAt sendingFinishedAt lastActivityAt createdAt
			statistics { recipients sent failed delivered opens { rate } clicks { total } clickToOpenRate unsubscriptions { total rate } bounces { hard soft rate }
				complaints { total } forwards { total } browserViews { total } conversions { count amount } automated { opens clicks } } }`: true,
		`{ campaigns { nodes { email { subject fromEmail ... on Node { id } } audience { form include { listLegacyId } exclude { segmentLegacyId } rules }
			schedule { recurrence { daysOfWeek daysOfMonth months hours minutes maxInstances } } } } }`: true,
		`{ campaign(id: "1") { name tags { id legacyId createdAt } } tags { nodes { name } edges { cursor node { id } } totalCount } }`: true,
		`{ __typename campaigns { __typename } }`:                             true,
		`{ campaigns { nodes { name readiness { code } } } }`:                 false,
		`{ campaigns { nodes { name } } viewer { username } }`:                false,
		`{ __schema { queryType { name } } }`:                                 false,
		`mutation { deleteTags(input: {ids: ["1"]}) { deletedIds } }`:         false,
		`{ campaigns { nodes { statistics { throughput { remaining } } } } }`: false,
	} {
		parsed, err := gqlparser.LoadQueryWithRules(served, document, nil)
		if err != nil {
			t.Fatal(document, err)
		}
		op := &graphql.OperationContext{Doc: parsed, Operation: parsed.Operations[0]}
		if got := s.plan(op) != nil; got != want {
			t.Errorf("direct: %v, want %v: %s", got, want, document)
		}
	}
}

func TestTablesHaveFieldsOfTheSchemaAlone(t *testing.T) {
	t.Parallel()
	served := schemaOf(t)
	check(t, served, campaigns)
	check(t, served, schedules)
	check(t, served, autoResends)
	check(t, served, counters)
	check(t, served, uniques)
	check(t, served, counts)
	check(t, served, bounces)
	check(t, served, conversions)
	check(t, served, automated)
	check(t, served, tags)
	check(t, served, pageInfos)
	check(t, served, campaignConnections)
	check(t, served, campaignEdges)
	check(t, served, tagConnections)
	check(t, served, tagEdges)
	check(t, served, recurrences)
	check(t, served, audiences)
	check(t, served, audienceParts)
	check(t, served, emails)
}

func check[T any](t *testing.T, served *ast.Schema, of *table[T]) {
	t.Helper()
	definition := served.Types[of.name]
	if definition == nil {
		t.Errorf("the schema has no %s", of.name)
		return
	}
	for name := range of.fields {
		if definition.Fields.ForName(name) == nil {
			t.Errorf("the schema has no %s.%s", of.name, name)
		}
	}
	if !slices.Equal(of.interfaces, definition.Interfaces) {
		t.Errorf("%s implements %v, the table says %v", of.name, definition.Interfaces, of.interfaces)
	}
}
