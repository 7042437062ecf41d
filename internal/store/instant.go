package store

import (
	"fmt"
	"time"
)

// Instant scans a time from an SQL expression, which SQLite returns as text. NULL is the zero time.
type Instant struct{ time.Time }

// Scan implements [sql.Scanner].
func (i *Instant) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		i.Time = time.Time{}
		return nil
	case time.Time:
		i.Time = Truncate(v)
		return nil
	case []byte:
		return i.Scan(string(v))
	case string:
		for _, layout := range []string{"2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, v); err == nil {
				i.Time = Truncate(at)
				return nil
			}
		}
	}
	return fmt.Errorf("store: %v is no instant", v)
}
