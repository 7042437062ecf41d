package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	seededCampaigns = 1000
	seededPeople    = 20_000
	seededDomains   = 50
	seededLinks     = 10
	// rowsAtOnce keeps a statement below the 32,766 values that SQLite can bind.
	rowsAtOnce = 2000
)

// world is an account with campaigns and subscribers.
type world struct {
	db        *store.Store
	owner     int64
	campaigns []int64
	people    []int64
	// next is the number of the last event.
	next atomic.Int64
}

func (w *world) as(ctx context.Context) context.Context {
	return caller.With(ctx, caller.Identity{
		UserID:     w.owner,
		Role:       kind.RoleUser,
		Reputation: kind.ReputationTrusted,
		Scopes:     kind.AllScopes(kind.RoleUser),
		Surface:    kind.SurfaceCLI,
		TimeZone:   "UTC",
	})
}

// seed fills an empty database.
func seed(ctx context.Context, db *store.Store) (*world, error) {
	w := &world{db: db, owner: 1}
	now := store.Now()
	ctx = w.as(ctx)
	client := db.Client(ctx)
	campaigns := make([]*ent.CampaignCreate, seededCampaigns)
	for i := range campaigns {
		id := int64(i + 1)
		w.campaigns = append(w.campaigns, id)
		name := fmt.Sprint("campaign ", id)
		campaigns[i] = client.Campaign.Create().
			SetID(id).SetName(name).SetNameKey(name).SetCreatedAt(now).SetLastActivityAt(now)
	}
	for some := range slices.Chunk(campaigns, rowsAtOnce/4) {
		if err := client.Campaign.CreateBulk(some...).Exec(ctx); err != nil {
			return nil, err
		}
	}
	contacts, people := make([]*ent.ContactCreate, seededPeople), make([]*ent.SubscriberCreate, seededPeople)
	for i := range people {
		id := int64(i + 1)
		w.people = append(w.people, id)
		domain := fmt.Sprintf("mail%d.example", i%seededDomains)
		email := fmt.Sprintf("p%d@%s", i, domain)
		contacts[i] = client.Contact.Create().
			SetID(id).SetEmail(email).SetEmailKey(email).SetDomain(domain).SetCreatedAt(now)
		people[i] = client.Subscriber.Create().
			SetID(id).SetListID(1).SetContactID(id).SetEmail(email).SetEmailKey(email).SetCreatedAt(now)
	}
	for some := range slices.Chunk(contacts, rowsAtOnce) {
		if err := client.Contact.CreateBulk(some...).Exec(ctx); err != nil {
			return nil, err
		}
	}
	for some := range slices.Chunk(people, rowsAtOnce) {
		if err := client.Subscriber.CreateBulk(some...).Exec(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// invent returns a batch of events like those that arrive while a campaign is being read: of 100
// events, 40 are sent, 30 delivered, 22 opens, 6 clicks, 1 a hard and 1 a soft bounce.
func (w *world) invent(r *rand.Rand, n, campaigns int) []event.Event {
	events := make([]event.Event, n)
	now := time.Now().Add(-time.Hour)
	for i := range events {
		number := w.next.Add(1)
		e := event.Event{
			ID:           "bench/" + strconv.FormatInt(number, 10),
			CampaignID:   w.campaigns[r.IntN(campaigns)],
			SubscriberID: w.people[r.IntN(len(w.people))],
			At:           now.Add(-time.Duration(r.IntN(7200)) * time.Second).UTC().Format(time.RFC3339Nano),
		}
		switch x := r.IntN(100); {
		case x < 40:
			e.Kind = kind.EventSent
		case x < 70:
			e.Kind = kind.EventDelivered
		case x < 92:
			e.Kind, e.UserAgent, e.IP = kind.EventOpened, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36", "203.0.113.7"
		case x < 98:
			url := fmt.Sprintf("https://www.example.com/article/%d", r.IntN(seededLinks))
			e.Kind, e.URL, e.IP = kind.EventClicked, url, "203.0.113.7"
		case x < 99:
			e.Kind, e.Reason = kind.EventHardBounced, "550 5.1.1 no such user"
		default:
			e.Kind, e.Reason = kind.EventSoftBounced, "452 4.2.2 mailbox full"
		}
		events[i] = e
	}
	return events
}

// insert is the limit: it inserts only the rows of the events. It inserts in the order of the
// primary key, which is fastest.
func (w *world) insert(ctx context.Context, events []event.Event) error {
	type row struct {
		id string
		event.Event
	}
	rows := make([]row, len(events))
	for i, e := range events {
		digest := sha256.Sum256([]byte(e.ID))
		rows[i] = row{strconv.FormatInt(e.CampaignID, 10) + "-" + hex.EncodeToString(digest[:12]), e}
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.id, b.id) })
	return inTransaction(ctx, w.db.Pools()[0], func(exec func(string, ...any) error) error {
		for some := range slices.Chunk(rows, w.atOnce()) {
			var text strings.Builder
			text.WriteString("INSERT INTO events (id,user_id,campaign_id,contact_id,subscriber_id,kind,at,automated,link_id," +
				"reason,user_agent,ip,amount,currency,domain) VALUES ")
			args := make([]any, 0, 6*len(some))
			for i, e := range some {
				if i > 0 {
					text.WriteByte(',')
				}
				at, err := time.Parse(time.RFC3339Nano, e.At)
				if err != nil {
					return err
				}
				link := "NULL"
				if e.URL != "" {
					link = "1"
				}
				fmt.Fprintf(
					&text, "(?,%d,%d,%d,%d,'%s',?,0,%s,?,?,?,0,'',?)", w.owner, e.CampaignID, e.SubscriberID, e.SubscriberID,
					e.Kind, link,
				)
				args = append(
					args, e.id, store.Truncate(at), e.Reason, e.UserAgent, e.IP,
					fmt.Sprintf("mail%d.example", (e.SubscriberID-1)%seededDomains),
				)
			}
			if err := exec(text.String(), args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// atOnce returns the number of rows that one statement inserts.
func (w *world) atOnce() int {
	if w.db.Dialect() == "mysql" {
		return event.MaxEvents
	}
	return rowsAtOnce
}

func inTransaction(ctx context.Context, db *sql.DB, do func(exec func(string, ...any) error) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = do(func(text string, args ...any) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err
	})
	if err != nil {
		_ = tx.Rollback() // err is the more useful error
		return err
	}
	return tx.Commit()
}
