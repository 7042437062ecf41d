// Package explorer serves GraphiQL, the page to try the GraphQL API with, wholly
// from the binary: neither the server nor the browser asks any other host for
// anything, and the page's security policy would not let it.
//
// It owns the page, its built assets (dist, made by web) and the sample
// operations the page opens with. It knows the API by its URL alone: it must not
// know how the API is served, nor import anything that does.
package explorer

import (
	"cmp"
	"net/http"
	"strings"
)

// Options is what an installation decides about the page.
type Options struct {
	// Endpoint is the path the page sends operations to; "/graphql" when empty.
	// It must be of the page's own origin: the page's policy blocks any other.
	Endpoint string
	// SchemaURL is the path of the schema as text, which the page links to;
	// "/schema.graphql" when empty.
	SchemaURL string
	// DemoKey is the API key that the page fills in for the visitor. Whoever can
	// open the page can read it: it belongs to demo data only. When empty, the
	// page explains how to get a key.
	DemoKey string
	// Title is the title of the page; "campaignql" when empty.
	Title string
}

// policy admits nothing from elsewhere. Inline styles are what Monaco, the
// editor inside GraphiQL, cannot do without; its fonts and images are data URLs.
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

// assetPath is where the built files are served, below which Handler must be
// mounted along with "/".
const assetPath = "/explorer/"

// Handler serves the page at "/" and its assets under "/explorer/", to GET and
// HEAD; another method is answered 405 and another path 404. Every answer
// carries the page's Content-Security-Policy.
//
// The assets have hashed names and may be cached for ever; the page is
// revalidated each time, so that a new binary or demo key shows at once.
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
