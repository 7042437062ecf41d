package importer_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"campaignql/internal/importer"
	"campaignql/internal/subscriber"
)

// TestAQuoteThatIsNotClosedLosesNobodySilently: what stands behind it cannot be told apart from its cell.
func TestAQuoteThatIsNotClosedLosesNobodySilently(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		row := "somebody@example.com,Bonn\n"
		for name, test := range map[string]struct{ content, want string }{
			"until the next quote": {"Email,City\na@example.com,\"open\nb@example.com,\"x\"\nc@example.com,y\n", "line 2: a quote is opened and not closed"},
			"until the end":        {"Email,City\na@example.com,x\nb@example.com,\"open\nc@example.com,y\n", "line 3: a quote is opened and not closed"},
			"for megabytes":        {"Email,City\na@example.com,x\nb@example.com,\"open\n" + strings.Repeat(row, 3<<20/len(row)), "below line 2: the row is longer than 1048576 bytes"},
			"in the header":        {"Email,\"City\n" + strings.Repeat(row, 3<<20/len(row)), "the row is longer than 1048576 bytes"},
		} {
			_, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file(test.content), List: f.list})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		summary, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file("Email,City\na@example.com,b\"c\nb@example.com,y\n"), List: f.list})
		if err != nil || summary.Outcomes[subscriber.Rejected] != 1 || summary.Rows != 2 {
			t.Errorf("a quote within one line: %v, %v", summary, err)
		}
	})
}

// TestInstantsThatADatabaseDoesNotKeepAreRejected alike on all of them.
func TestInstantsThatADatabaseDoesNotKeepAreRejected(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		content := "Email,Subscribed,Confirmed\na@example.com,0000-01-01,\nb@example.com,0001-01-01,\nc@example.com,9999-12-31T23:59:59-10:00,\nd@example.com,,0999-12-31\ne@example.com,1000-01-01,9999-12-31\n"
		path := f.file(content)
		summary, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list, Map: []string{"Email=email", "Subscribed=subscribedAt", "Confirmed=optedInAt"}})
		if err != nil || summary.Outcomes[subscriber.Rejected] != 4 || summary.Outcomes[subscriber.Added] != 1 {
			t.Errorf("%v, %v", summary, err)
		}
		report, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".rejected.csv")
		if err != nil || strings.Count(string(report), "must be in the years 1000 to 9999") != 4 {
			t.Errorf("%s, %v", report, err)
		}
	})
}

func TestTheFileToImportIsNoReport(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		content := "line,reason,Email\n2,is required,a@example.com\n"
		path := f.file(content)
		_, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list, Map: []string{"Email=email"}, Report: path})
		if err == nil || !strings.Contains(err.Error(), "is the file to import") {
			t.Error(err)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != content {
			t.Errorf("left is %q, %v", left, err)
		}
	})
}

// TestACheckpointIsOfOneDatabase: a list of the same number elsewhere begins with the first row.
func TestACheckpointIsOfOneDatabase(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		path := f.file("Email,City\na@example.com,x\nb@example.com,x\nc@example.com,x\n")
		first := &stopping{Service: f.people}
		first.calls.Store(3)
		if _, err := importer.Run(f.ctx, first, importer.Options{Path: path, List: f.list, BatchRows: 1}); err == nil {
			t.Fatal("it was not stopped")
		}
		if _, err := os.Stat(path + ".import.json"); err != nil {
			t.Fatal("there is no checkpoint:", err)
		}
		other := *f.list
		other.CreatedAt = other.CreatedAt.Add(time.Microsecond)
		summary, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: &other, BatchRows: 1})
		if err != nil || summary.Outcomes[subscriber.Exists] == 0 || summary.Outcomes[subscriber.Exists]+summary.Outcomes[subscriber.Added] != 3 {
			t.Errorf("%v, %v", summary, err)
		}
	})
}
