package store

import (
	"regexp"

	"github.com/go-sql-driver/mysql"
)

// retryableMySQL are the MySQL error numbers for which nothing was written and a retry of the same
// transaction may succeed.
var retryableMySQL = map[uint16]bool{
	1020: true, // MariaDB with innodb_snapshot_isolation: the row changed since the transaction read it
	1205: true, // lock wait timeout
	1213: true, // deadlock; also a certification conflict of Galera and Group Replication
	1412: true, // the table was altered since the transaction began
	1615: true, // the statement must be prepared again
	3101: true, // Group Replication: the plugin rolled the transaction back
	8002: true, // TiDB: for update conflict
	8022: true, // TiDB: commit failed, retryable
	9007: true, // TiDB: write conflict
}

// unavailableMySQL are the MySQL error numbers for which the server currently accepts no
// connections or statements.
var unavailableMySQL = map[uint16]bool{
	// connections
	1040: true, // too many connections
	1042: true, // the name of the client's host cannot be resolved
	1043: true, // bad handshake, such as with a server that is starting
	1080: true, // the server closes the connection
	1129: true, // the host is blocked after too many connection errors
	1135: true, // the server cannot create a thread
	1152: true, // aborted connection
	1154: true, // reading from the pipe failed
	1155: true, // fcntl failed
	1156: true, // packets out of order
	1157: true, // a packet could not be uncompressed
	1158: true, // reading packets failed
	1159: true, // reading packets timed out
	1160: true, // writing packets failed
	1161: true, // writing packets timed out
	1184: true, // aborted connection of a user
	1203: true, // the user has too many connections
	1226: true, // the user has used up a resource
	1927: true, // MariaDB: the connection was killed
	2002: true, // a proxy cannot connect to the server over a socket
	2003: true, // a proxy cannot connect to the server
	2006: true, // a proxy lost the server
	2013: true, // a proxy lost the server during a statement
	2055: true, // a proxy lost the server, with the system's error
	3169: true, // MySQL: the session was killed
	4031: true, // MySQL: the server closed an idle connection
	4081: true, // MySQL: all connections together use too much memory
	4082: true, // MySQL: the connection uses too much memory
	// logins that worked before: the password, a privilege or the account was changed
	1044: true, // access to the database denied
	1045: true, // access denied
	1049: true, // there is no such database
	1130: true, // the host may not connect
	1698: true, // access denied, without a password
	1820: true, // the password must be changed
	1862: true, // the password has expired
	3118: true, // MySQL: the account is locked
	3159: true, // MySQL: the server requires TLS
	3955: true, // MySQL: the account is locked after failed logins
	4150: true, // MariaDB: the account is blocked after failed logins
	4151: true, // MariaDB: the account is locked
	// the server as a whole
	1047: true, // Galera: the node is not part of the cluster
	1053: true, // shutdown in progress
	3032: true, // offline mode
	3168: true, // MySQL: the server is not available
	3781: true, // Group Replication: the new primary has not caught up
	3782: true, // Group Replication: waiting for the new primary was killed
	3796: true, // Group Replication: the member is not online
	3797: true, // Group Replication: the group did not agree before the transaction
	3798: true, // Group Replication: the group did not agree after the transaction began
	3799: true, // Group Replication: no transaction may begin on the member
	6400: true, // MySQL: offline mode, with a reason
	9001: true, // ProxySQL: no server was reached in time; TiDB: the placement driver
	9002: true, // TiDB: storage timeout
	9003: true, // TiDB: storage is busy
	9004: true, // TiDB: locks could not be resolved in time
	9005: true, // TiDB: the region is unavailable
	// memory, locks and time
	5:    true, // out of memory
	23:   true, // out of file handles
	1028: true, // sorting was aborted
	1037: true, // out of memory
	1041: true, // out of memory
	1206: true, // the lock table is full
	1297: true, // a temporary error of the storage engine
	1317: true, // the statement was interrupted
	1637: true, // too many transactions at once
	1689: true, // waiting for a lock was aborted by another statement
	1969: true, // MariaDB: max_statement_time
	3015: true, // the storage engine is out of memory
	3024: true, // MySQL: max_execution_time
	3985: true, // MySQL: out of metadata locks
}

// unwritableMySQL are the MySQL error numbers for which the server currently accepts no writes.
var unwritableMySQL = map[uint16]bool{
	3:    true, // writing a file failed
	20:   true, // disk full
	27:   true, // syncing a file failed
	1021: true, // disk full
	1026: true, // writing a file failed
	1036: true, // the table is read-only
	1114: true, // the table is full, as is the disk under it
	1290: true, // the server is read-only
	1598: true, // the binary log cannot be written
	1792: true, // a read-only transaction
	1811: true, // writing failed
	1836: true, // the server is read-only
	1874: true, // InnoDB is read-only
	1878: true, // writing a temporary file failed
	1881: true, // MySQL: InnoDB is in forced recovery
	3019: true, // the undo log is full
	3100: true, // Group Replication refused the commit, as in a minority of the group
	3675: true, // MySQL: disk full
	3989: true, // MySQL: the database is read-only
}

// errnoMySQL are the MySQL error numbers whose cause is only in the message text, as an error
// number of the operating system or of the storage engine.
var errnoMySQL = map[uint16]bool{
	1:    true, // a file cannot be created
	1004: true, // a file cannot be created
	1005: true, // a table cannot be created, such as a temporary one
	1016: true, // a file cannot be opened
	1023: true, // closing a file failed
	1030: true, // an error of the storage engine
	1180: true, // an error during COMMIT
	1181: true, // an error during ROLLBACK
}

var (
	// fullDisk matches the message of a disk that is full (28), read-only (30) or over its quota
	// (122).
	fullDisk = regexp.MustCompile(`(?i)\b(?:error|errno|errcode):? (?:28|30|122)\b`)
	// exhausted matches the message of too little memory (12, 128), too many open files (23, 24),
	// or a lock that another transaction holds (146, 149).
	exhausted = regexp.MustCompile(`(?i)\b(?:error|errno|errcode):? (?:12|23|24|128|146|149)\b`)
)

// isUnavailable reports whether the server is currently unable to serve, for a reason other than a
// conflict or a database that accepts no writes.
func isUnavailable(err *mysql.MySQLError) bool {
	return unavailableMySQL[err.Number] || errnoMySQL[err.Number] && exhausted.MatchString(err.Message)
}
