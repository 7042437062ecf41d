package importer_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/importer"
	"campaignql/internal/people/subscriber"
)

// report returns the path of the default report about a file.
func report(path string) string { return strings.TrimSuffix(path, ".csv") + ".rejected.csv" }

// empty removes all people from the list.
func (f *fixture) empty() {
	f.db.Client(f.ctx).Subscriber.Delete().Where(entsubscriber.ListID(f.list.ID)).ExecX(f.ctx)
}

func TestAFirstLineNamesTheSeparator(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("sep=;\r\nEmail;City\r\na@example.com;Köln\r\n")
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{
			"semicolon":                 "sep=;\r\nEmail;City\r\na@example.com;Köln\r\n",
			"more commas than that":     "sep=;\nEmail;City;a,b,c,d\na@example.com;Köln;,,,,,\n",
			"comma":                     "sep=,\nEmail,City;;;\na@example.com,Köln\n",
			"tab":                       "sep=\t\nEmail\tCity\na@example.com\tKöln\n",
			"tab in words":              "sep=\\t\nEmail\tCity\na@example.com\tKöln\n",
			"in quotes":                 "\"sep=;\"\nEmail;City\na@example.com;Köln\n",
			"in capitals":               "SEP=;\nEmail;City\na@example.com;Köln\n",
			"with the mark of UTF-8":    "\ufeffsep=;\r\nEmail;City\r\na@example.com;Köln\r\n",
			"quotes behind the mark":    "\ufeff\"sep=;\"\r\nEmail;City\r\na@example.com;Köln\r\n",
			"in UTF-16":                 utf16,
			"in Latin-1":                "sep=\xa7\nEmail\xa7City\na@example.com\xa7K\xf6ln\n",
			"another character":         "sep=^\nEmail^City\na@example.com^Köln\n",
			"before quoted line breaks": "sep=:\nEmail:\"Ci\nty\":City\na@example.com:\"x\ny\":Köln\n",
		} {
			f.empty()
			_, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file(content), List: f.list})
			if got := f.held(); err != nil || got != "a@example.com=Köln|" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		for name, test := range map[string]struct{ content, want string }{
			"no separator":         {"sep=\nEmail;City\n", `no column is the email of ["sep="]`},
			"two":                  {"sep=;;\nEmail;City\n", `no column is the email of ["sep=" "" ""]`},
			"a letter":             {"sep=x\nEmail;City\n", `no column is the email of ["sep=x"]`},
			"nothing else":         {"sep=;\n", "the file is empty"},
			"a quote in its file":  {"sep=;\nEmail;City\na@example.com;\"open\nb@example.com;\n", "line 3: a quote is opened and not closed"},
			"a quote in its names": {"sep=;\nEm\"ail;City\na@example.com;\n", "line 2: "},
		} {
			_, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file(test.content), List: f.list})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", name, err, test.want)
			}
		}
	})
}

// TestAFirstRowIsAHeaderOrAPerson checks which first rows are people, and that a broken one is in
// the report.
func TestAFirstRowIsAHeaderOrAPerson(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		numbers := []string{"1=email", "2=City"}
		for name, test := range map[string]struct {
			content  string
			columns  []string
			noHeader bool
			rejected string // the beginning of the first row of the report
			rows     int
		}{
			"a sign in the header":             {"Email,City,twitter (@handle),@\na@example.com,Bonn,@a,\n", nil, false, "", 1},
			"a sign in a mapped name":          {"mail@,City\na@example.com,Bonn\n", []string{"mail@=email", "City=City"}, false, "", 1},
			"names, columns by number":         {"E-mail Address,City\na@example.com,Bonn\n", numbers, false, "", 1},
			"an address, column by number":     {"ADRESSE,Wohnort\na@example.com,Bonn\n", numbers, false, "", 1},
			"names, columns by name or number": {"Kontakt,City\na@example.com,Bonn\n", []string{"Kontakt=email", "2=City"}, false, "", 1},
			"a person":                         {"b@example.com,Ulm\na@example.com,Bonn\n", numbers, false, "", 2},
			"a person without a sign":          {"nobody,Ulm\na@example.com,Bonn\n", numbers, false, "nobody,Ulm,1,", 2},
			"a person with a broken address":   {"b@@example.com,Ulm\na@example.com,Bonn\n", numbers, false, "b@@example.com,Ulm,1,", 2},
			"a person with a name":             {"B <b@example.com>,Ulm\na@example.com,Bonn\n", numbers, false, "B <b@example.com>,Ulm,1,", 2},
			"a person without an address":      {",Ulm\na@example.com,Bonn\n", numbers, false, ",Ulm,1,", 2},
			"a person with too few cells":      {"nobody\na@example.com,Bonn\n", numbers, false, "nobody,,1,", 2},
			"a value like a field's name":      {"nobody,City\na@example.com,Bonn\n", numbers, false, "nobody,City,1,", 2},
			"a stray quote":                    {"b\"@example.com,Ulm\na@example.com,Bonn\n", numbers, false, "\"b\"\"@example.com\",Ulm,1,", 2},
			"below the separator":              {"sep=,\nnobody,Ulm\na@example.com,Bonn\n", numbers, false, "nobody,Ulm,2,", 2},
			"a person, as was said":            {"Email,City\na@example.com,Bonn\n", numbers, true, "Email,City,1,", 2},
			"unknown names, by number":         {"Kontakt,City\na@example.com,Bonn\n", numbers, false, "Kontakt,City,1,", 2},
			"a name like the number":           {"nobody,1\na@example.com,Bonn\n", numbers, false, "nobody,1,1,", 2},
		} {
			f.empty()
			path := f.file(test.content)
			sum, err := importer.Run(
				f.ctx, f.people,
				importer.Options{Path: path, List: f.list, Map: test.columns, NoHeader: test.noHeader},
			)
			if err != nil || sum.Rows != test.rows || !strings.HasPrefix(f.held(), "a@example.com=Bonn|") {
				t.Errorf("%s: %+v, %v, %s", name, sum, err, f.held())
			}
			rejected, _ := os.ReadFile(report(path))
			_, row, _ := strings.Cut(string(rejected), "rejected line,rejected reason\n")
			if !strings.HasPrefix(row, test.rejected) || (row == "") != (test.rejected == "") {
				t.Errorf("%s: the report is %q, want %q in it", name, rejected, test.rejected)
			}
			if named := strings.Contains(row, "the first row is read as a person"); named != (test.rejected != "" && !test.noHeader) {
				t.Errorf("%s: the report is %q", name, rejected)
			}
		}
		for content, want := range map[string]string{
			"nobody,Bonn\na@example.com,Ulm\n":        `no column is the email of ["nobody" "Bonn"]: say which is, by Column=email`,
			"a@example.com,Bonn\nb@example.com,Ulm\n": `the first row is no header: "a@example.com" is an address: say which is by its number, 1=email`,
		} {
			_, err := importer.Run(f.ctx, f.people, importer.Options{Path: f.file(content), List: f.list})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", content, err)
			}
		}
	})
}

// TestColumnsAreFoundByTheirUsualNames checks names with and without a mapping.
func TestColumnsAreFoundByTheirUsualNames(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const row = "a@example.com,192.0.2.1,2026-01-02,2026-01-03,Bonn\n"
		for _, header := range []string{
			"email,ip,subscribedAt,optedInAt,city",
			"EMAIL,IP,SUBSCRIBEDAT,OPTEDINAT,CITY",
			"E-mail Address,IP Address,Subscription date,Opt-in date, City ",
			"email_address,ip_address,subscribed_at,opted_in_at,_city_",
			"MAIL,Signup IP,Sign-up date,Confirmed at,City",
			"Emailadresse,IP-Adresse,Anmeldedatum,Bestätigt am,City",
			"E-Mail-Adresse,IP Adresse,Angemeldet am,Opt-in-Datum,City",
			"Adresse e-mail,Adresse IP,Date d'inscription,Date de confirmation,City",
			"Adresse electronique,adresse_ip,date inscription,Confirme le,City",
			"Correo electrónico,Dirección IP,Fecha de suscripción,Fecha de confirmación,City",
			"Indirizzo e-mail,Indirizzo IP,Data di iscrizione,Data di conferma,City",
			"E-mailadres,IP-adres,Inschrijfdatum,Bevestigd op,City",
			"Адрес электронной почты,IP-адрес,Дата подписки,Дата подтверждения,City",
			"メールアドレス,IPアドレス,登録日,確認日,City",
		} {
			for _, columns := range [][]string{
				nil,
				{"email=email", "ip=ip", "subscribedAt=subscribedAt", "optedInAt=optedInAt", "city=city"},
				{"E_MAIL=Mail", "ip address=IP-Adresse", "subscription date=Subscribed At", "opt-in date=opt-in-date", "CITY=c-i-t-y"},
			} {
				f.empty()
				if _, err := importer.Run(
					f.ctx, f.people, importer.Options{Path: f.file(header + "\n" + row), List: f.list, Map: columns},
				); err != nil {
					t.Errorf("%s, %q: %v", header, columns, err)
					continue
				}
				p := f.db.Client(f.ctx).Subscriber.Query().Where(entsubscriber.ListID(f.list.ID)).OnlyX(f.ctx)
				if f.held() != "a@example.com=Bonn|" || p.SubscriptionIP != "192.0.2.1" || p.OptedInAt == nil ||
					p.SubscribedAt.UTC().Format("0102") != "0102" || p.OptedInAt.UTC().Format("0102") != "0103" {
					t.Errorf("%s, %q: %+v", header, columns, p)
				}
			}
		}
	})
}

// TestOfSeveralNamesTheExactOneCounts checks names that several columns or fields have.
func TestOfSeveralNamesTheExactOneCounts(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.newField("Mail")
		f.newField("Home-Town")
		f.newField("Home Town")
		const row = "a@example.com,x@example.com\n"
		for _, test := range []struct {
			content string
			columns []string
			want    string // held, or a part of the error
		}{
			{"Email,Mail\n" + row, nil, "a@example.com=x@example.com|"},
			{"Courriel,Email\nx@example.com,a@example.com\n", nil, "a@example.com=|"},
			{"Courriel,E_mail\na@example.com,x\n", nil, "a@example.com=|"},
			{"Courriel,E_mail\n" + row, []string{"Email=email"}, "x@example.com=|"},
			{"Courriel,E_mail\n" + row, []string{"adresse mail=email"}, `"adresse mail" may be "Courriel" or "E_mail": give the name as the header has it`},
			{"Email,home_town\na@example.com,x\n", nil, "a@example.com=|"},
			{"Email,X\na@example.com,x\n", []string{"Email=email", "X=home_town"}, `the list has no field "home_town"`},
			{"Email,X\na@example.com,x\n", []string{"Email=email", "X=home town"}, "a@example.com=x|"},
			{"Adresse2,City\n" + row, []string{"email=Adresse2"}, `the file has no column "email" of ["Adresse2" "City"]`},
			{"Email,Adresse2\n" + row, []string{"email=Adresse2"}, `the list has no field "Adresse2"; the column comes first: "Adresse2=email"`},
			{"Email,City\n" + row, []string{"Nobody=email"}, `the file has no column "Nobody" of ["Email" "City"]`},
			{row, []string{"Nobody=email"}, `the file has no column "Nobody", as the first row is no header: "a@example.com" is an address`},
		} {
			f.empty()
			_, err := importer.Run(
				f.ctx, f.people, importer.Options{Path: f.file(test.content), List: f.list, Map: test.columns},
			)
			if got := f.held(); got != test.want && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%q, %q: %q, %v, want %q", test.content, test.columns, got, err, test.want)
			}
		}
	})
}

// TestACorrectedReportIsImportedWithTheSameOptions imports a file, corrects its report, and imports
// that with the same options: then the list is as if the file had been correct.
func TestACorrectedReportIsImportedWithTheSameOptions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		byNumber := []string{"3=email", "1=City"}
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
		for name, test := range map[string]struct {
			content  string
			options  importer.Options
			encoding encoding.Encoding
			// fix are texts to replace in the report, besides BROKEN@. good is the correct file, if it is
			// not the file with the same replacements.
			fix  []string
			good string
		}{
			"names of the header":     {content: "Email,City\na@example.com,Bonn\nBROKEN@b@example.com,Ulm\nBROKEN@c@example.com,\"a \"\"b\"\", c; d | e\tf\"\n"},
			"columns by name":         {content: "Wo,x,Wer\nBonn,,a@example.com\nUlm,line,BROKEN@b@example.com\n", options: importer.Options{Map: []string{"Wer=email", "Wo=City"}}},
			"columns by number":       {content: "City,x,Email\nBonn,,a@example.com\nUlm,line,BROKEN@b@example.com\n", options: importer.Options{Map: byNumber}},
			"no header":               {content: "Bonn,,a@example.com\nUlm,line,BROKEN@b@example.com\nKiel;Kiel;Kiel;Kiel,,BROKEN@c@example.com\n", options: importer.Options{Map: byNumber}},
			"no header, first broken": {content: "Ulm,line,BROKEN@b@example.com\nBonn,,a@example.com\n", options: importer.Options{Map: byNumber}},
			"no header, as is said":   {content: "Ulm,line,BROKEN@b@example.com\nBonn,,a@example.com\n", options: importer.Options{Map: byNumber, NoHeader: true}},
			"no header, uneven rows": {
				content: "Ulm\nBonn,,a@example.com,d,e,f\nJena,,BROKEN@b@example.com,5,6,7,\nKiel,,BROKEN@c@example.com\n",
				options: importer.Options{Map: byNumber},
				fix:     []string{"Ulm,,,", "Ulm,,d@example.com,"},
				good:    "Ulm,,d@example.com\nBonn,,a@example.com\nJena,,b@example.com\nKiel,,c@example.com\n",
			},
			"semicolons":           {content: "Email;City\nBROKEN@a@example.com;a, b, c, d, e\n"},
			"tabs":                 {content: "Email\tCity\nBROKEN@a@example.com\ta, b; c, d, e\n"},
			"bars, no header":      {content: "a;b|c,d|BROKEN@a@example.com\n", options: importer.Options{Map: byNumber}},
			"a named separator":    {content: "sep=;\r\nEmail;City\r\nBROKEN@a@example.com;a,b,c,d\r\n"},
			"a rare separator":     {content: "sep=^\nEmail^City\nBROKEN@a@example.com^\"a,b^,,,,\"\n"},
			"a blank, no header":   {content: "sep= \nBonn x BROKEN@a@example.com\n", options: importer.Options{Map: byNumber}},
			"line breaks":          {content: "Email,City,\"No\r\nte\"\r\nBROKEN@a@example.com,\"a\r\nb\n\nc\",\"x\n\"\r\n"},
			"blanks at the ends":   {content: "Email,City\nBROKEN@a@example.com,\"  x \"\n"},
			"the mark of UTF-8":    {content: "\ufeffEmail;City\nBROKEN@a@example.com;Köln\n"},
			"UTF-8, as is said":    {content: "Email,City\nBROKEN@a@example.com,Köln\n", options: importer.Options{Encoding: "utf-8"}},
			"UTF-16":               {content: "sep=;\r\nEmail;City\r\nBROKEN@a@example.com;Köln 京\r\n", encoding: utf16},
			"Latin-1":              {content: "Email,City\nBROKEN@a@example.com,K\xf6ln \x80 \x81\n"},
			"Latin-1, as is said":  {content: "Email,City\nBROKEN@a@example.com,K\xf6ln \x80 \x81\n", options: importer.Options{Encoding: "latin-1"}},
			"UTF-8 read as it":     {content: "sep=\xa7\nEmail\xa7City\nBROKEN@a@example.com\xa7\xc3\xb6\n", options: importer.Options{Encoding: "latin-1"}},
			"a row that is long":   {content: "Email,City\na@example.com,Bonn,Mitte\nb@example.com,Ulm,,\n", fix: []string{"Bonn,Mitte", "Bonn Mitte"}},
			"with a blank cell":    {content: "Email,City\na@example.com,Bonn,Mitte\nb@example.com,Ulm,,\n", fix: []string{"Bonn,Mitte", "Bonn Mitte,"}},
			"a stray quote":        {content: "Email,City\na@example.com,b\"c\n", good: "Email,City\na@example.com,\"b\"\"c\"\n"},
			"a short row":          {content: "Email,City,x,y\nBROKEN@a@example.com\n"},
			"columns of that name": {content: "line,reason,Email\n1,z,BROKEN@a@example.com\n", options: importer.Options{Map: []string{"Email=email", "reason=City"}}},
			"a report is given":    {content: "Email,City\nBROKEN@a@example.com,Bonn\nb@example.com,\n", options: importer.Options{Report: filepath.Join(t.TempDir(), "given.csv")}},
			"an old report":        {content: "line,reason,Email,City\n7,no,BROKEN@a@example.com,Bonn\n"},
			"a value of that name": {content: "City,x,Email\nrejected line,rejected reason,BROKEN@a@example.com\n"},
		} {
			if test.encoding != nil {
				var err error
				if test.content, err = test.encoding.NewEncoder().String(test.content); err != nil {
					t.Fatal(err)
				}
			}
			fix := strings.NewReplacer(append(test.fix, "BROKEN@", "")...).Replace
			if test.good == "" {
				test.good = fix(test.content)
			}
			if test.encoding != nil {
				test.good = strings.ReplaceAll(test.content, "B\x00R\x00O\x00K\x00E\x00N\x00@\x00", "")
			}
			run := func(path string, o importer.Options) importer.Summary {
				o.Path, o.List = path, f.list
				sum, err := importer.Run(f.ctx, f.people, o)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				return sum
			}
			f.empty()
			good := test.options
			good.Report = ""
			all := run(f.file(test.good), good)
			want := f.held()

			f.empty()
			path := f.file(test.content)
			sum := run(path, test.options)
			rejected := sum.Outcomes[subscriber.Rejected]
			if all.Outcomes[subscriber.Added] != sum.Rows || sum.Rows != all.Rows || rejected == 0 || want == f.held() {
				t.Errorf("%s: %+v, and without faults %+v", name, sum, all)
				continue
			}
			text, err := os.ReadFile(sum.Report)
			if err != nil {
				t.Fatal(err)
			}
			// The report of a report that was not corrected is the same but for the lines. A stray quote is
			// one no more in the report.
			if name != "a stray quote" {
				before := f.held()
				again := run(sum.Report, test.options)
				twice, err := os.ReadFile(again.Report)
				if err != nil || again.Rows != rejected || again.Outcomes[subscriber.Rejected] != rejected || f.held() != before {
					t.Errorf("%s: not corrected, it is %+v, %v", name, again, err)
				}
				if got, want := withoutLines(twice), withoutLines(text); got != want {
					t.Errorf("%s: the report is\n%q\nand of itself\n%q", name, want, got)
				}
			}
			if err := os.WriteFile(sum.Report, []byte(fix(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			again := run(sum.Report, test.options)
			if got := f.held(); got != want || again.Outcomes[subscriber.Added] != rejected || again.Rows != rejected {
				t.Errorf("%s: %+v, %q, want %q; the report was\n%s", name, again, got, want, text)
			}
		}
	})
}

// withoutLines removes the numbers, the explanation of a first row and quotes from a report.
func withoutLines(report []byte) string {
	text := strings.ReplaceAll(string(report), `"`, "")
	text = regexp.MustCompile(`[,;|\t^ \xa7]\d+([,;|\t^ \xa7])`).ReplaceAllString(text, "$1")
	return regexp.MustCompile(`; the first row is read as a person[^\n]*`).ReplaceAllString(text, "")
}

// TestAnInterruptedImportContinuesItsReport checks reports in the form of the file.
func TestAnInterruptedImportContinuesItsReport(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		o := importer.Options{List: f.list, Map: []string{"2=email", "1=City"}, Encoding: "latin-1", BatchRows: 2}
		content := "sep=\xa7\nK\xf6ln\xa7nobody\nBonn\xa7a@example.com\nK\xf6ln\xa7b@example.com\nUlm\xa7c@example.com\n" +
			"K\xf6ln\xa7nobody\nUlm\xa7d@example.com\nK\xf6ln\xa7e@example.com\n"
		const want = "sep=\xa7\n1\xa72\xa7rejected line\xa7rejected reason\nK\xf6ln\xa7nobody\xa72\xa7"
		whole := ""
		for calls := range int64(7) {
			f.empty()
			o.Path = f.file(content)
			stop := &stopping{Service: f.people, commit: calls%2 == 0}
			stop.calls.Store(max(1, calls))
			if calls > 0 {
				if _, err := importer.Run(f.ctx, stop, o); calls < 5 && !errors.Is(err, errStopped) {
					t.Fatal(err)
				}
			}
			sum, err := importer.Run(f.ctx, f.people, o)
			if err != nil || f.held() != "a@example.com=Bonn|b@example.com=Köln|c@example.com=Ulm|d@example.com=Ulm|e@example.com=Köln|" {
				t.Errorf("stopped at call %d: %+v, %v, %s", calls, sum, err, f.held())
			}
			text, err := os.ReadFile(report(o.Path))
			if err != nil || !strings.HasPrefix(string(text), want) || strings.Count(string(text), "nobody") != 2 {
				t.Errorf("stopped at call %d: %q, %v", calls, text, err)
			}
			if whole == "" {
				whole = string(text)
			}
			if string(text) != whole {
				t.Errorf("stopped at call %d: the report is\n%q, want\n%q", calls, text, whole)
			}
		}
	})
}

// TestAReportIsReadAsASpreadsheetSavesIt checks reports in which cells were added, moved or
// removed. No cell of a person is taken for the line or the reason.
func TestAReportIsReadAsASpreadsheetSavesIt(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const header = "Email;City;rejected line;rejected reason"
		for name, test := range map[string]struct{ content, want string }{
			"another separator, more columns": {header + ";;\r\na@example.com;Bonn;3;x;;\r\n", "a@example.com=Bonn|"},
			"without line and reason":         {"Email;City\na@example.com;Bonn\n", "a@example.com=Bonn|"},
			"without them in a row":           {header + "\na@example.com;Bonn\nb@example.com;5;;\n", "a@example.com=Bonn|b@example.com=5|"},
			"without one of them":             {header + "\na@example.com;Bonn;3;\nb@example.com;5;;a note\n", "a@example.com=Bonn|b@example.com=5|"},
			"cells moved to the left":         {header + ";\na@example.com;Bonn;3;x;\n", "a@example.com=Bonn|"},
			"a cell emptied":                  {header + ";\na@example.com;Bonn;;3;x\n", "a@example.com=Bonn|"},
			"no cell emptied":                 {header + ";\na@example.com;Bonn;Mitte;3;x\n", ""},
			"no cell emptied but the reason":  {header + ";\na@example.com;Bonn;Mitte;3;\n", ""},
			"no cell emptied but the number":  {header + ";\na@example.com;Bonn;7;3;\n", ""},
			"no cell emptied but both":        {header + ";\na@example.com;Bonn;Mitte;;\n", ""},
			"in capitals":                     {"Email;City;Rejected Line; Rejected Reason\na@example.com;Bonn;3;x\n", "a@example.com=Bonn|"},
		} {
			f.empty()
			path := f.file(test.content)
			sum, err := importer.Run(f.ctx, f.people, importer.Options{Path: path, List: f.list})
			if err != nil || f.held() != test.want || (sum.Outcomes[subscriber.Rejected] == 0) != (test.want != "") {
				t.Errorf("%s: %+v, %v, %q", name, sum, err, f.held())
			}
			// It may be replaced by another report if it has the columns of one.
			other := f.file("Email\nnobody\n")
			_, err = importer.Run(f.ctx, f.people, importer.Options{Path: other, List: f.list, Report: path})
			if isReport := name != "without line and reason"; (err == nil) != isReport {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
