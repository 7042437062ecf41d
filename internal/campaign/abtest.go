package campaign

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"campaignql/ent"
	"campaignql/internal/apperr"
)

// ABTest compares variations of the content. Each recipient gets one of them by chance, in
// proportion to the weights (legacy parameter ABTesting). A campaign with a test has no email of
// its own.
//
// The other settings are additions of this server. TestSize restricts the test to a sample; the rest
// of the audience gets the better variation later. Without TestSize everybody takes part at once,
// and TestDuration and Winner have no effect.
type ABTest struct {
	// Variations are the 2–5 contents to compare.
	Variations []ABVariation `json:"Variations"`
	// TestSize is the share of the audience that takes part, in percent, 1–100.
	TestSize *int `json:"TestSize,omitempty"`
	// TestDuration is the wait before the result is evaluated, in hours, 1–720.
	TestDuration *int `json:"TestDuration,omitempty"`
	// Winner is the measure that chooses the better variation, or empty.
	Winner ABWinner `json:"Winner,omitempty"`
}

// ABVariation is one content of an A/B test.
type ABVariation struct {
	EmailID int64 `json:"EmailID"`
	// Weight is relative to the weights of the other variations.
	Weight float64 `json:"Weight"`
}

// ABWinner is the measure that chooses the better variation of an A/B test.
type ABWinner string

const (
	WinnerByOpens  ABWinner = "Highest Open Rate"
	WinnerByClicks ABWinner = "Most Unique Clicks"
)

// Limits on the variations of an A/B test.
const (
	MinVariations = 2
	MaxVariations = 5
	// maxWeight keeps sums of weights exact enough to compute shares.
	maxWeight = 1e9
	// minShare is the smallest share of a variation.
	minShare = 0.01
)

// Settings of a sample that does not name its own.
const (
	defaultTestDuration = 24
	defaultWinner       = WinnerByOpens
)

// Shares returns the share of each variation, in the order of the variations. They sum up to 1.
func (t ABTest) Shares() []float64 {
	sum := 0.0
	for _, v := range t.Variations {
		sum += v.Weight
	}
	shares := make([]float64, len(t.Variations))
	for i, v := range t.Variations {
		shares[i] = v.Weight / sum
	}
	return shares
}

// Validate returns the first fault of the test, in the order of the legacy codes. It does not check
// who owns the emails, because that needs the database.
func (t ABTest) Validate() error {
	if err := t.validCount(); err != nil {
		return err
	}
	if err := t.validValues(); err != nil {
		return err
	}
	if t.TestSize != nil && *t.TestSize < 1 {
		return abFault(
			"testSize", apperr.ReasonABTestShare, "%d %%: the test needs a share of at least 1 %%", *t.TestSize,
		)
	}
	for i, share := range t.Shares() {
		if share < minShare*(1-1e-9) { // weights such as 0.29 and 28.71 have no exact sum
			return abFault(
				fmt.Sprintf("variations[%d].weight", i), apperr.ReasonABTestShare,
				"its share is %.2f %%, at least 1 %% is required", share*100,
			)
		}
	}
	return nil
}

// validValues checks each value by itself.
func (t ABTest) validValues() error {
	seen := map[int64]bool{}
	for i, v := range t.Variations {
		if seen[v.EmailID] {
			return abFault(
				fmt.Sprintf("variations[%d].emailId", i), apperr.ReasonABTestValue, "email %d stands there twice",
				v.EmailID,
			)
		}
		seen[v.EmailID] = true
		if !(v.Weight > 0 && v.Weight <= maxWeight) { // false for NaN too
			return abFault(
				fmt.Sprintf("variations[%d].weight", i), apperr.ReasonABTestValue,
				"a weight is above 0 and at most %.0f", float64(maxWeight),
			)
		}
	}
	switch {
	case t.TestDuration != nil && (*t.TestDuration < 1 || *t.TestDuration > 720):
		return abFault("testDuration", apperr.ReasonABTestValue, "%d hours: the test lasts 1 to 720", *t.TestDuration)
	case t.Winner != "" && t.Winner != WinnerByOpens && t.Winner != WinnerByClicks:
		return abFault(
			"winner", apperr.ReasonABTestValue, "%q is neither %q nor %q", t.Winner, WinnerByOpens, WinnerByClicks,
		)
	case t.TestSize != nil && *t.TestSize > 100:
		return abFault("testSize", apperr.ReasonABTestValue, "%d %% is more than everybody", *t.TestSize)
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

// ParseABTest parses the stored form of an A/B test. It returns nil if the text is empty. Tests
// stored by earlier versions have no weights; their variations have equal shares.
func ParseABTest(text string) (*ABTest, error) {
	if text == "" {
		return nil, nil
	}
	var t ABTest
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return nil, apperr.Wrap(apperr.Internal, fmt.Errorf("stored A/B test: %w", err), "internal error")
	}
	for i := range t.Variations {
		if t.Variations[i].Weight == 0 {
			t.Variations[i].Weight = 1
		}
	}
	return &t, nil
}

// Encode returns the stored form of the test. A sample gets the duration and the winner that it does
// not name.
func (t ABTest) Encode() (string, error) {
	if t.TestSize != nil {
		if t.TestDuration == nil {
			t.TestDuration = new(defaultTestDuration)
		}
		if t.Winner == "" {
			t.Winner = defaultWinner
		}
	}
	text, err := json.Marshal(t)
	return string(text), err
}

// sameTest reports whether two stored texts mean the same test. An earlier version may have stored
// the first.
func sameTest(stored, encoded string) bool {
	if stored == encoded {
		return true
	}
	before, err := ParseABTest(stored)
	if err != nil || before == nil {
		return false
	}
	text, err := before.Encode()
	return err == nil && text == encoded
}

// without returns the stored form of the test without the given emails. If fewer than two variations
// remain, there is no test any more: the text is empty, and own is the remaining email, which the
// campaign then has as its own, or nil.
func (t ABTest) without(emailIDs []int64) (text string, own *int64, err error) {
	t.Variations = slices.DeleteFunc(slices.Clone(t.Variations), func(v ABVariation) bool {
		return slices.Contains(emailIDs, v.EmailID)
	})
	switch len(t.Variations) {
	case 0:
		return "", nil, nil
	case 1:
		return "", &t.Variations[0].EmailID, nil
	}
	text, err = t.Encode()
	return text, nil, err
}

// ContentOf returns the ids of the emails of which each recipient of a campaign gets one: the
// variations of its A/B test, else its own email, else none.
func ContentOf(c *ent.Campaign) []int64 {
	test, err := ParseABTest(c.AbTest)
	switch {
	case err == nil && test != nil:
		ids := make([]int64, len(test.Variations))
		for i, v := range test.Variations {
			ids[i] = v.EmailID
		}
		return ids
	case c.EmailID != nil:
		return []int64{*c.EmailID}
	}
	return nil
}

// Percent returns a share in percent, with two decimals.
func Percent(share float64) float64 { return math.Round(share*10_000) / 100 }
