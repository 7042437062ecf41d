package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

// origins is the set of origins whose pages may call the API.
type origins struct {
	// named are origins in the form that browsers send.
	named []string
	// local allows pages of the local machine on any port: http://localhost:* and
	// http://127.0.0.1:*.
	local bool
}

// allow reports whether pages of the origin may call the API.
func (o origins) allow(origin string) bool {
	if origin == "" {
		return false
	}
	if slices.Contains(o.named, origin) {
		return true
	}
	page, err := url.Parse(origin)
	return o.local && err == nil && page.Scheme == "http" && origin == "http://"+page.Host &&
		(page.Hostname() == "localhost" || page.Hostname() == "127.0.0.1")
}

// protect rejects requests with which a page of another origin would write through a browser. Other
// programs send neither Sec-Fetch-Site nor Origin, and are not rejected.
func (o origins) protect(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		checked := r
		if upgrades(r) {
			// A browser lets any page open a WebSocket, and mutations can be sent over it. So a
			// WebSocket request is checked like a POST.
			checked = r.Clone(r.Context())
			checked.Method = http.MethodPost
		}
		if !o.allow(r.Header.Get("Origin")) && protection.Check(checked) != nil {
			surface.RefuseAs(w, r, http.StatusForbidden, surface.Code(apperr.Denied),
				"pages of this origin may not call the API")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cors lets pages of the allowed origins call the API with any request headers. Credentials are not
// allowed, because the server never reads a cookie.
func (o origins) cors(next http.Handler) http.Handler {
	if len(o.named) == 0 && !o.local {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !o.allow(origin) {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers",
			"X-Request-Id, X-GraphQL-Operation, Retry-After, Content-Disposition")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		header.Add("Vary", "Access-Control-Request-Headers")
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		if asked := r.Header.Values("Access-Control-Request-Headers"); len(asked) > 0 {
			header.Set("Access-Control-Allow-Headers", strings.Join(asked, ", "))
		}
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

// compressed compresses responses, except streams, because each stream would need the memory of its
// own compressor. At equal q, gzip is preferred to zstd, because the fetch of Node 20 accepts zstd
// but cannot decode it.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.PreferZstd(false), gzhttp.ContentTypeFilter(func(contentType string) bool {
		return !strings.HasPrefix(contentType, "text/event-stream") && gzhttp.DefaultContentTypeFilter(contentType)
	}))
	if err != nil {
		panic("app: " + err.Error()) // cannot happen: the settings are constant
	}
	zipped := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if upgrades(r) {
			next.ServeHTTP(w, r)
			return
		}
		zipped.ServeHTTP(w, r)
	})
}
