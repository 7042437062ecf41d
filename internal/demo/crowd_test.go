package demo

import (
	"fmt"
	"testing"
)

// TestTheCrowdActsInProportion checks how many people do what, and that each does the same again.
func TestTheCrowdActsInProportion(t *testing.T) {
	t.Parallel()
	const people = 20_000
	crowd := &Crowd{full: map[string]bool{}}
	var missing, full, opens, clicks, leaves, bounces int
	for i := range people {
		to := fmt.Sprintf("p%d@example.com", i)
		if r := crowd.Refuse(to); r != nil && r.Code == 550 {
			missing++
			if crowd.Refuse(to) == nil {
				t.Fatal("a mailbox that did not exist is there the next time")
			}
		} else if r != nil {
			full++
			if crowd.Refuse(to) != nil {
				t.Fatal("a mailbox that was full is not cleared")
			}
		}
		f := fateOf(to, 7)
		if f != fateOf(to, 7) {
			t.Fatal("somebody acts otherwise on the same mail")
		}
		for does, n := range map[*int]bool{&opens: f.opens, &clicks: f.clicks, &leaves: f.leaves, &bounces: f.bounces} {
			if n {
				*does++
			}
		}
	}
	for what, n := range map[string][3]int{
		"missing": {missing, 300, 500}, "full": {full, 300, 500}, "open": {opens, 8_000, 10_000},
		"click": {clicks, 2_000, 3_500}, "leave": {leaves, 150, 400}, "bounce": {bounces, 100, 300},
	} {
		if n[0] < n[1] || n[0] > n[2] {
			t.Errorf("%s: %d of %d people", what, n[0], people)
		}
	}
}
