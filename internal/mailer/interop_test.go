package mailer_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"campaignql/internal/mailer"
)

// backend is a server of go-smtp that keeps what it gets. It refuses who is named in the address.
type backend struct {
	mu  sync.Mutex
	got []string
}

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{backend: b}, nil }

// session is a connection of a backend.
type session struct {
	*backend
	from, to string
	loggedIn bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, given string) error {
		if user != "anna" || given != password {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody has this name"}
	}
	s.to = to
	return nil
}

func (s *session) Data(in io.Reader) error {
	body, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if strings.HasPrefix(s.to, "spam") {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "spam"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, s.from+" "+s.to+" "+string(body))
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// TestAServerThatOthersWroteAgrees sends to the server of go-smtp, with all kinds of envelopes.
func TestAServerThatOthersWroteAgrees(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		b := &backend{}
		server := smtp.NewServer(b)
		server.EnableSMTPUTF8, server.AllowInsecureAuth, server.MaxMessageBytes = true, true, 1<<20
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		t.Cleanup(func() {
			server.Close()
			<-served
		})
		c := dial(t, mailer.Route{
			Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, NoPipelining: step, Security: mailer.Off,
			Login: mailer.Login{User: "anna", Password: password},
		})
		to := []string{"a@x", "nobody@x", "ünal@x", "nobody2@x", "nobody3@x", "spam@x", "b@x"}
		outcomes, err := deliver(t, c, to...)
		const nobody = "refused: 550 5.1.1 nobody has this name (RCPT) [recipient]"
		const taken = "accepted: 250 2.0.0 OK: queued (DOT)"
		want := []string{taken, nobody, taken, nobody, nobody, "refused: 554 5.7.1 spam (DOT) [recipient]", taken}
		if diff := cmp.Diff(want, lines(outcomes)); diff != "" || err != nil || c.Pipelining() == step {
			t.Error(diff, err)
		}
		var arrived []string
		for _, address := range []string{"a@x", "ünal@x", "b@x"} {
			m := message("sender@example.com", address)
			arrived = append(arrived, m.From+" "+m.To+" "+string(m.Body))
		}
		if diff := cmp.Diff(arrived, b.got); diff != "" {
			t.Error(diff)
		}
	})
}
