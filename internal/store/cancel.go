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

// MySQL continues a statement after its client has closed the connection: the statement waits for a
// locked row and then writes. The connector in this file makes the server end the statement as soon
// as its context ends. In addition, each session has its own time limits, which end the statements
// of a process that was killed.

const (
	// killTimeout bounds the attempt to end a statement.
	killTimeout = 5 * time.Second
	// killers is the number of connections that end statements, in addition to those of the pool.
	killers = 2
	// lockWait is how long a statement waits for a locked row, in seconds. After that the
	// transaction is retried, and waits for a connection again.
	lockWait = 10
)

// cancelling is a connector. The server ends a statement of its connections when the context of the
// statement ends.
type cancelling struct {
	sqldriver.Connector
	killer *sql.DB
	// limit is the upper bound for the time of a statement that nothing else ends.
	limit time.Duration
}

// cancelOnServer wraps a connector of MySQL or MariaDB. Connections of plain run the KILL
// statements.
func cancelOnServer(connector, plain sqldriver.Connector, limit time.Duration) *cancelling {
	killer := sql.OpenDB(plain)
	killer.SetMaxOpenConns(killers)
	killer.SetMaxIdleConns(1)
	killer.SetConnMaxIdleTime(time.Minute)
	return &cancelling{Connector: connector, killer: killer, limit: limit}
}

// Close closes the pool that runs the KILL statements. database/sql calls Close when the main pool
// is closed.
func (c *cancelling) Close() error { return c.killer.Close() }

// Connect opens a connection and reads its id and its server.
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

// mysqlConn is the set of interfaces that a connection of the driver implements.
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

type cancelConn struct {
	mysqlConn
	killer *sql.DB
	// id is the connection id on the server. server identifies that server, because a load balancer
	// may forward to several.
	id     int64
	server string
	// killed is set once a KILL for this connection was sent, or may have been sent.
	killed atomic.Bool
}

// thisServer is an SQL expression that identifies the server. Several servers may share one
// address, and each of them may use the same connection id.
const thisServer = "CONCAT(@@hostname, ':', @@port, ':', @@server_id)"

// introduce reads the connection id and the server, and sets the time limit for statements of the
// session.
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

// watch makes the server end the next statement when ctx ends. The caller must call the returned
// function after the statement.
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
			c.killed.Store(true) // the KILL may still arrive: no other statement may use this connection
		}
	}
}

// kill ends the connection on its server, and with it the statement and the transaction. If kill
// fails, the limits of the session end the statement later.
func (c *cancelConn) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	killOn(ctx, c.killer, c.server, "KILL", c.id)
}

// killOn runs KILL or KILL QUERY for the connection id. It does nothing if the connection that it
// gets from db is connected to a different server.
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

// mysqlStmt is the set of interfaces that a prepared statement of the driver implements.
type mysqlStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
	sqldriver.NamedValueChecker
}

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

// watched returns rows for which done is called when they are closed. If there are no rows, it
// calls done immediately.
func watched(rows sqldriver.Rows, err error, done func()) (sqldriver.Rows, error) {
	inner, ok := rows.(mysqlRows)
	if err != nil || !ok {
		done()
		return rows, err
	}
	return &cancelRows{mysqlRows: inner, done: done}, nil
}

// mysqlRows is the set of interfaces that rows of the driver implement.
type mysqlRows interface {
	sqldriver.Rows
	sqldriver.RowsNextResultSet
	sqldriver.RowsColumnTypeDatabaseTypeName
	sqldriver.RowsColumnTypeNullable
	sqldriver.RowsColumnTypePrecisionScale
	sqldriver.RowsColumnTypeScanType
}

// cancelRows are rows that the caller is still reading.
type cancelRows struct {
	mysqlRows
	done func()
}

// Close implements [sqldriver.Rows].
func (r *cancelRows) Close() error {
	defer r.done()
	return r.mysqlRows.Close()
}
