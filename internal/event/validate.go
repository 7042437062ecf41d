package event

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// Limits of what an event carries.
const (
	maxID = 200
	// maxURL and maxText are in bytes. Longer texts are cut.
	maxURL  = 2000
	maxText = 1000
	// maxAmount keeps the sum of any number of conversions within the range of the counters.
	maxAmount = 1e9
	// ahead is how far the clock of a sender may be ahead of the server's clock.
	ahead = time.Hour
	// maxClockSkew is how far it may be behind, so that a person who unsubscribes just after subscribing
	// is unsubscribed.
	maxClockSkew = contact.MaxClockSkew
)

// beginning is earlier than any campaign.
var beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// entry is a validated event with the data that was looked up for it.
type entry struct {
	Event
	// index is its position in the batch.
	index     int
	key       string
	emailKey  string
	at        time.Time
	automated bool
	// clicked is the link of a click, if it has one.
	clicked target
	// cents is the amount in hundredths.
	cents int64
	// contactID is the person and subscription the subscription through which the campaign came, 0
	// if it is not known. owner and domain belong to the person; link is the id of the link counter.
	contactID, subscription int64
	// present is the person to whom the subscription belongs since it got another address, otherwise 0.
	present int64
	owner   int64
	domain  string
	link    int64
}

// read validates the events and returns the valid ones. It sets the results of the others.
func (s *Service) read(events []Event, results []Result) []*entry {
	now := store.Truncate(s.now())
	agents, links := map[string]bool{}, map[string]target{}
	read := make([]*entry, 0, len(events))
	entries := make([]entry, len(events))
	for i, given := range events {
		results[i] = Result{ID: given.ID}
		e := &entries[i]
		*e = entry{Event: given, index: i}
		if err := e.check(now); err != nil {
			results[i].Outcome, results[i].Err = Rejected, apperr.All(err)[0]
			continue
		}
		if e.Kind == kind.EventOpened || e.Kind == kind.EventClicked {
			known, seen := agents[e.UserAgent]
			if !seen {
				known = Automated(e.UserAgent)
				agents[e.UserAgent] = known
			}
			e.automated = known
		}
		e.readLink(links)
		read = append(read, e)
	}
	return read
}

func (e *entry) check(now time.Time) error {
	var faults apperr.Faults
	invalid := func(field string, reason apperr.Reason, format string, args ...any) {
		faults.Add(apperr.InvalidField(field, reason, format, args...))
	}
	faults.Add(e.Fault)
	if e.ID == "" || utf8.RuneCountInString(e.ID) > maxID || !utf8.ValidString(e.ID) ||
		strings.ContainsFunc(e.ID, unicode.IsControl) {
		invalid("id", apperr.ReasonEventIDInvalid, "must be 1 to %d characters without control characters", maxID)
	}
	if !slices.Contains(kind.EventKind("").Values(), string(e.Kind)) {
		invalid("kind", apperr.ReasonEventKindUnknown, "is not a known kind of event")
	}
	if e.CampaignID == 0 {
		invalid("campaignId", apperr.ReasonCampaignRequired, "is required")
	}
	e.checkRecipient(invalid)
	at, err := time.Parse(time.RFC3339Nano, e.At)
	switch e.at = store.Truncate(at); {
	case err != nil:
		invalid("at", apperr.ReasonInstantInvalid, "must be an instant of RFC 3339, such as 2026-11-23T10:00:00Z")
	case e.at.Before(beginning) || e.at.After(now.Add(ahead)):
		invalid("at", apperr.ReasonInstantOutOfRange, "must lie between the year 2000 and an hour from now")
	case e.at.After(now): // what is recorded has happened: a later instant would hide what happens until then
		e.at = now
	}
	e.checkClick(invalid)
	e.checkConversion(invalid)
	e.checkScope(invalid)
	if e.IP != "" {
		if ip, err := netip.ParseAddr(e.IP); err != nil || ip.Zone() != "" {
			invalid("ip", apperr.ReasonIPInvalid, "must be an IP address")
		}
	}
	e.Reason, e.UserAgent = cut(e.Reason), cut(e.UserAgent)
	e.key = Key(e.CampaignID, e.ID)
	return faults.Err()
}

// Key returns the primary key of an event: the campaign and a digest of the sender's id. Recording
// the same event twice therefore violates the unique key.
func Key(campaignID int64, sendersID string) string {
	digest := sha256.Sum256([]byte(sendersID))
	return strconv.FormatInt(campaignID, 10) + "-" + hex.EncodeToString(digest[:12])
}

type invalid = func(field string, reason apperr.Reason, format string, args ...any)

func (e *entry) checkRecipient(invalid invalid) {
	switch {
	case e.SubscriberID == 0 && e.ContactID == 0 && e.Email == "":
		invalid("subscriberId", apperr.ReasonSubscriberRequired, "subscriberId, contactId or emailAddress is required")
	case e.SubscriberID != 0 && e.ContactID != 0:
		invalid("contactId", apperr.ReasonSubscriberTwice, "give one of subscriberId, contactId and emailAddress")
	case (e.SubscriberID != 0 || e.ContactID != 0) && e.Email != "":
		invalid("emailAddress", apperr.ReasonSubscriberTwice, "give one of subscriberId, contactId and emailAddress")
	case e.Email != "":
		parsed, err := address.Parse(e.Email)
		if err != nil {
			invalid("emailAddress", apperr.ReasonEmailAddressInvalid, "%v", err)
		}
		e.emailKey = parsed.Key
	}
}

func (e *entry) checkClick(invalid invalid) {
	if e.URL != "" && e.Kind != kind.EventClicked {
		invalid("url", apperr.ReasonURLUnexpected, "only a click has a URL")
	}
}

// readLink finds the link of a click. No URL makes a click invalid: one that is no link is ignored.
// URLs that the batch has already read are in links.
func (e *entry) readLink(links map[string]target) {
	switch {
	case e.URL == "":
	case e.fit != nil:
		e.clicked = *e.fit
	default:
		known, seen := links[e.URL]
		if !seen {
			known = readTarget(e.URL)
			links[e.URL] = known
		}
		e.clicked = known
	}
}

func (e *entry) checkScope(invalid invalid) {
	switch {
	case e.Scope == "":
	case e.Kind != kind.EventUnsubscribed:
		invalid("scope", apperr.ReasonScopeUnexpected, "only an unsubscription has a scope")
	case !slices.Contains(kind.LeaveScope("").Values(), string(e.Scope)):
		invalid("scope", apperr.ReasonScopeUnknown, "must be CAMPAIGN or ACCOUNT")
	}
}

func (e *entry) checkConversion(invalid invalid) {
	if e.Kind != kind.EventConverted {
		if e.Amount != 0 || e.Currency != "" {
			invalid("amount", apperr.ReasonAmountUnexpected, "only a conversion has an amount")
		}
		return
	}
	cents := math.Round(e.Amount * 100)
	if !(e.Amount >= 0 && e.Amount <= maxAmount) || math.Abs(e.Amount*100-cents) > 1e-3 {
		invalid("amount", apperr.ReasonAmountInvalid, "must be 0 to %d with at most two decimals", int64(maxAmount))
		return
	}
	e.cents = int64(cents)
	e.Currency = strings.ToUpper(e.Currency)
	if e.Currency != "" &&
		(len(e.Currency) != 3 || strings.ContainsFunc(e.Currency, func(r rune) bool { return r < 'A' || r > 'Z' })) {
		invalid("currency", apperr.ReasonCurrencyInvalid, "must be three letters, such as EUR")
	}
}

// Fit returns the event with texts of bounded length, about 10 kB in total, for callers that keep
// events in memory before recording. It does not change what is recorded: a text that Record would
// cut is cut now, and a text that is too long stays too long.
func (e Event) Fit() Event {
	e.Reason, e.UserAgent = cut(e.Reason), cut(e.UserAgent)
	e.ID = beyond(e.ID, maxID*utf8.UTFMax)
	if len(e.URL) > maxURL {
		t := readTarget(e.URL) // by the whole URL
		e.fit, e.URL = &t, cutAt(kind.Clean(e.URL), maxURL)
	}
	for _, text := range []*string{&e.Email, &e.At, &e.IP, &e.Currency, (*string)(&e.Scope)} {
		*text = beyond(*text, maxText)
	}
	return e
}

// beyond cuts a text slightly above a limit in bytes, so that it stays as invalid as the whole
// text.
func beyond(text string, limit int) string {
	if len(text) <= limit+utf8.UTFMax {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:limit+utf8.UTFMax], ""))
}

// cut returns the text, cut to the size of the column.
func cut(text string) string {
	text = kind.Clean(text)
	if len(text) <= maxText {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:maxText], ""))
}
