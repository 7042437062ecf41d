package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/kind"
	"campaignql/internal/page"
)

// printedUser is an account in the JSON output of the commands.
type printedUser struct {
	UserID     int64           `json:"userId"`
	Username   string          `json:"username"`
	Email      string          `json:"email"`
	FirstName  string          `json:"firstName"`
	LastName   string          `json:"lastName"`
	TimeZone   string          `json:"timeZone"`
	Role       kind.Role       `json:"role"`
	Reputation kind.Reputation `json:"reputation"`
	Sender     kind.Sender     `json:"sender"`
	CreatedAt  time.Time       `json:"createdAt"`
}

func printableUser(u *ent.User) printedUser {
	return printedUser{
		UserID: u.ID, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
		TimeZone: u.TimeZone, Role: u.Role, Reputation: u.Reputation, Sender: u.Sender, CreatedAt: u.CreatedAt,
	}
}

type userList struct {
	Search string `help:"Keep accounts whose user name or address contains this text, without regard to case."`
	JSON   bool   `name:"json" help:"Print one line of JSON for each account instead of a table."`
}

// Run lists the accounts, page by page.
func (c *userList) Run(ctx context.Context, env *environment) error {
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	show := func(u *ent.User) error {
		if c.JSON {
			return printJSON(env.stdout, printableUser(u))
		}
		_, err := fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", u.ID, u.Username, u.Email, u.Role, u.Reputation,
			u.TimeZone, u.CreatedAt.UTC().Format(time.DateOnly))
		return err
	}
	if !c.JSON {
		fmt.Fprintln(table, "ID\tUSERNAME\tEMAIL\tROLE\tREPUTATION\tTIME ZONE\tCREATED")
	}
	err := withAccounts(ctx, env, func(ctx context.Context, accounts *account.Service) error {
		request := page.Request{First: new(page.MaxSize)}
		for {
			found, err := accounts.Users(ctx, account.UserFilter{Search: c.Search}, request)
			if err != nil {
				return err
			}
			for _, u := range found.Items {
				if err := show(u); err != nil {
					return err
				}
			}
			if !found.HasNext {
				return nil
			}
			request.After = found.Cursor(len(found.Items) - 1)
		}
	})
	return errors.Join(err, table.Flush())
}

type userUpdate struct {
	Username    string          `required:"" help:"User name or email address of the account."`
	NewUsername *string         `help:"New user name."`
	Email       *string         `help:"New email address."`
	FirstName   *string         `help:"New first name."`
	LastName    *string         `help:"New last name."`
	TimeZone    *string         `help:"New zone in which the account reads dates, such as Europe/Berlin."`
	Role        kind.Role       `default:"" enum:",user,admin" help:"What the account sees: its own things, or everybody's (user, admin)."`
	Reputation  kind.Reputation `default:"" enum:",trusted,untrusted" help:"Whether its campaigns need no approval (trusted, untrusted)."`
	Sender      kind.Sender     `default:"" enum:",built_in,external" help:"Who sends its campaigns: this server, or a program of its own that records events (built_in, external)."`
}

// Run changes the account and prints it.
func (c *userUpdate) Run(ctx context.Context, env *environment) error {
	patch := account.UserPatch{
		Username: c.NewUsername, Email: c.Email, FirstName: c.FirstName, LastName: c.LastName, TimeZone: c.TimeZone,
	}
	if c.Role != "" {
		patch.Role = &c.Role
	}
	if c.Reputation != "" {
		patch.Reputation = &c.Reputation
	}
	if c.Sender != "" {
		patch.Sender = &c.Sender
	}
	if patch == (account.UserPatch{}) {
		return errors.New("nothing to change: name it by a flag, such as --role")
	}
	return withAccounts(ctx, env, func(ctx context.Context, accounts *account.Service) error {
		user, err := accounts.UserByName(ctx, c.Username)
		if err != nil {
			return fmt.Errorf("--username %s: %w", c.Username, err)
		}
		updated, err := accounts.UpdateUser(ctx, user.ID, patch)
		if err != nil {
			return flaggedAs(map[string]string{"username": "new-username"}, err)
		}
		return printJSON(env.stdout, printableUser(updated))
	})
}

type userDelete struct {
	Username string        `required:"" help:"User name or email address of the account."`
	Wait     time.Duration `default:"35s" help:"How long to wait, after its keys and sessions have ended, for requests that had begun: more than the servers' --timeout; 0 while no server runs (${default})."`
}

// deletedUser is the output of user delete.
type deletedUser struct {
	UserID   int64  `json:"userId"`
	Username string `json:"username"`
	Deleted  bool   `json:"deleted"`
}

// wait waits for requests that had begun.
func (c *userDelete) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.Wait):
		return nil
	}
}

// Run deletes the account.
func (c *userDelete) Run(ctx context.Context, env *environment) error {
	return withAccounts(ctx, env, func(ctx context.Context, accounts *account.Service) error {
		user, err := accounts.UserByName(ctx, c.Username)
		if err != nil {
			return fmt.Errorf("--username %s: %w", c.Username, err)
		}
		if err := accounts.DeleteUser(ctx, user.ID, c.wait); err != nil {
			return fmt.Errorf("--username %s: %w", c.Username, err)
		}
		return printJSON(env.stdout, deletedUser{UserID: user.ID, Username: user.Username, Deleted: true})
	})
}
