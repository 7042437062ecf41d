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
	// keptStatements is how many reads stay prepared on each connection. MySQL allows all
	// connections together 16,382 by default.
	keptStatements = 64
	// tooManyPrepared is MySQL's error that all its connections together keep too many statements.
	tooManyPrepared = 1461
	// candidates is how many texts are remembered to tell a read that comes again from one that does not.
	candidates = 512
)

// prepared is a pool whose reads are prepared when they come a second time, and stay so: the
// database parses and plans each once on a connection. What cannot be prepared runs as it is.
type prepared struct {
	*sql.DB
	seen *lru.Cache[string, struct{}]
	kept *lru.Cache[string, *statement]
}

func prepare(db *sql.DB) *prepared {
	p := &prepared{DB: db}
	// New fails for a size below 1 alone.
	p.seen, _ = lru.New[string, struct{}](candidates)
	p.kept, _ = lru.NewWithEvict(keptStatements, func(_ string, s *statement) { s.release() })
	return p
}

// QueryContext is that of [sql.DB].
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

// prepare returns a statement that is used from now on, nil for a text that is new or cannot be prepared.
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

// statement is a prepared statement that is closed when the cache and the last that runs it have
// let go. Rows that are still read keep it open by themselves.
type statement struct {
	*sql.Stmt
	users atomic.Int64
}

// acquire reports whether the statement may be run; release must follow then.
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
		_ = s.Close() // of a read: there is nothing to lose
	}
}

// reads reports whether the statement only reads: Ent inserts into SQLite with a query, to get the id back.
func reads(query string) bool {
	return strings.HasPrefix(query, "SELECT") || strings.HasPrefix(query, "WITH")
}
