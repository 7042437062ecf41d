package gate_test

import (
	"fmt"
	"testing"

	"campaignql/internal/gate"
)

func lost(g *gate.Guest) bool {
	select {
	case <-g.Lost():
		return true
	default:
		return false
	}
}

func TestANewcomerTakesThePlaceOfTheOldestOfTheCrowd(t *testing.T) {
	t.Parallel()
	l := gate.NewLobby(4)
	quiet := l.Enter("quiet")
	var crowd []*gate.Guest
	for range 10 {
		crowd = append(crowd, l.Enter("crowd"))
	}
	for i, g := range crowd {
		if lost(g) != (i < 7) {
			t.Errorf("guest %d of the crowd has lost its place: %v", i, lost(g))
		}
	}
	if within, out := l.Counts(); lost(quiet) || within != 4 || out != 7 {
		t.Errorf("%d within, %d have lost their places, the quiet one: %v", within, out, lost(quiet))
	}
	newcomer := l.Enter("newcomer")
	if !lost(crowd[7]) || lost(quiet) || lost(newcomer) {
		t.Error("another one than the oldest of the crowd has lost its place")
	}
}

func TestAPlaceIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	l := gate.NewLobby(2)
	var all []*gate.Guest
	for i := range 5 {
		all = append(all, l.Enter(fmt.Sprint(i%2)))
	}
	for range 2 {
		for _, g := range all {
			g.Leave()
		}
	}
	if within, _ := l.Counts(); within != 0 {
		t.Errorf("%d are within", within)
	}
	if one, two := l.Enter("a"), l.Enter("b"); lost(one) || lost(two) {
		t.Error("places were not given back")
	}
}
