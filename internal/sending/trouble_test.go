package sending_test

import (
	"strings"
	"testing"
	"time"

	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/sending"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

// TestACampaignSaysWhatIsWrongWithTheWay sends over ways that lead nowhere. Nobody loses an attempt, the
// run says what is wrong in words, and the campaign goes on when the fault is gone.
func TestACampaignSaysWhatIsWrongWithTheWay(t *testing.T) {
	login := mailer.Login{User: "ann", Password: "secret"}
	for name, fault := range map[string]struct {
		sink  smtpsink.Options
		route func(*mailer.Route)
		// mended is the server once the fault is gone, and mend the way.
		mended smtpsink.Options
		mend   func(*mailer.Route)
		code   mailer.Step
		says   string
	}{
		"no DNS": {
			route: func(r *mailer.Route) { r.Host = "mail.example.invalid" },
			mend:  func(r *mailer.Route) { r.Host = "127.0.0.1" },
			code:  mailer.StepDNS, says: "mail.example.invalid",
		},
		"login refused": {
			sink:   smtpsink.Options{Login: smtpsink.Login{User: "ann", Password: "secret", Refuse: true}},
			mended: smtpsink.Options{Login: smtpsink.Login{User: "ann", Password: "secret"}},
			route:  func(r *mailer.Route) { r.Login = login },
			code:   mailer.StepAuth, says: "535 5.7.8 wrong user or password",
		},
		"certificate of somebody else": {
			sink:   smtpsink.Options{TLS: smtpsink.StartTLS, Certificate: smtpsink.OtherCertificate},
			mended: smtpsink.Options{TLS: smtpsink.StartTLS},
			route: func(r *mailer.Route) {
				r.Security, r.RootCAs = mailer.StartTLS, smtpsink.Authority()
			},
			code: mailer.StepTLS, says: "other.example",
		},
		"turned away at the door": {
			sink: smtpsink.Options{Script: func(e smtpsink.Event) *smtpsink.Action {
				if e.Verb != smtpsink.Connect {
					return nil
				}
				return &smtpsink.Action{Reply: "421 4.3.2 closed for today", End: smtpsink.Drop}
			}},
			code: mailer.StepGreeting, says: "421 4.3.2 closed for today",
		},
		"no sender is taken": {
			sink: smtpsink.Options{Script: func(e smtpsink.Event) *smtpsink.Action {
				if e.Verb != smtpsink.Mail {
					return nil
				}
				return &smtpsink.Action{Reply: "550 5.7.1 this account may not send"}
			}},
			code: mailer.StepMail, says: "550 5.7.1 this account may not send",
		},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, db *store.Store) {
				w := newWorld(t, db, fault.sink, func(o *sending.Options) {
					if fault.route != nil {
						fault.route(o.Route)
					}
				})
				id := w.ready(w.people(numbered("p", 20)...))
				stop := w.run(w.Services)
				w.wait("a word about the mail server", func() bool {
					return w.campaign(id).Status == kind.StatusSending && w.runOf(id).HoldCode != ""
				})
				stop()
				r := w.runOf(id)
				if r.HoldCode != string(fault.code) || !strings.Contains(r.HoldText, fault.says) {
					t.Errorf("%s: %s", r.HoldCode, r.HoldText)
				}
				for to, row := range w.recipients(r.ID) {
					if row.State != kind.RecipientPending || row.Attempts != 0 {
						t.Errorf("%s is %s after %d attempts", to, row.State, row.Attempts)
					}
				}
				address := w.sink.Addr
				w.sink.Close()
				fault.mended.Address = address
				w.sink = smtpsink.Start(t, fault.mended)
				if fault.mend != nil {
					fault.mend(w.opts.Route)
				}
				w.run(w.server())
				if c := w.waitFor(id, kind.StatusSent); c.TotalSent != 20 || c.TotalFailed != 0 {
					t.Errorf("%d sent, %d failed: %s", c.TotalSent, c.TotalFailed, c.StatusReason)
				}
				w.check(w.runOf(id).ID)
			})
		})
	}
}

// TestACampaignThatIsDeferredGoesOnByItself sends to servers that defer: everybody gets the campaign at
// the next attempt, by the same sender, and until then the run says why.
func TestACampaignThatIsDeferredGoesOnByItself(t *testing.T) {
	for name, options := range map[string]smtpsink.Options{
		"every reply": {Script: func(e smtpsink.Event) *smtpsink.Action {
			if e.Verb == smtpsink.Rcpt && e.Times == 1 || e.Verb == smtpsink.Dot && e.Times == 1 {
				return &smtpsink.Action{Reply: "451 4.3.0 come back later"}
			}
			return nil
		}},
		"a quota": {Quota: 30},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, db *store.Store) {
				w := newWorld(t, db, options)
				id := w.ready(w.people(numbered("p", 100)...))
				w.run(w.Services)
				deferred := int64(100 - options.Quota)
				w.wait("everybody being tried", func() bool {
					return w.campaign(id).Status == kind.StatusSending && w.runOf(id).Deferred == deferred
				})
				r := w.runOf(id)
				problems, err := w.Sending.Problems(w.ctx, []int64{r.ID})
				if err != nil {
					t.Fatal(err)
				}
				if all := problems[r.ID]; len(all) != 1 || all[0].Count != deferred || all[0].Text == "" {
					t.Errorf("%v", all)
				}
				w.sink.NoQuota()
				for attempt := range int16(2) {
					w.ahead.Add(int64(10 * time.Minute)) // while nobody is begun: every lease ends by it
					w.wait("the next attempts", func() bool {
						r := w.runOf(id)
						return r.Sent == r.Total || r.Pending+r.Begun == 0 && w.attempted(r.ID, attempt+2)
					})
				}
				if c := w.waitFor(id, kind.StatusSent); c.TotalSent != 100 || c.TotalFailed != 0 {
					t.Errorf("%d sent, %d failed: %s", c.TotalSent, c.TotalFailed, c.StatusReason)
				}
				w.check(r.ID)
			})
		})
	}
}

// attempted reports whether every recipient of a run that is deferred has had so many attempts.
func (w *world) attempted(runID int64, attempts int16) bool {
	w.t.Helper()
	for _, row := range w.recipients(runID) {
		if row.State == kind.RecipientDeferred && row.Attempts < attempts {
			return false
		}
	}
	return true
}
