// Package importer owns how a CSV file becomes people on a list: reading the file, which column is what, continuing after an interruption, and the report
// of the rows that were rejected. What a valid person is, and all writing, is the subscriber domain's.
package importer

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

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
	// Progress, if not nil, is called after each batch.
	Progress func(Summary)
}

// Summary counts the rows of the file by what came of them.
type Summary struct {
	// Rows are those read so far, by this run and by those that it continues.
	Rows int `json:"rows"`
	// Outcomes are the rows by what came of them. Rows that were written just before an interruption may be told as exists or updated.
	Outcomes map[subscriber.Outcome]int `json:"outcomes"`
}

// Run imports a file in batches of subscriber.MaxRows, each in its own transaction. Where an earlier run over the same content, list and options was
// interrupted it continues; people and the report end up as if it had not been. Errors are about the file, the mapping, or the domain's.
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
	j := &job{people: people, options: o, src: src, cols: cols, point: point, report: out}
	err = errors.Join(j.all(ctx), out.Close())
	if err == nil {
		err = point.remove()
	}
	return point.Summary, err
}

// job is an import on its way.
type job struct {
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
			j.options.Progress(j.point.Summary)
		}
	}
}

// read reads the next batch; an empty one is the end of the file.
func (j *job) read() ([]record, error) {
	var batch []record
	for len(batch) < subscriber.MaxRows {
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
	in := subscriber.Addition{ListID: j.options.List.ID, Update: j.options.Update}
	reasons := make([]string, len(batch))
	var sent []int
	for i, r := range batch {
		row, problem := j.cols.row(r)
		if reasons[i] = problem; problem == "" {
			in.Rows = append(in.Rows, row)
			sent = append(sent, i)
		}
	}
	results, err := j.people.Add(ctx, in, nil)
	if err != nil {
		return err
	}
	for k, result := range results {
		if result.Outcome == subscriber.Rejected {
			reasons[sent[k]] = reason(result, batch, sent)
			continue
		}
		j.point.Outcomes[result.Outcome]++
	}
	for i, why := range reasons {
		if why == "" {
			continue
		}
		j.point.Outcomes[subscriber.Rejected]++
		if err := j.report.write(batch[i], why); err != nil {
			return err
		}
	}
	j.point.Rows += len(batch)
	if j.point.ReportBytes, err = j.report.flush(); err != nil {
		return err
	}
	return j.point.save()
}

// reason says why a row was rejected; where it repeats an earlier one, by the line of that in the file.
func reason(result subscriber.Result, batch []record, sent []int) string {
	if result.Earlier >= 0 {
		return "line " + strconv.Itoa(batch[sent[result.Earlier]].line) + " has the same address"
	}
	var all []string
	for _, fault := range apperr.All(result.Err) {
		all = append(all, fault.Message)
	}
	return strings.Join(all, "; ")
}
