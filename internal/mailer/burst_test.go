package mailer_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/mailer"
	"campaignql/internal/testkit/smtpsink"
)

// plain returns a function that makes a message for each number.
func plain(i int) (mailer.Message, error) {
	return message("s@example.com", string(rune('a'+i))+"@x"), nil
}

func TestAMessageThatCannotBeMadeFailsAlone(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step})
		broken := errors.New("the field\nFirstName is unknown")
		outcomes, err := deliverAll(t, t.Context(), dial(t, route(s)), mailer.Burst{
			Count: 3,
			Message: func(i int) (mailer.Message, error) {
				if i != 1 {
					return mailer.Message{}, broken
				}
				return plain(i)
			},
		})
		want := "refused: the field FirstName is unknown (MESSAGE) [recipient]"
		if diff := cmp.Diff([]string{want, accepted, want}, lines(outcomes)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if o := outcomes[0]; !errors.Is(o.Err, broken) || !o.Local() || o.HardBounce() || o.Policy() {
			t.Errorf("%+v", o)
		}
	})
}

func TestMessagesGivenBackLeaveTheConnectionOpen(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step})
		c := dial(t, route(s))
		asked := 0
		outcomes, err := deliverAll(t, t.Context(), c, mailer.Burst{
			Count: 5,
			Message: func(i int) (mailer.Message, error) {
				asked++
				if i == 2 {
					return mailer.Message{}, mailer.ErrGiveBack
				}
				return plain(i)
			},
		})
		rest := "not handed over: given back before it was tried"
		if diff := cmp.Diff([]string{accepted, accepted, rest, rest, rest}, lines(outcomes)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if asked != 3 || !outcomes[2].Untried() || !errors.Is(outcomes[4].Err, mailer.ErrGiveBack) {
			t.Errorf("%d messages were asked for, %+v", asked, outcomes[2])
		}
		if outcomes, err = deliver(t, c, "z@x"); err != nil || outcomes[0].Kind != mailer.Accepted {
			t.Error(outcomes, err)
		}
	})
}

func TestABodyWithoutPermissionStaysBack(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step})
		c := dial(t, route(s))
		late := errors.New("the lease is over")
		outcomes, err := deliverAll(t, t.Context(), c, mailer.Burst{
			Count: 4, Message: plain,
			Permit: func(i int) error {
				if i == 1 {
					return late
				}
				return nil
			},
		})
		rest := "not handed over: the lease is over"
		if diff := cmp.Diff([]string{accepted, rest, rest, rest}, lines(outcomes)); diff != "" {
			t.Error(diff)
		}
		if !errors.Is(err, late) || c.MessagesLeft() != 0 || !outcomes[2].Untried() {
			t.Error(err, c.MessagesLeft(), outcomes[2])
		}
		if diff := cmp.Diff([]string{"a@x"}, logged(s)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAConnectionSendsNoMoreThanItsMessages(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step})
		r := route(s)
		r.Messages = 2
		c := dial(t, r)
		outcomes, err := deliverAll(t, t.Context(), c, mailer.Burst{Count: 3, Message: plain})
		if err != nil || c.MessagesLeft() != 0 {
			t.Error(err, c.MessagesLeft())
		}
		if o := outcomes[2]; outcomes[1].Kind != mailer.Accepted || !o.Untried() || !errors.Is(o.Err, mailer.ErrLimit) {
			t.Error(lines(outcomes))
		}
	})
}

func TestCancelingCutsTheConnectionOff(t *testing.T) {
	for verb, want := range map[smtpsink.Verb]string{
		smtpsink.Rcpt: "not handed over: canceled (",
		smtpsink.Data: "not handed over: canceled (",
		smtpsink.Dot:  "in doubt: canceled (DOT)",
	} {
		t.Run(string(verb), func(t *testing.T) {
			bothWays(t, func(t *testing.T, step bool) {
				ctx, cancel := context.WithCancel(t.Context())
				s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step, Script: func(e smtpsink.Event) *smtpsink.Action {
					if e.Verb == verb {
						cancel()
						return &smtpsink.Action{End: smtpsink.Silent}
					}
					return nil
				}})
				outcomes, err := deliverAll(t, ctx, dial(t, route(s)), mailer.Burst{Count: 3, Message: plain})
				got := lines(outcomes)
				if rest := "not handed over: context canceled"; !strings.HasPrefix(got[0], want) ||
					got[1] != rest || got[2] != rest {
					t.Error(got)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(outcomes[0].Err, context.Canceled) {
					t.Error(err, outcomes[0].Err)
				}
			})
		})
	}
}

func TestCancelingBeforeABurstSendsNothing(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{})
	c := dial(t, route(s))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes, _ := deliverAll(t, ctx, c, mailer.Burst{Count: 2, Message: plain})
	if !outcomes[0].Untried() || !outcomes[1].Untried() || s.Commands("MAIL") > 0 {
		t.Error(lines(outcomes), s.Commands("MAIL"))
	}
	if outcomes, err := deliver(t, c, "z@x"); err != nil || outcomes[0].Kind != mailer.Accepted {
		t.Error(outcomes, err)
	}
}

// TestAKeptConnectionThatTheServerClosedIsNobodysFault uses a connection after its server has ended
// it.
func TestAKeptConnectionThatTheServerClosedIsNobodysFault(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		for name, script := range map[string]smtpsink.Script{
			"closed": func(e smtpsink.Event) *smtpsink.Action {
				if e.Verb == smtpsink.Mail && e.Times == 2 {
					return &smtpsink.Action{End: smtpsink.Drop}
				}
				return nil
			},
			"421": func(e smtpsink.Event) *smtpsink.Action {
				if e.Verb == smtpsink.Mail && e.Times == 2 {
					return &smtpsink.Action{Reply: "421 4.4.2 idle for too long", End: smtpsink.Drop}
				}
				return nil
			},
		} {
			s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step, Script: script})
			c := dial(t, route(s))
			if outcomes, err := deliver(t, c, "a@x"); err != nil || outcomes[0].Kind != mailer.Accepted {
				t.Fatal(outcomes, err)
			}
			outcomes, err := deliver(t, c, "b@x", "c@x")
			if err == nil || !outcomes[0].Untried() || !outcomes[1].Untried() {
				t.Error(name, err, lines(outcomes))
			}
		}
	})
}

func TestMessagesThatTheServerCannotTakeStayHere(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{NoSMTPUTF8: true, No8BITMIME: true, MaxSize: 100})
	with := func(change func(m *mailer.Message)) mailer.Message {
		m := mailer.Message{From: "s@x", To: "a@x", Body: []byte("A: b\r\n\r\nhello\r\n")}
		change(&m)
		return m
	}
	cases := []struct {
		message mailer.Message
		want    string
	}{
		{
			with(func(m *mailer.Message) { m.Body = []byte(strings.Repeat("a", 101)) }), "5.3.4 the message has 101 bytes",
		},
		{with(func(m *mailer.Message) { m.Body = []byte("A: ä\r\n") }), "5.6.3 the message has 8-bit"},
		{with(func(m *mailer.Message) { m.UTF8 = true }), "5.6.7 the address or a header"},
		{with(func(m *mailer.Message) { m.To = "ä@x" }), "5.6.7 the address or a header"},
		{with(func(m *mailer.Message) { m.From = "a@ä" }), "5.6.7 the address or a header"},
		{with(func(m *mailer.Message) { m.To = "" }), "the message has no recipient"},
		{with(func(m *mailer.Message) { m.Body = nil }), "the message is empty"},
		{with(func(m *mailer.Message) { m.Body = []byte("A: b\r\n\r\na\nb") }), "line 3 of the message ends with LF"},
		{with(func(m *mailer.Message) { m.Body = []byte("\n") }), "line 1 of the message ends with LF"},
		{with(func(m *mailer.Message) { m.Body = []byte("a\rb\r\n") }), "the message holds a CR alone"},
		{
			with(func(m *mailer.Message) { m.To = "a@x>\r\nRCPT TO:<b@x" }), "an address holds a blank or an angle bracket",
		},
		{with(func(m *mailer.Message) { m.To = "a\r\n@x" }), "an address holds a control character"},
		{with(func(m *mailer.Message) { m.To = "a\xff@x" }), "an address is not valid UTF-8"},
		{with(func(m *mailer.Message) { m.To = `"a\"b@x` }), "an address holds one quote"},
		{with(func(m *mailer.Message) { m.To = strings.Repeat("a", 400) }), "an address is longer"},
	}
	outcomes, err := deliverAll(t, t.Context(), dial(t, route(s)), mailer.Burst{
		Count: len(cases), Message: func(i int) (mailer.Message, error) { return cases[i].message, nil },
	})
	if err != nil || s.Commands("MAIL") > 0 {
		t.Error(err, s.Commands("MAIL"))
	}
	for i, o := range outcomes {
		if !o.Local() || o.HardBounce() || !strings.HasPrefix(o.String(), "refused: "+cases[i].want) {
			t.Errorf("%q: %s", cases[i].want, o)
		}
	}
	quoted := with(func(m *mailer.Message) { m.To = `"a >\"b"@x` })
	outcomes, _ = deliverAll(t, t.Context(), dial(t, route(s)), mailer.Burst{
		Count: 1, Message: func(int) (mailer.Message, error) { return quoted, nil },
	})
	if outcomes[0].Kind != mailer.Accepted || s.Log()[0].Address != quoted.To {
		t.Error(outcomes[0], s.Log())
	}
}

func TestQuotasAndGreylistsDefer(t *testing.T) {
	bothWays(t, func(t *testing.T, step bool) {
		s := smtpsink.Start(t, smtpsink.Options{NoPipelining: step, Quota: 2, Script: smtpsink.Greylist})
		c := dial(t, route(s))
		const grey = "deferred: 451 4.7.1 greylisted, try again later (RCPT) [recipient]"
		first, _ := deliver(t, c, "a@x", "b@x", "c@x")
		again, err := deliver(t, c, "a@x", "b@x", "c@x")
		if diff := cmp.Diff([]string{grey, grey, grey}, lines(first)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		full := "deferred: 452 4.5.3 the quota is used up (DOT) [recipient]"
		if diff := cmp.Diff([]string{accepted, accepted, full}, lines(again)); diff != "" {
			t.Error(diff)
		}
		if !first[0].Throttled() || again[2].Throttled() {
			t.Error("451 4.7.1 asks for a lower pace, 452 4.5.3 does not")
		}
	})
}

func TestOutcomesAreClassified(t *testing.T) {
	t.Parallel()
	reply := func(code int, enhanced string) mailer.Outcome {
		kind := mailer.Refused
		if code < 500 {
			kind = mailer.Deferred
		}
		return mailer.Outcome{Kind: kind, Code: code, Enhanced: enhanced}
	}
	for _, c := range []struct {
		code                    int
		enhanced                string
		throttled, hard, policy bool
	}{
		{421, "", true, false, false}, {450, "", true, false, false}, {451, "4.7.0", true, false, false},
		{452, "4.4.5", true, false, false}, {454, "4.3.2", true, false, false}, {421, "4.7.28", true, false, false},
		{450, "4.2.1", false, false, false}, {452, "4.5.3", false, false, false}, {455, "", false, false, false},
		{432, "4.7.12", false, false, false}, {450, "4.4.50", false, false, false},
		{550, "5.1.1", false, true, false}, {550, "5.1.2", false, true, false}, {553, "5.1.3", false, true, false},
		{551, "5.1.6", false, true, false}, {550, "5.1.10", false, true, false}, {550, "5.2.1", false, true, false},
		{550, "5.2.2", false, false, false}, {550, "5.1.7", false, false, false}, {550, "", false, false, false},
		{550, "5.7.1", false, false, true}, {554, "5.7.606", false, false, true}, {450, "4.7.1", true, false, false},
		{450, "5.1.1", false, false, false},
	} {
		o := reply(c.code, c.enhanced)
		if o.Throttled() != c.throttled || o.HardBounce() != c.hard || o.Policy() != c.policy {
			t.Errorf("%s: throttled %t, hard %t, policy %t", o, o.Throttled(), o.HardBounce(), o.Policy())
		}
	}
}
