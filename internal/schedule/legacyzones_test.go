package schedule

import (
	"strings"
	"testing"
)

func TestLegacyCitiesNameZonesOfTheDatabaseAndAreNeeded(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	first := map[string]string{} // the zone that a city would get without the table
	for name := range strings.Lines(zoneList) {
		name = strings.TrimSpace(name)
		listed[name] = true
		city := cityKey(name[strings.LastIndexByte(name, '/')+1:])
		if _, ok := first[city]; !ok {
			first[city] = name
		}
	}
	seen := map[string]bool{}
	for _, entry := range legacyCities {
		if !listed[entry.zone] {
			t.Errorf("%s: %s is not in the database", entry.city, entry.zone)
		}
		if first[cityKey(entry.city)] == entry.zone {
			t.Errorf("%s: found without an entry", entry.city)
		}
		if id := cityKey(entry.city) + entry.zone; seen[id] {
			t.Errorf("%s: listed twice", entry.city)
		} else {
			seen[id] = true
		}
	}
}
