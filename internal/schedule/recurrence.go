package schedule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/apperr"
)

// Recurrence selects the wall clock minutes at which a campaign is sent. Each list is
// comma-separated text ("1,3,5"), as it is stored; empty means not given. A minute is selected if
// its month, day, hour and minute are all listed.
//
// If only one kind of day is given, it selects the days. If both kinds are given, a day is selected
// if either kind names it, as in cron. But if one kind is "0" (every), only the other kind selects:
// "0" and "15" is the 15th and not every day, as in cron.
type Recurrence struct {
	DaysOfWeek  string // 1 (Monday) to 7, "0" every day; legacy column ScheduleRecDaysOfWeek
	DaysOfMonth string // 1 to 31, "0" every day; skips months without the day; legacy column ScheduleRecDaysOfMonth
	Months      string // 1 to 12, "0" every month; legacy column ScheduleRecMonths
	Hours       string // 0 to 23; legacy column ScheduleRecHours
	Minutes     string // 0 to 59; legacy column ScheduleRecMinutes
	// MaxInstances is the total number of sendings, 0 for no limit. nil means not given: Validate
	// rejects it, and Next treats it as no limit (legacy column ScheduleRecSendMaxInstance).
	MaxInstances *int
}

// Set identifies one of the number lists of a Recurrence.
type Set int

const (
	DaysOfWeek Set = iota
	DaysOfMonth
	Months
	Hours
	Minutes
)

type setRule struct {
	field     string
	reason    apperr.Reason
	noun      string
	low, high int
	every     bool // whether "0" alone means every
}

var setRules = [...]setRule{
	DaysOfWeek: {"schedule.recurrence.daysOfWeek", apperr.ReasonScheduleDaysRequired, "day of the week", 1, 7, true},
	DaysOfMonth: {
		"schedule.recurrence.daysOfMonth", apperr.ReasonScheduleDaysRequired, "day of the month", 1, 31, true,
	},
	Months:  {"schedule.recurrence.months", apperr.ReasonScheduleMonthsRequired, "month", 1, 12, true},
	Hours:   {"schedule.recurrence.hours", apperr.ReasonScheduleHoursRequired, "hour", 0, 23, false},
	Minutes: {"schedule.recurrence.minutes", apperr.ReasonScheduleMinutesRequired, "minute", 0, 59, false},
}

func (r setRule) refuse(format string, args ...any) error {
	return apperr.InvalidField(r.field, r.reason, format, args...)
}

// maxSetText is the maximum length of one list. All minutes of the hour need 169 characters.
const maxSetText = 1000

// ParseSet parses a list of numbers separated by commas, with or without spaces, and returns them
// sorted without duplicates. It returns nil for an empty text, and []int{0} for every day or month.
// A number outside the range of the set is an *apperr.Error that names the field, the value and the
// range.
func ParseSet(set Set, text string) ([]int, error) {
	rule := setRules[set]
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > maxSetText {
		return nil, rule.refuse("the list is longer than %d characters", maxSetText)
	}
	var numbers []int
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		n, err := strconv.ParseUint(item, 10, 16)
		number := int(n)
		inRange := number >= rule.low && number <= rule.high || number == 0 && rule.every
		if err != nil || !inRange {
			return nil, rule.refuse("%s is not %s; write numbers from %d to %d separated by commas%s",
				quoted(item), rule.article(), rule.low, rule.high, rule.everyHint())
		}
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if rule.every && numbers[0] == 0 && len(numbers) > 1 {
		return nil, rule.refuse("0 means every %s and must stand alone", rule.noun)
	}
	return numbers, nil
}

func (r setRule) article() string {
	if r.noun == "hour" {
		return "an " + r.noun
	}
	return "a " + r.noun
}

func (r setRule) everyHint() string {
	if r.every {
		return ", or 0 alone for every " + r.noun
	}
	return ""
}

// FormatSet returns numbers in the format of a Recurrence: sorted, without duplicates, separated by
// commas. It does not check the range; ParseSet and Validate do. Without numbers it returns "".
func FormatSet(numbers []int) string {
	sorted := slices.Sorted(slices.Values(numbers))
	texts := make([]string, 0, len(sorted))
	for _, n := range slices.Compact(sorted) {
		texts = append(texts, strconv.Itoa(n))
	}
	return strings.Join(texts, ",")
}

func (r Recurrence) normalized() Recurrence {
	texts := [...]*string{
		DaysOfWeek: &r.DaysOfWeek, DaysOfMonth: &r.DaysOfMonth, Months: &r.Months, Hours: &r.Hours, Minutes: &r.Minutes,
	}
	for set, text := range texts {
		if numbers, err := ParseSet(Set(set), *text); err == nil {
			*text = FormatSet(numbers)
		}
	}
	return r
}

// pattern is a parsed Recurrence. The arrays are indexed by the number itself.
type pattern struct {
	weekdays  [8]bool
	monthDays [32]bool
	months    [13]bool
	everyDay  bool
	hours     []int // ascending
	minutes   []int // ascending
}

// compile parses the lists in the order in which their faults are reported.
func compile(r Recurrence) (*pattern, error) {
	p := new(pattern)
	weekdays, err := ParseSet(DaysOfWeek, r.DaysOfWeek)
	if err != nil {
		return nil, err
	}
	monthDays, err := ParseSet(DaysOfMonth, r.DaysOfMonth)
	if err != nil {
		return nil, err
	}
	if weekdays == nil && monthDays == nil {
		return nil, setRules[DaysOfWeek].refuse("days of the week or of the month are required, 0 for every day")
	}
	months, err := required(Months, r.Months)
	if err != nil {
		return nil, err
	}
	if p.hours, err = required(Hours, r.Hours); err != nil {
		return nil, err
	}
	if p.minutes, err = required(Minutes, r.Minutes); err != nil {
		return nil, err
	}
	mark(p.months[:], months)
	specificWeekdays, specificMonthDays := mark(p.weekdays[:], weekdays), mark(p.monthDays[:], monthDays)
	p.everyDay = !specificWeekdays && !specificMonthDays
	// If one kind is specific, "every" in the other kind must not add days.
	if specificMonthDays && !specificWeekdays {
		clear(p.weekdays[:])
	}
	if specificWeekdays && !specificMonthDays {
		clear(p.monthDays[:])
	}
	return p, nil
}

func required(set Set, text string) ([]int, error) {
	numbers, err := ParseSet(set, text)
	if err == nil && numbers == nil {
		rule := setRules[set]
		err = rule.refuse(
			"at least one %s from %d to %d is required%s", rule.noun, rule.low, rule.high, rule.everyHint(),
		)
	}
	return numbers, err
}

// mark sets the listed numbers, or all numbers for "every". It reports whether the list is
// specific.
func mark(table []bool, numbers []int) bool {
	if len(numbers) == 0 {
		return false
	}
	every := numbers[0] == 0
	for n := range table {
		table[n] = every
	}
	for _, n := range numbers {
		table[n] = true
	}
	return !every
}

// horizonYears is the maximum search distance for the next day. The longest wait is for 29 February
// around a century year that is no leap year (2096 to 2104).
const horizonYears = 8

// next returns the first instant strictly after after. Wall clock times in the same gap share one
// instant and are one instance. A wall clock time that occurs twice is used only the first time.
// Both follow from the monotonic result of firstReached.
func (p *pattern) next(after time.Time, loc *time.Location) (time.Time, bool) {
	// Every wall clock time up to the current one is in the past, so the search starts after it.
	wall := wallClock(after.In(loc)).Truncate(time.Minute)
	for {
		var ok bool
		if wall, ok = p.nextWall(wall.Add(time.Minute)); !ok {
			return time.Time{}, false
		}
		at := firstReached(wall, loc)
		if at.After(lastInstant) {
			return time.Time{}, false
		}
		// If clocks repeat an hour, later wall clock times may already have occurred in the first
		// pass.
		if at.After(after) {
			return at, true
		}
	}
}

// nextWall returns the first selected wall clock time at or after from.
func (p *pattern) nextWall(from time.Time) (time.Time, bool) {
	midnight := from.Truncate(24 * time.Hour)
	ofDay := from.Sub(midnight)
	for limit := midnight.AddDate(horizonYears, 0, 1); midnight.Before(limit); ofDay = 0 {
		if !p.months[midnight.Month()] {
			midnight = time.Date(midnight.Year(), midnight.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if p.matchesDay(midnight) {
			if clock, ok := p.clockFrom(ofDay); ok {
				return midnight.Add(clock), true
			}
		}
		midnight = midnight.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

func (p *pattern) matchesDay(day time.Time) bool {
	weekday := (int(day.Weekday())+6)%7 + 1 // Go counts from Sunday = 0
	return p.everyDay || p.weekdays[weekday] || p.monthDays[day.Day()]
}

func (p *pattern) clockFrom(ofDay time.Duration) (time.Duration, bool) {
	for _, hour := range p.hours {
		for _, minute := range p.minutes {
			clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
			if clock >= ofDay {
				return clock, true
			}
		}
	}
	return 0, false
}
