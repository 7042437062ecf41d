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
	// uncounted is how many bytes of a body are not charged to any memory limit. Nearly all
	// requests are shorter.
	uncounted = 4 << 10
	// bodyChunk is the size of the parts in which a large body is read and charged. Memory is never
	// allocated further ahead than one chunk.
	bodyChunk = 64 << 10

	// The defaults of BodyLimits.
	defaultBodyMemory   = 128 << 20
	defaultBodies       = 32
	defaultBodiesEach   = 8
	defaultNamelessMax  = 8
	defaultNamelessTime = 10 * time.Second
	defaultNamelessRate = 32 << 10

	// decodeFactor is the upper bound of the memory that decoding needs in addition to the body, as
	// a multiple of the size of the body. decodeMemory is the upper bound for all bodies that are
	// being decoded concurrently. A body that finds too little memory waits; the wait ends as other
	// decodings finish.
	decodeFactor = 3
	decodeMemory = 64 << 20
)

// ErrSlowBody is returned for a large body that arrived too slowly before valid credentials were
// found.
var ErrSlowBody = errors.New("the request body came too slowly")

// BodyLimits bounds the bodies of a server. A zero value selects the default.
type BodyLimits struct {
	// Memory is how many bytes the large bodies of all accounts may use. One account may use half
	// of it. There are two further pools of a quarter of Memory each: one for large bodies without
	// credentials, and one for the first FreeBody bytes of all bodies. The default is 128 MiB.
	Memory int64
	// All and Each limit how many large bodies are read concurrently: for all accounts (32) and for
	// one account (8). Nameless is the limit for all requests without credentials (8).
	All, Each, Nameless int
	// NamelessTime is the timeout of a large body without credentials (10 s). NamelessRate is its
	// minimum rate in bytes per second (32 KiB).
	NamelessTime time.Duration
	NamelessRate int64
}

// Bodies admits request bodies and bounds the memory that they use. The first FreeBody bytes of a
// body need no place. To read more, the body takes a place at the gate of its account. Until valid
// credentials are found, it takes a place at a small gate for all requests without credentials
// instead, and must arrive fast enough. A body that finds no place is rejected at once. Bodies is
// safe for concurrent use.
type Bodies struct {
	limits BodyLimits
	// accounts and nameless limit the number of large bodies.
	accounts, nameless *gate.Gate
	// accountBytes, namelessBytes and freeBytes limit memory. freeBytes is for bodies that have no
	// place yet.
	accountBytes, namelessBytes, freeBytes *gate.Gate
	decoding                               *semaphore.Weighted
}

// NewBodies returns the admission for the bodies of one server.
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

// Grant is what valid credentials allow.
type Grant struct {
	// Account is the owner of the credentials, 0 for none.
	Account int64
	// MaxBody is the maximum size, in bytes, of a body that the account may send here.
	MaxBody int64
}

// Source is where a body is read from.
type Source interface {
	// Read reads the next bytes, like io.Reader.
	Read(p []byte) (int, error)
	// Interrupt makes a blocked Read, and every later one, return an error.
	Interrupt()
}

// BodyRequest describes a body that is to be read.
type BodyRequest struct {
	From Source
	// Length is the announced length in bytes, or -1 if it is unknown.
	Length int64
	// MaxBody is the maximum size in bytes without a grant, and MaxGranted the maximum with any
	// grant.
	MaxBody, MaxGranted int64
	// Identify looks for credentials. The first call has a nil part and checks what is known
	// without the body; the later calls get the parts of the body. It returns a zero Account until
	// it finds valid credentials, and is not called again after it returned an account. It is
	// called only for bodies that need a place.
	Identify func(ctx context.Context, part []byte) (Grant, error)
}

// HTTPBody returns the body of an HTTP request as a Source.
func HTTPBody(w http.ResponseWriter, r *http.Request) Source {
	return &httpBody{request: r, control: http.NewResponseController(w)}
}

type httpBody struct {
	request *http.Request
	control *http.ResponseController
}

func (b *httpBody) Read(p []byte) (int, error) { return b.request.Body.Read(p) }

// Interrupt implements [Source]. A TimedBody sets a deadline before every read. It must be ended,
// because the next read would replace a deadline that is set here.
func (b *httpBody) Interrupt() {
	if timed, ok := b.request.Body.(*TimedBody); ok {
		timed.End()
		return
	}
	_ = b.control.SetReadDeadline(time.Unix(1, 0))
}

// LeaveUnread prepares a response to a request whose body was not read completely: the server does
// not wait for the rest and closes the connection.
func LeaveUnread(w http.ResponseWriter) { w.Header().Set("Connection", "close") }
