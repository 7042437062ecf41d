package purge

// OnPurged lets Purge delete so many rows at a time, and call fn, if not nil, with how many there were.
func (s *Service) OnPurged(atOnce int, fn func(n int)) { s.atOnce, s.onPurged = atOnce, fn }
