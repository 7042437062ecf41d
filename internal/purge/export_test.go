package purge

// OnPurged sets the number of rows that Purge deletes per transaction, and a function, or nil, that
// gets the number of deleted rows after each transaction.
func (s *Service) OnPurged(atOnce int, fn func(n int)) { s.atOnce, s.onPurged = atOnce, fn }
