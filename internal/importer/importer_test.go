package importer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/importer"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/field"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

type fixture struct {
	t      *testing.T
	db     *store.Store
	ctx    context.Context
	people *subscriber.Service
	list   *ent.SubscriberList
}

func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := &fixture{
			t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db)),
			people: subscriber.New(db, contact.New(db, contact.Options{}), nil, nil, subscriber.Options{}),
		}
		f.list = f.newList()
		f.newField("City")
		test(t, f)
	})
}

func (f *fixture) newField(name string) {
	f.t.Helper()
	if _, err := field.New(f.db, field.Options{}).
		Create(f.ctx, field.Input{ListID: f.list.ID, Name: name, Type: kind.FieldText}, nil); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) newList() *ent.SubscriberList {
	f.t.Helper()
	made, err := list.New(f.db, list.Options{}).Create(f.ctx, list.Input{Name: fmt.Sprintf("List %p", new(int))}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

func (f *fixture) file(content string) string {
	f.t.Helper()
	path := filepath.Join(f.t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// held returns the people on the list with their values, sorted by address.
func (f *fixture) held() string {
	f.t.Helper()
	var out strings.Builder
	rows := f.db.Client(f.ctx).
		Subscriber.Query().
		Where(entsubscriber.ListID(f.list.ID)).
		Order(entsubscriber.ByEmailKey()).
		AllX(f.ctx)
	cities := map[int64]string{}
	for _, v := range f.db.Client(f.ctx).FieldValue.Query().AllX(f.ctx) {
		cities[v.SubscriberID] = v.Text
	}
	for _, p := range rows {
		fmt.Fprintf(&out, "%s=%s|", p.Email, cities[p.ID])
	}
	return out.String()
}

func TestFilesAreReadAsTheyWereWritten(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, test := range map[string]struct {
			content string
			columns []string
			want    string
		}{
			"quotes, commas and newlines": {"Email,City\na@example.com,\"a \"\"b\"\", c\nd\"\n", nil, "a@example.com=a \"b\", c\nd|"},
			"byte order mark, semicolons": {"\ufeffE-Mail;City\r\na@example.com;Köln\r\n", nil, "a@example.com=Köln|"},
			"Latin-1, tabs":               {"Email\tCity\na@example.com\tK\xf6ln\n", nil, "a@example.com=Köln|"},
			"Windows-1252":                {"Email,City\na@example.com,\x80 K\xf6ln\n", nil, "a@example.com=€ Köln|"},
			"UTF-16":                      {"\xff\xfeE\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00d\x00e\x00", nil, "a@b.de=|"},
			"UTF-16, the other way round": {"\xfe\xff\x00E\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00d\x00e", nil, "a@b.de=|"},
			"bars":                        {"Email|City\na@example.com|Bonn, Mitte\n", nil, "a@example.com=Bonn, Mitte|"},
			"empty cells beyond the last": {"Email,City\na@example.com,Bonn,, \n", nil, "a@example.com=Bonn|"},
			"no header":                   {"Bonn,a@example.com\n", []string{"2=email", "1=City"}, "a@example.com=Bonn|"},
			"mapped names":                {"Ort,Adresse\nBonn,a@example.com\n", []string{"Adresse=email", "Ort=City"}, "a@example.com=Bonn|"},
		} {
			f.db.Client(f.ctx).Subscriber.Delete().Where(entsubscriber.ListID(f.list.ID)).ExecX(f.ctx)
			if _, err := importer.Run(
				f.ctx, f.people, importer.Options{Path: f.file(test.content), List: f.list, Map: test.columns},
			); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := f.held(); got != test.want {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
		}
	})
}

func TestUnknownColumnsAndFieldsAreErrors(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, test := range []struct{ column, want string }{
			{"Nix=email", `no column "Nix"`}, {"Email=CustomField999999", "no field"}, {"9=email", `no column "9"`}, {"City=City", "no column is the email of [\"Email\" \"City\"]"},
		} {
			_, err := importer.Run(
				f.ctx, f.people,
				importer.Options{
					Path: f.file("Email,City\na@example.com,x\n"), List: f.list, Map: []string{test.column},
				},
			)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.column, err)
			}
		}
	})
}

// stopping fails from the call with a given number on, either before or after that call commits.
type stopping struct {
	*subscriber.Service
	calls  atomic.Int64
	commit bool
}

var errStopped = errors.New("stopped")

func (s *stopping) Add(ctx context.Context, in subscriber.Addition, key *string) ([]subscriber.Result, error) {
	if s.calls.Add(-1) > 0 {
		return s.Service.Add(ctx, in, key)
	}
	if s.commit {
		if _, err := s.Service.Add(ctx, in, key); err != nil {
			return nil, err
		}
	}
	return nil, errStopped
}

// people returns a file with rows that cannot be imported, and with rows that repeat an address
// shortly after or long after its first row.
func people(rows int) (content string, rejected int) {
	var out strings.Builder
	out.WriteString("Email,City\n")
	for i := range rows {
		switch {
		case i%100 == 7:
			fmt.Fprintf(&out, "nobody %d,x\n", i)
			rejected++
		case i%100 == 8 && i > 1000:
			fmt.Fprintf(&out, "P%d@example.com,long after %d\n", i-900, i)
		case i%100 == 9:
			fmt.Fprintf(&out, "P%d@example.com,after %d\n", i-3, i)
		default:
			fmt.Fprintf(&out, "p%d@example.com,%d\n", i, i)
		}
	}
	return out.String(), rejected
}

func TestAnInterruptedImportEndsAsIfItHadNotBeen(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const rows = 3000
		content, rejected := people(rows)
		run := func(service importer.People, o importer.Options) (importer.Summary, error) {
			o.List, o.BatchRows, o.Update = f.list, 700, true
			return importer.Run(f.ctx, service, o)
		}
		path := f.file(content)
		sum, err := run(f.people, importer.Options{Path: path})
		if err != nil || sum.Rows != rows || sum.Outcomes[subscriber.Rejected] != rejected ||
			sum.Outcomes[subscriber.Updated] == 0 {
			t.Fatal(sum, err)
		}
		report, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".rejected.csv")
		if err != nil ||
			!strings.HasPrefix(
				string(report), "Email,City,rejected line,rejected reason\nnobody 7,x,9,\"email: must be one email address",
			) {
			t.Fatalf("%s, %v", report, err)
		}
		want := f.held()
		if !strings.Contains(want, "|p6@example.com=after 9|") ||
			!strings.Contains(want, "|p108@example.com=long after 1008|") {
			t.Fatalf("the last row of an address does not count: %s", want)
		}
		for _, test := range []struct {
			calls              int64
			commit, reportGone bool
		}{{1, false, false}, {6, false, false}, {7, true, false}, {21, true, false}, {15, false, true}} {
			f.db.Client(f.ctx).Subscriber.Delete().Where(entsubscriber.ListID(f.list.ID)).ExecX(f.ctx)
			stop := &stopping{Service: f.people, commit: test.commit}
			stop.calls.Store(test.calls)
			o := importer.Options{Path: f.file(content)}
			if _, err := run(stop, o); !errors.Is(err, errStopped) {
				t.Fatal(err)
			}
			rejects := strings.TrimSuffix(o.Path, ".csv") + ".rejected.csv"
			if test.reportGone {
				if err := os.Remove(rejects); err != nil {
					t.Fatal(err)
				}
			}
			if sum, err := run(f.people, o); err != nil || sum.Rows != rows ||
				sum.Outcomes[subscriber.Rejected] != rejected {
				t.Fatal(sum, err)
			}
			if got, err := os.ReadFile(rejects); err != nil || string(got) != string(report) {
				t.Errorf("%+v: another report: %v\n%q", test, err, got)
			}
			if got := f.held(); got != want {
				t.Errorf("%+v: other people:\n%s\nwant\n%s", test, got, want)
			}
			if _, err := os.Stat(o.Path + ".import.json"); !os.IsNotExist(err) {
				t.Errorf("the checkpoint is left: %v", err)
			}
		}
	})
}

func TestOfRowsWithOneAddressTheFirstAdds(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		o := importer.Options{
			Path: f.file("Email,City\na@example.com,Bonn\nA@Example.com,Ulm\nb@example.com,Jena\na@example.com,Kiel\n"),
			List: f.list,
		}
		sum, err := importer.Run(f.ctx, f.people, o)
		if err != nil || sum.Outcomes[subscriber.Added] != 2 || sum.Outcomes[subscriber.Exists] != 2 ||
			f.held() != "a@example.com=Bonn|b@example.com=Jena|" {
			t.Errorf("%+v, %v, %s", sum, err, f.held())
		}
		o.Update = true
		sum, err = importer.Run(f.ctx, f.people, o)
		if err != nil || sum.Outcomes[subscriber.Updated] != 4 || f.held() != "a@example.com=Kiel|b@example.com=Jena|" {
			t.Errorf("%+v, %v, %s", sum, err, f.held())
		}
	})
}

// TestAnImportTellsHowManyGetNoMail imports people whose mail came back on another list, who are
// suppressed, and who are on the list already.
func TestAnImportTellsHowManyGetNoMail(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		mine, client := f.list, f.db.Client(f.ctx)
		f.list = f.newList()
		run := func(content string, unreachable int) {
			t.Helper()
			sum, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file(content), List: f.list})
			if err != nil || sum.Unreachable != unreachable {
				t.Errorf("%d get no mail, %v, want %d", sum.Unreachable, err, unreachable)
			}
		}
		run("Email\nhard@example.com\nsoft@example.com\n", 0)
		for email, bounce := range map[string]kind.BounceType{
			"hard@example.com": kind.BounceHard, "soft@example.com": kind.BounceSoft,
		} {
			client.Contact.Update().Where(entcontact.Email(email)).SetDeliverability(bounce).ExecX(f.ctx)
		}
		client.Suppression.Create().SetEmail("never@example.com").SetEmailKey("never@example.com").
			SetCreatedAt(f.list.CreatedAt).ExecX(f.ctx)
		f.list = mine
		people := "Email\nhard@example.com\nsoft@example.com\nnever@example.com\nann@example.com\nhard@example.com\n"
		run(people, 2)
		run(people, 0) // those who were added are told of
	})
}

func TestAFileThatIsNoReportIsNotWrittenOver(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const content = "email\nann@example.com\nnobody\n"
		path, other := f.file(content), f.file("mine\n")
		for _, report := range []string{path, other} {
			before, _ := os.ReadFile(report)
			_, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list, Report: report})
			if err == nil || !strings.Contains(err.Error(), "is no report of rejected rows") {
				t.Errorf("%s: %v", report, err)
			}
			if after, err := os.ReadFile(report); err != nil || string(after) != string(before) {
				t.Errorf("%s holds %q now, %v", report, after, err)
			}
		}
		// An existing report is replaced.
		for range 2 {
			if _, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTheListOfAnotherAccountIsUnknown(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		other := testkit.As(t, testkit.Account(t, f.db))
		_, err := importer.Run(other, f.people, importer.Options{Path: f.file("Email\na@example.com\n"), List: f.list})
		if err == nil || !strings.Contains(err.Error(), "list") || f.held() != "" {
			t.Errorf("%v, %s", err, f.held())
		}
	})
}

// slow starts another import while the file is being imported.
type slow struct {
	*subscriber.Service
	meanwhile func()
}

func (s *slow) Fields(ctx context.Context, list *ent.SubscriberList) ([]*ent.CustomField, error) {
	s.meanwhile()
	return s.Service.Fields(ctx, list)
}

func TestAFileThatIsBeingImportedIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		o := importer.Options{Path: f.file("Email\na@example.com\n"), List: f.list}
		ran := false
		first := &slow{Service: f.people, meanwhile: func() {
			ran = true
			if _, err := importer.Run(f.ctx, f.people, o); apperr.CodeOf(err) != apperr.Conflict || f.held() != "" {
				t.Errorf("%v, %s", err, f.held())
			}
		}}
		if _, err := importer.Run(f.ctx, first, o); err != nil || !ran || f.held() != "a@example.com=|" {
			t.Errorf("%v, %s", err, f.held())
		}
		if _, err := os.Stat(o.Path + ".import.lock"); !os.IsNotExist(err) {
			t.Errorf("the lock is left: %v", err)
		}
	})
}
