// Package importer owns the import of a CSV file into a list: parsing the file, mapping its
// columns, continuing after an interruption, and the report of rejected rows. It must not know the
// rules for valid people: package subscriber checks and writes them.
package importer

import (
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/people/subscriber"
)

// People adds people to a list and returns the list's custom fields. subscriber.Service implements
// it.
type People interface {
	Add(ctx context.Context, in subscriber.Addition, idempotencyKey *string) ([]subscriber.Result, error)
	Fields(ctx context.Context, list *ent.SubscriberList) ([]*ent.CustomField, error)
	Unreachable(ctx context.Context, contactIDs []int64) (map[int64][]subscriber.Unreachable, error)
}

// Options are the settings of an import.
type Options struct {
	// Path is the file. During an import two more files exist: Path + ".import.json" with the
	// progress, and Path + ".import.lock" with the lock against concurrent imports.
	Path string
	// List needs id, user_id and created_at.
	List *ent.SubscriberList
	// Map lists columns, by name or by number starting from 1, with their targets: "Column=email".
	// If it is empty, the names in the header determine the targets. Names of columns and targets may
	// have any case, and usual other spellings: "E-mail Address", "email_address", "Emailadresse".
	Map []string
	// Encoding is "utf-8", "latin-1" (decoded as Windows-1252), or "auto". "auto" selects UTF-16 if
	// the file begins with its byte order mark, UTF-8 if the whole file is valid UTF-8, and Latin-1
	// if no letter outside ASCII is valid UTF-8. A file with a mix of both is rejected with the
	// line.
	Encoding string
	// NoHeader means that the first row is a person. Otherwise the first row is a header if none of
	// its cells is an address. If all columns are mapped by number, one more condition holds: the
	// cell for the email is a usual name of that column. Otherwise the row may be a person with a
	// broken address, and is rejected like one. The header of a report is always a header.
	NoHeader bool
	// Zone is the time zone of dates without a zone. Default: UTC.
	Zone *time.Location
	// Report is the file for the rejected rows. Default: Path with ".rejected.csv" instead of
	// ".csv". It is created only if there are rejected rows. It has the separator and the columns of
	// the file, and after them the line and the reason, so that it can be corrected and imported with
	// the same options. If Report is Path, and that is a report, the new report has the default path.
	Report string
	// Update writes the custom fields of people who are already on the list.
	Update bool
	// BatchRows is the maximum number of rows that are written before the checkpoint is saved.
	// Default: 10,000.
	BatchRows int
	// Read, if not nil, is called once before the first row. It gets the name of the encoding and
	// the first line that is not UTF-8, or 0 if there is none.
	Read func(encoding string, notUTF8 int)
	// Progress, if not nil, is called after each batch with the finished fraction of the file, from
	// 0 to 1.
	Progress func(share float64)
}

// Summary counts the rows of the file by outcome.
type Summary struct {
	// Rows is the number of rows read so far, by this run and by the runs that it continues.
	Rows int `json:"rows"`
	// Outcomes is the number of rows by outcome. Rows that were written just before an interruption
	// may count as Exists or Updated.
	Outcomes map[subscriber.Outcome]int `json:"outcomes"`
	// Unreachable is how many of those who were added get no mail, because it came back for good or
	// because the address is suppressed.
	Unreachable int `json:"unreachable,omitempty"`
	// Report is the file of the rejected rows, or empty if there are none.
	Report string `json:"-"`
}

// Run imports a file. The result is the same as if the rows were added to the list one by one: of
// several rows with one address, the first adds the person and the others find the person on the
// list. If an earlier run with the same content, list and options was interrupted, Run continues
// it; the people and the report are then the same as without the interruption. Faults are Invalid
// on map, reason "import_map_invalid"; on encoding, reason "import_encoding_wrong"; and on report,
// reason "import_report_taken". Run also returns file errors and the errors of Add.
//
// If another import of the same file is running, in this or another process, Run returns Conflict,
// reason "import_running", and changes nothing.
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
	src, err := openSource(o)
	if err != nil {
		return Summary{}, err
	}
	defer src.Close()
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	cols, err := readColumns(o.Map, src, fields)
	if err != nil {
		return Summary{}, err
	}
	cols.zone = o.Zone
	if o.BatchRows == 0 {
		o.BatchRows = lanes * partRows
	}
	if o.Report, err = reportFor(o, src.report); err != nil {
		return Summary{}, err
	}
	point, err := readCheckpoint(o, src.digest)
	if err != nil {
		return Summary{}, err
	}
	out, err := openReport(o.Report, point.ReportBytes, src.form)
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
	if point.Outcomes[subscriber.Rejected] > 0 {
		point.Report = o.Report
	}
	return point.Summary, err
}

// job is a running import.
type job struct {
	seed    maphash.Seed
	people  People
	options Options
	src     *source
	cols    columns
	point   *checkpoint
	report  *report
}

// all reads, writes and records concurrently. The lanes write batches while the next batch is read.
// A batch is recorded after all of it is written.
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
	// lanes is the number of concurrent transactions. All rows of an address use the same lane, so
	// that they keep their order.
	lanes = 4
	// partRows is the maximum number of rows that a lane writes per call. It is half of the allowed
	// maximum, to limit the memory of all batches in progress.
	partRows = subscriber.MaxRows / 2
	// batchesAhead is the number of batches that are read and not yet recorded, not counting the
	// batch being read and the batch being waited for.
	batchesAhead = 1
)

// read reads the file and distributes its rows to the lanes, batch by batch.
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

// write writes the rows of a lane to the list, wave by wave.
func (j *job) write(ctx context.Context, parts <-chan *part) error {
	for p := range parts {
		for _, w := range p.waves {
			added, err := j.people.Add(
				ctx, subscriber.Addition{
					ListID: j.options.List.ID, Update: j.options.Update, Rows: w.rows, WithoutIDs: true,
				}, nil,
			)
			if err != nil {
				return err
			}
			for i, result := range added {
				p.of.results[w.at[i]] = result
			}
			if err := j.reach(ctx, p.of, added); err != nil {
				return err
			}
		}
		p.waves = nil // frees the rows while the batch waits for the other lanes
		if p.of.writing.Add(-1) == 0 {
			close(p.of.written)
		}
	}
	return nil
}

// reach notes who of the people who were added gets no mail.
func (j *job) reach(ctx context.Context, b *batch, results []subscriber.Result) error {
	var ids []int64
	for _, result := range results {
		if result.Outcome == subscriber.Added {
			ids = append(ids, result.ContactID)
		}
	}
	unreachable, err := j.people.Unreachable(ctx, ids)
	for id := range unreachable {
		b.unreachable.Store(id, true)
	}
	return err
}

// noteAll records the batches in the order of the file, each after it was written.
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

// note records the results of a batch, first in the report and then in the checkpoint.
func (j *job) note(b *batch) error {
	for i, result := range b.results {
		j.point.Outcomes[result.Outcome]++
		if result.Outcome == subscriber.Rejected {
			why := reason(result)
			if b.records[i].doubtful {
				why += "; " + doubt
			}
			if err := j.report.write(b.records[i], why); err != nil {
				return err
			}
		}
	}
	for range b.unreachable.Range {
		j.point.Unreachable++
	}
	j.point.Rows += len(b.records)
	var err error
	if j.point.ReportBytes, err = j.report.flush(); err != nil {
		return err
	}
	return j.point.save()
}

// doubt explains why the first row was no header.
const doubt = "the first row is read as a person, since all columns are mapped by number and its cell for the " +
	"email is no usual name of that column: map a column by its name if this is a header"

// reason returns the text that explains why a row was rejected.
func reason(result subscriber.Result) string {
	all := apperr.All(result.Err)
	if len(all) == 0 {
		return result.Err.Error()
	}
	var texts []string
	for _, fault := range all {
		if strings.HasPrefix(fault.Field, "fields.") {
			texts = append(texts, fault.Message) // the message already names the field
			continue
		}
		texts = append(texts, fault.Error())
	}
	return strings.Join(texts, "; ")
}
