package store

import (
	"crypto/sha256"
	sqldriver "database/sql/driver"
	"encoding/hex"
	"fmt"

	"entgo.io/ent/dialect"
	"modernc.org/sqlite"
)

// SHA256 returns the SQL expression for the SHA-256 of a text column, in hexadecimal. It lets the
// database compare texts of several megabytes without transferring them. The cast for SQLite is
// needed because SQLite passes a text to a function only up to its first NUL byte, but passes a
// blob whole.
func SHA256(of, column string) string {
	if of == dialect.SQLite {
		column = "CAST(" + column + " AS BLOB)"
	}
	return "SHA2(" + column + ", 256)"
}

// SQLite lacks SHA2, the MySQL function that SHA256 calls.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("sha2", 2, sha2)
}

func sha2(_ *sqlite.FunctionContext, args []sqldriver.Value) (sqldriver.Value, error) {
	if bits, ok := args[1].(int64); !ok || bits != 256 {
		return nil, fmt.Errorf("sha2: %v bits are not supported", args[1])
	}
	text, ok := args[0].([]byte)
	if !ok && args[0] != nil {
		return nil, fmt.Errorf("sha2: no blob but %T", args[0])
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:]), nil
}
