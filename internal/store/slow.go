package store

import (
	"context"
	"log/slog"
	"regexp"
	"time"
)

// slow logs statements that take at least as long as a limit. The zero value logs none.
type slow struct {
	log   *slog.Logger
	limit time.Duration
}

// note logs a statement that began at the given time, if it took too long. The duration includes
// the wait for a connection. For a query it ends at the first row.
func (s slow) note(ctx context.Context, query string, began time.Time) {
	if s.log == nil || s.limit <= 0 {
		return
	}
	if took := time.Since(began); took >= s.limit {
		s.log.WarnContext(ctx, "slow statement", slog.Duration("took", took), slog.String("statement", shape(query)))
	}
}

// maxShape is the maximum number of bytes of a slow statement in the log.
const maxShape = 2000

var (
	// literals matches texts and numbers in a statement. All other values are bound and not part of
	// the text.
	literals = regexp.MustCompile(`'(?:[^'\\]|''|\\.)*'|\b\d+(?:\.\d+)?\b`)
	// rows matches a list of several values, sets a list of several rows.
	rows = regexp.MustCompile(`\?(?:\s*,\s*\?)+`)
	sets = regexp.MustCompile(`\(\?…?\)(?:\s*,\s*\(\?…?\))+`)
)

// shape returns a statement without its values, so that it can be logged and grouped.
func shape(query string) string {
	if len(query) > 16*maxShape {
		query = query[:16*maxShape]
	}
	query = literals.ReplaceAllString(query, "?")
	query = rows.ReplaceAllString(query, "?…")
	query = sets.ReplaceAllString(query, "(?…)")
	if len(query) > maxShape {
		query = query[:maxShape] + "…"
	}
	return query
}
