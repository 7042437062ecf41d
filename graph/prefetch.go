package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/ent"
	"campaignql/graph/loader"
	"campaignql/graph/scalar"
	"campaignql/internal/campaign"
)

// ahead loads, for all campaigns of a page at once, what their fields will ask the loaders for. A
// loader that only gathers what is asked for within a moment needs one statement or several, as the
// machine is idle or busy; so the number would depend on the rows. What cannot be loaded is left to
// the field, which reports it in its place.
func (r *resolver) ahead(ctx context.Context, rows []*ent.Campaign, asked selection) {
	l, err := loaders(ctx)
	if err != nil {
		return
	}
	l.Together(rows)
	for _, f := range asked.asked {
		switch f.Name {
		case "email":
			l.EmailsAhead(ctx, emailIDs(rows), asked.below(f, emailFields).emailColumns())
		case "readiness":
			l.EmailsAhead(ctx, emailIDs(rows), readinessColumns)
		case "abTest":
			for _, variations := range asked.below(f, nil).named("variations") {
				for _, email := range asked.below(variations, nil).named("email") {
					l.EmailsAhead(ctx, testedIDs(rows), asked.below(email, emailFields).emailColumns())
				}
			}
		case "history":
			r.historyAhead(ctx, l, rows, f.ArgumentMap(asked.op.Variables))
		}
	}
}

// readinessColumns are the columns of an email that readiness reads, in the loader's order.
var readinessColumns = slices.Sorted(slices.Values(campaign.ReadinessEmailColumns))

// emailColumns returns the columns in the order in which the loader tells them apart.
func (s selection) emailColumns() []string { return slices.Sorted(slices.Values(s.columns())) }

// below returns what is asked below one field of the selection.
func (s selection) below(f graphql.CollectedField, table fields) selection {
	return selection{op: s.op, table: table, asked: collect(s.op, f.Selections, f.Definition.Type)}
}

// named returns the fields of a name, which are several under aliases.
func (s selection) named(name string) []graphql.CollectedField {
	var found []graphql.CollectedField
	for _, f := range s.asked {
		if f.Name == name {
			found = append(found, f)
		}
	}
	return found
}

func (r *resolver) historyAhead(
	ctx context.Context, l *loader.Loaders, rows []*ent.Campaign, arguments map[string]any,
) {
	var first *int32
	if given := arguments["first"]; given != nil {
		n, err := scalar.UnmarshalInt(given)
		if err != nil {
			return
		}
		first = &n
	}
	after, _ := arguments["after"].(string)
	page, err := historyPlan(first, &after)
	if err != nil {
		return
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	l.HistoriesAhead(ctx, ids, page.beforeVersion, page.size+1)
}

// tagCountsAhead loads how many campaigns carry each of the tags, where that is asked for.
func (r *resolver) tagCountsAhead(ctx context.Context, tags []*ent.Tag, asked selection) {
	l, err := loaders(ctx)
	if err != nil || len(asked.named("campaignCount")) == 0 {
		return
	}
	ids := make([]int64, len(tags))
	for i, t := range tags {
		ids[i] = t.ID
	}
	l.TagCountsAhead(ctx, ids)
}

func emailIDs(rows []*ent.Campaign) []int64 {
	var ids []int64
	for _, row := range rows {
		if row.EmailID != nil {
			ids = append(ids, *row.EmailID)
		}
	}
	return ids
}

// testedIDs returns the emails that the A/B tests of campaigns compare. A test that cannot be read
// has none here; its field reports it.
func testedIDs(rows []*ent.Campaign) []int64 {
	var ids []int64
	for _, row := range rows {
		test, err := campaign.ParseABTest(row.AbTest)
		if err != nil || test == nil {
			continue
		}
		for _, variation := range test.Variations {
			ids = append(ids, variation.EmailID)
		}
	}
	return ids
}
