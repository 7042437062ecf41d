package store_test

import (
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"

	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// TestAFullDiskOfAStorageEngineIsUnavailable translates the errors that MySQL and MariaDB report with the number of the
// system in their text alone.
func TestAFullDiskOfAStorageEngineIsUnavailable(t *testing.T) {
	t.Parallel()
	for message, code := range map[string]apperr.Code{
		"Got error 28 - 'No space left on device' from storage engine": apperr.Unavailable,
		`Got error 28 "No space left on device" from storage engine`:   apperr.Unavailable,
		`Got error 30 "Read-only file system" from storage engine`:     apperr.Unavailable,
		"Got error 122 - 'Disk quota exceeded' from storage engine":    apperr.Unavailable,
		"Got error 168 - 'Unknown' from storage engine":                apperr.Internal,
		"Got error 1228 - 'Unknown' from storage engine":               apperr.Internal,
		"Got error 5 - 'error with 28 rows' from storage engine":       apperr.Internal,
	} {
		err := fmt.Errorf("insert: %w", &mysql.MySQLError{Number: 1030, Message: message})
		if got := apperr.CodeOf(store.Translate(err)); got != code {
			t.Errorf("%s: %s, want %s", message, got, code)
		}
	}
	other := &mysql.MySQLError{Number: 1064, Message: "Got error 28"}
	if got := apperr.CodeOf(store.Translate(other)); got != apperr.Internal {
		t.Errorf("an error of another number is %s", got)
	}
}
