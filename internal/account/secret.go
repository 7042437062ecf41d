package account

import (
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

// secretHash is what the database keeps of a key or token. A plain SHA-256 is right here, unlike for a password: 260 random bits cannot be
// guessed from it however fast it is, and the row can be found by it.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// wellFormed reports whether text may be a secret with the prefix, so that garbage costs no statement.
func wellFormed(text, prefix string) bool {
	return len(text) == len(prefix)+randomLength && strings.HasPrefix(text, prefix)
}
