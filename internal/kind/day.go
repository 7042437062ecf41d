package kind

import "time"

// DayStart returns the start of a day in a zone: midnight, or the end of the gap if clocks are put
// forward over midnight. Like [time.Date] it accepts days and months outside their range.
func DayStart(y int, m time.Month, d int, zone *time.Location) time.Time {
	start := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if wanted := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); start.Day() != wanted.Day() {
		_, start = start.ZoneBounds()
	}
	return start
}
