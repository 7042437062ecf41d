package subscriber

import (
	"math"
	"strconv"
	"strings"
)

// MaxNumber is the largest number that a number field takes, on either side of zero: 2^53-1, up to
// which whole numbers differ from each other in every program that they pass through. What is
// longer, such as the number of an account, is a text.
const MaxNumber = 1<<53 - 1

// places are the decimal places of the column of numbers.
const places = 10

// Number reads a number as a number field takes it: decimal, up to MaxNumber, rounded to ten
// places. It has the precision of a float64, about fifteen digits.
func Number(text string) (float64, bool) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xXpP_") || math.IsNaN(number) || math.Abs(number) > MaxNumber {
		return 0, false
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(number, 'f', places, 64), 64)
	return rounded + 0, err == nil // there is no zero below zero
}

// Boolean reads a boolean as a boolean field takes it: true, yes, on or 1 as 1, and false, no, off
// or 0 as 0, ignoring case.
func Boolean(text string) (float64, bool) { return readBoolean(text) }
