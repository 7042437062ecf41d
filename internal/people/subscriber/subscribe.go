package subscriber

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Subscription adds an address to a list.
type Subscription struct {
	ListID int64
	// Email is one plain address; see address.Parse.
	Email string
	// IP is the IP address from which the person subscribed (legacy IPAddress), or "" if it is
	// unknown.
	IP string
	// Fields are values of custom fields, by the id of the field. By the type of the field they are
	// numbers, dates (YYYY-MM-DD, or with HH:MM:SS), booleans, choices, or texts of at most 10,000
	// characters. An empty value clears the field. Fields that are not named keep their value.
	Fields map[int64]string
	// KnownFieldsOnly ignores values for fields that the list does not have. Otherwise they are
	// faults.
	KnownFieldsOnly bool
}

// Subscribe adds an address to a list (legacy Subscriber.Subscribe) and returns the subscriber. The
// subscriber is pending if the list has double opt-in. If the address had unsubscribed or was still
// pending, it is subscribed again: it keeps its id and gets the date, the address and the fields of
// this call. An address that bounced may be on a list, and so may a suppressed one: it gets no mail
// until it is deliverable again, and while it is suppressed.
//
// All faults are reported together: NotFound for the list, reason "list_not_found"; Invalid on
// email, reason "subscriber_address_required" or "subscriber_address_invalid"; Invalid on ip,
// reason "subscriber_ip_invalid"; and Invalid on fields.<id>, reason "custom_field_invalid" or
// "custom_field_not_found". An address that is already subscribed is a Conflict, reason
// "subscriber_exists". Of concurrent calls exactly one subscribes the address.
func (s *Service) Subscribe(ctx context.Context, in Subscription) (*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var subscribed *ent.Subscriber
	// TxLatest reads who is on the list after the contact is locked, and takes no gap locks.
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		b, err := s.single(ctx, in)
		if err != nil {
			return err
		}
		if err := b.write(ctx); err != nil {
			return err
		}
		if b.results[0].Outcome == Exists {
			return exists()
		}
		if err := b.hold(ctx); err != nil {
			return err
		}
		subscribed, err = s.db.Client(ctx).Subscriber.Get(ctx, b.results[0].SubscriberID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return subscribed, nil
}

func exists() error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "email", Reason: apperr.ReasonSubscriberExists,
		Message: "the address is subscribed to the list already",
	}
}

// entry is a person to write to a list.
type entry struct {
	address      address.Address
	ip           string
	values       []fieldValue
	subscribedAt *time.Time
	optedInAt    *time.Time
}

// single checks a subscription and returns it as a batch of one that may subscribe people again.
func (s *Service) single(ctx context.Context, in Subscription) (*batch, error) {
	var faults apperr.Faults
	var e entry
	e.address = readAddress(&faults, in.Email)
	e.ip = readIP(&faults, in.IP)
	b := &batch{
		Service: s, now: store.Truncate(s.now()), options: Addition{Resubscribe: true}, results: make([]Result, 1),
		position: map[string]int{e.address.Key: 0}, looks: true,
	}
	var err error
	if b.list, err = s.list(ctx, in.ListID); err != nil {
		if apperr.CodeOf(err) == apperr.NotFound {
			faults.Add(err)
			return nil, faults.Err()
		}
		return nil, err
	}
	if len(in.Fields) > 0 {
		fields, err := s.fields(ctx, b.list)
		if err != nil {
			return nil, err
		}
		e.values, err = readValues(fields, in.Fields, in.KnownFieldsOnly)
		faults.Add(err)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	b.rows = []entry{e}
	return b, nil
}

// readAddress parses an address. A text that is no address has a key too.
func readAddress(faults *apperr.Faults, given string) address.Address {
	a, err := address.Parse(given)
	switch {
	case err == nil:
	case errors.Is(err, address.ErrEmpty):
		faults.Add(apperr.InvalidField("email", apperr.ReasonSubscriberAddressRequired, "is required"))
	default:
		faults.Add(apperr.InvalidField("email", apperr.ReasonSubscriberAddressInvalid, "%v", err))
		a.Key = address.Key(given)
	}
	return a
}

func readIP(faults *apperr.Faults, given string) string {
	given = strings.TrimSpace(given)
	if given == "" {
		return ""
	}
	ip, err := netip.ParseAddr(given)
	if err != nil || ip.Zone() != "" {
		faults.Add(apperr.InvalidField("ip", apperr.ReasonSubscriberIPInvalid, "must be an IPv4 or IPv6 address"))
		return ""
	}
	return ip.Unmap().String()
}

// personColumns are the columns of a person who enters a list.
var personColumns = []string{
	entsubscriber.FieldUserID, entsubscriber.FieldListID, entsubscriber.FieldContactID, entsubscriber.FieldEmail,
	entsubscriber.FieldEmailKey, entsubscriber.FieldStatus,
	entsubscriber.FieldBounce, entsubscriber.FieldSubscriptionIP, entsubscriber.FieldSubscribedAt,
	entsubscriber.FieldOptedInAt, entsubscriber.FieldUnsubscribedAt, entsubscriber.FieldCreatedAt,
}

// personDefaults are the defaults of columns of personColumns in the database.
var personDefaults = map[string]any{
	entsubscriber.FieldStatus:         string(entsubscriber.DefaultStatus),
	entsubscriber.FieldBounce:         string(entsubscriber.DefaultBounce),
	entsubscriber.FieldSubscriptionIP: "",
	entsubscriber.FieldOptedInAt:      nil, entsubscriber.FieldUnsubscribedAt: nil,
}

// enteredColumns are the columns that are overwritten if a person enters a list again.
var enteredColumns = []string{
	entsubscriber.FieldEmail, entsubscriber.FieldStatus, entsubscriber.FieldSubscriptionIP,
	entsubscriber.FieldSubscribedAt, entsubscriber.FieldOptedInAt, entsubscriber.FieldUnsubscribedAt,
}

// people returns the rows of people who enter the list now.
func (b *batch) people(some []entry) [][]any {
	rows := make([][]any, len(some))
	for i, e := range some {
		contact := b.contacts[e.address.Key]
		status, subscribed, confirmed := kind.SubscriberSubscribed, b.now, any(nil)
		if b.list.DoubleOptIn && e.optedInAt == nil {
			status = kind.SubscriberPending
		}
		if e.subscribedAt != nil {
			subscribed = store.Truncate(*e.subscribedAt)
		}
		if e.optedInAt != nil {
			confirmed = store.Truncate(*e.optedInAt)
		}
		rows[i] = []any{
			b.list.UserID, b.list.ID, contact.ID, e.address.Text, e.address.Key, string(status),
			string(contact.Deliverability), e.ip, subscribed, confirmed, nil, b.now,
		}
	}
	return rows
}
