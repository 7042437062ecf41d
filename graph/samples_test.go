package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"

	"campaignql/internal/explorer"
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
				if data := events.wantEvent("next"); !strings.Contains(data, `"News"`) || strings.Contains(data, `"errors"`) {
					t.Errorf("%s: %s", sample.Title, data)
				}
				events.close()
				continue
			}
			response := w.Query(t, a.Key, sample.Query, variables)
			noLeak(t, response)
			// The ids in the samples may be nobody's: that is a user error, or null.
			if len(response.Errors) > 0 {
				t.Errorf("%s: %s", sample.Title, response.Body)
			}
		}
	})
}
