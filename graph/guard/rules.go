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
	// maxErrors is where validation of one document stops. Each error may cost a search for a similar name.
	maxErrors = 20
	// maxSuggested is the length in bytes of the longest name or text for which similar names are sought.
	// The search multiplies it by the length of all names it is compared with, so one name of a megabyte takes seconds.
	maxSuggested = 100
)

// Rules returns the rule set for gqlgen's SetValidationRulesFn: one rule that checks the limits
// and, only when they are kept, validates the document by the rules of the GraphQL specification.
// gqlgen alters the set it gets, so each call makes a new one.
func (g *Guard) Rules() *rules.Rules {
	return rules.NewRules(
		core.Rule{Name: "Guard", RuleFunc: g.rule},
		// gqlgen adds these two unless rules of these names exist, and they would then run before
		// the limits are checked.
		core.Rule{Name: rules.FieldsOnCorrectTypeRule.Name, RuleFunc: nothing},
		core.Rule{Name: rules.ScalarLeafsRule.Name, RuleFunc: nothing},
	)
}

func nothing(*core.Events, core.AddErrFunc) {}

// rule runs at the first event that comes with the document. A rule cannot end the walk it is part of, hence a walk
// without any other rule first, and the other rules in a walk of their own.
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
		// What is left of the outer walk has nothing to observe; this spares it the fragments.
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

// Check returns the limits that doc is over without looking at variables: all but Tokens,
// Complexity and IntrospectionCost. A document with fragment cycles, which is invalid by another
// rule, may be over more than Check finds.
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

// suggestingRules and plainRules are the rules of the specification, with and without "Did you mean", ordered by name.
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

// enough is what a rule is interrupted with at the last error reported: a walk has no other way out.
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
