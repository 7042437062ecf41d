package campaign

// Check and Effective let the external tests try the state machine without a database.
var (
	Check     = check
	Effective = effective
)

// OnPurged lets Purge delete so many rows at a time, and call fn, if not nil, with how many there were.
func (s *Service) OnPurged(atOnce int, fn func(n int)) { s.purged, s.onPurged = atOnce, fn }
