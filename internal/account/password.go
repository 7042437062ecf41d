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

// Argon2 is the cost of hashing a password with argon2id. Each stored hash contains its own cost,
// so these values may be changed at any time.
type Argon2 struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// DefaultArgon2 is the first recommendation of the OWASP Password Storage Cheat Sheet.
var DefaultArgon2 = Argon2{MemoryKiB: 19456, Time: 2, Threads: 1}

const (
	minPasswordCharacters = 8
	maxPasswordBytes      = 1024
	saltLength            = 16
	digestLength          = 32
	// maxMemoryKiB prevents a damaged row from using all memory.
	maxMemoryKiB = 1 << 20
)

// hasher hashes and verifies passwords. The slots limit how many run concurrently.
type hasher struct {
	cost  Argon2
	slots chan struct{}
	// dummy is a hash that no password has. The password of an unknown user is verified against it,
	// so that the time does not reveal whether the user exists.
	dummy string
	// derive is argon2.IDKey; tests replace it to count calls.
	derive func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

func newHasher(cost Argon2, concurrent int) *hasher {
	h := &hasher{cost: cost, slots: make(chan struct{}, concurrent), derive: argon2.IDKey}
	// The digest is random, so no known password matches it.
	h.dummy = encodeHash(cost, randomBytes(saltLength), randomBytes(digestLength))
	return h
}

// enter waits for a slot; leave gives it back. The slots limit the memory used for hashing.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, store.Translate(ctx.Err())
	}
}

// hash returns the PHC string of a password. The caller must hold a slot.
func (h *hasher) hash(password string) string {
	salt := randomBytes(saltLength)
	c := h.cost
	return encodeHash(c, salt, h.derive([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, digestLength))
}

// verify reports whether the password matches the hash. The comparison takes constant time. The
// caller must hold a slot.
func (h *hasher) verify(encoded, password string) (bool, error) {
	c, salt, digest, err := decodeHash(encoded)
	if err != nil {
		return false, apperr.Wrap(apperr.Internal, err, "internal error")
	}
	got := h.derive([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, uint32(len(digest)))
	return subtle.ConstantTimeCompare(got, digest) == 1, nil
}

// outdated reports whether the hash was made with a cost other than the current one.
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

// decodeHash parses a PHC string. The error never contains the hash.
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
	_, _ = rand.Read(b) // never returns an error: on failure it ends the process
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
