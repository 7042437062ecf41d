package rules

import (
	"strconv"
	"strings"
)

// ParseLists parses RecipientListsAndSegments and Exclude_RecipientListsAndSegments. Each is a
// comma-separated text of ListID:SegmentID, where a missing, empty or zero SegmentID means the whole
// list. A doubled colon is one.
// Blanks around numbers and empty entries are ignored. Exclusions without inclusions are kept, but
// select no recipients. If both texts are empty, the result is the zero Audience.
//
// Faults are *apperr.Error with code Invalid, field "audience.lists" and reason "audience_invalid".
// Several faults are returned as an apperr.List. Messages begin with include[i] or exclude[i],
// counting non-empty entries from 0. Each text may have MaxBytes, and both together MaxCriteria
// entries.
func ParseLists(include, exclude string) (Audience, error) {
	p := &parser{field: fieldLists}
	a := Audience{Form: FormLists, Operator: Or}
	a.Criteria = p.pairs(include, "include")
	a.Exclude = p.pairs(exclude, "exclude")
	if err := p.err(); err != nil {
		return Audience{}, err
	}
	if len(a.Criteria)+len(a.Exclude) == 0 {
		return Audience{}, nil
	}
	return a, nil
}

func (p *parser) pairs(text, path string) []Criterion {
	if !p.fits(len(text), path) {
		return nil
	}
	var out []Criterion
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		at := element(path, len(out))
		if !p.countCriterion(at) {
			break
		}
		out = append(out, p.pair(entry, at))
	}
	return out
}

func (p *parser) pair(entry, path string) Criterion {
	listText, segmentText, hasSegment := strings.Cut(entry, ":")
	list, ok := parseID(listText)
	if !ok {
		p.fault(path, "%s does not begin with the number of a list", quote(entry))
		return Criterion{}
	}
	segmentText = strings.TrimSpace(strings.TrimPrefix(segmentText, ":")) // old scripts write 1::0
	if !hasSegment || segmentText == "" || isZeroNumber(segmentText) {
		return Criterion{ListID: list}
	}
	segment, ok := parseID(segmentText)
	if !ok {
		p.fault(path, "%s does not end with the number of a segment", quote(entry))
		return Criterion{}
	}
	if !p.countRule(path) {
		return Criterion{}
	}
	return Criterion{
		ListID: list, Where: Group{Operator: And, Rules: []Rule{Segment{Operator: BelongsTo, ID: segment}}},
	}
}

func isZeroNumber(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && strings.Trim(text, "0") == ""
}

// Lists writes an audience of FormLists as comma-separated ListID:SegmentID, with SegmentID 0 for
// the whole list. It returns the inclusions and the exclusions. Both are empty for an audience of
// FormRules.
func (a Audience) Lists() (include, exclude string) {
	if a.Form != FormLists {
		return "", ""
	}
	return formatPairs(a.Criteria), formatPairs(a.Exclude)
}

func formatPairs(criteria []Criterion) string {
	var b []byte
	for i, c := range criteria {
		if i > 0 {
			b = append(b, ',')
		}
		segment, _ := c.pairedSegment()
		b = strconv.AppendInt(b, c.ListID, 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, segment, 10)
	}
	return string(b)
}

// pairedSegment returns the segment of a criterion, or 0 for the whole list. ok is false if a
// ListID:SegmentID pair cannot express the criterion.
func (c Criterion) pairedSegment() (int64, bool) {
	switch len(c.Where.Rules) {
	case 0:
		return 0, true
	case 1:
		s, ok := c.Where.Rules[0].(Segment)
		return s.ID, ok && s.Operator == BelongsTo && c.Where.Operator == And
	default:
		return 0, false
	}
}
