package store

import (
	"context"
	"log/slog"
	"regexp"
	"time"
)

// slow logs statements that take longer than a limit. The zero value logs none.
type slow struct {
	log   *slog.Logger
	limit time.Duration
}

// note logs a statement that began at an instant, if it took too long. The wait for a connection is part
// of that. Of a query it is the time until its first row.
func (s slow) note(ctx context.Context, query string, began time.Time) {
	if s.log == nil || s.limit <= 0 {
		return
	}
	if took := time.Since(began); took >= s.limit {
		s.log.WarnContext(ctx, "slow statement", slog.Duration("took", took), slog.String("statement", shape(query)))
	}
}

// maxShape is how many bytes of a slow statement are logged.
const maxShape = 2000

var (
	// literals are texts and numbers in a statement; others are bound and never part of it.
	literals = regexp.MustCompile(`'(?:[^'\\]|''|\\.)*'|\b\d+(?:\.\d+)?\b`)
	// rows are lists of more than one value, or of more than one row.
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
