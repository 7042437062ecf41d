// Package secret owns the secret of the installation, and the keys that are derived from it. What is
// stored as a digest under such a key can be recognized, and not read. The package must not know
// what the digests are of.
package secret

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"
	"time"
)

// Purpose is what a key is for. The keys of two purposes have nothing in common. A purpose never
// changes its text, because every digest depends on it.
type Purpose string

// ForgottenAddresses is the purpose of the digests of addresses of people who were forgotten.
const ForgottenAddresses Purpose = "campaignql forgotten addresses v1"

// MessageLinks is the purpose of the signatures in the links of messages.
const MessageLinks Purpose = "campaignql message links v1"

// least is the minimum length of a secret in bytes. A secret that was made here has 43, for 256
// random bits.
const least = 32

// Secret is the secret of an installation: the current one, and the older ones, under which digests
// may still be stored. A nil Secret has none. It is safe for concurrent use.
type Secret struct {
	path string // the file, if it is of one

	mu     sync.Mutex
	lines  []string // the current one first
	readAt time.Time
}

// refreshInterval is the least time between two reads of a file by Refresh.
const refreshInterval = time.Second

// Refresh reads the file of the secret again, because there are digests under a key that it does not
// have: the secret may have been rotated. It does so at most once a second, and reports whether it
// has read. If the file cannot be read, the secrets stay.
func (s *Secret) Refresh() bool {
	if s == nil || s.path == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.readAt) < refreshInterval {
		return false
	}
	s.readAt = time.Now()
	read, err := Load(s.path)
	if err != nil {
		return false
	}
	s.lines = read.lines
	return true
}

// Parse reads secrets that are separated by line breaks or blanks, the current one first. Each has
// at least 32 characters. The errors do not repeat the text.
func Parse(text string) (*Secret, error) {
	lines := strings.Fields(text)
	if len(lines) == 0 {
		return nil, errors.New("holds no secret")
	}
	for i, line := range lines {
		if len(line) < least {
			return nil, fmt.Errorf("secret %d has %d characters: it needs at least %d", i+1, len(line), least)
		}
		if slices.Contains(lines[:i], line) {
			return nil, fmt.Errorf("secret %d is there twice", i+1)
		}
	}
	return &Secret{lines: lines}, nil
}

// Key is a key for one purpose, derived from one secret.
type Key struct {
	// ID identifies the key, 16 characters. It tells nothing of the key.
	ID  string
	key []byte
}

// Keys returns the keys for a purpose, the current one first. Of a nil Secret there are none.
func (s *Secret) Keys(purpose Purpose) []Key {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	lines := s.lines // never changed, only replaced
	s.mu.Unlock()
	keys := make([]Key, len(lines))
	for i, line := range lines {
		keys[i] = Key{
			ID:  hex.EncodeToString(derive(line, string(purpose)+" id", 8)),
			key: derive(line, string(purpose)+" key", sha256.Size),
		}
	}
	return keys
}

// derive returns bytes that depend on a secret and on what they are for.
func derive(line, info string, length int) []byte {
	derived, err := hkdf.Key(sha256.New, []byte(line), nil, info, length)
	if err != nil {
		panic(err) // only for a length of more than 8,160 bytes
	}
	return derived
}

// DigestLength is the length of a digest in characters, whatever it is of.
const DigestLength = 2 * sha256.Size

// Digest returns the HMAC-SHA-256 of the parts, in hexadecimal. Parts that are cut differently have
// different digests.
func (k Key) Digest(parts ...string) string {
	var text []byte
	for _, part := range parts {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(part))), part...)
	}
	// The first step of HKDF is an HMAC whose key is the salt (RFC 5869, 2.2).
	mac, err := hkdf.Extract(sha256.New, text, k.key)
	if err != nil {
		panic(err) // only for keys that are too short for FIPS 140-3
	}
	return hex.EncodeToString(mac)
}

// Signer makes and checks signatures under a key. It is safe for concurrent use.
type Signer struct {
	// macs are hashes that have taken in the key, which is most of the work.
	macs sync.Pool
}

// Signer returns a signer under the key. A key that has one is used for no Digest.
func (k Key) Signer() *Signer {
	return &Signer{sync.Pool{New: func() any { return hmac.New(sha256.New, k.key) }}}
}

// MAC returns the HMAC-SHA-256 of a text.
func (s *Signer) MAC(text []byte) (sum [sha256.Size]byte) {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(text)
	mac.Sum(sum[:0])
	return sum
}
