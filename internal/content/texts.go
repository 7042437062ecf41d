package content

import (
	"context"
	"slices"

	entemail "campaignql/ent/email"
	"campaignql/internal/store"
)

// textReads is how many reads of texts of emails run at a time, accountTextReads how many of one
// account; others wait. The text that is being read is in memory several times, and charged to its
// answer only once it is there.
const textReads, accountTextReads = 6, 2

// readTexts runs a read of columns, within a place where texts are among them.
func readTexts[T any](
	ctx context.Context, s *Service, columns []string, read func(ctx context.Context) (T, error),
) (T, error) {
	if len(columns) > 0 && !slices.Contains(columns, entemail.FieldHTML) &&
		!slices.Contains(columns, entemail.FieldPlain) {
		return read(ctx)
	}
	return store.Gated(ctx, s.texts, read)
}
