package mailer

import (
	"crypto/x509"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Security says how a connection is encrypted.
type Security string

// The values of a Security, as in the parameter tls of a route.
const (
	// Implicit speaks TLS from the first byte, as port 465 does.
	Implicit Security = "implicit"
	// StartTLS requires STARTTLS and a valid certificate.
	StartTLS Security = "starttls"
	// Opportunistic uses STARTTLS where the server offers it, with any certificate. A login needs a
	// valid one.
	Opportunistic Security = "opportunistic"
	// Off never encrypts.
	Off Security = "off"
)

// Mechanism is a way to log in.
type Mechanism string

// The mechanisms, as in the parameter auth of a route.
const (
	// Automatic takes the first of PLAIN, LOGIN and CRAM-MD5 that the server offers. It never takes
	// XOAUTH2.
	Automatic Mechanism = ""
	Plain     Mechanism = "PLAIN"
	LoginAuth Mechanism = "LOGIN"
	CramMD5   Mechanism = "CRAM-MD5"
	XOAuth2   Mechanism = "XOAUTH2"
)

// Login is a name with its secret. Without a User nobody logs in.
type Login struct {
	Mechanism Mechanism
	User      string
	// Password is the password, or the access token for [XOAuth2].
	Password string `json:"-"`
}

// String returns the login without its password, so that no log has it.
func (l Login) String() string { return strings.TrimSpace(string(l.Mechanism) + " " + l.User) }

// GoString is String.
func (l Login) GoString() string { return l.String() }

// Limits of a route where it does not set its own. The waits are those of RFC 5321.
const (
	DefaultMessages       = 100
	DefaultConnectTimeout = 30 * time.Second
	DefaultReplyTimeout   = 5 * time.Minute
	DefaultFinalTimeout   = 10 * time.Minute
	DefaultWriteTimeout   = 3 * time.Minute
)

// Route is the way to a mail server. The zero value of each field but Host is its default.
type Route struct {
	Host string
	// Port is by default 465 for [Implicit], 587 with a login, and 25.
	Port int
	// Security is by default [StartTLS] with a login, and [Opportunistic] without.
	Security Security
	Login    Login
	// AllowPlaintextLogin lets the password travel to a server that is not on this machine without
	// encryption, or with a certificate that could not be checked.
	AllowPlaintextLogin bool
	// SkipVerify accepts every certificate, for [Implicit] and [StartTLS] too.
	SkipVerify bool
	// RootCAs are the authorities to trust instead of the system's.
	RootCAs *x509.CertPool
	// HeloName is the name for EHLO: by default the name of the host if it has a domain, else the
	// local address in brackets.
	HeloName string
	// NoPipelining goes step by step even where the server offers PIPELINING.
	NoPipelining bool
	// Messages is the number of messages after which a connection is used up.
	Messages int

	// ConnectTimeout bounds DNS and connect together, and the handshake of TLS. ReplyTimeout bounds
	// each reply, FinalTimeout the one to the final dot, and WriteTimeout each write.
	ConnectTimeout, ReplyTimeout, FinalTimeout, WriteTimeout time.Duration
}

// withDefaults returns the route with every default filled in.
func (r Route) withDefaults() Route {
	if r.Security == "" {
		r.Security = Opportunistic
		if r.Login.User != "" {
			r.Security = StartTLS
		}
	}
	if r.Port == 0 {
		switch {
		case r.Security == Implicit:
			r.Port = 465
		case r.Login.User != "":
			r.Port = 587
		default:
			r.Port = 25
		}
	}
	if r.Messages <= 0 {
		r.Messages = DefaultMessages
	}
	for timeout, standard := range map[*time.Duration]time.Duration{
		&r.ConnectTimeout: DefaultConnectTimeout, &r.ReplyTimeout: DefaultReplyTimeout,
		&r.FinalTimeout: DefaultFinalTimeout, &r.WriteTimeout: DefaultWriteTimeout,
	} {
		if *timeout <= 0 {
			*timeout = standard
		}
	}
	return r
}

// Address returns the host and the port.
func (r Route) Address() string {
	return net.JoinHostPort(r.Host, strconv.Itoa(r.withDefaults().Port))
}

// String returns the route in the form of [ParseRoute], with xxxxx in the place of the password.
func (r Route) String() string {
	u := url.URL{Scheme: "smtp", Host: r.Address()}
	if r.Login.User != "" {
		u.User = url.UserPassword(r.Login.User, "xxxxx")
	}
	query := url.Values{}
	if security := r.withDefaults().Security; security == Implicit {
		u.Scheme = "smtps"
	} else {
		query.Set("tls", string(security))
	}
	for name, set := range map[string]string{
		"auth": string(r.Login.Mechanism), "helo": r.HeloName,
		"verify": onlyIf(r.SkipVerify, "false"), "plaintext-login": onlyIf(r.AllowPlaintextLogin, "true"),
		"pipelining": onlyIf(r.NoPipelining, "false"), "messages": onlyIf(r.Messages > 0, strconv.Itoa(r.Messages)),
	} {
		if set != "" {
			query.Set(name, set)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// GoString is String.
func (r Route) GoString() string { return r.String() }

func onlyIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}
