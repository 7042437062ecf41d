// Package bed is the common base of the benchmarks. It builds the product, runs servers as child
// processes and reads their memory and processor time, and creates and drops databases. It measures
// nothing itself. Only benchmarks import it.
package bed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// startTimeout bounds the time until a server prints its address.
const startTimeout = 30 * time.Second

// clockTick is the unit of processor time in /proc/PID/stat. On Linux it is always 1/100 s for user
// programs.
const clockTick = time.Second / 100

// Build builds the product like a release.
func Build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "campaignql")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary,
		"campaignql/cmd/campaignql")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, output)
	}
	return binary, nil
}

// Process is a server that runs as a child process.
type Process struct {
	command *exec.Cmd
	// Address is the host and port on which the server listens.
	Address string
	logged  *output
}

// output collects the log of a child process, for the error message if the child fails.
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

// Serve starts the product on a database and a free port, with additional arguments for `campaignql
// serve`.
func Serve(ctx context.Context, binary, database string, args ...string) (*Process, error) {
	return Start(ctx, database, binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

// Start starts a program on a database. It returns when the program has printed its first line,
// which must end with a URL.
func Start(ctx context.Context, database, name string, args ...string) (*Process, error) {
	p := &Process{command: exec.CommandContext(ctx, name, args...), logged: new(output)}
	p.command.Env = append(os.Environ(), "CAMPAIGNQL_DATABASE="+database)
	p.command.Stderr = p.logged
	printed, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	slow := time.AfterFunc(startTimeout, func() { _ = p.command.Process.Kill() })
	defer slow.Stop()
	lines := bufio.NewReader(printed)
	first, err := lines.ReadString('\n')
	if err != nil {
		err := fmt.Errorf("%s %s did not start: %s", name, strings.Join(args, " "), p.logged)
		return nil, errors.Join(err, p.Stop())
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	_, p.Address, _ = strings.Cut(strings.TrimSpace(first), "http://")
	return p, nil
}

// Logged returns the log of the child so far.
func (p *Process) Logged() string { return p.logged.String() }

// Stop kills the child and waits until it has ended.
func (p *Process) Stop() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	var killed *exec.ExitError
	if err := p.command.Wait(); err != nil && !errors.As(err, &killed) {
		return err
	}
	return nil
}

// Memory returns the resident memory of the child in bytes.
func (p *Process) Memory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/PID/status has no VmRSS")
}

// Processor returns the processor time that the child has used so far.
func (p *Process) Processor() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field is the program name in parentheses, which may contain blanks. After it,
	// utime is the 12th field and stime the 13th.
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat cannot be understood")
	}
	user, userErr := strconv.ParseInt(fields[11], 10, 64)
	system, systemErr := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(userErr, systemErr)
}

// LoadAverage returns the load average of the last minute, or "unknown".
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
