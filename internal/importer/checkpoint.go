package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

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
	// CreatedAt distinguishes lists with the same id in different databases. The number is that of the
	// form of the report.
	fresh.Import = fmt.Sprintf(
		"2 %s list %d of %s map %q encoding %s header %t zone %s report %q update %t", digest, o.List.ID,
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
