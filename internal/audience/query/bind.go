package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
)

// criterion selects subscribers of a list.
type criterion struct {
	path   string
	listID int64
	where  *node
}

// node is a rule that can be compiled: a group, or a leaf with its condition.
type node struct {
	path     string
	rule     rules.Rule
	operator rules.Connector
	children []*node
	holds    condition
}

// on returns the predicate that is true if the rule matches a row. An empty group matches every
// row.
func (n *node) on(s *statement, r row) *sql.Predicate {
	if n.holds != nil {
		return n.holds(s, r)
	}
	if len(n.children) == 0 {
		return holds(true)
	}
	join, on := all, (*node).on
	if n.operator == rules.Or && len(n.children) > 1 {
		join, on = anyOf, func(child *node, s *statement, r row) *sql.Predicate { return apart(child.on)(s, r) }
	}
	parts := make([]*sql.Predicate, len(n.children))
	for i, child := range n.children {
		parts[i] = on(child, s, r)
	}
	return join(parts...)
}

// binder turns rules into conditions, checks that the owner has the objects that the rules name,
// and replaces segments by their rules. It continues after a fault, so that all faults are
// reported. The conditions cannot be used then.
type binder struct {
	known *known
	// input is the field on which faults are reported.
	input  string
	zone   *time.Location
	at     time.Time
	stored bool
	// limitsAlone means that only faults about exceeded limits are reported.
	limitsAlone bool
	// pairs means that the audience was given as pairs of list and segment. A pair has one path.
	pairs bool
	// byAddress reports whether a rule compares the address.
	byAddress bool
	// byRows reports whether a rule reads values of a custom field or events of campaigns.
	byRows bool

	rules  int
	ids    int
	faults apperr.Faults
	// inside is the chain of segments that the binder is currently in, the outermost first.
	inside []int64
}

func (b *binder) fault(reason apperr.Reason, path, format string, args ...any) {
	if b.limitsAlone && reason != apperr.ReasonAudienceTooLarge {
		return
	}
	code := apperr.Invalid
	if reason == apperr.ReasonAudienceNotFound {
		code = apperr.NotFound
	}
	b.faults.Add(
		&apperr.Error{Code: code, Field: b.input, Reason: reason, Message: path + ": " + fmt.Sprintf(format, args...)},
	)
}

// has checks that the owner has an object and that it belongs to the list for which it is named.
// The message is the same for an object of another account and for an object that does not exist.
func (b *binder) has(found map[int64]int64, id, listID int64, path, what string) bool {
	if b.limitsAlone {
		return true
	}
	if list, ok := found[id]; ok && (list == 0 || listID == 0 || list == listID) {
		return true
	}
	b.fault(apperr.ReasonAudienceNotFound, path, "there is no %s %d", what, id)
	return false
}

func (b *binder) criteria(path string, criteria []rules.Criterion) []criterion {
	out := make([]criterion, len(criteria))
	for i, c := range criteria {
		at := path + "[" + strconv.Itoa(i) + "]"
		listPath, rulesPath := at+".list_id", at+".rules"
		if b.pairs {
			listPath, rulesPath = at, at
		}
		b.has(b.known.lists, c.ListID, 0, listPath, "list")
		out[i] = criterion{path: at, listID: c.ListID, where: b.group(c.Where, c.ListID, rulesPath)}
	}
	return out
}

func (b *binder) group(g rules.Group, listID int64, path string) *node {
	out := &node{path: path, rule: g, operator: g.Operator}
	for i, rule := range g.Rules {
		at, value := path+"["+strconv.Itoa(i)+"]", ""
		if value = at + ".value"; b.pairs && len(b.inside) == 0 {
			at, value = path, path
		}
		if inner, ok := rule.(rules.Group); ok {
			out.children = append(out.children, b.group(inner, listID, at))
			continue
		}
		if b.rules++; b.rules > MaxRules {
			if b.rules == MaxRules+1 {
				b.fault(apperr.ReasonAudienceTooLarge, at, "more than %d rules, those of segments counted", MaxRules)
			}
			return out
		}
		out.children = append(out.children, &node{path: at, rule: rule, holds: b.leaf(rule, listID, at, value)})
	}
	return out
}

func (b *binder) leaf(rule rules.Rule, listID int64, at, value string) condition {
	switch rule := rule.(type) {
	case rules.Field:
		if rule.CustomID > 0 && !b.has(b.known.fieldLists, rule.CustomID, listID, at+".field_id", "custom field") {
			return nil
		}
		return b.field(rule, value)
	case rules.Segment:
		return b.segment(rule, listID, value)
	case rules.Tags:
		for _, id := range rule.IDs {
			b.has(b.known.tags, id, 0, value, "subscriber tag")
		}
		b.names(len(rule.IDs), value)
		return b.tags(rule)
	case rules.Suppression:
		return negated(rule.Operator == rules.NotSuppressed, suppressed)
	case rules.CampaignEvent:
		for _, id := range rule.CampaignIDs {
			// Campaigns in saved rules were checked when the rules were saved. If one was deleted
			// since, it has no events.
			if !b.stored && len(b.inside) == 0 {
				b.has(b.known.campaigns, id, 0, value, "campaign")
			}
		}
		b.names(len(rule.CampaignIDs), value)
		return b.event(rule)
	}
	b.faults.Add(fmt.Errorf("reach: no condition for a rule of type %T", rule))
	return nil
}

// names counts the ids that rules name, including repetitions, because every id is an argument of
// the statement.
func (b *binder) names(n int, path string) {
	if b.ids <= MaxIDs && b.ids+n > MaxIDs {
		b.fault(
			apperr.ReasonAudienceTooLarge, path, "more than %d tags and campaigns are named, those of segments counted",
			MaxIDs,
		)
	}
	b.ids += n
}

// segment replaces a segment by its rules. The path of a fault in those rules is the path of the
// rule that names the segment, followed by the path within the segment.
func (b *binder) segment(rule rules.Segment, listID int64, at string) condition {
	if i := slices.Index(b.inside, rule.ID); i >= 0 {
		chain := make([]string, 0, MaxSegmentDepth+1)
		for _, id := range append(slices.Clone(b.inside[i:]), rule.ID) {
			chain = append(chain, strconv.FormatInt(id, 10))
		}
		b.fault(apperr.ReasonAudienceInvalid, at, "segment %d contains itself: %s", rule.ID, strings.Join(chain, " → "))
		return nil
	}
	if len(b.inside) == MaxSegmentDepth {
		b.fault(
			apperr.ReasonAudienceTooLarge, at, "segments stand within segments deeper than %d levels", MaxSegmentDepth,
		)
		return nil
	}
	if !b.has(b.known.segmentLists, rule.ID, listID, at, "segment") {
		return nil
	}
	saved := b.known.segments[rule.ID]
	if saved.err != nil {
		b.fault(apperr.ReasonAudienceInvalid, at, "the rules of segment %d cannot be understood", rule.ID)
		return nil
	}
	b.inside = append(b.inside, rule.ID)
	defer func() { b.inside = b.inside[:len(b.inside)-1] }()
	inner := b.group(saved.where, listID, at+": segment "+strconv.FormatInt(rule.ID, 10)+": rules")
	if rule.Operator == rules.DoesNotBelongTo {
		return negated(true, apart(inner.on))
	}
	return inner.on
}
