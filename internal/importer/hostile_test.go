package importer_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/importer"
	"campaignql/internal/people/subscriber"
)

// TestAQuoteThatIsNotClosedLosesNobodySilently checks an error for an unclosed quote, because the
// rows after it cannot be told apart from the quoted cell.
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
		summary, err := importer.Run(
			f.ctx, f.people,
			importer.Options{Path: f.file("Email,City\na@example.com,b\"c\nb@example.com,y\n"), List: f.list},
		)
		if err != nil || summary.Outcomes[subscriber.Rejected] != 1 || summary.Rows != 2 {
			t.Errorf("a quote within one line: %v, %v", summary, err)
		}
	})
}

// TestInstantsThatADatabaseDoesNotKeepAreRejected checks that all databases reject the same
// instants.
func TestInstantsThatADatabaseDoesNotKeepAreRejected(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		content := "Email,Subscribed,Confirmed\na@example.com,0000-01-01,\nb@example.com,0001-01-01,\nc@example.com,9999-12-31T23:59:59-10:00,\nd@example.com,,0999-12-31\ne@example.com,1000-01-01,9999-12-31\n"
		path := f.file(content)
		summary, err := importer.Run(
			f.ctx, f.people,
			importer.Options{
				Path: path, List: f.list,
				Map: []string{"Email=email", "Subscribed=subscribedAt", "Confirmed=optedInAt"},
			},
		)
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
		_, err := importer.Run(
			f.ctx, f.people, importer.Options{Path: path, List: f.list, Map: []string{"Email=email"}, Report: path},
		)
		if err == nil || !strings.Contains(err.Error(), "is the file to import") {
			t.Error(err)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != content {
			t.Errorf("left is %q, %v", left, err)
		}
	})
}

// TestACheckpointIsOfOneDatabase checks that a list with the same id in another database starts
// with the first row.
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
		if err != nil || summary.Outcomes[subscriber.Exists] == 0 ||
			summary.Outcomes[subscriber.Exists]+summary.Outcomes[subscriber.Added] != 3 {
			t.Errorf("%v, %v", summary, err)
		}
	})
}

// TestFilesThatCannotBeReadAreRefused checks that no row is written and that the error has the
// reason.
func TestFilesThatCannotBeReadAreRefused(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, test := range map[string]struct{ content, encoding, want string }{
			"a stray byte among UTF-8":      {"Email,City\na@example.com,Köln\nb@example.com,K\xf6ln\n", "auto", "line 3 is not UTF-8, though letters of other lines are"},
			"a stray byte in what is UTF-8": {"Email,City\na@example.com,K\xf6ln\n", "utf-8", "line 2 is not UTF-8"},
			"a stray byte behind the mark":  {"\ufeffEmail,City\na@example.com,K\xf6ln\n", "auto", "line 2 is not UTF-8, though the file begins with its mark"},
			"the mark of UTF-8":             {"\ufeffEmail,City\na@example.com,Bonn\n", "latin-1", "the file begins with the mark of UTF-8"},
			"UTF-16 without its mark":       {"E\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00", "auto", "it holds NUL bytes"},
			"carriage returns alone":        {"Email,City\ra@example.com,Bonn\r", "auto", "its lines end with CR alone"},
			"another separator":             {"Email:City\na@example.com:Bonn\n", "auto", `no column is the email of ["Email:City"]`},
		} {
			_, err := importer.Run(
				f.ctx, f.people, importer.Options{Path: f.file(test.content), List: f.list, Encoding: test.encoding},
			)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := f.held(); got != "" {
			t.Errorf("written was %s", got)
		}
	})
}

func TestReasonsOfRejectedRowsNameWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		path := f.file("Email,City\nnobody,Bonn\na@example.com,Köln,Mitte\n,Ulm\n")
		summary, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list})
		if err != nil || summary.Rows != 3 || summary.Outcomes[subscriber.Rejected] != 3 {
			t.Fatalf("%v, %v", summary, err)
		}
		report, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".rejected.csv")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"nobody,Bonn,2,\"email: must be one email address",
			"a@example.com,Köln,Mitte,3,\"the row has 3 cells, the header 2: a cell that holds the separator needs quotes\"\n",
			",Ulm,4,email: is required\n",
		} {
			if !strings.Contains(string(report), want) {
				t.Errorf("%q is not in\n%s", want, report)
			}
		}
	})
}

func TestWithoutAHeaderTheFirstRowIsAPerson(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		path := f.file("nobody\na@example.com,Bonn\n")
		summary, err := importer.Run(
			f.ctx, f.people, importer.Options{Path: path, List: f.list, Map: []string{"1=email"}, NoHeader: true},
		)
		if err != nil || summary.Outcomes[subscriber.Rejected] != 1 || summary.Outcomes[subscriber.Added] != 1 {
			t.Errorf("%v, %v", summary, err)
		}
	})
}

// TestDatesWithoutAZoneAreOnTheClockOfTheAccount checks that dates without a zone are read as in
// rules.
func TestDatesWithoutAZoneAreOnTheClockOfTheAccount(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		zone, err := time.LoadLocation("America/Sao_Paulo")
		if err != nil {
			t.Fatal(err)
		}
		// Clocks were put forward at midnight of 2018-11-04, so that the day began at one o'clock.
		path := f.file(
			"Email,Subscribed at,Opted in at\na@example.com,2018-11-04,2026-11-20 23:30:00\nb@example.com,2026-11-20,2026-11-20T23:30:00Z\n",
		)
		if _, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list, Zone: zone}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range f.db.Client(f.ctx).Subscriber.Query().Where(entsubscriber.ListID(f.list.ID)).Order(entsubscriber.ByEmailKey()).AllX(f.ctx) {
			got = append(got, p.SubscribedAt.UTC().Format(time.RFC3339), p.OptedInAt.UTC().Format(time.RFC3339))
		}
		want := []string{"2018-11-04T03:00:00Z", "2026-11-21T02:30:00Z", "2026-11-20T03:00:00Z", "2026-11-20T23:30:00Z"}
		if !slices.Equal(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
