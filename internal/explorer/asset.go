package explorer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// dist holds the files built from web, each compressed with gzip, and
// manifest.json, which names those the page refers to.
//
//go:embed dist
var dist embed.FS

const (
	// cacheForever suits names that change with their content.
	cacheForever = "public, max-age=31536000, immutable"
	// cacheChecked keeps a copy but asks each time whether it is still good.
	cacheChecked = "no-cache"
)

// asset is one file kept compressed and served in the coding the client accepts.
type asset struct {
	contentType  string
	cacheControl string
	tag          string // names the content, whatever its coding
	compressed   []byte
	plain        func() []byte
}

func newAsset(contentType, cacheControl string, compressed []byte) *asset {
	sum := sha256.Sum256(compressed)
	return &asset{
		contentType:  contentType,
		cacheControl: cacheControl,
		tag:          base64.RawURLEncoding.EncodeToString(sum[:12]),
		compressed:   compressed,
		// Clients without gzip are rare; the first of them pays, and the memory
		// spent is bounded by the size of the assets.
		plain: sync.OnceValue(func() []byte { return mustDecompress(compressed) }),
	}
}

// builtAssets returns the embedded files by the name they are served under.
// That they are well-formed was decided when the binary was built.
func builtAssets() map[string]*asset {
	files, err := fs.Glob(dist, "dist/*.gz")
	if err != nil {
		panic(fmt.Errorf("explorer: list assets: %w", err))
	}
	assets := make(map[string]*asset, len(files))
	for _, file := range files {
		compressed, err := dist.ReadFile(file)
		if err != nil {
			panic(fmt.Errorf("explorer: read asset: %w", err))
		}
		name := strings.TrimSuffix(path.Base(file), ".gz")
		assets[name] = newAsset(contentType(name), cacheForever, compressed)
	}
	return assets
}

// contentType does not ask package mime, whose answers depend on the machine's
// own tables.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return "application/octet-stream"
	}
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", a.cacheControl)
	header.Set("Vary", "Accept-Encoding")

	content, tag := a.compressed, a.tag+"-gzip"
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		// ServeContent leaves the length out of encoded answers.
		header.Set("Content-Length", strconv.Itoa(len(content)))
	} else {
		content, tag = a.plain(), a.tag
	}
	// A strong tag names bytes, so each coding has its own.
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reports whether Accept-Encoding admits gzip. A client that sends
// no such header gets the plain content, the one thing all understand.
func acceptsGzip(values []string) bool {
	wildcard := false
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(element, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight(params) > 0
		case "*":
			wildcard = weight(params) > 0
		}
	}
	return wildcard
}

// weight reads "q=0.5"; without a readable weight it is 1, as the header's
// definition has it.
func weight(params string) float64 {
	name, value, found := strings.Cut(params, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 1
	}
	return q
}

func mustDecompress(compressed []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(fmt.Errorf("explorer: open compressed asset: %w", err))
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		panic(fmt.Errorf("explorer: decompress asset: %w", err))
	}
	return plain
}

func compress(plain []byte) []byte {
	var buf bytes.Buffer
	writer := gzip.NewWriter(&buf)
	if _, err := writer.Write(plain); err != nil {
		panic(fmt.Errorf("explorer: compress page: %w", err))
	}
	if err := writer.Close(); err != nil {
		panic(fmt.Errorf("explorer: compress page: %w", err))
	}
	return buf.Bytes()
}
