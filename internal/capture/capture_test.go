package capture_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"campaignql/internal/capture"
	"campaignql/internal/mailer"
)

const source = "From: =?utf-8?q?Caf=C3=A9?= <cafe@example.com>\r\n" +
	"To: you@example.org\r\n" +
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <b>\r\n" +
	"List-Unsubscribe: <mailto:off@example.com>, <http://127.0.0.1:1/u/token>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=\"x\"\r\n\r\n" +
	"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Gr=C3=BC=C3=9Fe\r\n" +
	"--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"<p>Gr=C3=BC=C3=9Fe</p><script>alert(1)</script>\r\n--x--\r\n"

// serve starts a mail server that is closed when the test ends.
func serve(t *testing.T, opts capture.Options) *capture.Server {
	t.Helper()
	s, err := capture.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	opts.Log = slog.New(slog.DiscardHandler)
	s.Serve(opts)
	return s
}

// deliver sends the same message to each address and returns what became of each.
func deliver(t *testing.T, s *capture.Server, to ...string) []mailer.Outcome {
	t.Helper()
	var outcomes []mailer.Outcome
	for len(outcomes) < len(to) {
		conn, err := mailer.Dial(t.Context(), s.Route())
		if err != nil {
			t.Fatal(err)
		}
		some := to[len(outcomes):min(len(to), len(outcomes)+conn.MessagesLeft())]
		err = conn.Deliver(t.Context(), mailer.Burst{
			Count: len(some),
			Message: func(i int) (mailer.Message, error) {
				return mailer.Message{From: "bounce@example.com", To: some[i], Body: []byte(source)}, nil
			},
			Done: func(_ int, o mailer.Outcome) { outcomes = append(outcomes, o) },
		})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	return outcomes
}

func TestMailIsTakenAndKept(t *testing.T) {
	t.Parallel()
	var taken []string
	s := serve(t, capture.Options{
		Refuse: func(to string) *capture.Refusal {
			if strings.HasPrefix(to, "nobody") {
				return &capture.Refusal{Code: 550, Enhanced: "5.1.1", Text: "no such mailbox"}
			}
			return nil
		},
		Taken: func(m *capture.Message) { taken = append(taken, m.To) },
	})
	got := deliver(t, s, "a@example.com", "nobody@example.com", "b@example.com")
	if got[0].Kind != mailer.Accepted || got[2].Kind != mailer.Accepted || !got[1].HardBounce() {
		t.Errorf("%v", got)
	}
	if want := "a@example.com b@example.com"; strings.Join(taken, " ") != want {
		t.Errorf("taken %q", taken)
	}
	m := s.Messages(10, "")[0]
	if m.ID != "2" || m.To != "b@example.com" || m.ReturnPath != "bounce@example.com" || m.Subject != "Grüße <b>" ||
		m.From != "Café <cafe@example.com>" || m.Unsubscribe != "http://127.0.0.1:1/u/token" ||
		!bytes.Equal(m.Source, []byte(source)) {
		t.Errorf("%+v", m)
	}
	if html, plain := m.Texts(); plain != "Grüße" || !strings.HasPrefix(html, "<p>Grüße</p>") {
		t.Errorf("html %q, plain %q", html, plain)
	}
	for text, want := range map[string]int{"": 2, "A@EXAMPLE": 1, "grüsse": 0, "GRÜßE": 2, "nobody": 0} {
		if found := s.Messages(10, text); len(found) != want {
			t.Errorf("%q finds %d messages, want %d", text, len(found), want)
		}
	}
}

func TestTheOldestMailGoesFirst(t *testing.T) {
	t.Parallel()
	s := serve(t, capture.Options{})
	to := make([]string, capture.Keep+2)
	for i := range to {
		to[i] = fmt.Sprintf("p%d@example.com", i+1)
	}
	deliver(t, s, to...)
	kept := s.Messages(2*capture.Keep, "")
	if len(kept) != capture.Keep || kept[0].To != to[capture.Keep+1] || kept[capture.Keep-1].To != to[2] ||
		s.Count() != capture.Keep+2 || s.Message("2") != nil || s.Message("3") == nil {
		t.Errorf("%d kept, from %s to %s", len(kept), kept[len(kept)-1].To, kept[0].To)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t, capture.Options{})
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		s.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}
	if got := get("/mail"); !strings.Contains(got.Body.String(), "Nothing was sent yet") {
		t.Error(got.Body)
	}
	deliver(t, s, "a@example.com")
	for path, want := range map[string]string{
		"/mail":          "Grüße &lt;b&gt;",
		"/mail?q=a%40ex": `value="a@ex"`,
		"/mail?q=none":   "No message is kept",
		"/mail/1":        `src="/mail/1/html"`,
		"/mail/1/html":   `<base target="_blank"><p>Grüße</p>`,
		"/mail/1/source": "Gr=C3=BC=C3=9Fe",
	} {
		if got := get(path); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
	// A message may contain anything. It runs nothing, and loads nothing.
	policy := get("/mail/1/html").Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") ||
		strings.Contains(policy, "allow-scripts") {
		t.Error(policy)
	}
	for _, path := range []string{"/mail/2", "/mail/2/html", "/mail/x/source"} {
		if got := get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}
