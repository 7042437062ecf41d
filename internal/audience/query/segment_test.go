package query_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/page"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// agreeOnSegment compares the people and their number in the list of a segment with the people that
// the referee reaches through the segment.
func agreeOnSegment(t asker, w *world, db *store.Store, i int) {
	list := w.segments[i].list
	row := &ent.Segment{ID: w.segmentIDs[i], UserID: w.account.UserID, ListID: w.lists[list]}
	var want []int64
	belongs := rules.Segment{Operator: rules.BelongsTo, ID: row.ID}
	for _, p := range newReferee(w).reached(rules.Audience{Operator: rules.Or, Criteria: []rules.Criterion{
		{ListID: row.ListID, Where: rules.Group{Operator: rules.And, Rules: []rules.Rule{belongs}}}}}) {
		want = append(want, p.id)
	}
	people := subscriber.New(db, nil, nil, w.service, subscriber.Options{})
	filter, err := people.InSegment(w.ctx, subscriber.Filter{ListID: row.ListID}, row.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	err = people.Each(w.ctx, filter, subscriber.ByID, 0, 0, nil, func(_ context.Context, some []*ent.Subscriber) error {
		for _, p := range some {
			got = append(got, p.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("people of segment %d (-referee +listed):\n%s", i, diff)
	}
	n, err := people.Count(w.ctx, filter)
	if err != nil || n != len(want) {
		t.Fatalf("segment %d counts %d, %v of %d", i, n, err, len(want))
	}
	reached, err := w.service.Count(w.ctx, query.OfSegment(row))
	if err != nil || reached != int64(len(want)) {
		t.Fatalf("segment %d reaches %d, %v of %d", i, reached, err, len(want))
	}
	pages, err := people.Lists(w.ctx, w.lists, filter, subscriber.ByAddress, page.Request{First: new(page.MaxSize)})
	if err != nil {
		t.Fatal(err)
	}
	for at, id := range w.lists {
		if n := len(pages[id].Items); at == list && n != min(len(want), page.MaxSize) || at != list && n != 0 {
			t.Fatalf("list %d shows %d people of segment %d, which has %d", at, n, i, len(want))
		}
	}
}

func TestAPreparedTargetReachesTheSamePeople(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		target := query.Target{Audience: parse(t, `{"criteria":[{"list_id":%d}]}`, w.lists[0])}
		prepared, err := w.service.Prepare(w.ctx, target)
		must(t, err)
		if prepared.At != present {
			t.Errorf("prepared at %v", prepared.At)
		}
		for name, evaluate := range everything {
			must(t, evaluate(w.ctx, w.service, prepared))
			if err := evaluate(t.Context(), w.service, prepared); err == nil {
				t.Errorf("%s of a prepared target needs no caller", name)
			}
		}
		want, err := w.service.Count(w.ctx, target)
		must(t, err)
		got, err := w.service.Count(w.ctx, prepared)
		must(t, err)
		if got != want || want == 0 {
			t.Errorf("prepared counts %d, want %d", got, want)
		}
	})
}
