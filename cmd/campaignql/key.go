package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

type keyCommands struct {
	Create keyCreate `cmd:"" help:"Create an API key and print it; it is shown this once and stored hashed."`
	List   keyList   `cmd:"" help:"List the API keys of an account as a tree of which made which, without the keys themselves."`
	Revoke keyRevoke `cmd:"" help:"End an API key, the sessions opened by it and the keys made by it."`
}

type keyCreate struct {
	Username string   `required:"" help:"User name or email address of the account."`
	Scope    []string `default:"read,write,approve" help:"What the key allows: read, write, approve, delivery (acting as the sender), admin (every account; admins only). Repeat it or separate by commas."`
	Note     string   `help:"What the key is for, at most 200 characters."`
	Expires  string   `help:"When the key ends: a span from now such as 90d or 12h, a date (that day at 00:00 UTC), or an instant of RFC 3339. Never by default."`
}

// printedKey is an API key in the JSON output of the commands.
type printedKey struct {
	KeyID int64 `json:"keyId"`
	// ParentID is the key that created this one, or nil.
	ParentID *int64   `json:"parentId"`
	Username string   `json:"username"`
	APIKey   string   `json:"apiKey,omitempty"`
	Hint     string   `json:"hint"`
	Scopes   []string `json:"scopes"`
	Note     string   `json:"note"`
	// Status is active, expired or revoked.
	Status     string     `json:"status"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	ExpiresAt  *time.Time `json:"expiresAt"`
	RevokedAt  *time.Time `json:"revokedAt"`
}

func (c *keyCreate) Run(ctx context.Context, env *environment) error {
	now := time.Now()
	scopes, err := kind.ParseScopes(strings.Join(c.Scope, ","))
	if err != nil {
		return fmt.Errorf("--scope: %w", err)
	}
	expires, err := parseExpiry(c.Expires, now)
	if err != nil {
		return fmt.Errorf("--expires: %w", err)
	}
	return forUser(ctx, env, c.Username, func(ctx context.Context, accounts *account.Service, user *ent.User) error {
		created, key, err := accounts.CreateKey(ctx, account.NewKey{Scopes: scopes, Note: c.Note, ExpiresAt: expires})
		if err != nil {
			return flagged(err)
		}
		line := printable(created, user, now)
		line.APIKey = key
		return printJSON(env.stdout, line)
	})
}

type keyList struct {
	Username string `required:"" help:"User name or email address of the account."`
	JSON     bool   `name:"json" help:"Print one line of JSON for each key instead of a table."`
}

// Run lists the keys: those that are not revoked first, then newest first. The table prints each
// key below the key that created it.
func (c *keyList) Run(ctx context.Context, env *environment) error {
	return forUser(ctx, env, c.Username, func(ctx context.Context, accounts *account.Service, user *ent.User) error {
		keys, err := accounts.Keys(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		lines := printableAll(keys, user, now)
		if !c.JSON {
			return printTable(env.stdout, lines)
		}
		for _, line := range lines {
			if err := printJSON(env.stdout, line); err != nil {
				return err
			}
		}
		return nil
	})
}

type keyRevoke struct {
	Username        string `required:"" help:"User name or email address of the account."`
	KeepDescendants bool   `help:"Leave the keys that it made in force."`
	ID              int64  `arg:"" name:"id" help:"Number of the key, as key list shows it."`
}

// revokedKey is the output of key revoke.
type revokedKey struct {
	printedKey
	// Descendants are the keys that it created and that were valid before; they are now revoked, or
	// kept.
	Descendants []printedKey `json:"descendants"`
}

// Run revokes the key. Revoking a key again succeeds.
func (c *keyRevoke) Run(ctx context.Context, env *environment) error {
	descendants := account.RevokeDescendants
	if c.KeepDescendants {
		descendants = account.KeepDescendants
	}
	return forUser(ctx, env, c.Username, func(ctx context.Context, accounts *account.Service, user *ent.User) error {
		// Search the keys of the account first: an admin may revoke the keys of all accounts, but
		// this command names one account.
		keys, err := accounts.Keys(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(keys, func(key *ent.APIKey) bool { return key.ID == c.ID }) {
			return fmt.Errorf("%s has no API key %d", user.Username, c.ID)
		}
		revoked, err := accounts.RevokeKey(ctx, c.ID, descendants)
		if err != nil {
			return err
		}
		now := time.Now()
		return printJSON(env.stdout, revokedKey{
			printable(revoked.Key, user, now), printableAll(revoked.Descendants, user, now),
		})
	})
}

// forUser runs fn with the identity of the named account.
func forUser(
	ctx context.Context, env *environment, name string,
	fn func(context.Context, *account.Service, *ent.User) error,
) error {
	return withAccounts(ctx, env, func(ctx context.Context, accounts *account.Service) error {
		user, err := accounts.UserByName(ctx, name)
		if err != nil {
			return fmt.Errorf("--username %s: %w", name, err)
		}
		return fn(caller.With(ctx, account.OnBehalf(user)), accounts, user)
	})
}

func printableAll(keys []*ent.APIKey, user *ent.User, now time.Time) []printedKey {
	lines := make([]printedKey, len(keys))
	for i, key := range keys {
		lines[i] = printable(key, user, now)
	}
	return lines
}

func printable(key *ent.APIKey, user *ent.User, now time.Time) printedKey {
	status := "active"
	switch {
	case key.RevokedAt != nil:
		status = "revoked"
	case key.ExpiresAt != nil && !key.ExpiresAt.After(now):
		status = "expired"
	}
	return printedKey{
		KeyID: key.ID, ParentID: key.ParentID, Username: user.Username, Hint: key.Hint,
		Scopes: strings.Split(key.Scopes, ","), Note: key.Note, Status: status,
		CreatedAt: key.CreatedAt, LastUsedAt: key.LastUsedAt, ExpiresAt: key.ExpiresAt, RevokedAt: key.RevokedAt,
	}
}

// printTable prints the keys as a tree: each key is indented below the key that created it.
func printTable(w io.Writer, lines []printedKey) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKEY\tSTATUS\tSCOPES\tCREATED\tLAST USED\tEXPIRES\tNOTE")
	listed, madeBy := map[int64]bool{}, map[int64][]printedKey{}
	for _, l := range lines {
		listed[l.KeyID] = true
	}
	for _, l := range lines {
		parent := int64(0) // root level; also for keys whose parent is not listed
		if l.ParentID != nil && listed[*l.ParentID] {
			parent = *l.ParentID
		}
		madeBy[parent] = append(madeBy[parent], l)
	}
	var print func(parent int64, indent string)
	print = func(parent int64, indent string) {
		for _, l := range madeBy[parent] {
			fmt.Fprintf(
				table, "%s%d\t%s…\t%s\t%s\t%s\t%s\t%s\t%s\n",
				indent, l.KeyID, l.Hint, l.Status, strings.Join(l.Scopes, ","), minute(&l.CreatedAt),
				minute(l.LastUsedAt), minute(l.ExpiresAt), strings.Join(strings.Fields(l.Note), " "),
			)
			print(l.KeyID, indent+"  ")
		}
	}
	print(0, "")
	return table.Flush()
}

// minute returns an instant in UTC to the minute, or "never".
func minute(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.UTC().Format("2006-01-02 15:04Z")
}

// parseExpiry parses a span from now (90d, 12h, 1h30m), a date or an instant. Empty means never.
func parseExpiry(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	var at time.Time
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return nil, fmt.Errorf("%q is not a number of days", text)
		}
		at = now.AddDate(0, 0, n)
	} else if span, err := time.ParseDuration(text); err == nil {
		at = now.Add(span)
	} else if at, err = time.Parse(time.DateOnly, text); err != nil {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, fmt.Errorf("%q is neither a span such as 90d or 12h nor a date such as 2030-12-31", text)
		}
	}
	return &at, nil
}
