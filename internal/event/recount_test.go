package event_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/ent/conversionamount"
	"campaignql/ent/domaincounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestRecountReadsFewPeopleAtATime counts the batches in which the events of 40 people are read.
// Some of these people have ids far above the others, and one has more opens than fit in a batch.
func TestRecountReadsFewPeopleAtATime(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 40)
		service := newService(db, event.Options{Now: clock})
		service.RecountAtOnce(5)
		var events []event.Event
		for i := range w.people {
			events = append(events, w.one(fmt.Sprint("s", i), kind.EventSent, i, start))
		}
		for i := range 30 {
			events = append(
				events, w.one(fmt.Sprint("o", i), kind.EventOpened, 7, start.Add(time.Duration(i)*time.Minute)),
			)
		}
		outcomes(t, service, w.ctx, events...)
		// A gap in the ids, so that an estimate of their density would fail.
		for _, p := range w.people[20:] {
			far := "UPDATE events SET contact_id=contact_id+1099511627776 WHERE campaign_id=? AND contact_id=?"
			if _, err := db.Client(w.ctx).ExecContext(w.ctx, far, w.campaigns[0], p.ContactID); err != nil {
				t.Fatal(err)
			}
		}
		recorder := new(store.Recorder)
		found, err := service.Recount(store.WithRecorder(caller.System(w.ctx), recorder), w.campaigns[0])
		if err != nil || len(found) > 0 {
			t.Errorf("recount finds %v, %v", found, err)
		}
		pieces := 0
		for _, s := range recorder.Statements() {
			if strings.Contains(s.Query, "OFFSET 5") {
				pieces++
			}
		}
		if pieces < 8 || pieces > 12 {
			t.Errorf("40 people were read in %d pieces", pieces)
		}
	})
}

// TestRecountsCorrectWhileEventsAreRecorded changes counters of a campaign to wrong values. Four
// concurrent recounts correct them while eight writers record more events.
func TestRecountsCorrectWhileEventsAreRecorded(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 40)
		service := newService(db, event.Options{})
		service.RecountAtOnce(20)
		seed := rand.Uint64()
		t.Log("seed", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		all := make([]told, 2000)
		for i := range all {
			all[i] = w.invent(r, i)
		}
		record := func(some []told) {
			events := make([]event.Event, len(some))
			for i, e := range some {
				events[i] = e.Event
			}
			if _, err := service.Record(w.ctx, events); err != nil {
				t.Error(err)
			}
		}
		record(all[:400])
		client, id := db.Client(caller.System(w.ctx)), w.campaigns[0]
		spoil := func() {
			client.Campaign.UpdateOneID(id).AddTotalOpens(7).AddUniqueOpens(-1).ExecX(caller.System(w.ctx))
			client.LinkCounter.Update().Where(linkcounter.CampaignID(id)).AddUniqueClicks(2).ExecX(caller.System(w.ctx))
			// Sums of the first hour are wrong, and those of the last hours are missing.
			first := client.ConversionAmount.Query().
				Where(conversionamount.CampaignID(id), conversionamount.Currency("EUR")).
				Order(conversionamount.ByHour()).
				FirstX(caller.System(w.ctx))
			client.ConversionAmount.UpdateOneID(first.ID).AddAmount(7).ExecX(caller.System(w.ctx))
			client.ConversionAmount.Update().
				Where(conversionamount.CampaignID(id), conversionamount.Currency("USD"), conversionamount.Hour(first.Hour)).
				AddAmount(-3).
				ExecX(caller.System(w.ctx))
			client.ConversionAmount.Delete().
				Where(conversionamount.CampaignID(id), conversionamount.HourGT(first.Hour.Add(2*time.Hour))).
				ExecX(caller.System(w.ctx))
			client.DomainCounter.Delete().
				Where(domaincounter.CampaignID(id), domaincounter.Domain("example.org")).
				ExecX(caller.System(w.ctx))
		}
		spoil()
		var working sync.WaitGroup
		for some := range slices.Chunk(all[400:], 200) {
			working.Go(func() {
				for batch := range slices.Chunk(some, 20) {
					record(batch)
				}
			})
		}
		for range 4 {
			working.Go(func() {
				// Only once: a second recount would hide an error of two concurrent recounts.
				if _, err := service.Recount(caller.System(w.ctx), id); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		w.verify(t, db, service, all)
		spoil()
		found, err := service.Recount(caller.System(w.ctx), id)
		if err != nil || len(found) < 3 || found[0].CampaignID != id || found[0].Column != "total_opens" ||
			found[0].Was != found[0].Is+7 {
			t.Errorf("recount finds %v, %v", found, err)
		}
		wrong := slices.IndexFunc(found, func(d event.Difference) bool {
			return d.Column == "amount" && strings.HasSuffix(d.Where, ", EUR") && d.Was == d.Is+7
		})
		if wrong < 0 {
			t.Errorf("no sum in euros is wrong by 7: %v", found)
		}
		if last := found[len(found)-1]; !strings.HasPrefix(last.Where, "link ") || last.Column != "unique_clicks" ||
			last.Was != last.Is+2 {
			t.Errorf("the link's is %v", last)
		}
		w.verify(t, db, service, all)
	})
}

func TestRecountOfACampaignThatIsGone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		service := newService(db, event.Options{})
		if _, err := service.Recount(caller.System(t.Context()), 1<<60); apperr.CodeOf(err) != apperr.NotFound {
			t.Error(err)
		}
	})
}
