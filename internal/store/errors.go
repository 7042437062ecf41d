package store

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"net"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"campaignql/ent"
	"campaignql/internal/apperr"
)

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

// isUnwritable reports whether a write failed because the database currently accepts no writes: it
// is read-only, or its disk is full or broken.
func isUnwritable(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return unwritableMySQL[my.Number] || errnoMySQL[my.Number] && fullDisk.MatchString(my.Message)
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

// IsDuplicate reports whether err is a violation of a unique index.
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

// Taken is Translate for a write that violates a unique index if a name is taken. It then returns
// the conflict, with err as its cause.
func Taken(err error, conflict *apperr.Error) error {
	if !IsDuplicate(err) {
		return Translate(err)
	}
	conflict.Err = err
	return conflict
}

// Translate converts an error of Ent or of a driver to an error of apperr: a missing row becomes
// NotFound, an ended context Canceled, an unreachable or busy database Unavailable, and any other
// error Internal with the cause for the log. Errors of apperr and nil are returned unchanged.
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
			Code: apperr.Conflict, Reason: apperr.ReasonTooManyChanges,
			Message: "too many changes at once, try again", Err: err,
		}
	case isRetryable(err), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, sqldriver.ErrBadConn),
		errors.As(err, &netErr):
		return apperr.Wrap(apperr.Unavailable, err, "the database is not available, try again")
	case isUnwritable(err):
		return apperr.Wrap(apperr.Unavailable, err, "the database does not accept changes at the moment, try again")
	case errors.As(err, &my) && isUnavailable(my):
		return apperr.Wrap(apperr.Unavailable, err, "the database is not available, try again")
	}
	return apperr.Wrap(apperr.Internal, err, "internal error")
}
