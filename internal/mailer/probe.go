package mailer

import (
	"context"
	"time"
)

// ProbeStep is one step of a [Report].
type ProbeStep struct {
	Step Step
	OK   bool
	// Code and Enhanced are those of the server's reply, if there was one.
	Code     int
	Enhanced string
	// Text says what was found, or what is wrong, in words for people.
	Text string
	Took time.Duration
}

// Certificate is what people need to know of a server's certificate.
type Certificate struct {
	// Names are the names of hosts it is for.
	Names []string
	// Subject and Issuer are their distinguished names.
	Subject, Issuer     string
	NotBefore, NotAfter time.Time
	// Valid is true if it is for the host of the route, in date and signed by a trusted authority;
	// Problem says what else.
	Valid   bool
	Problem string
}

// Report is what [Probe] found.
type Report struct {
	// Steps are the steps that were tried, in order. The last one failed unless OK is true.
	Steps []ProbeStep
	OK    bool
	// Addresses are the IP addresses of the host.
	Addresses []string
	// Version is the version of TLS, such as "TLS 1.3"; empty without TLS. Certificate is nil then.
	Version     string
	Certificate *Certificate
	// Offers are the extensions of the server's reply to EHLO, on the connection as it is used.
	Offers []string
	// Outcome is what became of the message; nil if none was sent.
	Outcome *Outcome
}

// Probe tries a route step by step, for the test of a delivery server: DNS, connect, TLS with its
// certificate, greeting, EHLO, AUTH, and the message unless it is nil.
func Probe(ctx context.Context, route Route, message *Message) Report { panic("not written yet") }
