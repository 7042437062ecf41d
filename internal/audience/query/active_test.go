package query_test

import (
	"fmt"
	"testing"

	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestAudiencesReachTheActivePeopleOfAList has a list for each state that a person can be in. The
// two packages state in SQL of their own who gets mail: subscribed, without a hard bounce, not
// suppressed.
func TestAudiencesReachTheActivePeopleOfAList(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := &world{zone: "UTC"}
		var states []string
		for _, status := range kind.SubscriberStatus("").Values() {
			for _, bounce := range kind.BounceType("").Values() {
				for _, suppressed := range []bool{false, true} {
					email := fmt.Sprintf("p%d@example.net", len(w.people))
					w.people = append(w.people, &person{
						list: w.listCount, email: email, key: email,
						status: kind.SubscriberStatus(status), bounce: kind.BounceType(bounce),
					})
					if suppressed {
						w.suppressed = append(w.suppressed, email)
					}
					states = append(states, fmt.Sprintf("%s, bounce %s, suppressed %t", status, bounce, suppressed))
					w.listCount++
				}
			}
		}
		w.found(t, db)
		w.write(t, db)
		active, err := subscriber.New(db, nil, nil, nil, subscriber.Options{}).ActiveCounts(w.ctx, w.lists)
		must(t, err)
		if len(active) != 2 { // subscribed without a bounce, or with a soft one
			t.Errorf("people of %d states are active, want 2", len(active))
		}
		for i, list := range w.lists {
			reached, err := w.service.Count(w.ctx, query.Target{OwnerID: w.account.UserID, Audience: rules.Audience{
				Form: rules.FormLists, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: list}},
			}})
			must(t, err)
			if reached != int64(active[list]) {
				t.Errorf("%s: %d reached, %d active", states[i], reached, active[list])
			}
		}
	})
}
