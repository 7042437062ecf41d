package surface

import (
	"net/http"

	"campaignql/internal/budget"
)

// Budgeted gives every request a budget of the pool, which ends when the request has been answered.
// A request that has one already keeps it.
func Budgeted(pool *budget.Pool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if budget.From(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		held := pool.Open()
		defer held.Close()
		next.ServeHTTP(w, r.WithContext(budget.With(r.Context(), held)))
	})
}
