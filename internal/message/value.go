package message

import (
	"slices"
	"strings"

	"campaignql/internal/kind"
)

// Value is something with one value for a person or a run that a tag can read. String returns its
// name as it stands in a tag.
type Value uint8

// The values by their owner. A value without a source in the database is just never set.
const (
	_ Value = iota
	// SubscriberEmailAddress is the Address of the Recipient. It need not be set.
	SubscriberEmailAddress
	// SubscriberFirstName is only read where the account has no custom field of this name.
	SubscriberFirstName
	// SubscriberLastName is only read where the account has no custom field of this name.
	SubscriberLastName
	// SubscriberID is the tag SubscriberID.
	SubscriberID
	SubscriberStatus
	SubscriberSubscriptionDate
	SubscriberSubscriptionIP
	SubscriberOptInDate
	SubscriberHashedID
	UserFirstName
	UserLastName
	UserEmailAddress
	UserCompanyName
	UserWebsite
	UserStreet
	UserCity
	UserState
	UserZip
	UserCountry
	UserPhone
	UserFax
	UserTimeZone
	ListID
	ListName
	ListSenderName
	ListSenderEmailAddress
	ListSenderAddress
	ListSenderCompany
	CampaignID
	CampaignHashedID
	CampaignName
	valueCount
)

var valueNames = [valueCount]string{
	SubscriberEmailAddress:     "Subscriber:EmailAddress",
	SubscriberFirstName:        "Subscriber:FirstName",
	SubscriberLastName:         "Subscriber:LastName",
	SubscriberID:               "Subscriber:SubscriberID",
	SubscriberStatus:           "Subscriber:Status",
	SubscriberSubscriptionDate: "Subscriber:SubscriptionDate",
	SubscriberSubscriptionIP:   "Subscriber:SubscriptionIP",
	SubscriberOptInDate:        "Subscriber:OptInDate",
	SubscriberHashedID:         "Subscriber:HashedSubscriberID",
	UserFirstName:              "User:FirstName",
	UserLastName:               "User:LastName",
	UserEmailAddress:           "User:EmailAddress",
	UserCompanyName:            "User:CompanyName",
	UserWebsite:                "User:Website",
	UserStreet:                 "User:Street",
	UserCity:                   "User:City",
	UserState:                  "User:State",
	UserZip:                    "User:Zip",
	UserCountry:                "User:Country",
	UserPhone:                  "User:Phone",
	UserFax:                    "User:Fax",
	UserTimeZone:               "User:TimeZone",
	ListID:                     "List:ListID",
	ListName:                   "List:Name",
	ListSenderName:             "List:SenderName",
	ListSenderEmailAddress:     "List:SenderEmailAddress",
	ListSenderAddress:          "List:SenderAddress",
	ListSenderCompany:          "List:SenderCompany",
	CampaignID:                 "Campaign:CampaignID",
	CampaignHashedID:           "Campaign:HashedCampaignID",
	CampaignName:               "Campaign:Name",
}

func (v Value) String() string { return valueNames[v] }

// Personal reports whether the value is one of the subscriber: it belongs in Recipient.Values. All
// others are those of the run.
func (v Value) Personal() bool { return v <= SubscriberHashedID }

// valuesByName finds a value by its name in lower case.
var valuesByName = func() map[string]Value {
	all := make(map[string]Value, valueCount)
	for v := Value(1); v < valueCount; v++ {
		all[strings.ToLower(v.String())] = v
	}
	return all
}()

// Values are values as text for people: dates and numbers are formatted already.
type Values [valueCount]string

// Needs is what a content reads.
type Needs struct {
	// Values in the order of their declaration.
	Values []Value
	// Fields are ids of custom fields, ascending.
	Fields []int64
	// UnsubscribeLink says that a text holds the link, so that the envelope must have its URL.
	UnsubscribeLink bool
}

// Has reports whether the content reads a value.
func (n Needs) Has(v Value) bool { return slices.Contains(n.Values, v) }

// Fields are custom fields with the names that tags can use for them. The zero value has none.
type Fields struct {
	ids   map[int64]bool
	names map[string][]int64
}

// Add adds a field with its name and aliases. CustomFieldN, N being the id, names it always. Fields
// of several lists may share a name: a tag reads the first of them, in the order of Add, that has a
// value for the person.
func (f *Fields) Add(id int64, names ...string) {
	if f.ids == nil {
		f.ids, f.names = map[int64]bool{}, map[string][]int64{}
	}
	f.ids[id] = true
	for _, name := range names {
		key := fieldKey(name)
		if key != "" && !slices.Contains(f.names[key], id) {
			f.names[key] = append(f.names[key], id)
		}
	}
}

// fieldKey is the spelling by which names of fields are compared.
func fieldKey(name string) string { return kind.FoldPart(strings.TrimSpace(name)) }
