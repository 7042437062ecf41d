package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// startTLS encrypts the connection if the server offers it, and says EHLO again.
func (c *Conn) startTLS(ctx context.Context, passed func(Step, string)) *Fault {
	_, offered := c.extensions["STARTTLS"]
	required := c.route.Security == StartTLS
	if !offered {
		if required {
			return &Fault{Step: StepTLS, Text: "the server does not offer STARTTLS, which the route requires"}
		}
		return nil
	}
	r, err := c.ask(ctx, "STARTTLS")
	switch {
	case err != nil:
		return faultOf(StepTLS, err)
	case r.code != 220 && (required || r.code == 421):
		return r.fault(StepTLS)
	case r.code != 220:
		return nil
	}
	// What came with the reply was not encrypted: somebody between may have put it there.
	if err := c.unasked(); err != nil {
		return faultOf(StepTLS, err)
	}
	if fault := c.handshake(ctx, passed); fault != nil {
		return fault
	}
	return c.hello(ctx)
}

// handshake encrypts the connection. The certificate is checked in any case; what a fault of it
// means depends on the route.
func (c *Conn) handshake(ctx context.Context, passed func(Step, string)) *Fault {
	mayFail := c.route.SkipVerify || c.route.Security == Opportunistic
	conn := tls.Client(c.net, &tls.Config{
		ServerName:         c.route.Host,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection checks it
		VerifyConnection: func(state tls.ConnectionState) error {
			c.tls, c.problem = &state, verify(state, c.route)
			if mayFail {
				return nil
			}
			return c.problem
		},
	})
	allow(ctx, c.net.SetDeadline, c.route.ConnectTimeout)
	if err := conn.HandshakeContext(ctx); err != nil {
		return c.tlsFault(err)
	}
	c.use(conn)
	state := conn.ConnectionState()
	c.tls = &state
	text := tls.VersionName(state.Version) + ", certificate for " + strings.Join(names(state.PeerCertificates[0]), ", ")
	if c.problem != nil {
		text += ", not trusted: " + certificateText(c.problem, c.route.Host)
	}
	passed(StepTLS, text)
	return nil
}

// verify checks a certificate as crypto/tls does by itself.
func verify(state tls.ConnectionState, route Route) error {
	options := x509.VerifyOptions{DNSName: route.Host, Roots: route.RootCAs, Intermediates: x509.NewCertPool()}
	for _, certificate := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(certificate)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// tlsFault says in words why a handshake failed.
func (c *Conn) tlsFault(err error) *Fault {
	var noTLS tls.RecordHeaderError
	switch {
	case c.problem != nil:
		return &Fault{Step: StepTLS, Text: clean(certificateText(c.problem, c.route.Host)), Err: err}
	case errors.As(err, &noTLS):
		return &Fault{Step: StepTLS, Text: "the server does not speak TLS on this port", Err: err}
	}
	fault := faultOf(StepTLS, err)
	fault.Text = clean("the handshake failed: " + fault.Text)
	return fault
}

// certificateText says what is wrong with a certificate.
func certificateText(problem error, host string) string {
	var (
		other     x509.HostnameError
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
	)
	switch {
	case errors.As(problem, &other):
		return fmt.Sprintf("the certificate is for %s, not for %s", strings.Join(names(other.Certificate), ", "), host)
	case errors.As(problem, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate is valid from %s to %s, not now",
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	case errors.As(problem, &authority):
		return "the certificate is signed by an authority that is not trusted here: " + authority.Cert.Issuer.String()
	default:
		return "the certificate is not valid: " + problem.Error()
	}
}

// names returns the names of the hosts that a certificate is for.
func names(certificate *x509.Certificate) []string {
	list := append([]string(nil), certificate.DNSNames...)
	for _, ip := range certificate.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		list = append(list, "no host")
	}
	return list
}
