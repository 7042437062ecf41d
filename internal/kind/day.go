package kind

import "time"

// DayStart is when a day begins in a zone: at midnight, or where clocks are put forward over it, at
// the end of that gap. The date may be one that the calendar has to carry over, as for [time.Date].
func DayStart(y int, m time.Month, d int, zone *time.Location) time.Time {
	start := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if wanted := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); start.Day() != wanted.Day() {
		_, start = start.ZoneBounds()
	}
	return start
}
