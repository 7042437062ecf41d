package store

import (
	"crypto/sha256"
	sqldriver "database/sql/driver"
	"encoding/hex"
	"fmt"

	"modernc.org/sqlite"
)

// SHA256 is the expression for the SHA-256 of a text column, in hexadecimal: texts of megabytes are compared without being transferred.
func SHA256(column string) string { return "SHA2(" + column + ", 256)" }

// SQLite has no function of MySQL's that SHA256 calls.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("sha2", 2, func(_ *sqlite.FunctionContext, args []sqldriver.Value) (sqldriver.Value, error) {
		if bits, ok := args[1].(int64); !ok || bits != 256 {
			return nil, fmt.Errorf("sha2: %v bits are not supported", args[1])
		}
		switch text := args[0].(type) {
		case nil:
			return nil, nil
		case string:
			return sum([]byte(text)), nil
		case []byte:
			return sum(text), nil
		default:
			return nil, fmt.Errorf("sha2: no text but %T", text)
		}
	})
}

func sum(text []byte) string {
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}
