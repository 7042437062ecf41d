package main

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

// startTimeout bounds how long a server may take to say where it listens.
const startTimeout = 30 * time.Second

// clockTick is the unit of processor time in /proc/PID/stat, which Linux fixes for programs at 100 a second.
const clockTick = time.Second / 100

// build builds the product as a release is built.
func build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "campaignql")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "campaignql/cmd/campaignql")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, output)
	}
	return binary, nil
}

// child is a server that runs as a child process.
type child struct {
	command *exec.Cmd
	// address is the host and port it listens on.
	address string
	logged  *output
}

// output keeps what a child logs, to be told when it fails.
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

// maxConnections is the size of the pool of both servers.
const maxConnections = 32

// startServer starts the product on a database, with its defaults for all that both servers do not need to share.
func startServer(ctx context.Context, binary, database string) (*child, error) {
	return start(ctx, database, binary, "serve", "--listen", "127.0.0.1:0", "--max-connections", strconv.Itoa(maxConnections))
}

// startLimit starts this program as the handler written by hand.
func startLimit(ctx context.Context, database string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, database, self, "-raw", database)
}

// start returns when the server has said where it listens: the last word of its first line is a URL.
func start(ctx context.Context, database, name string, args ...string) (*child, error) {
	c := &child{command: exec.CommandContext(ctx, name, args...), logged: new(output)}
	c.command.Env = append(os.Environ(), "CAMPAIGNQL_DATABASE="+database)
	c.command.Stderr = c.logged
	printed, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	slow := time.AfterFunc(startTimeout, func() { _ = c.command.Process.Kill() })
	defer slow.Stop()
	lines := bufio.NewReader(printed)
	first, err := lines.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s %s did not start: %s", name, strings.Join(args, " "), c.logged), c.stop())
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	_, c.address, _ = strings.Cut(strings.TrimSpace(first), "http://")
	return c, nil
}

// stop kills the child and waits for its end.
func (c *child) stop() error {
	if err := c.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	var killed *exec.ExitError
	if err := c.command.Wait(); err != nil && !errors.As(err, &killed) {
		return err
	}
	return nil
}

// memory returns the resident memory of the child in bytes.
func (c *child) memory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.command.Process.Pid))
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

// processor returns the processor time that the child has used so far.
func (c *child) processor() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name of the program, in parentheses, may hold blanks. After it utime is the 12th field and stime the 13th.
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat cannot be understood")
	}
	user, userErr := strconv.ParseInt(fields[11], 10, 64)
	system, systemErr := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(userErr, systemErr)
}
