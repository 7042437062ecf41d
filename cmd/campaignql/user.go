package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"

	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

type userCommands struct {
	Create   userCreate   `cmd:"" help:"Create an account and print it with its first API key, which is shown this once."`
	List     userList     `cmd:"" help:"List the accounts by user name."`
	Update   userUpdate   `cmd:"" help:"Change the name, address, zone, role or reputation of an account. What no flag names stays."`
	Delete   userDelete   `cmd:"" help:"Delete an account with its API keys and sessions. One that still owns campaigns, emails, lists or anything else stays."`
	Password userPassword `cmd:"" help:"Change the password of an account, end its sessions and list the API keys that stay in force. The password is asked for on a terminal, or is the first line of standard input."`
}

type userCreate struct {
	Username   string          `required:"" help:"User name, 1 to 100 characters, unique without regard to case."`
	Email      string          `required:"" help:"Email address, unique without regard to case."`
	Password   string          `env:"CAMPAIGNQL_PASSWORD" help:"Password of at least 8 characters. Without it one is asked for on a terminal; an empty answer, or no terminal, generates one and prints it."`
	Role       kind.Role       `default:"user" enum:"user,admin" help:"What the account sees: its own things, or everybody's (${enum})."`
	Reputation kind.Reputation `default:"trusted" enum:"trusted,untrusted" help:"Whether its campaigns need no approval (${enum})."`
	Sender     kind.Sender     `default:"built_in" enum:"built_in,external" help:"Who sends its campaigns: this server, or a program of its own that records events (${enum})."`
	FirstName  string          `help:"First name."`
	LastName   string          `help:"Last name."`
	TimeZone   string          `default:"UTC" help:"Zone in which the account reads dates, such as Europe/Berlin."`
}

// createdUser is the output of user create.
type createdUser struct {
	UserID   int64  `json:"userId"`
	Username string `json:"username"`
	APIKey   string `json:"apiKey"`
	// Password is printed only if it was generated, because then nobody else knows it.
	Password string `json:"password,omitempty"`
}

// Run creates the account. Without a password in the flags it asks for one, or generates one.
func (c *userCreate) Run(ctx context.Context, env *environment) error {
	generated := ""
	if c.Password == "" {
		asked, err := askPassword(env, "Password (empty: generate one): ")
		if err != nil {
			return err
		}
		if c.Password = asked; asked == "" {
			generated = strings.ToLower(rand.Text())
			c.Password = generated
		}
	}
	return withAccounts(ctx, env, func(ctx context.Context, accounts *account.Service) error {
		user, key, err := accounts.CreateUser(ctx, account.NewUser{
			Username: c.Username, Email: c.Email, Password: c.Password,
			FirstName: c.FirstName, LastName: c.LastName,
			TimeZone: c.TimeZone, Role: c.Role, Reputation: c.Reputation, Sender: c.Sender,
		})
		if err != nil {
			return flagged(err)
		}
		return printJSON(env.stdout, createdUser{
			UserID: user.ID, Username: user.Username, APIKey: key, Password: generated,
		})
	})
}

type userPassword struct {
	Username   string `required:"" help:"User name or email address of the account."`
	RevokeKeys bool   `help:"Revoke every API key of the account too: whoever knew the old password may have made some."`
}

// changedUser is the output of user password.
type changedUser struct {
	UserID   int64  `json:"userId"`
	Username string `json:"username"`
	// Keys are the keys that were valid before; they are revoked if --revoke-keys was given,
	// otherwise still valid.
	Keys []printedKey `json:"keys"`
}

// Run changes the password and ends the sessions of the account. Its keys stay valid without
// --revoke-keys.
func (c *userPassword) Run(ctx context.Context, env *environment) error {
	password, err := newPassword(env)
	if err != nil {
		return err
	}
	return withAccounts(ctx, env, func(ctx context.Context, accounts *account.Service) error {
		user, err := accounts.UserByName(ctx, c.Username)
		if err != nil {
			return fmt.Errorf("--username %s: %w", c.Username, err)
		}
		change := account.PasswordChange{Password: password, RevokeKeys: c.RevokeKeys}
		keys, err := accounts.SetPassword(ctx, user.ID, change)
		if err != nil {
			return err
		}
		if n := len(keys); n > 0 && !c.RevokeKeys {
			const warning = "campaignql: %d API keys of %s stay in force: " +
				"revoke those you do not know by key revoke, or all by --revoke-keys\n"
			fmt.Fprintf(env.stderr, warning, n, user.Username)
		}
		return printJSON(env.stdout, changedUser{
			UserID: user.ID, Username: user.Username, Keys: printableAll(keys, user, time.Now()),
		})
	})
}

// newPassword asks for a password if standard input is a terminal, otherwise it reads the first
// line of it. An empty password is an error.
func newPassword(env *environment) (string, error) {
	password, err := askPassword(env, "New password: ")
	if err != nil {
		return "", err
	}
	if password == "" && env.stdin != nil && !onTerminal(env) {
		line, err := bufio.NewReader(io.LimitReader(env.stdin, 64<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		password = strings.TrimRight(line, "\r\n")
	}
	if password == "" {
		return "", errors.New("no password was given: write it on standard input")
	}
	return password, nil
}

func onTerminal(env *environment) bool {
	return env.stdin != nil && term.IsTerminal(int(env.stdin.Fd()))
}

// askPassword asks for a password, and a second time to confirm it. It returns an empty password if
// standard input is not a terminal or the first answer is empty.
func askPassword(env *environment, first string) (string, error) {
	if !onTerminal(env) {
		return "", nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(env.stderr, prompt)
		answer, err := term.ReadPassword(int(env.stdin.Fd()))
		fmt.Fprintln(env.stderr)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return string(answer), nil
	}
	password, err := ask(first)
	if err != nil || password == "" {
		return "", err
	}
	again, err := ask("Password again: ")
	if err != nil {
		return "", err
	}
	if password != again {
		return "", errors.New("the two passwords differ")
	}
	return password, nil
}

// withAccounts opens the configured database and runs fn with the rights of the server itself.
func withAccounts(
	ctx context.Context, env *environment, fn func(ctx context.Context, accounts *account.Service) error,
) (err error) {
	db, err := env.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return fn(caller.System(ctx), account.New(db, account.Options{}))
}

// printJSON prints v on one line.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
