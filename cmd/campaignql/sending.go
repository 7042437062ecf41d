package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
)

type sendingCommands struct {
	Status sendingStatus `cmd:"" help:"Print what is being sent: the campaigns, how far they are, how fast, and what holds them."`
}

type sendingStatus struct {
	JSON bool `name:"json" help:"One JSON object per line instead of a table."`
}

// printedRun is a line of sending status --json.
type printedRun struct {
	CampaignID      int64         `json:"campaignId"`
	Campaign        string        `json:"campaign"`
	Account         string        `json:"account"`
	Phase           string        `json:"phase"`
	Hold            string        `json:"hold,omitempty"`
	HoldUntil       *time.Time    `json:"holdUntil,omitempty"`
	Counts          printedCounts `json:"counts"`
	Pace            float64       `json:"pace"`
	EstimatedFinish *time.Time    `json:"estimatedFinish,omitempty"`
}

type printedCounts struct {
	Total    int64 `json:"total"`
	Pending  int64 `json:"pending"`
	Begun    int64 `json:"begun"`
	Deferred int64 `json:"deferred"`
	Sent     int64 `json:"sent"`
	Failed   int64 `json:"failed"`
	Unknown  int64 `json:"unknown"`
	Skipped  int64 `json:"skipped"`
}

// Run prints the runs that have not ended, the oldest first.
func (c *sendingStatus) Run(ctx context.Context, env *environment) (err error) {
	db, err := env.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sender := sending.New(db, sending.Services{}, sending.Options{})
	statuses, err := sender.Statuses(caller.System(ctx))
	if err != nil {
		return err
	}
	runs := make([]printedRun, len(statuses))
	for i, status := range statuses {
		runs[i] = printableRun(status)
	}
	if c.JSON {
		for _, run := range runs {
			if err := printJSON(env.stdout, run); err != nil {
				return err
			}
		}
		return nil
	}
	return printRuns(env.stdout, runs)
}

// printableRun returns how a run is printed. That its campaign is paused counts more than its phase.
func printableRun(s sending.Status) printedRun {
	phase := string(s.Phase)
	if s.Status == kind.StatusPaused || s.Status == kind.StatusReady {
		phase = strings.ToLower(s.Status.Legacy())
	}
	return printedRun{
		CampaignID: s.CampaignID, Campaign: s.Name, Account: s.Account, Phase: phase, Hold: s.HoldText,
		HoldUntil: s.HoldUntil,
		Counts: printedCounts{
			Total: s.Total, Pending: s.Pending, Begun: s.Begun, Deferred: s.Deferred, Sent: s.Sent, Failed: s.Failed,
			Unknown: s.Unknown, Skipped: s.Skipped,
		},
		Pace: s.Pace.PerSecond, EstimatedFinish: s.Pace.Finish,
	}
}

// printRuns prints a table for a terminal.
func printRuns(to io.Writer, runs []printedRun) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(to, "Nothing is being sent.")
		return err
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCAMPAIGN\tACCOUNT\tPHASE\tSENT\tLEFT\tFAILED\tUNKNOWN\tSKIPPED\tTOTAL\tPER SECOND\tUNTIL\tHOLD")
	for _, r := range runs {
		n, until := r.Counts, ""
		if r.EstimatedFinish != nil {
			until = r.EstimatedFinish.UTC().Format("2006-01-02 15:04 UTC")
		}
		hold := r.Hold
		if r.HoldUntil != nil {
			hold += " (until " + r.HoldUntil.UTC().Format("15:04:05 UTC") + ")"
		}
		fmt.Fprintf(
			table, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%s\t%s\n", r.CampaignID, r.Campaign, r.Account, r.Phase,
			n.Sent, n.Pending+n.Begun+n.Deferred, n.Failed, n.Unknown, n.Skipped, n.Total, r.Pace, until, hold,
		)
	}
	return table.Flush()
}
