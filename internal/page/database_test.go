package page_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var byNextSend = page.Order[*ent.Campaign]{
	Name: "NEXT_SEND_AT", Column: campaign.FieldNextSendAt, Type: page.Instant, Nullable: true,
	Key: func(c *ent.Campaign) page.Key { return page.Key{Value: page.Optional(c.NextSendAt), ID: c.ID} },
}

var byRecipients = page.Order[*ent.Campaign]{
	Name: "RECIPIENTS", Column: campaign.FieldTotalRecipients, Type: page.Number,
	Key: func(c *ent.Campaign) page.Key { return page.Key{Value: c.TotalRecipients, ID: c.ID} },
}

// TestPagesVisitEveryRowOnceInOrder reads pages of every size, in both directions and from both
// ends. The pages must contain each row once, in the order in which the databases sort NULLs.
func TestPagesVisitEveryRowOnceInOrder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		order page.Order[*ent.Campaign]
		want  string
	}{
		"around NULLs": {byNextSend, "0 3 6 5 1 4 2"},
		"of numbers":   {byRecipients, "0 3 6 1 4 2 5"},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		ctx := testkit.As(t, testkit.Account(t, db))
		base := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		for i, after := range []time.Duration{-1, 2 * time.Hour, 2*time.Hour + time.Microsecond, -1, 2 * time.Hour, time.Hour, -1} {
			create := db.Client(ctx).
				Campaign.Create().
				SetName(strconv.Itoa(i)).
				SetNameKey("c").
				SetTotalRecipients(int64(i % 3)).
				SetLastActivityAt(base).
				SetCreatedAt(base)
			if after >= 0 {
				create.SetNextSendAt(base.Add(after))
			}
			if err := create.Exec(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for label, test := range tests {
			for _, desc := range []bool{false, true} {
				for size := 1; size <= 8; size++ {
					order, want := test.order, strings.Fields(test.want)
					if order.Desc = desc; desc {
						slices.Reverse(want)
					}
					forward, backward := walk(t, ctx, db, order, size, false), walk(t, ctx, db, order, size, true)
					if !slices.Equal(forward, want) || !slices.Equal(backward, want) {
						t.Errorf(
							"%s, descending %v, by %d: forward %v, backward %v, want %v", label, desc, size, forward,
							backward, want,
						)
					}
				}
			}
		}
	})
}

// walk returns the names of all rows, page by page from the start or from the end.
func walk(
	t *testing.T, ctx context.Context, db *store.Store, order page.Order[*ent.Campaign], size int, backward bool,
) []string {
	t.Helper()
	request := page.Request{First: &size}
	if backward {
		request = page.Request{Last: &size}
	}
	var all []string
	for range 20 {
		plan, err := order.Plan(request)
		if err != nil {
			t.Fatal(err)
		}
		query := db.Client(ctx).Campaign.Query()
		query.Modify(plan.Apply)
		rows, err := query.Select(plan.Select([]string{campaign.FieldName})...).All(ctx)
		if err != nil {
			t.Fatal(err)
		}
		result := plan.Result(rows)
		var names []string
		for _, c := range result.Items {
			names = append(names, c.Name)
		}
		if backward {
			all = append(names, all...)
		} else {
			all = append(all, names...)
		}
		switch {
		case backward && result.HasPrevious:
			request.Before = result.Cursor(0)
		case !backward && result.HasNext:
			request.After = result.Cursor(len(result.Items) - 1)
		default:
			return all
		}
	}
	t.Fatal(fmt.Sprint("the pages never end: ", all))
	return nil
}
