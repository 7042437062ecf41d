package explorer

import (
	"bytes"
	"net/http"
	"path"
	"strconv"
	"testing"
)

func TestAssetComesInTheCodingTheClientAccepts(t *testing.T) {
	t.Parallel()
	h := Handler(Options{})
	asset := assetPath + builtManifest().Icon
	plain := body(t, get(t, h, asset, nil))
	if !bytes.HasPrefix(plain, []byte("<svg")) {
		t.Fatalf("plain icon starts with %.20q", plain)
	}
	tests := []struct {
		accept   string
		wantGzip bool
	}{
		{"", false},
		{"gzip", true},
		{"gzip, deflate, br, zstd", true},
		{"br;q=1.0, GZIP;q=0.5", true},
		{"x-gzip", true},
		{"*", true},
		{"identity", false},
		{"br", false},
		{"gzip;q=0", false},
		{"gzip; q=0.000, *", false},
		{"*;q=0", false},
		{"*;q=0, gzip", true},
		{"notgzip", false},
	}
	for _, tt := range tests {
		t.Run(tt.accept, func(t *testing.T) {
			t.Parallel()
			response := get(t, h, asset, map[string]string{"Accept-Encoding": tt.accept})
			content := body(t, response)
			if gzipped := response.Header.Get("Content-Encoding") == "gzip"; gzipped != tt.wantGzip {
				t.Fatalf("Content-Encoding %q, want gzip %t", response.Header.Get("Content-Encoding"), tt.wantGzip)
			}
			if got := response.Header.Get("Content-Length"); got != strconv.Itoa(len(content)) {
				t.Errorf("Content-Length = %s, body has %d bytes", got, len(content))
			}
			if got := response.Header.Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("Vary = %q", got)
			}
			if tt.wantGzip {
				content = decompressed(t, content)
			}
			if !bytes.Equal(content, plain) {
				t.Errorf("content differs from the plain one")
			}
		})
	}
}

func TestTagIsStrongAndRevalidates(t *testing.T) {
	t.Parallel()
	h := Handler(Options{})
	for _, target := range []string{"/", assetPath + builtManifest().Style} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			plain := get(t, h, target, nil).Header.Get("ETag")
			gzipped := get(t, h, target, map[string]string{"Accept-Encoding": "gzip"}).Header.Get("ETag")
			if len(plain) < 10 || plain[0] != '"' || gzipped[0] != '"' {
				t.Fatalf("tags %s and %s, want strong ones", plain, gzipped)
			}
			if plain == gzipped {
				t.Errorf("both codings have the tag %s", plain)
			}
			tests := []struct {
				name, tag, accept string
				want              int
			}{
				{"same", gzipped, "gzip", http.StatusNotModified},
				{"one of several", `"other", ` + gzipped, "gzip", http.StatusNotModified},
				{"of the other coding", plain, "gzip", http.StatusOK},
				{"outdated", `"other"`, "gzip", http.StatusOK},
				{"same, plain", plain, "identity", http.StatusNotModified},
			}
			for _, tt := range tests {
				response := get(t, h, target, map[string]string{"If-None-Match": tt.tag, "Accept-Encoding": tt.accept})
				if response.StatusCode != tt.want {
					t.Errorf("%s: status %d, want %d", tt.name, response.StatusCode, tt.want)
				}
				if tt.want == http.StatusNotModified && len(body(t, response)) != 0 {
					t.Errorf("%s: 304 with a body", tt.name)
				}
			}
		})
	}
}

func TestPageTagChangesWithTheDemoKey(t *testing.T) {
	t.Parallel()
	one := get(t, Handler(Options{DemoKey: "one"}), "/", nil).Header.Get("ETag")
	two := get(t, Handler(Options{DemoKey: "two"}), "/", nil).Header.Get("ETag")
	if one == two {
		t.Errorf("pages with different keys share the tag %s", one)
	}
}

func TestHeadAnswersTheHeadersOfGet(t *testing.T) {
	t.Parallel()
	h := Handler(Options{})
	for _, target := range []string{"/", assetPath + builtManifest().Script} {
		for _, accept := range []string{"gzip", "identity"} {
			header := map[string]string{"Accept-Encoding": accept}
			head, full := send(t, h, http.MethodHead, target, header), get(t, h, target, header)
			if n := len(body(t, head)); n != 0 {
				t.Errorf("HEAD %s: %d bytes of body", target, n)
			}
			for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "ETag", "Cache-Control"} {
				if got, want := head.Header.Get(name), full.Header.Get(name); got != want {
					t.Errorf("HEAD %s (%s): %s = %q, GET has %q", target, accept, name, got, want)
				}
			}
		}
	}
}

func TestAssetsAreStoredReproducibly(t *testing.T) {
	t.Parallel()
	for name, file := range builtAssets() {
		if path.Ext(name) == ".gz" || len(file.plain()) == 0 {
			t.Errorf("%s: badly named or empty", name)
		}
		if contentType(name) == "application/octet-stream" {
			t.Errorf("%s: no content type for its extension", name)
		}
		// RFC 1952: bytes 4 to 7 are the modification time.
		if !bytes.Equal(file.compressed[4:8], make([]byte, 4)) {
			t.Errorf("%s: stored with a modification time", name)
		}
	}
}
