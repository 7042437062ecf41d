// Package smtpsink is a mail server for tests and benchmarks: a sink that takes every message, and a
// fault server that fails as its script says. It listens on 127.0.0.1. A message stands in its log
// before it is answered with 250, so the log is the truth about what was taken, also when a client
// dies or a reply gets lost. It must not know who sends.
package smtpsink

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// Options say what kind of server a sink is. The zero value offers PIPELINING, SMTPUTF8, 8BITMIME
// and SIZE, without TLS and login, and takes everything.
type Options struct {
	// Address is where to listen; by default a free port of 127.0.0.1.
	Address string
	// Script decides what happens instead of success; see [ByLocalPart] and [Both].
	Script Script
	// NoPipelining, NoSMTPUTF8, No8BITMIME and NoEHLO leave that out of the offers. Without
	// PIPELINING a client that sends a command ahead of a reply is a violation.
	NoPipelining, NoSMTPUTF8, No8BITMIME, NoEHLO bool
	// MaxSize is the limit of SIZE, in bytes; 10 MiB by default.
	MaxSize int
	// TLS says how connections are encrypted, and Certificate with what.
	TLS         TLSMode
	Certificate CertificateKind
	// Login is what a client must log in with, if its User is set.
	Login Login
	// Quota is the number of messages the sink takes; each one more is refused with 452 4.5.3.
	Quota int
	// PerConnection is the number of messages a connection takes before 421 4.7.0.
	PerConnection int
	// GrantData answers DATA with 354 also when every recipient was refused, as some servers do.
	GrantData bool
	// RoundTrip is an artificial round-trip time: how long the replies to what was read wait.
	RoundTrip time.Duration
	// KeepBodies keeps the bodies of messages in the log. Discard keeps nothing but the count.
	KeepBodies, Discard bool
	// LogFile is a file that every taken message is appended to; see [ReadLog].
	LogFile string
}

// Login is what a client must log in with.
type Login struct {
	User, Password string
	// Mechanisms are those that are offered: PLAIN, LOGIN, CRAM-MD5 and XOAUTH2, which is all by
	// default.
	Mechanisms []string
	// Refuse refuses also the right password, with 535 5.7.8.
	Refuse bool
}

// Sink is a running server.
type Sink struct {
	// Addr is the address that it listens on, and Port its port.
	Addr string
	Port int

	options  Options
	listener net.Listener
	tls      *tls.Config
	file     *os.File
	done     sync.WaitGroup

	mu          sync.Mutex
	closed      bool
	open        map[net.Conn]bool
	connections int
	taken       int
	reserved    int // of the quota
	noQuota     bool
	log         []Entry
	seen        map[seen]int
	commands    map[string]int
	violations  []string
}

// Start starts a sink that ends with the test. At its end the test fails if a client has broken the
// rules of SMTP.
func Start(t testing.TB, options Options) *Sink {
	t.Helper()
	s, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		for _, violation := range s.Violations() {
			t.Error("the client of the SMTP sink: " + violation)
		}
	})
	return s
}

// New starts a sink. Close ends it.
func New(options Options) (*Sink, error) {
	if options.Address == "" {
		options.Address = "127.0.0.1:0"
	}
	if options.MaxSize == 0 {
		options.MaxSize = 10 << 20
	}
	s := &Sink{
		options: options, open: map[net.Conn]bool{}, seen: map[seen]int{}, commands: map[string]int{},
	}
	var err error
	if options.TLS != NoTLS {
		if s.tls, err = serverTLS(options.Certificate); err != nil {
			return nil, err
		}
	}
	if options.LogFile != "" {
		if s.file, err = os.OpenFile(options.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, err
		}
	}
	if s.listener, err = net.Listen("tcp", options.Address); err != nil {
		return nil, errors.Join(err, s.closeFile())
	}
	s.Addr = s.listener.Addr().String()
	s.Port = s.listener.Addr().(*net.TCPAddr).Port
	s.done.Go(s.accept)
	return s, nil
}

// Close stops listening, cuts all connections off and waits for them. Connections are refused after
// it. It may be called more than once.
func (s *Sink) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	_ = s.listener.Close()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
	_ = s.closeFile()
}

func (s *Sink) closeFile() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// CutOff cuts all open connections off, as a crash does. The sink goes on.
func (s *Sink) CutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		_ = conn.Close()
	}
}

// Connections returns how many connections were accepted.
func (s *Sink) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Commands returns how many commands of a verb were read: MAIL, RSET.
func (s *Sink) Commands(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commands[verb]
}

// Violations returns what clients did against the rules of SMTP.
func (s *Sink) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
}

func (s *Sink) violation(format string, values ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.violations) < 20 {
		s.violations = append(s.violations, fmt.Sprintf(format, values...))
	}
}

// accept serves each connection in a goroutine of its own.
func (s *Sink) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.open[conn] = true
		s.connections++
		number := s.connections
		s.mu.Unlock()
		s.done.Go(func() {
			newSession(s, conn, number).serve()
			_ = conn.Close()
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

// NoQuota ends the quota of [Options.Quota].
func (s *Sink) NoQuota() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noQuota = true
}
