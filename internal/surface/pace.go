package surface

import (
	"cmp"
	"net/http"
	"time"

	"campaignql/internal/budget"
)

// defaultWriteRate is the minimum rate, in bytes per second, at which a client must read a response
// that is held in memory.
const defaultWriteRate = 32 << 10

// Pace limits how long a client may take to read a response that is held in memory, because a slow
// client would hold memory that others need. The time that the server needs between two writes does
// not count. Responses that hold at most budget.Free bytes, for example streamed ones, are not
// limited.
type Pace struct {
	// Held is the memory budget of the response.
	Held *budget.Budget
	// Timeout is the time that a client has in addition to the time given by Rate. Rate is in bytes
	// per second. A zero value selects the default.
	Timeout time.Duration
	Rate    int64

	written int64
	spent   time.Duration
}

// Write writes a part of the response.
func (p *Pace) Write(w http.ResponseWriter, part []byte) (int, error) {
	if p.Held.Used() <= budget.Free {
		return w.Write(part)
	}
	if p.Rate == 0 {
		p.Rate = defaultWriteRate
	}
	p.written += int64(len(part))
	left := cmp.Or(p.Timeout, DefaultClientTimeout) + time.Duration(float64(p.written)/float64(p.Rate)*float64(time.Second)) - p.spent
	begun := time.Now()
	_ = http.NewResponseController(w).SetWriteDeadline(begun.Add(left)) // ignored: a test recorder has no deadlines
	n, err := w.Write(part)
	p.spent += time.Since(begun)
	return n, err
}
