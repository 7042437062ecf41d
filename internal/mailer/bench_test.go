package mailer_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"campaignql/internal/mailer"
)

// startProcess starts the sink in a process of its own, so that the CPU time of this one is the
// client's alone.
func startProcess(b *testing.B, arguments ...string) (address string) {
	b.Helper()
	program := filepath.Join(b.TempDir(), "sink")
	build := exec.CommandContext(b.Context(), "go", "build", "-o", program, "campaignql/internal/testkit/smtpsink/cmd")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	command := exec.CommandContext(b.Context(), program, append(arguments, "-discard")...)
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// cpu returns the CPU time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// letter is a message of about 10 KB, as newsletters have.
var letter = []byte("Message-ID: <a@x>\r\nSubject: News\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 135))

// sender sends count messages over one connection.
type sender func(b *testing.B, address string, count int)

func byMailer(noPipelining bool) sender {
	return func(b *testing.B, address string, count int) {
		host, port, _ := strings.Cut(address, ":")
		number, _ := strconv.Atoi(port)
		c, err := mailer.Dial(b.Context(), mailer.Route{
			Host: host, Port: number, NoPipelining: noPipelining, Messages: count,
		})
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		err = c.Deliver(b.Context(), mailer.Burst{
			Count:   count,
			Message: func(int) (mailer.Message, error) { return mailer.Message{From: "s@x", To: "a@x", Body: letter}, nil },
			Done: func(_ int, o mailer.Outcome) {
				if o.Kind != mailer.Accepted {
					b.Error(o)
				}
			},
		})
		if err != nil {
			b.Error(err)
		}
	}
}

func byGoSMTP(b *testing.B, address string, count int) {
	c, err := smtp.Dial(address)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	for range count {
		if err := c.SendMail("s@x", []string{"a@x"}, bytes.NewReader(letter)); err != nil {
			b.Error(err)
			return
		}
	}
}

var senders = []struct {
	name string
	send sender
}{{"pipelining", byMailer(false)}, {"step by step", byMailer(true)}, {"go-smtp", byGoSMTP}}

// BenchmarkMessage sends over loopback, one connection per 100 messages. cpu-µs/op is the CPU time
// of the client alone.
func BenchmarkMessage(b *testing.B) {
	address := startProcess(b)
	for _, s := range senders {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b)
			for left := b.N; left > 0; left -= 100 {
				s.send(b, address, min(left, 100))
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkRoundTrip sends over 8 connections to a server that is 20 ms away.
func BenchmarkRoundTrip(b *testing.B) {
	address := startProcess(b, "-round-trip", "20ms")
	for _, s := range senders {
		b.Run(s.name, func(b *testing.B) {
			var left atomic.Int64
			left.Store(int64(b.N))
			var connections sync.WaitGroup
			for range 8 {
				connections.Go(func() {
					for {
						count := min(left.Add(-100)+100, 100)
						if count <= 0 {
							return
						}
						s.send(b, address, int(count))
					}
				})
			}
			connections.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkMany sends over 1 to 8 connections as fast as the sink takes it.
func BenchmarkMany(b *testing.B) {
	address := startProcess(b)
	for _, connections := range []int{1, 2, 8} {
		b.Run(fmt.Sprint(connections), func(b *testing.B) {
			var running sync.WaitGroup
			for range connections {
				running.Go(func() { byMailer(false)(b, address, (b.N+connections-1)/connections) })
			}
			running.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
