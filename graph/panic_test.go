package graph_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"campaignql/graph"
)

// TestAPanicIsAnsweredAtItsFieldAndNothingRunsTwice removes services, so that their resolvers panic
// in both executors.
func TestAPanicIsAnsweredAtItsFieldAndNothingRunsTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 2)
		for document, want := range map[string]string{
			// If the field is nullable, only the field is null.
			`{ tags { nodes { name } } a: campaign(id: "1") { name } }`: `"a":null`,
			// If it is not nullable, the nearest nullable parent is null.
			`{ tags { nodes { name } } campaigns { nodes { name } } }`: `"data":null`,
		} {
			var logged [2]bytes.Buffer
			options := func(i int) graph.Options {
				return graph.Options{Logger: slog.New(slog.NewTextHandler(&logged[i], nil))}
			}
			services := graph.Services{Accounts: w.Services.Accounts, Emails: w.Services.Emails, Tags: w.Services.Tags}
			generated := answer(graph.Handler(services, options(0)), a.Key, document)
			gqlgens := answer(graph.RefereeHandler(services, options(1)), a.Key, document)
			if generated != gqlgens || !strings.Contains(generated, want) || strings.Count(generated, "INTERNAL") != 1 {
				t.Errorf("%s\ngenerated %s\ngqlgen    %s", document, generated, gqlgens)
			}
			for i := range logged {
				if n := strings.Count(logged[i].String(), "level=ERROR"); n != 1 ||
					!strings.Contains(logged[i].String(), "requestId=same") {
					t.Errorf("%s: logged %d times:\n%.2000s", document, n, &logged[i])
				}
			}
		}
	})
}
