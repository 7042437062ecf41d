package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"campaignql/graph/gid"
	"campaignql/graph/scalar"
	"campaignql/internal/apperr"
	"campaignql/internal/event"
	"campaignql/internal/kind"
)

// line is one line of the stream: its event, and its fault if it cannot be parsed.
type line struct {
	event event.Event
	fault *apperr.Error
	// size is the length of the line in bytes, an upper bound of the memory that the event holds.
	size int64
}

// number is an id, which JSON may hold as a string or as a number.
type number string

// UnmarshalJSON implements [json.Unmarshaler].
func (n *number) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*n = number(s)
		return nil
	}
	var whole json.Number
	if err := json.Unmarshal(text, &whole); err != nil {
		return errors.New("an id is a text or a number")
	}
	*n = number(whole)
	return nil
}

// object is the JSON object of an event. The names are those of the GraphQL input.
type object struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	CampaignID   number `json:"campaignId"`
	SubscriberID number `json:"subscriberId"`
	ContactID    number `json:"contactId"`
	EmailAddress string `json:"emailAddress"`
	At           string `json:"at"`
	URL          string `json:"url"`
	Reason       string `json:"reason"`
	UserAgent    string `json:"userAgent"`
	IP           string `json:"ip"`
	Amount       money  `json:"amount"`
	Currency     string `json:"currency"`
	Scope        string `json:"scope"`
	// The names that senders used before those above. A line may have both if they mean the same.
	Campaign   number `json:"campaign"`
	Subscriber number `json:"subscriber"`
	Contact    number `json:"contact"`
	Email      string `json:"email"`
}

// money is the value of a conversion: a number, with the currency in a field of the line, or the object
// of the GraphQL input, which has both.
type money struct {
	value    float64
	currency string
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *money) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &m.value) == nil {
		return nil
	}
	var o struct {
		Amount   any     `json:"amount"`
		Currency *string `json:"currency"`
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	in.UseNumber()
	if in.Decode(&o) != nil {
		return errors.New("amount must be a number, or an object of amount and currency")
	}
	amount, err := scalar.UnmarshalDecimal(o.Amount)
	if err == nil {
		m.value, err = strconv.ParseFloat(amount, 64)
	}
	if err != nil {
		return errors.New("amount.amount must be a decimal number, such as \"49.90\"")
	}
	if o.Currency != nil {
		m.currency = *o.Currency
	}
	return nil
}

// twice returns the message for two names of one field whose values mean different things, or "".
func (o object) twice() string {
	alike := func(kind gid.Kind, x, y number) bool {
		var faults apperr.Faults
		same := identify(&faults, kind, "", string(x)) == identify(&faults, kind, "", string(y))
		return x == y || same && faults.Err() == nil
	}
	for _, pair := range []struct {
		name, value, former, formerValue string
		alike                            bool
	}{
		{"campaignId", string(o.CampaignID), "campaign", string(o.Campaign), alike(gid.Campaign, o.CampaignID, o.Campaign)},
		{
			"subscriberId", string(o.SubscriberID), "subscriber", string(o.Subscriber),
			alike(gid.Subscriber, o.SubscriberID, o.Subscriber),
		},
		{"contactId", string(o.ContactID), "contact", string(o.Contact), alike(gid.Contact, o.ContactID, o.Contact)},
		{"emailAddress", o.EmailAddress, "email", o.Email, strings.EqualFold(o.EmailAddress, o.Email)},
		{
			"amount.currency", o.Amount.currency, "currency", o.Currency,
			strings.EqualFold(o.Amount.currency, o.Currency),
		},
	} {
		if pair.value != "" && pair.formerValue != "" && !pair.alike {
			return pair.name + " and " + pair.former + " are two names of one field and differ: give " + pair.name + " alone"
		}
	}
	return ""
}

// parse parses a line. It keeps no more of the line than an event may hold, because thousands of
// lines may wait. A line that is not a JSON object of an event gets a fault, and its id if that can
// be parsed.
func parse(text []byte) line {
	var o object
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	err := in.Decode(&o)
	if err == nil {
		if _, after := in.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		var known struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(text, &known) // best effort
		return line{
			event: event.Event{ID: known.ID}.Fit(),
			fault: apperr.New(apperr.Invalid, "the line is no event: %s", reason(err)),
		}
	}
	if both := o.twice(); both != "" {
		return line{
			event: event.Event{ID: o.ID}.Fit(), fault: apperr.New(apperr.Invalid, "the line is no event: %s", both),
		}
	}
	e := event.Event{
		ID:        o.ID,
		Email:     cmp.Or(o.EmailAddress, o.Email),
		At:        o.At,
		URL:       o.URL,
		Reason:    o.Reason,
		UserAgent: o.UserAgent,
		IP:        o.IP,
		Amount:    o.Amount.value,
		Currency:  cmp.Or(o.Amount.currency, o.Currency),
	}
	e.Kind = kind.EventKind(named(o.Kind))
	e.Scope = kind.LeaveScope(named(o.Scope))
	var faults apperr.Faults
	e.CampaignID = identify(&faults, gid.Campaign, "campaignId", string(cmp.Or(o.CampaignID, o.Campaign)))
	e.SubscriberID = identify(&faults, gid.Subscriber, "subscriberId", string(cmp.Or(o.SubscriberID, o.Subscriber)))
	e.ContactID = identify(&faults, gid.Contact, "contactId", string(cmp.Or(o.ContactID, o.Contact)))
	e.Fault = faults.Err()
	return line{event: e.Fit()}
}

// named returns the stored spelling of a value of an enum, which stands in upper case as in GraphQL.
// Of another spelling it returns a text that is no such value.
func named(text string) string {
	if text != strings.ToUpper(text) {
		return "?"
	}
	return strings.ToLower(text)
}

// identify parses an id. It returns 0 if the id is missing; the domain reports that.
func identify(faults *apperr.Faults, of gid.Kind, name, text string) int64 {
	if text == "" {
		return 0
	}
	id, err := gid.Decode(of, text)
	if err != nil {
		faults.Add(apperr.InvalidField(name, apperr.ReasonIDInvalid, "%s", err.Error()))
	}
	return id
}

// reason returns the message of the decoder without Go names.
func reason(err error) string {
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		if typed.Field == "" {
			return "it must be a JSON object"
		}
		return typed.Field + " must not be a " + typed.Value
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

type answer struct {
	ID      string `json:"id"`
	Result  string `json:"result"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

func (a *answer) reject(err *apperr.Error) {
	a.Result, a.Code, a.Message = string(event.Rejected), string(err.Code), err.Error()
}
