package content

import (
	"context"
	"slices"

	entemail "campaignql/ent/email"
	"campaignql/internal/store"
)

// readTexts runs a read of columns, within a place where texts are among them.
func readTexts[T any](
	ctx context.Context, s *Service, columns []string, read func(ctx context.Context) (T, error),
) (T, error) {
	if len(columns) > 0 && !slices.Contains(columns, entemail.FieldHTML) &&
		!slices.Contains(columns, entemail.FieldPlain) {
		return read(ctx)
	}
	return store.ReadTexts(ctx, s.db, read)
}
