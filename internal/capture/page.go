package capture

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// Path is where the pages of the messages are.
const Path = "/mail"

// mostShown is the number of messages that the list shows.
const mostShown = 100

//go:embed page.html
var pageSource string

//go:embed page.css
var style string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// policy allows a page nothing but its style, its search form, and a message in a frame.
var policy = func() string {
	digest := sha256.Sum256([]byte(style))
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'",
		"frame-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}()

// messagePolicy allows a message its own styles and pictures that it contains. It may load nothing and
// run nothing. Its links open in another tab, see opening.
const messagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox"

// opening returns the HTML of a message whose links open in another tab: the frame that shows it may
// show nothing else.
func opening(html string) string {
	const target = `<base target="_blank">`
	start := 0 // behind the doctype, without which browsers show the message in another way
	if trimmed := strings.TrimLeft(html, " \t\n"); len(trimmed) > 9 && strings.EqualFold(trimmed[:9], "<!doctype") {
		start = strings.IndexByte(html, '>') + 1
	}
	return html[:start] + target + html[start:]
}

// Handler returns the pages: /mail lists the newest messages, and /mail/ID shows one, with its HTML,
// its text and its source.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, s.list)
	mux.HandleFunc("GET "+Path+"/{id}", s.with(func(w http.ResponseWriter, _ *http.Request, m *Message) {
		html, plain := m.Texts()
		write(w, page{Title: m.Subject, Message: m, HTML: html != "", Plain: plain})
	}))
	mux.HandleFunc("GET "+Path+"/{id}/html", s.with(func(w http.ResponseWriter, _ *http.Request, m *Message) {
		html, _ := m.Texts()
		w.Header().Set("Content-Security-Policy", messagePolicy)
		send(w, "text/html; charset=utf-8", []byte(opening(html)))
	}))
	mux.HandleFunc("GET "+Path+"/{id}/source", s.with(func(w http.ResponseWriter, _ *http.Request, m *Message) {
		send(w, "text/plain; charset=utf-8", m.Source)
	}))
	return mux
}

// page is what a page shows: a message, or the list.
type page struct {
	Title   string
	Message *Message
	HTML    bool
	Plain   string

	Search   string
	Count    int64
	Messages []*Message
}

// Style returns the style, as the policy allows it.
func (page) Style() template.CSS { return template.CSS(style) }

// Kept returns how many messages are kept at most.
func (page) Kept() int { return Keep }

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	search := strings.TrimSpace(r.URL.Query().Get("q"))
	write(w, page{Title: "Captured mail", Search: search, Count: s.Count(), Messages: s.Messages(mostShown, search)})
}

// with looks the message of a request up.
func (s *Server) with(show func(http.ResponseWriter, *http.Request, *Message)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := s.Message(r.PathValue("id"))
		if m == nil {
			http.Error(w, "This message is not kept any more.", http.StatusNotFound)
			return
		}
		show(w, r, m)
	}
}

func write(w http.ResponseWriter, p page) {
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, p); err != nil {
		panic("capture: " + err.Error()) // cannot happen: the template is fixed
	}
	w.Header().Set("Content-Security-Policy", policy)
	send(w, "text/html; charset=utf-8", text.Bytes())
}

func send(w http.ResponseWriter, contentType string, text []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(text)))
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text)
}
