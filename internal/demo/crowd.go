package demo

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"campaignql/ent/campaignrun"
	"campaignql/internal/caller"
	"campaignql/internal/capture"
	events "campaignql/internal/event"
	"campaignql/internal/kind"
	sender "campaignql/internal/sending"
	"campaignql/internal/tracking"
)

// CrowdServices are what a Crowd acts through.
type CrowdServices struct {
	Events  *events.Service
	Sending *sender.Service
	Links   *tracking.Links
	Leaving *tracking.Service
}

// Crowd are the people of the demo account. They have mailboxes: a few of them do not exist, and a few
// are full at first. Who gets a campaign opens it, clicks, bounces or leaves within the next minute.
// What somebody does is always the same for the same run.
type Crowd struct {
	services CrowdServices
	// account is the demo account: the crowd does not act on the mail of others.
	account caller.Identity
	log     *slog.Logger

	acting sync.WaitGroup
	ending context.Context
	end    context.CancelFunc

	mutex sync.Mutex
	// full are the mailboxes that have refused a mail because they were full. They were cleared since.
	full map[string]bool
}

// NewCrowd returns the people of an account that Ensure has returned. End ends them.
func NewCrowd(ctx context.Context, of Account, services CrowdServices, log *slog.Logger) *Crowd {
	c := &Crowd{services: services, account: of.identity, log: log, full: map[string]bool{}}
	c.ending, c.end = context.WithCancel(caller.With(context.WithoutCancel(ctx), of.identity))
	return c
}

// End makes the people stop. What they have not done yet they never do.
func (c *Crowd) End() {
	c.end()
	c.acting.Wait()
}

// Refuse answers for a mailbox when mail for it comes. One mailbox in fifty does not exist, and one in
// fifty is full until its owner has cleared it, which the first refused mail makes them do.
func (c *Crowd) Refuse(to string) *capture.Refusal {
	to = strings.ToLower(to)
	switch drawn := draw("mailbox", to); {
	case drawn < 0.02:
		return &capture.Refusal{Code: 550, Enhanced: "5.1.1", Text: "There is no such mailbox here"}
	case drawn < 0.04:
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if !c.full[to] {
			c.full[to] = true
			return &capture.Refusal{Code: 552, Enhanced: "5.2.2", Text: "The mailbox is full"}
		}
	}
	return nil
}

// fate is what a person makes of a mail.
type fate struct {
	opens, clicks, leaves, bounces bool
}

func fateOf(to string, runID int64) fate {
	run := fmt.Sprint(runID)
	if draw("bounce", run, to) < 0.01 {
		return fate{bounces: true}
	}
	f := fate{opens: draw("open", run, to) < 0.45}
	f.clicks = f.opens && draw("click", run, to) < 0.3
	f.leaves = f.opens && draw("leave", run, to) < 0.03
	return f
}

// draw returns a number from 0 up to 1 that depends on the words alone.
func draw(words ...string) float64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(strings.Join(words, "\x00")))
	mixed := sum.Sum64() * 0x9e3779b97f4a7c15 // similar words must not have similar numbers
	return float64((mixed^mixed>>31)>>11) / (1 << 53)
}

// Receive tells the crowd of a message that one of them got.
func (c *Crowd) Receive(m *capture.Message) {
	link, err := url.Parse(m.Unsubscribe)
	if err != nil || m.Unsubscribe == "" || c.services.Links == nil {
		return // a test, for example
	}
	runID, contactID, ok := c.services.Links.Parse(strings.TrimPrefix(link.Path, tracking.UnsubscribePath))
	if !ok {
		return
	}
	c.acting.Go(func() {
		if err := c.act(c.ending, m, runID, contactID); err != nil && !errors.Is(err, context.Canceled) {
			c.log.Debug("somebody of the demo could not act", slog.String("address", m.To), slog.Any("error", err))
		}
	})
}

// act does what the recipient of a message does, one thing after the other. On mail of another account
// it does nothing.
func (c *Crowd) act(ctx context.Context, m *capture.Message, runID, contactID int64) error {
	runs, err := c.services.Sending.RunsByIDs(ctx, []int64{runID}, campaignrun.FieldCampaignID)
	if err != nil || runs[runID] == nil {
		return err // of another account
	}
	run := fmt.Sprint(runID)
	wait := func(name string, least, most time.Duration) error {
		return sleep(ctx, least+time.Duration(draw(name, run, m.To)*float64(most-least)))
	}
	p := recipient{Crowd: c, runID: runID, contactID: contactID, campaignID: runs[runID].CampaignID}
	does := fateOf(m.To, runID)
	if does.bounces {
		if err := wait("bounced", 2*time.Second, 10*time.Second); err != nil {
			return err
		}
		return p.record(ctx, events.Event{Kind: kind.EventSoftBounced, Reason: softBounceReason})
	}
	if !does.opens {
		return nil
	}
	if err := wait("opened", 2*time.Second, 40*time.Second); err != nil {
		return err
	}
	agent := userAgents[int(draw("agent", m.To)*float64(len(userAgents)))]
	if err := p.record(ctx, events.Event{Kind: kind.EventOpened, UserAgent: agent}); err != nil {
		return err
	}
	if does.clicks {
		if err := wait("clicked", time.Second, 10*time.Second); err != nil {
			return err
		}
		link := chosen(m, draw("link", run, m.To))
		if err := p.record(ctx, events.Event{Kind: kind.EventClicked, UserAgent: agent, URL: link}); err != nil {
			return err
		}
	}
	if !does.leaves {
		return nil
	}
	if err := wait("left", time.Second, 10*time.Second); err != nil {
		return err
	}
	_, err = c.services.Leaving.Leave(ctx, runID, contactID) // as the link does
	return err
}

// recipient is somebody who got the mail of a run.
type recipient struct {
	*Crowd
	runID, contactID, campaignID int64
}

// record records an event of the recipient, as a mailer of the account would.
func (r recipient) record(ctx context.Context, e events.Event) error {
	e.ID = fmt.Sprintf("demo/%s/%d/%d", e.Kind, r.runID, r.contactID)
	e.CampaignID, e.ContactID = r.campaignID, r.contactID
	e.At = time.Now().UTC().Format(time.RFC3339Nano)
	results, err := r.services.Events.Record(ctx, []events.Event{e})
	if err != nil {
		return err
	}
	if fault := results[0].Err; fault != nil {
		return fault
	}
	return nil
}

var linkPattern = regexp.MustCompile(`href="(https?://[^"]+)"`)

// chosen returns a link of a message, the upper ones more often. It is empty if there is none.
func chosen(m *capture.Message, drawn float64) string {
	html, _ := m.Texts()
	var links []string
	for _, found := range linkPattern.FindAllStringSubmatch(html, -1) {
		if !strings.Contains(found[1], tracking.UnsubscribePath) {
			links = append(links, found[1])
		}
	}
	if len(links) == 0 {
		return ""
	}
	return links[int(drawn*drawn*float64(len(links)))]
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
