package graph_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/transport"
	"campaignql/internal/account"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// follower is a client that subscribes to one campaign over either transport.
type follower interface {
	next() change
	told() told
}

// overBoth opens a subscription to campaigns over both transports.
func (w *world) overBoth(t *testing.T, key string, ids ...string) map[string]follower {
	t.Helper()
	variables := object{"ids": ids}
	if len(ids) == 0 {
		variables = nil
	}
	s := connect(t, w.URL, key)
	s.subscribe("1", subscriptionDocument, variables)
	return map[string]follower{
		"WebSocket": s, "server-sent events": listen(t, w.URL, key, subscriptionDocument, variables),
	}
}

func TestSubscriberIsToldThePresentAndEveryChange(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		want := change{LegacyID: number(c.ID), Status: "SENDING", Version: 1}
		followers := w.overBoth(t, owner.Key, number(c.ID))
		told := func() {
			t.Helper()
			for name, f := range followers {
				if got := f.next(); got != want {
					t.Errorf("%s was told %v, want %v", name, got, want)
				}
			}
		}
		told()
		w.sent(t, c.ID, 41)
		want.Statistics.Sent = 41
		told()
		w.MustQuery(
			t, owner.Key, `mutation($id: ID!) { pauseCampaign(input: {id: $id}) { campaign { id } } }`,
			object{"id": number(c.ID)},
		)
		want.Status, want.Version = "PAUSED", 2
		told()
		w.Command(t, url.Values{"Command": {"Campaign.Resume"}, "APIKey": {owner.Key}, "CampaignID": {number(c.ID)}})
		want.Status, want.Version = "READY", 3
		told()
	})
}

func TestAccountIsFollowedWithoutIDs(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		for name, f := range w.overBoth(t, owner.Key) {
			if got := f.next(); got.LegacyID != number(c.ID) {
				t.Errorf("%s began with %v", name, got)
			}
		}
	})
}

// TestChangeThroughAnotherServerIsTold runs two servers on one database.
func TestChangeThroughAnotherServerIsTold(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		other := apitest.With(t, w.db, liveConfig())
		owner := w.Account(t)
		c := w.sending(t, owner)
		for name, f := range w.overBoth(t, owner.Key, number(c.ID)) {
			f.next()
			other.MustQuery(
				t, owner.Key,
				`mutation($id: ID!) { updateCampaign(input: {id: $id, name: "Other"}) { campaign { id } } }`,
				object{"id": number(c.ID)},
			)
			version := f.next().Version
			if version < 2 {
				t.Errorf("%s was told the version %d", name, version)
			}
		}
	})
}

// TestEventsRecordedThroughAnotherServerAreTold records events through recordEvents and POST
// /events of one server. The subscribers are connected to another server.
func TestEventsRecordedThroughAnotherServerAreTold(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		other := apitest.With(t, w.db, liveConfig())
		owner := w.Account(t)
		c, p := w.mailed(t, owner)
		followers := w.overBoth(t, owner.Key, number(c.ID))
		want := map[string]int64{}
		for name, f := range followers {
			want[name] = f.next().Statistics.Sent + 1
		}
		told := func() {
			t.Helper()
			for name, f := range followers {
				if got := f.next(); got.LegacyID != number(c.ID) || got.Statistics.Sent != want[name] {
					t.Errorf("%s was told %v, want %d sent", name, got, want[name])
				}
				want[name]++
			}
		}
		other.MustQuery(t, owner.Key, recordDocument, object{"in": object{"events": []any{
			object{
				"id": "1", "kind": "SENT", "campaignId": number(c.ID), "subscriberId": number(p.ID),
				"at": "2026-03-01T12:00:00Z",
			},
		}}})
		told()
		line := fmt.Sprintf(
			`{"id":"2","kind":"SENT","campaignId":"%d","subscriberId":"%d","at":"2026-03-01T13:00:00Z"}`, c.ID, p.ID,
		)
		request := must(http.NewRequest(http.MethodPost, other.URL+"/events", strings.NewReader(line+"\n")))(t)
		request.Header.Set("Content-Type", "application/x-ndjson")
		request.Header.Set("Authorization", "Bearer "+owner.Key)
		response := must(http.DefaultClient.Do(request))(t)
		defer response.Body.Close()
		if text := must(io.ReadAll(response.Body))(t); !strings.Contains(string(text), `"recorded"`) {
			t.Fatalf("%s", text)
		}
		told()
	})
}

func TestWhatThePollerReadsCostsNoFurtherStatement(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		count := func(fields string) int {
			return len(w.Record(func() {
				s := listen(
					t, w.URL, owner.Key,
					`subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { legacyId `+fields+` } } }`,
					object{"ids": []string{number(c.ID)}},
				)
				s.wantEvent("next")
				s.close()
				eventually(t, "the subscription ends", func() bool { return w.Services.Live.Open() == 0 })
			}))
		}
		plain := count(
			`id name status statusReason version schedule { type nextSendAt sentInstances } sendingStartedAt lastActivityAt createdAt
			statistics { recipients sent failed delivered opens { total unique rate } clicks { unique } clickToOpenRate unsubscriptions { total } bounces { hard soft rate }
			complaints { total } forwards { total } browserViews { unique } conversions { count } automated { opens clicks } throughput { emailsPerSecond } }`,
		)
		if more := count(`approvalExplanation`); more != plain+1 {
			t.Errorf("%d statements, with another column %d", plain, more)
		}
		if plain > 3 { // the key, the use of the key, and the campaign
			t.Errorf("%d statements", plain)
		}
	})
}

func TestEveryFieldCanBeFollowed(t *testing.T) {
	served := schema(t)
	document := `subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { ` +
		shallow(served, served.Types["Campaign"], 2) + ` } } }`
	query := `query($id: ID!) { campaign(id: $id) { ` + shallow(served, served.Types["Campaign"], 2) + ` } }`
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.page(t, owner, 1)[0]
		data := listen(t, w.URL, owner.Key, document, object{"ids": []string{number(c.ID)}}).wantEvent("next")
		var followed struct {
			Data   struct{ CampaignChanged struct{ Campaign any } }
			Errors []any
		}
		if err := json.Unmarshal([]byte(data), &followed); err != nil || len(followed.Errors) > 0 {
			t.Fatalf("%v in %s", err, data)
		}
		diff := cmp.Diff(
			w.MustQuery(t, owner.Key, query, object{"id": number(c.ID)})["campaign"], followed.Data.CampaignChanged.Campaign,
		)
		if diff != "" {
			t.Errorf("(-asked for +followed)\n%s", diff)
		}
	})
}

// TestRelationsAreReadAnewForEachUpdate detects loaders that live as long as the subscription.
func TestRelationsAreReadAnewForEachUpdate(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.page(t, owner, 1)[0]
		s := listen(
			t, w.URL, owner.Key,
			`subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { history { nodes { version } } email { name } tags { name } } } }`,
			object{"ids": []string{number(c.ID)}},
		)
		before := s.wantEvent("next")
		w.MustQuery(
			t, owner.Key, `mutation($id: ID!) { updateCampaign(input: {id: $id, name: "Other"}) { campaign { id } } }`,
			object{"id": number(c.ID)},
		)
		if after := s.wantEvent("next"); strings.Count(after, `"version"`) != strings.Count(before, `"version"`)+1 {
			t.Errorf("%s, before %s", after, before)
		}
	})
}

func TestSubscriptionToWhatIsNotThereBeginsNothing(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner, other := w.Account(t), w.Account(t)
		mine, theirs := w.sending(t, owner), w.sending(t, other)
		var errors []string
		for _, id := range []string{number(theirs.ID), globalID(gid.Campaign, theirs.ID), number(missingID)} {
			variables := object{"ids": []string{number(mine.ID), id}}
			s := connect(t, w.URL, owner.Key)
			s.subscribe("1", subscriptionDocument, variables)
			overSocket := s.want("error")
			events := listen(t, w.URL, owner.Key, subscriptionDocument, variables)
			overEvents := events.wantEvent("next")
			events.wantEvent("complete")
			for _, text := range []string{string(overSocket.Payload), overEvents} {
				if !strings.Contains(text, `"NOT_FOUND"`) || strings.Contains(text, `"data"`) {
					t.Errorf("%s: %s", id, text)
				}
			}
			errors = append(errors, requestIDs.ReplaceAllString(string(overSocket.Payload)+overEvents, ""))
		}
		if errors[0] != errors[2] || errors[1] != errors[2] {
			t.Errorf("they differ: %q", errors)
		}
		if n := w.Services.Live.Open(); n != 0 {
			t.Errorf("%d are open", n)
		}
	})
}

func TestDeletedCampaignsEndTheSubscription(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		s, events := connect(t, w.URL, owner.Key), (*stream)(nil)
		variables := object{"ids": []string{number(c.ID)}}
		s.subscribe("1", subscriptionDocument, variables)
		s.next()
		events = listen(t, w.URL, owner.Key, subscriptionDocument, variables)
		events.next()
		w.MustQuery(
			t, owner.Key, `mutation($id: ID!) { deleteCampaigns(input: {ids: [$id]}) { userErrors { message } } }`,
			object{"id": number(c.ID)},
		)
		want := told{DeletedID: globalID(gid.Campaign, c.ID), Cause: "DELETED"}
		for name, f := range map[string]follower{"WebSocket": s, "server-sent events": events} {
			if got := f.told(); got != want {
				t.Errorf("%s was told %v, want %v", name, got, want)
			}
		}
		s.want("complete")
		events.wantEvent("complete")
		if _, _, ok := events.event(); ok {
			t.Error("the stream goes on")
		}
	})
}

// TestWhoFollowsTheAccountIsToldOfDeletions deletes a campaign that is being sent, and one that is no
// longer followed.
func TestWhoFollowsTheAccountIsToldOfDeletions(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		gone, stays := w.sending(t, owner), w.sending(t, owner)
		followers := w.overBoth(t, owner.Key)
		each := func(check func(got told) bool) {
			t.Helper()
			for name, f := range followers {
				if got := f.told(); !check(got) {
					t.Errorf("%s was told %v", name, got)
				}
			}
		}
		for range 2 {
			each(func(got told) bool { return got.Cause == "SNAPSHOT" && got.Campaign != nil && got.DeletedID == "" })
		}
		remove := func(id int64) {
			t.Helper()
			w.MustQuery(
				t, owner.Key, `mutation($id: ID!) { deleteCampaigns(input: {ids: [$id]}) { deletedIds } }`,
				object{"id": number(id)},
			)
			each(func(got told) bool { return got == told{DeletedID: globalID(gid.Campaign, id), Cause: "DELETED"} })
		}
		remove(gone.ID)
		w.sent(t, stays.ID, 5)
		each(func(got told) bool { return got.Cause == "COUNTERS" && got.Campaign != nil })
		ctx, client := w.system()
		if err := client.Campaign.UpdateOneID(stays.ID).SetStatus(kind.StatusSent).
			SetStatusRank(kind.StatusSent.Rank()).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		each(func(got told) bool { return got.Cause == "STATUS" && got.Campaign.Status == "SENT" })
		remove(stays.ID) // it is no longer followed
	})
}

func TestRevokedKeyEndsTheSubscription(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		created, key, err := w.Services.Accounts.CreateKey(
			owner.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}},
		)
		if err != nil {
			t.Fatal(err)
		}
		variables := object{"ids": []string{number(c.ID)}}
		s := connect(t, w.URL, key)
		s.subscribe("1", subscriptionDocument, variables)
		s.next()
		events := listen(t, w.URL, key, subscriptionDocument, variables)
		events.next()
		if _, err := w.Services.Accounts.RevokeKey(owner.Context, created.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		if got := s.want("error"); !strings.Contains(string(got.Payload), "UNAUTHENTICATED") {
			t.Error(got)
		}
		if got := events.wantEvent("next"); !strings.Contains(got, "UNAUTHENTICATED") {
			t.Error(got)
		}
		events.wantEvent("complete")
		// The connection ends with its caller's key and releases its place.
		if f, err := s.read(); websocket.CloseStatus(err) != transport.CloseForbidden {
			t.Errorf("the connection goes on: %v, %v", f, err)
		}
	})
}

func TestCallerOfAWebSocketIsReadFromItsIntroduction(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		ann, ben := w.Account(t), w.Account(t)
		unknown := "cq_" + strings.Repeat("a", 52)
		for name, tt := range map[string]struct {
			header  string
			payload any
			want    string
		}{
			"Authorization":                     {"", object{"Authorization": "Bearer " + ann.Key}, ann.User.Username},
			"authorization":                     {"", object{"authorization": "bearer " + ann.Key}, ann.User.Username},
			"apiKey":                            {"", object{"apiKey": ann.Key}, ann.User.Username},
			"the header of the handshake":       {"Authorization: Bearer " + ann.Key, nil, ann.User.Username},
			"both":                              {"Authorization: Bearer " + ann.Key, object{"apiKey": ben.Key}, ben.User.Username},
			"neither":                           {"", object{}, "UNAUTHENTICATED"},
			"an unknown key":                    {"", object{"apiKey": unknown}, "4403"},
			"an unknown key beside a known one": {"Authorization: Bearer " + ann.Key, object{"apiKey": unknown}, "4403"},
			"an unknown key in the handshake":   {"Authorization: Bearer " + unknown, nil, "4403"},
			"another scheme":                    {"", object{"Authorization": "Basic " + ann.Key}, "4403"},
			"a number":                          {"", object{"apiKey": 7}, "4403"},
		} {
			var headers []string
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			s := dial(t, w.URL, headers...)
			s.send("connection_init", "", tt.payload)
			if tt.want == "4403" {
				if got := s.closed(); got != 4403 {
					t.Errorf("%s: closed with %d", name, got)
				}
				continue
			}
			s.want("connection_ack")
			s.subscribe("1", `{ viewer { user { username } } }`, nil)
			if f, err := s.read(); err != nil || !strings.Contains(string(f.Payload), tt.want) {
				t.Errorf("%s: %v, %v", name, f, err)
			}
			_ = s.CloseNow()
		}
	})
}

// TestWhoComesWhileTheDatabaseIsAwayIsToldToComeAgain checks that the server does not answer that
// the key is wrong, because clients then give up.
func TestWhoComesWhileTheDatabaseIsAwayIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	db := must(store.Open(t.Context(), "sqlite::memory:", store.Options{}))(t)
	must(db.Migrate(t.Context()))(t)
	w := apitest.With(t, db, liveConfig())
	owner := w.Account(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := dial(t, w.URL)
	s.send("connection_init", "", object{"apiKey": owner.Key})
	if got := s.closed(); got != websocket.StatusTryAgainLater {
		t.Errorf("closed with %d", got)
	}
}

func TestSubscriptionsOfAnAccountAreLimited(t *testing.T) {
	cfg := liveConfig()
	cfg.MaxSubscriptions = 2
	eachLive(t, cfg, func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		variables := object{"ids": []string{number(c.ID)}}
		s := connect(t, w.URL, owner.Key)
		s.subscribe("1", subscriptionDocument, variables)
		s.next()
		events := listen(t, w.URL, owner.Key, subscriptionDocument, variables)
		events.next()
		s.subscribe("2", subscriptionDocument, variables)
		refused := s.want("error")
		third := listen(t, w.URL, owner.Key, subscriptionDocument, variables)
		for _, text := range []string{string(refused.Payload), third.wantEvent("next")} {
			for _, part := range []string{`"code":"RATE_LIMITED"`, `"reason":"TOO_MANY_SUBSCRIPTIONS"`, `"retryAfterSeconds":60`, "has as many subscriptions open as it may"} {
				if !strings.Contains(text, part) {
					t.Errorf("%s lacks %s", text, part)
				}
			}
		}
		third.wantEvent("complete")
		if refused.ID != "2" {
			t.Error(refused)
		}
		// The other subscriptions continue, and another account has a limit of its own.
		w.sent(t, c.ID, 7)
		s.next()
		events.next()
		stranger := connect(t, w.URL, w.Account(t).Key)
		stranger.subscribe("1", subscriptionDocument, nil)
		eventually(t, "another account subscribes", func() bool { return w.Services.Live.Open() == 3 })
		_ = stranger.CloseNow()
		events.close()
		eventually(t, "a subscription has ended", func() bool { return w.Services.Live.Open() == 1 })
		s.subscribe("3", subscriptionDocument, variables)
		if got := s.want("next"); got.ID != "3" {
			t.Error(got)
		}
		// A lost connection and its operations release their places too.
		_ = s.CloseNow()
		eventually(t, "both have ended", func() bool { return w.Services.Live.Open() == 0 })
		again := connect(t, w.URL, owner.Key)
		again.subscribe("1", subscriptionDocument, variables)
		again.next()
	})
}

func TestUpdatesComeTwiceASecondAtMost(t *testing.T) {
	cfg := liveConfig()
	cfg.LiveInterval = 500 * time.Millisecond
	t.Parallel()
	w := &world{db: testkit.Engines()[0].Shared(t)}
	w.Server = apitest.With(t, w.db, cfg)
	owner := w.Account(t)
	c := w.sending(t, owner)
	s := connect(t, w.URL, owner.Key)
	s.subscribe("1", subscriptionDocument, object{"ids": []string{number(c.ID)}})
	s.next()
	begin, updates := time.Now(), 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := int64(1); time.Since(begin) < 2600*time.Millisecond; n++ {
			w.sent(t, c.ID, n)
		}
	}()
	var last change
	for time.Since(begin) < 2500*time.Millisecond {
		last = s.next()
		updates++
	}
	<-done
	if updates > 6 || updates < 2 {
		t.Errorf("%d updates in 2.5 s, the last %v", updates, last)
	}
}

// TestSlowReaderCostsNobodyElseAnything leaves one connection unread while other connections get
// updates.
func TestSlowReaderCostsNobodyElseAnything(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		variables := object{"ids": []string{number(c.ID)}}
		slow, fast := connect(t, w.URL, owner.Key), connect(t, w.URL, owner.Key)
		// A long answer for each update fills the buffers of the connection.
		long := `subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { ` +
			aliases(`statistics { sent failed recipients delivered }`, 90) + ` } } }`
		slow.subscribe("1", long, variables)
		slow.want("next")
		fast.subscribe("1", subscriptionDocument, variables)
		fast.next()
		for n := range int64(40) {
			w.sent(t, c.ID, n+1)
			if got := fast.next(); got.Statistics.Sent != n+1 {
				t.Fatalf("update %d says %v", n, got)
			}
		}
		if n := w.Services.Live.Open(); n != 2 {
			t.Errorf("%d are open", n)
		}
	})
}

// aliases repeats a field with different aliases.
func aliases(field string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "alias%d: %s ", i, field)
	}
	return b.String()
}

// TestWhoGoesLeavesNothingBehind opens and drops connections of both kinds and counts goroutines.
// It is not parallel.
func TestWhoGoesLeavesNothingBehind(t *testing.T) {
	w := &world{db: testkit.Engines()[0].Shared(t)}
	w.Server = apitest.With(t, w.db, liveConfig())
	owner := w.Account(t)
	c := w.sending(t, owner)
	variables := object{"ids": []string{number(c.ID)}}
	once := func() {
		for range 5 {
			s := connect(t, w.URL, owner.Key)
			s.subscribe("1", subscriptionDocument, variables)
			s.subscribe("2", subscriptionDocument, nil)
			s.next()
			_ = s.CloseNow()
			events := listen(t, w.URL, owner.Key, subscriptionDocument, variables)
			events.next()
			events.close()
			completed := connect(t, w.URL, owner.Key)
			completed.subscribe("1", subscriptionDocument, variables)
			completed.next()
			completed.send("complete", "1", nil)
			completed.subscribe("1", `{ viewer { user { username } } }`, nil) // the id is free again
			if got := completed.want("next"); !strings.Contains(string(got.Payload), "viewer") {
				t.Error(got)
			}
			completed.want("complete")
			_ = completed.Close(websocket.StatusNormalClosure, "")
		}
		eventually(t, "all subscriptions end", func() bool { return w.Services.Live.Open() == 0 })
		http.DefaultClient.CloseIdleConnections()
	}
	once()
	before := runtime.NumGoroutine()
	for range 3 {
		once()
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before+3 })
}

func TestStoppingServerEndsSubscriptions(t *testing.T) {
	eachLive(t, liveConfig(), func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		variables := object{"ids": []string{number(c.ID)}}
		s, idle := connect(t, w.URL, owner.Key), dial(t, w.URL)
		s.subscribe("1", subscriptionDocument, variables)
		s.next()
		events := listen(t, w.URL, owner.Key, subscriptionDocument, variables)
		events.next()
		w.Stop()
		for name, s := range map[string]*socket{"subscribed": s, "idle": idle} {
			if f, err := s.read(); websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Errorf("%s: %v %v", name, f, err)
			}
		}
		if name, data, ok := events.event(); ok {
			t.Errorf("the stream ends with %s %s, as if nothing more were to come", name, data)
		}
		eventually(t, "all subscriptions end", func() bool { return w.Services.Live.Open() == 0 })
	})
}

// TestUpdateThatTakesTooLongIsAnError sets the timeout of updates to almost zero. If the server
// reported them as complete, clients would wait without end.
func TestUpdateThatTakesTooLongIsAnError(t *testing.T) {
	cfg := liveConfig()
	cfg.Timeout = time.Nanosecond
	eachLive(t, cfg, func(t *testing.T, w *world) {
		owner := w.Account(t)
		c := w.sending(t, owner)
		// A campaign that cannot be read ends the stream, a relation of it does not.
		for fields, ends := range map[string]bool{"approvalExplanation": true, "tags { name }": false} {
			w.tooLate(t, owner, c, fields, ends)
		}
	})
}

// tooLate subscribes until an update comes too late.
func (w *world) tooLate(t *testing.T, owner *apitest.Account, c *ent.Campaign, fields string, ends bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		events := listen(
			t, w.URL, owner.Key, `subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { `+fields+` } } }`,
			object{"ids": []string{number(c.ID)}},
		)
		// Sometimes an update is ready just when its timeout expires.
		got := events.wantEvent("next")
		if strings.Contains(got, `"data":{`) {
			events.close()
			continue
		}
		if !strings.Contains(got, `"CANCELED"`) {
			t.Errorf("%s: %s", fields, got)
		}
		if ends {
			events.wantEvent("complete")
		} else {
			events.close()
		}
		return
	}
	t.Errorf("%s: every update came in no time", fields)
}
