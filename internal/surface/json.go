package surface

import (
	"encoding/json"
	"net/http"
)

// WriteJSON answers with a value as JSON that no cache keeps. Only values that always can be encoded are passed.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
