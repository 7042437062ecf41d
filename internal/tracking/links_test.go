package tracking_test

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"campaignql/internal/secret"
	"campaignql/internal/tracking"
)

const first, second = "first-secret-of-at-least-32-bytes", "second-secret-of-at-least-32-bytes"

const base = "https://mail.example.com"

func links(t testing.TB, secrets string) *tracking.Links {
	t.Helper()
	s, err := secret.Parse(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return tracking.NewLinks(s, base)
}

// token returns the token of a link.
func token(t testing.TB, l *tracking.Links, runID, contactID int64) string {
	t.Helper()
	text, ok := strings.CutPrefix(l.Unsubscribe(runID, contactID), base+"/u/")
	if !ok || strings.ContainsAny(text, "/=+?&") {
		t.Fatalf("%q is no link of the server", l.Unsubscribe(runID, contactID))
	}
	return text
}

// TestLinksAreTheSameInEveryRelease pins a token: those of messages that were sent must stay valid.
func TestLinksAreTheSameInEveryRelease(t *testing.T) {
	t.Parallel()
	const want = "dcsJ-gesAt1cI3QNCV1UK-j5kUQIn4E"
	if got := token(t, links(t, first), 7, 300); got != want {
		t.Errorf("token %s", got)
	}
}

func TestATokenNamesTheRunAndTheContact(t *testing.T) {
	t.Parallel()
	l := links(t, first)
	numbers := []int64{1, 127, 128, math.MaxInt64}
	for range 1000 {
		numbers = append(numbers, 1+rand.Int64N(math.MaxInt64>>rand.IntN(62)))
	}
	for i, run := range numbers {
		contact := numbers[len(numbers)-1-i]
		if r, c, ok := l.Parse(token(t, l, run, contact)); !ok || r != run || c != contact {
			t.Errorf("%d, %d: %d, %d, %t", run, contact, r, c, ok)
		}
	}
}

func TestNoOtherTextIsAToken(t *testing.T) {
	t.Parallel()
	l := links(t, first)
	good := token(t, l, 123456, 9876543210)
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, text string) {
		t.Helper()
		if r, c, ok := l.Parse(text); ok || r != 0 || c != 0 {
			t.Errorf("%s: %q is run %d, contact %d, %t", what, text, r, c, ok)
		}
	}
	for bit := range 8 * len(raw) {
		changed := []byte(string(raw))
		changed[bit/8] ^= 1 << (bit % 8)
		refused("a flipped bit", base64.RawURLEncoding.EncodeToString(changed))
	}
	for bit := range 8 * len(good) { // also the bits of the last character that mean nothing
		changed := []byte(good)
		changed[bit/8] ^= 1 << (bit % 8)
		refused("a flipped bit of the text", string(changed))
	}
	for n := range good {
		refused("cut", good[:n])
		refused("cut", good[n+1:])
		for _, blank := range []string{"\n", "\r\n", " ", "=", "A", "%41"} {
			refused("lengthened", good[:n]+blank+good[n:])
		}
	}
	refused("padded", base64.URLEncoding.EncodeToString(raw)+"=")
	refused("twice", good+good)
	refused("long", strings.Repeat(good, 1000))
	refused("of another installation", token(t, links(t, second), 123456, 9876543210))
	if _, _, ok := (*tracking.Links)(nil).Parse(good); ok {
		t.Error("a server without a secret knows a token")
	}
	if tracking.NewLinks(nil, base) != nil {
		t.Error("there are links without a secret")
	}
}

// TestOnlySignedIDsThatCanBeAreRead signs bodies that the server never makes.
func TestOnlySignedIDsThatCanBeAreRead(t *testing.T) {
	t.Parallel()
	l := links(t, first)
	known, err := secret.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(token(t, l, 7, 300))
	if err != nil {
		t.Fatal(err)
	}
	sign := func(kind byte, body []byte) string {
		text := append(append([]byte{kind}, raw[1:4]...), body...)
		mac := known.Keys(secret.MessageLinks)[0].Signer().MAC(text)
		return base64.RawURLEncoding.EncodeToString(append(text, mac[:16]...))
	}
	two := func(a, b uint64) []byte { return binary.AppendUvarint(binary.AppendUvarint(nil, a), b) }
	if r, c, ok := l.Parse(sign('u', two(7, 300))); !ok || r != 7 || c != 300 {
		t.Fatalf("this test signs another way: %d, %d, %t", r, c, ok)
	}
	for what, text := range map[string]string{
		"another kind":       sign('o', two(7, 300)),
		"run 0":              sign('u', two(0, 300)),
		"contact 0":          sign('u', two(7, 0)),
		"a negative run":     sign('u', two(math.MaxUint64, 300)),
		"a negative contact": sign('u', two(7, 1<<63)),
		"no contact":         sign('u', []byte{7}),
		"three numbers":      sign('u', append(two(7, 300), 1)),
		"an endless number":  sign('u', append([]byte{7}, 0x80)),
		"a number too large": sign('u', append([]byte{7}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"...)),
		"nothing":            sign('u', nil),
	} {
		if r, c, ok := l.Parse(text); ok {
			t.Errorf("%s: run %d, contact %d", what, r, c)
		}
	}
}

func TestTheCurrentSecretSignsAndAllVerify(t *testing.T) {
	t.Parallel()
	old, rotated := links(t, first), links(t, second+"\n"+first)
	if token(t, rotated, 7, 300) != token(t, links(t, second), 7, 300) {
		t.Error("the current secret does not sign")
	}
	for _, text := range []string{token(t, old, 7, 300), token(t, rotated, 7, 300)} {
		if r, c, ok := rotated.Parse(text); !ok || r != 7 || c != 300 {
			t.Errorf("%s: %d, %d, %t", text, r, c, ok)
		}
	}
	if _, _, ok := old.Parse(token(t, rotated, 7, 300)); ok {
		t.Error("a secret that is not known verifies")
	}
}

// TestAServerLearnsOfARotation rotates the secret of servers that run, while they sign and read.
func TestAServerLearnsOfARotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	known, err := secret.Ensure(path)
	if err != nil {
		t.Fatal(err)
	}
	running := tracking.NewLinks(known, base)
	before := token(t, running, 7, 300)
	if err := secret.Rotate(path); err != nil {
		t.Fatal(err)
	}
	read, err := secret.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	started := tracking.NewLinks(read, base)
	after := token(t, started, 7, 300)
	if before == after {
		t.Fatal("the secret was not rotated")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, text := range []string{after, before, token(t, running, 7, 300)} {
				for _, l := range []*tracking.Links{running, started} {
					if r, c, ok := l.Parse(text); !ok || r != 7 || c != 300 {
						t.Errorf("%s: %d, %d, %t", text, r, c, ok)
					}
				}
			}
		})
	}
	all.Wait()
	if token(t, running, 7, 300) != after {
		t.Error("the server goes on with the older secret")
	}
}

func FuzzToken(f *testing.F) {
	l := links(f, second+"\n"+first)
	f.Add(token(f, l, 7, 300))
	f.Add(token(f, links(f, first), math.MaxInt64, 1))
	f.Add("")
	f.Add("dQAAAAcHAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		run, contact, ok := l.Parse(text)
		if !ok {
			return
		}
		if text != token(t, l, run, contact) && text != token(t, links(t, first), run, contact) {
			t.Errorf("%q is run %d, contact %d, and the server did not make it", text, run, contact)
		}
	})
}

func BenchmarkUnsubscribe(b *testing.B) {
	l := links(b, first)
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Unsubscribe(123456, 9876543210)
	}
}

func BenchmarkParse(b *testing.B) {
	l := links(b, first)
	good := token(b, l, 123456, 9876543210)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := l.Parse(good); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParseUnknownKey(b *testing.B) {
	l := links(b, first)
	foreign := token(b, links(b, second), 123456, 9876543210)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := l.Parse(foreign); ok {
			b.Fatal("not refused")
		}
	}
}
