package command

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
)

// abTestPatch reads ABTesting[Variations][i][EmailID] and [Weight], and the additions [TestSize],
// [TestDuration] and [Winner], with the keys in any case. The value is nested fields, a JSON object,
// or a text that is such an object. An empty ABTesting removes the test.
func abTestPatch(p Parameters) *campaign.ABTestPatch {
	given, sent := p["abtesting"]
	if !sent || given == nil {
		return nil
	}
	if text, ok := given.(string); ok && strings.TrimSpace(text) == "" {
		return &campaign.ABTestPatch{}
	}
	fields := open(unpacked(given))
	if fields == nil {
		return shapeFault("ABTesting", apperr.ReasonABTestShape, "is not an array")
	}
	variations := open(fields.values["variations"])
	if variations == nil {
		return shapeFault("ABTesting[Variations]", apperr.ReasonABTestVariationsShape, "is not an array")
	}
	var read abReading
	test := campaign.ABTest{
		TestSize:     read.setting(fields, "TestSize"),
		TestDuration: read.setting(fields, "TestDuration"),
		Winner:       abWinner(fields),
	}
	for i, v := range variations.list() {
		test.Variations = append(test.Variations, read.variation(i, v))
	}
	return &campaign.ABTestPatch{Test: &test, Err: read.err()}
}

// unpacked returns the JSON that a text holds, or the value itself if it is no such text.
func unpacked(v any) any {
	text, scalar := v.(string)
	if !scalar || countValues([]byte(text)) > maxFields || !json.Valid([]byte(text)) {
		return v
	}
	return scalarOr([]byte(strings.TrimSpace(text)))
}

func shapeFault(name string, reason apperr.Reason, message string) *campaign.ABTestPatch {
	return &campaign.ABTestPatch{Err: apperr.InvalidField(name, reason, "%s %s", name, message)}
}

// abReading collects the faults of an A/B test. Missing values come before wrong ones, as their
// codes do.
type abReading struct{ missing, wrong apperr.Faults }

func (r *abReading) err() error {
	r.missing.Add(r.wrong.Err())
	return r.missing.Err()
}

func (r *abReading) refuse(name, message string) {
	r.wrong.Add(apperr.InvalidField("ABTesting", apperr.ReasonABTestValue, "ABTesting%s %s", name, message))
}

// variation reads the email and the weight of a variation. An email that cannot be read is 0.
func (r *abReading) variation(i int, v any) campaign.ABVariation {
	var out campaign.ABVariation
	place := "[Variations][" + strconv.Itoa(i) + "]"
	value := func(name string) (text string, ok bool) {
		if fields := open(v); fields != nil {
			text = strings.TrimSpace(textValue(fields.values[fold(name)]))
		}
		if text == "" {
			r.missing.Add(apperr.InvalidField(
				"ABTesting", apperr.ReasonABTestFieldMissing, "ABTesting%s[%s] is missing", place, name,
			))
		}
		return text, text != ""
	}
	if text, ok := value("EmailID"); ok {
		if out.EmailID = parseID(text); out.EmailID == 0 {
			r.refuse(place+"[EmailID]", "is not the number of an email")
		}
	}
	if text, ok := value("Weight"); ok {
		weight, err := strconv.ParseFloat(text, 64)
		if out.Weight = weight; err != nil || !(weight > 0) || math.IsInf(weight, 0) || strings.ContainsAny(text, "xX_") {
			r.refuse(place+"[Weight]", "is not a number above 0")
		}
	}
	return out
}

// setting reads a whole number, or nil if it was not given.
func (r *abReading) setting(fields *branch, name string) *int {
	text := strings.TrimSpace(textValue(fields.values[fold(name)]))
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		r.refuse("["+name+"]", "is not a whole number")
	}
	return &n
}

// abWinner reads the measure. The domain rejects an unknown one.
func abWinner(fields *branch) campaign.ABWinner {
	text := strings.TrimSpace(textValue(fields.values["winner"]))
	for _, winner := range []campaign.ABWinner{campaign.WinnerByOpens, campaign.WinnerByClicks} {
		if strings.EqualFold(text, string(winner)) {
			return winner
		}
	}
	return campaign.ABWinner(text)
}

// options returns the member Options of Campaign.Get, which a campaign without an A/B test does not
// have.
func options(c *ent.Campaign) (Object, error) {
	test, err := campaign.ParseABTest(c.AbTest)
	if err != nil || test == nil {
		return nil, err
	}
	shares := test.Shares()
	variations := make([]any, len(test.Variations))
	for i, v := range test.Variations {
		variations[i] = Object{
			{"EmailID", v.EmailID}, {"Weight", plain(v.Weight)}, {"Distribution", plain(campaign.Percent(shares[i]))},
		}
	}
	shown := Object{{"Variations", variations}}
	if test.TestSize != nil {
		shown = append(shown, Member{"TestSize", *test.TestSize})
	}
	if test.TestDuration != nil {
		shown = append(shown, Member{"TestDuration", *test.TestDuration})
	}
	if test.Winner != "" {
		shown = append(shown, Member{"Winner", string(test.Winner)})
	}
	return Object{{"Options", Object{{"ABTesting", shown}}}}, nil
}

// plain returns a JSON number without an exponent.
func plain(n float64) decimal { return decimal(strconv.FormatFloat(n, 'f', -1, 64)) }
