package export

import (
	"maps"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/internal/statistics"
)

// column is one column of a file: its name, and the function that returns its cells.
type column[T any] struct {
	name  string
	value func(T) any
}

// cents is an amount in hundredths.
type cents int64

// word is a fixed text of this product, which no spreadsheet reads as a formula.
type word string

func names[T any](columns []column[T]) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.name
	}
	return out
}

func cells[T any](columns []column[T], row T) []any {
	out := make([]any, len(columns))
	for i, c := range columns {
		out[i] = c.value(row)
	}
	return out
}

type point = *statistics.Point

// pointColumns are the columns of a series, named as the fields of a SeriesPoint, without those of
// amounts.
var pointColumns = []column[point]{
	{"start", func(p point) any { return p.Start }},
	{"end", func(p point) any { return p.End }},
	{"sent", func(p point) any { return p.Sent }},
	{"failed", func(p point) any { return p.Failed }},
	{"opens", func(p point) any { return p.Opens }},
	{"uniqueOpens", func(p point) any { return p.UniqueOpens }},
	{"clicks", func(p point) any { return p.Clicks }},
	{"uniqueClicks", func(p point) any { return p.UniqueClicks }},
	{
		"forwards", func(p point) any { return p.Forwards },
	},
	{"uniqueForwards", func(p point) any { return p.UniqueForwards }},
	{
		"browserViews", func(p point) any { return p.BrowserViews },
	},
	{"uniqueBrowserViews", func(p point) any { return p.UniqueBrowserViews }},
	{
		"unsubscriptions", func(p point) any { return p.Unsubscriptions },
	},
	{"complaints", func(p point) any { return p.Complaints }},
	{
		"hardBounces", func(p point) any { return p.HardBounces },
	},
	{"softBounces", func(p point) any { return p.SoftBounces }},
	{
		"conversions", func(p point) any { return p.Conversions },
	},
	{
		"automatedOpens", func(p point) any { return p.AutomatedOpens },
	},
	{"automatedClicks", func(p point) any { return p.AutomatedClicks }},
}

// seriesColumns returns pointColumns and, after them, a column of amounts for each currency of the
// points, ordered by currency: conversionAmountEUR, and conversionAmount where none is known.
func seriesColumns(points []statistics.Point) []column[point] {
	seen := map[string]bool{}
	for i := range points {
		for _, m := range points[i].ConversionAmounts() {
			seen[m.Code] = true
		}
	}
	columns := slices.Clone(pointColumns)
	for _, code := range slices.Sorted(maps.Keys(seen)) {
		columns = append(columns, column[point]{
			"conversionAmount" + code, func(p point) any { return cents(p.ConversionHundredths(code)) },
		})
	}
	return columns
}

// linkColumns are the columns of links, named as the fields of a LinkStatistic.
var linkColumns = []column[*ent.LinkCounter]{
	{"url", func(l *ent.LinkCounter) any { return l.URL }},
	{
		"clicks", func(l *ent.LinkCounter) any { return l.Clicks },
	},
	{"uniqueClicks", func(l *ent.LinkCounter) any { return l.UniqueClicks }},
}

// action is an event with the data read for it from other tables.
type action struct {
	*ent.Event
	// email and url are empty if they are no longer known.
	email, url string
}

// actionColumns are the columns of the activity.
var actionColumns = []column[action]{
	{
		"kind", func(a action) any { return word(a.Kind.Name()) },
	},
	{"at", func(a action) any { return a.At.UTC().Truncate(time.Microsecond) }},
	{
		"subscriberId", func(a action) any { return number(a.SubscriberID) },
	},
	{"emailAddress", func(a action) any { return known(a.email) }},
	{"url", func(a action) any { return known(a.url) }},
	{"reason", func(a action) any { return known(a.Reason) }},
	{"automated", func(a action) any { return a.Automated }},
	{
		"amount", func(a action) any { return a.worth(cents(a.Amount)) },
	},
	{"currency", func(a action) any { return a.worth(known(a.Currency)) }},
}

// number returns the number, or nil if there is none.
func number(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// known returns the text, or nil if it is empty.
func known(text string) any {
	if text == "" {
		return nil
	}
	return text
}
