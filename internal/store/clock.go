package store

import (
	"context"

	"time"

	"entgo.io/ent/dialect"
)

// Clock returns the present time of the database, which several servers share: their own clocks may
// differ. SQLite has no other clock than this process.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	if s.dialect != dialect.MySQL {
		return Now(), nil
	}
	r := s.Raw(ctx)
	t := r.Text()
	t.WriteString("SELECT UTC_TIMESTAMP(6)")
	var now Instant
	err := r.Query(ctx, t, func(rows Rows) error { return rows.Scan(&now) })
	return now.Time, err
}
