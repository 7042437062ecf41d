package graph_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/graph"
	"campaignql/graph/gid"
	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// object is a JSON object.
type object = map[string]any

// world is a running server with its database.
type world struct {
	*apitest.Server
	db *store.Store
}

// each runs a test on every database engine, each with a separate server.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) { test(t, &world{Server: apitest.New(t, db), db: db}) })
}

// eachAlone is each with a database of its own. No other test takes places of its gates.
func eachAlone(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		test(t, &world{Server: apitest.New(t, db), db: db})
	})
}

// system returns a context that acts for the server itself, on every account.
func (w *world) system() (context.Context, *ent.Client) {
	ctx := caller.System(context.Background())
	return ctx, w.db.Client(ctx)
}

// key creates another key of an account.
func (w *world) key(t *testing.T, owner *apitest.Account, scopes ...kind.Scope) string {
	t.Helper()
	_, key, err := w.Services.Accounts.CreateKey(owner.Context, account.NewKey{Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// must ends the test if creating a fixture failed: must(make())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// firstDay is the creation time of the fixtures' rows.
var firstDay = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// page creates n campaigns of an account. Each has two of the account's tags, an email, an A/B test
// and a history entry.
func (w *world) page(t testing.TB, owner *apitest.Account, n int) []*ent.Campaign {
	t.Helper()
	client := w.db.Client(owner.Context)
	emails := make([]*ent.EmailCreate, 2*n)
	for i := range emails {
		emails[i] = client.Email.Create().
			SetName(fmt.Sprint("mail ", i)).SetNameKey(fmt.Sprint("mail ", i)).SetSubject("News").
			SetSubjectKey("news").SetFromEmail("a@example.com").SetHTML("%Link:Unsubscribe%").
			SetCreatedAt(firstDay).SetUpdatedAt(firstDay)
	}
	contents := must(client.Email.CreateBulk(emails...).Save(owner.Context))(t)
	rows := make([]*ent.CampaignCreate, n)
	for i := range rows {
		name := fmt.Sprintf("campaign %03d", i)
		rows[i] = client.Campaign.Create().
			SetName(name).
			SetNameKey(name).
			SetCreatedAt(firstDay).
			SetLastActivityAt(firstDay).
			SetEmailID(contents[2*i].ID).
			SetTotalSent(100).
			SetUniqueOpens(int64(i)).
			SetAbTest(fmt.Sprintf(`{"TestSize":20,"TestDuration":4,"Winner":"Highest Open Rate","Variations":[{"EmailID":%d},{"EmailID":%d}]}`,
				contents[2*i].ID, contents[2*i+1].ID))
	}
	campaigns := must(client.Campaign.CreateBulk(rows...).Save(owner.Context))(t)
	var tags []*ent.Tag
	for _, name := range []string{"gold", "silver", "tin"} {
		tags = append(
			tags,
			must(client.Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay).Save(owner.Context))(t),
		)
	}
	taggings := make([]*ent.CampaignTagCreate, 0, 2*n)
	changes := make([]*ent.CampaignChangeCreate, n)
	for i, c := range campaigns {
		for j := range 2 {
			taggings = append(taggings, client.CampaignTag.Create().SetCampaignID(c.ID).SetTagID(tags[(i+j)%3].ID))
		}
		changes[i] = client.CampaignChange.Create().
			SetCampaignID(c.ID).SetVersion(1).SetAction("create").SetActorID(owner.User.ID).
			SetSurface(kind.SurfaceGraphQL).SetToStatus(kind.StatusDraft).SetAt(firstDay)
	}
	var uses []*ent.CampaignEmailCreate
	for i, c := range campaigns {
		for j := range 2 {
			uses = append(uses, client.CampaignEmail.Create().SetCampaignID(c.ID).SetEmailID(contents[2*i+j].ID))
		}
	}
	for some := range slices.Chunk(uses, 1000) {
		must(client.CampaignEmail.CreateBulk(some...).Save(owner.Context))(t)
	}
	must(client.CampaignTag.CreateBulk(taggings...).Save(owner.Context))(t)
	must(client.CampaignChange.CreateBulk(changes...).Save(owner.Context))(t)
	return campaigns
}

// number returns a legacy id as the API formats it.
func number(id int64) string { return strconv.FormatInt(id, 10) }

// schema returns the schema of the server.
func schema(t *testing.T) *ast.Schema {
	t.Helper()
	return must(served())(t)
}

var served = sync.OnceValues(func() (*ast.Schema, error) {
	return gqlparser.LoadSchema(&ast.Source{Name: "served.graphql", Input: graph.Schema()})
})

// leak matches texts that must not be in a message: internals of Go, of SQL and of the machine.
var leak = regexp.MustCompile(
	`(?i)internal error|map\[|\bmap\b|\bslice\b|interface|strconv|json\.|float64|int64|<nil>|struct|reflect|panic|goroutine|` +
		`\.go\b|\bselect\b|\binsert\b|\bupdate .* set\b|sqlite|mysql|\bent\b|/work|/root|/home|runtime`,
)

// noLeak fails the test if a message of the answer, in errors or in user errors, reveals internals
// of the server.
func noLeak(t *testing.T, response *apitest.Response) {
	t.Helper()
	for _, message := range messages(response) {
		if found := leak.FindString(message); found != "" {
			t.Errorf("a message says %q: %s", found, message)
		}
	}
}

// messages returns the messages of the errors and user errors of an answer.
func messages(response *apitest.Response) []string {
	var all []string
	for _, e := range response.Errors {
		all = append(all, e.Message)
	}
	for _, field := range response.Data {
		payload, _ := field.(object)
		faults, _ := payload["userErrors"].([]any)
		for _, fault := range faults {
			if message, ok := fault.(object)["message"].(string); ok {
				all = append(all, message)
			}
		}
	}
	return all
}

// compact returns a value as JSON with sorted keys.
func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// globalID returns the global id of a campaign, tag or email.
func globalID(kind gid.Kind, id int64) string { return gid.Encode(kind, id) }

// randomName returns a unique name.
func randomName() string { return rand.Text() }
