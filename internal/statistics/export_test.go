package statistics

// LimitSummed returns a service that adds up at most rows rows.
func LimitSummed(s *Service, rows int) *Service { return &Service{s.db, rows} }
