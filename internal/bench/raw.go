package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/store"
)

// pageSize is the number of campaigns on the page.
const pageSize = 50

// The statements read the same columns of the same rows as those that the server runs for the
// query.
const (
	keyStatement = `SELECT k.id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, u.id, u.username, u.role, u.reputation, u.time_zone
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = ?`
	usedStatement = `UPDATE api_keys SET last_used_at = ? WHERE id = ?`
	pageStatement = `SELECT id, name, status, total_sent, unique_opens FROM campaigns WHERE user_id = ? ORDER BY id DESC LIMIT 51`
	tagsStatement = `SELECT ct.campaign_id, t.id, t.name FROM campaign_tags ct LEFT JOIN tags t ON t.id = ct.tag_id AND t.user_id = ct.user_id
WHERE ct.campaign_id IN (?%s) AND ct.user_id = ? ORDER BY t.name_key, t.id`
	countStatement = `SELECT COUNT(id) FROM campaigns WHERE user_id = ?`
)

// limit answers only the measured query. It is written for speed: prepared statements, no
// framework, handwritten JSON.
type limit struct {
	key, used, page, tags, count *sql.Stmt
}

// serveRaw serves the handler on the database until ctx ends. It prints its URL to out first. It
// opens the database with the default settings of the server.
func serveRaw(ctx context.Context, database string, out io.Writer) error {
	debug.SetGCPercent(400) // as the server does
	db, err := store.Open(ctx, database, store.Options{MaxConnections: maxConnections})
	if err != nil {
		return err
	}
	defer db.Close()
	h, err := newLimit(ctx, db)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "serves http://%s\n", listener.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newLimit(ctx context.Context, db *store.Store) (*limit, error) {
	pools := db.Pools()
	write, read := pools[0], pools[len(pools)-1]
	h := new(limit)
	for _, one := range []struct {
		into **sql.Stmt
		pool *sql.DB
		text string
	}{
		{&h.key, read, keyStatement},
		{&h.used, write, usedStatement},
		{&h.page, read, pageStatement},
		{&h.tags, read, fmt.Sprintf(tagsStatement, strings.Repeat(", ?", pageSize-1))},
		{&h.count, read, countStatement},
	} {
		prepared, err := one.pool.PrepareContext(ctx, one.text)
		if err != nil {
			return nil, err
		}
		*one.into = prepared
	}
	return h, nil
}

// row is one campaign on the page.
type row struct {
	id           int64
	name, status string
	sent, opens  int64
	tags         []string
}

// ServeHTTP implements [http.Handler].
func (h *limit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	user, err := h.authenticate(r.Context(), key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	body, err := h.answer(r.Context(), user)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// authenticate returns the account of a valid key. At most once a minute it records that the key
// was used.
func (h *limit) authenticate(ctx context.Context, key string) (user int64, err error) {
	sum := sha256.Sum256([]byte(key))
	var id int64
	var scopes, name, role, reputation, zone string
	var expires, revoked, used sql.NullTime
	row := h.key.QueryRowContext(ctx, hex.EncodeToString(sum[:]))
	if err := row.Scan(&id, &scopes, &expires, &revoked, &used, &user, &name, &role, &reputation, &zone); err != nil {
		return 0, err
	}
	now := store.Now()
	if revoked.Valid || expires.Valid && !expires.Time.After(now) || !strings.Contains(scopes, "read") {
		return 0, errors.New("this key may not read")
	}
	if !used.Valid || now.Sub(used.Time) >= time.Minute {
		if _, err := h.used.ExecContext(ctx, now, id); err != nil {
			return 0, err
		}
	}
	return user, nil
}

func (h *limit) answer(ctx context.Context, user int64) ([]byte, error) {
	page, err := h.campaigns(ctx, user)
	if err != nil {
		return nil, err
	}
	if err := h.tag(ctx, user, page); err != nil {
		return nil, err
	}
	var total int64
	if err := h.count.QueryRowContext(ctx, user).Scan(&total); err != nil {
		return nil, err
	}
	return write(page, total), nil
}

func (h *limit) campaigns(ctx context.Context, user int64) ([]row, error) {
	rows, err := h.page.QueryContext(ctx, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	page := make([]row, 0, pageSize+1)
	for rows.Next() {
		var c row
		if err := rows.Scan(&c.id, &c.name, &c.status, &c.sent, &c.opens); err != nil {
			return nil, err
		}
		page = append(page, c)
	}
	return page[:min(pageSize, len(page))], rows.Err()
}

// tag reads the tags of the page.
func (h *limit) tag(ctx context.Context, user int64, page []row) error {
	arguments := make([]any, pageSize+1)
	place := make(map[int64]*row, len(page))
	for i := range page {
		arguments[i], place[page[i].id] = page[i].id, &page[i]
	}
	for i := len(page); i < pageSize; i++ {
		arguments[i] = int64(0) // no campaign has this id
	}
	arguments[pageSize] = user
	rows, err := h.tags.QueryContext(ctx, arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var campaign, id int64
		var name string
		if err := rows.Scan(&campaign, &id, &name); err != nil {
			return err
		}
		c := place[campaign]
		c.tags = append(c.tags, name)
	}
	return rows.Err()
}

func write(page []row, total int64) []byte {
	b := make([]byte, 0, 16<<10)
	b = append(b, `{"data":{"campaigns":{"nodes":[`...)
	for i, c := range page {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(append(b, `{"name":`...), c.name)
		b = text(append(b, `,"status":`...), strings.ToUpper(c.status))
		b = append(b, `,"tags":[`...)
		for j, name := range c.tags {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(text(append(b, `{"name":`...), name), '}')
		}
		b = strconv.AppendInt(append(b, `],"statistics":{"sent":`...), c.sent, 10)
		b = strconv.AppendInt(append(b, `,"opens":{"unique":`...), c.opens, 10)
		b = append(b, `}}}`...)
	}
	b = strconv.AppendInt(append(b, `],"totalCount":`...), total, 10)
	return append(b, `}}}`...)
}

// text appends a string in quotes. Nearly all names need no escapes.
func text(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			quoted, _ := json.Marshal(s) // cannot fail for a string
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
