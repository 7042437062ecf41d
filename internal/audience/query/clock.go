package query

import (
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
)

// firstClock is the year from which local times are exact. For earlier instants the offset of its
// beginning is used.
const firstClock = 2000

// clockText is the local time of a zone at an instant, as YYYY-MM-DD HH:MM:SS. The databases may
// not know the zone, so its offsets up to one year after now are written into the statement.
func clockText(name string, zone *time.Location, now time.Time) expression {
	offset := offsets(zone, time.Date(firstClock, 1, 1, 0, 0, 0, 0, time.UTC), now.AddDate(1, 0, 0))
	return func(s *statement, r row) string {
		at := r.C(name)
		shift := strings.ReplaceAll(offset, "?", at)
		if s.dialect == dialect.MySQL {
			return "DATE_FORMAT(DATE_ADD(" + at + ", INTERVAL " + shift + " SECOND), '%Y-%m-%d %H:%i:%s')"
		}
		// SQLite would round fractions of a second.
		return "STRFTIME('%Y-%m-%d %H:%M:%S', SUBSTR(" + at + ", 1, 19), " + shift + " || ' seconds')"
	}
}

// offsets returns, as SQL, the seconds that a zone is ahead of UTC at the instant "?".
func offsets(zone *time.Location, from, to time.Time) string {
	var b strings.Builder
	for t := from; ; {
		_, seconds := t.In(zone).Zone()
		_, end := t.In(zone).ZoneBounds()
		if end.IsZero() || end.After(to) {
			if b.Len() == 0 {
				return fmt.Sprintf("(%d)", seconds)
			}
			return fmt.Sprintf("(CASE%s ELSE %d END)", b.String(), seconds)
		}
		fmt.Fprintf(&b, " WHEN ? < '%s' THEN %d", end.UTC().Format(time.DateTime), seconds)
		t = end
	}
}
