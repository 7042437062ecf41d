package store

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"net"
	"regexp"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"campaignql/ent"
	"campaignql/internal/apperr"
)

// MySQL error numbers that mean: nothing was written, the same transaction may succeed now.
var retryableMySQL = map[uint16]bool{
	1020: true, // MariaDB with innodb_snapshot_isolation: the row changed since the transaction read it
	1205: true, // lock wait timeout
	1213: true, // deadlock; also a certification conflict of Galera and Group Replication
	3101: true, // Group Replication: the plugin rolled the transaction back
	9007: true, // TiDB: write conflict
	8022: true, // TiDB: commit failed, retryable
	8002: true, // TiDB: for update conflict
}

func isRetryable(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return retryableMySQL[my.Number]
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		code := lite.Code() & 0xff
		return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
	}
	return false
}

// unavailableMySQL are MySQL error numbers that mean: the server takes no connections or statements at the moment.
var unavailableMySQL = map[uint16]bool{
	1040: true, // too many connections
	1045: true, // access denied: the password was changed
	1047: true, // Galera: the node is not part of the cluster
	1053: true, // shutdown in progress
	1129: true, // the host is blocked after too many connection errors
	1203: true, // the user has too many connections
	1226: true, // the user has used up a resource
	1317: true, // the statement was interrupted
	1927: true, // MariaDB: the connection was killed
	1969: true, // MariaDB: max_statement_time
	3024: true, // MySQL: max_execution_time
	4031: true, // the server closed an idle connection
}

// unwritableMySQL are MySQL error numbers that mean: the server does not accept writes at the moment.
var unwritableMySQL = map[uint16]bool{
	3:    true, // writing a file failed
	1021: true, // disk full
	1026: true, // writing a file failed
	1114: true, // the table is full, as is the disk under it
	1290: true, // the server is read-only
	1792: true, // a read-only transaction
	1836: true, // the server is read-only
}

// mysqlEngineError is the number of an error of a storage engine, which tells the one of the system in its text alone.
const mysqlEngineError = 1030

// fullDisk is the part of such a text that tells of a disk that is full (28), read-only (30) or beyond its quota (122).
var fullDisk = regexp.MustCompile(`(?i)\berror:? (28|30|122)\b`)

// isUnwritable reports whether a write failed because the database accepts none at the moment: it
// is read-only, or its disk is full or broken.
func isUnwritable(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return unwritableMySQL[my.Number] || my.Number == mysqlEngineError && fullDisk.MatchString(my.Message)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return true
		}
	}
	return false
}

// IsDuplicate reports whether err is the violation of a unique index.
func IsDuplicate(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return my.Number == 1062
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// Translate turns an error of Ent or of a driver into one of apperr: a missing row is NotFound, an
// ended context Canceled, an unreachable or busy database Unavailable, anything else Internal with
// the cause for the log. Errors of apperr pass unchanged; nil stays nil.
func Translate(err error) error {
	if err == nil || len(apperr.All(err)) > 0 {
		return err
	}
	var netErr net.Error
	var my *mysql.MySQLError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return apperr.Wrap(apperr.Canceled, err, "the request was canceled or took too long")
	case ent.IsNotFound(err):
		return apperr.Wrap(apperr.NotFound, err, "not found")
	case errors.Is(err, ErrStale):
		return &apperr.Error{
			Code:    apperr.Conflict,
			Reason:  apperr.ReasonTooManyChanges,
			Message: "too many changes at once, try again",
			Err:     err,
		}
	case isRetryable(err),
		errors.Is(err, mysql.ErrInvalidConn),
		errors.Is(err, sqldriver.ErrBadConn),
		errors.As(err, &netErr):
		return apperr.Wrap(apperr.Unavailable, err, "the database is not available, try again")
	case isUnwritable(err):
		return apperr.Wrap(apperr.Unavailable, err, "the database does not accept changes at the moment, try again")
	case errors.As(err, &my) && unavailableMySQL[my.Number]:
		return apperr.Wrap(apperr.Unavailable, err, "the database is not available, try again")
	}
	return apperr.Wrap(apperr.Internal, err, "internal error")
}
