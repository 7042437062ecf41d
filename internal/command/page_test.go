package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"campaignql/internal/command"
)

//go:generate go test -run TestThePageForMoversIsTrue -update .

// pagePath is the page for people who migrate from the legacy API. It is generated from the
// declarations of the commands and testdata/command-bridge.md.tmpl.
var pagePath = filepath.Join("..", "..", "docs", "command-bridge.md")

// example is a command as old scripts send it, and the equivalent document.
type example struct {
	// form are the fields of the legacy request without the credentials, as "Name=value".
	form      []string
	Document  string
	Variables string
}

// Curl returns the legacy request as a shell line.
func (e example) Curl(name string) string {
	line := "curl https://mail.example.com/api.php"
	if name != "User.Login" {
		line += " -d APIKey=$KEY"
	}
	line += " -d Command=" + name
	for _, field := range e.form {
		if strings.ContainsAny(field, " []%{\"'&:") {
			line += " \\\n  --data-urlencode '" + field + "'"
		} else {
			line += " -d " + field
		}
	}
	return line
}

const changed = "userErrors { code message field }"

// simple returns the example of a command that only names a campaign.
func simple(operation, input string) example {
	return example{
		form: []string{"CampaignID=123"},
		Document: fmt.Sprintf(
			"mutation($input: %s!) {\n  %s(input: $input) {\n    campaign { legacyId status }\n    %s\n  }\n}", input,
			operation, changed,
		),
		Variables: `{"input": {"id": "123"}}`,
	}
}

// moved are the examples. Each command whose field is in the schema needs one.
var moved = map[string]example{
	"User.Login": {
		[]string{"Username=jane", "Password=correct horse"},
		"mutation($input: LoginInput!) {\n  login(input: $input) {\n    sessionToken\n    expiresAt\n    " + changed + "\n  }\n}",
		`{"input": {"username": "jane", "password": "correct horse"}}`,
	},
	"User.Logout": {[]string{"SessionID=$SESSION"}, "mutation {\n  logout { ended }\n}", ""},
	"Campaign.Create": {
		[]string{"CampaignName=Summer Sale"},
		"mutation($input: CreateCampaignInput!) {\n  createCampaign(input: $input) {\n    campaign { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {"name": "Summer Sale"}}`,
	},
	"Campaign.Get": {
		[]string{"campaignid=123", "retrievestatistics=true", "retrievetags=true"},
		"query($id: ID!) {\n  campaign(id: $id) {\n    name\n    status\n    statistics {\n      sent\n      opens { total unique rate }\n      clicks { total unique rate }\n      series(interval: DAY) { start opens uniqueOpens clicks uniqueClicks }\n    }\n    tags { name }\n  }\n}",
		`{"id": "123"}`,
	},
	"Campaigns.Get": {
		[]string{
			"RecordsPerRequest=10", "CampaignStatus=Sent", "SearchKeyword=Sale", "OrderField=CampaignName",
			"OrderType=ASC", "RetrieveTags=true",
		},
		"query($filter: CampaignFilter, $orderBy: CampaignOrder, $first: Int, $after: String) {\n  campaigns(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {\n    nodes { legacyId name status tags { legacyId name } }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"filter": {"status": ["SENT"], "search": "Sale"}, "orderBy": {"field": "NAME", "direction": "ASC"}, "first": 10}`,
	},
	"Campaign.Update": {
		[]string{
			"CampaignID=123", "CampaignStatus=Ready", "RelEmailID=301", "ScheduleType=Future", "SendDate=2027-03-01",
			"SendTime=09:30", "SendTimeZone=Europe/Berlin", "RecipientListsAndSegments=12:0,13:44",
		},
		"mutation($input: UpdateCampaignInput!) {\n  updateCampaign(input: $input) {\n    campaign { legacyId status schedule { type } }\n    " + changed + "\n  }\n}",
		`{"input": {
  "id": "123",
  "status": "READY",
  "emailId": "301",
  "schedule": {"at": {"date": "2027-03-01", "time": "09:30", "timeZone": "Europe/Berlin"}},
  "audience": {"lists": {"include": [{"listLegacyId": "12"}, {"listLegacyId": "13", "segmentLegacyId": "44"}]}}
}}`,
	},
	"Campaign.Copy":    simple("copyCampaign", "CopyCampaignInput"),
	"Campaign.Approve": simple("approveCampaign", "ApproveCampaignInput"),
	"Campaign.Pause":   simple("pauseCampaign", "PauseCampaignInput"),
	"Campaign.Resume":  simple("resumeCampaign", "ResumeCampaignInput"),
	"Campaign.Cancel":  simple("cancelCampaign", "CancelCampaignInput"),
	"Campaigns.Delete": {
		[]string{"Campaigns=123,124"},
		"mutation($input: DeleteCampaignsInput!) {\n  deleteCampaigns(input: $input) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"input": {"ids": ["123", "124"]}}`,
	},
	"Tags.Get": {
		nil,
		"query($first: Int, $after: String) {\n  tags(first: $first, after: $after) {\n    nodes { legacyId name }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"first": 250}`,
	},
	"Tag.Create": {
		[]string{"Tag=Summer"},
		"mutation($input: CreateTagInput!) {\n  createTag(input: $input) {\n    tag { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {"name": "Summer"}}`,
	},
	"Tag.Update": {
		[]string{"TagID=7", "Tag=Summer 2027"},
		"mutation($input: UpdateTagInput!) {\n  updateTag(input: $input) {\n    tag { legacyId name }\n    " + changed + "\n  }\n}",
		`{"input": {"id": "7", "name": "Summer 2027"}}`,
	},
	"Tags.Delete": {
		[]string{"Tags=7,8"},
		"mutation($input: DeleteTagsInput!) {\n  deleteTags(input: $input) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"input": {"ids": ["7", "8"]}}`,
	},
	"Tag.AssignToCampaigns": {
		[]string{"TagID=7", "CampaignIDs=123,124"},
		"mutation($input: TagCampaignsInput!) {\n  tagCampaigns(input: $input) {\n    campaigns { legacyId tags { name } }\n    " + changed + "\n  }\n}",
		`{"input": {"tagIds": ["7"], "campaignIds": ["123", "124"]}}`,
	},
	"Tag.UnassignFromCampaigns": {
		[]string{"TagID=7", "CampaignIDs=123,124"},
		"mutation($input: UntagCampaignsInput!) {\n  untagCampaigns(input: $input) {\n    campaigns { legacyId tags { name } }\n    " + changed + "\n  }\n}",
		`{"input": {"tagIds": ["7"], "campaignIds": ["123", "124"]}}`,
	},
	"Email.Create": {
		nil,
		"mutation($input: CreateEmailInput!) {\n  createEmail(input: $input) {\n    email { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {}}`,
	},
	"Email.Get": {
		[]string{"EmailID=301"},
		"query($id: ID!) {\n  email(id: $id) { name subject fromName fromEmail html plain }\n}", `{"id": "301"}`,
	},
	"Emails.Get": {
		nil,
		"query($first: Int, $after: String) {\n  emails(first: $first, after: $after) {\n    nodes { legacyId name subject }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"first": 100}`,
	},
	"Email.Update": {
		[]string{
			"EmailID=301", "ValidateScope=Campaign", "Subject=Our summer sale", "FromName=Jane",
			"FromEmail=jane@example.com", "HTMLContent=<p>Hello</p> <a href=\"%Link:Unsubscribe%\">Unsubscribe</a>",
		},
		"mutation($input: UpdateEmailInput!) {\n  updateEmail(input: $input) {\n    email { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {
  "id": "301",
  "subject": "Our summer sale",
  "fromName": "Jane",
  "fromEmail": "jane@example.com",
  "html": "<p>Hello</p> <a href=\"%Link:Unsubscribe%\">Unsubscribe</a>"
}}`,
	},
	"Email.Delete": {
		[]string{"EmailID=301"},
		"mutation($input: DeleteEmailsInput!) {\n  deleteEmails(input: $input) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"input": {"ids": ["301"]}}`,
	},
	"List.Create": {
		[]string{"SubscriberListName=Customers"},
		"mutation($input: CreateListInput!) {\n  createList(input: $input) {\n    list { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {"name": "Customers"}}`,
	},
	"Lists.Get": {
		[]string{"RecordsPerRequest=100"},
		"query($first: Int, $after: String) {\n  lists(first: $first, after: $after) {\n    nodes { legacyId name doubleOptIn subscriberCount createdAt }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"first": 100}`,
	},
	"Subscriber.Subscribe": {
		[]string{"ListID=12", "EmailAddress=jane@example.com", "IPAddress=203.0.113.9"},
		"mutation($input: AddSubscribersInput!) {\n  addSubscribers(input: $input) {\n    results {\n      outcome\n      subscriber { legacyId }\n      " + changed + "\n    }\n    " + changed + "\n  }\n}",
		`{"input": {
  "listId": "12",
  "subscribers": [{"emailAddress": "jane@example.com", "ipAddress": "203.0.113.9"}],
  "resubscribe": true
}}`,
	},
	"Subscriber.Unsubscribe": {
		[]string{"ListID=12", "EmailAddress=jane@example.com"},
		"mutation($input: UnsubscribeInput!) {\n  unsubscribe(input: $input) {\n    subscriber { legacyId status }\n    " + changed + "\n  }\n}",
		`{"input": {"listId": "12", "emailAddress": "jane@example.com"}}`,
	},
	"Subscribers.Get": {
		[]string{"SubscriberListID=12", "SubscriberSegment=Active", "RecordsPerRequest=100"},
		"query($id: ID!, $filter: SubscriberFilter, $first: Int, $after: String) {\n  list(id: $id) {\n    subscribers(filter: $filter, first: $first, after: $after) {\n      nodes {\n        legacyId\n        emailAddress\n        status\n        fields { text field { legacyId name } }\n      }\n      pageInfo { hasNextPage endCursor }\n      totalCount\n    }\n  }\n}",
		`{"id": "12", "filter": {"active": true}, "first": 100}`,
	},
}

// envelope returns the example of a command within GraphQL.
func envelope(name string, fields []string) example {
	parameters := map[string]string{}
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		parameters[key] = value
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"name": name, "parameters": parameters})
	return example{
		fields, "mutation($name: String!, $parameters: JSON) {\n  command(name: $name, parameters: $parameters)\n}",
		strings.TrimSpace(text.String()),
	}
}

type pageCommand struct {
	command.Command
	Anchor, Field, Needs string
	// Served is true if the schema has the field of the command. Requires is true if the command
	// has required parameters.
	Served, Requires bool

	Codes   []pageCode
	Example struct{ Curl, Document, Variables string }
}

type pageCode struct{ Written, Text string }

func writtenCode(c command.Code) string {
	switch c.Shape {
	case command.Array:
		return fmt.Sprintf("[%d]", c.Number)
	case command.Keyed:
		return fmt.Sprintf(`{"campaigns":%d}`, c.Number)
	default:
		return fmt.Sprint(c.Number)
	}
}

// cellOf escapes a text for a table.
func cellOf(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func servedSchema(t *testing.T) *ast.Schema {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "schema.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(source)})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// describe returns the description of a command for the page.
func describe(t *testing.T, schema *ast.Schema, cmd command.Command) pageCommand {
	t.Helper()
	shown := pageCommand{Command: cmd, Anchor: strings.ToLower(strings.ReplaceAll(cmd.Name, ".", ""))}
	shown.Doc, shown.Parameters = cellOf(cmd.Doc), slices.Clone(cmd.Parameters)
	for i := range shown.Parameters {
		shown.Parameters[i].Doc = cellOf(shown.Parameters[i].Doc)
		shown.Requires = shown.Requires || shown.Parameters[i].Required
	}
	for _, code := range cmd.Codes {
		row := pageCode{writtenCode(code), cellOf(code.Text)}
		if !slices.Contains(shown.Codes, row) {
			shown.Codes = append(shown.Codes, row)
		}
	}
	if schema.Query.Fields.ForName(cmd.Operation) == nil && schema.Mutation.Fields.ForName(cmd.Operation) == nil {
		t.Errorf("%s names the field %s, which the schema does not have", cmd.Name, cmd.Operation)
	}
	shown.Field, shown.Served = "`"+cmd.Operation+"`", cmd.Operation != "command"
	if shown.Needs = string(cmd.Scope); cmd.Public {
		shown.Needs = "nothing"
	}
	given, ok := moved[cmd.Name]
	if !ok || shown.Served != (given.Document != "") {
		t.Errorf(
			"%s: the table moved needs an example, with a document if its field is not command but %s", cmd.Name,
			cmd.Operation,
		)
	}
	shown.Example.Curl = given.Curl(cmd.Name)
	if !shown.Served {
		given = envelope(cmd.Name, given.form)
	}
	shown.Example.Document, shown.Example.Variables = given.Document, given.Variables
	return shown
}

func TestThePageForMoversIsTrue(t *testing.T) {
	t.Parallel()
	schema := servedSchema(t)
	var page struct {
		Envelope example
		Commands []pageCommand
		MaxBody  int
	}
	page.MaxBody = command.DefaultMaxBody
	page.Envelope = envelope("Campaign.Pause", []string{"CampaignID=123"})
	for _, cmd := range command.New(command.Services{}, command.Options{}).Commands() {
		page.Commands = append(page.Commands, describe(t, schema, cmd))
	}
	layout, err := template.ParseFiles(filepath.Join("testdata", "command-bridge.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := layout.Execute(&text, page); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(pagePath, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
		t.Errorf(
			"%s is not what the declarations say; go generate ./internal/command writes it anew (-page +declared):\n%s",
			pagePath, diff,
		)
	}
}

// TestTheExamplesForMoversAreValid checks every document against the schema and every legacy
// request against the declarations.
func TestTheExamplesForMoversAreValid(t *testing.T) {
	t.Parallel()
	schema := servedSchema(t)
	commands := command.New(command.Services{}, command.Options{}).Commands()
	for _, cmd := range commands {
		shown := describe(t, schema, cmd)
		document, err := gqlparser.LoadQueryWithRules(schema, shown.Example.Document, nil)
		if err != nil {
			t.Errorf("%s: %v in\n%s", cmd.Name, err, shown.Example.Document)
			continue
		}
		variables := map[string]any{}
		if shown.Example.Variables != "" {
			if err := json.Unmarshal([]byte(shown.Example.Variables), &variables); err != nil {
				t.Errorf("%s: %v in %s", cmd.Name, err, shown.Example.Variables)
			}
		}
		operation := document.Operations[0]
		if _, err := validator.VariableValues(schema, operation, variables); err != nil {
			t.Errorf("%s: %v in %s", cmd.Name, err, shown.Example.Variables)
		}
		if field := operation.SelectionSet[0].(*ast.Field).Name; shown.Served && field != cmd.Operation {
			t.Errorf("%s is shown as %s and declared as %s", cmd.Name, field, cmd.Operation)
		}
		for _, p := range cmd.Parameters {
			if p.Required &&
				!slices.ContainsFunc(
					moved[cmd.Name].form, func(field string) bool { return strings.HasPrefix(field, p.Name+"=") },
				) {
				t.Errorf("%s is shown without %s", cmd.Name, p.Name)
			}
		}
		for _, field := range moved[cmd.Name].form {
			name, _, _ := strings.Cut(field, "=")
			if !slices.ContainsFunc(cmd.Parameters, func(p command.Parameter) bool { return p.Name == name }) {
				t.Errorf("%s is shown with %s, which it does not take", cmd.Name, name)
			}
		}
	}
	for name := range moved {
		if !slices.ContainsFunc(commands, func(cmd command.Command) bool { return cmd.Name == name }) {
			t.Errorf("there is no command %s", name)
		}
	}
}

// TestTheDecidedCodesOfThePageAreDeclared checks that every code in the list of differences is
// declared.
func TestTheDecidedCodesOfThePageAreDeclared(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(page), "## Decided differences")
	if !found {
		t.Fatal("the page has no list of differences")
	}
	commands := command.New(command.Services{}, command.Options{}).Commands()
	looked := 0
	for line := range strings.SplitSeq(list, "\n") {
		cells := strings.Split(line, " | ")
		var number int
		if len(cells) != 2 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		if _, err := fmt.Sscanf(cells[1], "Code %d", &number); err != nil {
			continue
		}
		for name := range strings.SplitSeq(strings.TrimPrefix(cells[0], "| "), ", ") {
			i := slices.IndexFunc(commands, func(cmd command.Command) bool { return "`"+cmd.Name+"`" == name })
			if i < 0 ||
				!slices.ContainsFunc(commands[i].Codes, func(code command.Code) bool { return code.Number == number }) {
				t.Errorf("%s has no code %d", name, number)
			}
			looked++
		}
	}
	if looked < 10 {
		t.Errorf("%d codes were found in the list", looked)
	}
}
