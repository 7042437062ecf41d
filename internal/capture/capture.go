// Package capture is the mail server of a demo. It takes messages over real SMTP, passes them on to
// nobody, and keeps the last ones in memory, with a page that shows them. It must not know
// campaigns: whoever starts it decides how it answers, and what follows from a message.
package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
)

// Keep is the number of messages that are kept, as long as they have no more than maxKept bytes. The
// oldest ones go first.
const (
	Keep    = 1000
	maxKept = 64 << 20
)

// maxMessage is the largest message in bytes: that of a mail that the server sends, and its encoding.
const maxMessage = 4 << 20

// Options are the settings of a Server.
type Options struct {
	// Owner is the account whose people get the mail: nobody else reads it over the API.
	Owner int64
	// Delay is how long the server takes for each message. Together with the number of connections it
	// bounds how fast a campaign goes out.
	Delay time.Duration
	// Refuse, if not nil, returns why the mail for an address is not taken, or nil if it is.
	Refuse func(to string) *Refusal
	// Taken, if not nil, is called for each message before it is answered for. It must not block.
	Taken func(m *Message)
	Log   *slog.Logger
}

// Refusal is a reply that refuses a recipient.
type Refusal struct {
	// Code is the SMTP code, such as 550, Enhanced the enhanced one, such as "5.1.1".
	Code     int
	Enhanced string
	Text     string
}

// Server is a mail server. Its methods are safe for concurrent use.
type Server struct {
	Options
	smtp     *smtp.Server
	listener net.Listener
	closed   chan struct{}
	serving  sync.WaitGroup
	mutex    sync.Mutex
	messages []*Message // oldest first
	size     int        // of the sources of messages, in bytes
	last     int64
}

// Listen returns a server that listens on a free port of this machine, where nobody else can reach
// it. It answers nobody before Serve.
func Listen(ctx context.Context) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the mail server of the demo: %w", err)
	}
	s := &Server{listener: listener, closed: make(chan struct{})}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{server: s}, nil
	}))
	s.smtp.Domain, s.smtp.MaxMessageBytes, s.smtp.MaxRecipients = "localhost", maxMessage, 1
	s.smtp.EnableSMTPUTF8 = true
	return s, nil
}

// Route returns the way to the server.
func (s *Server) Route() mailer.Route {
	address := s.listener.Addr().(*net.TCPAddr)
	return mailer.Route{Host: address.IP.String(), Port: address.Port, Security: mailer.Off}
}

// Serve begins to take messages. It returns at once, and may be called once.
func (s *Server) Serve(opts Options) {
	s.Options = opts
	s.smtp.ErrorLog = slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug)
	s.serving.Go(func() {
		if err := s.smtp.Serve(s.listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			opts.Log.Error("the mail server of the demo has ended", slog.Any("error", err))
		}
	})
}

// Close cuts all connections and waits for the server to end. The messages stay.
func (s *Server) Close() error {
	close(s.closed)
	err := errors.Join(s.smtp.Close(), s.listener.Close())
	s.serving.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil // the first of the two has closed it
	}
	if err != nil {
		return fmt.Errorf("the mail server of the demo: %w", err)
	}
	return nil
}

// Message returns a message by its id, or nil if it is not kept any more.
func (s *Server) Message(id string) *Message {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, m := range s.messages {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// Messages returns at most n messages, newest first. With a text it returns those alone whose
// recipient or subject contains it, without regard to case.
func (s *Server) Messages(n int, text string) []*Message {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	text = strings.ToLower(text)
	found := []*Message{}
	for _, m := range slices.Backward(s.messages) {
		if len(found) >= n {
			break
		}
		if strings.Contains(strings.ToLower(m.To), text) || strings.Contains(strings.ToLower(m.Subject), text) {
			found = append(found, m)
		}
	}
	return found
}

// Read returns at most n messages as Messages does, or nil unless the caller is the Owner.
func (s *Server) Read(ctx context.Context, n int, text string) ([]*Message, error) {
	who, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil || s == nil || who.UserID != s.Owner {
		return nil, err
	}
	return s.Messages(n, text), nil
}

// Count returns how many messages were taken since the start.
func (s *Server) Count() int64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.last
}

// take keeps a message.
func (s *Server) take(m *Message) {
	s.mutex.Lock()
	s.last++
	m.ID = strconv.FormatInt(s.last, 10)
	s.messages = append(s.messages, m)
	s.size += len(m.Source)
	gone := 0
	for len(s.messages)-gone > Keep || s.size > maxKept {
		s.size -= len(s.messages[gone].Source)
		gone++
	}
	s.messages = slices.Delete(s.messages, 0, gone)
	s.mutex.Unlock()
	if s.Taken != nil {
		s.Taken(m)
	}
}

// session is the conversation about one message after the other on a connection.
type session struct {
	server   *Server
	from, to string
}

func (s *session) Reset() { s.from, s.to = "", "" }

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.Refuse != nil {
		if r := s.server.Refuse(to); r != nil {
			return r.reply()
		}
	}
	s.to = to
	return nil
}

func (s *session) Data(body io.Reader) error {
	source, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	wait := time.NewTimer(s.server.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.server.closed:
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "the demo is being stopped"}
	}
	s.server.take(newMessage(s.from, s.to, source, time.Now()))
	return nil
}

// reply returns the reply as the library wants it.
func (r *Refusal) reply() *smtp.SMTPError {
	var enhanced smtp.EnhancedCode
	for i, part := range strings.SplitN(r.Enhanced, ".", len(enhanced)) {
		enhanced[i], _ = strconv.Atoi(part)
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: enhanced, Message: r.Text}
}
