package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// Argon2 is the cost of hashing a password by argon2id. A stored hash carries its own, so these may change at any time.
type Argon2 struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// DefaultArgon2 is the first choice of the OWASP Password Storage Cheat Sheet.
var DefaultArgon2 = Argon2{MemoryKiB: 19456, Time: 2, Threads: 1}

const (
	minPasswordCharacters = 8
	maxPasswordBytes      = 1024
	saltLength            = 16
	digestLength          = 32
	// maxMemoryKiB keeps a damaged row from claiming all memory.
	maxMemoryKiB = 1 << 20
)

// hasher hashes and verifies passwords, a bounded number at a time.
type hasher struct {
	cost  Argon2
	slots chan struct{}
	// dummy is what the password of an unknown user is verified against: the hash of a secret nobody has.
	dummy string
	// derive is argon2.IDKey; tests count its calls.
	derive func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

func newHasher(cost Argon2, concurrent int) *hasher {
	h := &hasher{cost: cost, slots: make(chan struct{}, concurrent), derive: argon2.IDKey}
	// No password has this digest: it is made of random bytes, not of a hash.
	h.dummy = encodeHash(cost, randomBytes(saltLength), randomBytes(digestLength))
	return h
}

// enter waits for one of the slots, which leave gives back. The memory of hashing is bounded by them.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, store.Translate(ctx.Err())
	}
}

// hash returns the PHC string of a password. The caller holds a slot.
func (h *hasher) hash(password string) string {
	salt := randomBytes(saltLength)
	c := h.cost
	return encodeHash(c, salt, h.derive([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, digestLength))
}

// verify reports whether the password has the hash, in time that does not depend on where they
// differ. The caller holds a slot.
func (h *hasher) verify(encoded, password string) (bool, error) {
	c, salt, digest, err := decodeHash(encoded)
	if err != nil {
		return false, apperr.Wrap(apperr.Internal, err, "internal error")
	}
	got := h.derive([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, uint32(len(digest)))
	return subtle.ConstantTimeCompare(got, digest) == 1, nil
}

// outdated reports whether the hash was made at another cost than is asked for today.
func (h *hasher) outdated(encoded string) bool {
	c, _, _, err := decodeHash(encoded)
	return err == nil && c != h.cost
}

func encodeHash(c Argon2, salt, digest []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf(
		"$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Time, c.Threads, b64.EncodeToString(salt),
		b64.EncodeToString(digest),
	)
}

// decodeHash reads a PHC string. The error never holds the hash.
func decodeHash(encoded string) (c Argon2, salt, digest []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return c, nil, nil, errors.New("account: a stored password is not an argon2id hash")
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errors.New("account: a stored password has another version of argon2")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Time, &c.Threads); err != nil {
		return c, nil, nil, errors.New("account: a stored password has unreadable parameters")
	}
	if c.Time == 0 || c.Threads == 0 || c.MemoryKiB > maxMemoryKiB {
		return c, nil, nil, errors.New("account: a stored password has parameters out of range")
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	digest, digestErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || digestErr != nil || len(salt) < 8 || len(digest) < 16 {
		return c, nil, nil, errors.New("account: a stored password has an unreadable salt or digest")
	}
	return c, salt, digest, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

func checkPassword(password string) error {
	switch {
	case len(password) > maxPasswordBytes:
		return apperr.InvalidField(
			"password", apperr.ReasonPasswordTooLong, "the password must not be longer than %d bytes", maxPasswordBytes,
		)
	case utf8.RuneCountInString(password) < minPasswordCharacters:
		return apperr.InvalidField(
			"password", apperr.ReasonPasswordTooShort, "the password must have at least %d characters",
			minPasswordCharacters,
		)
	}
	return nil
}
