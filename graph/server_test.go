package graph_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"campaignql/graph"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

func TestDatabaseThatFailsAtTheKeyIsAnErrorLikeAnyOther(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		w := &world{Server: apitest.New(t, db), db: db}
		a := w.Account(t)
		if _, err := db.Pools()[0].ExecContext(t.Context(), "ALTER TABLE api_keys RENAME TO away"); err != nil {
			t.Fatal(err)
		}
		response := w.Query(t, a.Key, `{ campaigns { totalCount } }`, nil)
		if response.Status != http.StatusOK || len(response.Errors) != 1 || response.Errors[0].Code() != "INTERNAL" ||
			response.Errors[0].Extensions["requestId"] == nil {
			t.Errorf("%d %s", response.Status, response.Body)
		}
		if strings.Contains(response.Body, "api_keys") {
			t.Errorf("the answer tells of the database: %s", response.Body)
		}
	})
}

func TestEveryErrorCarriesTheRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, document := range []string{`{`, `{ nothing }`, `{ viewer { user { username } } }`, `{ campaigns(first: 251) { totalCount } }`} {
			response := w.Query(t, "", document, nil)
			if len(response.Errors) == 0 || response.Errors[0].Extensions["requestId"] == nil {
				t.Errorf("%s: %s", document, response.Body)
			}
		}
	})
}

func TestHiddenSchemaIsRefusedByName(t *testing.T) {
	t.Parallel()
	h := graph.Handler(graph.Services{}, graph.Options{HideSchema: true, Logger: slog.New(slog.DiscardHandler)})
	for _, document := range []string{`{ __schema { queryType { name } } }`, `{ ...F } fragment F on Query { t: __type(name: "Campaign") { name } }`} {
		if got := answer(h, "", document); !strings.Contains(got, "introspection is turned off") ||
			!strings.Contains(got, "FORBIDDEN") {
			t.Errorf("%s: %s", document, got)
		}
	}
	if got := answer(h, "", `{ __typename }`); !strings.Contains(got, `"__typename":"Query"`) {
		t.Error(got)
	}
}

func TestLongDocumentsAreNotKept(t *testing.T) {
	t.Parallel()
	kept := graph.Small()
	for i, size := range []int{10, 16 << 10, 16<<10 + 1, 1 << 20} {
		kept.Add(context.Background(), fmt.Sprint(i), strings.Repeat("x", size))
		if _, ok := kept.Get(context.Background(), fmt.Sprint(i)); ok != (size <= 16<<10) {
			t.Errorf("%d bytes are kept: %v", size, ok)
		}
	}
}
