package command

import (
	"context"
	"slices"
	"time"

	"campaignql/internal/caller"
)

// zonesOfOwners returns the time zone of each owner. Only an admin sees data of other accounts;
// reading their zones costs one statement.
func (b *Bridge) zonesOfOwners(ctx context.Context, owners []int64) (map[int64]*time.Location, error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	zones := map[int64]*time.Location{id.UserID: location(id.TimeZone)}
	var others []int64
	for _, owner := range owners {
		if owner != id.UserID && !slices.Contains(others, owner) {
			others = append(others, owner)
		}
	}
	if len(others) == 0 {
		return zones, nil
	}
	names, err := b.Campaigns.Zones(ctx, others)
	if err != nil {
		return nil, err
	}
	for _, owner := range others {
		zones[owner] = location(names[owner])
	}
	return zones, nil
}

// dateTime returns a time in the time zone of its owner.
func dateTime(at *time.Time, zone *time.Location) string {
	if at == nil || at.IsZero() {
		return unsetDateTime
	}
	return at.In(zone).Format(time.DateTime)
}

// asText turns every number of a row into text, as in the rows of lists.
func asText(row Object) Object {
	for i, m := range row {
		switch v := m.Value.(type) {
		case int64:
			row[i].Value = numberOf(v).asString()
		case int:
			row[i].Value = numberOf(int64(v)).asString()
		}
	}
	return row
}

// number returns 1 for true and 0 for false, as the legacy database stores booleans.
func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
