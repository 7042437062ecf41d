// Package rules owns who a campaign goes to. It reads both legacy forms, the ListID:SegmentID pairs
// of RecipientListsAndSegments and the JSON of RulesJsonBundle, into one typed tree, and writes
// that tree as canonical JSON. Counting, previewing, explaining and resolving all work on the tree.
//
// The tree's positions are the positions in the JSON it was read from, so a path such as
// criteria[1].rules[0].value names the same thing in a fault of the parser, in References and in an
// explanation.
//
// It must not know GraphQL, the Command bridge or campaigns; who owns the lists and segments named
// is for the caller to check with References.
package rules

import "slices"

// The limits of one audience. Past any of them parsing fails with the path of what was too much.
const (
	// MaxBytes is the longest text the parsers accept.
	MaxBytes = 64 << 10
	// MaxRules is the number of rules in all criteria and exclusions together, groups not counted.
	MaxRules = 200
	// MaxCriteria is the number of criteria and exclusions together.
	MaxCriteria = 200
	// MaxDepth is how deep lists of rules may nest within one criterion; the list in "rules" itself is the first level.
	MaxDepth = 5
)

// Form says how an audience was given.
type Form string

const (
	// FormLists is RecipientListsAndSegments with Exclude_RecipientListsAndSegments.
	FormLists Form = "lists"
	// FormRules is RulesJsonBundle.
	FormRules Form = "rules"
)

// Connector joins the rules of a group or the criteria of an audience.
type Connector string

// The two connectors.
const (
	And Connector = "and"
	Or  Connector = "or"
)

// Alternate returns the other connector: the one that joins the lists nested directly in a list joined by c.
func (c Connector) Alternate() Connector {
	if c == And {
		return Or
	}
	return And
}

// Audience is who a campaign goes to: those the criteria choose, joined by Operator, without those
// any exclusion chooses. Between criteria And means that the same email address is chosen by each,
// Or by at least one. The zero value is an audience in which nobody was chosen yet.
//
// Of FormLists the operator is Or, and each criterion and exclusion is a whole list or a single
// Segment with BelongsTo.
type Audience struct {
	Form     Form
	Operator Connector
	Criteria []Criterion
	Exclude  []Criterion
}

// Criterion chooses subscribers of one list: those for whom Where holds, or the whole list when Where is empty.
type Criterion struct {
	ListID int64
	Where  Group
}

// IsZero reports whether nobody is chosen. It is true of exclusions alone.
func (a Audience) IsZero() bool { return len(a.Criteria) == 0 }

// criteria returns the criteria and then the exclusions, each with the path that names it in the form a came in.
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
