package content_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	entemail "campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

const unknown = 1 << 60

// fixture is an account with the service under test, whose clock the test sets.
type fixture struct {
	*content.Service
	t   *testing.T
	db  *store.Store
	ctx context.Context
	now *time.Time
}

func newFixture(t *testing.T, db *store.Store, opts ...testkit.AccountOption) fixture {
	t.Helper()
	now := start
	clock := func() time.Time { return now }
	var campaigns *campaign.Service
	service := content.New(db, content.Options{
		Now: clock,
		Deleting: func(ctx context.Context, owners, ids []int64) error {
			return campaigns.ReleaseEmails(ctx, owners, ids)
		},
	})
	campaigns = campaign.New(db, service, campaign.Options{Now: clock})
	return fixture{Service: service, t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db, opts...)), now: &now}
}

func each(t *testing.T, test func(f fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(newFixture(t, db))
	})
}

func ptr[T any](v T) *T { return &v }

func second[T any](_ T, err error) error { return err }

func (f fixture) email(p content.Patch) *ent.Email {
	f.t.Helper()
	made, err := f.Create(f.ctx, p, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

func (f fixture) campaign(emailID int64, status kind.CampaignStatus) int64 {
	f.t.Helper()
	made, err := f.db.Client(f.ctx).Campaign.Create().
		SetName("c").SetNameKey("c").SetStatus(status).SetStatusRank(status.Rank()).SetEmailID(emailID).
		SetLastActivityAt(start).SetCreatedAt(start).
		Save(f.ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	return made.ID
}

// same compares the columns of two emails.
func same(want, got *ent.Email, ignored ...string) string {
	return cmp.Diff(
		want, got, cmpopts.IgnoreUnexported(ent.Email{}, ent.EmailEdges{}),
		cmpopts.IgnoreFields(ent.Email{}, append(ignored, "CreatedAt", "UpdatedAt")...),
	)
}

func fault(err error) string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Code, e.Reason, e.Field)))
	}
	return strings.Join(out, "; ")
}

func full() content.Patch {
	return content.Patch{
		Name:      ptr("Summer"),
		Subject:   ptr("Größte Auswahl"),
		Preheader: ptr("Only today"),
		FromName: ptr(
			"Shop",
		),
		FromEmail:    ptr("shop@example.com"),
		ReplyToName:  ptr("Help"),
		ReplyToEmail: ptr("help@example.com"),
		HTML:         ptr("<p>😀 %Link:Unsubscribe%</p>"),
		Plain:        ptr("%Link:Unsubscribe%"),
		Mode:         ptr(kind.EmailModeEditor),
		OpenTracking: ptr(false),
		LinkTracking: ptr(false),
	}
}

func TestEmptyPatchMakesAnEmptyEmail(t *testing.T) {
	each(t, func(f fixture) {
		got, err := f.Get(f.ctx, f.email(content.Patch{}).ID)
		if err != nil {
			f.t.Fatal(err)
		}
		want := &ent.Email{Mode: kind.EmailModeEmpty, OpenTracking: true, LinkTracking: true}
		if diff := same(want, got, "ID", "UserID"); diff != "" {
			f.t.Error(diff)
		}
		if !got.CreatedAt.Equal(start) || !got.UpdatedAt.Equal(start) {
			f.t.Errorf("made %s, updated %s", got.CreatedAt, got.UpdatedAt)
		}
	})
}

func TestUpdateChangesOnlyWhatItNames(t *testing.T) {
	each(t, func(f fixture) {
		made := f.email(full())
		*f.now = start.Add(time.Hour)
		got, err := f.Update(f.ctx, made.ID, content.Patch{Subject: ptr(" New "), FromName: ptr("")})
		if err != nil {
			f.t.Fatal(err)
		}
		want := *made
		want.Subject, want.SubjectKey, want.FromName = "New", "new", ""
		if diff := same(&want, got); diff != "" {
			f.t.Error(diff)
		}
		if !got.UpdatedAt.Equal(*f.now) || !got.CreatedAt.Equal(start) {
			f.t.Errorf("made %s, updated %s", got.CreatedAt, got.UpdatedAt)
		}
		*f.now = start.Add(2 * time.Hour)
		if again, err := f.Update(f.ctx, made.ID, content.Patch{}, entemail.FieldUpdatedAt); err != nil ||
			!again.UpdatedAt.Equal(got.UpdatedAt) || again.HTML != "" {
			f.t.Errorf("an empty patch: %v, %v", again, err)
		}
	})
}

func TestUpdateWithFaultsWritesNothing(t *testing.T) {
	each(t, func(f fixture) {
		made := f.email(full())
		campaign := content.ScopeCampaign
		tests := map[string]struct {
			id    int64
			patch content.Patch
			want  string
		}{
			"field": {
				made.ID, content.Patch{Name: ptr("x"), FromEmail: ptr("x")}, "invalid email_address_invalid fromEmail",
			},
			"content that results": {
				made.ID, content.Patch{HTML: ptr("no link"), Scope: &campaign},
				"invalid email_html_unsubscribe_link html",
			},
			"field and content": {
				made.ID, content.Patch{Mode: ptr(kind.EmailMode("x")), HTML: ptr(""), Plain: ptr(""), Scope: &campaign},
				"invalid email_mode_unknown mode; invalid email_content_required html",
			},
			"scope": {
				made.ID, content.Patch{Name: ptr("x"), Scope: ptr(content.Scope("x"))},
				"invalid email_scope_unknown scope",
			},
			"not there": {unknown, content.Patch{Name: ptr("x")}, "not_found email_not_found"},
			"not there and bad field": {
				unknown, content.Patch{FromEmail: ptr("x"), Scope: &campaign},
				"not_found email_not_found; invalid email_address_invalid fromEmail",
			},
		}
		for label, test := range tests {
			if _, err := f.Update(f.ctx, test.id, test.patch); fault(err) != test.want {
				f.t.Errorf("%s: %s, want %s", label, fault(err), test.want)
			}
		}
		if _, err := f.Update(f.ctx, made.ID, content.Patch{Plain: ptr(""), Scope: &campaign}); err != nil {
			f.t.Errorf("content that is good for its scope: %v", err)
		}
		want := *made
		want.Plain = ""
		if got, err := f.Get(f.ctx, made.ID); err != nil || same(&want, got) != "" {
			f.t.Error(err, same(&want, got))
		}
		if _, err := f.Create(
			f.ctx, content.Patch{FromEmail: ptr("x"), Scope: &campaign}, nil,
		); fault(err) != "invalid email_address_invalid fromEmail; invalid email_content_required html" {
			f.t.Errorf("create: %v", err)
		}
	})
}

func TestLargestTextsAreKept(t *testing.T) {
	each(t, func(f fixture) {
		// Drivers escape quotes and backslashes.
		text := strings.Repeat(`"\'é`, 5<<20/5)
		got, err := f.Get(f.ctx, f.email(content.Patch{HTML: &text}).ID)
		if err != nil || got.HTML != text {
			f.t.Errorf("got %d bytes of %d, %v", len(got.HTML), len(text), err)
		}
	})
}

func TestSameKeyAnswersTheFirstEmail(t *testing.T) {
	each(t, func(f fixture) {
		first, err := f.Create(f.ctx, full(), ptr("key"))
		if err != nil {
			f.t.Fatal(err)
		}
		again, err := f.Create(f.ctx, full(), ptr("key"))
		if err != nil || same(first, again) != "" {
			f.t.Error(err, same(first, again))
		}
		other := full()
		other.Name = ptr("Winter")
		if _, err := f.Create(f.ctx, other, ptr("key")); fault(err) != "invalid idempotency_key_reused idempotencyKey" {
			f.t.Errorf("another email with the key: %v", err)
		}
		if n, err := f.Count(f.ctx, content.Filter{}); err != nil || n != 1 {
			f.t.Errorf("%d emails, %v", n, err)
		}
	})
}

func TestCopyIsAnEmailOfTheSameAccount(t *testing.T) {
	each(t, func(f fixture) {
		made := f.email(full())
		*f.now = start.Add(time.Hour)
		admin := testkit.As(f.t, testkit.Account(f.t, f.db, testkit.Admin()))
		for label, ctx := range map[string]context.Context{"owner": f.ctx, "admin": admin} {
			got, err := f.Copy(ctx, made.ID)
			if err != nil {
				f.t.Fatal(err)
			}
			if diff := same(made, got, "ID"); diff != "" || got.ID == made.ID || !got.CreatedAt.Equal(*f.now) {
				f.t.Errorf("%s: id %d, made %s: %s", label, got.ID, got.CreatedAt, diff)
			}
		}
		err := f.db.Tx(f.ctx, func(ctx context.Context) error {
			if _, err := f.Copy(ctx, made.ID); err != nil {
				return err
			}
			return apperr.New(apperr.Conflict, "the campaign was not copied")
		})
		if n, countErr := f.Count(f.ctx, content.Filter{}); apperr.CodeOf(err) != apperr.Conflict || n != 3 ||
			countErr != nil {
			f.t.Errorf("a copy outlived its transaction: %d emails, %v, %v", n, err, countErr)
		}
	})
}

func TestListOrdersAndSearches(t *testing.T) {
	each(t, func(f fixture) {
		for i, email := range [][2]string{{"beta", "50% off"}, {"Alpha", "x_y"}, {"alpha", "BETA test"}, {"gamma", ""}} {
			*f.now = start.Add(time.Duration(i%2) * time.Hour)
			f.email(content.Patch{Name: &email[0], Subject: &email[1]})
		}
		newestFirst, reversed := content.ByUpdated, content.ByName
		newestFirst.Desc, reversed.Desc = true, true
		for label, test := range map[string]struct {
			order content.Order
			want  string
		}{
			"creation": {content.ByCreated, "beta Alpha alpha gamma"},
			"name":     {content.ByName, "Alpha alpha beta gamma"},
			"reversed": {reversed, "gamma beta alpha Alpha"},
			"update":   {content.ByUpdated, "beta alpha Alpha gamma"},
			"newest":   {newestFirst, "gamma Alpha alpha beta"},
		} {
			for _, size := range []int{1, 3, 4} {
				var got []string
				request := page.Request{First: &size}
				for more := true; more; {
					result, err := f.List(f.ctx, content.Filter{}, test.order, request, entemail.FieldName)
					if err != nil {
						f.t.Fatal(err)
					}
					for _, e := range result.Items {
						got = append(got, e.Name)
					}
					more = result.HasNext
					request.After = result.Cursor(len(result.Items) - 1)
				}
				if strings.Join(got, " ") != test.want {
					f.t.Errorf("%s by %d: %v, want %s", label, size, got, test.want)
				}
			}
		}
		for search, want := range map[string]int{"": 4, "BETA": 2, "%": 1, "_": 1, "none": 0, " Alpha": 2} {
			if n, err := f.Count(f.ctx, content.Filter{Search: search}); err != nil || n != want {
				f.t.Errorf("search %q counts %d, %v, want %d", search, n, err, want)
			}
		}
		if _, err := f.List(
			f.ctx, content.Filter{}, content.ByName, page.Request{First: ptr(-1)},
		); fault(err) != "invalid page_size first" {
			f.t.Error(err)
		}
	})
}

func TestListLeavesTheTextsAlone(t *testing.T) {
	each(t, func(f fixture) {
		f.email(full())
		for _, n := range []int{1, 50} {
			for range n - 1 {
				f.email(content.Patch{})
			}
			var recorder store.Recorder
			if _, err := f.List(
				store.WithRecorder(f.ctx, &recorder),
				content.Filter{},
				content.ByUpdated,
				page.Request{First: ptr(50)},
				entemail.FieldName,
			); err != nil {
				f.t.Fatal(err)
			}
			ran := recorder.Statements()
			if selected, _, _ := strings.Cut(ran[0].Query, " FROM "); len(ran) != 1 ||
				strings.Contains(selected, "html") || !strings.Contains(selected, "updated_at") {
				f.t.Errorf("%d statements for %d rows, the first %s", len(ran), n, ran[0].Query)
			}
		}
	})
}

func TestByIDsIsOneStatement(t *testing.T) {
	each(t, func(f fixture) {
		a, b := f.email(full()).ID, f.email(full()).ID
		for _, ids := range [][]int64{{a}, {a, b, a, unknown}} {
			var recorder store.Recorder
			got, err := f.ByIDs(store.WithRecorder(f.ctx, &recorder), ids, entemail.FieldSubject)
			if err != nil || len(recorder.Statements()) != 1 {
				f.t.Fatalf("%d statements, %v", len(recorder.Statements()), err)
			}
			if got[a].Subject != *full().Subject || got[a].HTML != "" || got[unknown] != nil {
				f.t.Errorf("got %v", got)
			}
		}
	})
}

func TestDeleteTakesTheEmailOutOfDrafts(t *testing.T) {
	each(t, func(f fixture) {
		first, other, kept := f.email(full()).ID, f.email(full()).ID, f.email(full()).ID
		draft, untouched := f.campaign(first, kind.StatusDraft), f.campaign(kept, kind.StatusSent)
		*f.now = start.Add(time.Hour)
		deleted, err := f.Delete(f.ctx, []int64{other, first, first, unknown, -1})
		if diff := cmp.Diff([]int64{first, other}, deleted); err != nil || diff != "" {
			f.t.Fatal(err, diff)
		}
		if _, err := f.Get(f.ctx, first); fault(err) != "not_found email_not_found" {
			f.t.Errorf("a deleted email: %v", err)
		}
		got, err := f.db.Client(f.ctx).Campaign.Get(f.ctx, draft)
		if err != nil || got.EmailID != nil || got.Version != 2 || !got.LastActivityAt.Equal(*f.now) {
			f.t.Errorf("the draft is %v, %v", got, err)
		}
		change, err := f.db.Client(f.ctx).CampaignChange.Query().Where(campaignchange.CampaignID(draft)).Only(f.ctx)
		if err != nil || change.Version != 2 || change.Fields != "email" || change.ToStatus != kind.StatusDraft ||
			change.ActorID != got.UserID {
			f.t.Errorf("the history says %v, %v", change, err)
		}
		if got, err := f.db.Client(f.ctx).Campaign.Get(f.ctx, untouched); err != nil || got.EmailID == nil ||
			got.Version != 1 {
			f.t.Errorf("a campaign of another email is %v, %v", got, err)
		}
		if deleted, err := f.Delete(f.ctx, []int64{first}); err != nil || len(deleted) != 0 {
			f.t.Errorf("deleted again: %v, %v", deleted, err)
		}
	})
}

func TestUsedEmailIsNotDeleted(t *testing.T) {
	each(t, func(f fixture) {
		admin := testkit.As(f.t, testkit.Account(f.t, f.db, testkit.Admin()))
		for _, status := range kind.CampaignStatuses() {
			used, free := f.email(content.Patch{}).ID, f.email(content.Patch{}).ID
			draft := f.campaign(used, kind.StatusDraft)
			f.campaign(used, status)
			if status == kind.StatusDraft {
				continue
			}
			for label, ctx := range map[string]context.Context{"owner": f.ctx, "admin": admin} {
				if _, err := f.Delete(ctx, []int64{free, used}); fault(err) != "conflict email_in_use ids" {
					f.t.Errorf("%s, %s: %v", status, label, err)
				}
			}
			if found, err := f.ByIDs(f.ctx, []int64{free, used}); err != nil || len(found) != 2 {
				f.t.Errorf("%s: %d emails are left, %v", status, len(found), err)
			}
			if c, err := f.db.Client(f.ctx).Campaign.Get(f.ctx, draft); err != nil || c.EmailID == nil {
				f.t.Errorf("%s: the draft lost its email, %v", status, err)
			}
		}
	})
}

func TestDeleteAgainstAttachLeavesNoCampaignWithoutItsEmail(t *testing.T) {
	each(t, func(f fixture) {
		for range 20 {
			email := f.email(content.Patch{}).ID
			var wg sync.WaitGroup
			var attachErr, deleteErr error
			wg.Go(func() { attachErr = f.attach(email) })
			wg.Go(func() { _, deleteErr = f.Delete(f.ctx, []int64{email}) })
			wg.Wait()
			lost := ent.IsNotFound(attachErr) && deleteErr == nil
			kept := attachErr == nil && fault(deleteErr) == "conflict email_in_use ids"
			if !lost && !kept {
				f.t.Errorf("attach %v, delete %v: exactly one must win", attachErr, deleteErr)
			}
		}
	})
}

// attach creates a Ready campaign that uses the email, and locks the email as every writer of a
// reference must.
func (f fixture) attach(emailID int64) error {
	return f.db.Tx(f.ctx, func(ctx context.Context) error {
		client := f.db.Client(ctx)
		query := client.Email.Query().Where(entemail.ID(emailID))
		if f.db.Dialect() == dialect.MySQL {
			query.Modify(func(s *sql.Selector) { s.ForUpdate() })
		}
		if _, err := query.OnlyID(ctx); err != nil {
			return err
		}
		return client.Campaign.Create().
			SetName("c").
			SetNameKey("c").SetStatus(kind.StatusReady).SetStatusRank(kind.StatusReady.Rank()).SetEmailID(emailID).
			SetLastActivityAt(start).SetCreatedAt(start).
			Exec(ctx)
	})
}

func TestEmailOfAnABTestIsNotDeleted(t *testing.T) {
	each(t, func(f fixture) {
		used, free := f.email(content.Patch{}).ID, f.email(content.Patch{}).ID
		id := f.campaign(free, kind.StatusReady)
		test := fmt.Sprintf(`{"Variations":[{"EmailID":%d},{"EmailID":%d}]}`, used, used)
		f.db.Client(f.ctx).Campaign.UpdateOneID(id).ClearEmailID().SetAbTest(test).ExecX(f.ctx)
		if _, err := f.Delete(f.ctx, []int64{free, used}); fault(err) != "conflict email_in_use ids" {
			f.t.Error(err)
		}
		if deleted, err := f.Delete(f.ctx, []int64{free}); err != nil || len(deleted) != 1 {
			f.t.Errorf("deleted %v, %v", deleted, err)
		}
		_, err := f.Delete(f.ctx, make([]int64, content.MaxDelete+1))
		if fault(err) != "invalid too_many_ids ids" {
			f.t.Error(err)
		}
	})
}

func TestEmailOfAnotherAccountIsOneThatDoesNotExist(t *testing.T) {
	each(t, func(f fixture) {
		id := f.email(full()).ID
		used := f.email(full()).ID
		f.campaign(used, kind.StatusSending)
		stranger := newFixture(f.t, f.db)
		calls := map[string]func(id int64) error{
			"get":    func(id int64) error { return second(stranger.Get(stranger.ctx, id)) },
			"update": func(id int64) error { return second(stranger.Update(stranger.ctx, id, content.Patch{Name: ptr("x")})) },
			"copy":   func(id int64) error { return second(stranger.Copy(stranger.ctx, id)) },
		}
		for label, call := range calls {
			theirs, nobodys := call(id), call(unknown)
			if fault(theirs) != "not_found email_not_found" || fault(theirs) != fault(nobodys) ||
				theirs.Error() != nobodys.Error() {
				f.t.Errorf("%s: %v, for an unknown id %v", label, theirs, nobodys)
			}
		}
		if deleted, err := stranger.Delete(stranger.ctx, []int64{id, used, unknown}); err != nil || len(deleted) != 0 {
			f.t.Errorf("deleted %v, %v", deleted, err)
		}
		if found, err := stranger.ByIDs(stranger.ctx, []int64{id}); err != nil || len(found) != 0 {
			f.t.Errorf("found %v, %v", found, err)
		}
		if n, err := stranger.Count(stranger.ctx, content.Filter{}); err != nil || n != 0 {
			f.t.Errorf("counted %d, %v", n, err)
		}
		if got, err := f.Get(f.ctx, id); err != nil || got.Name != "Summer" {
			f.t.Errorf("the owner's email is %v, %v", got, err)
		}
	})
}

func TestEveryMethodAsksForItsScope(t *testing.T) {
	each(t, func(f fixture) {
		calls := map[kind.Scope]map[string]func(context.Context) error{
			kind.ScopeRead: {
				"get":    func(ctx context.Context) error { return second(f.Get(ctx, 1)) },
				"by ids": func(ctx context.Context) error { return second(f.ByIDs(ctx, []int64{1})) },
				"list": func(ctx context.Context) error {
					return second(f.List(ctx, content.Filter{}, content.ByName, page.Request{}))
				},
				"count": func(ctx context.Context) error { return second(f.Count(ctx, content.Filter{})) },
			},
			kind.ScopeWrite: {
				"create": func(ctx context.Context) error { return second(f.Create(ctx, content.Patch{}, nil)) },
				"update": func(ctx context.Context) error { return second(f.Update(ctx, 1, content.Patch{})) },
				"copy":   func(ctx context.Context) error { return second(f.Copy(ctx, 1)) },
				"delete": func(ctx context.Context) error { return second(f.Delete(ctx, []int64{1})) },
			},
		}
		for needed, methods := range calls {
			others := slices.DeleteFunc(kind.AllScopes(kind.RoleUser), func(s kind.Scope) bool { return s == needed })
			ctx := testkit.As(f.t, testkit.Account(f.t, f.db, testkit.Scoped(others...)))
			for label, call := range methods {
				if code := apperr.CodeOf(call(ctx)); code != apperr.Denied {
					f.t.Errorf("%s without the scope %s: %q", label, needed, code)
				}
				if code := apperr.CodeOf(
					call(caller.With(f.t.Context(), caller.Identity{})),
				); code != apperr.Unauthenticated {
					f.t.Errorf("%s by nobody: %q", label, code)
				}
			}
		}
	})
}
