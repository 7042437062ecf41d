package importer

import (
	"errors"
	"hash/maphash"
	"io"
	"sync"
	"sync/atomic"

	"campaignql/internal/people/address"
	"campaignql/internal/people/subscriber"
)

// batch holds consecutive rows of the file and their results.
type batch struct {
	records []record
	results []subscriber.Result
	// unreachable are the ids of contacts who were added and get no mail. The lanes share it.
	unreachable sync.Map
	parts       [lanes]*part
	// writing counts the parts that are not written yet. written is closed after the last part.
	writing atomic.Int32
	written chan struct{}
	// share is the fraction of the file that has been read up to the end of the batch.
	share float64
}

// part holds the rows of a batch that one lane writes, in waves: the second row of an address is in
// the second wave, and so on.
type part struct {
	of    *batch
	rows  int
	waves []*wave
}

// wave holds rows with distinct addresses in the order of the file, with their positions in the
// batch.
type wave struct {
	rows []subscriber.Row
	at   []int
}

// next reads the next batch. It stops if the batch is large enough, or if a lane has as many rows
// as it writes per call. An empty batch means the end of the file. The batch already contains the
// results of invalid rows.
func (j *job) next() (*batch, error) {
	b := &batch{written: make(chan struct{})}
	b.writing.Store(lanes)
	for i := range b.parts {
		b.parts[i] = &part{of: b}
	}
	earlier := map[string]int{}
	for fullest := 0; len(b.records) < j.options.BatchRows && fullest < partRows; {
		r, err := j.src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		row, err := j.cols.row(r)
		if err != nil {
			b.results = append(b.results, subscriber.Result{Outcome: subscriber.Rejected, Err: err})
		} else {
			key := address.Key(row.Email)
			p := b.parts[maphash.String(j.seed, key)%lanes]
			p.put(row, len(b.records), earlier[key])
			earlier[key]++
			fullest = max(fullest, p.rows)
			b.results = append(b.results, subscriber.Result{})
		}
		b.records = append(b.records, r)
	}
	b.share = j.src.share()
	return b, nil
}

// put adds the row at position at of the batch. earlier is the number of previous rows in the batch
// with the same address.
func (p *part) put(row subscriber.Row, at, earlier int) {
	if earlier == len(p.waves) {
		p.waves = append(p.waves, &wave{})
	}
	w := p.waves[earlier]
	w.rows, w.at = append(w.rows, row), append(w.at, at)
	p.rows++
}
