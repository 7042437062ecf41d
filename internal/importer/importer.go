// Package importer owns how a CSV file becomes people on a list: reading the file, which column is what, continuing after an interruption, and the report
// of the rows that were rejected. What a valid person is, and all writing, is the subscriber domain's.
package importer

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/subscriber"
)

// People puts people onto a list, and tells its custom fields; it is the subscriber domain's service.
type People interface {
	Add(ctx context.Context, in subscriber.Addition, idempotencyKey *string) ([]subscriber.Result, error)
	Fields(ctx context.Context, list *ent.SubscriberList) ([]*ent.CustomField, error)
}

// Options say what to import, and how.
type Options struct {
	// Path is the file. Beside it lies, while an import is unfinished, how far it got: Path + ".import.json".
	Path string
	// List needs id and user_id.
	List *ent.SubscriberList
	// Map are columns, by name or number from 1, with what they hold: "Column=email". Empty: the names of the header decide.
	Map []string
	// Encoding is "utf-8", "latin-1", or "auto": UTF-8 if all of the file is.
	Encoding string
	// Report is the file that the rejected rows are written to; Path with ".rejected.csv" for ".csv" if empty. It is made only when there are any.
	Report string
	// Update writes the custom fields of people who are on the list already.
	Update bool
	// BatchRows is how many rows are written before the checkpoint notes them; lanes times subscriber.MaxRows if 0.
	BatchRows int
	// Progress, if not nil, is called after each batch with the share of the file that is done, from 0 to 1.
	Progress func(share float64)
}

// Summary counts the rows of the file by what came of them.
type Summary struct {
	// Rows are those read so far, by this run and by those that it continues.
	Rows int `json:"rows"`
	// Outcomes are the rows by what came of them. Rows that were written just before an interruption may be told as exists or updated.
	Outcomes map[subscriber.Outcome]int `json:"outcomes"`
}

// Run imports a file, as if its rows were put onto the list one after the other: of rows with one address the first adds the person, and the others find
// it there. Where an earlier run over the same content, list and options was interrupted it
// continues; people and the report end up as if it had not been. Errors are about the file, the mapping, or the domain's.
func Run(ctx context.Context, people People, o Options) (Summary, error) {
	fields, err := people.Fields(ctx, o.List)
	if err != nil {
		return Summary{}, err
	}
	src, err := openSource(o.Path, o.Encoding)
	if err != nil {
		return Summary{}, err
	}
	defer src.Close()
	cols, err := readColumns(o.Map, src.header, src.width, fields)
	if err != nil {
		return Summary{}, err
	}
	if o.BatchRows == 0 {
		o.BatchRows = lanes * subscriber.MaxRows
	}
	if o.Report == "" {
		o.Report = strings.TrimSuffix(o.Path, ".csv") + ".rejected.csv"
	}
	point, err := readCheckpoint(o, src.digest)
	if err != nil {
		return Summary{}, err
	}
	out, err := openReport(o.Report, point.ReportBytes, src.header)
	if err != nil {
		return Summary{}, err
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

func (j *job) all(ctx context.Context) error {
	for range j.point.Rows {
		if _, err := j.src.next(); err != nil {
			return err
		}
	}
	for {
		batch, err := j.read()
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		if err := j.write(ctx, batch); err != nil {
			return err
		}
		if j.options.Progress != nil {
			j.options.Progress(j.src.share())
		}
	}
}

// lanes is how many transactions write at the same time. An address is always of the same lane, so that its rows keep their order.
const lanes = 4

// read reads the next batch; an empty one is the end of the file.
func (j *job) read() ([]record, error) {
	var batch []record
	for len(batch) < j.options.BatchRows {
		r, err := j.src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, r)
	}
	return batch, nil
}

// write puts a batch onto the list, and notes in the report and the checkpoint, in this order, what came of it.
func (j *job) write(ctx context.Context, batch []record) error {
	results := make([]subscriber.Result, len(batch))
	group, ctx := errgroup.WithContext(ctx)
	for _, waves := range j.split(batch, results) {
		group.Go(func() error {
			for _, w := range waves {
				if err := j.add(ctx, w, results); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, result := range results {
		j.point.Outcomes[result.Outcome]++
		if result.Outcome == subscriber.Rejected {
			if err := j.report.write(batch[i], reason(result)); err != nil {
				return err
			}
		}
	}
	j.point.Rows += len(batch)
	var err error
	if j.point.ReportBytes, err = j.report.flush(); err != nil {
		return err
	}
	return j.point.save()
}

// wave is rows of different addresses in the order of the file, with their positions in the batch.
type wave struct {
	rows []subscriber.Row
	at   []int
}

// split spreads the rows over the lanes, and the rows of a lane over waves: the second row of an address is in the second, and so on. The result of a row
// that is none is written at once.
func (j *job) split(batch []record, results []subscriber.Result) [lanes][]*wave {
	var all [lanes][]*wave
	earlier := make(map[string]int, len(batch))
	for i, r := range batch {
		row, err := j.cols.row(r)
		if err != nil {
			results[i] = subscriber.Result{Outcome: subscriber.Rejected, Err: err}
			continue
		}
		key := subscriber.AddressKey(row.Email)
		lane := &all[maphash.String(j.seed, key)%lanes]
		n := earlier[key]
		earlier[key]++
		if n == len(*lane) {
			*lane = append(*lane, &wave{})
		}
		w := (*lane)[n]
		w.rows, w.at = append(w.rows, row), append(w.at, i)
	}
	return all
}

func (j *job) add(ctx context.Context, w *wave, results []subscriber.Result) error {
	done := 0
	for rows := range slices.Chunk(w.rows, subscriber.MaxRows) {
		added, err := j.people.Add(ctx, subscriber.Addition{ListID: j.options.List.ID, Update: j.options.Update, Rows: rows}, nil)
		if err != nil {
			return err
		}
		for i, result := range added {
			results[w.at[done+i]] = result
		}
		done += len(rows)
	}
	return nil
}

// reason says why a row was rejected.
func reason(result subscriber.Result) string {
	all := apperr.All(result.Err)
	if len(all) == 0 {
		return result.Err.Error()
	}
	var texts []string
	for _, fault := range all {
		texts = append(texts, fault.Message)
	}
	return strings.Join(texts, "; ")
}
