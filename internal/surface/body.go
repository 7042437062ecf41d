package surface

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"campaignql/internal/gate"
)

// Body is a request body in memory, with the place and the memory that it has taken from the limits
// of the server. It can be reused for another request after Release. The result of Bytes must not
// be used after Release.
type Body struct {
	bodies *Bodies
	// first is the free part, chunks are the rest, and size is the length of both.
	first  []byte
	chunks [][]byte
	size   int64
	// leave gives the place back; it is nil if the body has no place. account is the account that
	// the place belongs to, 0 for a place without credentials.
	leave   func()
	account int64
	// bytes were taken from memory for account; free were taken from the free bytes.
	memory      *gate.Gate
	bytes, free int64
}

// Size returns how many bytes were read.
func (b *Body) Size() int64 { return b.size }

// Bytes returns the whole body.
func (b *Body) Bytes() []byte {
	if len(b.chunks) > 0 {
		whole := make([]byte, 0, b.size)
		b.each(func(part []byte) { whole = append(whole, part...) })
		b.first = whole
	}
	return b.first
}

// Take returns the whole body as a string and drops the content of b.
func (b *Body) Take() string {
	var whole strings.Builder
	whole.Grow(int(b.size))
	b.each(func(part []byte) { whole.Write(part) })
	return whole.String()
}

// each calls do for the parts in order and drops each part afterwards.
func (b *Body) each(do func(part []byte)) {
	do(b.first)
	b.first = b.first[:0]
	for i, chunk := range b.chunks {
		do(chunk)
		b.chunks[i] = nil
	}
	b.chunks = nil
}

// Forget drops the content after it was decoded. The place and the charged memory are kept until
// Release, because the decoded values are about as large as the body.
func (b *Body) Forget() {
	b.chunks = nil
	if cap(b.first) > maxFirst {
		b.first = nil
	}
	b.first = b.first[:0]
}

// Decoding waits until there is memory to decode the body; done gives the memory back. It waits
// only for other bodies that are being decoded. It returns the error of ctx if ctx ends first.
func (b *Body) Decoding(ctx context.Context) (done func(), err error) {
	if b.size <= FreeBody {
		return func() {}, nil
	}
	n := min(decodeFactor*b.size, decodeMemory)
	if err := b.bodies.decoding.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { b.bodies.decoding.Release(n) }, nil
}

// Charge takes n more bytes of memory, for what the decoded body uses in addition to its texts. It
// returns a Limited or Unavailable error if there is not enough memory.
func (b *Body) Charge(n int64) error {
	if b.leave == nil {
		if err := b.bodies.freeBytes.Take(0, n); err != nil {
			return err
		}
		b.free += n
		return nil
	}
	if err := b.memory.Take(b.account, n); err != nil {
		return err
	}
	b.bytes += n
	return nil
}

// Own moves a large body from its place without credentials to a place of the account, once the
// credentials are known. It returns a Limited or Unavailable error if the account has no place or
// memory for it.
func (b *Body) Own(account int64) error {
	if b.leave == nil || b.account != 0 {
		return nil
	}
	return b.enter(account)
}

// enter takes a place for the account and gives back the place without credentials.
func (b *Body) enter(account int64) error {
	leave, err := b.bodies.accounts.Enter(account)
	if err != nil {
		return err
	}
	if err := b.bodies.accountBytes.Take(account, b.bytes); err != nil {
		leave()
		return err
	}
	b.giveBack()
	b.leave, b.account, b.memory = leave, account, b.bodies.accountBytes
	return nil
}

// enterNameless takes a place for a body without credentials.
func (b *Body) enterNameless() (err error) {
	if b.leave, err = b.bodies.nameless.Enter(0); err != nil {
		return err
	}
	b.account, b.memory = 0, b.bodies.namelessBytes
	return nil
}

// giveBack gives back the place and the memory that belongs to it.
func (b *Body) giveBack() {
	if b.leave != nil {
		b.leave()
		b.memory.Give(b.account, b.bytes)
	}
}

// Release gives back the place and all memory. It may be called more than once, and for a body that
// was never read.
func (b *Body) Release() {
	b.giveBack()
	if b.free > 0 {
		b.bodies.freeBytes.Give(0, b.free)
	}
	b.Forget()
	*b = Body{first: b.first}
}

// maxFirst is the size of the buffer of the free part. The extra byte detects a longer body.
const maxFirst = FreeBody + 1

// Read reads a whole body. The possible errors are: Limited or Unavailable with RetryAfter if there
// is no place or no memory; http.MaxBytesError if the body is larger than the caller may send;
// ErrSlowBody; an error of Identify; an error of the Source. After an error the rest of the body is
// unread. The caller must release body in all cases, once the request is answered.
func (b *Bodies) Read(ctx context.Context, body *Body, request BodyRequest) error {
	body.bodies = b
	r := &bodyReader{Body: body, BodyRequest: request, limit: request.MaxBody, started: time.Now()}
	if most := max(request.MaxBody, request.MaxGranted); request.Length > most {
		return &http.MaxBytesError{Limit: most}
	}
	// A body that is announced as large is admitted or rejected before it is read, if its
	// credentials are already known.
	if request.Length > min(FreeBody, r.limit) {
		if err := r.identify(ctx); err != nil {
			return err
		}
		if request.Length > r.limit {
			return &http.MaxBytesError{Limit: r.limit}
		}
	}
	return r.read(ctx)
}

// bodyReader reads one body.
type bodyReader struct {
	*Body
	BodyRequest
	limit   int64
	started time.Time
	// expired reports that the body arrived too slowly.
	expired atomic.Bool
	// asked reports whether Identify was called, and seen is how many bytes of the body it was
	// given.
	asked bool
	seen  int64
	// counted is how many bytes of the free part are charged. It also covers the first uncounted
	// bytes, which are never charged.
	counted int64
}

func (r *bodyReader) read(ctx context.Context) error {
	for {
		part, upTo, err := r.room(ctx)
		if err != nil {
			return err
		}
		ended, err := r.fill(part, upTo)
		if err != nil {
			return err
		}
		// With a place, look for credentials in each part, so that a place without credentials is
		// given up as soon as possible. A body above the limit needs credentials in any case.
		if r.leave != nil || r.size > r.limit {
			if err := r.identify(ctx); err != nil {
				return err
			}
		}
		if r.size > r.limit {
			return &http.MaxBytesError{Limit: r.limit}
		}
		if ended {
			return nil
		}
	}
}

// room returns a part of the body and the length up to which it can be filled. The memory of the
// part is charged before it is allocated.
func (r *bodyReader) room(ctx context.Context) (part *[]byte, upTo int64, err error) {
	if r.size < maxFirst {
		upTo, err = r.growFirst(ctx)
		return &r.first, upTo, err
	}
	if n := len(r.chunks); n > 0 && len(r.chunks[n-1]) < bodyChunk {
		return &r.chunks[n-1], bodyChunk, nil
	}
	if err := r.admit(ctx); err != nil {
		return nil, 0, err
	}
	if err := r.Charge(bodyChunk); err != nil {
		return nil, 0, err
	}
	r.chunks = append(r.chunks, make([]byte, 0, bodyChunk))
	return &r.chunks[len(r.chunks)-1], bodyChunk, nil
}

// growFirst makes room in the free part. If there is no memory left for free parts, the body takes
// a place.
func (r *bodyReader) growFirst(ctx context.Context) (upTo int64, err error) {
	step := int64(uncounted)
	for step <= r.size {
		step *= 4
	}
	step = min(step, maxFirst)
	if more := step - max(r.counted, uncounted); more > 0 {
		if r.leave == nil && r.Charge(more) != nil {
			if err := r.admit(ctx); err != nil {
				return 0, err
			}
		}
		if r.leave != nil {
			if err := r.Charge(more); err != nil {
				return 0, err
			}
		}
		r.counted = step
	}
	if int64(cap(r.first)) < step {
		r.first = append(make([]byte, 0, step), r.first...)
	}
	return step, nil
}

// fill reads until the part is full, the body ends, or the body exceeds its limit by one byte.
func (r *bodyReader) fill(part *[]byte, upTo int64) (ended bool, err error) {
	room := (*part)[len(*part):upTo]
	room = room[:min(int64(len(room)), r.limit+1-r.size)]
	hurry := func() error { return nil }
	if r.leave != nil && r.account == 0 {
		hurry = r.hurry(len(room))
	}
	for len(room) > 0 && err == nil && !r.expired.Load() {
		var n int
		n, err = r.From.Read(room)
		*part, room, r.size = (*part)[:len(*part)+n], room[n:], r.size+int64(n)
	}
	if late := hurry(); late != nil {
		return false, late
	}
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// hurry limits the time for the next n bytes of a body without credentials. The limit is the time
// at the minimum rate, but at least one second, and never beyond NamelessTime. The returned
// function stops the timer and returns ErrSlowBody if the bytes did not arrive in time.
func (r *bodyReader) hurry(n int) func() error {
	atRate := max(time.Second, time.Duration(n)*time.Second/time.Duration(r.bodies.limits.NamelessRate))
	left := time.Until(r.started.Add(r.bodies.limits.NamelessTime))
	timer := time.AfterFunc(max(0, min(atRate, left)), func() {
		r.expired.Store(true)
		r.From.Interrupt()
	})
	return func() error {
		if !timer.Stop() || r.expired.Load() {
			return ErrSlowBody
		}
		return nil
	}
}

// admit takes a place, unless the body already has one.
func (r *bodyReader) admit(ctx context.Context) error {
	if r.leave == nil {
		if err := r.identify(ctx); err != nil {
			return err
		}
	}
	if r.leave == nil {
		return r.enterNameless()
	}
	return nil
}

// identify looks for credentials in the bytes read since its last call, and moves the body to their
// account.
func (r *bodyReader) identify(ctx context.Context) error {
	parts := [][]byte{nil}
	if r.asked {
		parts = nil
	}
	r.asked = true
	if int64(len(r.first)) > r.seen {
		parts = append(parts, r.first[r.seen:])
	}
	if n := len(r.chunks); n > 0 && r.size > r.seen {
		last := r.chunks[n-1] // earlier chunks were already examined
		parts = append(parts, last[max(0, r.seen-(r.size-int64(len(last)))):])
	}
	r.seen = r.size
	for _, part := range parts {
		if r.account != 0 || r.Identify == nil {
			return nil
		}
		grant, err := r.Identify(ctx, part)
		if err != nil {
			return err
		}
		if grant.Account == 0 {
			continue
		}
		if err := r.enter(grant.Account); err != nil {
			return err
		}
		r.limit = max(r.limit, grant.MaxBody)
	}
	return nil
}
