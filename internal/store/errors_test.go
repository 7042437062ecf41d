package store_test

import (
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"

	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// translated is the expected result for an error of MySQL.
type translated struct {
	code apperr.Code
	// probes says whether Ready must write a row before the database counts as ready again.
	probes bool
}

var (
	unavailable = translated{code: apperr.Unavailable}
	unwritable  = translated{code: apperr.Unavailable, probes: true}
	internal    = translated{code: apperr.Internal}
)

func (want translated) check(t *testing.T, number uint16, message string) {
	t.Helper()
	err := fmt.Errorf("insert: %w", &mysql.MySQLError{Number: number, Message: message})
	got := translated{code: apperr.CodeOf(store.Translate(err)), probes: store.ProbesAfter(err)}
	if got != want {
		t.Errorf("%d %s: %+v, want %+v", number, message, got, want)
	}
}

// TestErrorsOfMySQLAreTranslatedByTheirNumber covers the errors that a client gets when a server,
// its disk, its cluster or its proxy fails, and those that the client itself causes.
func TestErrorsOfMySQLAreTranslatedByTheirNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want    translated
		numbers []uint16
	}{
		{unwritable, []uint16{
			3, 20, 27, 1021, 1026, 1036, 1114, 1290, 1598, 1792, 1811, 1836, 1874, 1878, 1881, 3019, 3100, 3675, 3989,
		}},
		// connections
		{unavailable, []uint16{
			1040, 1042, 1043, 1080, 1129, 1135, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1203, 1226,
			1927, 2002, 2003, 2006, 2013, 2055, 3169, 4031, 4081, 4082,
		}},
		// logins
		{unavailable, []uint16{1044, 1045, 1049, 1130, 1698, 1820, 1862, 3118, 3159, 3955, 4150, 4151}},
		// the server or its cluster
		{unavailable, []uint16{
			1047, 1053, 3032, 3168, 3781, 3782, 3796, 3797, 3798, 3799, 6400, 9001, 9002, 9003, 9004, 9005,
		}},
		// memory, locks, time
		{unavailable, []uint16{5, 23, 1028, 1037, 1041, 1206, 1297, 1317, 1637, 1689, 1969, 3015, 3024, 3985}},
		// conflicts, after the retries of Tx
		{unavailable, []uint16{1020, 1205, 1213, 1412, 1615, 3101, 8002, 8022, 9007}},
		// faults of the statement, its values or its size
		{internal, []uint16{
			1030, 1038, 1048, 1054, 1062, 1064, 1105, 1119, 1142, 1146, 1153, 1180, 1197, 1264, 1364, 1366, 1406, 1451,
			3098, 3231,
		}},
	} {
		for _, number := range test.numbers {
			test.want.check(t, number, "")
		}
	}
}

// TestAnErrorThatNamesItsCauseInTheTextIsTranslatedByIt covers the forms in which MySQL and MariaDB
// report the error number of the operating system or of the storage engine.
func TestAnErrorThatNamesItsCauseInTheTextIsTranslatedByIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		number  uint16
		message string
		want    translated
	}{
		{1030, "Got error 28 - 'No space left on device' from storage engine", unwritable},
		{1030, `Got error 28 "No space left on device" from storage engine`, unwritable},
		{1030, `Got error 30 "Read-only file system" from storage engine`, unwritable},
		{1030, "Got error 122 - 'Disk quota exceeded' from storage engine", unwritable},
		{1030, "Got error 149 - 'Lock deadlock; Retry transaction' from storage engine", unavailable},
		{1030, "Got error 168 - 'Unknown' from storage engine", internal},
		{1030, "Got error 1228 - 'Unknown' from storage engine", internal},
		{1030, "Got error 5 - 'error with 28 rows' from storage engine", internal},
		{1180, "Got error 28 - 'No space left on device' during COMMIT", unwritable},
		{1180, `Got error 28 "No space left on device" during COMMIT`, unwritable},
		{1180, `Got error 149 "Lock deadlock; Retry transaction" during COMMIT`, unavailable},
		{1180, `Got error 90 "Message too long" during COMMIT`, internal},
		{1181, `Got error 30 "Read-only file system" during ROLLBACK`, unwritable},
		{1, "Can't create/write to file '/tmp/MYfd=28' (OS errno 28 - No space left on device)", unwritable},
		{1, `Can't create/write to file '/tmp/#sql-1' (Errcode: 30 "Read-only file system")`, unwritable},
		{1, `Can't create/write to file '/tmp/#sql-1' (Errcode: 24 "Too many open files")`, unavailable},
		{1, `Can't create/write to file '/tmp/#sql-1' (Errcode: 13 "Permission denied")`, internal},
		{1004, "Can't create file 't' (errno: 28 - No space left on device)", unwritable},
		{1005, "Can't create table `c`.`t` (errno: 122 \"Disk quota exceeded\")", unwritable},
		{1016, "Can't open file: 't' (errno: 24 - Too many open files)", unavailable},
		{1023, `Error on close of 't' (errno: 28 "No space left on device")`, unwritable},
		{1064, "Got error 28", internal},
	} {
		test.want.check(t, test.number, test.message)
	}
}
