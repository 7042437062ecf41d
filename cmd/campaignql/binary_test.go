package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"campaignql/internal/store"
	"campaignql/internal/testkit/program"
)

// patience is how long a process may take for one step before the test fails.
const patience = 20 * time.Second

// environ returns the environment for a program under test, without the CAMPAIGNQL_ settings of the
// person who runs the tests.
func environ() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CAMPAIGNQL_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// newUser creates an account with the program. The program generates the password.
func newUser(t *testing.T, address, name string) createdUser {
	t.Helper()
	command := exec.CommandContext(
		t.Context(), program.Path(t), "user", "create", "--sender", "external",
		"--database", address, "--username", name, "--email", name+"@example.com",
	)
	command.Env = environ()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("user create: %v\n%s", err, stderr.String())
	}
	var user createdUser
	if err := json.Unmarshal(out, &user); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return user
}

// newKey creates an account and returns its key.
func newKey(t *testing.T, address, name string) string {
	t.Helper()
	return newUser(t, address, name).APIKey
}

// server is a running `campaignql serve`.
type server struct {
	URL     string
	process *os.Process
	// exited is closed when the process has ended; only then may status and log be read.
	exited chan struct{}
	status *os.ProcessState
	log    bytes.Buffer
}

// begin starts a server on a free port and does not wait for it. greeted receives its URL. The
// server is killed at the end of the test.
func begin(t *testing.T, address string, flags ...string) (s *server, greeted <-chan string) {
	t.Helper()
	args := []string{"serve", "--database", address, "--listen", "127.0.0.1:0", "--log-format", "json"}
	args = append(args, flags...)
	command := exec.Command(program.Path(t), args...)
	command.Env = environ()
	s = &server{exited: make(chan struct{})}
	command.Stderr = &s.log
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
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if address, ok := strings.CutPrefix(lines.Text(), "campaignql serves "); ok {
				urls <- address
			}
		}
		_ = command.Wait() // ProcessState contains the result
		s.status = command.ProcessState
	}()
	t.Cleanup(func() {
		_ = s.process.Kill()
		<-s.exited
		if t.Failed() {
			t.Logf("server: %v\n%s", s.status, s.log.String())
		}
	})
	return s, urls
}

// ready waits until a server that begin started prints its greeting.
func (s *server) ready(t *testing.T, greeted <-chan string) *server {
	t.Helper()
	select {
	case s.URL = <-greeted:
	case <-s.exited:
		t.Fatalf("the server ended before it served: %v\n%s", s.status, s.log.String())
	case <-time.After(patience):
		t.Fatal("the server did not greet")
	}
	return s
}

// start starts a server and waits until it serves.
func start(t *testing.T, address string, flags ...string) *server {
	t.Helper()
	s, greeted := begin(t, address, flags...)
	return s.ready(t, greeted)
}

// kill ends the process without notice. For the process this is like a crash of the machine.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	s.wait(t)
}

func (s *server) terminate(t *testing.T) {
	t.Helper()
	if err := s.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// wait waits until the process has ended and returns its exit status, or -1 if it was killed.
func (s *server) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		t.Fatal("the server did not end")
	}
	return s.status.ExitCode()
}

// host returns the address on which the server listens.
func (s *server) host() string { return strings.TrimPrefix(s.URL, "http://") }

// refusesConnections waits until the server refuses connections.
func (s *server) refusesConnections(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		connection, err := net.Dial("tcp", s.host())
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			connection.Close()
		}
	}
	t.Fatal("the server still takes connections")
}

// created is the part of a response that names a new campaign; it fits both surfaces.
type created struct {
	Data struct {
		CreateCampaign struct {
			Campaign struct {
				LegacyID json.Number `json:"legacyId"`
			}
		}
	}
	CampaignID json.Number
}

// post sends a request and decodes the complete response into answer.
func post(ctx context.Context, client *http.Client, target, contentType, key, body string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	return nil
}

// createByGraphQL creates a campaign and returns its number.
func (s *server) createByGraphQL(ctx context.Context, client *http.Client, key, name string) (string, error) {
	var answer created
	err := post(ctx, client, s.URL+"/graphql", "application/json", key, createDocument(name), &answer)
	return acknowledged(answer.Data.CreateCampaign.Campaign.LegacyID, err)
}

// createDocument returns the body of a request that creates a campaign.
func createDocument(name string) string {
	body, err := json.Marshal(map[string]any{
		"query": `mutation($name: String!) {
			createCampaign(input: {name: $name}) { campaign { legacyId } userErrors { message } }
		}`,
		"variables": map[string]string{"name": name},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// createByCommand does the same as createByGraphQL over the legacy API.
func (s *server) createByCommand(ctx context.Context, client *http.Client, key, name string) (string, error) {
	var answer created
	form := url.Values{"Command": {"Campaign.Create"}, "CampaignName": {name}}
	err := post(ctx, client, s.URL+"/api.php", "application/x-www-form-urlencoded", key, form.Encode(), &answer)
	return acknowledged(answer.CampaignID, err)
}

func acknowledged(id json.Number, err error) (string, error) {
	if err == nil && id == "" {
		err = errors.New("an answer without a campaign")
	}
	return id.String(), err
}

// campaigns returns the ids of all campaigns that have the history entry of their creation. halves
// counts incomplete ones: campaigns without that entry, and entries without their campaign.
func campaigns(t *testing.T, address string) (whole map[string]bool, halves int) {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Each check is one statement, so that it sees one state of the database.
	pool := db.Pools()[0]
	const half = `SELECT (
			SELECT COUNT(*) FROM campaigns c
			LEFT JOIN campaign_changes h ON h.campaign_id = c.id AND h.version = 1 WHERE h.id IS NULL)
		+ (SELECT COUNT(*) FROM campaign_changes h LEFT JOIN campaigns c ON c.id = h.campaign_id WHERE c.id IS NULL)`
	if err := pool.QueryRowContext(t.Context(), half).Scan(&halves); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.QueryContext(t.Context(), `SELECT c.id FROM campaigns c
		JOIN campaign_changes h ON h.campaign_id = c.id AND h.version = 1 AND h.action = 'create'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	whole = map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		whole[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return whole, halves
}
