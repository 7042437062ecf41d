// Package gid owns the two identifiers of an object: the opaque global id, which is unique across
// types, and the legacy number. It must not know the database or the schema.
package gid

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Kind is the type of the object that a global id identifies.
type Kind string

const (
	Campaign       Kind = "Campaign"
	CampaignRun    Kind = "CampaignRun"
	Tag            Kind = "Tag"
	Email          Kind = "Email"
	SubscriberList Kind = "SubscriberList"
	Subscriber     Kind = "Subscriber"
	Contact        Kind = "Contact"
	CustomField    Kind = "CustomField"
	Segment        Kind = "Segment"
	SubscriberTag  Kind = "SubscriberTag"
	Suppression    Kind = "Suppression"
	User           Kind = "User"
	APIKey         Kind = "ApiKey"
)

// Parts of a campaign and of a run, entries of its history, and users as those who made them. A part has the id
// of its whole, under a name of its own, so that caches of clients tell them apart. They cannot be
// fetched by their ids.
const (
	CampaignStatistics Kind = "CampaignStatistics"
	CampaignSchedule   Kind = "CampaignSchedule"
	CampaignAudience   Kind = "CampaignAudience"
	ABTest             Kind = "ABTest"
	AutoResend         Kind = "AutoResend"
	CampaignChange     Kind = "CampaignChange"
	RunCounts          Kind = "RunCounts"
	Actor              Kind = "Actor"
)

var kinds = map[Kind]bool{
	Campaign:       true,
	CampaignRun:    true,
	Tag:            true,
	Email:          true,
	SubscriberList: true,
	Subscriber:     true,
	Contact:        true,
	CustomField:    true,
	Segment:        true,
	SubscriberTag:  true,
	Suppression:    true,
	User:           true,
	APIKey:         true,
}

// Encode returns the global id of an object.
func Encode(kind Kind, id int64) string {
	text := make([]byte, 0, 32)
	text = append(text, kind...)
	text = append(text, ':')
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt(text, id, 10))
}

// Decode parses an identifier of an object of the kind: its global id or its legacy number. The
// error describes what the text is instead.
func Decode(kind Kind, text string) (int64, error) {
	if number, ok := parseNumber(text); ok {
		return number, nil
	}
	found, number, ok := Parse(text)
	switch {
	case !ok:
		return 0, fmt.Errorf("%q is neither a global id nor a legacy number", Shorten(text))
	case found != kind:
		return 0, fmt.Errorf("%q is the id of a %s, a %s is needed", Shorten(text), found, kind)
	}
	return number, nil
}

// Parse parses a global id of any kind.
func Parse(text string) (Kind, int64, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", 0, false
	}
	name, digits, ok := strings.Cut(string(raw), ":")
	number, valid := parseNumber(digits)
	if !ok || !valid || !kinds[Kind(name)] {
		return "", 0, false
	}
	return Kind(name), number, true
}

// parseNumber parses a positive whole number without a sign or leading zeros.
func parseNumber(text string) (int64, bool) {
	number, err := strconv.ParseInt(text, 10, 64)
	return number, err == nil && number > 0 && text[0] != '+' && text[0] != '0'
}

// Shorten returns an invalid id for use in a message, cut to 40 bytes.
func Shorten(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}
