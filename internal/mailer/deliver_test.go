package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/mailer"
	"campaignql/internal/testkit/smtpsink"
)

// route returns the way to a sink.
func route(s *smtpsink.Sink) mailer.Route {
	return mailer.Route{Host: "127.0.0.1", Port: s.Port, RootCAs: smtpsink.Authority()}
}

// dial connects to a sink for the time of the test.
func dial(t testing.TB, r mailer.Route) *mailer.Conn {
	t.Helper()
	c, err := mailer.Dial(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// message returns a message to an address.
func message(from, to string) mailer.Message {
	return mailer.Message{
		From: from, To: to,
		Body: fmt.Appendf(nil, "Message-ID: <%s>\r\nTo: <%s>\r\n\r\nHello\r\n.\r\n..twice\r\n", to, to),
	}
}

// deliver sends a message to each address and returns the outcomes. It fails if a message has not
// exactly one.
func deliver(t testing.TB, c *mailer.Conn, addresses ...string) ([]mailer.Outcome, error) {
	t.Helper()
	return deliverAll(t, t.Context(), c, mailer.Burst{
		Count:   len(addresses),
		Message: func(i int) (mailer.Message, error) { return message("sender@example.com", addresses[i]), nil },
	})
}

// deliverAll sends a burst and returns the outcomes.
func deliverAll(
	t testing.TB, ctx context.Context, c *mailer.Conn, burst mailer.Burst,
) ([]mailer.Outcome, error) {
	t.Helper()
	outcomes := make([]mailer.Outcome, burst.Count)
	done := burst.Done
	burst.Done = func(i int, o mailer.Outcome) {
		if outcomes[i].Kind != 0 {
			t.Errorf("message %d has two outcomes: %s, %s", i, outcomes[i], o)
		}
		outcomes[i] = o
		if done != nil {
			done(i, o)
		}
	}
	err := c.Deliver(ctx, burst)
	for i, o := range outcomes {
		if o.Kind == 0 {
			t.Errorf("message %d has no outcome", i)
		}
	}
	return outcomes, err
}

// lines returns the outcomes as text.
func lines(outcomes []mailer.Outcome) []string {
	var list []string
	for _, o := range outcomes {
		line := o.String()
		if o.Blame != mailer.BlameNobody {
			line += map[mailer.Blame]string{mailer.BlameServer: " [server]", mailer.BlameRecipient: " [recipient]"}[o.Blame]
		}
		list = append(list, line)
	}
	return list
}

// logged returns the addresses in the log of a sink.
func logged(s *smtpsink.Sink) []string {
	var list []string
	for _, e := range s.Log() {
		list = append(list, e.Address)
	}
	return list
}

// bothWays runs a test with and without pipelining.
func bothWays(t *testing.T, test func(t *testing.T, step bool)) {
	t.Helper()
	t.Parallel()
	for _, step := range []bool{false, true} {
		t.Run(map[bool]string{false: "pipelining", true: "step by step"}[step], func(t *testing.T) {
			t.Parallel()
			test(t, step)
		})
	}
}

const accepted = "accepted: 250 2.0.0 taken (DOT)"

func TestMessagesArriveAsTheyWereGiven(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		s := smtpsink.Start(t, smtpsink.Options{KeepBodies: true, NoPipelining: step})
		c := dial(t, route(s))
		bodies := []string{
			"A: b\r\n\r\nplain\r\n", ".\r\n", "..\r\n.a\r\n\r\n.\r\n", "A: b\r\n\r\nno end", "\r\n", ".",
			"A: ä\r\n\r\n" + strings.Repeat("long", 50_000) + "\r\n", strings.Repeat(".\r\n", 50_000),
		}
		outcomes, err := deliverAll(t, t.Context(), c, mailer.Burst{
			Count: len(bodies),
			Message: func(i int) (mailer.Message, error) {
				return mailer.Message{From: "", To: "ünal@example.com", Body: []byte(bodies[i])}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range s.Log() {
			if want := strings.TrimSuffix(bodies[i], "\r\n") + "\r\n"; string(e.Body) != want {
				t.Errorf("body %d of %d bytes arrived with %d", i, len(want), len(e.Body))
			}
			if outcomes[i].String() != accepted {
				t.Errorf("%d: %s", i, outcomes[i])
			}
		}
		if len(s.Log()) != len(bodies) || c.MessagesLeft() != 100-len(bodies) || c.Pipelining() == step {
			t.Errorf("%d arrived, %d left, pipelining %t", len(s.Log()), c.MessagesLeft(), c.Pipelining())
		}
		if s.Commands("RSET")+s.Commands("NOOP") > 0 {
			t.Error("RSET or NOOP between messages")
		}
	})
}

// TestEachReplyHasItsOutcome sends a message that fails between two that do not.
func TestEachReplyHasItsOutcome(t *testing.T) {
	for order, want := range map[string]string{
		"rcpt-550-5.1.1": "refused: 550 5.1.1 as the address says (RCPT) [recipient]",
		"rcpt-450-4.2.1": "deferred: 450 4.2.1 as the address says (RCPT) [recipient]",
		"rcpt-451":       "deferred: 451 as the address says (RCPT) [recipient]",
		"rcpt-503-5.5.1": "not handed over: 503 5.5.1 as the address says (RCPT) [server]",
		"rcpt-slow":      accepted,
		"data-451-4.3.0": "deferred: 451 4.3.0 as the address says (DATA) [recipient]",
		"data-554-5.7.1": "refused: 554 5.7.1 as the address says (DATA) [recipient]",
		"dot-451-4.7.1":  "deferred: 451 4.7.1 as the address says (DOT) [recipient]",
		"dot-552-5.3.4":  "refused: 552 5.3.4 as the address says (DOT) [recipient]",
		"dot-slow":       accepted,
	} {
		for _, grant := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %t", order, grant), func(t *testing.T) {
				bothWays(t, func(t *testing.T, step bool) {
					s := smtpsink.Start(t, smtpsink.Options{
						Script: smtpsink.ByLocalPart, NoPipelining: step, GrantData: grant,
					})
					c := dial(t, route(s))
					outcomes, err := deliver(t, c, "a@x", "b+"+order+"@x", "c+"+order+"@x", "d@x", "e+"+order+"@x")
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff([]string{accepted, want, want, accepted, want}, lines(outcomes)); diff != "" {
						t.Error(diff)
					}
					outcomes, err = deliver(t, c, "f@x")
					if err != nil || outcomes[0].String() != accepted {
						t.Error(err, outcomes)
					}
					arrived := []string{"a@x", "d@x", "f@x"}
					if want == accepted {
						arrived = []string{"a@x", "b+" + order + "@x", "c+" + order + "@x", "d@x", "e+" + order + "@x", "f@x"}
					}
					if diff := cmp.Diff(arrived, logged(s)); diff != "" {
						t.Error(diff)
					}
				})
			})
		}
	}
}

func TestARefusedSenderIsAFaultOfTheServer(t *testing.T) {
	for order, want := range map[string]string{
		"mail-550-5.7.1": "not handed over: 550 5.7.1 as the address says (MAIL) [server]",
		"mail-451-4.3.0": "not handed over: 451 4.3.0 as the address says (MAIL) [server]",
		"mail-552-5.3.4": "refused: 552 5.3.4 as the address says (MAIL) [recipient]",
		"mail-550-5.6.7": "refused: 550 5.6.7 as the address says (MAIL) [recipient]",
	} {
		for _, grant := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %t", order, grant), func(t *testing.T) {
				bothWays(t, func(t *testing.T, step bool) {
					s := smtpsink.Start(t, smtpsink.Options{
						Script: smtpsink.ByLocalPart, NoPipelining: step, GrantData: grant,
					})
					outcomes, err := deliverAll(t, t.Context(), dial(t, route(s)), mailer.Burst{
						Count: 3,
						Message: func(i int) (mailer.Message, error) {
							return message([]string{"s@x", "s+" + order + "@x", "s@x"}[i], "a@x"), nil
						},
					})
					if diff := cmp.Diff([]string{accepted, want, accepted}, lines(outcomes)); diff != "" || err != nil {
						t.Error(diff, err)
					}
				})
			})
		}
	}
}

// TestABrokenConnectionSaysWhatIsCertain sends three messages, the second of which breaks the
// connection. Only what was after the final dot is in doubt, and one message alone is the server's.
func TestABrokenConnectionSaysWhatIsCertain(t *testing.T) {
	const gone, shut = "the server closed the connection", "as the address says"
	for order, want := range map[string]struct {
		outcome, rest string
		taken         bool
	}{
		"rcpt-drop":      {"not handed over: " + gone + " (RCPT) [server]", gone, false},
		"rcpt-421-4.3.2": {"not handed over: 421 4.3.2 " + shut + " (RCPT) [server]", shut, false},
		"data-drop":      {"not handed over: " + gone + " (DATA) [server]", gone, false},
		"data-421":       {"not handed over: 421 " + shut + " (DATA) [server]", shut, false},
		"dot-drop":       {"in doubt: " + gone + " (DOT) [server]", gone, false},
		"dot-takedrop":   {"in doubt: " + gone + " (DOT) [server]", gone, true},
		"dot-421-4.7.0":  {"deferred: 421 4.7.0 " + shut + " (DOT) [server]", shut, false},
		"body-drop":      {"", gone, false}, // where it ends depends on what is in flight
		"dot-silent": {
			"in doubt: the server did not answer in time (DOT) [server]", "the server did not answer in time", false,
		},
		"dot-takesilent": {
			"in doubt: the server did not answer in time (DOT) [server]", "the server did not answer in time", true,
		},
		"rcpt-silent": {
			"not handed over: the server did not answer in time (RCPT) [server]", "the server did not answer in time", false,
		},
	} {
		t.Run(order, func(t *testing.T) {
			bothWays(t, func(t *testing.T, step bool) {
				s := smtpsink.Start(t, smtpsink.Options{Script: smtpsink.ByLocalPart, NoPipelining: step})
				r := route(s)
				if strings.HasSuffix(order, "silent") {
					r.ReplyTimeout, r.FinalTimeout = 2*time.Second, 2*time.Second
				}
				c := dial(t, r)
				outcomes, err := deliver(t, c, "a@x", "b+"+order+"@x", "c@x", "d@x")
				var fault *mailer.Fault
				if !errors.As(err, &fault) || c.MessagesLeft() != 0 {
					t.Errorf("the connection ended with %v, %d left", err, c.MessagesLeft())
				}
				got := lines(outcomes)
				rest := "not handed over: " + want.rest
				outcome := want.outcome
				if outcome == "" {
					if k := outcomes[1].Kind; k != mailer.InDoubt || outcomes[1].Blame != mailer.BlameServer {
						t.Error(got[1])
					}
					outcome = got[1]
				}
				if diff := cmp.Diff([]string{accepted, outcome, rest, rest}, got); diff != "" {
					t.Error(diff)
				}
				if taken := len(s.Log()) == 2; taken != want.taken {
					t.Errorf("the sink has %v", logged(s))
				}
				if again, err := deliver(t, c, "z@x"); !errors.Is(err, fault) || !again[0].Untried() {
					t.Error(again, err)
				}
			})
		})
	}
}
