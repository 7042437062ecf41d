package mailer_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/mailer"
)

// peer is a server whose every byte a test decides.
type peer struct {
	net.Conn
	in *bufio.Reader
}

// say writes lines.
func (p *peer) say(lines ...string) { _, _ = io.WriteString(p, strings.Join(lines, "\r\n")+"\r\n") }

// hear reads n lines and returns them.
func (p *peer) hear(n int) string {
	var text strings.Builder
	for range n {
		line, _ := p.in.ReadString('\n')
		text.WriteString(line)
	}
	return text.String()
}

// body reads up to the final dot.
func (p *peer) body() {
	for line, err := "", error(nil); err == nil && line != ".\r\n"; {
		line, err = p.in.ReadString('\n')
	}
}

// rest returns everything that comes until the client closes or says QUIT.
func (p *peer) rest() string {
	var text strings.Builder
	for {
		line, err := p.in.ReadString('\n')
		if err != nil || line == "QUIT\r\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

// listen serves one connection with a function and returns the way to it. The function has ended when
// the test ends.
func listen(t testing.TB, serve func(p *peer)) mailer.Route {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(&peer{conn, bufio.NewReader(conn)})
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	return mailer.Route{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port}
}

// greet is the start of a connection that offers PIPELINING.
func (p *peer) greet() {
	p.say("220 peer")
	p.hear(1)
	p.say("250-peer", "250 PIPELINING")
}

// TestRepliesOutOfStepAcceptNothing are servers whose replies do not belong to the commands. Each
// sends 250 where a careless client would take it for the reply to the final dot.
func TestRepliesOutOfStepAcceptNothing(t *testing.T) {
	t.Parallel()
	const not = "the server answers with what is not a reply of SMTP"
	for name, c := range map[string]struct {
		replies []string
		want    string
	}{
		"250 along with 354": {
			[]string{"250 a", "250 b", "354 c", "250 d"}, not + `: unasked for: "250 d" (BODY) [server]`,
		},
		"421 along with 354": {
			[]string{"250 a", "250 b", "354 c", "421 4.3.2 down"}, "421 4.3.2 down (BODY) [server]",
		},
		"250 too many": {
			[]string{"250 a", "250 b", "250 c", "354 d"}, not + " to this command: 250 c (DATA) [server]",
		},
		"354 to MAIL": {[]string{"354 a", "250 b", "250 c"}, not + " to this command: 354 a (MAIL) [server]"},
		"354 to RCPT": {[]string{"250 a", "354 b", "250 c"}, not + " to this command: 354 b (RCPT) [server]"},
		"334 to DATA": {
			[]string{"250 a", "250 b", "334 c", "250 d"}, not + " to this command: 334 c (DATA) [server]",
		},
		"1yz": {
			[]string{"150 a", "250 b", "354 c", "250 d"}, not + " to this command: 150 a (MAIL) [server]",
		},
		"codes that disagree": {[]string{"250-a", "550 b", "354 c", "250 d"}, not + `: "550 b" (MAIL) [server]`},
		"no code":             {[]string{"hello", "250 b", "354 c", "250 d"}, not + `: "hello" (MAIL) [server]`},
		"code 999":            {[]string{"999 x", "250 b", "354 c", "250 d"}, not + `: "999 x" (MAIL) [server]`},
		"empty line":          {[]string{"", "250 b", "354 c", "250 d"}, not + `: "" (MAIL) [server]`},
		"endless": {
			[]string{strings.Repeat("250-more and more\r\n", 5000)}, not + ": more than 65536 bytes (MAIL) [server]",
		},
		"endless line": {
			[]string{"250 " + strings.Repeat("x", 70_000)}, not + ": more than 65536 bytes (MAIL) [server]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrote := make(chan string, 1)
			r := listen(t, func(p *peer) {
				p.greet()
				p.hear(3)
				p.say(c.replies...)
				wrote <- p.rest()
			})
			outcomes, err := deliver(t, dial(t, r), "a@x", "b@x")
			if diff := cmp.Diff("not handed over: "+c.want, lines(outcomes)[0]); diff != "" || err == nil {
				t.Error(diff, err)
			}
			if !outcomes[1].Untried() {
				t.Error(outcomes[1])
			}
			if text := <-wrote; text != "" {
				t.Errorf("the client went on with %q", text)
			}
		})
	}
}

// TestFinalRepliesThatAreNoneLeaveDoubt answer the final dot with something else.
func TestFinalRepliesThatAreNoneLeaveDoubt(t *testing.T) {
	t.Parallel()
	for _, final := range []string{"354 go on", "hello", "", "250-a\r\n550 b", "2500 x", "25", "150 wait"} {
		r := listen(t, func(p *peer) {
			p.greet()
			p.hear(3)
			p.say("250 a", "250 b", "354 c")
			p.body()
			p.hear(3)
			p.say(final, "250 x", "250 y", "354 z")
			p.rest()
		})
		outcomes, _ := deliver(t, dial(t, r), "a@x", "b@x")
		if o := outcomes[0]; o.Kind != mailer.InDoubt || o.Step != mailer.StepDot || o.Blame != mailer.BlameServer {
			t.Errorf("%q: %s", final, o)
		}
		if !outcomes[1].Untried() {
			t.Errorf("%q: %s", final, outcomes[1])
		}
	}
}

// TestTheLoneDotIsAboutNobody refuses a recipient and grants DATA. The reply to the dot that follows
// says nothing about the recipient, even if it is 250.
func TestTheLoneDotIsAboutNobody(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{"250 2.0.0 accepted", "554 5.5.1 no valid recipients", "451 4.3.0 later"} {
		heard := make(chan string, 1)
		r := listen(t, func(p *peer) {
			p.greet()
			p.hear(3)
			p.say("250 a", "550 5.1.1 unknown", "354 c")
			heard <- p.hear(4)
			p.say(reply, "250 a", "250 b", "354 c")
			p.body()
			p.say("250 2.0.0 taken")
			p.rest()
		})
		outcomes, err := deliver(t, dial(t, r), "a@x", "b@x")
		want := []string{"refused: 550 5.1.1 unknown (RCPT) [recipient]", accepted}
		if diff := cmp.Diff(want, lines(outcomes)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if diff := cmp.Diff(".\r\nMAIL FROM:<sender@example.com>\r\nRCPT TO:<b@x>\r\nDATA\r\n", <-heard); diff != "" {
			t.Error(diff)
		}
	}
}

// TestRSETTravelsWithTheNextEnvelope refuses at RCPT and DATA, which leaves the transaction open.
func TestRSETTravelsWithTheNextEnvelope(t *testing.T) {
	t.Parallel()
	for name, first := range map[string][]string{
		"RCPT and DATA":                     {"250 a", "550 5.1.1 b", "554 5.5.1 c"},
		"DATA":                              {"250 a", "250 b", "451 c"},
		"MAIL, with a RCPT that was taken":  {"450 a", "250 b", "503 c"},
		"MAIL and DATA, after a taken RCPT": {"550 a", "250 b", "554 c"},
	} {
		heard := make(chan string, 1)
		r := listen(t, func(p *peer) {
			p.greet()
			p.hear(3)
			p.say(first...)
			heard <- p.hear(4)
			p.say("250 reset", "250 a", "250 b", "354 c")
			p.body()
			p.say("250 2.0.0 taken")
			p.rest()
		})
		c := dial(t, r)
		failed, err := deliver(t, c, "a@x") // the next envelope may be one of another burst
		if failed[0].Kind == mailer.Accepted || err != nil {
			t.Error(name, failed, err)
		}
		if outcomes, err := deliver(t, c, "b@x"); outcomes[0].String() != accepted || err != nil {
			t.Error(name, outcomes, err)
		}
		if text := <-heard; !strings.HasPrefix(text, "RSET\r\nMAIL FROM:") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// TestPipeliningSavesRoundTrips reads what comes without a reply between.
func TestPipeliningSavesRoundTrips(t *testing.T) {
	t.Parallel()
	r := listen(t, func(p *peer) {
		p.greet()
		for i := range 3 {
			if i > 0 {
				p.body()
			}
			p.hear(3) // the envelope is here before the body has its reply
			if i > 0 {
				p.say(fmt.Sprintf("250 2.0.%d taken", i))
			}
			p.say("250 a", "250 b", "354 c")
		}
		p.body()
		p.say("250 2.0.3 taken")
		p.rest()
	})
	outcomes, err := deliver(t, dial(t, r), "a@x", "b@x", "c@x")
	for i, o := range outcomes {
		if o.Kind != mailer.Accepted || o.Enhanced != fmt.Sprintf("2.0.%d", i+1) {
			t.Error(i, o, err)
		}
	}
}

// TestTextsOfRepliesAreReadable covers replies of many lines, long lines, and bytes that are no text.
func TestTextsOfRepliesAreReadable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 2000)
	for reply, want := range map[string]string{
		"550-5.7.1 Our system\r\n550-5.7.1 has detected\r\n550 5.7.1 spam": "550 5.7.1 Our system has detected spam",
		"550-5.7.1 Our system\r\n550 has detected spam":                    "550 5.7.1 Our system has detected spam",
		"550-first\r\n550 5.1.1 second":                                    "550 5.1.1 first second",
		"550":                                                              "550",
		"550 ":                                                             "550",
		"550 5.1.1":                                                        "550 5.1.1",
		"550 5.1.10 unknown":                                               "550 5.1.10 unknown",
		"550 5.1.1.2 is no code":                                           "550 5.1.1.2 is no code",
		"550 5.1 is no code":                                               "550 5.1 is no code",
		"550 50.1.1 is no code":                                            "550 50.1.1 is no code",
		"550 5.1.1000 is no code":                                          "550 5.1.1000 is no code",
		"550 5.1.x is no code":                                             "550 5.1.x is no code",
		"550 a\x00b\x1b[31mc\xffd\te":                                      "550 a b [31mc\uFFFDd e",
		"550 kein Zugriff für ä":                                           "550 kein Zugriff für ä",
		"550 " + long:                                                      "550 " + strings.Repeat("long ", 49) + "long…",
		"550-" + strings.Repeat("ä", 300) + "\r\n550 5.1.1 " + long: "550 5.1.1 " + strings.Repeat("ä", 249) + "…",
	} {
		r := listen(t, func(p *peer) {
			p.greet()
			p.hear(3)
			p.say("250 a", reply, "554 c")
			p.rest()
		})
		outcomes, err := deliver(t, dial(t, r), "a@x")
		o := outcomes[0]
		if got := strings.TrimSuffix(strings.TrimPrefix(o.String(), "refused: "), " (RCPT)"); got != want || err != nil {
			t.Errorf("%.80q: %q, %v", reply, got, err)
		}
	}
}

// TestABodyThatIsCutShortIsNotHandedOver stops reading in the middle of a body that is larger than
// what the system takes over.
func TestABodyThatIsCutShortIsNotHandedOver(t *testing.T) {
	t.Parallel()
	large := mailer.Message{From: "s@x", To: "a@x", Body: []byte(strings.Repeat(strings.Repeat("x", 998)+"\r\n", 32<<10))}
	for name, c := range map[string]struct {
		end  func(p *peer, over chan bool)
		want string
	}{
		"cut off": {
			func(p *peer, _ chan bool) { _ = p.Conn.(*net.TCPConn).SetLinger(0) },
			"not handed over: the server cut the connection off (BODY) [server]",
		},
		"no time left": {
			func(_ *peer, over chan bool) { <-over },
			"not handed over: the server did not answer in time (BODY) [server]",
		},
		"refused in the middle": {
			func(p *peer, over chan bool) { p.say("552 5.3.4 too large"); <-over },
			"refused: 552 5.3.4 too large (BODY) [recipient]",
		},
		"421 in the middle": {
			func(p *peer, over chan bool) { p.say("421 4.3.2 down"); <-over },
			"not handed over: 421 4.3.2 down (BODY) [server]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan bool)
			r := listen(t, func(p *peer) {
				p.greet()
				p.hear(3)
				p.say("250 a", "250 b", "354 c")
				p.hear(1)
				c.end(p, over)
			})
			r.WriteTimeout = time.Second / 4
			outcomes, err := deliverAll(t, t.Context(), dial(t, r), mailer.Burst{
				Count: 2, Message: func(int) (mailer.Message, error) { return large, nil },
			})
			close(over)
			if diff := cmp.Diff(c.want, lines(outcomes)[0]); diff != "" || err == nil || !outcomes[1].Untried() {
				t.Error(diff, err, outcomes[1])
			}
		})
	}
}
