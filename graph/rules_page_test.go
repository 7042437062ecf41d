package graph_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit/apitest"
)

// TestTypedExampleOfThePageIsTheLegacyOne compares the first two examples of rules in docs/audience.md.
func TestTypedExampleOfThePageIsTheLegacyOne(t *testing.T) {
	page := string(must(os.ReadFile("../docs/audience.md"))(t))
	block := func(language string) string {
		found := regexp.MustCompile("(?s)```" + language + "\n(.*?)\n```").FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("no example of %s", language)
		}
		return found[1]
	}
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		client := w.db.Client(a.Context)
		list := func() string {
			return number(client.SubscriberList.Create().
				SetName("L").SetNameKey("l").SetCreatedAt(firstDay).SaveX(a.Context).ID)
		}
		first, second := list(), list()
		own := strings.NewReplacer(
			`"list_id": 1`, `"list_id": `+first, `"list_id": 2`, `"list_id": `+second,
			`"listId": "1"`, `"listId": "`+first+`"`, `"listId": "2"`, `"listId": "`+second+`"`,
		)
		read := func(of object) any {
			return apitest.At(t, w.MustQuery(
				t, a.Key, `query($of: AudienceInput!) { audience(input: $of) { rulesJson } }`, object{"of": of},
			), "audience", "rulesJson")
		}
		legacy := read(object{"rulesJson": own.Replace(block("json"))})
		typed := read(object{"rules": json.RawMessage(own.Replace(block("typed")))})
		if diff := cmp.Diff(legacy, typed); diff != "" {
			t.Errorf("(-legacy +typed):\n%s", diff)
		}
	})
}
