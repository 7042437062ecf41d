package mailer_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"campaignql/internal/mailer"
	"campaignql/internal/testkit/smtpsink"
)

// TestAProbeReportsEachStep probes a server over TLS with a login and a message.
func TestAProbeReportsEachStep(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{
		TLS: smtpsink.StartTLS, Login: smtpsink.Login{User: "anna", Password: password, Mechanisms: []string{"PLAIN"}},
	})
	r := route(s)
	r.Host, r.Login = "localhost", mailer.Login{User: "anna", Password: password}
	m := message("s@x", "a@x")
	report := mailer.Probe(t.Context(), r, &m)
	var got bytes.Buffer
	for _, step := range report.Steps {
		fmt.Fprintln(&got, step.Step, step.OK, step.Code)
	}
	want := "DNS true 0\nCONNECT true 0\nGREETING true 0\nTLS true 0\nHELLO true 0\nAUTH true 0\nDOT true 250\n"
	if got.String() != want {
		t.Errorf("%s\n%+v", got.String(), report.Steps)
	}
	if !report.OK || report.Outcome.Kind != mailer.Accepted || report.Version != "TLS 1.3" || len(report.Addresses) == 0 {
		t.Errorf("%+v", report)
	}
	if c := report.Certificate; !c.Valid || c.Problem != "" || c.Names[0] != "localhost" ||
		c.Issuer != "CN=Sink Authority" || !c.NotAfter.After(time.Now()) {
		t.Errorf("%+v", c)
	}
	if !slices.Contains(report.Offers, "AUTH PLAIN") {
		t.Error(report.Offers)
	}
}

func TestAProbeEndsWhereItFails(t *testing.T) {
	t.Parallel()
	login := smtpsink.Login{User: "anna", Password: "other"}
	for _, c := range []struct {
		options smtpsink.Options
		last    mailer.Step
		steps   int
		text    string
	}{
		{
			smtpsink.Options{TLS: smtpsink.StartTLS, Certificate: smtpsink.OtherCertificate, Login: login},
			mailer.StepTLS,
			3,
			"the certificate is for other.example, not for 127.0.0.1",
		},
		{smtpsink.Options{TLS: smtpsink.StartTLS, Login: login}, mailer.StepAuth, 5, "wrong user or password"},
		{smtpsink.Options{TLS: smtpsink.StartTLS}, mailer.StepAuth, 5, "the server offers no login"},
	} {
		r := route(smtpsink.Start(t, c.options))
		r.Login = mailer.Login{User: "anna", Password: password}
		report := mailer.Probe(t.Context(), r, nil)
		last := report.Steps[len(report.Steps)-1]
		if report.OK || last.Step != c.last || len(report.Steps) != c.steps || last.Text != c.text {
			t.Errorf("%+v", report.Steps)
		}
		if report.Certificate == nil || report.Certificate.Valid != (c.last != mailer.StepTLS) {
			t.Errorf("%+v", report.Certificate)
		}
	}
	r := route(smtpsink.Start(t, smtpsink.Options{Script: smtpsink.ByLocalPart}))
	m := message("s@x", "a+rcpt-550-5.1.1@x")
	report := mailer.Probe(t.Context(), r, &m)
	if last := report.Steps[len(report.Steps)-1]; report.OK || last.Step != mailer.StepRcpt || last.Enhanced != "5.1.1" {
		t.Errorf("%+v", last)
	}
	report = mailer.Probe(t.Context(), mailer.Route{Host: "mail.invalid"}, nil)
	if len(report.Steps) != 1 || report.Steps[0].Step != mailer.StepDNS || report.OK {
		t.Errorf("%+v", report.Steps)
	}
}
