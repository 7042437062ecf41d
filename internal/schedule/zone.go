package schedule

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // embedded, so that a server without zone files uses the same zones
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"campaignql/internal/apperr"
)

//go:generate go run genzones.go

// zoneList has every name of the zone database, one per line. Only these names may reach
// time.LoadLocation.
//
//go:embed zones.txt
var zoneList string

// MaxZoneLength is the maximum length of a zone text, in characters.
const MaxZoneLength = 100

// ParseZone parses a time zone in any form that users have stored:
//
//   - a name of the IANA database, ignoring case: Europe/Berlin, UTC, GMT, and Z for UTC.
//     Etc/GMT+3 is one of these names, and by the convention of that database it is west of
//     Greenwich;
//   - an offset from UTC, -12:00 to +14:00: +03:00, -0330, +3, UTC+3, GMT-03:30;
//   - the legacy form (GMT-03:00) Brasilia, also with several cities or none. The result is the
//     zone of the first city with that offset, or else the fixed offset. A zone has the offset if
//     its clocks show it at some time of the year, in winter or in summer, under the last rules in
//     the database. The result therefore depends only on the database and not on the current date.
//
// Space around the text is ignored. "Local", paths, control characters and texts longer than
// MaxZoneLength are rejected. The error is an *apperr.Error with code Invalid and Reason
// apperr.ReasonTimeZoneInvalid.
func ParseZone(text string) (*time.Location, error) {
	if utf8.RuneCountInString(text) > MaxZoneLength {
		return nil, zoneError("the time zone is longer than %d characters", MaxZoneLength)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, zoneError("a time zone is required, such as Europe/Berlin")
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, zoneError("%s is not a time zone: it holds characters that cannot be printed", quoted(text))
	}
	if loc, ok := namedZone(text); ok {
		return loc, nil
	}
	text = strings.ReplaceAll(text, "\u2212", "-") // the typographic minus sign
	if m := offsetForm.FindStringSubmatch(text); m != nil {
		offset, ok := offsetSeconds(m[1], m[2])
		if !ok {
			return nil, zoneError("%s is not an offset from UTC; write -12:00 to +14:00", quoted(text))
		}
		return fixedZone(offset), nil
	}
	if m := legacyForm.FindStringSubmatch(text); m != nil {
		offset, ok := offsetSeconds(m[1], m[2])
		if !ok {
			return nil, zoneError("%s does not hold an offset from UTC between -12:00 and +14:00", quoted(text))
		}
		return legacyZone(offset, m[3]), nil
	}
	return nil, zoneError("%s is not a time zone; write %s", quoted(text), suggestion(text))
}

func zoneError(format string, args ...any) error {
	return &apperr.Error{
		Code: apperr.Invalid, Reason: apperr.ReasonTimeZoneInvalid, Message: fmt.Sprintf(format, args...),
	}
}

var (
	offsetForm = regexp.MustCompile(`^(?i:UTC|GMT)?\s*([+-])(\d\d?|\d\d?:\d\d|\d{4})$`)
	// In the legacy form a blank may replace the plus sign, because an unescaped "+" in a submitted
	// form is decoded as a blank.
	legacyForm = regexp.MustCompile(`^\(\s*(?i:UTC|GMT)(?:(?:\s*([+-])\s*|\s+)(\d\d?|\d\d?:\d\d|\d{4}))?\s*\)(.*)$`)
)

// offsetSeconds parses an offset that one of the expressions above has matched; no digits mean
// zero. ok is false if no place on Earth has this offset.
func offsetSeconds(sign, digits string) (int, bool) {
	hours, minutes, ok := strings.Cut(digits, ":")
	if !ok && len(digits) == len("hhmm") {
		hours, minutes = digits[:2], digits[2:]
	}
	// The expressions match only digits or nothing, so the only possible error is an empty text,
	// which is zero.
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	offset := h*3600 + m*60
	if sign == "-" {
		offset = -offset
	}
	return offset, m < 60 && offset >= -12*3600 && offset <= 14*3600
}

func fixedZone(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	sign, size := '+', offset
	if offset < 0 {
		sign, size = '-', -offset
	}
	return time.FixedZone(fmt.Sprintf("%c%02d:%02d", sign, size/3600, size/60%60), offset)
}

// legacyZone returns the zone of the first city that has the offset, or else the fixed offset.
func legacyZone(offset int, cities string) *time.Location {
	for _, city := range append([]string{cities}, strings.FieldsFunc(cities, isCitySeparator)...) {
		for _, name := range zonesOf(city) {
			if loc, ok := namedZone(name); ok && hasOffset(loc, offset) {
				return loc
			}
		}
	}
	return fixedZone(offset)
}

func isCitySeparator(r rune) bool { return r == ',' || r == ';' || r == ':' }

// rulesYear is after every change of rules that the database announces, and before the last of the
// years for which it lists changes without a rule (Morocco, up to 2087).
const rulesYear = 2050

// hasOffset reports whether clocks in loc are offset seconds ahead of UTC at some time of the year.
func hasOffset(loc *time.Location, offset int) bool {
	at := time.Date(rulesYear, time.January, 1, 0, 0, 0, 0, time.UTC).In(loc)
	for !at.IsZero() && at.Year() <= rulesYear {
		if _, have := at.Zone(); have == offset {
			return true
		}
		at = periodEnd(at)
	}
	return false
}

// loadedZones caches zones by their name in the database, so it never holds more entries than
// zoneList has lines.
var loadedZones sync.Map

// namedZone returns the zone of the database with this name, ignoring case.
func namedZone(text string) (*time.Location, bool) {
	name, ok := zones().names[strings.ToLower(text)]
	if !ok {
		return nil, false
	}
	if loc, ok := loadedZones.Load(name); ok {
		return loc.(*time.Location), true
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	loadedZones.Store(name, loc)
	return loc, true
}

// zoneIndex maps the lower-case name, and the cityKey, to names of the database.
type zoneIndex struct {
	names  map[string]string
	cities map[string][]string
}

var zones = sync.OnceValue(func() zoneIndex {
	index := zoneIndex{names: map[string]string{"z": "UTC"}, cities: map[string][]string{}}
	add := func(city, name string) {
		key := cityKey(city)
		index.cities[key] = append(index.cities[key], name)
	}
	for _, entry := range legacyCities {
		add(entry.city, entry.zone)
	}
	for name := range strings.SplitSeq(strings.TrimSpace(zoneList), "\n") {
		index.names[strings.ToLower(name)] = name
		// A city key has no sign, so Etc/GMT+3 and Etc/GMT-3 would have the same key.
		if area, _, _ := strings.Cut(name, "/"); area != "Etc" {
			add(name[strings.LastIndexByte(name, '/')+1:], name)
		}
	}
	return index
})

// zonesOf returns the names of the zones that text, a city or a name of the database, may mean, the
// most likely first.
func zonesOf(text string) []string {
	name := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), " ", "_"))
	if name, ok := zones().names[name]; ok && strings.Contains(name, "/") {
		return []string{name}
	}
	return zones().cities[cityKey(text)]
}

// cityKey returns the common part of all spellings of a city: letters and digits in lower case,
// without accents.
func cityKey(city string) string {
	city = strings.ReplaceAll(strings.ToLower(city), " and ", " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, norm.NFD.String(city))
}

// suggestion returns a valid zone text to use instead of text.
func suggestion(text string) string {
	for _, city := range append([]string{text}, strings.FieldsFunc(text, isCitySeparator)...) {
		if names := zonesOf(city); len(names) > 0 {
			return names[0]
		}
	}
	return "a name such as Europe/Berlin, UTC, or an offset such as +03:00"
}
