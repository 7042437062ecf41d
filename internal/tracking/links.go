// Package tracking owns the links of messages that lead back to the server: how they are signed and
// read, and what becomes of a recipient who leaves through one. It must not know HTTP, HTML or what
// else a message contains.
//
// A link names a run and a contact in a signed token, so that there is no row per person, and nobody
// can make the link of another one. It does not expire: who finds an old message can still leave.
package tracking

import (
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"sync/atomic"

	"campaignql/internal/secret"
)

// UnsubscribePath is the path of the links by which recipients leave, before the token.
const UnsubscribePath = "/u/"

// A token is base64url of these parts, without padding. What precedes the signature is signed.
//
//	kind       1 byte, what the link is for
//	key id     3 bytes, the first ones of the id of the key
//	run        unsigned varint
//	contact    unsigned varint
//	signature  16 bytes, the first ones of the HMAC-SHA-256
const (
	keyIDLength     = 3
	headerLength    = 1 + keyIDLength
	signatureLength = 16
	maxToken        = headerLength + 2*binary.MaxVarintLen64 + signatureLength
)

// unsubscribing is the kind of the tokens by which recipients leave.
const unsubscribing = 'u'

var encoding = base64.RawURLEncoding.Strict()

// Links signs and reads the links of messages. It is safe for concurrent use.
type Links struct {
	secret *secret.Secret
	base   string
	// keys are those of the secret when it was read last, the current one first.
	keys atomic.Pointer[[]key]
}

type key struct {
	*secret.Signer
	id [keyIDLength]byte
}

// NewLinks returns links below the URL of the server. It returns nil if there is no secret. Without a
// URL the links are only read.
func NewLinks(of *secret.Secret, publicURL string) *Links {
	l := &Links{secret: of, base: strings.TrimSuffix(publicURL, "/") + UnsubscribePath}
	if len(l.load()) == 0 {
		return nil
	}
	return l
}

// load takes the keys over from the secret.
func (l *Links) load() []key {
	derived := l.secret.Keys(secret.MessageLinks)
	keys := make([]key, len(derived))
	for i, k := range derived {
		keys[i].Signer = k.Signer()
		id, err := hex.DecodeString(k.ID)
		if err != nil || copy(keys[i].id[:], id) < keyIDLength {
			panic("tracking: the id of a key is not hexadecimal") // cannot happen
		}
	}
	l.keys.Store(&keys)
	return keys
}

// Unsubscribe returns the link by which a recipient of a run leaves. The ids must be positive.
func (l *Links) Unsubscribe(runID, contactID int64) string {
	current := &(*l.keys.Load())[0]
	var token [maxToken]byte
	text := append(token[:0], unsubscribing)
	text = append(text, current.id[:]...)
	text = binary.AppendUvarint(text, uint64(runID))
	text = binary.AppendUvarint(text, uint64(contactID))
	text = append(text, current.signature(text)...)
	link := make([]byte, 0, len(l.base)+encoding.EncodedLen(len(text)))
	return string(encoding.AppendEncode(append(link, l.base...), text))
}

func (k *key) signature(text []byte) []byte {
	sum := k.MAC(text)
	return sum[:signatureLength]
}

// Parse returns the run and the contact of a token by which a recipient leaves. ok is false unless
// the server made exactly this token, with the current secret or an older one. The comparison with
// the signature takes the same time wherever the token is wrong. Nil Links made no token.
func (l *Links) Parse(token string) (runID, contactID int64, ok bool) {
	if l == nil || len(token) > encoding.EncodedLen(maxToken) {
		return 0, 0, false
	}
	text, err := encoding.DecodeString(token)
	// The decoder skips line breaks.
	if err != nil || len(text) <= headerLength+signatureLength || encoding.EncodeToString(text) != token {
		return 0, 0, false
	}
	if text[0] != unsubscribing || !l.signed(text) {
		return 0, 0, false
	}
	return ids(text[headerLength : len(text)-signatureLength])
}

// signed reports whether a token has a signature of this installation. A key that is not known may be
// that of a server which reads a newer version of the file of the secret.
func (l *Links) signed(text []byte) bool {
	id := text[1:headerLength]
	known, ok := verify(*l.keys.Load(), id, text)
	if known {
		return ok
	}
	l.secret.Refresh()
	_, ok = verify(l.load(), id, text)
	return ok
}

// verify reports whether one of the keys has the id, and whether one of these made the signature.
func verify(keys []key, id, text []byte) (known, ok bool) {
	end := len(text) - signatureLength
	for i := range keys {
		if bytes.Equal(keys[i].id[:], id) {
			known = true
			ok = hmac.Equal(keys[i].signature(text[:end]), text[end:]) || ok
		}
	}
	return known, ok
}

// ids reads the run and the contact.
func ids(text []byte) (runID, contactID int64, ok bool) {
	run, n := binary.Uvarint(text)
	if n <= 0 || run == 0 || run > math.MaxInt64 {
		return 0, 0, false
	}
	contact, m := binary.Uvarint(text[n:])
	if m <= 0 || n+m != len(text) || contact == 0 || contact > math.MaxInt64 {
		return 0, 0, false
	}
	return int64(run), int64(contact), true
}
