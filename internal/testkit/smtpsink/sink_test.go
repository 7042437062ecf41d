package smtpsink_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit/smtpsink"
)

// send sends a message with the client of go-smtp, which others wrote.
func send(t *testing.T, c *smtp.Client, to ...string) error {
	t.Helper()
	return c.SendMail("s@x", to, strings.NewReader("Message-Id:  <one@x> \r\n\r\n.dot\r\n"))
}

// connect connects the client of go-smtp.
func connect(t *testing.T, address string) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAMessageStandsInTheLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	s := smtpsink.Start(t, smtpsink.Options{KeepBodies: true, LogFile: path})
	c := connect(t, s.Addr)
	for range 2 {
		if err := send(t, c, "a@x", "b@x"); err != nil {
			t.Fatal(err)
		}
	}
	log := s.Log()
	if len(log) != 4 || s.Count() != 2 || s.Connections() != 1 || s.Commands("MAIL") != 2 {
		t.Fatalf("%d entries, %d messages, %d connections", len(log), s.Count(), s.Connections())
	}
	e := log[1]
	if e.Address != "b@x" || e.From != "s@x" || e.MessageID != "one@x" || e.Connection != 1 || e.At.IsZero() ||
		string(e.Body) != "Message-Id:  <one@x> \r\n\r\n.dot\r\n" || e.Size != len(e.Body) {
		t.Errorf("%+v", e)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("a line that was cut"); err != nil {
		t.Fatal(err)
	}
	file.Close()
	read, err := smtpsink.ReadLog(path)
	if err != nil || len(read) != 4 || read[3].Address != "b@x" || read[3].MessageID != "one@x" ||
		!read[3].At.Equal(log[3].At) {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestAddressesSayWhatHappens(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{Script: smtpsink.ByLocalPart})
	for address, want := range map[string][]string{
		"a@x":                      {"", ""},
		"a+b@x":                    {"", ""},
		"a+rcpt-550-5.1.1@x":       {"550 5.1.1", "550 5.1.1"},
		"a+rcpt-451-4.7.1-x1@x":    {"451 4.7.1", ""},
		"b+dot-451-x2@x":           {"451 0.0.0", "451 0.0.0", ""},
		"a+data-554-5.7.1@x":       {"554 5.7.1"},
		"a+rcpt-slow+dot-slow@x":   {""},
		"a+mail-550@x":             {""}, // orders for MAIL are the sender's
		"a+rcpt-450-x1+dot-450@x":  {"450 0.0.0", "450 0.0.0"},
		"a+rcpt-nothing+dot-1-2@x": {""},
	} {
		for i, want := range want {
			c := connect(t, s.Addr)
			err := send(t, c, address)
			got := ""
			if reply, ok := err.(*smtp.SMTPError); ok {
				got = fmt.Sprintf("%d %d.%d.%d", reply.Code, reply.EnhancedCode[0], reply.EnhancedCode[1], reply.EnhancedCode[2])
			} else if err != nil {
				t.Error(err)
			}
			if got != want {
				t.Errorf("%s, time %d: %q, want %q", address, i+1, got, want)
			}
		}
	}
}

func TestWhatIsDroppedAfterTheLogWasTaken(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{Script: smtpsink.ByLocalPart})
	for _, order := range []string{"dot-takedrop", "dot-drop", "body-drop", "data-drop", "rcpt-drop"} {
		if err := send(t, connect(t, s.Addr), order+"+"+order+"@x"); err == nil {
			t.Errorf("%s: no error", order)
		}
	}
	var taken []string
	for _, e := range s.Log() {
		taken = append(taken, e.Address)
	}
	if diff := cmp.Diff([]string{"dot-takedrop+dot-takedrop@x"}, taken); diff != "" {
		t.Error(diff)
	}
}

// talk sends text and returns all replies.
func talk(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	replies, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for line := range strings.Lines(string(replies)) {
		if line[3] == ' ' {
			codes = append(codes, line[:3])
		}
	}
	return strings.Join(codes, " ")
}

// TestClientsThatBreakTheRulesAreCaught makes sure that the sink can find fault.
func TestClientsThatBreakTheRulesAreCaught(t *testing.T) {
	t.Parallel()
	const hello, envelope = "EHLO a\r\n", "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n"
	for name, c := range map[string]struct {
		options     smtpsink.Options
		text, codes string
		violation   string
	}{
		"nothing":  {smtpsink.Options{}, hello + "QUIT\r\n", "220 250 221", ""},
		"LF alone": {smtpsink.Options{}, "NOOP\nQUIT\r\n", "220 250 221", "LF alone"},
		"unknown":  {smtpsink.Options{}, "HELP\r\nQUIT\r\n", "220 500 221", "no command"},
		"nested": {
			smtpsink.Options{}, hello + envelope + envelope + "QUIT\r\n", "220 250 250 250 503 250 221", "MAIL within",
		},
		"no EHLO": {smtpsink.Options{}, envelope + "QUIT\r\n", "220 503 503 221", "before EHLO"},
		"ahead of replies": {
			smtpsink.Options{NoPipelining: true}, hello + envelope + "QUIT\r\n", "220 250 250 250 221", "ahead of the reply",
		},
		"ahead of DATA": {
			smtpsink.Options{}, hello + envelope + "DATA\r\nx\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221",
			"came behind DATA",
		},
		"parameter": {
			smtpsink.Options{}, hello + "MAIL FROM:<a@x> X=1\r\nQUIT\r\n", "220 250 250 221", "has the parameter",
		},
		"8BITMIME": {
			smtpsink.Options{No8BITMIME: true}, hello + "MAIL FROM:<a@x> BODY=8BITMIME\r\nQUIT\r\n", "220 250 250 221",
			"was not offered",
		},
		"lone dot": {
			smtpsink.Options{GrantData: true}, hello + "MAIL FROM:<a@x>\r\nDATA\r\n.\r\nMAIL FROM:<a@x>\r\nQUIT\r\n",
			"220 250 250 354 554 250 221", "",
		},
		"body for nobody": {
			smtpsink.Options{GrantData: true}, hello + "MAIL FROM:<a@x>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
			"220 250 250 354 554 221", "a body without a recipient",
		},
		"421": {
			smtpsink.Options{PerConnection: 1}, hello + envelope + "DATA\r\nx\r\n.\r\nMAIL FROM:<a@x>\r\n",
			"220 250 250 250 354 250 421", "came behind DATA",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := smtpsink.New(c.options)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if codes := talk(t, s.Addr, c.text); codes != c.codes {
				t.Errorf("the codes are %s, want %s", codes, c.codes)
			}
			found := strings.Join(s.Violations(), "; ")
			if found != "" && c.violation == "" || !strings.Contains(found, c.violation) {
				t.Errorf("found: %q, want %q", found, c.violation)
			}
		})
	}
}

func TestAClosedSinkRefusesConnections(t *testing.T) {
	t.Parallel()
	s := smtpsink.Start(t, smtpsink.Options{})
	c := connect(t, s.Addr)
	if err := c.Noop(); err != nil { // so that the sink has accepted the connection
		t.Fatal(err)
	}
	s.CutOff()
	if err := send(t, c, "a@x"); err == nil {
		t.Error("a connection that was cut off goes on")
	}
	s.Close()
	s.Close()
	if conn, err := net.Dial("tcp", s.Addr); err == nil {
		conn.Close()
		t.Error("a closed sink accepts connections")
	}
}

// TestTheProgramLogsForOthers runs the sink as a program and kills it.
func TestTheProgramLogsForOthers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	program, log := filepath.Join(folder, "sink"), filepath.Join(folder, "log")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	authority := filepath.Join(folder, "ca.pem")
	command := exec.CommandContext(t.Context(), program, "-log", log, "-greylist", "-authority", authority)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, strings.TrimSpace(line))
	if err := send(t, c, "a@x"); err == nil || !strings.Contains(err.Error(), "greylisted") {
		t.Errorf("the first attempt: %v", err)
	}
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := send(t, c, "a@x"); err != nil {
		t.Error(err)
	}
	if err := command.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	read, err := smtpsink.ReadLog(log)
	if err != nil || len(read) != 1 || read[0].Address != "a@x" {
		t.Errorf("%+v, %v", read, err)
	}
	if text, err := os.ReadFile(authority); err != nil || !bytes.Contains(text, []byte("BEGIN CERTIFICATE")) {
		t.Error(err)
	}
}

// BenchmarkSink is how fast a sink takes messages of 1 KB, which one client sends without waiting:
// the body of one with the envelope of the next in each write.
func BenchmarkSink(b *testing.B) {
	for name, options := range map[string]smtpsink.Options{
		"plain": {}, "discard": {Discard: true}, "file": {LogFile: filepath.Join(b.TempDir(), "log")},
		"script": {Script: smtpsink.ByLocalPart},
	} {
		b.Run(name, func(b *testing.B) {
			s := smtpsink.Start(b, options)
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			replies := func(n int) {
				for range n {
					if _, err := in.ReadSlice('\n'); err != nil {
						b.Fatal(err)
					}
				}
			}
			const envelope = "MAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n"
			if _, err := io.WriteString(conn, "HELO a\r\n"+envelope); err != nil {
				b.Fatal(err)
			}
			replies(5)
			turn := []byte("Message-ID: <a@x>\r\n\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 12) + ".\r\n" + envelope)
			for b.Loop() {
				if _, err := conn.Write(turn); err != nil {
					b.Fatal(err)
				}
				replies(4)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
