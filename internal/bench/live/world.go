package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"campaignql/ent"
	"campaignql/internal/bench/bed"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// perAccount is the number of subscriptions of an account. It is below the default limit of the
// server.
const perAccount = 90

// world holds the campaigns that are followed, which are being sent, and as many accounts as the
// subscriptions need.
type world struct {
	url       string
	accounts  []bed.User
	campaigns []*campaign
}

// campaign is a followed campaign, with the recordings of its events.
type campaign struct {
	id, subscriber int64
	owner          bed.User

	// recording serializes the recordings of the campaign, so that the number of sent emails is
	// known for each response.
	recording sync.Mutex
	mu        sync.Mutex
	sent      int64
	recorded  []recording
}

// recording is a response to a recorded batch: its time, and the number of emails sent by then.
type recording struct {
	at   time.Time
	sent int64
}

func (c *campaign) note(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent += int64(n)
	c.recorded = append(c.recorded, recording{time.Now(), c.sent})
}

func (c *campaign) answers() []recording {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.recorded)
}

// seed fills an empty database.
func seed(ctx context.Context, binary, address string, p plan) (w *world, err error) {
	w = new(world)
	accounts := (p.readers + p.deaf + perAccount - 1) / perAccount
	for i := range accounts {
		user, err := bed.CreateUser(ctx, binary, address, fmt.Sprintf("bench%d", i))
		if err != nil {
			return nil, err
		}
		w.accounts = append(w.accounts, user)
	}
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for i := range max(p.followed, accounts) {
		if err := w.add(ctx, db, w.accounts[i%accounts], i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// add creates a campaign that is being sent, and a subscriber of it.
func (w *world) add(ctx context.Context, db *store.Store, owner bed.User, i int) error {
	ctx = caller.With(ctx, caller.Identity{
		UserID:     owner.ID,
		Role:       kind.RoleUser,
		Reputation: kind.ReputationTrusted,
		Scopes:     kind.AllScopes(kind.RoleUser),
		Surface:    kind.SurfaceCLI,
		TimeZone:   "UTC",
	})
	return db.Tx(ctx, func(ctx context.Context) error {
		client, now, name := db.Client(ctx), store.Now(), fmt.Sprintf("campaign %d", i)
		made, err := client.Campaign.Create().
			SetName(name).SetNameKey(name).SetStatus(kind.StatusSending).
			SetStatusRank(kind.StatusSending.Rank()).SetSendingStartedAt(now).SetCreatedAt(now).
			SetLastActivityAt(now).Save(ctx)
		if err != nil {
			return err
		}
		email := fmt.Sprintf("p%d@example.com", i)
		var person *ent.Subscriber
		contact, err := client.Contact.Create().
			SetEmail(email).SetEmailKey(email).SetDomain("example.com").SetCreatedAt(now).Save(ctx)
		if err != nil {
			return err
		}
		if person, err = client.Subscriber.Create().
			SetListID(1).SetContactID(contact.ID).SetEmail(email).SetEmailKey(email).
			SetCreatedAt(now).
			Save(ctx); err != nil {
			return err
		}
		w.campaigns = append(w.campaigns, &campaign{id: made.ID, subscriber: person.ID, owner: owner})
		return nil
	})
}

// of returns the campaign that a reader follows.
func (w *world) of(reader int) *campaign { return w.campaigns[reader%len(w.campaigns)] }
