package mailer_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"campaignql/internal/mailer"
	"campaignql/internal/testkit/smtpsink"
)

const password = "s3cret päss/@:?"

// fault dials and returns the fault as text; "" if there is none and a message arrives.
func fault(t *testing.T, r mailer.Route) string {
	t.Helper()
	c, err := mailer.Dial(t.Context(), r)
	if err == nil {
		defer c.Close()
		outcomes, err := deliver(t, c, "a@x", "b@x")
		if outcomes[0].Kind != mailer.Accepted || outcomes[1].Kind != mailer.Accepted {
			t.Error(lines(outcomes), err)
		}
		return ""
	}
	var f *mailer.Fault
	if !errors.As(err, &f) || f.Step == "" || f.Text == "" || c != nil {
		t.Errorf("%#v", err)
	}
	secrets := []string{password, base64.StdEncoding.EncodeToString([]byte(password))}
	for text := err; text != nil; text = errors.Unwrap(text) {
		for _, secret := range secrets {
			if strings.Contains(text.Error(), secret) {
				t.Errorf("the error holds the password: %s", text)
			}
		}
	}
	return err.Error()
}

func TestEachModeOfTLSMeetsEachServer(t *testing.T) {
	t.Parallel()
	today := time.Now().UTC()
	period := today.AddDate(0, 0, -30).Format(time.DateOnly) + " to " + today.AddDate(0, 0, -1).Format(time.DateOnly)
	const (
		missing = "TLS: the server does not offer STARTTLS, which the route requires"
		noTLS   = "TLS: the server does not speak TLS on this port"
		other   = "TLS: the certificate is for other.example, not for 127.0.0.1"
		unknown = "TLS: the certificate is signed by an authority that is not trusted here: CN=sink"
		silence = "GREETING: the server did not answer in time"
	)
	expired := "TLS: the certificate is valid from " + period + ", not now"
	for _, c := range []struct {
		server                                     smtpsink.TLSMode
		certificate                                smtpsink.CertificateKind
		off, opportunistic, startTLS, implicitMode string
	}{
		{smtpsink.NoTLS, smtpsink.GoodCertificate, "", "", missing, noTLS},
		{smtpsink.StartTLS, smtpsink.GoodCertificate, "", "", "", noTLS},
		{smtpsink.StartTLS, smtpsink.ExpiredCertificate, "", "", expired, noTLS},
		{smtpsink.StartTLS, smtpsink.OtherCertificate, "", "", other, noTLS},
		{smtpsink.StartTLS, smtpsink.UnknownCertificate, "", "", unknown, noTLS},
		{smtpsink.ImplicitTLS, smtpsink.GoodCertificate, silence, silence, silence, ""},
		{smtpsink.ImplicitTLS, smtpsink.ExpiredCertificate, silence, silence, silence, expired},
		{smtpsink.ImplicitTLS, smtpsink.OtherCertificate, silence, silence, silence, other},
		{smtpsink.ImplicitTLS, smtpsink.UnknownCertificate, silence, silence, silence, unknown},
	} {
		for security, want := range map[mailer.Security]string{
			mailer.Off: c.off, mailer.Opportunistic: c.opportunistic, mailer.StartTLS: c.startTLS,
			mailer.Implicit: c.implicitMode,
		} {
			for _, skip := range []bool{false, true} {
				name := fmt.Sprintf("server %d, certificate %d, %s, skip %t", c.server, c.certificate, security, skip)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s := smtpsink.Start(t, smtpsink.Options{TLS: c.server, Certificate: c.certificate})
					r := route(s)
					r.Security, r.SkipVerify = security, skip
					if want == silence {
						r.ReplyTimeout = time.Second / 4
					}
					wanted := want
					if skip && strings.Contains(want, "certificate") {
						wanted = ""
					}
					if got := fault(t, r); got != wanted {
						t.Errorf("%q, want %q", got, wanted)
					}
				})
			}
		}
	}
}

// TestEachLoginWorks logs in with each mechanism, with the right and with a wrong password.
func TestEachLoginWorks(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []mailer.Mechanism{
		mailer.Automatic, mailer.Plain, mailer.LoginAuth, mailer.CramMD5, mailer.XOAuth2,
	} {
		for _, offered := range [][]string{nil, {"LOGIN"}, {"CRAM-MD5"}, {"XOAUTH2"}} {
			for _, right := range []bool{true, false} {
				s := smtpsink.Start(t, smtpsink.Options{
					TLS: smtpsink.StartTLS, Login: smtpsink.Login{User: "anna", Password: password, Mechanisms: offered},
				})
				r := route(s)
				r.Login = mailer.Login{Mechanism: mechanism, User: "anna", Password: password}
				want := ""
				if !right {
					r.Login.Password = "not this one"
					want = "AUTH: 535 5.7.8 wrong user or password"
				}
				switch list := strings.Join(offered, ""); {
				case mechanism == mailer.Automatic && list == "XOAUTH2":
					want = "AUTH: the server offers logins only by XOAUTH2"
				case mechanism != mailer.Automatic && list != "" && list != string(mechanism):
					want = fmt.Sprintf("AUTH: the server offers no login by %s, only by %s", mechanism, list)
				}
				if got := fault(t, r); got != want {
					t.Errorf("%s of %q, right %t: %q, want %q", mechanism, offered, right, got, want)
				}
			}
		}
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	t.Parallel()
	login := smtpsink.Login{User: "anna", Password: password, Refuse: true}
	for _, mechanism := range []mailer.Mechanism{mailer.Plain, mailer.LoginAuth, mailer.CramMD5, mailer.XOAuth2} {
		r := route(smtpsink.Start(t, smtpsink.Options{TLS: smtpsink.ImplicitTLS, Login: login}))
		r.Security, r.Login = mailer.Implicit, mailer.Login{Mechanism: mechanism, User: "anna", Password: password}
		if got := fault(t, r); got != "AUTH: 535 5.7.8 wrong user or password" {
			t.Errorf("%s: %s", mechanism, got)
		}
	}
	r := route(smtpsink.Start(t, smtpsink.Options{}))
	r.Security, r.Login = mailer.Off, mailer.Login{User: "anna", Password: password}
	if got := fault(t, r); got != "AUTH: the server offers no login over an unencrypted connection" {
		t.Error(got)
	}
	// Without a login the server wants one, which is no fault of a recipient.
	c := dial(t, route(smtpsink.Start(t, smtpsink.Options{Login: login})))
	outcomes, _ := deliver(t, c, "a@x")
	if o := outcomes[0]; o.String() != "not handed over: 530 5.7.0 log in first (MAIL)" || o.Blame != mailer.BlameServer {
		t.Error(o)
	}
}

// TestPasswordsAreKeptFromOthers uses the address of a machine that is not this one, as far as the
// client can know.
func TestPasswordsAreKeptFromOthers(t *testing.T) {
	t.Parallel()
	address := outerAddress(t)
	login := smtpsink.Login{User: "anna", Password: password}
	const open = "AUTH: the password is not sent over an unencrypted connection; the server does not offer STARTTLS " +
		"or the route turns it off"
	posing := "AUTH: the password is not sent to a server that others could pose as: the certificate is for " +
		"localhost, 127.0.0.1, not for " + address
	for _, c := range []struct {
		change func(r *mailer.Route)
		want   string
	}{
		{func(r *mailer.Route) { r.Security = mailer.Off }, open},
		{func(r *mailer.Route) { r.Security, r.AllowPlaintextLogin = mailer.Off, true }, ""},
		{func(r *mailer.Route) { r.Security, r.Login.Mechanism = mailer.Off, mailer.CramMD5 }, ""},
		{func(r *mailer.Route) { r.Security = mailer.Opportunistic }, posing},
		{func(r *mailer.Route) { r.Security, r.AllowPlaintextLogin = mailer.Opportunistic, true }, ""},
		{func(r *mailer.Route) { r.SkipVerify = true }, ""},
	} {
		s := smtpsink.Start(t, smtpsink.Options{Address: address + ":0", TLS: smtpsink.StartTLS, Login: login})
		r := route(s)
		r.Host, r.Login = address, mailer.Login{User: "anna", Password: password}
		c.change(&r)
		if got := fault(t, r); got != c.want {
			t.Errorf("%s: %q, want %q", r, got, c.want)
		}
	}
}

// outerAddress returns an address of this machine that is no loopback address.
func outerAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip := a.(*net.IPNet).IP.To4(); ip != nil && !ip.IsLoopback() {
			return ip.String()
		}
	}
	t.Skip("this machine has only loopback addresses")
	return ""
}

func TestAServerThatRepeatsThePasswordIsNotRepeated(t *testing.T) {
	t.Parallel()
	r := listen(t, func(p *peer) {
		p.say("220 peer")
		p.hear(1)
		p.say("250-peer", "250-auth=login", "250 AUTH PLAIN")
		command := strings.TrimSpace(p.hear(1))
		p.say("535-5.7.8 who is anna with "+password+" and "+base64.StdEncoding.EncodeToString([]byte(password)),
			"535 5.7.8 in "+command+" "+strings.Repeat("x", 122)+" "+password)
		p.rest()
	})
	r.Security, r.Login = mailer.Off, mailer.Login{User: "anna", Password: password}
	want := "AUTH: 535 5.7.8 who is anna with xxxxx and xxxxx in AUTH PLAIN xxxxx " + strings.Repeat("x", 122) + " xxxxx"
	if got := fault(t, r); got != want {
		t.Errorf("%s\n%s", got, want)
	}
}

func TestServersThatAreNotThere(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().(*net.TCPAddr)
	closed.Close()
	want := "CONNECT: nothing accepts connections at " + address.String()
	if got := fault(t, mailer.Route{Host: "127.0.0.1", Port: address.Port}); got != want {
		t.Error(got)
	}
	if got := fault(t, mailer.Route{}); got != "DNS: the route names no host" {
		t.Error(got)
	}
	got := fault(t, mailer.Route{Host: "mail.invalid"})
	if !strings.HasPrefix(got, "DNS: ") || !strings.Contains(got, "mail.invalid") {
		t.Error(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mailer.Dial(ctx, mailer.Route{Host: "127.0.0.1", Port: address.Port}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestServersThatBeginBadly have something else than a greeting and offers.
func TestServersThatBeginBadly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve func(p *peer)
		want  string
	}{
		"no service": {
			func(p *peer) { p.say("554-5.3.2 no", "554 5.3.2 service") }, "GREETING: 554 5.3.2 no service",
		},
		"busy": {
			func(p *peer) { p.say("421 4.7.0 too many connections") }, "GREETING: 421 4.7.0 too many connections",
		},
		"closed": {func(*peer) {}, "GREETING: the server closed the connection"},
		"HTTP": {
			func(p *peer) { p.say("HTTP/1.1 400 Bad Request") },
			`GREETING: the server answers with what is not a reply of SMTP: "HTTP/1.1 400 Bad Request"`,
		},
		"greeting of 250": {func(p *peer) { p.say("250 hello") }, "GREETING: 250 hello"},
		"two greetings": {
			func(p *peer) { p.say("220 one", "220 two") },
			`HELLO: the server answers with what is not a reply of SMTP: unasked for: "220 two"`,
		},
		"EHLO refused": {
			func(p *peer) { p.say("220 a"); p.hear(1); p.say("521 5.3.2 no") }, "HELLO: 521 5.3.2 no",
		},
		"STARTTLS refused": {func(p *peer) {
			p.say("220 a")
			p.hear(1)
			p.say("250-a", "250 STARTTLS")
			p.hear(1)
			p.say("454 4.7.0 not now")
		}, "TLS: 454 4.7.0 not now"},
		"STARTTLS with more behind": {func(p *peer) {
			p.say("220 a")
			p.hear(1)
			p.say("250-a", "250 STARTTLS")
			p.hear(1)
			p.say("220 go on", "250 injected")
		}, `TLS: the server answers with what is not a reply of SMTP: unasked for: "250 injected"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := listen(t, func(p *peer) {
				c.serve(p)
				_ = p.Conn.(*net.TCPConn).CloseWrite()
				p.rest()
			})
			r.Security = mailer.StartTLS
			if got := fault(t, r); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestOldServersGetHELO(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{NoEHLO: true})
	r := route(s)
	r.HeloName = "client.example"
	if got := fault(t, r); got != "" || s.Commands("HELO") != 1 {
		t.Error(got)
	}
	r.Security = mailer.StartTLS
	if got := fault(t, r); got != "TLS: the server does not offer STARTTLS, which the route requires" {
		t.Error(got)
	}
}

func TestCancelingEndsADial(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := listen(t, func(p *peer) {
		p.say("220 peer")
		p.hear(1)
		cancel()
		_, _ = io.Copy(io.Discard, p)
	})
	_, err := mailer.Dial(ctx, r)
	if want := "HELLO: canceled"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestTheAuthorityReachesOtherProcesses reads what the program of the sink writes.
func TestTheAuthorityReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	text, err := smtpsink.AuthorityPEM()
	if err != nil {
		t.Fatal(err)
	}
	r := route(smtpsink.Start(t, smtpsink.Options{TLS: smtpsink.ImplicitTLS}))
	r.Security, r.RootCAs = mailer.Implicit, x509.NewCertPool()
	if !r.RootCAs.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	if got := fault(t, r); got != "" {
		t.Error(got)
	}
}
