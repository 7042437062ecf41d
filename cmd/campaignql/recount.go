package main

import (
	"context"
	"fmt"

	"campaignql/internal/app"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/event"
)

type recountCommand struct {
	config.Bounces
	Campaign int64 `placeholder:"N" help:"Number of the one campaign to recount; all of them by default."`
}

// recountedAtOnce is how many campaigns one query lists.
const recountedAtOnce = 1000

// Run recounts one campaign after the other, and then the contacts unless it is for one campaign, and
// prints what differed. It has corrected that, so a difference is not an error.
func (c *recountCommand) Run(ctx context.Context, env *environment) error {
	if c.Campaign < 0 {
		return fmt.Errorf("--campaign %d: must be the number of a campaign", c.Campaign)
	}
	db, err := env.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	services := app.NewServices(db, app.ServiceOptions{SoftBounceLimit: c.SoftBounceLimit})
	defer services.Close()
	ctx, events := caller.System(ctx), services.Events
	if c.Campaign > 0 {
		n, err := recounted(ctx, env, events, []int64{c.Campaign})
		if err != nil {
			return fmt.Errorf("--campaign %d: %w", c.Campaign, err)
		}
		return sayRecounted(env, 1, n)
	}
	campaigns, differences := 0, 0
	for after := int64(0); ; {
		ids, err := events.Campaigns(ctx, after, recountedAtOnce)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		n, err := recounted(ctx, env, events, ids)
		if err != nil {
			return err
		}
		campaigns, differences, after = campaigns+len(ids), differences+n, ids[len(ids)-1]
	}
	if err := sayRecounted(env, campaigns, differences); err != nil {
		return err
	}
	return recountContacts(ctx, env, events)
}

// recountContacts recounts the soft bounces in a row of all contacts, and prints one line per contact
// that differed.
func recountContacts(ctx context.Context, env *environment, events *event.Service) error {
	corrected := 0
	contacts, err := events.RecountContacts(ctx, func(d event.ContactDifference) error {
		corrected++
		_, err := fmt.Fprintln(env.stdout, d)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%d contacts recounted, %d corrected\n", contacts, corrected)
	return err
}

// recounted recounts campaigns and prints one line per counter that differed.
func recounted(ctx context.Context, env *environment, events *event.Service, ids []int64) (differences int, err error) {
	for _, id := range ids {
		found, err := events.Recount(ctx, id)
		if len(ids) > 1 && apperr.CodeOf(err) == apperr.NotFound {
			continue // deleted after it was listed
		}
		if err != nil {
			return differences, err
		}
		for _, d := range found {
			if _, err := fmt.Fprintln(env.stdout, d); err != nil {
				return differences, err
			}
		}
		differences += len(found)
	}
	return differences, nil
}

func sayRecounted(env *environment, campaigns, differences int) error {
	_, err := fmt.Fprintf(env.stdout, "%d campaigns recounted, %d counters corrected\n", campaigns, differences)
	return err
}
