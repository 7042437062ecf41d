package account

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	keyPrefix     = "cq_"
	sessionPrefix = "cqs_"
	// randomLength is the length of the random part: 52 characters of base32, which are 260 bits.
	randomLength = 52
	hintLength   = 8
)

// newSecret returns a new key or session token. The prefix lets people and scanners for leaked
// secrets recognize its kind.
func newSecret(prefix string) string {
	return prefix + strings.ToLower(rand.Text()+rand.Text())
}

// secretHash returns the form in which a key or token is stored. A plain SHA-256 is enough here,
// unlike for a password: 260 random bits cannot be guessed, even with a fast hash. It also allows
// the row to be found by its hash.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// wellFormed reports whether text has the form of a secret with the prefix, so that malformed text
// is rejected without a statement.
func wellFormed(text, prefix string) bool {
	return len(text) == len(prefix)+randomLength && strings.HasPrefix(text, prefix)
}

// MaxSecretLength is the length of the longest key or session token in bytes.
const MaxSecretLength = len(sessionPrefix) + randomLength

// FindCredentials returns the first key or session token in text, judged by its form, and the
// offset of the text after it.
func FindCredentials(text []byte) (found Credentials, end int) {
	for {
		at := bytes.Index(text[end:], []byte("cq"))
		if at < 0 {
			return Credentials{}, len(text)
		}
		at += end
		for _, prefix := range []string{sessionPrefix, keyPrefix} {
			random, whole := bytes.CutPrefix(text[at:], []byte(prefix))
			if whole && len(random) >= randomLength && !bytes.ContainsFunc(random[:randomLength], notRandom) {
				end = at + len(prefix) + randomLength
				return ByToken(string(text[at:end])), end
			}
		}
		end = at + len("cq")
	}
}

// notRandom reports whether r cannot occur in the random part of a secret.
func notRandom(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
