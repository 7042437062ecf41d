package mailer

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
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
func Probe(ctx context.Context, route Route, message *Message) Report {
	p := &prober{begun: time.Now()}
	p.run(ctx, route, message)
	last := len(p.report.Steps) - 1
	p.report.OK = last >= 0 && p.report.Steps[last].OK
	return p.report
}

// prober makes a report.
type prober struct {
	report Report
	begun  time.Time // when the present step began
}

// add adds a step that ended now.
func (p *prober) add(step ProbeStep) {
	now := time.Now()
	step.Took = now.Sub(p.begun)
	p.begun = now
	p.report.Steps = append(p.report.Steps, step)
}

func (p *prober) passed(step Step, text string) {
	p.add(ProbeStep{Step: step, OK: true, Text: clean(text)})
}

func (p *prober) failed(f *Fault) {
	p.add(ProbeStep{Step: f.Step, Code: f.Code, Enhanced: f.Enhanced, Text: f.Text})
}

func (p *prober) run(ctx context.Context, route Route, message *Message) {
	route = route.withDefaults()
	if net.ParseIP(route.Host) == nil && route.Host != "" {
		lookup, cancel := context.WithTimeout(ctx, route.ConnectTimeout)
		addresses, err := net.DefaultResolver.LookupHost(lookup, route.Host)
		cancel()
		if err != nil {
			_, fault := connect(ctx, route) // which has the words for it
			if fault == nil {
				fault = faultOf(StepDNS, err)
			}
			p.failed(fault)
			return
		}
		p.report.Addresses = addresses
		p.passed(StepDNS, route.Host+" is "+strings.Join(addresses, ", "))
	}
	c, fault := dial(ctx, route, p.passed)
	if c != nil {
		p.describe(c)
		defer c.Close()
	}
	if fault != nil {
		p.failed(fault)
		return
	}
	if message == nil {
		return
	}
	_ = c.Deliver(ctx, Burst{
		Count:   1,
		Message: func(int) (Message, error) { return *message, nil },
		Done:    func(_ int, o Outcome) { p.report.Outcome = &o },
	})
	o := *p.report.Outcome
	if o.Step == "" {
		o.Step = StepMessage
	}
	p.add(ProbeStep{Step: o.Step, OK: o.Kind == Accepted, Code: o.Code, Enhanced: o.Enhanced, Text: o.Text})
}

// describe adds what a connection has shown of its server.
func (p *prober) describe(c *Conn) {
	p.report.Offers = c.offers
	if c.tls == nil {
		return
	}
	certificate := c.tls.PeerCertificates[0]
	p.report.Version = tls.VersionName(c.tls.Version)
	p.report.Certificate = &Certificate{
		Names: names(certificate), Subject: certificate.Subject.String(), Issuer: certificate.Issuer.String(),
		NotBefore: certificate.NotBefore.UTC(), NotAfter: certificate.NotAfter.UTC(), Valid: c.problem == nil,
	}
	if c.problem != nil {
		p.report.Certificate.Problem = certificateText(c.problem, c.route.Host)
	}
}
