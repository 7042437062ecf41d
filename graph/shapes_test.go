package graph_test

import (
	"net/http"
	"testing"

	"campaignql/graph"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// pageShapes are queries of ordinary frontends. The first is a page whose fields are all columns and tags.
var pageShapes = []struct{ name, document string }{
	{"page", `{ campaigns(first: 50) { nodes { ` + pageFields + ` } totalCount } }`},
	{"page+transitions", `{ campaigns(first: 50) { nodes { ` + pageFields + ` allowedTransitions { to mutation } } totalCount } }`},
	{"page+viewer", `{ campaigns(first: 50) { nodes { ` + pageFields + ` } totalCount } viewer { user { username } } }`},
	{"page+counts", `{ campaigns(first: 50) { nodes { ` + pageFields + ` } totalCount } campaignCounts { total } }`},
	{"page+email", `{ campaigns(first: 50) { nodes { ` + pageFields + ` email { subject } } totalCount } }`},
	{"page+readiness", `{ campaigns(first: 50) { nodes { ` + pageFields + ` readiness { code } } totalCount } }`},
	{"page+history", `{ campaigns(first: 50) { nodes { ` + pageFields + ` history(first: 3) { nodes { at } } } totalCount } }`},
	{"series", `{ campaigns(first: 1) { nodes { statistics { series(from: "2026-03-01T00:00:00Z", to: "2026-03-31T00:00:00Z") { ` +
		everyPoint + ` } } } } }`},
}

const pageFields = `name status tags { name } statistics { sent opens { unique } }`

// BenchmarkShapes answers each shape with the generated executor and with gqlgen's: ns/op is wall time,
// cpu-us/op the processor time of the process, the database included.
func BenchmarkShapes(b *testing.B) {
	db := testkit.Open(b, "sqlite::memory:")
	w := &world{Server: apitest.New(b, db), db: db}
	a := w.Account(b)
	w.page(b, a, 50)
	services := graph.Services{
		Accounts: w.Services.Accounts, Campaigns: w.Services.Campaigns, Emails: w.Services.Emails,
		Tags: w.Services.Tags, Statistics: w.Services.Statistics, Lists: w.Services.Lists, Sending: w.Services.Sending,
	}
	for _, shape := range pageShapes {
		for name, handler := range map[string]http.Handler{
			"generated": graph.Handler(services, graph.Options{}),
			"gqlgen":    graph.RefereeHandler(services, graph.Options{}),
		} {
			b.Run(shape.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				begun := processorTime()
				for b.Loop() {
					if got := answer(handler, a.Key, shape.document); len(got) < 100 {
						b.Fatal(got)
					}
				}
				b.ReportMetric(float64((processorTime()-begun).Microseconds())/float64(b.N), "cpu-us/op")
			})
		}
	}
}
