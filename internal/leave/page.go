package leave

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"campaignql/internal/tracking"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var style string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// mostNames is how many lists a page names.
const mostNames = 20

// policy allows nothing but the style of the page, and its form to the server itself.
var policy = func() string {
	digest := sha256.Sum256([]byte(style))
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}()

// page is what a page shows.
type page struct {
	Title, Text string
	Leaving     *tracking.Leaving
}

// notFound is the page of a link that does not lead anywhere, whatever the reason is.
var notFound = page{
	Title: "This link does not work",
	Text: "Perhaps a part of it is missing: copy the whole link from the message. " +
		"Or the address was deleted here since, and gets no more mail.",
}

// form is the page with the button to unsubscribe.
func form(l *tracking.Leaving) page {
	if l.Left {
		return page{Title: "You are unsubscribed", Leaving: l}
	}
	return page{Title: "Unsubscribe?", Leaving: l}
}

// Names returns the lists that the page names.
func (p page) Names() []string { return p.Leaving.Lists[:min(len(p.Leaving.Lists), mostNames)] }

// More returns how many lists the page does not name.
func (p page) More() int { return len(p.Leaving.Lists) - len(p.Names()) }

// Style returns the style, as the policy allows it.
func (page) Style() template.CSS { return template.CSS(style) }

// write sends a page.
func (p page) write(w http.ResponseWriter, status int) {
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, p); err != nil {
		panic("leave: " + err.Error()) // cannot happen: the template is fixed
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

// secure sets the headers of every answer. The path must not get out of the browser, and what the
// page says must not be kept.
func secure(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex, nofollow")
}
