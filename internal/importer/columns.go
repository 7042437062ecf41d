package importer

import (
	"fmt"
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
	// by maps the position of a column to its target: one of the constants, or CustomField<id>.
	by map[int]string
	// width is the number of columns in the header, mapped or not, or 0 without a header.
	width int
	// zone is the time zone of dates without a zone.
	zone *time.Location
}

// readColumns parses the mapping, or derives it from the header. Exactly one column must be the
// email.
func readColumns(given []string, src *source, fields []*ent.CustomField) (columns, error) {
	v := newVocabulary(fields)
	cols := columns{by: map[int]string{}, width: len(src.header), zone: time.UTC}
	if len(given) == 0 {
		cols.derive(v.exact, src.header, exactly)
		cols.derive(v.loose, src.header, plain)
	}
	for _, pair := range given {
		name, field, ok := cut(pair)
		if !ok {
			return columns{}, unmapped("%q: write Column=email", pair)
		}
		column, err := position(name, src)
		if err != nil {
			return columns{}, err
		}
		target := v.target(field)
		if target == "" {
			return columns{}, unmapped("%q: the list has no field %q%s", pair, field, reversed(name, field, src, v))
		}
		if _, twice := cols.by[column]; twice || cols.holds(target) {
			return columns{}, unmapped("%q: the column or the field is mapped already", pair)
		}
		cols.by[column] = target
	}
	switch {
	case cols.holds(targetEmail):
		return cols, nil
	case src.header == nil:
		return columns{}, unmapped("no column is the email%s: say which is by its number, 1=email", src.described())
	}
	return columns{}, unmapped("no column is the email%s: say which is, by Column=email", src.described())
}

// cut splits "Column=field". A name of a column may contain the sign.
func cut(pair string) (column, field string, ok bool) {
	at := strings.LastIndexByte(pair, '=')
	if at < 0 {
		return "", "", false
	}
	return pair[:at], pair[at+1:], true
}

// derive maps the columns with a known name whose target is not mapped yet. The first one counts.
func (c columns) derive(known map[string]string, header []string, key func(string) string) {
	for i, name := range header {
		target, ok := known[key(name)]
		if _, mapped := c.by[i]; ok && !mapped && !c.holds(target) {
			c.by[i] = target
		}
	}
}

// reversed returns a hint if the parts of a mapping are the wrong way round.
func reversed(column, field string, src *source, v vocabulary) string {
	if _, err := position(field, src); err != nil || v.target(column) == "" {
		return ""
	}
	return fmt.Sprintf("; the column comes first: %q", field+"="+column)
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

// position finds a column: by its name in any case, by its number starting from 1, by another
// spelling of its name, or by another usual name.
func position(column string, src *source) (int, error) {
	n, isNumber := number(column, src.width)
	if isNumber && src.numbered {
		return n, nil
	}
	if found := indexes(src.header, exactly, exactly(column)); len(found) > 0 {
		return found[0], nil
	}
	if isNumber {
		return n, nil
	}
	found := indexes(src.header, plain, plain(column))
	if target := usual[plain(column)]; len(found) == 0 && target != "" {
		found = indexes(src.header, func(h string) string { return usual[plain(h)] }, target)
	}
	switch len(found) {
	case 0:
		return 0, unmapped("the file has no column %q%s", column, src.described())
	case 1:
		return found[0], nil
	}
	return 0, unmapped(
		"%q may be %q or %q: give the name as the header has it", column, src.header[found[0]], src.header[found[1]],
	)
}

// indexes returns the columns whose name has the given key. Nothing has the empty key.
func indexes(header []string, key func(string) string, want string) (found []int) {
	for i, name := range header {
		if want != "" && key(name) == want {
			found = append(found, i)
		}
	}
	return found
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
		case targetEmail:
			row.Email = text
		case targetIP:
			row.IP = text
		case targetSubscribedAt, targetOptedInAt:
			at, ok := instant(text, c.zone)
			if !ok {
				return row, fmt.Errorf(
					"%s %q is no date: write 2006-01-02, 2006-01-02 15:04:05 or RFC 3339", target, text,
				)
			}
			if target == targetSubscribedAt {
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
