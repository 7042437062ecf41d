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
			direct := answer(graph.Handler(services, options(0)), a.Key, document)
			executor := answer(graph.ExecutorHandler(services, options(1)), a.Key, document)
			if direct != executor || !strings.Contains(direct, want) || strings.Count(direct, "INTERNAL") != 1 {
				t.Errorf("%s\ndirect   %s\nexecutor %s", document, direct, executor)
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
