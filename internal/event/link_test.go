package event_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"campaignql/ent"
	"campaignql/ent/linkcounter"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// linksOf returns the links of the first campaign in the order in which they were made.
func (w *world) linksOf(db *store.Store) []*ent.LinkCounter {
	return db.Client(w.ctx).LinkCounter.Query().
		Where(linkcounter.CampaignID(w.campaigns[0])).
		Order(linkcounter.ByID()).
		AllX(w.ctx)
}

// TestNoURLLosesAClick records each odd URL with its other spellings: all are recorded, count for one
// link, and the link is shown as it was sent first. URLs that are no links are recorded without one.
func TestNoURLLosesAClick(t *testing.T) {
	t.Parallel()
	long := "https://example.org/" + strings.Repeat("ä", 1500)
	whole := "https://example.org/" + strings.Repeat("x", 3000)
	tests := map[string]struct {
		sent []string
		// shown is what is shown, unless it is the first spelling.
		shown string
		none  bool
	}{
		"%":              {sent: []string{"https://example.org/100%", "https://EXAMPLE.org/100%"}},
		"% in fragment":  {sent: []string{"https://example.org/#50%", "https://example.org#50%"}},
		"% in query":     {sent: []string{"https://example.org/?a=50%&b=%zz", "https://example.org?a=50%&b=%zz"}},
		"blanks":         {sent: []string{"  https://example.org/a b ", "https://example.org/a%20b", "\thttps://example.org/a b\r\n"}},
		"line break":     {sent: []string{"https://example.org/a\nb", "https://example.org/ab"}},
		"backslash":      {sent: []string{`https:\\example.org\a\b?c\d`, `https://example.org/a/b?c\d`}},
		"%u00e4":         {sent: []string{"https://example.org/%u00e4", "HTTPS://example.org:443/%u00e4"}},
		"control":        {sent: []string{"\x01https://example.org/\x02", "https://example.org/"}},
		"no path":        {sent: []string{"https://example.org", "https://example.org/"}},
		"dots":           {sent: []string{"https://example.org/a/../b/./c", "https://example.org/b/%2e/c"}},
		"letters":        {sent: []string{"https://bücher.example/ä?ö#ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6#%C3%BC"}},
		"mailto":         {sent: []string{"mailto:Ann@example.org?subject=a b", "MAILTO:Ann@example.org?subject=a%20b"}},
		"tel":            {sent: []string{"tel:+49 30 123", " TEL:+49 30 123"}},
		"many @":         {sent: []string{"https://example.org/" + strings.Repeat("@", 500), "https://example.org/" + strings.Repeat("@", 500)}},
		"user of @":      {sent: []string{"https://" + strings.Repeat("@", 1500) + "example.org/", "https://" + strings.Repeat("@", 1500) + "example.org/"}},
		"2,000 bytes":    {sent: []string{whole, strings.Replace(whole, "example", "EXAMPLE", 1)}, shown: whole[:2000]},
		"in a letter":    {sent: []string{long, strings.ReplaceAll(long, "ä", "%C3%A4")}, shown: long[:2000]},
		"in half":        {sent: []string{"https://example.org/a" + long[20:]}, shown: ("https://example.org/a" + long[20:])[:1999]},
		"70,000 bytes":   {sent: []string{whole + strings.Repeat("%", 67_000), whole + strings.Repeat("%", 67_000)}, shown: whole[:2000]},
		"NUL":            {sent: []string{"https://example.org/a\x00b", "https://example.org/a%00b"}, shown: "https://example.org/a\uFFFDb"},
		"javascript":     {sent: []string{"javascript:alert(1)", "javascript://x/%0aalert(1)"}, none: true},
		"data":           {sent: []string{"data:text/html,x"}, none: true},
		"other schemes":  {sent: []string{"ftp://example.org/", "file:///etc", "sms:1", "{{url}}"}, none: true},
		"long of others": {sent: []string{"data:" + strings.Repeat("x", 70_000), strings.Repeat(":", 20_000)}, none: true},
		"unparsable":     {sent: []string{"/sale", "//example.org/", "www.example.org", "https://exa mple.org/", "http://", "https://a:99999/", " ", "%"}, none: true},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		service := newService(db, event.Options{Now: clock})
		for name, tt := range tests {
			if tt.shown == "" {
				tt.shown = tt.sent[0]
			}
			for _, way := range []string{"one batch", "many batches", "fit"} {
				w := settle(t, db, 1, 1)
				var events []event.Event
				for i, sent := range tt.sent {
					e := w.one(fmt.Sprint(i), kind.EventClicked, 0, start)
					if e.URL = sent; way == "fit" {
						e = e.Fit()
					}
					events = append(events, e)
				}
				batches := [][]event.Event{events}
				if way == "many batches" {
					batches = nil
					for _, e := range events {
						batches = append(batches, []event.Event{e})
					}
				}
				for _, batch := range batches {
					for _, got := range outcomes(t, service, w.ctx, batch...) {
						if got != "recorded" {
							t.Errorf("%s, %s: %s", name, way, got)
						}
					}
				}
				if n := db.Client(w.ctx).Campaign.GetX(w.ctx, w.campaigns[0]).TotalClicks; n != int64(len(events)) {
					t.Errorf("%s, %s: %d clicks", name, way, n)
				}
				all := w.linksOf(db)
				if tt.none {
					if len(all) > 0 {
						t.Errorf("%s, %s: a link %q", name, way, all[0].URL)
					}
					continue
				}
				if len(all) != 1 || all[0].URL != tt.shown || all[0].Clicks != int64(len(events)) || all[0].UniqueClicks != 1 {
					t.Errorf("%s, %s: %d links, %.100v", name, way, len(all), all)
				}
				if found, err := service.Recount(caller.System(w.ctx), w.campaigns[0]); err != nil || len(found) > 0 {
					t.Errorf("%s, %s: recount finds %v, %v", name, way, found, err)
				}
			}
		}
	})
}

// TestLinksOfLongURLsAreToldApartByTheirEnds checks that the cut does not make two links one.
func TestLinksOfLongURLsAreToldApartByTheirEnds(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 1)
		service := newService(db, event.Options{Now: clock})
		for i, end := range []string{"a", "b", "a"} {
			e := w.one(fmt.Sprint(i), kind.EventClicked, 0, start)
			e.URL = "https://example.org/" + strings.Repeat("x", 5000) + end
			outcomes(t, service, w.ctx, e.Fit())
		}
		var got []int64
		for _, l := range w.linksOf(db) {
			got = append(got, l.Clicks)
		}
		if diff := cmp.Diff([]int64{2, 1}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestALinkFromBeforeIsNotSplit puts links as they were recorded before URLs were normalized: with
// the digest of the URL as it was sent.
func TestALinkFromBeforeIsNotSplit(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 1)
		service := newService(db, event.Options{Now: clock})
		long := "https://example.org/" + strings.Repeat("'", 3900)
		before := []string{
			"https://example.org", "https://example.org/normal", "https://example.org/a b", "HTTPS://example.org/normal", long,
		}
		for _, url := range before {
			sum := sha256.Sum256([]byte(url))
			db.Client(w.ctx).LinkCounter.Create().
				SetCampaignID(w.campaigns[0]).SetURLHash(hex.EncodeToString(sum[:])).SetURL(url).ExecX(w.ctx)
		}
		click := func(id, url string) event.Event {
			e := w.one(id, kind.EventClicked, 0, start.Add(time.Minute))
			e.URL = url
			return e
		}
		var events []event.Event
		for i, url := range before {
			events = append(events, click(fmt.Sprint(i), url).Fit())
		}
		// Spellings from after: one finds the old link, and the other makes a link of its own, in one
		// batch with the old spelling.
		events = append(events, click("x", " https://example.org/normal"), click("y", "https://example.org/"))
		for _, got := range outcomes(t, service, w.ctx, events...) {
			if got != "recorded" {
				t.Error(got)
			}
		}
		outcomes(t, service, w.ctx, click("z", "https://example.org"))
		got := map[string]int64{}
		for _, l := range w.linksOf(db) {
			got[l.URL] = l.Clicks
		}
		want := map[string]int64{
			"https://example.org": 2, "https://example.org/": 1, "https://example.org/normal": 2,
			"https://example.org/a b": 1, "HTTPS://example.org/normal": 1, long: 1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if found, err := service.Recount(caller.System(w.ctx), w.campaigns[0]); err != nil || len(found) > 0 {
			t.Errorf("recount finds %v, %v", found, err)
		}
	})
}

// TestNormalizingTwiceIsNormalizingOnce also checks that the short cut for ordinary URLs finds only
// URLs that the parser leaves as they are.
func TestNormalizingTwiceIsNormalizingOnce(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{
		"https://", "http://", "example.org", "EXAMPLE", "/", ".", "..", "%", "%2e", "%2E", "%20", "ä", "?", "#", "a", "1", "0x1",
		"-", "--", "xn--", "@", ":", ":80", ":443", `\`, " ", "\t", "'", "|", "^", "[", "]", "{", "~", "mailto:", "tel:", "&", "=",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 10).Draw(t, "parts"), "")
		if rapid.Bool().Draw(t, "ordinary") {
			text = "https://example.org/" + text
		}
		once, ok := event.Normalize(text)
		if plain, parsed := event.ParseURL(text); ok != parsed || ok && once != plain {
			t.Fatalf("%q: %q %v, parsed %q %v", text, once, ok, plain, parsed)
		}
		if !ok {
			return
		}
		if twice, ok := event.Normalize(once); !ok || twice != once || !utf8.ValidString(once) {
			t.Fatalf("%q: %q, then %q %v", text, once, twice, ok)
		}
	})
}

func BenchmarkURL(b *testing.B) {
	for name, url := range map[string]string{
		"ordinary": "https://www.example.com/article/12?utm_source=newsletter&utm_medium=email",
		"odd":      "https://www.example.com/article/12?utm_source=%u00e4|b",
		"@":        "https://" + strings.Repeat("@", 20) + strings.Repeat("x", 1900),
		"slashes":  "https://example.org/" + strings.Repeat(`\`, 90) + strings.Repeat("%", 15_000),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				event.Normalize(url)
			}
		})
	}
}
