package guard

import (
	"cmp"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const (
	// maxErrors is the number of errors at which validation of a document stops. Each error may
	// need a search for a similar name.
	maxErrors = 20
	// maxSuggested is the length in bytes of the longest name or text for which similar names are
	// searched. The cost of the search is this length times the length of all names that it is
	// compared with, so a name of one megabyte would take seconds.
	maxSuggested = 100
)

// Rules returns the rule set for gqlgen's SetValidationRulesFn. It is one rule that checks the
// limits. Only if they pass, that rule validates the document by the rules of the GraphQL
// specification. Each call returns a new set, because gqlgen modifies it.
func (g *Guard) Rules() *rules.Rules {
	return rules.NewRules(
		core.Rule{Name: "Guard", RuleFunc: g.rule},
		// gqlgen adds these two rules unless rules with these names exist. They would then run
		// before the limits are checked.
		core.Rule{Name: rules.FieldsOnCorrectTypeRule.Name, RuleFunc: nothing},
		core.Rule{Name: rules.ScalarLeafsRule.Name, RuleFunc: nothing},
	)
}

func nothing(*core.Events, core.AddErrFunc) {}

// rule runs at the first event that has the document. A rule cannot stop the walk that it is part
// of. So the outer walk has no other rule, and the other rules run in a walk of their own.
func (g *Guard) rule(events *core.Events, addError core.AddErrFunc) {
	checked := false
	events.OnOperation(func(walker *core.Walker, _ *ast.OperationDefinition) {
		if checked {
			return
		}
		checked = true
		for _, found := range g.check(walker.Schema, walker.Document) {
			addError(func(err *gqlerror.Error) { *err = *found })
		}
		// The rest of the outer walk has nothing to check. An empty document keeps it from walking
		// the fragments.
		walker.Document = &ast.QueryDocument{}
	})
}

func (g *Guard) check(schema *ast.Schema, doc *ast.QueryDocument) gqlerror.List {
	s, over := g.survey(doc)
	switch {
	case s.cyclic:
		return validate(schema, doc, []core.Rule{rules.NoFragmentCyclesRule})
	case len(over) > 0:
		errs := make(gqlerror.List, len(over))
		for i, e := range over {
			errs[i] = e.graphQL()
		}
		return errs
	case g.hideSuggestions || s.longest > maxSuggested:
		return validate(schema, doc, plainRules)
	default:
		return validate(schema, doc, suggestingRules)
	}
}

// Check returns the document limits that doc exceeds. They do not depend on variables: Tokens,
// Complexity and IntrospectionCost are not checked. A document with fragment cycles is invalid by
// another rule, and may exceed more limits than Check returns.
func (g *Guard) Check(doc *ast.QueryDocument) []*Exceeded {
	_, over := g.survey(doc)
	return over
}

func (g *Guard) survey(doc *ast.QueryDocument) (*survey, []*Exceeded) {
	s := newSurvey(doc)
	var worst measure
	total := 0
	for _, op := range doc.Operations {
		m := s.operation(op)
		total = plus(total, m.selections)
		worst.depth = max(worst.depth, m.depth)
		worst.introspection = max(worst.introspection, m.introspection)
		worst.aliases = max(worst.aliases, m.aliases)
		worst.directives = max(worst.directives, m.directives)
		worst.rootFields = max(worst.rootFields, m.rootFields)
	}
	for _, f := range doc.Fragments {
		s.text(f.Name)
		total = plus(total, s.fragment(f.Name).selections)
	}
	var over []*Exceeded
	compare := func(code, what string, found, limit int) {
		if found > limit {
			over = append(over, &Exceeded{Code: code, What: what, Found: found, Limit: limit})
		}
	}
	compare(CodeDepth, "levels of fields", worst.depth, g.limits.Depth)
	compare(CodeDepth, "levels of fields below __schema or __type", worst.introspection, g.limits.IntrospectionDepth)
	compare(CodeAliases, "aliases", worst.aliases, g.limits.Aliases)
	compare(CodeDirectives, "directives", worst.directives, g.limits.Directives)
	compare(CodeRootFields, "fields at its root", worst.rootFields, g.limits.RootFields)
	compare(CodeSelections, "selections with all fragments expanded", total, g.limits.Selections)
	if !s.cyclic && total <= g.limits.Selections {
		compare(CodeOverlaps, "pairs of selections to merge", s.overlaps(doc), g.limits.Overlaps)
	}
	return s, over
}

// suggestingRules and plainRules are the rules of the specification, with and without "Did you
// mean", sorted by name.
var (
	suggestingRules = sorted(rules.NewDefaultRules())
	plainRules      = sorted(withoutSuggestions(rules.NewDefaultRules()))
)

func sorted(set *rules.Rules) []core.Rule {
	var list []core.Rule
	for name, f := range set.GetInner() {
		list = append(list, core.Rule{Name: name, RuleFunc: f})
	}
	slices.SortFunc(list, func(a, b core.Rule) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func withoutSuggestions(set *rules.Rules) *rules.Rules {
	set.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return set
}

// enough is the panic value that ends a walk after the last error to report. A walk cannot be
// stopped in another way.
type enough struct{}

// validate applies the rules and returns at most maxErrors errors.
func validate(schema *ast.Schema, doc *ast.QueryDocument, list []core.Rule) (errs gqlerror.List) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(enough); !ok {
				panic(r)
			}
		}
	}()
	events := &core.Events{}
	for _, rule := range list {
		rule.RuleFunc(events, func(options ...core.ErrorOption) {
			err := &gqlerror.Error{Rule: rule.Name}
			for _, option := range options {
				option(err)
			}
			errs = append(errs, err)
			if len(errs) == maxErrors {
				panic(enough{})
			}
		})
	}
	core.Walk(schema, doc, events)
	return errs
}
