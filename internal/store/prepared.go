package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// keptStatements is the number of reads that stay prepared on each connection. By default MySQL
	// allows 16,382 for all connections together.
	keptStatements = 64
	// tooManyPrepared is the error number of MySQL for too many prepared statements on all
	// connections together.
	tooManyPrepared = 1461
	// candidates is how many query texts are remembered in order to detect that a read is repeated.
	candidates = 512
)

// prepared is a pool that prepares a read when it is run for the second time, and keeps it
// prepared. The database then parses and plans the read only once on each connection. A statement
// that cannot be prepared runs unprepared.
type prepared struct {
	*sql.DB
	seen *lru.Cache[string, struct{}]
	kept *lru.Cache[string, *statement]
}

func prepare(db *sql.DB) *prepared {
	p := &prepared{DB: db}
	// New fails only for a size below 1.
	p.seen, _ = lru.New[string, struct{}](candidates)
	p.kept, _ = lru.NewWithEvict(keptStatements, func(_ string, s *statement) { s.release() })
	return p
}

// QueryContext is [sql.DB.QueryContext] with a prepared statement if there is one.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, ok := p.kept.Get(query)
	if !ok {
		s = p.prepare(ctx, query)
	}
	if s == nil || !s.acquire() {
		return p.DB.QueryContext(ctx, query, args...)
	}
	defer s.release()
	rows, err := s.QueryContext(ctx, args...)
	if full := (*mysql.MySQLError)(nil); errors.As(err, &full) && full.Number == tooManyPrepared {
		return p.DB.QueryContext(ctx, query, args...)
	}
	return rows, err
}

// prepare returns a prepared statement and keeps it for later calls. It returns nil if the query is
// new or cannot be prepared.
func (p *prepared) prepare(ctx context.Context, query string) *statement {
	if known, _ := p.seen.ContainsOrAdd(query, struct{}{}); !known || !reads(query) {
		return nil
	}
	stmt, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	s := &statement{Stmt: stmt}
	s.users.Store(1) // the cache
	if old, ok, _ := p.kept.PeekOrAdd(query, s); ok {
		s.release()
		return old
	}
	return s
}

// statement is a prepared statement. It is closed when the cache and all its users have released
// it. Rows that are still being read keep it open on their own.
type statement struct {
	*sql.Stmt
	users atomic.Int64
}

// acquire reports whether the statement may be run. If it may, the caller must call release
// afterwards.
func (s *statement) acquire() bool {
	for {
		n := s.users.Load()
		if n == 0 {
			return false
		}
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *statement) release() {
	if s.users.Add(-1) == 0 {
		_ = s.Close() // the statement only reads, so an error has no effect
	}
}

// reads reports whether the statement only reads. Ent inserts into SQLite with a query (INSERT …
// RETURNING), so Query does not imply a read.
func reads(query string) bool {
	return strings.HasPrefix(query, "SELECT") || strings.HasPrefix(query, "WITH")
}
