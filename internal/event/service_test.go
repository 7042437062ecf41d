package event_test

import (
	"campaignql/internal/event"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/store"
)

// newService returns a service that uses the real services for people and suppressions.
func newService(db *store.Store, opts event.Options) *event.Service {
	contacts := contact.New(db, contact.Options{})
	return event.New(db, event.Services{
		People:        contacts,
		Subscriptions: subscriber.New(db, contacts, nil, nil, subscriber.Options{}),
		Suppressions:  suppression.New(db, suppression.Options{}),
	}, opts)
}
