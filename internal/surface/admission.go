package surface

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"campaignql/internal/gate"
)

const (
	// FreeBody is how many bytes of a body are read without a place at a gate.
	FreeBody = 64 << 10
	// uncounted is how many bytes of a body are in no account of memory: nearly every request is shorter.
	uncounted = 4 << 10
	// bodyChunk is how much of a large body is read, and counted, at a time: no more is allocated
	// ahead of what arrives.
	bodyChunk = 64 << 10

	// The defaults of BodyLimits.
	defaultBodyMemory   = 128 << 20
	defaultBodies       = 32
	defaultBodiesEach   = 8
	defaultNamelessMax  = 8
	defaultNamelessTime = 10 * time.Second
	defaultNamelessRate = 32 << 10

	// decodeFactor is the upper bound of what decoding a body holds beside its parts, in sizes of
	// the body; decodeMemory is what all that are decoded at the same time may hold. Who comes
	// later waits, which ends by itself.
	decodeFactor = 3
	decodeMemory = 64 << 20
)

// ErrSlowBody is the error of a large body that came too slowly while no credentials were seen.
var ErrSlowBody = errors.New("the request body came too slowly")

// BodyLimits bounds the bodies of a server. Zero values take the defaults.
type BodyLimits struct {
	// Memory is how many bytes the large bodies of all accounts may hold; one account may have half
	// of it. Bodies without credentials, and the first FreeBody bytes of all others, may hold a
	// quarter more each. 128 MiB by default.
	Memory int64
	// All and Each are how many large bodies are under way at a time, of all accounts (32) and of
	// one (8), and Nameless of requests without credentials (8).
	All, Each, Nameless int
	// NamelessTime is how long a large body without credentials may take (10 s), and NamelessRate how many bytes of it
	// must come in a second (32 KiB).
	NamelessTime time.Duration
	NamelessRate int64
}

// Bodies admits the bodies of a server and bounds the memory that they hold. The first FreeBody
// bytes of a body are free. For more it needs a place: at the gate of its account, or, as long as
// no credentials were seen that are accepted, at a small one for all requests without credentials,
// where it also has to come fast. A body that finds no place is refused at once. It may be used
// from many goroutines.
type Bodies struct {
	limits BodyLimits
	// accounts and nameless have a place for each large body.
	accounts, nameless *gate.Gate
	// accountBytes, namelessBytes and freeBytes count memory. Free bytes are those before a body has a place.
	accountBytes, namelessBytes, freeBytes *gate.Gate
	decoding                               *semaphore.Weighted
}

// NewBodies returns the admission of a server.
func NewBodies(limits BodyLimits) *Bodies {
	setDefault(&limits.Memory, defaultBodyMemory)
	setDefault(&limits.All, defaultBodies)
	setDefault(&limits.Each, defaultBodiesEach)
	setDefault(&limits.Nameless, defaultNamelessMax)
	setDefault(&limits.NamelessTime, defaultNamelessTime)
	setDefault(&limits.NamelessRate, defaultNamelessRate)
	const large, bytes = "requests with large bodies", "bytes of request bodies"
	memory := int(limits.Memory)
	return &Bodies{
		limits:        limits,
		accounts:      gate.New(large, limits.All, limits.Each),
		nameless:      gate.New(large+" and without credentials", limits.Nameless, 0),
		accountBytes:  gate.New(bytes, memory, memory/2),
		namelessBytes: gate.New(bytes+" without credentials", memory/4, 0),
		freeBytes:     gate.New(bytes, memory/4, 0),
		decoding:      semaphore.NewWeighted(decodeMemory),
	}
}

func setDefault[T ~int | ~int64](value *T, standard T) {
	if *value == 0 {
		*value = standard
	}
}

// Grant is what accepted credentials allow.
type Grant struct {
	// Account is whose credentials they are, 0 for none.
	Account int64
	// MaxBody is the largest body that the account may send here, in bytes.
	MaxBody int64
}

// Source is a body that is to be read.
type Source interface {
	// Read reads on, as io.Reader does.
	Read(p []byte) (int, error)
	// Interrupt makes a Read that waits return an error, and every later one.
	Interrupt()
}

// BodyRequest says what body is read and for whom.
type BodyRequest struct {
	From Source
	// Length is the announced length, -1 if unknown.
	Length int64
	// MaxBody is the largest body without a grant, in bytes, and MaxGranted the largest with any grant.
	MaxBody, MaxGranted int64
	// Identify looks for credentials: at first in what is known without the body, where part is
	// nil, then in each further part of it. It returns no account as long as there are none that
	// are accepted. It is called for bodies that need a place, and not again once it returned an
	// account.
	Identify func(ctx context.Context, part []byte) (Grant, error)
}

// HTTPBody is the Source of an HTTP request.
func HTTPBody(w http.ResponseWriter, r *http.Request) Source {
	return &httpBody{request: r, control: http.NewResponseController(w)}
}

type httpBody struct {
	request *http.Request
	control *http.ResponseController
}

func (b *httpBody) Read(p []byte) (int, error) { return b.request.Body.Read(p) }

// Interrupt implements [Source]. A body with deadlines must not set another one for its next read.
func (b *httpBody) Interrupt() {
	if timed, ok := b.request.Body.(*TimedBody); ok {
		timed.End()
		return
	}
	_ = b.control.SetReadDeadline(time.Unix(1, 0))
}

// LeaveUnread prepares an answer that is sent although the body of the request was not read to its end: the rest is not
// waited for, and the connection is closed.
func LeaveUnread(w http.ResponseWriter) { w.Header().Set("Connection", "close") }
