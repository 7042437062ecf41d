package command_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/audience/query"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/command"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/surface"
	"campaignql/internal/tag"
	"campaignql/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files")

const password = "correct horse"

// fixture is a bridge over a database, with a clock that advances only when a test moves it.
type fixture struct {
	bridge    *command.Bridge
	db        *store.Store
	accounts  *account.Service
	campaigns *campaign.Service
	emails    *content.Service
	events    *event.Service
	tags      *tag.Service
	clock     *atomic.Int64
	log       *bytes.Buffer
	// client is the address from which requests come.
	client string
	// send builds a request from the fields of a form, in the format that this test uses.
	send func(form string) *http.Request
}

// start is the current time of every test: an hour before noon in Berlin.
var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// Unsubscribed implements [subscriber.Counter].
func (f *fixture) Unsubscribed(ctx context.Context, owner, campaignID, subscriberID int64, at time.Time) error {
	return f.events.Unsubscribed(ctx, owner, campaignID, subscriberID, at)
}

func newFixture(t *testing.T, db *store.Store) *fixture {
	t.Helper()
	// Each test is a separate client for the counters of failed logins, because the tests share the
	// database and the clock.
	f := &fixture{client: rand.Text(), db: db, clock: new(atomic.Int64), log: new(bytes.Buffer), send: formRequest}
	f.clock.Store(start.UnixMicro())
	f.accounts = account.New(
		db, account.Options{Now: f.now, Passwords: account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}},
	)
	f.emails = content.New(
		db,
		content.Options{Now: f.now, Deleting: func(ctx context.Context, owners, ids []int64) error {
			return f.campaigns.ReleaseEmails(ctx, owners, ids)
		}, Editing: func(ctx context.Context, owner, id int64) (func(context.Context) error, error) {
			return f.campaigns.EditEmail(ctx, owner, id)
		}},
	)
	audiences := query.New(db, query.Options{Now: f.now})
	f.campaigns = campaign.New(db, f.emails, campaign.Options{Now: f.now, CheckAudience: audiences.Check})
	f.tags = tag.New(db, tag.Options{Now: f.now})
	people := subscriber.New(db, f, audiences, subscriber.Options{Now: f.now})
	f.events = event.New(db, people, suppression.New(db, suppression.Options{Now: f.now}), event.Options{Now: f.now})
	f.bridge = command.New(command.Services{
		Accounts:    f.accounts,
		Campaigns:   f.campaigns,
		Emails:      f.emails,
		Lists:       list.New(db, list.Options{Now: f.now}),
		Statistics:  statistics.New(db),
		Subscribers: people,
		Tags:        f.tags,
	}, command.Options{
		Logger:    slog.New(slog.NewTextHandler(f.log, nil)),
		RequestID: func(context.Context) string { return "r-1" },
	})
	return f
}

// serve answers a request as the server does, which first identifies the client.
func (f *fixture) serve(w http.ResponseWriter, r *http.Request) {
	r.RemoteAddr = f.client
	surface.Identify(surface.Identity{}, f.bridge).ServeHTTP(w, r)
}

func (f *fixture) now() time.Time          { return time.UnixMicro(f.clock.Load()).UTC() }
func (f *fixture) advance(d time.Duration) { f.clock.Add(d.Microseconds()) }

// person is an account with a key of every scope.
type person struct {
	*ent.User
	key string
	ctx context.Context
}

func (f *fixture) person(t *testing.T, in account.NewUser) person {
	t.Helper()
	in.Username = "u" + strings.ToLower(rand.Text())
	in.Email, in.Password = in.Username+"@example.com", password
	u, key, err := f.accounts.CreateUser(caller.System(t.Context()), in)
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceCommand)
	if err != nil {
		t.Fatal(err)
	}
	return person{User: u, key: key, ctx: caller.With(t.Context(), id)}
}

func (f *fixture) owner(t *testing.T) person {
	t.Helper()
	return f.person(t, account.NewUser{TimeZone: "Europe/Berlin"})
}

// key creates another key of the person, with these scopes only.
func (f *fixture) key(t *testing.T, p person, scopes ...kind.Scope) string {
	t.Helper()
	_, key, err := f.accounts.CreateKey(p.ctx, account.NewKey{Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (f *fixture) campaign(t *testing.T, p person, name string) int64 {
	t.Helper()
	c, err := f.campaigns.Create(p.ctx, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// reach creates a campaign of the person and brings it to a status, through the domain.
func (f *fixture) reach(t *testing.T, p person, name string, status kind.CampaignStatus) int64 {
	t.Helper()
	id := f.campaign(t, p, name)
	path := map[kind.CampaignStatus][]kind.CampaignStatus{
		kind.StatusDraft:           {},
		kind.StatusPendingApproval: {kind.StatusPendingApproval},
		kind.StatusReady:           {kind.StatusReady},
		kind.StatusSending:         {kind.StatusReady, kind.StatusSending},
		kind.StatusPaused:          {kind.StatusReady, kind.StatusSending, kind.StatusPaused},
		kind.StatusSent:            {kind.StatusReady, kind.StatusSending, kind.StatusSent},
		kind.StatusFailed:          {kind.StatusReady, kind.StatusSending, kind.StatusFailed},
	}[status]
	for _, next := range path {
		f.patch(t, p, id, campaign.Patch{Status: &next})
	}
	return id
}

func (f *fixture) patch(t *testing.T, p person, id int64, patch campaign.Patch) {
	t.Helper()
	if _, err := f.campaigns.Update(p.ctx, campaign.Call{ID: id}, patch); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) email(t *testing.T, p person) int64 {
	t.Helper()
	e, err := f.emails.Create(p.ctx, content.Patch{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func (f *fixture) list(t *testing.T, p person, name string) int64 {
	t.Helper()
	l, err := f.db.Client(p.ctx).
		SubscriberList.Create().
		SetName(name).
		SetNameKey(name).
		SetCreatedAt(f.now()).
		Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return l.ID
}

// numberField creates a custom field of every list.
func (f *fixture) numberField(t *testing.T, p person) int64 {
	t.Helper()
	made, err := f.db.Client(p.ctx).
		CustomField.Create().
		SetName("n").
		SetNameKey("n").
		SetType(kind.FieldNumber).
		SetCreatedAt(f.now()).
		Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (f *fixture) tag(t *testing.T, p person, name string, campaigns ...int64) int64 {
	t.Helper()
	made, err := f.tags.Create(p.ctx, tag.Input{Name: name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.tags.Assign(p.ctx, made.ID, campaigns); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// exchange is one request and its response.
type exchange struct {
	status int
	header http.Header
	body   string
}

func (f *fixture) do(r *http.Request) exchange {
	w := httptest.NewRecorder()
	f.serve(w, r)
	return exchange{status: w.Code, header: w.Header(), body: w.Body.String()}
}

func (f *fixture) post(body string) exchange { return f.do(formRequest(body)) }

func formRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api.php", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func jsonRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api.php", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func queryRequest(query string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/api.php", nil)
	r.URL.RawQuery = query
	return r
}

// multipartRequest sends the fields of a form as multipart/form-data, together with a file.
func multipartRequest(body string) *http.Request {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name)
		value, _ = url.QueryUnescape(value)
		_ = w.WriteField(name, value)
	}
	part, _ := w.CreateFormFile("CampaignName", "name.txt")
	_, _ = io.WriteString(part, "a file is passed over")
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, "/command", &out)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// script is a scenario recorded in a golden file. Each step is a request, written with the names of
// the test's objects, and its response.
type script struct {
	*fixture
	vars map[string]string
	seen map[string]map[string]int
	out  strings.Builder
}

func newScript(f *fixture) *script {
	return &script{fixture: f, vars: map[string]string{}, seen: map[string]map[string]int{}}
}

func (s *script) let(name string, value any) { s.vars["{"+name+"}"] = fmt.Sprint(value) }

func (s *script) expand(text string) string {
	for name, value := range s.vars {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// step sends a request with the fields of a form and records it. as is the name of a variable with
// a key; if it is empty, no key is sent.
func (s *script) step(name, as, form string) exchange {
	return s.request(name, "", as, form, s.send)
}

func (s *script) request(name, how, as, body string, request func(string) *http.Request) exchange {
	r := request(s.expand(body))
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+s.vars["{"+as+"}"])
	}
	got := s.do(r)
	fmt.Fprintf(&s.out, "## %s\n", name)
	if how != "" {
		how = " " + how
	}
	if as == "" {
		as = "nobody"
	}
	fmt.Fprintf(&s.out, "%s%s: %s\n%d %s\n", as, how, short(body), got.status, got.header.Get(command.OperationHeader))
	if wait := got.header.Get("Retry-After"); wait != "" {
		fmt.Fprintf(&s.out, "Retry-After: %s\n", wait)
	}
	fmt.Fprintf(&s.out, "%s\n\n", s.stable(got.body))
	return got
}

// short shortens a request that is long only to test a limit.
func short(text string) string {
	const limit = 400
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:limit], len(text))
}

var (
	// XML is compared without its ids.
	idElement = regexp.MustCompile(
		`<((?:CampaignID|TagID|EmailID|ListID|SubscriberID|RelOwnerUserID|RelUserID|RelEmailID)><!\[CDATA\[)[1-9]\d*`,
	)
	idMember = regexp.MustCompile(
		`"(CampaignID|NewCampaignID|TagID|UserID|RelOwnerUserID|RelUserID|EmailID|RelEmailID|ListID|SubscriberID)":("?)([1-9]\d*)("?)`,
	)
	volatile = []*regexp.Regexp{
		regexp.MustCompile(`("(?:SessionID|Username)":")[^"]+(")`),
		regexp.MustCompile(`("EmailAddress":")u[a-z2-7]{26}@example\.com(")`),
		regexp.MustCompile(`((?:email|list|campaign|custom field|segment) )[1-9]\d*()`),
		regexp.MustCompile(`("CustomField)[1-9]\d*(":)`),
		regexp.MustCompile(`(<(?:/)?CustomField)[1-9]\d*(>)`),
		regexp.MustCompile(`(list_id\\":)\d+()`),
		regexp.MustCompile(`("RecipientLists":")\d+(")`),
	}
)

// stable replaces what differs between databases and runs. An id becomes a number in the order of
// first occurrence.
func (s *script) stable(body string) string {
	body = idMember.ReplaceAllStringFunc(body, func(member string) string {
		m := idMember.FindStringSubmatch(member)
		kind := map[string]string{"NewCampaignID": "CampaignID", "RelOwnerUserID": "UserID", "RelUserID": "UserID"}[m[1]]
		if kind == "" {
			kind = m[1]
		}
		if s.seen[kind] == nil {
			s.seen[kind] = map[string]int{}
		}
		n, known := s.seen[kind][m[3]]
		if !known {
			n = len(s.seen[kind]) + 1
			s.seen[kind][m[3]] = n
		}
		return fmt.Sprintf(`"%s":%s<%d>%s`, m[1], m[2], n, m[4])
	})
	body = idElement.ReplaceAllString(body, "<$1<…>")
	for _, pattern := range volatile {
		body = pattern.ReplaceAllString(body, "$1<…>$2")
	}
	return body
}

// golden compares the record with the golden file of this name.
func (s *script) golden(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update && strings.Contains(t.Name(), "sqlite") {
		if err := os.WriteFile(path, []byte(s.out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(s.out.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// each runs a test on every database, in parallel.
func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newFixture(t, db))
	})
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }
