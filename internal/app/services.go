package app

import (
	"context"
	"log/slog"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/list"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/subscriber"
	"campaignql/internal/tag"
)

// Services are the domains over one database.
type Services struct {
	Store       *store.Store
	Accounts    *account.Service
	Campaigns   *campaign.Service
	Emails      *content.Service
	Lists       *list.Service
	Subscribers *subscriber.Service
	Tags        *tag.Service
	Statistics  *statistics.Service
}

// ServiceOptions are what the domains are built with. The zero value takes their defaults.
type ServiceOptions struct {
	// Now is the clock of every domain.
	Now func() time.Time
	// Account are the settings of accounts; its clock is Now.
	Account account.Options
	Logger  *slog.Logger
}

// NewServices builds the domains.
func NewServices(db *store.Store, opts ServiceOptions) *Services {
	s := &Services{Store: db, Statistics: statistics.New(db)}
	opts.Account.Now, opts.Account.Log = opts.Now, opts.Logger
	s.Accounts = account.New(db, opts.Account)
	s.Tags = tag.New(db, tag.Options{Now: opts.Now})
	s.Lists = list.New(db, list.Options{Now: opts.Now})
	s.Subscribers = subscriber.New(db, s.Statistics, subscriber.Options{Now: opts.Now})
	s.Emails = content.New(db, content.Options{Now: opts.Now, UsedInTests: func(ctx context.Context, ids []int64) ([]int64, error) {
		return s.Campaigns.EmailsInTests(ctx, ids)
	}})
	s.Campaigns = campaign.New(db, s.Emails, campaign.Options{Now: opts.Now})
	return s
}
