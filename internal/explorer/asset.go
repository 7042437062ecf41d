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

// dist holds the files built from web, each compressed with gzip, and manifest.json, which lists
// the files that the page refers to.
//
//go:embed dist
var dist embed.FS

const (
	// cacheForever is for names that change with their content.
	cacheForever = "public, max-age=31536000, immutable"
	// cacheChecked lets a client keep a copy but requires a check before each use.
	cacheChecked = "no-cache"
)

// asset is one file. It is kept compressed and served in a content coding that the client accepts.
type asset struct {
	contentType  string
	cacheControl string
	tag          string // identifies the content, independent of its coding
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
		// Clients without gzip are rare. The first of them causes the decompression, and the size
		// of the assets bounds the memory used.
		plain: sync.OnceValue(func() []byte { return mustDecompress(compressed) }),
	}
}

// builtAssets returns the embedded files by the names under which they are served. The build
// already checked that the files are well-formed.
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

// contentType does not use package mime, because its results depend on tables of the machine.
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
		// ServeContent does not set the length of encoded content.
		header.Set("Content-Length", strconv.Itoa(len(content)))
	} else {
		content, tag = a.plain(), a.tag
	}
	// A strong tag identifies bytes, so each coding has a separate tag.
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reports whether Accept-Encoding allows gzip. A client without this header gets the
// uncompressed content, which every client understands.
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

// weight parses "q=0.5". Without a valid weight it returns 1, as the definition of the header
// requires.
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
