package app

import (
	"context"
	"log/slog"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/export"
	"campaignql/internal/live"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/field"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/label"
	"campaignql/internal/people/list"
	"campaignql/internal/people/segment"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/purge"
	"campaignql/internal/secret"
	"campaignql/internal/sending"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/tag"
	"campaignql/internal/tracking"
)

// Services holds the services of all domains over one database.
type Services struct {
	Store     *store.Store
	Accounts  *account.Service
	Campaigns *campaign.Service
	Emails    *content.Service
	Lists     *list.Service
	// Contacts are the people of accounts, Subscribers their subscriptions to lists.
	Contacts    *contact.Service
	Subscribers *subscriber.Service
	// SubscriberTags are the tags of subscribers, Fields their custom fields.
	SubscriberTags *label.Service
	Fields         *field.Service
	Segments       *segment.Service
	Suppressions   *suppression.Service
	// Forgetting forgets people who ask for it.
	Forgetting *forget.Service
	// Audiences evaluates which subscribers an audience reaches.
	Audiences  *query.Service
	Events     *event.Service
	Tags       *tag.Service
	Statistics *statistics.Service
	// Exports writes statistics to files.
	Exports *export.Service
	// Live notifies subscribers of changes of campaigns.
	Live *live.Service
	// Sending sends campaigns.
	Sending *sending.Service
	// Links are the links of messages, nil without a secret. Leaving lets recipients leave through them.
	Links   *tracking.Links
	Leaving *tracking.Service
	// Purges deletes the remains of deleted campaigns, lists, custom fields and subscriber tags, and of
	// forgotten contacts.
	Purges *purge.Service

	publicURL string
}

// ServiceOptions are the settings of the domains. The zero value selects the defaults.
type ServiceOptions struct {
	// Now is the clock of every domain.
	Now func() time.Time
	// Secret is the secret of the installation.
	Secret *secret.Secret
	// PublicURL is the URL under which recipients of messages reach the server, empty if there is none.
	PublicURL string
	// Account are the settings of accounts. Its clock is Now.
	Account account.Options
	// SoftBounceLimit is the limit of event.Options.
	SoftBounceLimit int
	// Live are the settings of Services.Live. Its clock is Now.
	Live live.Options
	// Sending are the settings of Services.Sending. Its clock is Now.
	Sending sending.Options
	Logger  *slog.Logger
}

// NewServices builds the services of all domains.
func NewServices(db *store.Store, opts ServiceOptions) *Services {
	s := &Services{
		Store: db, Statistics: statistics.New(db), Purges: purge.New(db),
		Links: tracking.NewLinks(opts.Secret, opts.PublicURL), publicURL: opts.PublicURL,
	}
	s.Suppressions = suppression.New(db, suppression.Options{
		Now: opts.Now, Secret: opts.Secret,
		Released: func(ctx context.Context, ownerID int64, keys []string) error {
			return s.Contacts.Released(ctx, ownerID, keys)
		},
	})
	s.Contacts = contact.New(db, contact.Options{Now: opts.Now, Forgotten: s.Suppressions})
	opts.Account.Now, opts.Account.Log = opts.Now, opts.Logger
	s.Accounts = account.New(db, opts.Account)
	s.Tags = tag.New(db, tag.Options{Now: opts.Now})
	s.Lists = list.New(db, list.Options{
		Now:    opts.Now,
		Purges: s.Purges,
		Named:  s.inAudiences(func(r rules.References) []rules.Reference { return r.Lists }),
		Deleting: func(ctx context.Context, ids []int64) error {
			return s.Campaigns.ReleaseLists(ctx, ids)
		},
	})
	s.Audiences = query.New(db, query.Options{Now: opts.Now})
	s.Segments = segment.New(db, segment.Options{
		Now: opts.Now, CheckRules: s.Audiences.CheckSegment,
		Editing: func(ctx context.Context, ownerID int64, ids []int64) (func(context.Context) error, error) {
			return s.Campaigns.EditSegment(ctx, ownerID, ids)
		},
		Named: s.inAudiences(func(r rules.References) []rules.Reference { return r.Segments }),
	})
	s.Fields = field.New(db, field.Options{
		Now:    opts.Now,
		Purges: s.Purges,
		Named:  s.inRules(func(r rules.References) []rules.Reference { return r.Fields }),
	})
	s.Subscribers = subscriber.New(db, s.Contacts, unsubscriptions{s}, s.Audiences, subscriber.Options{Now: opts.Now})
	s.SubscriberTags = label.New(db, label.Options{
		Now: opts.Now, Purges: s.Purges, Survivors: s.Subscribers.Survivors,
		Named: s.inRules(func(r rules.References) []rules.Reference { return r.Tags }),
	})
	s.Events = event.New(db, event.Services{
		People: s.Contacts, Subscriptions: s.Subscribers, Suppressions: s.Suppressions,
	}, event.Options{Now: opts.Now, SoftBounceLimit: opts.SoftBounceLimit})
	s.Leaving = tracking.New(db, tracking.Services{
		Contacts: s.Contacts, Subscriptions: s.Subscribers, Events: s.Events,
	}, tracking.Options{Now: opts.Now})
	s.Forgetting = forget.New(db, forget.Services{
		Contacts: s.Contacts, Subscriptions: s.Subscribers, Suppressions: s.Suppressions,
		Runs: sending.NewRuns(db), Purges: s.Purges,
	})
	s.Emails = content.New(db, content.Options{
		Now: opts.Now,
		Deleting: func(ctx context.Context, owners, ids []int64) error {
			return s.Campaigns.ReleaseEmails(ctx, owners, ids)
		},
		Editing: func(ctx context.Context, ownerID, id int64) (func(context.Context) error, error) {
			return s.Campaigns.EditEmail(ctx, ownerID, id)
		},
	})
	s.Campaigns = campaign.New(db, s.Emails, campaign.Options{
		Now: opts.Now, CheckAudience: s.Audiences.Check, Purges: s.Purges, Runs: sending.NewRuns(db),
	})
	opts.Sending.Now, opts.Sending.Log = opts.Now, opts.Logger
	if opts.Sending.UnsubscribeURL == nil {
		opts.Sending.UnsubscribeURL = s.UnsubscribeURL()
	}
	s.Sending = sending.New(db, sending.Services{
		Campaigns: s.Campaigns, Audiences: s.Audiences, Events: s.Events,
	}, opts.Sending)
	s.Exports = export.New(db, s.Campaigns, s.Statistics, export.Options{Now: opts.Now})
	opts.Live.Now, opts.Live.Log = opts.Now, opts.Logger
	s.Live = live.New(db, func(id caller.Identity) (<-chan struct{}, func()) {
		follower := s.Accounts.Follow(id)
		return follower.Ended(), follower.Close
	}, opts.Live)
	return s
}

// UnsubscribeURL returns a function that returns the link by which a recipient of a run leaves. It is
// nil if there can be no such links: without a secret to sign them, or a public URL to lead to.
func (s *Services) UnsubscribeURL() func(runID, contactID int64) string {
	if s.Links == nil || s.publicURL == "" {
		return nil
	}
	return s.Links.Unsubscribe
}

// Close stops the background work of the domains. Call it before the store is closed.
func (s *Services) Close() {
	s.Live.Close()
	s.Accounts.Close()
}

// unsubscriptions passes unsubscriptions to the events service. It exists because events and
// subscribers need each other.
type unsubscriptions struct{ *Services }

// Unsubscribed implements [subscriber.Counter].
func (u unsubscriptions) Unsubscribed(
	ctx context.Context, campaignID int64, of *ent.Subscriber, at time.Time,
) ([]int64, int64, error) {
	return u.Events.Unsubscribed(ctx, campaignID, of, at)
}

// of selects one kind of the references in rules. named returns the first of the ids that rules or
// audiences refer to, and a description of what refers to it.
type (
	of    = func(rules.References) []rules.Reference
	named = func(ctx context.Context, owners, ids []int64) (id int64, by string, err error)
)

// inAudiences checks the audiences of campaigns.
func (s *Services) inAudiences(kind of) named {
	return func(ctx context.Context, owners, ids []int64) (int64, string, error) {
		return s.Campaigns.Naming(ctx, owners, ids, kind)
	}
}

// inRules checks the rules of segments, and then the audiences of campaigns.
func (s *Services) inRules(kind of) named {
	return func(ctx context.Context, owners, ids []int64) (int64, string, error) {
		if id, by, err := s.Segments.Naming(ctx, owners, ids, kind); id != 0 || err != nil {
			return id, by, err
		}
		return s.Campaigns.Naming(ctx, owners, ids, kind)
	}
}
