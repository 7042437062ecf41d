package explorer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func get(t *testing.T, h http.Handler, path string, header map[string]string) *http.Response {
	t.Helper()
	return send(t, h, http.MethodGet, path, header)
}

func send(t *testing.T, h http.Handler, method, path string, header map[string]string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) []byte {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	return content
}

// pageConfig reads the configuration as the script of the page does: it parses the text of the
// script element, in which HTML entities have no meaning, as JSON.
func pageConfig(t *testing.T, page []byte) config {
	t.Helper()
	match := regexp.MustCompile(`(?s)<script type="application/json" id="config">(.*?)</script`).FindSubmatch(page)
	if match == nil {
		t.Fatalf("page has no configuration:\n%s", page)
	}
	var c config
	if err := json.Unmarshal(match[1], &c); err != nil {
		t.Fatalf("configuration is not JSON: %v\n%s", err, match[1])
	}
	return c
}

// linked returns the paths that the page refers to.
func linked(page []byte) []string {
	var paths []string
	for _, match := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllSubmatch(page, -1) {
		paths = append(paths, html.UnescapeString(string(match[1])))
	}
	return paths
}

func TestPageCarriesItsOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts Options
		want config
	}{
		{
			name: "defaults",
			want: config{Title: "campaignql", Endpoint: "/graphql", SchemaURL: "/schema.graphql"},
		},
		{
			name: "all given",
			opts: Options{Endpoint: "/api", SchemaURL: "/s", DemoKey: "k-1", RegisteredOnly: true, Title: "Ours"},
			want: config{Title: "Ours", Endpoint: "/api", SchemaURL: "/s", DemoKey: "k-1", RegisteredOnly: true},
		},
		{
			name: "markup in a value stays a value",
			opts: Options{DemoKey: `</script><script>alert("&amp;")</script><!--`, Title: `</title><b>'"`},
			want: config{
				Title: `</title><b>'"`, Endpoint: "/graphql", SchemaURL: "/schema.graphql",
				DemoKey: `</script><script>alert("&amp;")</script><!--`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page := body(t, get(t, Handler(tt.opts), "/", nil))
			got := pageConfig(t, page)
			if len(got.Samples) != len(Samples()) {
				t.Errorf("page has %d samples, want %d", len(got.Samples), len(Samples()))
			}
			got.Samples = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			if n := bytes.Count(page, []byte("<script")); n != 2 {
				t.Errorf("page has %d script elements, want 2:\n%s", n, page)
			}
			if bytes.Contains(page, []byte("<b>")) || bytes.Contains(page, []byte("<!--")) {
				t.Errorf("markup of a value became markup of the page:\n%s", page)
			}
		})
	}
}

func TestPageRefersOnlyToItsOwnOrigin(t *testing.T) {
	t.Parallel()
	h := Handler(Options{})
	page := body(t, get(t, h, "/", nil))
	paths := linked(page)
	if len(paths) < 5 {
		t.Fatalf("page links %q, want script, style, icon, licences and schema", paths)
	}
	for _, path := range paths {
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
			t.Errorf("page refers to %q, which is not a path of its origin", path)
		}
		if !strings.HasPrefix(path, assetPath) {
			continue
		}
		if response := get(t, h, path, nil); response.StatusCode != http.StatusOK {
			t.Errorf("GET %s: status %d, want 200", path, response.StatusCode)
		}
	}
	if bytes.Contains(page, []byte("://")) {
		t.Errorf("page contains an absolute URL:\n%s", page)
	}
}

func TestScriptNamesWorkersThatExist(t *testing.T) {
	t.Parallel()
	h := Handler(Options{})
	script := body(t, get(t, h, assetPath+builtManifest().Script, nil))
	workers := regexp.MustCompile(`"\./([a-z]+\.worker-[A-Z0-9]+\.js)"`).FindAllSubmatch(script, -1)
	if len(workers) != 3 {
		t.Fatalf("script names %d workers, want 3", len(workers))
	}
	for _, worker := range workers {
		path := assetPath + string(worker[1])
		if response := get(t, h, path, nil); response.StatusCode != http.StatusOK {
			t.Errorf("GET %s: status %d, want 200", path, response.StatusCode)
		}
	}
}

func TestLicencesNameWhatIsBundled(t *testing.T) {
	t.Parallel()
	notices := body(t, get(t, Handler(Options{}), assetPath+builtManifest().Licences, nil))
	for _, name := range []string{"graphiql ", "monaco-editor ", "react ", "graphql "} {
		if !bytes.Contains(notices, []byte("\n"+name)) {
			t.Errorf("licences do not name %s", name)
		}
	}
}

func TestContentTypesAndCaching(t *testing.T) {
	t.Parallel()
	built := builtManifest()
	h := Handler(Options{})
	tests := []struct{ path, contentType, cacheControl string }{
		{"/", "text/html; charset=utf-8", "no-cache"},
		{assetPath + built.Script, "text/javascript; charset=utf-8", cacheForever},
		{assetPath + built.Style, "text/css; charset=utf-8", cacheForever},
		{assetPath + built.Icon, "image/svg+xml", cacheForever},
		{assetPath + built.Licences, "text/plain; charset=utf-8", cacheForever},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			header := get(t, h, tt.path, nil).Header
			if got := header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type = %q, want %q", got, tt.contentType)
			}
			if got := header.Get("Cache-Control"); got != tt.cacheControl {
				t.Errorf("Cache-Control = %q, want %q", got, tt.cacheControl)
			}
		})
	}
}

func TestEveryAnswerCarriesThePolicy(t *testing.T) {
	t.Parallel()
	h := Handler(Options{})
	tests := []struct {
		name, method, path string
		status             int
	}{
		{"page", http.MethodGet, "/", http.StatusOK},
		{"asset", http.MethodGet, assetPath + builtManifest().Script, http.StatusOK},
		{"unknown asset", http.MethodGet, assetPath + "none.js", http.StatusNotFound},
		{"folder of assets", http.MethodGet, assetPath, http.StatusNotFound},
		{"stored name of an asset", http.MethodGet, assetPath + builtManifest().Script + ".gz", http.StatusNotFound},
		{"manifest", http.MethodGet, assetPath + "manifest.json", http.StatusNotFound},
		{"unknown path", http.MethodGet, "/elsewhere", http.StatusNotFound},
		{"POST to the page", http.MethodPost, "/", http.StatusMethodNotAllowed},
		{"DELETE of an asset", http.MethodDelete, assetPath + builtManifest().Script, http.StatusMethodNotAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := send(t, h, tt.method, tt.path, nil)
			if response.StatusCode != tt.status {
				t.Errorf("status %d, want %d", response.StatusCode, tt.status)
			}
			got := response.Header.Get("Content-Security-Policy")
			for _, directive := range []string{
				"default-src 'self'", "style-src 'self' 'unsafe-inline'", "font-src 'self' data:",
				"img-src 'self' data:", "worker-src 'self'", "connect-src 'self'", "frame-ancestors 'none'",
			} {
				if !strings.Contains(got, directive) {
					t.Errorf("policy %q lacks %q", got, directive)
				}
			}
			if strings.Contains(got, "script-src") {
				t.Errorf("policy %q loosens what scripts may run", got)
			}
			if got := response.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options = %q", got)
			}
			if got := response.Header.Get("Referrer-Policy"); got != "no-referrer" {
				t.Errorf("Referrer-Policy = %q", got)
			}
			if tt.status == http.StatusMethodNotAllowed && response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow = %q, want GET, HEAD", response.Header.Get("Allow"))
			}
		})
	}
}

func TestSamplesAreWholeOperations(t *testing.T) {
	t.Parallel()
	list := Samples()
	if len(list) == 0 {
		t.Fatal("no samples")
	}
	operation := regexp.MustCompile(`(?m)^(?:query|mutation|subscription) ([A-Z]\w+)`)
	seen := map[string]bool{}
	for _, sample := range list {
		names := operation.FindAllStringSubmatch(sample.Query, -1)
		if len(names) != 1 {
			t.Errorf("sample %q has %d named operations, want 1", sample.Title, len(names))
			continue
		}
		name := names[0][1]
		if seen[name] {
			t.Errorf("operation %s, whose name titles the tab, occurs twice", name)
		}
		seen[name] = true
		if sample.Title == "" {
			t.Errorf("operation %s has no title", name)
		}
		if declares := strings.Contains(sample.Query, name+"("); declares != (sample.Variables != nil) {
			t.Errorf("operation %s: declares variables %t, has them %t", name, declares, sample.Variables != nil)
		}
		var variables map[string]any
		if sample.Variables != nil && json.Unmarshal(sample.Variables, &variables) != nil {
			t.Errorf("operation %s: variables are not a JSON object: %s", name, sample.Variables)
		}
	}
	// GraphiQL shows the first tab without its variables on the first visit.
	if list[0].Variables != nil {
		t.Errorf("the first sample, %q, takes variables", list[0].Title)
	}
}

func decompressed(t *testing.T, content []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("not gzip: %v", err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("decompress: %v", err)
	}
	return plain
}
