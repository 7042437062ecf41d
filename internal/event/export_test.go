package event

// RecountAtOnce sets how many events of a kind a recount reads per batch.
func (s *Service) RecountAtOnce(n int) { s.recountedAtOnce = n }
