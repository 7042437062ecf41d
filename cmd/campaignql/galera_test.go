//go:build galera

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// galeraVariable names the environment variable with the addresses of three nodes, separated by
// commas, without a database name. The test is compiled only with the build tag galera, and fails
// without this variable.
const galeraVariable = "CAMPAIGNQL_TEST_GALERA"

const (
	// phase is how long the load runs before the node is killed, while the node is down, and after
	// the node is back.
	phase          = 20 * time.Second
	galeraWorkers  = 6
	galeraStreams  = 3
	lostNode       = 2 // counted from 1, as .ci/galera does
	requestTimeout = 40 * time.Second
)

// cluster is three servers, each on its own node, and the outcomes of all requests.
type cluster struct {
	nodes   []string
	servers []*server
	key     string
	// down reports that the node is down or has not joined the cluster again yet.
	down atomic.Bool

	mu     sync.Mutex
	faults map[string]int
	counts map[string]int
}

func (c *cluster) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[fmt.Sprintf(format, args...)]++
}

func (c *cluster) counted(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what]++
}

// errUnknown means that the node was lost during a request, so the change may or may not have been
// written.
var errUnknown = errors.New("the node was lost")

// mutate runs a mutation through a server. It returns errUnknown if the node of the server is lost,
// and returns user errors. All other failures are recorded as faults.
func (c *cluster) mutate(
	ctx context.Context, at int, what, document string, variables map[string]any,
) (data map[string]json.RawMessage, userErrors string, err error) {
	lost := func() bool { return at == lostNode-1 && c.down.Load() }
	wasLost := lost()
	body, _ := json.Marshal(map[string]any{"query": document, "variables": variables})
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	target := c.servers[at].URL + "/graphql"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(string(body)))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.fault("%s: %v", what, err)
		return nil, "", errUnknown
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var answer struct {
		Data   map[string]map[string]json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		c.fault("%s: status %d: %s", what, response.StatusCode, text)
		return nil, "", errUnknown
	}
	for _, e := range answer.Errors {
		if e.Extensions.Code == "UNAVAILABLE" && (wasLost || lost()) {
			c.counted("unavailable, node lost")
		} else {
			c.fault("%s on node %d (down %v): %s %s", what, at+1, c.down.Load(), e.Extensions.Code, e.Message)
		}
		return nil, "", errUnknown
	}
	for _, data = range answer.Data {
	}
	if refused := string(data["userErrors"]); refused != "[]" {
		return data, refused, nil
	}
	c.counted(what)
	return data, "", nil
}

// known is what a worker knows about the campaigns that it created, by id: the names that the
// campaign may have, whether it was deleted, and whether it may have been deleted.
type known struct {
	names map[string][]string
	gone  map[string]bool
	maybe map[string]bool
}

// work creates, renames and deletes campaigns, and pauses and resumes campaigns that are being
// sent. It uses one server after the other.
func (c *cluster) work(ctx context.Context, worker int, sending []int64, shared int64) known {
	k := known{map[string][]string{}, map[string]bool{}, map[string]bool{}}
	paused := false
	for n := 0; ctx.Err() == nil; n++ {
		at := (worker + n) % len(c.servers)
		name := fmt.Sprintf("w%d n%d", worker, n)
		data, refused, err := c.mutate(context.WithoutCancel(ctx), at, "create",
			`mutation($n: String!) {
				createCampaign(input: {name: $n}) { campaign { legacyId } userErrors { code message } }
			}`, map[string]any{"n": name})
		if refused != "" {
			c.fault("create: %s", refused)
		}
		var campaign struct{ LegacyID json.Number }
		if err == nil && refused == "" {
			_ = json.Unmarshal(data["campaign"], &campaign)
			id := campaign.LegacyID.String()
			k.names[id] = []string{name}
			_, refused, err = c.mutate(context.WithoutCancel(ctx), (at+1)%3, "rename",
				`mutation($id: ID!, $n: String!) {
					updateCampaign(input: {id: $id, name: $n}) { campaign { id } userErrors { code message } }
				}`,
				map[string]any{"id": id, "n": name + " renamed"})
			switch {
			case err != nil:
				k.names[id] = append(k.names[id], name+" renamed")
			case refused != "" && !readsBehind(refused):
				c.fault("rename: %s", refused)
			case refused != "":
				c.counted("not there yet on the other node")
			default:
				k.names[id] = []string{name + " renamed"}
			}
			if n%3 == 0 {
				_, refused, err = c.mutate(context.WithoutCancel(ctx), at, "delete",
					`mutation($id: ID!) { deleteCampaigns(input: {ids: [$id]}) { userErrors { code message } } }`,
					map[string]any{"id": id})
				k.gone[id], k.maybe[id] = err == nil, err != nil
				if refused != "" {
					c.fault("delete: %s", refused)
				}
			}
		}
		if len(sending) > 0 {
			mutation := "pauseCampaign"
			if paused {
				mutation = "resumeCampaign"
			}
			// Always use the same surviving server, because a commit reaches the other nodes with a
			// delay.
			_, refused, err = c.mutate(context.WithoutCancel(ctx), 2*(worker%2), mutation,
				`mutation($id: ID!) { `+mutation+`(input: {id: $id}) { campaign { id } userErrors { code message } } }`,
				map[string]any{"id": fmt.Sprint(sending[0])})
			if refused != "" {
				c.fault("%s: %s", mutation, refused)
			}
			if paused || err != nil || refused != "" {
				sending, paused = sending[1:], false // a resumed campaign without a run becomes Ready
			} else {
				paused = true
			}
		}
		// All workers write this campaign, through all nodes.
		_, refused, _ = c.mutate(context.WithoutCancel(ctx), at, "rename what all rename",
			`mutation($id: ID!, $n: String!) {
				updateCampaign(input: {id: $id, name: $n}) { campaign { id } userErrors { code message } }
			}`,
			map[string]any{"id": fmt.Sprint(shared), "n": "shared " + name})
		if refused != "" {
			c.fault("rename what all rename: %s", refused)
		}
	}
	return k
}

// readsBehind reports whether the campaign is missing because another node committed it only a
// moment ago.
func readsBehind(userErrors string) bool { return strings.Contains(userErrors, "NOT_FOUND") }

// record sends the events of a writer through one server after the other, until all are answered or
// ctx ends. It returns the number of answered events.
func (c *cluster) record(ctx context.Context, m *mailed, writer int) (upTo int) {
	for n := 0; upTo < eventsOfWriter && ctx.Err() == nil; n++ {
		at := (writer + n) % len(c.servers)
		reached, err := m.stream(ctx, c.servers[at], c.key, writer, upTo, func() {})
		if upTo = reached; err == nil || ctx.Err() != nil {
			continue
		}
		// While a node leaves, other nodes may be unavailable too. Events without an answer are
		// sent again.
		unavailable := strings.Contains(strings.ToLower(err.Error()), `"code":"unavailable"`)
		if unavailable && (at == lostNode-1 || c.down.Load()) {
			c.counted("stream unavailable, node lost")
			time.Sleep(200 * time.Millisecond)
			continue
		}
		c.fault("stream on node %d (down %v): %v", at+1, c.down.Load(), err)
		time.Sleep(200 * time.Millisecond)
	}
	return upTo
}

// node runs .ci/galera.
func node(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("../../.ci/galera", args...).CombinedOutput(); err != nil {
		t.Fatalf(".ci/galera %v: %v\n%s", args, err, out)
	}
}

// TestGaleraLosesANodeUnderLoad kills a node while nine clients write, and lets it join again. No
// acknowledged write may be lost, the counters must equal the events, and no client may see a
// conflict that it did not cause.
func TestGaleraLosesANodeUnderLoad(t *testing.T) {
	nodes := strings.Split(os.Getenv(galeraVariable), ",")
	if len(nodes) != 3 {
		t.Fatalf("%s must name three nodes, such as .ci/galera start prints", galeraVariable)
	}
	c := &cluster{faults: map[string]int{}, counts: map[string]int{}}
	name := fmt.Sprintf("campaignql_galera_%d", time.Now().UnixNano())
	for _, address := range nodes {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.nodes) == 0 {
			admin, err := sql.Open("mysql", "root@tcp("+u.Host+")/")
			if err != nil {
				t.Fatal(err)
			}
			_, err = admin.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_, _ = admin.Exec("DROP DATABASE " + name)
				_ = admin.Close()
			})
		}
		u.Path = "/" + name
		c.nodes = append(c.nodes, u.String())
	}
	user := newUser(t, c.nodes[0], "ann")
	c.key = user.APIKey
	m := newMailing(t, c.nodes[0], user.UserID)
	system, now := caller.System(t.Context()), store.Now()
	client := m.db.Client(system)
	sending := make([][]int64, galeraWorkers)
	for worker := range sending {
		var builders []*ent.CampaignCreate
		for i := range 200 {
			name := fmt.Sprintf("sending %d %d", worker, i)
			builders = append(builders, client.Campaign.Create().SetUserID(user.UserID).SetName(name).SetNameKey(name).
				SetStatus(kind.StatusSending).SetCreatedAt(now).SetLastActivityAt(now))
		}
		client.Campaign.CreateBulk(builders...).ExecX(system)
		// Read the ids: Galera assigns every third number, but Ent assumes consecutive ids in a
		// bulk insert.
		ofWorker := campaign.NameHasPrefix(fmt.Sprintf("sending %d ", worker))
		sending[worker] = client.Campaign.Query().Where(ofWorker).IDsX(system)
	}
	for _, address := range c.nodes {
		c.servers = append(c.servers, start(t, address))
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	knows, answered := make([]known, galeraWorkers), make([]int, galeraStreams)
	for worker := range galeraWorkers {
		all.Go(func() { knows[worker] = c.work(ctx, worker, sending[worker], m.campaign) })
	}
	streams, stopStreams := context.WithTimeout(context.Background(), 10*phase)
	defer stopStreams()
	for writer := range galeraStreams {
		all.Go(func() { answered[writer] = c.record(streams, m, writer) })
	}
	time.Sleep(phase)
	c.down.Store(true)
	node(t, "kill", strconv.Itoa(lostNode))
	t.Logf("node %d is killed", lostNode)
	time.Sleep(phase)
	node(t, "node", strconv.Itoa(lostNode))
	time.Sleep(2 * time.Second) // gives clients time to reconnect
	c.down.Store(false)
	t.Logf("node %d is back", lostNode)
	time.Sleep(phase)
	cancel()
	all.Wait()

	t.Logf("done: %v", c.counts)
	for what, n := range c.faults {
		t.Errorf("%d times: %s", n, what)
	}
	for i, address := range c.nodes {
		c.compare(t, i, address, m, knows, answered)
	}
	got := recountOf(t, c.nodes[0])
	if !strings.Contains(got, ", 0 counters corrected\n") || !strings.Contains(got, " contacts recounted, 0 corrected\n") {
		t.Errorf("recount says\n%s", got)
	}
}

// compare compares the state of one node with what was acknowledged.
func (c *cluster) compare(t *testing.T, i int, address string, m *mailed, knows []known, answered []int) {
	t.Helper()
	db := testkit.Open(t, address)
	ctx := caller.System(t.Context())
	names := map[string]string{}
	for _, campaign := range db.Client(ctx).Campaign.Query().AllX(ctx) {
		names[fmt.Sprint(campaign.ID)] = campaign.Name
	}
	for worker, k := range knows {
		for id, allowed := range k.names {
			name, there := names[id]
			switch {
			case k.maybe[id]:
			case there == k.gone[id]:
				t.Errorf(
					"node %d: campaign %s of worker %d is there: %v; deleted: %v", i+1, id, worker, there, k.gone[id],
				)
			case there && !strings.Contains("|"+strings.Join(allowed, "|")+"|", "|"+name+"|"):
				t.Errorf("node %d: campaign %s is named %q, acknowledged was %q", i+1, id, name, allowed)
			}
		}
	}
	want := 0
	for writer, n := range answered {
		if want += n; n < eventsOfWriter {
			t.Errorf("writer %d was answered up to %d only", writer, n)
		}
	}
	campaign := db.Client(ctx).Campaign.GetX(ctx, m.campaign)
	counted := campaign.TotalSent + campaign.TotalOpens
	if n := db.Client(ctx).Event.Query().CountX(ctx); n != want || counted != int64(want) {
		t.Errorf("node %d: %d events, %d counted; %d were acknowledged", i+1, n, counted, want)
	}
}
