package command_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"campaignql/ent/migrate"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// multiply copies the only campaign of an account until there are n.
func (f *fixture) multiply(t *testing.T, p person, have, n int) {
	t.Helper()
	var names []string
	for _, c := range migrate.CampaignsTable.Columns[1:] {
		names = append(names, c.Name)
	}
	list := strings.Join(names, ", ")
	for have < n {
		more := min(have, n-have)
		statement := fmt.Sprintf(
			"INSERT INTO campaigns (%s) SELECT %s FROM campaigns WHERE user_id = %d LIMIT %d", list, list, p.ID, more,
		)
		if _, err := f.db.Pools()[0].ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		have += more
	}
}

// heap samples the size of the live heap while a response is read.
type heap struct {
	header         http.Header
	status         int
	written, calls int
	first, last    []byte
	peak           uint64
}

func (h *heap) Header() http.Header    { return h.header }
func (h *heap) WriteHeader(status int) { h.status = status }

func (h *heap) Write(part []byte) (int, error) {
	if h.written == 0 {
		h.first = append(h.first, part[:min(len(part), 100)]...)
	}
	h.last = append(h.last[:0], part[max(0, len(part)-100):]...)
	h.written += len(part)
	if h.calls++; h.calls%64 == 1 {
		h.sample()
	}
	return len(part), nil
}

func (h *heap) sample() {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	h.peak = max(h.peak, stats.HeapAlloc)
}

// used returns the maximum growth of the heap in bytes while run writes into the given writer.
func used(run func(h *heap)) (h *heap, grown int64) {
	for range 3 {
		runtime.GC() // pooled objects are freed only by the second collection
	}
	before := &heap{}
	before.sample()
	h = &heap{header: http.Header{}}
	run(h)
	return h, int64(h.peak) - int64(before.peak)
}

// TestAListOfAHundredThousandCampaignsTakesNoMoreMemoryThanOneOfAThousand is not parallel, because
// it would count the memory of other tests.
func TestAListOfAHundredThousandCampaignsTakesNoMoreMemoryThanOneOfAThousand(t *testing.T) {
	const (
		few, some, many = 1_000, 20_000, 100_000
		// allowed is how much more memory the long list may take, for fuller batches and buffers.
		// Its text exceeds 100 MB.
		allowed = 20 << 20
	)
	if raceDetector {
		t.Skip("SKIPPED: the heap of the race detector is not that of the server; this runs without it")
	}
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, db)
		me := f.owner(t)
		f.campaign(t, me, "one of very many")
		f.multiply(t, me, 1, few)
		stream := func(n int) (grown int64) {
			defer func() {
				if fault := recover(); fault != nil {
					t.Fatalf("the answer broke off: %v, %s", fault, f.log)
				}
			}()
			h, grown := used(func(h *heap) { f.serve(h, formRequest("Command=Campaigns.Get&APIKey="+me.key)) })
			if h.status != http.StatusOK || !strings.HasPrefix(string(h.first), `{"Success":true`) ||
				!strings.HasSuffix(string(h.last), fmt.Sprintf(`"TotalCampaigns":%d}`, n)) ||
				h.written < n*1000 {
				t.Fatalf("%d %s… …%s, %d bytes", h.status, h.first, h.last, h.written)
			}
			return grown
		}
		short := stream(few)
		f.multiply(t, me, few, some)
		// The same list built in memory exceeds the limit, which proves that the measurement works.
		_, whole := used(func(h *heap) {
			text, err := json.Marshal(f.bridge.Execute(me.ctx, "Campaigns.Get", nil))
			if err != nil {
				t.Fatal(err)
			}
			h.sample()
			_, _ = h.Write(text)
		})
		if whole < short+2*allowed {
			t.Errorf(

				"a list of %d campaigns built in memory takes %d bytes, one of %d that is streamed %d: too little to tell them apart",
				some, whole, few, short,
			)
		}
		f.multiply(t, me, some, many)
		if long := stream(many); long > short+allowed {
			t.Errorf("a list of %d campaigns takes %d bytes, one of %d only %d", many, long, few, short)
		} else {
			t.Logf(
				"streamed: %d campaigns take %d KB, %d take %d KB; built in memory: %d take %d KB", few, short>>10,
				many, long>>10, some, whole>>10,
			)
		}
	})
}
