package live

import (
	"context"
	"time"
)

// Look looks at the database for watches as the poller does, at once; the poller must not run yet.
func (s *Service) Look(ctx context.Context, watches []*Watch) error {
	for _, w := range watches {
		w.notBefore = time.Time{}
	}
	return s.look(ctx, watches)
}
