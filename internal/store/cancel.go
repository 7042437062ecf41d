package store

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// MySQL goes on with a statement after its client has closed the connection: it waits for a locked
// row, and then writes. The connector here has the server end the statement as soon as its context
// ends. As a second line each session has limits of its own, for statements of a process that was
// killed.

const (
	// killTimeout bounds the attempt to end a statement.
	killTimeout = 5 * time.Second
	// killers is how many connections end statements, beside those of the pool.
	killers = 2
	// lockWait is how long a statement waits for a locked row, in seconds. The transaction then
	// runs again, in another turn for the connection.
	lockWait = 10
)

// cancelling is a connector whose connections end their statements on the server.
type cancelling struct {
	sqldriver.Connector
	killer *sql.DB
	// limit is the longest time of a statement where nothing else ends it.
	limit time.Duration
}

// cancelOnServer wraps a connector of MySQL or MariaDB. The statements that end others use connections of plain.
func cancelOnServer(connector, plain sqldriver.Connector, limit time.Duration) *cancelling {
	killer := sql.OpenDB(plain)
	killer.SetMaxOpenConns(killers)
	killer.SetMaxIdleConns(1)
	killer.SetConnMaxIdleTime(time.Minute)
	return &cancelling{Connector: connector, killer: killer, limit: limit}
}

// Close closes what ends statements; database/sql calls it with the pool.
func (c *cancelling) Close() error { return c.killer.Close() }

// Connect opens a connection and asks who it is.
func (c *cancelling) Connect(ctx context.Context) (sqldriver.Conn, error) {
	raw, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := raw.(mysqlConn)
	if !ok {
		return nil, fmt.Errorf("store: the driver's connection is a %T", raw)
	}
	conn := &cancelConn{mysqlConn: inner, killer: c.killer}
	if err := conn.introduce(ctx, c.limit); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// mysqlConn is what a connection of the driver does.
type mysqlConn interface {
	sqldriver.Conn
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.ExecerContext
	sqldriver.QueryerContext
	sqldriver.Pinger
	sqldriver.SessionResetter
	sqldriver.Validator
	sqldriver.NamedValueChecker
}

// cancelConn is one connection.
type cancelConn struct {
	mysqlConn
	killer *sql.DB
	// id is the number of the connection on server, which names the server behind a balancer.
	id     int64
	server string
	// killed is set once the server was, or may have been, told to end the connection.
	killed atomic.Bool
}

// thisServer tells servers behind one address apart, as the same number of a connection exists on each.
const thisServer = "CONCAT(@@hostname, ':', @@port, ':', @@server_id)"

// introduce asks the server for the number of the connection, and limits its statements.
func (c *cancelConn) introduce(ctx context.Context, limit time.Duration) error {
	rows, err := c.mysqlConn.QueryContext(ctx, "SELECT CONNECTION_ID(), "+thisServer+", VERSION()", nil)
	if err != nil {
		return err
	}
	row := make([]sqldriver.Value, 3)
	if err = rows.Next(row); err == nil {
		if end := rows.Next(make([]sqldriver.Value, 3)); end != nil && end != io.EOF {
			err = end
		}
	}
	if closed := rows.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if c.id, err = strconv.ParseInt(text(row[0]), 10, 64); err != nil {
		return err
	}
	c.server = text(row[1])
	variable := fmt.Sprintf("SET SESSION max_execution_time=%d", limit.Milliseconds())
	if strings.Contains(text(row[2]), "MariaDB") {
		variable = fmt.Sprintf("SET SESSION max_statement_time=%.3f", limit.Seconds())
	}
	_, err = c.mysqlConn.ExecContext(ctx, variable, nil)
	return err
}

func text(v sqldriver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// watch has the statement that begins now ended when ctx ends. The function it returns must be
// called after the statement.
func (c *cancelConn) watch(ctx context.Context) (done func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	stop := context.AfterFunc(ctx, func() {
		c.killed.Store(true)
		c.kill()
	})
	return func() {
		if !stop() {
			c.killed.Store(true) // it may still come, and must not hit another statement
		}
	}
}

// kill ends the connection on its server, with the statement and the transaction. Where that fails
// the limits of the session do so later.
func (c *cancelConn) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	killOn(ctx, c.killer, c.server, "KILL", c.id)
}

// killOn runs a statement such as KILL or KILL QUERY for a connection, if a connection of db comes
// to the server of that one.
func killOn(ctx context.Context, db *sql.DB, server, statement string, id int64) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	var here string
	if err := conn.QueryRowContext(ctx, "SELECT "+thisServer).Scan(&here); err != nil || here != server {
		return
	}
	_, _ = conn.ExecContext(ctx, statement+" "+strconv.FormatInt(id, 10))
}

// IsValid reports whether the pool may keep the connection.
func (c *cancelConn) IsValid() bool { return !c.killed.Load() && c.mysqlConn.IsValid() }

// ResetSession implements [sqldriver.SessionResetter].
func (c *cancelConn) ResetSession(ctx context.Context) error {
	if c.killed.Load() {
		return sqldriver.ErrBadConn
	}
	return c.mysqlConn.ResetSession(ctx)
}

// ExecContext implements [sqldriver.ExecerContext].
func (c *cancelConn) ExecContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Result, error) {
	defer c.watch(ctx)()
	return c.mysqlConn.ExecContext(ctx, query, args)
}

// QueryContext implements [sqldriver.QueryerContext].
func (c *cancelConn) QueryContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Rows, error) {
	done := c.watch(ctx)
	rows, err := c.mysqlConn.QueryContext(ctx, query, args)
	return watched(rows, err, done)
}

// PrepareContext implements [sqldriver.ConnPrepareContext].
func (c *cancelConn) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	defer c.watch(ctx)()
	stmt, err := c.mysqlConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	inner, ok := stmt.(mysqlStmt)
	if !ok {
		_ = stmt.Close()
		return nil, fmt.Errorf("store: the driver's statement is a %T", stmt)
	}
	return &cancelStmt{mysqlStmt: inner, conn: c}, nil
}

// mysqlStmt is what a prepared statement of the driver does.
type mysqlStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
	sqldriver.NamedValueChecker
}

// cancelStmt is a prepared statement.
type cancelStmt struct {
	mysqlStmt
	conn *cancelConn
}

// ExecContext implements [sqldriver.StmtExecContext].
func (s *cancelStmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	defer s.conn.watch(ctx)()
	return s.mysqlStmt.ExecContext(ctx, args)
}

// QueryContext implements [sqldriver.StmtQueryContext].
func (s *cancelStmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	done := s.conn.watch(ctx)
	rows, err := s.mysqlStmt.QueryContext(ctx, args)
	return watched(rows, err, done)
}

// watched returns rows that are watched until they are closed.
func watched(rows sqldriver.Rows, err error, done func()) (sqldriver.Rows, error) {
	inner, ok := rows.(mysqlRows)
	if err != nil || !ok {
		done()
		return rows, err
	}
	return &cancelRows{mysqlRows: inner, done: done}, nil
}

// mysqlRows is what rows of the driver do.
type mysqlRows interface {
	sqldriver.Rows
	sqldriver.RowsNextResultSet
	sqldriver.RowsColumnTypeDatabaseTypeName
	sqldriver.RowsColumnTypeNullable
	sqldriver.RowsColumnTypePrecisionScale
	sqldriver.RowsColumnTypeScanType
}

// cancelRows are rows that are being read.
type cancelRows struct {
	mysqlRows
	done func()
}

// Close implements [sqldriver.Rows].
func (r *cancelRows) Close() error {
	defer r.done()
	return r.mysqlRows.Close()
}
