// Package limited runs the built server as a child process with a bounded data segment, and
// measures its memory. A test uses it to show that a load does not end the process. It needs Linux.
// Only tests import it.
package limited

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/testkit/program"
)

// DataLimit is the maximum size of the data segment of the server in bytes (RLIMIT_DATA): heap,
// stacks and the mappings of the runtime.
const DataLimit = 512 << 20

// startTimeout bounds the time until the server listens, including its migrations.
const startTimeout = 60 * time.Second

type Server struct {
	// URL is the base URL of the server, such as http://127.0.0.1:40001. Address is its host and
	// port, for raw connections.
	URL, Address string

	process *os.Process
	logged  *output
	// exited is closed when the process has ended. state may be read after that.
	exited chan struct{}
	state  *os.ProcessState
}

// Memory is the memory of the process in bytes, as counted by the kernel.
type Memory struct {
	// PeakResident is the maximum resident memory so far (VmHWM), Resident the current one (VmRSS).
	PeakResident, Resident int64
	// Data is the current size of the data segment (VmData), which DataLimit bounds. The Go runtime
	// never shrinks it.
	Data int64
}

func (m Memory) String() string {
	return fmt.Sprintf(
		"peak resident %d MiB, resident %d MiB, data %d MiB", m.PeakResident>>20, m.Resident>>20, m.Data>>20,
	)
}

// Start builds the program, starts `campaignql serve` on a database under DataLimit, and returns
// once the server listens. flags are additional arguments. When the test ends, the server is
// killed; if the test failed, its log is printed.
func Start(t testing.TB, database string, flags ...string) *Server {
	t.Helper()
	args := []string{"serve", "--database", database, "--listen", "127.0.0.1:0", "--log-format", "json"}
	args = append(args, flags...)
	// The shell lowers the limit (in KiB), and then replaces itself with the server.
	limit := fmt.Sprintf(`ulimit -d %d && exec "$0" "$@"`, DataLimit>>10)
	command := exec.Command("/bin/sh", append([]string{"-c", limit, binary(t)}, args...)...)
	command.Env = environ()
	s := &Server{logged: new(output), exited: make(chan struct{})}
	command.Stderr = s.logged
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = command.Process
	urls := make(chan string, 1)
	go func() {
		defer close(s.exited)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if url, ok := strings.CutPrefix(lines.Text(), "campaignql serves "); ok {
				urls <- url
			}
		}
		_ = command.Wait() // state contains the exit status
		s.state = command.ProcessState
	}()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("server: %v\n%s", s.state, s.Log())
		}
	})
	select {
	case s.URL = <-urls:
	case <-s.exited:
		t.Fatalf("the server ended before it listened: %v", s.state)
	case <-time.After(startTimeout):
		t.Fatal("the server does not listen")
	}
	s.Address = strings.TrimPrefix(s.URL, "http://")
	return s
}

// NewKey creates an account in a database and returns an API key of the account. It migrates the
// database first if needed.
func NewKey(t testing.TB, database, username string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary(t),
		"user", "create", "--database", database, "--username", username, "--email", username+"@example.com")
	command.Env = environ()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("user create: %v\n%s", err, stderr.String())
	}
	var user struct {
		APIKey string `json:"apiKey"`
	}
	if err := json.Unmarshal(out, &user); err != nil || user.APIKey == "" {
		t.Fatalf("user create printed no key: %v in %s", err, out)
	}
	return user.APIKey
}

// MustBeAlive fails the test if the process has ended or does not answer /healthz.
func (s *Server) MustBeAlive(t testing.TB) {
	t.Helper()
	select {
	case <-s.exited:
		t.Fatalf("the server ended: %v", s.state)
	default:
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(s.URL + "/healthz")
	if err != nil {
		t.Fatalf("the server does not answer: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("/healthz answers %d", response.StatusCode)
	}
}

// Memory returns the current memory of the server.
func (s *Server) Memory(t testing.TB) Memory {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Pid))
	if err != nil {
		t.Fatalf("the server has ended: %v", err)
	}
	var m Memory
	for name, into := range map[string]*int64{"VmHWM:": &m.PeakResident, "VmRSS:": &m.Resident, "VmData:": &m.Data} {
		_, after, found := strings.Cut(string(status), "\n"+name)
		size, _, _ := strings.Cut(after, "kB")
		kib, err := strconv.ParseInt(strings.TrimSpace(size), 10, 64)
		if !found || err != nil {
			t.Fatalf("/proc/%d/status has no %s", s.process.Pid, name)
		}
		*into = kib << 10
	}
	return m
}

// PID returns the process id of the server.
func (s *Server) PID() int { return s.process.Pid }

// Log returns what the server has logged so far.
func (s *Server) Log() string { return s.logged.String() }

// Stop kills the server and waits until it has ended. It may be called more than once.
func (s *Server) Stop() {
	if err := s.process.Kill(); err == nil || errors.Is(err, os.ErrProcessDone) {
		<-s.exited
	}
}

func binary(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("SKIPPED: a limit on the data segment and /proc need Linux, this is %s", runtime.GOOS)
	}
	return program.Path(t)
}

// environ returns the environment of the server: the environment of the test process without
// settings that change the server.
func environ() []string {
	var kept []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "CAMPAIGNQL_") && name != "GOGC" && name != "GOMEMLIMIT" {
			kept = append(kept, variable)
		}
	}
	return kept
}

// output collects the log of the server. Tests may read it concurrently.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
