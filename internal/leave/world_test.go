package leave_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/app"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

const publicURL = "https://mail.example.com"

// world is a campaign that was sent to Ann. Its run had the lists News and Offers as its audience. Ann
// is also on the list Club, which the audience of the campaign names since. Another account has a
// person with the same address.
type world struct {
	*apitest.Server
	db       *store.Store
	ctx      context.Context
	client   *ent.Client
	owner    *apitest.Account
	campaign int64
	run      int64
	ann      int64
	// subscriptions are those of Ann by the name of the list.
	subscriptions map[string]int64
	lists         map[string]int64
	foreign       int64
}

func newWorld(t *testing.T, db *store.Store, change ...func(*app.ServiceOptions)) *world {
	t.Helper()
	change = append([]func(*app.ServiceOptions){func(o *app.ServiceOptions) { o.PublicURL = publicURL }}, change...)
	s := apitest.With(t, db, apitest.Config(), change...)
	w := &world{
		Server: s, db: db, owner: s.Account(t), lists: map[string]int64{}, subscriptions: map[string]int64{},
	}
	w.ctx = caller.System(t.Context())
	w.client = db.Client(w.ctx)
	w.ann = w.contact(t, w.owner, "ann@example.com")
	for _, name := range []string{"News", "Offers", "Club"} {
		w.lists[name] = w.list(t, w.owner, name)
		w.subscriptions[name] = w.subscribe(t, w.owner, w.lists[name], w.ann)
	}
	other := s.Account(t)
	w.foreign = w.subscribe(t, other, w.list(t, other, "News"), w.contact(t, other, "ann@example.com"))
	now := store.Now()
	w.campaign = w.client.Campaign.Create().SetUserID(w.owner.User.ID).SetName("c").SetNameKey("c").
		SetAudience(audience(t, w.lists["News"], w.lists["Club"])).
		SetCreatedAt(now).SetLastActivityAt(now).SaveX(w.ctx).ID
	w.run = w.client.CampaignRun.Create().SetUserID(w.owner.User.ID).SetCampaignID(w.campaign).SetInstance(1).
		SetAudience(audience(t, w.lists["News"], w.lists["Offers"])).
		SetResolvedAt(now).SetStartedAt(now).SaveX(w.ctx).ID
	w.client.RunContent.Create().SetUserID(w.owner.User.ID).SetRunID(w.run).SetNumber(2).SetEpoch(1).SetVariation(3).
		SetEmailID(1).SetSubject("").SetPreheader("").SetFromName("").SetFromEmail("").SetReplyToName("").
		SetReplyToEmail("").SetHTML("").SetPlain("").SaveX(w.ctx)
	w.client.RunRecipient.Create().SetUserID(w.owner.User.ID).SetRunID(w.run).SetContactID(w.ann).
		SetSubscriberID(w.subscriptions["News"]).SetState(kind.RecipientSent).SetContent(2).ExecX(w.ctx)
	return w
}

func audience(t *testing.T, lists ...int64) string {
	t.Helper()
	a := rules.Audience{Form: rules.FormLists}
	for _, id := range lists {
		a.Criteria = append(a.Criteria, rules.Criterion{ListID: id})
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (w *world) contact(t *testing.T, of *apitest.Account, email string) int64 {
	return testkit.MakeContact(t, of.Context, w.db.Client(of.Context), email)
}

func (w *world) list(t *testing.T, of *apitest.Account, name string) int64 {
	t.Helper()
	return w.client.SubscriberList.Create().SetUserID(of.User.ID).SetName(name).SetNameKey(strings.ToLower(name)).
		SetCreatedAt(store.Now()).SaveX(w.ctx).ID
}

func (w *world) subscribe(t *testing.T, of *apitest.Account, list, contact int64) int64 {
	t.Helper()
	c := w.client.Contact.GetX(w.ctx, contact)
	return w.client.Subscriber.Create().SetUserID(of.User.ID).SetListID(list).SetContactID(contact).SetEmail(c.Email).
		SetEmailKey(*c.EmailKey).SetCreatedAt(store.Now()).SaveX(w.ctx).ID
}

// link is the path of the link by which Ann leaves.
func (w *world) link() string {
	return strings.TrimPrefix(w.Services.Links.Unsubscribe(w.run, w.ann), publicURL)
}

// answer is a response as received.
type answer struct {
	status int
	header http.Header
	body   string
	// closes reports that the server closes the connection.
	closes bool
}

// send sends a request and follows no redirect.
func (w *world) send(t *testing.T, method, path, media, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text), response.Close}
}

// on checks on which lists Ann is. The subscription of the other account must stay.
func (w *world) on(t *testing.T, want ...string) {
	t.Helper()
	for name, id := range w.subscriptions {
		p := w.client.Subscriber.GetX(w.ctx, id)
		expected := kind.SubscriberUnsubscribed
		if slices.Contains(want, name) {
			expected = kind.SubscriberSubscribed
		}
		if p.Status != expected || (p.UnsubscribedAt != nil) != (expected == kind.SubscriberUnsubscribed) {
			t.Errorf("%s: %s, left %v, want %s", name, p.Status, p.UnsubscribedAt, expected)
		}
	}
	if p := w.client.Subscriber.GetX(w.ctx, w.foreign); p.Status != kind.SubscriberSubscribed {
		t.Errorf("the other account: %s", p.Status)
	}
}

// events returns the unsubscriptions of the campaign.
func (w *world) events(t *testing.T) []*ent.Event {
	t.Helper()
	return w.client.Event.Query().
		Where(entevent.CampaignID(w.campaign), entevent.KindEQ(kind.EventUnsubscribed)).AllX(w.ctx)
}

// again subscribes Ann to a list that she has left.
func (w *world) again(t *testing.T, list string) {
	t.Helper()
	w.client.Subscriber.Update().Where(entsubscriber.ID(w.subscriptions[list])).
		SetStatus(kind.SubscriberSubscribed).ClearUnsubscribedAt().SetSubscribedAt(store.Now()).ExecX(w.ctx)
}
