package guard

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// measure holds the counts of a selection set with its fragments expanded. All numbers are those of
// the selection set alone, relative to its own level. They do not depend on where the set is used,
// so they can be cached per fragment.
type measure struct {
	depth         int // levels of fields, not counting those below an introspection root
	introspection int // levels of fields below an introspection root
	rootFields    int // fields at the level of the set itself
	aliases       int
	directives    int
	selections    int
}

// beside adds a measure at the same level: another selection, or the content of a fragment.
func (m *measure) beside(o measure) {
	m.depth = max(m.depth, o.depth)
	m.introspection = max(m.introspection, o.introspection)
	m.rootFields = plus(m.rootFields, o.rootFields)
	m.below(o)
}

// below adds the counts of a child measure that do not depend on the level.
func (m *measure) below(o measure) {
	m.aliases = plus(m.aliases, o.aliases)
	m.directives = plus(m.directives, o.directives)
	m.selections = plus(m.selections, o.selections)
}

// survey measures a document. It needs no schema and no annotations of the validator.
type survey struct {
	fragments map[string]*fragment
	// cyclic is set if a fragment reaches itself. The measures then cut the cycle and are too
	// small.
	cyclic bool
	// longest is the length in bytes of the longest name or text literal. It is the upper bound of
	// the texts for which validation searches similar names.
	longest int
}

type fragment struct {
	definition *ast.FragmentDefinition
	state      state
	measure    measure
}

type state uint8

const (
	unseen state = iota
	open         // being measured: a second visit in this state is a cycle
	done
)

func newSurvey(doc *ast.QueryDocument) *survey {
	s := &survey{fragments: make(map[string]*fragment, len(doc.Fragments))}
	for _, f := range doc.Fragments {
		// If two fragments have the same name, the first is used, as in the validator.
		if s.fragments[f.Name] == nil {
			s.fragments[f.Name] = &fragment{definition: f}
		}
	}
	return s
}

func (s *survey) operation(op *ast.OperationDefinition) measure {
	m := s.set(op.SelectionSet)
	m.directives = plus(m.directives, s.directives(op.Directives))
	s.text(op.Name)
	for _, v := range op.VariableDefinitions {
		m.directives = plus(m.directives, s.directives(v.Directives))
		s.text(v.Variable)
		s.text(v.Type.Name())
		s.value(v.DefaultValue)
	}
	return m
}

// fragment returns the measure of a fragment. It measures each fragment once, however often it is
// spread. An unknown name has an empty measure.
func (s *survey) fragment(name string) measure {
	f := s.fragments[name]
	switch {
	case f == nil:
		return measure{}
	case f.state == open:
		s.cyclic = true
		return measure{}
	case f.state == unseen:
		f.state = open
		f.measure = s.set(f.definition.SelectionSet)
		f.measure.directives = plus(f.measure.directives, s.directives(f.definition.Directives))
		s.text(f.definition.TypeCondition)
		f.state = done
	}
	return f.measure
}

func (s *survey) set(set ast.SelectionSet) measure {
	var m measure
	for _, selection := range set {
		m.selections = plus(m.selections, 1)
		switch it := selection.(type) {
		case *ast.Field:
			m.beside(s.field(it))
		case *ast.InlineFragment:
			m.directives = plus(m.directives, s.directives(it.Directives))
			s.text(it.TypeCondition)
			m.beside(s.set(it.SelectionSet))
		case *ast.FragmentSpread:
			m.directives = plus(m.directives, s.directives(it.Directives))
			s.text(it.Name)
			m.beside(s.fragment(it.Name))
		}
	}
	return m
}

func (s *survey) field(it *ast.Field) measure {
	s.text(it.Name)
	s.text(it.Alias)
	s.arguments(it.Arguments)
	m := measure{depth: 1, rootFields: 1, directives: s.directives(it.Directives)}
	if it.Alias != it.Name {
		m.aliases = 1
	}
	child := s.set(it.SelectionSet)
	if introspects(it.Name) {
		m.introspection = max(child.depth, child.introspection)
	} else {
		m.depth = child.depth + 1
		m.introspection = child.introspection
	}
	m.below(child)
	return m
}

// introspects reports whether a field of this name is an introspection root.
func introspects(name string) bool { return name == "__schema" || name == "__type" }

func (s *survey) directives(list ast.DirectiveList) int {
	for _, d := range list {
		s.text(d.Name)
		s.arguments(d.Arguments)
	}
	return min(len(list), ceiling)
}

func (s *survey) arguments(list ast.ArgumentList) {
	for _, a := range list {
		s.text(a.Name)
		s.value(a.Value)
	}
}

func (s *survey) value(v *ast.Value) {
	if v == nil {
		return
	}
	s.text(v.Raw)
	for _, child := range v.Children {
		s.text(child.Name)
		s.value(child.Value)
	}
}

func (s *survey) text(t string) { s.longest = max(s.longest, len(t)) }
