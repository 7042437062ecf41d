package sending

import (
	"sync"
	"time"

	"campaignql/internal/mailer"
)

// The breaker opens after this many faults of the server in a row, and at once if the login is
// refused. It stays open for shortestBreak, then twice as long, up to longestBreak.
const (
	faultsToOpen  = 5
	shortestBreak = time.Minute
	longestBreak  = 15 * time.Minute
	// pausedAfter is how long the way may be closed before campaigns are paused.
	pausedAfter = 30 * time.Minute
	// policyReplies is how many last replies are judged: if half of them refuse mail for its policy,
	// campaigns are paused.
	policyReplies = 200
)

// breaker keeps the sender away from a mail server that is down or refuses everything. It is about the
// way from this process, so it is kept in memory.
type breaker struct {
	mutex  sync.Mutex
	faults int
	pause  time.Duration
	// until is when the next attempt is allowed; since when the way has been closed.
	until, since time.Time
	last         *mailer.Fault
	policy       [policyReplies]bool
	replies      int
}

func newBreaker() *breaker { return new(breaker) }

// fault counts a fault of the server.
func (b *breaker) fault(f *mailer.Fault, now time.Time) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.last = f
	b.faults++
	if b.since.IsZero() {
		b.since = now
	}
	if now.Before(b.until) || f.Step != mailer.StepAuth && b.faults < faultsToOpen {
		return
	}
	b.pause = min(max(2*b.pause, shortestBreak), longestBreak)
	b.until = now.Add(b.pause)
}

// reply counts a reply of the server to a message: the way is open.
func (b *breaker) reply(o mailer.Outcome) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.faults, b.pause, b.until, b.since, b.last = 0, 0, time.Time{}, time.Time{}, nil
	b.policy[b.replies%policyReplies] = o.Policy()
	b.replies++
}

// state is what the breaker knows at a moment.
type state struct {
	// last is the last fault since the way was open, or nil.
	last *mailer.Fault
	// until is when the next attempt is allowed; zero if it is allowed now.
	until time.Time
	// pauses says why campaigns must be paused, or is empty.
	pauses string
}

func (b *breaker) state(now time.Time) state {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	s := state{last: b.last}
	if now.Before(b.until) {
		s.until = b.until
	}
	if !b.since.IsZero() && now.Sub(b.since) >= pausedAfter && b.last != nil {
		s.pauses = "the mail server could not be reached for 30 minutes: " + b.last.Error()
	}
	refused := 0
	for _, policy := range b.policy {
		if policy {
			refused++
		}
	}
	if 2*refused >= policyReplies {
		s.pauses = "the mail server refuses half of the messages for reasons of policy"
		b.policy = [policyReplies]bool{} // judged anew after a resume
	}
	return s
}
