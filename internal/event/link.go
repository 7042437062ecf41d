package event

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"campaignql/ent/linkcounter"
	"campaignql/internal/kind"
)

// Bounds of what is normalized: the parser takes quadratic time for signs of "@" and for the parts of
// a path. Other texts are links under the text that was sent.
const (
	maxNormalized = 16 << 10
	maxAts        = 20
	maxSlashes    = 100
)

// target is the link that the URL of a click means. The zero value is no link.
type target struct {
	// url is the URL as it was sent, cut to maxURL.
	url string
	// hash identifies the link: the SHA-256 of the whole normalized URL, hexadecimal.
	hash string
	// sent is the SHA-256 of the URL as it was sent. Links from before URLs were normalized have it.
	sent string
}

// readTarget returns the link that a URL means. Two URLs are one link if browsers open the same for
// them: see the URL Standard of WHATWG. Only http, https, mailto and tel are links.
func readTarget(sent string) target {
	normal, ok := normalize(sent)
	if !ok {
		return target{}
	}
	t := target{url: cutAt(kind.Clean(sent), maxURL), hash: digest(normal)}
	if t.sent = t.hash; normal != sent {
		t.sent = digest(sent)
	}
	return t
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// normalize returns a URL as browsers write it, and whether it is a link.
func normalize(text string) (string, bool) {
	if isNormal(text) {
		return text, true
	}
	if len(text) > maxNormalized || strings.Count(text, "@") > maxAts ||
		strings.Count(text, "/")+strings.Count(text, `\`) > maxSlashes {
		scheme, _, found := strings.Cut(strings.TrimFunc(text, isBlank), ":")
		return text, found && isLinkScheme(strings.ToLower(scheme))
	}
	return parse(text)
}

// parse normalizes a URL of bounded length.
func parse(text string) (string, bool) {
	u, err := whatwg.Parse(text)
	if err != nil || !isLinkScheme(u.Scheme()) {
		return "", false
	}
	return u.Href(false), true
}

func isLinkScheme(scheme string) bool {
	switch scheme {
	case "http", "https", "mailto", "tel":
		return true
	}
	return false
}

// isBlank reports whether browsers ignore a character at the ends of a URL.
func isBlank(r rune) bool { return r <= ' ' }

// isNormal reports whether an http or https URL is certainly written as browsers do. Most URLs are,
// and need not be parsed. If it is false the URL may still be.
func isNormal(text string) bool {
	rest, found := strings.CutPrefix(text, "https://")
	if !found {
		if rest, found = strings.CutPrefix(text, "http://"); !found {
			return false
		}
	}
	host, path, found := strings.Cut(rest, "/")
	if !found || !isPlainHost(host) {
		return false
	}
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-_~!$&()*+,;=:@/?#", c) >= 0:
		case c == '.' && i > 0 && path[i-1] != '/':
		case c == '%' && !(i+2 < len(path) && path[i+1] == '2' && path[i+2]|0x20 == 'e'):
		default:
			return false
		}
	}
	return true
}

// isPlainHost reports whether a host is of lower-case letters, digits, hyphens and dots, and neither
// an IP address nor internationalized.
func isPlainHost(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || last[0] < 'a' || last[0] > 'z' || strings.Contains(host, "--") {
		return false
	}
	for i := range len(host) {
		if c := host[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

// cutAt returns the text without what follows a number of bytes, and without a part of a character.
func cutAt(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return strings.Clone(text[:most])
}

// dropLinks deletes the links that the batch created and that only duplicates refer to. No other
// transaction has seen them because the campaigns are locked.
func (b *batch) dropLinks(ctx context.Context, events, fresh []*entry) error {
	if len(b.made) == 0 || len(fresh) == len(events) {
		return nil
	}
	named := make(map[int64]bool, len(b.made))
	for _, e := range fresh {
		named[e.link] = true
	}
	unnamed := slices.DeleteFunc(b.made, func(id int64) bool { return named[id] })
	if len(unnamed) == 0 {
		return nil
	}
	_, err := b.db.Client(ctx).LinkCounter.Delete().Where(linkcounter.IDIn(unnamed...)).Exec(ctx)
	return err
}
