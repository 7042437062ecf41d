// Package rules owns the definition of a campaign's audience. It parses both legacy forms, the
// ListID:SegmentID pairs of RecipientListsAndSegments and the JSON of RulesJsonBundle, into one
// typed tree, and writes that tree as canonical JSON. Counting, previewing, explaining and
// resolving all work on the tree.
//
// The positions in the tree are the positions in the JSON it was parsed from. A path like
// criteria[1].rules[0].value therefore names the same element in a parser fault, in References and
// in an explanation.
//
// The package must not know GraphQL, the Command bridge or campaigns. It does not check who owns
// the lists and segments in an audience; the caller checks this with References.
package rules

import "slices"

// Limits of one audience. Above a limit, parsing fails with the path of the element that exceeds
// it.
const (
	// MaxBytes is the maximum length of a text that the parsers accept.
	MaxBytes = 64 << 10
	// MaxRules is the maximum number of rules in all criteria and exclusions together, not counting
	// groups.
	MaxRules = 200
	// MaxCriteria is the maximum number of criteria and exclusions together.
	MaxCriteria = 200
	// MaxDepth is the maximum nesting depth of lists of rules within one criterion. The list in
	// "rules" itself is level 1.
	MaxDepth = 5
)

// Form is the input form of an audience.
type Form string

const (
	// FormLists is RecipientListsAndSegments with Exclude_RecipientListsAndSegments.
	FormLists Form = "lists"
	// FormRules is RulesJsonBundle.
	FormRules Form = "rules"
)

// Connector joins the rules of a group or the criteria of an audience.
type Connector string

const (
	And Connector = "and"
	Or  Connector = "or"
)

// Alternate returns the other connector. Lists nested directly in a list joined by c are joined by
// it.
func (c Connector) Alternate() Connector {
	if c == And {
		return Or
	}
	return And
}

// Audience selects the recipients of a campaign: the addresses that the criteria select, joined by
// Operator, without the addresses that an exclusion selects. And between criteria means that every
// criterion selects the same email address; Or means that at least one does. The zero value is an
// audience in which nothing is selected yet.
//
// In an audience of FormLists the operator is Or, and each criterion and exclusion is a whole list
// or a single Segment with BelongsTo.
type Audience struct {
	Form     Form
	Operator Connector
	Criteria []Criterion
	Exclude  []Criterion
}

// Criterion selects subscribers of one list: those that match Where, or the whole list if Where is
// empty.
type Criterion struct {
	ListID int64
	Where  Group
}

// IsZero reports whether the audience has no criteria. It is true for an audience that has only
// exclusions.
func (a Audience) IsZero() bool { return len(a.Criteria) == 0 }

// criteria returns the criteria and then the exclusions, each with its path in the form of the
// audience.
func (a Audience) criteria() []located {
	chosen := "criteria"
	if a.Form == FormLists {
		chosen = "include"
	}
	return slices.Concat(locate(chosen, a.Criteria), locate("exclude", a.Exclude))
}

type located struct {
	path      string
	criterion Criterion
}

func locate(path string, criteria []Criterion) []located {
	out := make([]located, len(criteria))
	for i, c := range criteria {
		out[i] = located{path: element(path, i), criterion: c}
	}
	return out
}
