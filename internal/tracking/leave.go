package tracking

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/subscriberlist"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Contacts are the people who leave.
type Contacts interface {
	// Lock returns contacts by their ids, and locks them in the running transaction.
	Lock(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error)
}

// Subscriptions ends subscriptions, in the running transaction, and knows which of them were merged.
type Subscriptions interface {
	Left(ctx context.Context, when map[int64]time.Time) error
	Survivors(ctx context.Context, ids []int64) (map[int64]int64, error)
}

// Events records that somebody left.
type Events interface {
	RecordWithin(ctx context.Context, r *event.Recording, events []event.Event) error
}

// Services are the domains that leaving depends on.
type Services struct {
	Contacts      Contacts
	Subscriptions Subscriptions
	Events        Events
}

// Options are the settings of a Service. The zero value selects the defaults.
type Options struct {
	// Now is the clock. Default store.Now.
	Now func() time.Time
}

// Service lets recipients of runs leave. The caller must have read their ids from a token: the
// methods act as [caller.Sender], for every account. They are safe for concurrent use.
type Service struct {
	db *store.Store
	Services
	now func() time.Time
}

// New returns a Service.
func New(db *store.Store, services Services, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, Services: services, now: opts.Now}
}

// Leaving is what leaving does, or has done.
type Leaving struct {
	// Address is the address that the run wrote to, masked: a***@example.com.
	Address string
	// Lists are the names of the lists, in alphabetical order: those that the person leaves, or all
	// that the message came through if there is none left to leave.
	Lists []string
	// Left reports that there is nothing left to leave.
	Left bool
}

// View returns what Leave would do. It changes nothing. The error is NotFound if the person is gone.
func (s *Service) View(ctx context.Context, runID, contactID int64) (*Leaving, error) {
	ctx = caller.Sender(ctx)
	m, err := s.find(ctx, runID, contactID)
	if err != nil {
		return nil, err
	}
	rows, err := s.subscriptions(ctx, m, false)
	if err != nil {
		return nil, err
	}
	return s.leaving(ctx, m, rows)
}

// Leave takes a contact off the lists that the audience of a run names, as it was when the run began,
// and off the list through which the message came. It records [kind.EventUnsubscribed] for the
// campaign, once for the run and the contact however often Leave is called. Who has subscribed again
// since leaves again.
//
// A person can leave although the campaign was deleted: then nothing is left to count, and only the
// subscriptions end. If the run is gone too, nobody knows its audience, and the contact leaves all
// lists of the account. If the subscription has got another address since, it ends all the same. The
// error is NotFound if the contact is gone or was forgotten: then nobody writes to it any more.
func (s *Service) Leave(ctx context.Context, runID, contactID int64) (*Leaving, error) {
	ctx = caller.Sender(ctx)
	var l *Leaving
	recording := event.NewRecording()
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		m, err := s.find(ctx, runID, contactID)
		if err != nil {
			return err
		}
		if _, err := s.Contacts.Lock(ctx, m.people, entcontact.FieldID); err != nil {
			return err
		}
		rows, err := s.subscriptions(ctx, m, true)
		if err != nil {
			return err
		}
		at := store.Truncate(s.now())
		if err := s.record(ctx, recording, m, at); err != nil {
			return err
		}
		// The event ends subscriptions when it is recorded, and only then. So those end here that are
		// left: of people who came back, of deleted campaigns, and of people with another address.
		ends := map[int64]time.Time{}
		for _, p := range rows {
			if p.Status != kind.SubscriberUnsubscribed {
				ends[p.ID] = at
			}
		}
		if err := s.Subscriptions.Left(ctx, ends); err != nil {
			return err
		}
		l, err = s.leaving(ctx, m, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.Left = true
	return l, nil
}

// record records that the contact left because of the campaign of the run. If the campaign is gone,
// there is nothing to record. What was recorded before stays as it is.
func (s *Service) record(ctx context.Context, r *event.Recording, m *message, at time.Time) error {
	if m.run == nil {
		return nil
	}
	return s.Events.RecordWithin(ctx, r, []event.Event{{
		ID:         fmt.Sprintf("unsubscribe/%d/%d", m.run.ID, m.contact.ID),
		Kind:       kind.EventUnsubscribed,
		CampaignID: m.run.CampaignID,
		ContactID:  m.contact.ID,
		At:         at.Format(time.RFC3339Nano),
		Scope:      kind.LeaveCampaign,
		Sent: &event.Sent{
			RunID: m.run.ID, Variation: m.variation, SubscriberID: m.through, Lists: m.lists,
		},
	}})
}

// leaving describes the subscriptions of a message. Lists that were deleted are not named.
func (s *Service) leaving(ctx context.Context, m *message, of []*ent.Subscriber) (*Leaving, error) {
	all, open := make([]int64, 0, len(of)), make([]int64, 0, len(of))
	for _, p := range of {
		all = append(all, p.ListID)
		if p.Status != kind.SubscriberUnsubscribed {
			open = append(open, p.ListID)
		}
	}
	l := &Leaving{Address: mask(m.contact.Email), Left: len(open) == 0}
	if l.Left {
		open = all
	}
	lists, err := s.db.Client(ctx).SubscriberList.Query().
		Where(subscriberlist.IDIn(open...), subscriberlist.UserID(m.contact.UserID)).
		Order(subscriberlist.ByNameKey(), subscriberlist.ByID()).
		Select(subscriberlist.FieldName).All(ctx)
	for _, list := range lists {
		l.Lists = append(l.Lists, list.Name)
	}
	return l, err
}

// mask returns an address of which nobody learns more than its first character and its domain.
func mask(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return "***"
	}
	_, n := utf8.DecodeRuneInString(email)
	return email[:n] + "***" + email[at:]
}
