package campaign

import (
	"encoding/json"
	"fmt"

	"campaignql/internal/apperr"
)

// ABTest compares variations of the content on a part of the audience. The rest of the audience
// gets the better variation (legacy parameter ABTesting).
type ABTest struct {
	// TestSize is the share of the audience that takes part, in percent, 1–100.
	TestSize int `json:"TestSize"`
	// TestDuration is the wait before the result is evaluated, in hours, 1–720.
	TestDuration int `json:"TestDuration"`
	// Winner is the measure that chooses the better variation.
	Winner ABWinner `json:"Winner"`
	// Variations are the 2–5 contents to compare.
	Variations []ABVariation `json:"Variations"`
}

// ABVariation is one content of an A/B test.
type ABVariation struct {
	EmailID int64 `json:"EmailID"`
}

// ABWinner is the measure that chooses the better variation of an A/B test.
type ABWinner string

const (
	WinnerByOpens  ABWinner = "Highest Open Rate"
	WinnerByClicks ABWinner = "Most Unique Clicks"
)

// Limits on the number of variations of an A/B test.
const (
	MinVariations = 2
	MaxVariations = 5
)

// Validate returns the first fault of the test, in the order of the legacy codes. It does not check
// who owns the emails, because that needs the database.
func (t ABTest) Validate() error {
	if err := t.validCount(); err != nil {
		return err
	}
	seen := map[int64]bool{}
	for i, v := range t.Variations {
		if seen[v.EmailID] {
			return abFault(
				fmt.Sprintf("variations[%d].emailId", i), apperr.ReasonABTestValue, "email %d stands there twice",
				v.EmailID,
			)
		}
		seen[v.EmailID] = true
	}
	switch {
	case t.TestDuration < 1 || t.TestDuration > 720:
		return abFault("testDuration", apperr.ReasonABTestValue, "%d hours: the test lasts 1 to 720", t.TestDuration)
	case t.Winner != WinnerByOpens && t.Winner != WinnerByClicks:
		return abFault(
			"winner", apperr.ReasonABTestValue, "%q is neither %q nor %q", t.Winner, WinnerByOpens, WinnerByClicks,
		)
	case t.TestSize < 1:
		return abFault(
			"testSize", apperr.ReasonABTestShare, "%d %%: the test needs a share of at least 1 %%", t.TestSize,
		)
	case t.TestSize > 100:
		return abFault("testSize", apperr.ReasonABTestValue, "%d %% is more than everybody", t.TestSize)
	case t.TestSize < len(t.Variations):
		return abFault(
			"testSize", apperr.ReasonABTestShare, "%d %% over %d variations leaves each less than 1 %%", t.TestSize,
			len(t.Variations),
		)
	}
	return nil
}

func (t ABTest) validCount() error {
	switch n := len(t.Variations); {
	case n < MinVariations:
		return abFault(
			"variations", apperr.ReasonABTestTooFewVariations, "an A/B test needs at least %d variations, %d given",
			MinVariations, n,
		)
	case n > MaxVariations:
		return abFault(
			"variations", apperr.ReasonABTestTooManyVariations, "an A/B test has at most %d variations, %d given",
			MaxVariations, n,
		)
	default:
		return nil
	}
}

func abFault(field string, reason apperr.Reason, format string, args ...any) *apperr.Error {
	return apperr.InvalidField("abTest."+field, reason, format, args...)
}

// ParseABTest parses the stored form of an A/B test. It returns nil if the text is empty.
func ParseABTest(text string) (*ABTest, error) {
	if text == "" {
		return nil, nil
	}
	var t ABTest
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return nil, apperr.Wrap(apperr.Internal, fmt.Errorf("stored A/B test: %w", err), "internal error")
	}
	return &t, nil
}

func (t ABTest) encode() (string, error) {
	text, err := json.Marshal(t)
	return string(text), err
}
