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
	// randomLength is the length of the random part: 52 characters of base32, 260 bits.
	randomLength = 52
	hintLength   = 8
)

// newSecret returns a fresh key or token. The prefix lets its owner, and scanners for leaked secrets, tell what it is.
func newSecret(prefix string) string {
	return prefix + strings.ToLower(rand.Text()+rand.Text())
}

// secretHash is what the database keeps of a key or token. A plain SHA-256 is right here, unlike
// for a password: 260 random bits cannot be guessed from it however fast it is, and the row can be
// found by it.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// wellFormed reports whether text may be a secret with the prefix, so that garbage costs no statement.
func wellFormed(text, prefix string) bool {
	return len(text) == len(prefix)+randomLength && strings.HasPrefix(text, prefix)
}

// MaxSecretLength is the length of the longest key or session token in bytes.
const MaxSecretLength = len(sessionPrefix) + randomLength

// FindCredentials returns the first thing in a text that looks like a key or a session token, and
// where the text after it begins.
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

// notRandom holds for what is in no random part of a secret.
func notRandom(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
