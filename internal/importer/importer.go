// Package importer owns how a CSV file becomes people on a list: reading the file, which column is
// what, continuing after an interruption, and the report of the rows that were rejected. What a
// valid person is, and all writing, is the subscriber domain's.
package importer

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/people/subscriber"
)

// People puts people onto a list, and tells its custom fields; it is the subscriber domain's service.
type People interface {
	Add(ctx context.Context, in subscriber.Addition, idempotencyKey *string) ([]subscriber.Result, error)
	Fields(ctx context.Context, list *ent.SubscriberList) ([]*ent.CustomField, error)
}

// Options say what to import, and how.
type Options struct {
	// Path is the file. Beside it lies, while an import is unfinished, how far it got: Path + ".import.json"; and
	// Path + ".import.lock", which keeps others away.
	Path string
	// List needs id, user_id and created_at.
	List *ent.SubscriberList
	// Map are columns, by name or number from 1, with what they hold: "Column=email". Empty: the
	// names of the header decide.
	Map []string
	// Encoding is "utf-8", "latin-1", which is read as Windows-1252, or "auto": UTF-16 if the file
	// begins with its mark, UTF-8 if all of the file is, and Latin-1 if none of its letters beyond
	// ASCII are. A file that is neither throughout is refused with the line.
	Encoding string
	// NoHeader tells that the first row is a person. Otherwise it is a header if none of its cells has an @.
	NoHeader bool
	// Zone is the clock of dates that name none; UTC if nil.
	Zone *time.Location
	// Report is the file that the rejected rows are written to; Path with ".rejected.csv" for
	// ".csv" if empty. It is made only when there are any.
	Report string
	// Update writes the custom fields of people who are on the list already.
	Update bool
	// BatchRows is how many rows are written at most before the checkpoint notes them; 10,000 if 0.
	BatchRows int
	// Read, if not nil, is called once before the first row with the name of the encoding, and the
	// first line that is not UTF-8, 0 for none.
	Read func(encoding string, notUTF8 int)
	// Progress, if not nil, is called after each batch with the share of the file that is done, from 0 to 1.
	Progress func(share float64)
}

// Summary counts the rows of the file by what came of them.
type Summary struct {
	// Rows are those read so far, by this run and by those that it continues.
	Rows int `json:"rows"`
	// Outcomes are the rows by what came of them. Rows that were written just before an
	// interruption may be told as exists or updated.
	Outcomes map[subscriber.Outcome]int `json:"outcomes"`
}

// Run imports a file, as if its rows were put onto the list one after the other: of rows with one
// address the first adds the person, and the others find it there. Where an earlier run over the
// same content, list and options was interrupted it continues; people and the report end up as if
// it had not been. The faults are Invalid on map, reason "import_map_invalid", on encoding, reason
// "import_encoding_wrong", and on report, reason "import_report_taken"; errors of the file, and
// those of Add.
//
// While another import of the same file runs, also of another process, it is a Conflict, reason
// "import_running", and nothing is touched.
func Run(ctx context.Context, people People, o Options) (_ Summary, err error) {
	release, err := hold(o.Path)
	if err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	fields, err := people.Fields(ctx, o.List)
	if err != nil {
		return Summary{}, err
	}
	src, err := openSource(o.Path, o.Encoding, o.NoHeader)
	if err != nil {
		return Summary{}, err
	}
	defer src.Close()
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	cols, err := readColumns(o.Map, src.header, src.width, fields)
	if err != nil {
		return Summary{}, err
	}
	cols.zone = o.Zone
	if o.BatchRows == 0 {
		o.BatchRows = lanes * partRows
	}
	if o.Report == "" {
		o.Report = strings.TrimSuffix(o.Path, ".csv") + ".rejected.csv"
	}
	if err := refuseInput(o.Report, o.Path); err != nil {
		return Summary{}, err
	}
	point, err := readCheckpoint(o, src.digest)
	if err != nil {
		return Summary{}, err
	}
	out, err := openReport(o.Report, point.ReportBytes, src.header)
	if err != nil {
		return Summary{}, err
	}
	if o.Read != nil {
		o.Read(src.encoding, src.notUTF8)
	}
	j := &job{seed: maphash.MakeSeed(), people: people, options: o, src: src, cols: cols, point: point, report: out}
	err = errors.Join(j.all(ctx), out.Close())
	if err == nil {
		err = point.remove()
	}
	return point.Summary, err
}

// job is an import on its way.
type job struct {
	seed    maphash.Seed
	people  People
	options Options
	src     *source
	cols    columns
	point   *checkpoint
	report  *report
}

// all reads, writes and notes at the same time: the lanes write batches while the next is read, and
// a batch is noted when all of it is written.
func (j *job) all(ctx context.Context) error {
	for range j.point.Rows {
		if _, err := j.src.next(); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	var queues [lanes]chan *part
	for i := range queues {
		queues[i] = make(chan *part, batchesAhead)
		group.Go(func() error { return j.write(ctx, queues[i]) })
	}
	batches := make(chan *batch, batchesAhead)
	group.Go(func() error { return j.read(ctx, batches, queues) })
	group.Go(func() error { return j.noteAll(ctx, batches) })
	return group.Wait()
}

const (
	// lanes is how many transactions write at the same time. An address is always of the same lane,
	// so that its rows keep their order.
	lanes = 4
	// partRows is how many rows a lane writes at once at most: half of what it may, for the memory
	// of all that are on their way.
	partRows = subscriber.MaxRows / 2
	// batchesAhead is how many batches are read and not yet noted, besides the one that is being
	// read and the one that is waited for.
	batchesAhead = 1
)

// batch is rows that follow each other in the file, and what came of each.
type batch struct {
	records []record
	results []subscriber.Result
	parts   [lanes]*part
	// writing counts the parts that are not written yet; written is closed after the last.
	writing atomic.Int32
	written chan struct{}
	// share is how much of the file has been read with the batch.
	share float64
}

// part is the rows of a batch that one lane writes, in waves: the second row of an address is in the second, and so on.
type part struct {
	of    *batch
	rows  int
	waves []*wave
}

// wave is rows of different addresses in the order of the file, with their positions in the batch.
type wave struct {
	rows []subscriber.Row
	at   []int
}

// read reads the file and hands its rows to the lanes, a batch at a time.
func (j *job) read(ctx context.Context, batches chan<- *batch, queues [lanes]chan *part) error {
	defer close(batches)
	for _, queue := range queues {
		defer close(queue)
	}
	for {
		b, err := j.next()
		if err != nil {
			return err
		}
		if len(b.records) == 0 {
			return nil
		}
		if err := send(ctx, batches, b); err != nil {
			return err
		}
		for i, queue := range queues {
			if err := send(ctx, queue, b.parts[i]); err != nil {
				return err
			}
		}
	}
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next reads the next batch: until it is large enough, or a lane has as many rows as it writes at
// once. An empty one is the end of the file. The result of a row that is none is in it already.
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
			key := subscriber.AddressKey(row.Email)
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

// put adds a row that is at that position in the batch, where as many rows before it have its address.
func (p *part) put(row subscriber.Row, at, earlier int) {
	if earlier == len(p.waves) {
		p.waves = append(p.waves, &wave{})
	}
	w := p.waves[earlier]
	w.rows, w.at = append(w.rows, row), append(w.at, at)
	p.rows++
}

// write puts the rows of a lane onto the list, one wave after the other.
func (j *job) write(ctx context.Context, parts <-chan *part) error {
	for p := range parts {
		for _, w := range p.waves {
			added, err := j.people.Add(
				ctx, subscriber.Addition{ListID: j.options.List.ID, Update: j.options.Update, Rows: w.rows}, nil,
			)
			if err != nil {
				return err
			}
			for i, result := range added {
				p.of.results[w.at[i]] = result
			}
		}
		p.waves = nil // the rows are let go while the batch waits for its other lanes
		if p.of.writing.Add(-1) == 0 {
			close(p.of.written)
		}
	}
	return nil
}

// noteAll notes the batches in the order of the file, each when it is written.
func (j *job) noteAll(ctx context.Context, batches <-chan *batch) error {
	for b := range batches {
		select {
		case <-b.written:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := j.note(b); err != nil {
			return err
		}
		if j.options.Progress != nil {
			j.options.Progress(b.share)
		}
	}
	return nil
}

// note says in the report and the checkpoint, in this order, what came of a batch.
func (j *job) note(b *batch) error {
	for i, result := range b.results {
		j.point.Outcomes[result.Outcome]++
		if result.Outcome == subscriber.Rejected {
			if err := j.report.write(b.records[i], reason(result)); err != nil {
				return err
			}
		}
	}
	j.point.Rows += len(b.records)
	var err error
	if j.point.ReportBytes, err = j.report.flush(); err != nil {
		return err
	}
	return j.point.save()
}

// reason says why a row was rejected.
func reason(result subscriber.Result) string {
	all := apperr.All(result.Err)
	if len(all) == 0 {
		return result.Err.Error()
	}
	var texts []string
	for _, fault := range all {
		if strings.HasPrefix(fault.Field, "fields.") {
			texts = append(texts, fault.Message) // it names the field by itself
			continue
		}
		texts = append(texts, fault.Error())
	}
	return strings.Join(texts, "; ")
}
