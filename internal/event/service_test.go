package event_test

import (
	"campaignql/internal/event"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/store"
)

// newService returns a service that uses the real services for people and suppressions.
func newService(db *store.Store, opts event.Options) *event.Service {
	people := subscriber.New(db, nil, nil, subscriber.Options{})
	return event.New(db, people, suppression.New(db, suppression.Options{}), opts)
}
