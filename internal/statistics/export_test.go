package statistics

// LimitSummed makes a service that adds up no more rows than this.
func LimitSummed(s *Service, rows int) *Service { return &Service{s.db, rows} }
