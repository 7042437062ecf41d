package importer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/field"
	"campaignql/internal/importer"
	"campaignql/internal/kind"
	"campaignql/internal/list"
	"campaignql/internal/store"
	"campaignql/internal/subscriber"
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
		f := &fixture{t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db)), people: subscriber.New(db, nil, nil, subscriber.Options{})}
		f.list = f.newList()
		if _, err := field.New(db, field.Options{}).Create(f.ctx, field.Input{ListID: f.list.ID, Name: "City", Type: kind.FieldText}, nil); err != nil {
			t.Fatal(err)
		}
		test(t, f)
	})
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

// held tells who is on the list with which value, by address.
func (f *fixture) held() string {
	f.t.Helper()
	var out strings.Builder
	rows := f.db.Client(f.ctx).Subscriber.Query().Where(entsubscriber.ListID(f.list.ID)).Order(entsubscriber.ByEmailKey()).AllX(f.ctx)
	for _, p := range rows {
		values, err := f.people.Values(f.ctx, []int64{p.ID})
		if err != nil {
			f.t.Fatal(err)
		}
		var city string
		for _, v := range values[p.ID] {
			city = v
		}
		fmt.Fprintf(&out, "%s=%s|", p.Email, city)
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
			"no header":                   {"Bonn,a@example.com\n", []string{"2=email", "1=City"}, "a@example.com=Bonn|"},
			"mapped names":                {"Ort,Adresse\nBonn,a@example.com\n", []string{"Adresse=email", "Ort=City"}, "a@example.com=Bonn|"},
		} {
			f.db.Client(f.ctx).Subscriber.Delete().Where(entsubscriber.ListID(f.list.ID)).ExecX(f.ctx)
			if _, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file(test.content), List: f.list, Map: test.columns}); err != nil {
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
			{"Nix=email", `no column "Nix"`}, {"Email=CustomField999999", "no field"}, {"9=email", `no column "9"`}, {"City=City", "no column is the email"},
		} {
			_, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file("Email,City\na@example.com,x\n"), List: f.list, Map: []string{test.column}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.column, err)
			}
		}
	})
}

// stopping fails on the call with that number, before or after it is committed.
type stopping struct {
	*subscriber.Service
	calls  int
	commit bool
}

var errStopped = errors.New("stopped")

func (s *stopping) Add(ctx context.Context, in subscriber.Addition, key *string) ([]subscriber.Result, error) {
	if s.calls--; s.calls > 0 {
		return s.Service.Add(ctx, in, key)
	}
	if s.commit {
		if _, err := s.Service.Add(ctx, in, key); err != nil {
			return nil, err
		}
	}
	return nil, errStopped
}

func TestAnInterruptedImportEndsAsIfItHadNotBeen(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var content strings.Builder
		content.WriteString("Email\n")
		for i := range 2*subscriber.MaxRows + 10 {
			switch {
			case i%1000 == 7:
				fmt.Fprintf(&content, "nobody %d\n", i)
			case i%1000 == 8:
				fmt.Fprintf(&content, "P%d@example.com\n", i-2)
			default:
				fmt.Fprintf(&content, "p%d@example.com\n", i)
			}
		}
		whole := importer.Options{Path: f.file(content.String()), List: f.list}
		if sum, err := importer.Run(f.ctx, f.people, whole); err != nil || sum.Outcomes[subscriber.Rejected] != 22 {
			t.Fatal(sum, err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(whole.Path, ".csv") + ".rejected.csv")
		if err != nil || !strings.HasPrefix(string(want), "line,reason,Email\n9,") || !strings.Contains(string(want), "10,line 8 has the same address,P6@example.com\n") {
			t.Fatalf("%s, %v", want, err)
		}
		people := f.db.Client(f.ctx).Subscriber.Query().Where(entsubscriber.ListID(f.list.ID)).CountX(f.ctx)
		for _, at := range []struct{ committed, reportGone bool }{{false, false}, {true, false}, {false, true}} {
			committed := at.committed
			o := importer.Options{Path: f.file(content.String()), List: f.newList()}
			if _, err := importer.Run(f.ctx, &stopping{f.people, 2, committed}, o); !errors.Is(err, errStopped) {
				t.Fatal(err)
			}
			if at.reportGone {
				if err := os.Remove(strings.TrimSuffix(o.Path, ".csv") + ".rejected.csv"); err != nil {
					t.Fatal(err)
				}
			}
			if sum, err := importer.Run(f.ctx, f.people, o); err != nil || sum.Rows != 2*subscriber.MaxRows+10 {
				t.Fatal(sum, err)
			}
			got, err := os.ReadFile(strings.TrimSuffix(o.Path, ".csv") + ".rejected.csv")
			n := f.db.Client(f.ctx).Subscriber.Query().Where(entsubscriber.ListID(o.List.ID)).CountX(f.ctx)
			if err != nil || string(got) != string(want) || n != people {
				t.Errorf("%+v: %d people, want %d; %v\n%q", at, n, people, err, got)
			}
			if _, err := os.Stat(o.Path + ".import.json"); !os.IsNotExist(err) {
				t.Errorf("the checkpoint is left: %v", err)
			}
		}
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
		// An earlier report is written anew.
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
