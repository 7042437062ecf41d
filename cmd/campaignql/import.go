package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/schollz/progressbar/v3"

	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/importer"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/schedule"
)

// importCommands are the commands that import data from files.
type importCommands struct {
	Subscribers importSubscribers `cmd:"" help:"Put the people of a CSV file onto a list. Run it again after an interruption: it continues."`
}

type importSubscribers struct {
	File           string   `arg:"" help:"The file; separated by commas, semicolons, tabs or bars, or by what a first line such as sep=; names. Dates that name no zone are on the clock of the account."`
	Username       string   `required:"" help:"User name or email address of the account."`
	List           int64    `required:"" help:"Number of the list."`
	Map            []string `sep:"none" placeholder:"COLUMN=FIELD" help:"What a column holds, by its name or its number from 1: email, ip, subscribedAt, optedInAt, CustomField5 or the name of a custom field; in any case and in other usual spellings. Repeat it. The names of the header decide by default."`
	Encoding       string   `default:"auto" enum:"auto,utf-8,latin-1" help:"Encoding of the file: ${enum}. Latin-1 is read as Windows-1252; UTF-16 is found by its mark."`
	NoHeader       bool     `help:"The first row is a person. By default it is a header if none of its cells is an address and, where --map has numbers alone, if its cell for the email is a usual name of that column, such as E-mail."`
	Report         string   `placeholder:"FILE" help:"Where rejected rows go, with line and reason as the last columns (FILE.rejected.csv). Correct them there and import that file with the same flags."`
	UpdateExisting bool     `help:"Write the custom fields of people who are on the list already."`
	Quiet          bool     `help:"No progress."`
}

// Run imports the file. Rejected rows do not make the command fail.
func (c *importSubscribers) Run(ctx context.Context, env *environment) (err error) {
	db, err := env.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	known, err := env.secret()
	if err != nil {
		return err
	}
	services := app.NewServices(db, app.ServiceOptions{Logger: env.log, Secret: known})
	if err := services.Suppressions.CheckSecret(caller.System(ctx)); err != nil {
		return err
	}
	user, err := services.Accounts.UserByName(caller.System(ctx), c.Username)
	if err != nil {
		return flagged(err)
	}
	ctx = caller.With(ctx, account.OnBehalf(user))
	list, err := services.Lists.Get(ctx, c.List)
	if err != nil {
		return fmt.Errorf("--list: %w", err)
	}
	zone, err := schedule.ParseZone(user.TimeZone)
	if err != nil {
		return err
	}
	o := importer.Options{
		Path: c.File, List: list, Map: c.Map, Encoding: c.Encoding, NoHeader: c.NoHeader, Zone: zone,
		Report: c.Report, Update: c.UpdateExisting,
	}
	o.Read = func(encoding string, notUTF8 int) {
		if notUTF8 > 0 && c.Encoding == "auto" {
			fmt.Fprintf(env.stderr, "%s: read as %s, since line %d is not UTF-8\n", c.File, encoding, notUTF8)
		}
	}
	if !c.Quiet && isTerminal(env.stderr) {
		const whole = 1000
		bar := progressbar.NewOptions(
			whole,
			progressbar.OptionSetWriter(env.stderr), progressbar.OptionSetDescription(filepath.Base(c.File)),
			progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionUseANSICodes(true),
		)
		// An error of the terminal must not stop the import.
		o.Progress = func(share float64) { _ = bar.Set(int(share * whole)) }
		defer fmt.Fprintln(env.stderr)
	}
	sum, err := importer.Run(ctx, services.Subscribers, o)
	if err != nil {
		return flagged(err)
	}
	n := sum.Outcomes
	_, err = fmt.Fprintf(
		env.stdout, "%d rows: %d added, %d updated, %d on the list already, %d have left, %d rejected\n",
		sum.Rows, n[subscriber.Added], n[subscriber.Updated], n[subscriber.Exists], n[subscriber.Left],
		n[subscriber.Rejected],
	)
	if sum.Unreachable > 0 {
		fmt.Fprintf(
			env.stderr,
			"%d of those added get no mail: it came back for good before, or the address is suppressed\n", sum.Unreachable,
		)
	}
	if sum.Report != "" {
		fmt.Fprintf(
			env.stderr, "rejected rows are in %s: correct them there and import it with the same flags\n", sum.Report,
		)
	}
	return err
}
