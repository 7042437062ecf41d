package guard

import "github.com/vektah/gqlparser/v2/ast"

// overlaps returns how many pairs of selections the rule OverlappingFieldsCanBeMerged may have to
// compare.
//
// That rule compares every two fields with the same response path and every two spreads at the same
// path, and starts again inside each inline fragment. With 220 inline fragments around the same
// field repeated 1,300 times, a document of 2,000 tokens needs two hundred million comparisons. The
// estimate is an upper bound and costs one step for each expanded selection. So overlaps must only
// be called for a document without cycles whose number of expanded selections is known to be small.
func (s *survey) overlaps(doc *ast.QueryDocument) int {
	o := overlap{survey: s, places: make(map[place]int)}
	for _, op := range doc.Operations {
		o.root(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		o.root(f.SelectionSet)
	}
	return o.pairs
}

// overlap builds the tree of response paths, for one selection set after the other.
type overlap struct {
	*survey
	places map[place]int // the id of each path, starting at 1
	counts []int         // by id: the number of selections with this path
	pairs  int
}

// place is a response path: the id of the parent path and the response name. Spreads share the name
// "...".
type place struct {
	above int
	name  string
}

func (o *overlap) root(set ast.SelectionSet) {
	clear(o.places)
	o.counts = append(o.counts[:0], 0)
	o.set(set, 0, 1)
}

// set visits the selections below the path above. sets is the number of selection sets that contain
// them and that the rule compares separately: the set itself and one for each inline fragment
// around it.
func (o *overlap) set(set ast.SelectionSet, above, sets int) {
	for _, selection := range set {
		switch it := selection.(type) {
		case *ast.Field:
			o.set(it.SelectionSet, o.meet(place{above, it.Alias}, sets), sets)
		case *ast.InlineFragment:
			o.set(it.SelectionSet, above, sets+1)
		case *ast.FragmentSpread:
			o.meet(place{above, "..."}, sets)
			if f := o.fragments[it.Name]; f != nil {
				o.set(f.definition.SelectionSet, above, sets)
			}
		}
	}
}

func (o *overlap) meet(p place, sets int) int {
	id, ok := o.places[p]
	if !ok {
		id = len(o.counts)
		o.places[p] = id
		o.counts = append(o.counts, 0)
	}
	o.pairs = plus(o.pairs, times(o.counts[id], sets))
	o.counts[id]++
	return id
}
