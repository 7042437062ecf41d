package translate_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"campaignql/graph"
	"campaignql/internal/campaign"
	"campaignql/internal/command"
	"campaignql/internal/kind"
	"campaignql/internal/translate"
)

var update = flag.Bool("update", false, "write the golden files")

// secret is a key, a password or a file name in requests. No translation and no error may contain
// it.
const secret = "hunter2-hunter2"

var schema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: graph.Schema()})
})

// check fails unless the output is notes, then a document that is valid against the schema, and
// variables that fit it.
func check(t *testing.T, printed string) {
	t.Helper()
	document, variables, found := strings.Cut(printed, "\n# variables\n")
	if !found {
		t.Fatalf("no variables in\n%s", printed)
	}
	parsed, errs := gqlparser.LoadQueryWithRules(schema(), document, nil)
	if len(errs) > 0 {
		t.Fatalf("%v in\n%s", errs, document)
	}
	if len(parsed.Operations) != 1 {
		t.Fatalf("%d operations in\n%s", len(parsed.Operations), document)
	}
	var given map[string]any
	decoder := json.NewDecoder(strings.NewReader(variables))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		t.Fatalf("%v in\n%s", err, variables)
	}
	if _, err := validator.VariableValues(schema(), parsed.Operations[0], given); err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	for name := range given {
		if parsed.Operations[0].VariableDefinitions.ForName(name) == nil {
			t.Fatalf("the document has no variable %s:\n%s", name, printed)
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			request := string(archive.Files[0].Data)
			got := txtar.File{Name: "translation"}
			translation, err := translate.Translate(request)
			if err != nil {
				got = txtar.File{Name: "error", Data: []byte(err.Error() + "\n")}
			} else {
				got.Data = []byte(translation.String())
				check(t, translation.String())
			}
			if strings.Contains(string(got.Data), secret) {
				t.Errorf("a secret is repeated in\n%s", got.Data)
			}
			if strings.HasPrefix(filepath.Base(file), "error-") == (err == nil) {
				t.Errorf("it ends with the error %v", err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("the error has several lines: %v", err)
			}
			want := archive.Files[1]
			if *update {
				archive.Files[1] = got
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want.Name+"\n"+string(want.Data), got.Name+"\n"+string(got.Data)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryParameterHasAGoldenFile also checks that each command of campaigns, tags and sessions
// has a translation.
func TestEveryParameterHasAGoldenFile(t *testing.T) {
	t.Parallel()
	prefixes := map[string]string{"Campaign.Update": "update-", "Campaigns.Get": "list-"}
	for _, declared := range command.New(command.Services{}, command.Options{}).Commands() {
		for _, parameter := range declared.Parameters {
			if prefix := prefixes[declared.Name]; prefix != "" {
				if _, err := os.Stat("testdata/golden/" + prefix + parameter.Name + ".txtar"); err != nil {
					t.Error(err)
				}
			}
		}
		family, _, _ := strings.Cut(declared.Name, ".")
		if !slices.Contains([]string{"Campaign", "Campaigns", "Tag", "Tags", "User"}, family) {
			continue
		}
		_, err := translate.Translate("Command=" + declared.Name)
		if err != nil && strings.Contains(err.Error(), "cannot be translated") {
			t.Error(err)
		}
	}
}

// TestNamesOfTheSchema compares the names derived from stored values with the enums of the schema.
func TestNamesOfTheSchema(t *testing.T) {
	t.Parallel()
	for _, status := range kind.CampaignStatuses() {
		printed := translated(
			t,
			"Command=Campaigns.Get&RecordsPerRequest=1&CampaignStatus="+strings.ReplaceAll(status.Legacy(), " ", "+"),
		)
		if !strings.Contains(printed, `"status": [`) {
			t.Errorf("no status in\n%s", printed)
		}
		check(t, printed)
	}
	for _, winner := range []campaign.ABWinner{campaign.WinnerByOpens, campaign.WinnerByClicks} {
		check(
			t,
			translated(
				t,
				"Command=Campaign.Update&CampaignID=1&ABTesting[TestSize]=50&ABTesting[TestDuration]=1&ABTesting[Winner]="+
					strings.ReplaceAll(
						string(winner), " ", "+",
					)+"&ABTesting[Variations][0][EmailID]=1&ABTesting[Variations][0][Weight]=1&ABTesting[Variations][1][EmailID]=2&ABTesting[Variations][1][Weight]=1",
			),
		)
	}
	check(
		t,
		translated(
			t,
			"Command=Campaign.Update&CampaignID=1&ScheduleType=Recursive&ScheduleRecDaysOfWeek=1,2,3,4,5,6,7&ScheduleRecMonths=0"+
				"&ScheduleRecHours=0&ScheduleRecMinutes=0&ScheduleRecSendMaxInstance=0&SendTimeZone=UTC",
		),
	)
	used := map[string]bool{}
	for _, field := range []string{
		"CampaignName", "CreateDateTime", "LastActivityDateTime", "sort-by-send-date", "SendProcessStartedOn", "SendProcessFinishedOn", "sort-by-status", "TotalRecipients",
	} {
		printed := translated(t, "Command=Campaigns.Get&RecordsPerRequest=1&OrderField="+field)
		check(t, printed)
		for _, value := range schema().Types["CampaignOrderField"].EnumValues {
			if strings.Contains(printed, `"field": "`+value.Name+`"`) {
				used[value.Name] = true
			}
		}
	}
	for _, value := range schema().Types["CampaignOrderField"].EnumValues {
		if !used[value.Name] {
			t.Errorf("no OrderField becomes %s", value.Name)
		}
	}
}

func translated(t *testing.T, request ...string) string {
	t.Helper()
	translation, err := translate.Translate(request...)
	if err != nil {
		t.Fatalf("%v: %q", err, request)
	}
	return translation.String()
}

func TestJSONIsABodyOfARequest(t *testing.T) {
	t.Parallel()
	translation, err := translate.Translate("Command=Campaign.Create&CampaignName=%3Cb%3E%26")
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal([]byte(translation.JSON()), &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"input": map[string]any{"name": "<b>&"}}
	if diff := cmp.Diff(want, body.Variables); diff != "" || body.Query != translation.Document {
		t.Errorf("%s:\n%s", translation.JSON(), diff)
	}
	if bytes.Count([]byte(translation.JSON()), []byte("\n")) != 1 {
		t.Errorf("not one line: %s", translation.JSON())
	}
}

func TestATooLongRequestIsRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", translate.MaxInput)
	for _, request := range [][]string{{"Command=" + long}, {"curl", "-d", long}} {
		if _, err := translate.Translate(request...); err == nil || !strings.Contains(err.Error(), "10 MiB") {
			t.Errorf("it ends with %v", err)
		}
	}
}
