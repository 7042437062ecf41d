package sending

// Between has f run between the transactions of Retry.
func (s *Service) Between(f func()) { s.between = f }
