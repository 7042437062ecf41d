package graph_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestTheAnswersOnBothSidesAreAsThePageForMoversSays pauses a campaign through each surface, then
// pauses it again, and then pauses a missing campaign.
func TestTheAnswersOnBothSidesAreAsThePageForMoversSays(t *testing.T) {
	page := must(os.ReadFile(filepath.Join("..", "docs", "command-bridge.md")))(t)
	row := regexp.MustCompile("(?m)^\\| [^|]+ \\| `(\\{\"Success\"[^`]+)` \\| `([^`]+)` \\|$")
	rows := row.FindAllSubmatch(page, -1)
	if len(rows) != 3 {
		t.Fatalf("the page has %d answers on both sides", len(rows))
	}
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		for i, row := range rows {
			legacy, modern := "404404404", "404404404"
			if i < 2 { // the second time it is paused already
				legacy, modern = number(w.sending(t, a).ID), number(w.sending(t, a).ID)
			}
			for range i {
				w.Command(t, url.Values{"Command": {"Campaign.Pause"}, "APIKey": {a.Key}, "CampaignID": {legacy}})
				w.Query(t, a.Key, pauseForMovers, object{"id": modern})
			}
			_, got := w.Command(
				t, url.Values{"Command": {"Campaign.Pause"}, "APIKey": {a.Key}, "CampaignID": {legacy}},
			)
			if got != string(row[1]) {
				t.Errorf("the bridge answers %s, the page says %s", got, row[1])
			}
			data := must(json.Marshal(w.MustQuery(t, a.Key, pauseForMovers, object{"id": modern})))(t)
			if string(data) != string(row[2]) {
				t.Errorf("GraphQL answers %s, the page says %s", data, row[2])
			}
		}
	})
}

const pauseForMovers = `mutation($id: ID!) { pauseCampaign(input: {id: $id}) { campaign { status } userErrors { code message } } }`
