package importer

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/people/subscriber"
)

// checkpoint is the progress of an import. It is written after each committed batch. If a batch was
// committed but not recorded, it is imported again, which adds nobody twice.
type checkpoint struct {
	path string
	// Import identifies the import. With another content, list or mapping the import starts from
	// the beginning.
	Import string `json:"import"`
	Summary
	// ReportBytes is the valid length of the report. Bytes after it belong to a batch that was not
	// recorded.
	ReportBytes int64 `json:"reportBytes"`
}

// readCheckpoint returns the progress of an earlier run. It returns an empty checkpoint if that run
// was a different import or if its report is incomplete.
func readCheckpoint(o Options, digest string) (*checkpoint, error) {
	fresh := &checkpoint{path: o.Path + ".import.json"}
	// CreatedAt distinguishes lists with the same id in different databases.
	fresh.Import = fmt.Sprintf(
		"%s list %d of %s map %q encoding %s header %t zone %s report %q update %t", digest, o.List.ID,
		o.List.CreatedAt.UTC().Format(time.RFC3339Nano), o.Map, o.Encoding, !o.NoHeader, o.Zone, o.Report, o.Update,
	)
	fresh.Outcomes = map[subscriber.Outcome]int{}
	data, err := os.ReadFile(fresh.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, err
	}
	found := &checkpoint{path: fresh.path}
	if json.Unmarshal(data, found) != nil || found.Import != fresh.Import || found.Outcomes == nil {
		return fresh, nil
	}
	if found.ReportBytes > 0 {
		report, err := os.Stat(o.Report)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || report.Size() < found.ReportBytes {
			return fresh, nil
		}
	}
	return found, nil
}

// save replaces the file atomically, so that after a kill there is either the old or the new file.
func (c *checkpoint) save() error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(c.path+".new", c.path)
}

func (c *checkpoint) remove() error {
	if err := os.Remove(c.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// report is the file of the rejected rows: line, reason, and the original row. The first rejected
// row creates it.
type report struct {
	path   string
	header []string
	file   *os.File
	csv    *csv.Writer
}

// reportStart is the beginning of every report. It is used to recognize reports.
const reportStart = "line,reason,"

// openReport continues a report of the given length. With length 0 it starts a new one. A file that
// is no report is rejected and stays unchanged.
func openReport(path string, length int64, header []string) (*report, error) {
	r := &report{path: path, header: header}
	if err := refuseOther(path); err != nil {
		return nil, err
	}
	if length == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return r, nil
	}
	return r, r.open(length)
}

// refuseInput rejects a report path that is the file to import.
func refuseInput(report, input string) error {
	there, err := os.Stat(report)
	if err != nil {
		return nil // the report does not exist
	}
	in, err := os.Stat(input)
	if err != nil {
		return err
	}
	if os.SameFile(there, in) {
		return apperr.InvalidField(
			"report", apperr.ReasonImportReportTaken,
			"%s is the file to import, which is no report of rejected rows: name another file", report,
		)
	}
	return nil
}

func refuseOther(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	start := make([]byte, len(reportStart))
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if n > 0 && !strings.HasPrefix(reportStart, string(start[:n])) {
		return apperr.InvalidField(
			"report", apperr.ReasonImportReportTaken,
			"%s is there already and is no report of rejected rows: name another file", path,
		)
	}
	return nil
}

func (r *report) open(length int64) error {
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	r.file, r.csv = file, csv.NewWriter(file)
	if err := file.Truncate(length); err != nil {
		return err
	}
	_, err = file.Seek(length, io.SeekStart)
	return err
}

func (r *report) write(row record, why string) error {
	if r.file == nil {
		if err := r.open(0); err != nil {
			return err
		}
		if err := r.csv.Write(append([]string{"line", "reason"}, r.header...)); err != nil {
			return err
		}
	}
	return r.csv.Write(append([]string{strconv.Itoa(row.line), why}, row.cells...))
}

// flush writes the buffered rows and returns the length of the file.
func (r *report) flush() (int64, error) {
	if r.file == nil {
		return 0, nil
	}
	r.csv.Flush()
	if err := r.csv.Error(); err != nil {
		return 0, err
	}
	return r.file.Seek(0, io.SeekCurrent)
}

func (r *report) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
