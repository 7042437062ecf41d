package rules

import (
	"cmp"
	"slices"
)

// Reference is an object that an audience names by its id.
type Reference struct {
	ID int64
	// ListID is the list of the criterion that names a segment or a custom field, and 0 for all
	// other kinds. A segment that is named for list 3 must be a segment of list 3.
	ListID int64
	// Path is the position where the object is named first: criteria[0].rules[1].value, or
	// include[0] for an audience of FormLists.
	Path string
}

// References are all objects that an audience names. Each kind is ordered by ID and ListID and has
// no duplicates, so that the caller can check with one query per kind that all objects belong to
// the account.
type References struct {
	Lists, Segments, Tags, Fields, Campaigns []Reference
	// AnyCampaign reports whether a rule uses the events of all campaigns.
	AnyCampaign bool
	// AnyTag reports whether a rule is about all tags.
	AnyTag bool
}

// References returns everything the audience names, including exclusions.
func (a Audience) References() References {
	var r References
	for _, l := range a.criteria() {
		list := l.criterion.ListID
		if a.Form == FormLists {
			r.Lists = append(r.Lists, Reference{ID: list, Path: l.path})
			if segment, _ := l.criterion.pairedSegment(); segment != 0 {
				r.Segments = append(r.Segments, Reference{ID: segment, ListID: list, Path: l.path})
			}
			continue
		}
		r.Lists = append(r.Lists, Reference{ID: list, Path: key(l.path, "list_id")})
		r.collect(l.criterion.Where, key(l.path, "rules"), list)
	}
	return r.settled()
}

// References returns everything that the rules of a segment of the given list name. Paths begin
// with "rules".
func (g Group) References(listID int64) References {
	var r References
	r.collect(g, "rules", listID)
	return r.settled()
}

func (r *References) collect(g Group, path string, list int64) {
	for i, rule := range g.Rules {
		at := element(path, i)
		value := key(at, "value")
		switch rule := rule.(type) {
		case Group:
			r.collect(rule, at, list)
		case Field:
			if rule.CustomID > 0 {
				r.Fields = append(r.Fields, Reference{ID: rule.CustomID, ListID: list, Path: key(at, "field_id")})
			}
		case Segment:
			r.Segments = append(r.Segments, Reference{ID: rule.ID, ListID: list, Path: value})
		case Tags:
			r.Tags = appendIDs(r.Tags, rule.IDs, value)
			r.AnyTag = r.AnyTag || len(rule.IDs) == 0
		case CampaignEvent:
			r.Campaigns = appendIDs(r.Campaigns, rule.CampaignIDs, value)
			r.AnyCampaign = r.AnyCampaign || len(rule.CampaignIDs) == 0
		case Suppression:
		}
	}
}

func appendIDs(refs []Reference, ids []int64, path string) []Reference {
	for _, id := range ids {
		refs = append(refs, Reference{ID: id, Path: path})
	}
	return refs
}

// settled sorts each kind and removes duplicates. The sort is stable, so that the first occurrence
// is kept.
func (r References) settled() References {
	for _, refs := range []*[]Reference{&r.Lists, &r.Segments, &r.Tags, &r.Fields, &r.Campaigns} {
		slices.SortStableFunc(*refs, func(a, b Reference) int {
			return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.ListID, b.ListID))
		})
		*refs = slices.CompactFunc(*refs, func(a, b Reference) bool { return a.ID == b.ID && a.ListID == b.ListID })
	}
	return r
}
