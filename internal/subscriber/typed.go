package subscriber

import (
	"math"
	"strconv"
	"strings"
)

// Number reads a number as a number field takes it: decimal, below 10^20 on either side of zero.
func Number(text string) (float64, bool) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xXpP_") || math.IsNaN(number) || math.Abs(number) >= maxNumber {
		return 0, false
	}
	return number, true
}

// Boolean reads a boolean as a boolean field takes it: true, yes, on or 1 as 1, and false, no, off or 0 as 0, ignoring case.
func Boolean(text string) (float64, bool) { return readBoolean(text) }
