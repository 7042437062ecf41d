package subscriber

import (
	"math"
	"strconv"
	"strings"
)

// MaxNumber is the maximum absolute value of a number field: 2^53-1. Up to this bound a float64
// represents every whole number exactly, in every program that handles it. Longer values, for
// example account numbers, need a text field.
const MaxNumber = 1<<53 - 1

// places is the number of decimal places of the column of numbers.
const places = 10

// Number parses a number as a number field does: decimal, at most MaxNumber, rounded to ten decimal
// places. The precision is the precision of a float64, about fifteen digits.
func Number(text string) (float64, bool) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xXpP_") || math.IsNaN(number) || math.Abs(number) > MaxNumber {
		return 0, false
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(number, 'f', places, 64), 64)
	return rounded + 0, err == nil // adding 0 turns -0 into 0
}

// Boolean parses a boolean as a boolean field does: true, yes, on and 1 give 1, and false, no, off
// and 0 give 0, ignoring case.
func Boolean(text string) (float64, bool) { return readBoolean(text) }
