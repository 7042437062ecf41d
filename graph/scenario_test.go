package graph_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// scenario is a request with its expected result.
type scenario struct {
	name string
	// as is the caller: "" is a trusted user, see cast.
	as       string
	document string
	// variables may be nil. In variables and document, <draft>, <sending>, <email> and similar
	// placeholders are replaced by ids of the caller's objects.
	variables object
	// want is one of three: the first field's value as JSON without empty userErrors; or, for user
	// errors, "CODE path reason" of each, joined by "; "; or, for errors, "!CODE field reason" of
	// the first.
	want string
}

// cast are the callers.
type cast struct {
	*world
	accounts map[string]*apitest.Account
	keys     map[string]string
}

func (w *world) cast(t *testing.T) *cast {
	t.Helper()
	c := &cast{world: w, accounts: map[string]*apitest.Account{
		"":          w.Account(t),
		"untrusted": w.Account(t, func(u *account.NewUser) { u.Reputation = kind.ReputationUntrusted }),
		"admin":     w.Account(t, func(u *account.NewUser) { u.Role = kind.RoleAdmin }),
	}, keys: map[string]string{"nobody": "", "stranger": "cq_" + strings.Repeat("x", 40)}}
	for name, a := range c.accounts {
		c.keys[name] = a.Key
	}
	for name, scopes := range map[string][]kind.Scope{
		"reader": {kind.ScopeRead}, "writer": {kind.ScopeWrite}, "editor": {kind.ScopeRead, kind.ScopeWrite},
	} {
		c.keys[name] = w.key(t, c.accounts[""], scopes...)
	}
	return c
}

// account returns the account whose objects a caller has.
func (c *cast) account(as string) *apitest.Account {
	if a, ok := c.accounts[as]; ok {
		return a
	}
	return c.accounts[""]
}

// play runs the scenarios on every engine.
func play(t *testing.T, scenarios []scenario) {
	t.Helper()
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		for _, s := range scenarios {
			t.Run(s.name, func(t *testing.T) { c.play(t, s) })
		}
	})
}

var placeholder = regexp.MustCompile(`<([a-z_]+\d?)>`)

func (c *cast) play(t *testing.T, s scenario) {
	owner := c.account(s.as)
	props := map[string]string{}
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(name string) string {
			if _, ok := props[name]; !ok {
				props[name] = c.prop(t, owner, strings.Trim(name, "<>"))
			}
			return props[name]
		})
	}
	document, variables := fill(s.document), filled(s.variables, fill)
	before := c.dump(t, owner.User.ID)
	response := c.Query(t, c.keys[s.as], document, variables)
	noLeak(t, response)
	noStrayPath(t, response)
	got, changes := outcome(response)
	for name, id := range props {
		got = strings.ReplaceAll(got, `"`+id+`"`, `"`+name+`"`)
	}
	if diff := cmp.Diff(s.want, got); diff != "" {
		t.Errorf("%s %v\n(-want +got):\n%s\n%s", document, variables, diff, response.Body)
	}
	if !changes || strings.HasPrefix(strings.TrimSpace(document), "query") || strings.HasPrefix(document, "{") {
		if diff := cmp.Diff(before, c.dump(t, owner.User.ID)); diff != "" {
			t.Errorf("something was written (-before +after):\n%s", diff)
		}
	}
}

// noStrayPath fails the test if a user error names an argument that the operation does not have.
func noStrayPath(t *testing.T, response *apitest.Response) {
	t.Helper()
	for name, value := range response.Data {
		payload, _ := value.(object)
		all, _ := payload["userErrors"].([]any)
		for _, fault := range all {
			path, _ := fault.(object)["field"].([]any)
			if len(path) > 0 && !exists(t, name, path) {
				t.Errorf("%s has no argument %v", name, path)
			}
		}
	}
}

func exists(t *testing.T, operation string, path []any) bool {
	t.Helper()
	served := schema(t)
	field := served.Mutation.Fields.ForName(operation)
	if field == nil {
		field = served.Query.Fields.ForName(operation)
	}
	argument := field.Arguments.ForName(path[0].(string))
	if argument == nil {
		return false
	}
	of := argument.Type
	for _, step := range path[1:] {
		if index := step.(string); of.Elem != nil && index >= "0" && index <= "9999" {
			of = of.Elem
			continue
		}
		inner := served.Types[of.Name()].Fields.ForName(step.(string))
		if inner == nil {
			return false
		}
		of = inner.Type
	}
	return true
}

// filled replaces the placeholders in a value.
func filled(value object, fill func(string) string) object {
	var inner func(any) any
	inner = func(value any) any {
		switch value := value.(type) {
		case string:
			return fill(value)
		case []any:
			out := make([]any, len(value))
			for i, element := range value {
				out[i] = inner(element)
			}
			return out
		case object:
			out := object{}
			for key, element := range value {
				out[key] = inner(element)
			}
			return out
		default:
			return value
		}
	}
	if value == nil {
		return nil
	}
	return inner(value).(object)
}

// outcome returns the answer in the format of scenarios, and whether the request may have changed
// something.
func outcome(response *apitest.Response) (text string, changes bool) {
	if len(response.Errors) > 0 {
		first := response.Errors[0]
		parts := []string{"!" + first.Code()}
		for _, name := range []string{"field", "reason"} {
			if value, ok := first.Extensions[name].(string); ok {
				if name == "reason" {
					value = strings.ToLower(value) // as package apperr writes it
				}
				parts = append(parts, value)
			}
		}
		return strings.Join(parts, " "), false
	}
	for _, value := range response.Data {
		payload, ok := value.(object)
		if !ok {
			return compact(value), true
		}
		if faults, _ := payload["userErrors"].([]any); len(faults) > 0 {
			return faultsText(faults), false
		}
		delete(payload, "userErrors")
		return compact(payload), true
	}
	return compact(response.Data), true
}

func faultsText(faults []any) string {
	texts := make([]string, len(faults))
	for i, fault := range faults {
		fault := fault.(object)
		var path []string
		for _, step := range fault["field"].([]any) {
			path = append(path, step.(string))
		}
		reason, _ := fault["reason"].(string)
		texts[i] = strings.Join(
			strings.Fields(fmt.Sprint(fault["code"], " ", strings.Join(path, "."), " ", strings.ToLower(reason))), " ",
		)
	}
	return strings.Join(texts, "; ")
}

// prop creates an object of the account and returns its legacy id.
func (c *cast) prop(t *testing.T, owner *apitest.Account, name string) string {
	t.Helper()
	ctx, client := owner.Context, c.db.Client(owner.Context)
	name = strings.TrimRight(name, "0123456789")
	campaign := func(status kind.CampaignStatus, more ...func(*ent.CampaignCreate)) string {
		create := client.Campaign.Create().
			SetName(name).SetNameKey(name).SetStatus(status).SetStatusRank(status.Rank()).SetVersion(3).
			SetCreatedAt(firstDay).SetLastActivityAt(firstDay)
		for _, f := range more {
			f(create)
		}
		return number(must(create.Save(ctx))(t).ID)
	}
	switch name {
	case "draft":
		return campaign(kind.StatusDraft)
	case "pending":
		return campaign(kind.StatusPendingApproval, immediate)
	case "ready":
		return campaign(kind.StatusReady, immediate)
	case "begun":
		return campaign(kind.StatusReady, immediate, begun)
	case "sending":
		return campaign(kind.StatusSending, immediate, begun)
	case "paused":
		return campaign(kind.StatusPaused, immediate, begun)
	case "sent":
		return campaign(kind.StatusSent, immediate, begun)
	case "failed":
		return campaign(kind.StatusFailed, immediate)
	case "overdue":
		return campaign(kind.StatusDraft, func(c *ent.CampaignCreate) {
			c.SetScheduleType(kind.ScheduleFuture).
				SetSendDate("2020-01-01").
				SetSendTime("10:00:00").
				SetSendTimeZone("UTC")
		})
	case "set":
		return campaign(kind.StatusDraft, immediate, func(c *ent.CampaignCreate) {
			c.SetStatusReason("why").
				SetApprovalExplanation("please").SetGoogleAnalyticsDomains("example.com").
				SetPublishOnRss(true).SetS2sEnabled(true).SetAutoResendEnabled(true).
				SetAutoResendWaitDays(2).SetAutoResendSubject("again").SetAutoResendPreheader("more").
				SetAbTest(`{"TestSize":20,"TestDuration":4,"Winner":"Most Unique Clicks","Variations":[{"EmailID":1},{"EmailID":2}]}`)
		})
	case "email":
		return number(
			must(client.Email.Create().SetName("mail").SetNameKey("mail").SetSubject("News").SetSubjectKey("news").
				SetFromEmail("a@example.com").
				SetFromName("Ann").
				SetPreheader("pre").SetHTML("<p>").SetCreatedAt(firstDay).SetUpdatedAt(firstDay).Save(ctx))(t).ID,
		)
	case "tag", "tagged":
		label := "tag " + strings.ToLower(randomName())
		return number(must(client.Tag.Create().SetName(label).SetNameKey(label).SetCreatedAt(firstDay).Save(ctx))(t).ID)
	case "list":
		return number(
			must(
				client.SubscriberList.Create().SetName("list").SetNameKey("list").SetCreatedAt(firstDay).Save(ctx),
			)(t).ID,
		)
	case "person", "left", "label", "field", "segment":
		return number(c.ofList(t, ctx, client, name))
	case "key":
		record, _, err := c.Services.Accounts.CreateKey(ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		return globalID("ApiKey", record.ID)
	}
	t.Fatalf("there is no prop %q", name)
	return ""
}

func immediate(c *ent.CampaignCreate) { c.SetScheduleType(kind.ScheduleImmediate) }

func begun(c *ent.CampaignCreate) {
	c.SetTotalSent(10).SetTotalRecipients(20).SetSendingStartedAt(firstDay)
}
