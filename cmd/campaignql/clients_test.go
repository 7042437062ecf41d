package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// legacyClients are the scripts in testdata/clients, which are written only from the legacy
// reference. Each script gets the URL of a server, a user name, a password and a key. It takes a
// campaign through its whole life, checks every response and prints "done".
var legacyClients = []struct {
	script string
	// interpreter runs the script. With the arguments probe it exits with 0 if it has all that the
	// script needs.
	interpreter string
	probe       []string
}{
	{"curl.php", "php", []string{"-r", `exit(extension_loaded("curl") ? 0 : 1);`}},
	{"plain.php", "php", []string{"-r", `exit(ini_get("allow_url_fopen") ? 0 : 1);`}},
	{"client.rb", "ruby", []string{"-rjson", "-rnet/http", "-rtime", "-e", ""}},
	{"client.py", "python3", []string{"-c", "import urllib.request, xml.etree.ElementTree"}},
	{"client.mjs", "node", []string{"-e", "process.exit(typeof fetch === 'function' ? 0 : 1)"}},
	{"form.sh", "bash", []string{"-c", "curl --version"}},
	{"multipart.sh", "bash", []string{"-c", "curl --version"}},
}

func TestClientsOfTheLegacyAPIWorkUnchanged(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		s := start(t, address, "--login-failures", "1000") // all clients send failing logins from one address
		sender := newSender(t, address)
		t.Run("clients", func(t *testing.T) {
			for _, client := range legacyClients {
				t.Run(client.script, func(t *testing.T) {
					t.Parallel()
					probe := exec.CommandContext(t.Context(), client.interpreter, client.probe...)
					if out, err := probe.CombinedOutput(); err != nil {
						testkit.Missing(t, fmt.Sprintf(
							"%s cannot run: %s %s: %v %s",
							client.script, client.interpreter, strings.Join(client.probe, " "), err, out,
						))
					}
					user := newUser(t, address, strings.ReplaceAll(client.script, ".", "-"))
					script := filepath.Join("testdata", "clients", client.script)
					command := exec.Command(
						client.interpreter, script, s.URL, user.Username, user.Password, user.APIKey,
					)
					runClient(t, command, func(id int64) error { return sender.begin(t.Context(), user.UserID, id) })
				})
			}
		})
		s.terminate(t)
		if status := s.wait(t); status != 0 {
			t.Errorf("the server ended with %d", status)
		}
		if bytes.Contains(s.log.Bytes(), []byte(`"level":"ERROR"`)) {
			t.Error("a client met a fault of the server")
		}
	})
}

// runClient runs a script to its end. When the script prints "SENDING 12", runClient calls send for
// campaign 12 and answers with one line.
func runClient(t *testing.T, command *exec.Cmd, send func(campaignID int64) error) {
	t.Helper()
	command.Env = environ()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(3*patience, func() { _ = command.Process.Kill() })
	defer overdue.Stop()

	var sent, done int
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		number, asks := strings.CutPrefix(lines.Text(), "SENDING ")
		switch {
		case asks:
			sent++
			if err := answer(stdin, number, send); err != nil {
				t.Error(err)
				stdin.Close() // without an answer the script ends
			}
		case lines.Text() == "done":
			done++
		default:
			t.Errorf("the client prints %q", lines.Text())
		}
	}
	if err := command.Wait(); err != nil || stderr.Len() > 0 {
		t.Fatalf("the client ended with %v\n%s", err, stderr.String())
	}
	if sent != 1 || done != 1 {
		t.Errorf("the client asked %d times for sending and was done %d times", sent, done)
	}
}

func answer(stdin io.Writer, number string, send func(campaignID int64) error) error {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return err
	}
	if err := send(id); err != nil {
		return fmt.Errorf("sending campaign %d: %w", id, err)
	}
	_, err = io.WriteString(stdin, "sending\n")
	return err
}

// sender starts the sending of campaigns, like another process that shares the database of the
// server.
type sender struct {
	db        *store.Store
	campaigns *campaign.Service
}

func newSender(t *testing.T, address string) *sender {
	t.Helper()
	db := testkit.Open(t, address)
	return &sender{db, campaign.New(db, content.New(db, content.Options{}), campaign.Options{})}
}

// begin changes a campaign to Sending and sets counters: four mails sent, three opens of one mail,
// one hard bounce and two soft bounces.
func (s *sender) begin(ctx context.Context, userID, campaignID int64) error {
	ctx = caller.With(ctx, caller.Identity{
		UserID: userID, Role: kind.RoleUser, Reputation: kind.ReputationTrusted,
		TimeZone: "UTC", Surface: kind.SurfaceCLI,
		Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite, kind.ScopeDelivery},
	})
	patch := campaign.Patch{Status: new(kind.StatusSending)}
	updated, err := s.campaigns.Update(ctx, campaign.Call{ID: campaignID}, patch)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		err := client.Campaign.UpdateOneID(campaignID).
			SetTotalRecipients(9).SetTotalSent(4).SetTotalDelivered(1).
			SetTotalOpens(3).SetUniqueOpens(1).SetTotalHardBounces(1).SetTotalSoftBounces(2).
			Exec(ctx)
		if err != nil {
			return err
		}
		return client.HourlyCounter.Create().
			SetUserID(userID).SetCampaignID(campaignID).SetHour(updated.Campaign.SendingStartedAt.Truncate(time.Hour)).
			SetSent(4).SetDelivered(1).SetOpens(3).SetUniqueOpens(1).SetHardBounces(1).SetSoftBounces(2).
			Exec(ctx)
	})
}
