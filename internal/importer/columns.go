package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/subscriber"
)

// columns are what the columns of the file hold, by position: email, ip, subscribedAt, optedInAt or CustomField<id>.
type columns map[int]string

// names are what a column may hold, by the names of headers in lower case.
var names = map[string]string{
	"email": "email", "e-mail": "email", "email address": "email", "emailaddress": "email", "ip": "ip", "ip address": "ip",
	"subscribedat": "subscribedAt", "subscribed at": "subscribedAt", "optedinat": "optedInAt", "opted in at": "optedInAt",
}

// readColumns reads the mapping, or makes it from the header. Exactly one column must be the email.
func readColumns(given, header []string, width int, fields []*ent.CustomField) (columns, error) {
	known := map[string]string{}
	for _, f := range fields {
		target := "CustomField" + strconv.FormatInt(f.ID, 10)
		known[strings.ToLower(f.Name)], known[strings.ToLower(target)] = target, target
	}
	for name, target := range names {
		known[name] = target
	}
	cols := columns{}
	if len(given) == 0 {
		for i, name := range header {
			target, ok := known[strings.ToLower(strings.TrimSpace(name))]
			if ok && !cols.holds(target) {
				cols[i] = target
			}
		}
	}
	for _, pair := range given {
		cut := strings.LastIndexByte(pair, '=')
		if cut < 0 {
			return nil, unmapped("%q: write Column=email", pair)
		}
		column, err := position(pair[:cut], header, width)
		if err != nil {
			return nil, err
		}
		target, ok := known[strings.ToLower(strings.TrimSpace(pair[cut+1:]))]
		if !ok {
			return nil, unmapped("%q: the list has no field %q", pair, pair[cut+1:])
		}
		if _, twice := cols[column]; twice || cols.holds(target) {
			return nil, unmapped("%q: the column or the field is mapped already", pair)
		}
		cols[column] = target
	}
	if !cols.holds("email") {
		return nil, unmapped("no column is the email: say which is, by Column=email")
	}
	return cols, nil
}

// unmapped is a fault of the mapping.
func unmapped(format string, args ...any) error {
	return apperr.InvalidField("map", "import_map_invalid", format, args...)
}

func (c columns) holds(target string) bool {
	for _, t := range c {
		if t == target {
			return true
		}
	}
	return false
}

// position finds a column by its name, or by its number from 1.
func position(column string, header []string, width int) (int, error) {
	i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(column)) })
	if i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(column); err == nil && n >= 1 && n <= width {
		return n - 1, nil
	}
	return 0, unmapped("the file has no column %q", column)
}

// row is a record as the domain takes it, or why it cannot be. Empty cells say nothing.
func (c columns) row(r record) (subscriber.Row, error) {
	row := subscriber.Row{}
	if r.problem != nil {
		return row, r.problem
	}
	for i, target := range c {
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
			at, ok := instant(text)
			if !ok {
				return row, fmt.Errorf("%s %q is no date: write 2006-01-02, 2006-01-02 15:04:05 or RFC 3339", target, text)
			}
			if target == "subscribedAt" {
				row.SubscribedAt = &at
			} else {
				row.OptedInAt = &at
			}
		default:
			id, _ := strconv.ParseInt(strings.TrimPrefix(target, "CustomField"), 10, 64) // readColumns made it
			if row.Fields == nil {
				row.Fields = make(map[int64]string, len(c))
			}
			row.Fields[id] = text
		}
	}
	return row, nil
}

// instant reads a date, a date with time, both in UTC, or an instant of RFC 3339.
func instant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
