package leave_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"campaignql/ent/runrecipient"
	"campaignql/internal/app"
	"campaignql/internal/people/forget"
	"campaignql/internal/secret"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

const urlencoded = "application/x-www-form-urlencoded"

var elements = regexp.MustCompile(`(?s)<style>(.*)</style>`)

func TestThePageSaysWhatWillHappenAndChangesNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
			got := w.send(t, method, w.link(), "", "")
			if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s: %d %v", method, got.status, got.header)
			}
			w.secured(t, got)
			if method == http.MethodHead {
				if got.body != "" {
					t.Errorf("HEAD: %q", got.body)
				}
				continue
			}
			for _, part := range []string{
				`<html lang="en">`, `name="viewport"`, "a***@example.com", "<bdi>News</bdi>", "<bdi>Offers</bdi>",
				`<form method="post">`, `<button type="submit">Unsubscribe</button>`, "will get no more mail",
			} {
				if !strings.Contains(got.body, part) {
					t.Errorf("no %s in\n%s", part, got.body)
				}
			}
			for _, part := range []string{"ann@", "Club", "<script", "http:", "https:", "<img", "<link"} {
				if strings.Contains(got.body, part) {
					t.Errorf("%s in\n%s", part, got.body)
				}
			}
		}
		w.on(t, "News", "Offers", "Club")
		if found := w.events(t); len(found) != 0 {
			t.Errorf("events %v", found)
		}
	})
}

// secured checks the headers of an answer, and that the policy allows the style of its page.
func (w *world) secured(t *testing.T, got answer) {
	t.Helper()
	policy := got.header.Get("Content-Security-Policy")
	if style := elements.FindStringSubmatch(got.body); style != nil {
		digest := sha256.Sum256([]byte(style[1]))
		if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'") {
			t.Errorf("%s does not allow the style of the page", policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "frame-ancestors 'none'") ||
		got.header.Get("Cache-Control") != "no-store" || got.header.Get("Referrer-Policy") != "no-referrer" ||
		got.header.Get("X-Robots-Tag") != "noindex, nofollow" || got.header.Get("X-Content-Type-Options") != "nosniff" ||
		got.header.Get("Set-Cookie") != "" || got.header.Get("Location") != "" {
		t.Errorf("headers %v", got.header)
	}
}

// TestAPostUnsubscribesAtOnce sends what the page sends, and what mail programs send.
func TestAPostUnsubscribesAtOnce(t *testing.T) {
	t.Parallel()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	if err := parts.WriteField("List-Unsubscribe", "One-Click"); err != nil || parts.Close() != nil {
		t.Fatal(err)
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		for media, body := range map[string]string{
			urlencoded: "List-Unsubscribe=One-Click", parts.FormDataContentType(): form.String(), "": "",
		} {
			w := newWorld(t, db)
			for range 2 {
				got := w.send(t, http.MethodPost, w.link(), media, body)
				if got.status != http.StatusOK || strings.Contains(got.body, "<form") ||
					!strings.Contains(got.body, "<h1>You are unsubscribed</h1>") ||
					!strings.Contains(got.body, "<bdi>News</bdi>") || !strings.Contains(got.body, "<bdi>Offers</bdi>") ||
					strings.Contains(got.body, "Club") || strings.Contains(got.body, "ann@") {
					t.Errorf("%s: %d %s", media, got.status, got.body)
				}
				w.secured(t, got)
			}
			w.on(t, "Club")
			found := w.events(t)
			if len(found) != 1 || found[0].ContactID != w.ann || found[0].RunID == nil || *found[0].RunID != w.run ||
				found[0].Variation == nil || *found[0].Variation != 3 ||
				found[0].SubscriberID == nil || *found[0].SubscriberID != w.subscriptions["News"] {
				t.Errorf("events %v", found)
			}
			if n := w.client.Campaign.GetX(w.ctx, w.campaign).TotalUnsubscriptions; n != 1 {
				t.Errorf("%d unsubscriptions", n)
			}
			if got := w.send(t, http.MethodGet, w.link(), "", ""); got.status != http.StatusOK ||
				strings.Contains(got.body, "<form") || !strings.Contains(got.body, "gets no more mail") {
				t.Errorf("the page afterwards: %d %s", got.status, got.body)
			}
		}
	})
}

func TestWhoSubscribesAgainLeavesAgainThroughTheSameLink(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		w.send(t, http.MethodPost, w.link(), "", "")
		w.again(t, "Offers")
		got := w.send(t, http.MethodGet, w.link(), "", "")
		if !strings.Contains(got.body, "<bdi>Offers</bdi>") || strings.Contains(got.body, "News") ||
			!strings.Contains(got.body, "<form") {
			t.Errorf("%d %s", got.status, got.body)
		}
		w.send(t, http.MethodPost, w.link(), "", "")
		w.on(t, "Club")
		if found := w.events(t); len(found) != 1 {
			t.Errorf("events %v", found)
		}
	})
}

// TestAForgedLinkCostsNoStatement also compares the answer with that of a person who is gone.
func TestAForgedLinkCostsNoStatement(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		gone := strings.TrimPrefix(w.Services.Links.Unsubscribe(w.run, 1<<60), publicURL)
		changed := []byte(w.link())
		changed[len(changed)-5] ^= 1
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			want := w.send(t, method, gone, "", "")
			if want.status != http.StatusNotFound {
				t.Errorf("%s of somebody who is gone: %d", method, want.status)
			}
			w.secured(t, want)
			for _, path := range []string{
				"/u/", "/u/x", string(changed), w.link()[:len(w.link())-1], w.link() + "/", w.link() + "=", w.link() + "%0A",
				"/u/" + strings.Repeat("A", 5000),
			} {
				var got answer
				if statements := w.Record(func() { got = w.send(t, method, path, "", "") }); len(statements) != 0 {
					t.Errorf("%s %s: %v", method, path, statements)
				}
				for _, name := range []string{"X-Request-Id", "Date"} {
					got.header.Del(name)
					want.header.Del(name)
				}
				if got.status != want.status || got.body != want.body || !slices.Equal(lines(got.header), lines(want.header)) {
					t.Errorf("%s %s: %d %v, not %d %v", method, path, got.status, got.header, want.status, want.header)
				}
			}
		}
		w.on(t, "News", "Offers", "Club")
	})
}

func lines(header http.Header) (all []string) {
	for name, values := range header {
		all = append(all, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(all)
	return all
}

func TestRequestsThatAreNoneChangeNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		large := w.send(t, http.MethodPost, w.link(), urlencoded, strings.Repeat("x", 4<<10+1))
		if large.status != http.StatusRequestEntityTooLarge || !large.closes {
			t.Errorf("a large body: %d %v", large.status, large.header)
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
			got := w.send(t, method, w.link(), "", "")
			if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s: %d %v", method, got.status, got.header)
			}
			w.secured(t, got)
		}
		w.on(t, "News", "Offers", "Club")
		if got := w.send(t, http.MethodPost, w.link(), urlencoded, strings.Repeat("x", 4<<10)); got.status != http.StatusOK {
			t.Errorf("the largest body: %d", got.status)
		}
	})
}

func TestAPersonLeavesThoughTheCampaignWasDeleted(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		if _, err := w.Services.Campaigns.Delete(w.owner.Context, []int64{w.campaign}); err != nil {
			t.Fatal(err)
		}
		if got := w.send(t, http.MethodGet, w.link(), "", ""); !strings.Contains(got.body, "<bdi>Offers</bdi>") {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := w.send(t, http.MethodPost, w.link(), "", ""); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
		w.on(t, "Club")
		if found := w.events(t); len(found) != 0 {
			t.Errorf("events %v", found)
		}
		// Without the run nobody knows which lists the message came through.
		w.client.RunRecipient.Delete().Where(runrecipient.RunID(w.run)).ExecX(w.ctx)
		w.client.CampaignRun.DeleteOneID(w.run).ExecX(w.ctx)
		if got := w.send(t, http.MethodGet, w.link(), "", ""); !strings.Contains(got.body, "<bdi>Club</bdi>") {
			t.Errorf("%d %s", got.status, got.body)
		}
		w.send(t, http.MethodPost, w.link(), "", "")
		w.on(t)
	})
}

// TestASubscriptionEndsThoughItHasAnotherAddress gives the subscription through which the message
// came to another person.
func TestASubscriptionEndsThoughItHasAnotherAddress(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		present := w.contact(t, w.owner, "ann.new@example.com")
		w.client.Subscriber.UpdateOneID(w.subscriptions["News"]).SetContactID(present).ExecX(w.ctx)
		w.subscriptions["new"] = w.subscribe(t, w.owner, w.lists["Club"], present)
		got := w.send(t, http.MethodPost, w.link(), "", "")
		if got.status != http.StatusOK || strings.Contains(got.body, "new") {
			t.Errorf("%d %s", got.status, got.body)
		}
		w.on(t, "Club", "new")
		if found := w.events(t); len(found) != 1 || found[0].ContactID != w.ann {
			t.Errorf("events %v", found)
		}
	})
}

func TestWhoWasForgottenIsGone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		if _, err := w.Services.Forgetting.Forget(w.owner.Context, []int64{w.ann}, forget.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := w.send(t, method, w.link(), "", ""); got.status != http.StatusNotFound {
				t.Errorf("%s: %d %s", method, got.status, got.body)
			}
		}
		if found := w.events(t); len(found) != 0 {
			t.Errorf("events %v", found)
		}
	})
}

func TestLinksOutliveARotationOfTheSecret(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "secret")
		load := func(o *app.ServiceOptions) {
			var err error
			if o.Secret, err = secret.Ensure(path); err != nil {
				t.Fatal(err)
			}
		}
		w := newWorld(t, db, load)
		before := w.link()
		if err := secret.Rotate(path); err != nil {
			t.Fatal(err)
		}
		read, err := secret.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		restarted := app.NewServices(db, app.ServiceOptions{Secret: read, PublicURL: publicURL + "/"})
		defer restarted.Close()
		after := strings.TrimPrefix(restarted.UnsubscribeURL()(w.run, w.ann), publicURL)
		if after == before {
			t.Fatal("the secret was not rotated")
		}
		for _, link := range []string{after, before} {
			w.again(t, "News")
			if got := w.send(t, http.MethodPost, link, "", ""); got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.body)
			}
			w.on(t, "Club")
		}
	})
}

func TestThereAreNoLinksWithoutASecretOrAPublicURL(t *testing.T) {
	t.Parallel()
	testkit.OncePerRun(t)
	db := testkit.Open(t, "sqlite::memory:")
	known, err := secret.Parse("secret-of-the-installation-of-tests")
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range []app.ServiceOptions{{}, {Secret: known}, {PublicURL: publicURL}} {
		services := app.NewServices(db, opts)
		if services.UnsubscribeURL() != nil || (services.Links != nil) != (opts.Secret != nil) {
			t.Errorf("links of %+v", opts)
		}
		services.Close()
	}
}

// TestAPageNamesFewLists has somebody who is on many lists, some with names of ill will.
func TestAPageNamesFewLists(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := newWorld(t, db)
		ids := []int64{w.list(t, w.owner, "<script>alert(1)</script>")}
		for range 30 {
			ids = append(ids, w.list(t, w.owner, "z"))
		}
		for _, id := range ids {
			w.subscribe(t, w.owner, id, w.ann)
		}
		w.run = w.client.CampaignRun.Create().SetUserID(w.owner.User.ID).SetCampaignID(w.campaign).SetInstance(2).
			SetAudience(audience(t, ids...)).SetResolvedAt(store.Now()).SetStartedAt(store.Now()).SaveX(w.ctx).ID
		got := w.send(t, http.MethodGet, w.link(), "", "")
		if strings.Contains(got.body, "<script") || !strings.Contains(got.body, "&lt;script&gt;") ||
			strings.Count(got.body, "<li>") != 21 || !strings.Contains(got.body, "and 11 more") {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}
