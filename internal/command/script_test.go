package command_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/command"
)

// exchange is one request and its response.
type exchange struct {
	status int
	header http.Header
	body   string
}

func (f *fixture) do(r *http.Request) exchange {
	w := httptest.NewRecorder()
	f.serve(w, r)
	return exchange{status: w.Code, header: w.Header(), body: w.Body.String()}
}

func (f *fixture) post(body string) exchange { return f.do(formRequest(body)) }

func formRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api.php", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func jsonRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api.php", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func queryRequest(query string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/api.php", nil)
	r.URL.RawQuery = query
	return r
}

// multipartRequest sends the fields of a form as multipart/form-data, together with a file.
func multipartRequest(body string) *http.Request {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name)
		value, _ = url.QueryUnescape(value)
		_ = w.WriteField(name, value)
	}
	part, _ := w.CreateFormFile("CampaignName", "name.txt")
	_, _ = io.WriteString(part, "a file is passed over")
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, "/command", &out)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// script is a scenario recorded in a golden file. Each step is a request, written with the names of
// the test's objects, and its response.
type script struct {
	*fixture
	vars map[string]string
	seen map[string]map[string]int
	out  strings.Builder
}

func newScript(f *fixture) *script {
	return &script{fixture: f, vars: map[string]string{}, seen: map[string]map[string]int{}}
}

func (s *script) let(name string, value any) { s.vars["{"+name+"}"] = fmt.Sprint(value) }

func (s *script) expand(text string) string {
	for name, value := range s.vars {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// step sends a request with the fields of a form and records it. as is the name of a variable with
// a key; if it is empty, no key is sent.
func (s *script) step(name, as, form string) exchange {
	return s.request(name, "", as, form, s.send)
}

func (s *script) request(name, how, as, body string, request func(string) *http.Request) exchange {
	r := request(s.expand(body))
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+s.vars["{"+as+"}"])
	}
	got := s.do(r)
	fmt.Fprintf(&s.out, "## %s\n", name)
	if how != "" {
		how = " " + how
	}
	if as == "" {
		as = "nobody"
	}
	fmt.Fprintf(&s.out, "%s%s: %s\n%d %s\n", as, how, short(body), got.status, got.header.Get(command.OperationHeader))
	if wait := got.header.Get("Retry-After"); wait != "" {
		fmt.Fprintf(&s.out, "Retry-After: %s\n", wait)
	}
	fmt.Fprintf(&s.out, "%s\n\n", s.stable(got.body))
	return got
}

// short shortens a request that is long only to test a limit.
func short(text string) string {
	const limit = 400
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:limit], len(text))
}

var (
	// XML is compared without its ids.
	idElement = regexp.MustCompile(
		`<((?:CampaignID|TagID|EmailID|VariationEmailID|ListID|SubscriberID|RelOwnerUserID|RelUserID|RelEmailID)><!\[CDATA\[)[1-9]\d*`,
	)
	idMember = regexp.MustCompile(
		`"(CampaignID|NewCampaignID|TagID|UserID|RelOwnerUserID|RelUserID|EmailID|RelEmailID|VariationEmailID|ListID|SubscriberID)":("?)([1-9]\d*)("?)`,
	)
	volatile = []*regexp.Regexp{
		regexp.MustCompile(`("(?:SessionID|Username)":")[^"]+(")`),
		regexp.MustCompile(`("EmailAddress":")u[a-z2-7]{26}@example\.com(")`),
		regexp.MustCompile(`((?:email|list|campaign|custom field|segment) )[1-9]\d*()`),
		regexp.MustCompile(`("CustomField)[1-9]\d*(":)`),
		regexp.MustCompile(`(<(?:/)?CustomField)[1-9]\d*(>)`),
		regexp.MustCompile(`(list_id\\":)\d+()`),
		regexp.MustCompile(`("RecipientLists":")\d+(")`),
	}
)

// stable replaces what differs between databases and runs. An id becomes a number in the order of
// first occurrence.
func (s *script) stable(body string) string {
	body = idMember.ReplaceAllStringFunc(body, func(member string) string {
		m := idMember.FindStringSubmatch(member)
		kind := map[string]string{"NewCampaignID": "CampaignID", "RelOwnerUserID": "UserID", "RelUserID": "UserID"}[m[1]]
		if kind == "" {
			kind = m[1]
		}
		if s.seen[kind] == nil {
			s.seen[kind] = map[string]int{}
		}
		n, known := s.seen[kind][m[3]]
		if !known {
			n = len(s.seen[kind]) + 1
			s.seen[kind][m[3]] = n
		}
		return fmt.Sprintf(`"%s":%s<%d>%s`, m[1], m[2], n, m[4])
	})
	body = idElement.ReplaceAllString(body, "<$1<…>")
	for _, pattern := range volatile {
		body = pattern.ReplaceAllString(body, "$1<…>$2")
	}
	return body
}

// golden compares the record with the golden file of this name.
func (s *script) golden(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update && strings.Contains(t.Name(), "sqlite") {
		if err := os.WriteFile(path, []byte(s.out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(s.out.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
