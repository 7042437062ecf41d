package surface

import (
	"encoding/json"
	"net/http"
)

// WriteJSON answers with a value as JSON and forbids caching. The value must always be encodable.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
