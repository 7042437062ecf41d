package smtpsink

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// slowPause is the pause between the bytes of a slow reply.
const slowPause = 5 * time.Millisecond

// handshake is the first byte of a client that speaks TLS where the server does not.
const handshake = 0x16

// errEnd ends a session.
var errEnd = errors.New("the session ends")

// session is one connection.
type session struct {
	sink   *Sink
	number int
	raw    net.Conn // below TLS
	conn   net.Conn
	in     *bufio.Reader
	out    []byte

	encrypted, loggedIn bool
	greeted             bool
	taken               int

	mailing    bool // a transaction is open
	from       string
	recipients []string
	last       string // the last recipient, also one that was refused
	messageID  string
	size       int
	body       []byte
}

func newSession(s *Sink, conn net.Conn, number int) *session {
	session := &session{sink: s, number: number, raw: conn, conn: conn}
	session.in = bufio.NewReaderSize(session, 64<<10)
	return session
}

// Read reads from the connection. The buffer asks for it when a client waits for replies, so this is
// where they are sent.
func (s *session) Read(p []byte) (int, error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	return s.conn.Read(p)
}

// flush sends the replies that are due.
func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	if s.sink.options.RoundTrip > 0 {
		time.Sleep(s.sink.options.RoundTrip)
	}
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	return err
}

// reply adds a reply.
func (s *session) reply(text string) {
	if s.sink.options.NoPipelining && s.in.Buffered() > 0 {
		s.sink.violation("%q came ahead of the reply %q, without PIPELINING", s.peek(), text)
	}
	s.out = append(append(s.out, text...), '\r', '\n')
}

func (s *session) peek() []byte {
	data, _ := s.in.Peek(min(s.in.Buffered(), 40))
	return data
}

// act does what a script says. The error ends the session.
func (s *session) act(a *Action) error {
	if a.Slow {
		if err := s.flush(); err != nil {
			return err
		}
		for _, b := range []byte(a.Reply + "\r\n") {
			time.Sleep(slowPause)
			if _, err := s.conn.Write([]byte{b}); err != nil {
				return err
			}
		}
	} else if a.Reply != "" {
		s.reply(a.Reply)
	}
	switch a.End {
	case Drop:
		return errEnd
	case Silent:
		if err := s.flush(); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, s.conn)
		return errEnd
	default:
		return nil
	}
}

// serve serves the connection until it ends.
func (s *session) serve() {
	if s.sink.options.TLS == ImplicitTLS && s.encrypt() != nil {
		return
	}
	if a := s.decide(Connect, ""); a != nil {
		if s.act(a) != nil {
			s.part()
			return
		}
	} else {
		s.reply(success(Connect))
	}
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return
		}
		if line[0] == handshake && !s.greeted && !s.encrypted {
			s.reply("500 5.5.2 this port does not speak TLS")
			s.part()
			return
		}
		if len(line) < 2 || line[len(line)-2] != '\r' {
			s.sink.violation("a command ends with LF alone: %.60q", line)
		}
		if s.command(string(bytes.TrimRight(line, "\r\n"))) != nil {
			s.part()
			return
		}
	}
}

// part sends what is left and closes the connection so that the client can read it. Bytes that
// nobody read would make the system cut the connection off instead.
func (s *session) part() {
	_ = s.flush()
	if tcp, ok := s.raw.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
		_ = tcp.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, tcp)
	}
}

// encrypt makes the connection one of TLS.
func (s *session) encrypt() error {
	conn := tls.Server(s.conn, s.sink.tls)
	if err := conn.Handshake(); err != nil {
		return err
	}
	s.conn, s.encrypted = conn, true
	s.in.Reset(s)
	return nil
}

// command answers a command. The error ends the session.
func (s *session) command(line string) error {
	verb, argument, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	s.sink.mu.Lock()
	s.sink.commands[verb]++
	s.sink.mu.Unlock()
	switch verb {
	case "MAIL":
		return s.mail(argument)
	case "RCPT":
		return s.rcpt(argument)
	case "DATA":
		return s.data()
	case "EHLO", "HELO":
		s.hello(verb)
	case "RSET":
		s.reset()
		s.reply("250 2.0.0 reset")
	case "NOOP":
		s.reply("250 2.0.0 fine")
	case "QUIT":
		s.reply("221 2.0.0 bye")
		return errEnd
	case "STARTTLS":
		if s.sink.options.TLS != StartTLS || s.encrypted {
			s.reply("502 5.5.1 not offered")
			return nil
		}
		s.reply("220 2.0.0 go on")
		if err := s.flush(); err != nil {
			return err
		}
		s.reset()
		s.greeted = false
		return s.encrypt()
	case "AUTH":
		return s.auth(argument)
	default:
		s.sink.violation("there is no command %.60q", line)
		s.reply("500 5.5.2 there is no such command")
	}
	return nil
}

func (s *session) reset() {
	s.mailing, s.recipients, s.last, s.messageID, s.size, s.body = false, s.recipients[:0], "", "", 0, nil
}

// hello answers EHLO with the offers.
func (s *session) hello(verb string) {
	o := s.sink.options
	s.reset()
	if verb == "HELO" {
		s.greeted = true
		s.reply("250 sink")
		return
	}
	if o.NoEHLO {
		s.reply("502 5.5.1 not implemented")
		return
	}
	s.greeted = true
	lines := []string{"sink", "ENHANCEDSTATUSCODES", "SIZE " + strconv.Itoa(o.MaxSize)}
	for name, offered := range map[string]bool{
		"PIPELINING": !o.NoPipelining, "SMTPUTF8": !o.NoSMTPUTF8, "8BITMIME": !o.No8BITMIME,
		"STARTTLS": o.TLS == StartTLS && !s.encrypted,
		"AUTH " + strings.Join(o.mechanisms(), " "): o.Login.User != "",
	} {
		if offered {
			lines = append(lines, name)
		}
	}
	last := len(lines) - 1
	s.reply("250-" + strings.Join(lines[:last], "\r\n250-") + "\r\n250 " + lines[last])
}
