package live

import (
	"context"
	"time"
)

// Polling reports whether the poller of this service runs.
func (s *Service) Polling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polling
}

// Look polls the database for watches once, at once. The poller must not run yet.
func (s *Service) Look(ctx context.Context, watches []*Watch) error {
	for _, w := range watches {
		w.notBefore = time.Time{}
	}
	return s.look(ctx, watches)
}
