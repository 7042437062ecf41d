package subscriber

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// maxAddressKey is what the column of the folded address holds, in characters.
const maxAddressKey = 254

// Subscription puts an address onto a list.
type Subscription struct {
	ListID int64
	// Email is one bare address of at most 254 bytes.
	Email string
	// IP is the address from which the person asked for it (legacy IPAddress); empty when it is not known.
	IP string
	// Fields are values of custom fields, by the id of the field: numbers, dates (YYYY-MM-DD, or with HH:MM:SS), booleans and choices by the field's
	// type, texts of at most 10,000 characters. An empty one clears the field; fields that are not named keep their value.
	Fields map[int64]string
	// KnownFieldsOnly passes over values for fields that the list does not have; they are faults otherwise.
	KnownFieldsOnly bool
}

// Subscribe puts an address onto a list (legacy Subscriber.Subscribe) and returns the subscriber, pending where the list has double opt-in. One that
// had unsubscribed, or was still pending, enters again: it keeps its id and takes the date, the address and the fields of this call. What bounced
// stays marked. An address that the account suppresses may be on a list too: it is not written to as long as it is suppressed.
//
// The faults are reported together: the list as NotFound, reason "list_not_found"; Invalid on email, reason "subscriber_address_required" or
// "subscriber_address_invalid", on ip, reason "subscriber_ip_invalid", and on fields.<id>, reason "custom_field_invalid" or "custom_field_not_found".
// An address that is subscribed already is a Conflict, reason "subscriber_exists"; of calls at the same time exactly one subscribes it.
func (s *Service) Subscribe(ctx context.Context, in Subscription) (*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var subscribed *ent.Subscriber
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		e, err := s.read(ctx, in)
		if err != nil {
			return err
		}
		subscribed, err = s.enter(ctx, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return subscribed, nil
}

// entry is a subscription as it is to be written.
type entry struct {
	list       *ent.SubscriberList
	email, key string
	ip         string
	values     []fieldValue
}

// read checks a subscription.
func (s *Service) read(ctx context.Context, in Subscription) (entry, error) {
	var faults apperr.Faults
	var e entry
	e.email, e.key = readAddress(&faults, in.Email)
	e.ip = readIP(&faults, in.IP)
	var err error
	if e.list, err = s.list(ctx, in.ListID); err != nil {
		if apperr.CodeOf(err) == apperr.NotFound {
			faults.Add(err)
			return e, faults.Err()
		}
		return e, err
	}
	if len(in.Fields) > 0 {
		fields, err := s.fields(ctx, e.list)
		if err != nil {
			return e, err
		}
		e.values, err = readValues(fields, in.Fields, in.KnownFieldsOnly)
		faults.Add(err)
	}
	return e, faults.Err()
}

// readAddress returns an address as it is stored, and its key.
func readAddress(faults *apperr.Faults, given string) (email, key string) {
	email = strings.TrimSpace(kind.Clean(given))
	key = addressKey(email)
	switch {
	case email == "":
		faults.Add(apperr.InvalidField("email", "subscriber_address_required", "is required"))
	case !kind.IsAddress(email) || utf8.RuneCountInString(key) > maxAddressKey:
		faults.Add(apperr.InvalidField("email", "subscriber_address_invalid", "must be one email address of at most %d bytes, without a name", kind.MaxAddress))
	}
	return email, key
}

// addressKey folds an address whole, up to one character more than a key may have.
func addressKey(email string) string { return kind.Fold(kind.Clean(email), maxAddressKey+1) }

func readIP(faults *apperr.Faults, given string) string {
	given = strings.TrimSpace(given)
	if given == "" {
		return ""
	}
	ip, err := netip.ParseAddr(given)
	if err != nil || ip.Zone() != "" {
		faults.Add(apperr.InvalidField("ip", "subscriber_ip_invalid", "must be an IPv4 or IPv6 address"))
		return ""
	}
	return ip.Unmap().String()
}

// enter writes an entry: a new subscriber, or one that is on the list already. What another call did meanwhile makes the transaction run again.
func (s *Service) enter(ctx context.Context, e entry) (*ent.Subscriber, error) {
	client := s.db.Client(ctx)
	status, now := kind.SubscriberSubscribed, store.Truncate(s.now())
	if e.list.DoubleOptIn {
		status = kind.SubscriberPending
	}
	present, err := client.Subscriber.Query().Where(entsubscriber.ListID(e.list.ID), entsubscriber.EmailKey(e.key)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return s.add(ctx, e, status, now)
	case err != nil:
		return nil, err
	case present.Status == kind.SubscriberSubscribed:
		return nil, &apperr.Error{Code: apperr.Conflict, Field: "email", Reason: "subscriber_exists", Message: "the address is subscribed to the list already"}
	}
	update := client.Subscriber.Update().
		Where(entsubscriber.ID(present.ID), entsubscriber.StatusEQ(present.Status)).
		SetEmail(e.email).SetStatus(status).SetSubscriptionIP(e.ip).SetSubscribedAt(now).ClearOptedInAt().ClearUnsubscribedAt()
	if n, err := update.Save(ctx); err != nil {
		return nil, err
	} else if n == 0 {
		return nil, store.ErrStale
	}
	if err := s.writeValues(ctx, present.UserID, present.ID, e.values); err != nil {
		return nil, err
	}
	return client.Subscriber.Get(ctx, present.ID)
}

// add puts a new subscriber onto the list.
func (s *Service) add(ctx context.Context, e entry, status kind.SubscriberStatus, now time.Time) (*ent.Subscriber, error) {
	made, err := s.db.Client(ctx).Subscriber.Create().
		SetUserID(e.list.UserID).SetListID(e.list.ID).
		SetEmail(e.email).SetEmailKey(e.key).SetDomain(e.key[strings.LastIndexByte(e.key, '@')+1:]).
		SetStatus(status).SetSubscriptionIP(e.ip).SetSubscribedAt(now).SetCreatedAt(now).
		Save(ctx)
	if store.IsDuplicate(err) {
		return nil, store.ErrStale
	}
	if err != nil {
		return nil, err
	}
	return made, s.writeValues(ctx, made.UserID, made.ID, e.values)
}
