// Package explorer serves GraphiQL, a page to try the GraphQL API, entirely from the binary.
// Neither the server nor the browser requests anything from another host, and the security policy
// of the page forbids it.
//
// It owns the page, its built assets (dist, built from web) and the sample operations with which
// the page opens. It knows only the URL of the API. It must not know how the API is served, and
// must not import any package that does.
package explorer

import (
	"cmp"
	"net/http"
	"strings"
)

// Options are the settings of the page.
type Options struct {
	// Endpoint is the path to which the page sends operations. Default "/graphql". It must have the
	// origin of the page, because the policy of the page blocks any other.
	Endpoint string
	// SchemaURL is the path of the schema as text, to which the page links. Default
	// "/schema.graphql".
	SchemaURL string
	// DemoKey is the API key that the page fills in for the visitor. Every visitor can read it, so
	// it must be a key for demo data only. If it is empty, the page explains how to get a key.
	DemoKey string
	// RegisteredOnly reports whether the API serves registered operations only. The page then says so.
	RegisteredOnly bool
	// Title is the title of the page. Default "campaignql".
	Title string
}

// policy allows nothing from other hosts. Monaco, the editor in GraphiQL, needs inline styles; its
// fonts and images are data URLs.
var policy = strings.Join([]string{
	"default-src 'self'",
	"style-src 'self' 'unsafe-inline'",
	"font-src 'self' data:",
	"img-src 'self' data:",
	"worker-src 'self'",
	"connect-src 'self'",
	"object-src 'none'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
}, "; ")

// assetPath is the path of the built files. Handler must be mounted at this path and at "/".
const assetPath = "/explorer/"

// Handler serves the page at "/" and its assets under "/explorer/", for GET and HEAD. Another
// method gets status 405, another path 404. Every response has the Content-Security-Policy of the
// page.
//
// The assets have hashed names and may be cached forever. The page is revalidated each time, so
// that a new binary or demo key takes effect at once.
func Handler(opts Options) http.Handler {
	opts.Endpoint = cmp.Or(opts.Endpoint, "/graphql")
	opts.SchemaURL = cmp.Or(opts.SchemaURL, "/schema.graphql")
	opts.Title = cmp.Or(opts.Title, "campaignql")

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", renderPage(opts))
	for name, file := range builtAssets() {
		mux.Handle("GET "+assetPath+name, file)
	}
	return secured(mux)
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
