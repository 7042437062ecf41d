package surface

import (
	"net/http"
	"time"

	"campaignql/internal/budget"
)

// defaultWriteRate is how many bytes of an answer that is held in memory a client has to take in a second.
const defaultWriteRate = 32 << 10

// Pace bounds how long a client may take to read an answer that is held in memory: a client that
// reads slowly holds memory that others need. The time that the server takes between two writes
// does not count. Answers of which no more than budget.Free is held, such as those that are streamed,
// are written without a bound.
type Pace struct {
	// Held is the memory of the answer.
	Held *budget.Budget
	// Timeout is what a client has beyond the time of the rate; Rate is in bytes a second. Zero
	// values take the defaults.
	Timeout time.Duration
	Rate    int64

	written int64
	spent   time.Duration
}

// Write writes a part of the answer.
func (p *Pace) Write(w http.ResponseWriter, part []byte) (int, error) {
	if p.Held.Used() <= budget.Free {
		return w.Write(part)
	}
	if p.Rate == 0 {
		p.Rate = defaultWriteRate
	}
	p.written += int64(len(part))
	left := orDefault(p.Timeout) + time.Duration(float64(p.written)/float64(p.Rate)*float64(time.Second)) - p.spent
	begun := time.Now()
	_ = http.NewResponseController(w).SetWriteDeadline(begun.Add(left)) // a recorder of tests has none
	n, err := w.Write(part)
	p.spent += time.Since(begun)
	return n, err
}
