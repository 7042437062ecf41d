package mailer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/mailer"
	"campaignql/internal/testkit/smtpsink"
)

// randomOrders are what addresses of the referee ask for, beside success. Those that end a
// connection are rarer.
var randomOrders = []string{
	"rcpt-550-5.1.1", "rcpt-451-4.7.1-x1", "rcpt-450", "rcpt-slow", "rcpt-503-5.5.1", "data-451-4.3.0", "data-554-5.7.1",
	"dot-451-4.7.1", "dot-552-5.3.4", "dot-450-x1", "rcpt-550-5.1.1", "rcpt-450", "dot-slow",
	"rcpt-drop", "rcpt-421-4.3.2", "data-421", "data-drop", "body-drop", "dot-drop", "dot-takedrop", "dot-421",
	"rcpt-silent", "dot-silent", "dot-takesilent",
}

var randomSenders = []string{"mail-550-5.7.1", "mail-451", "mail-421", "mail-drop"}

// TestTheLogAgreesWithEveryOutcome is the referee: random servers, messages and ends of connections.
// A message that was accepted is in the log of the sink exactly once, and one that was deferred,
// refused or not handed over is not. Only what is in doubt may be either.
func TestTheLogAgreesWithEveryOutcome(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	connectionsOfEach, messages := 8, 2000
	if testing.Short() {
		connectionsOfEach, messages = 4, 640
	}
	var kinds sync.Map
	var servers sync.WaitGroup
	for n := range 8 {
		options := smtpsink.Options{
			Script: smtpsink.ByLocalPart, NoPipelining: n&1 != 0, GrantData: n&2 != 0, PerConnection: 40,
		}
		if n&4 != 0 {
			options.TLS = smtpsink.StartTLS
		}
		s := smtpsink.Start(t, options)
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		servers.Go(func() { referee(t, s, random, connectionsOfEach, messages/8, &kinds) })
	}
	servers.Wait()
	for _, kind := range []mailer.Kind{
		mailer.Accepted, mailer.Deferred, mailer.Refused, mailer.NotHandedOver, mailer.InDoubt,
	} {
		if _, met := kinds.Load(kind); !met {
			t.Errorf("no message was %s: the referee has lost sight of it", kind)
		}
	}
}

// attempt is a message of the referee and its outcome.
type attempt struct {
	id      string
	outcome mailer.Outcome
}

// referee sends messages to a sink over several connections at once and compares its log.
func referee(t *testing.T, s *smtpsink.Sink, random *rand.Rand, connections, messages int, kinds *sync.Map) {
	var mu sync.Mutex
	var attempts []attempt
	var senders sync.WaitGroup
	for n := range connections {
		random := rand.New(rand.NewPCG(random.Uint64(), uint64(n)))
		senders.Go(func() {
			mine := sendRandomly(t, s, random, n, messages/connections)
			mu.Lock()
			attempts = append(attempts, mine...)
			mu.Unlock()
		})
	}
	senders.Wait()
	s.Close() // the log is complete
	copies := map[string]int{}
	for _, e := range s.Log() {
		copies[e.MessageID]++
	}
	for _, a := range attempts {
		kinds.Store(a.outcome.Kind, true)
		switch got := copies[a.id]; {
		case a.outcome.Kind == mailer.Accepted && got != 1, got > 1,
			a.outcome.Kind != mailer.Accepted && a.outcome.Kind != mailer.InDoubt && got != 0:
			t.Errorf("%s is %s, and the sink took it %d times", a.id, a.outcome, got)
		}
		delete(copies, a.id)
	}
	if len(copies) > 0 {
		t.Errorf("the sink has %v, which nobody sent", copies)
	}
}

// sendRandomly sends messages in bursts of random size and dials again when a connection ended. A
// message that is untried is sent again, as a sender would.
func sendRandomly(t *testing.T, s *smtpsink.Sink, random *rand.Rand, sender, messages int) []attempt {
	r := route(s)
	r.ReplyTimeout, r.FinalTimeout, r.Messages = 3*time.Second/2, 3*time.Second/2, 1+random.IntN(60)
	var attempts []attempt
	var queue []mailer.Message
	for i := range messages {
		to, from := fmt.Sprintf("m%d.%d@x", sender, i), "s@x"
		if random.IntN(3) == 0 {
			order := randomOrders[random.IntN(len(randomOrders))]
			if strings.HasSuffix(order, "silent") && random.IntN(3) > 0 { // which takes time
				order = "dot-takedrop"
			}
			to = fmt.Sprintf("m%d.%d+%s@x", sender, i, order)
		}
		if random.IntN(30) == 0 {
			from = fmt.Sprintf("s%d.%d+%s@x", sender, i, randomSenders[random.IntN(len(randomSenders))])
		}
		m := message(from, to)
		m.Body = append(m.Body, make([]byte, random.IntN(3000))...)
		queue = append(queue, m)
	}
	var c *mailer.Conn
	failed := 0
	for len(queue) > 0 {
		if c == nil || c.MessagesLeft() == 0 {
			if c != nil {
				c.Close()
			}
			var err error
			if c, err = mailer.Dial(t.Context(), r); err != nil {
				if failed++; failed == 20 {
					t.Error(err)
					return attempts
				}
				c = nil // a busy machine may not answer in time
				continue
			}
		}
		burst := queue[:min(len(queue), 1+random.IntN(30))]
		var untried []mailer.Message
		outcomes, _ := deliverAll(t, t.Context(), c, mailer.Burst{
			Count:   len(burst),
			Message: func(i int) (mailer.Message, error) { return burst[i], nil },
		})
		for i, o := range outcomes {
			if o.Untried() {
				untried = append(untried, burst[i])
				continue
			}
			attempts = append(attempts, attempt{burst[i].To, o})
		}
		queue = append(untried, queue[len(burst):]...)
	}
	if c != nil {
		c.Close()
	}
	return attempts
}
