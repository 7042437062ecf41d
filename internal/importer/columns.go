package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/people/subscriber"
)

// columns describes the columns of the file.
type columns struct {
	// by maps the position of a column to its target: email, ip, subscribedAt, optedInAt or
	// CustomField<id>.
	by map[int]string
	// width is the number of columns in the header, mapped or not, or 0 without a header.
	width int
	// zone is the time zone of dates without a zone.
	zone *time.Location
}

// names maps lower-case header names to targets.
var names = map[string]string{
	"email":         "email",
	"e-mail":        "email",
	"email address": "email",
	"emailaddress":  "email",
	"ip":            "ip",
	"ip address":    "ip",
	"subscribedat":  "subscribedAt",
	"subscribed at": "subscribedAt",
	"optedinat":     "optedInAt",
	"opted in at":   "optedInAt",
}

// readColumns parses the mapping, or derives it from the header. Exactly one column must be the
// email.
func readColumns(given, header []string, width int, fields []*ent.CustomField) (columns, error) {
	known := map[string]string{}
	for _, f := range fields {
		target := "CustomField" + strconv.FormatInt(f.ID, 10)
		known[strings.ToLower(f.Name)], known[strings.ToLower(target)] = target, target
	}
	for name, target := range names {
		known[name] = target
	}
	cols := columns{by: map[int]string{}, width: len(header), zone: time.UTC}
	if len(given) == 0 {
		for i, name := range header {
			target, ok := known[strings.ToLower(strings.TrimSpace(name))]
			if ok && !cols.holds(target) {
				cols.by[i] = target
			}
		}
	}
	for _, pair := range given {
		cut := strings.LastIndexByte(pair, '=')
		if cut < 0 {
			return columns{}, unmapped("%q: write Column=email", pair)
		}
		column, err := position(pair[:cut], header, width)
		if err != nil {
			return columns{}, err
		}
		target, ok := known[strings.ToLower(strings.TrimSpace(pair[cut+1:]))]
		if !ok {
			return columns{}, unmapped("%q: the list has no field %q", pair, pair[cut+1:])
		}
		if _, twice := cols.by[column]; twice || cols.holds(target) {
			return columns{}, unmapped("%q: the column or the field is mapped already", pair)
		}
		cols.by[column] = target
	}
	if !cols.holds("email") {
		return columns{}, unmapped("no column is the email%s: say which is, by Column=email", named(header))
	}
	return cols, nil
}

// named returns a text with the first columns of a header.
func named(header []string) string {
	const few = 8
	switch {
	case len(header) == 0:
		return ""
	case len(header) > few:
		return fmt.Sprintf(" of %d columns: %q and others", len(header), header[:few])
	}
	return fmt.Sprintf(" of %q", header)
}

// unmapped returns a fault of the mapping.
func unmapped(format string, args ...any) error {
	return apperr.InvalidField("map", apperr.ReasonImportMapInvalid, format, args...)
}

func (c columns) holds(target string) bool {
	for _, t := range c.by {
		if t == target {
			return true
		}
	}
	return false
}

// position finds a column by its name, or by its number starting from 1.
func position(column string, header []string, width int) (int, error) {
	i := slices.IndexFunc(
		header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(column)) },
	)
	if i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(column); err == nil && n >= 1 && n <= width {
		return n - 1, nil
	}
	return 0, unmapped("the file has no column %q", column)
}

// row converts a record to a row of the subscriber package, or returns the reason why it cannot.
// Empty cells are ignored.
func (c columns) row(r record) (subscriber.Row, error) {
	row := subscriber.Row{}
	if r.problem != nil {
		return row, r.problem
	}
	if c.width > 0 && len(r.cells) > c.width && strings.TrimSpace(strings.Join(r.cells[c.width:], "")) != "" {
		return row, fmt.Errorf(
			"the row has %d cells, the header %d: a cell that holds the separator needs quotes", len(r.cells), c.width,
		)
	}
	for i, target := range c.by {
		if i >= len(r.cells) || r.cells[i] == "" {
			continue
		}
		text := r.cells[i]
		switch target {
		case "email":
			row.Email = text
		case "ip":
			row.IP = text
		case "subscribedAt", "optedInAt":
			at, ok := instant(text, c.zone)
			if !ok {
				return row, fmt.Errorf(
					"%s %q is no date: write 2006-01-02, 2006-01-02 15:04:05 or RFC 3339", target, text,
				)
			}
			if target == "subscribedAt" {
				row.SubscribedAt = &at
			} else {
				row.OptedInAt = &at
			}
		default:
			// readColumns built this name, so it can be parsed.
			id, _ := strconv.ParseInt(strings.TrimPrefix(target, "CustomField"), 10, 64)
			if row.Fields == nil {
				row.Fields = make(map[int64]string, len(c.by))
			}
			row.Fields[id] = text
		}
	}
	return row, nil
}

// instant parses a date, a date with time (both in the zone), or an RFC 3339 instant. A date means
// the start of its day.
func instant(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if day, ok := rules.ParseMoment(text); ok && day.DateOnly {
		return day.Start(zone).UTC(), true
	}
	for _, layout := range []string{time.RFC3339, time.DateTime} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
