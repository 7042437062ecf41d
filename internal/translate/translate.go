// Package translate turns a request of the legacy API into an equivalent GraphQL document and its
// variables, for people who migrate a script. It reads curl command lines, form bodies and JSON
// bodies. It decodes them with the decoder of the Command bridge and interprets parameters with the
// code that the bridge runs, so that the two cannot diverge. It runs nothing, reads no file and
// repeats no credentials. It must not know the database: if the meaning of a request depends on
// stored data, the notes say so.
package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"campaignql/internal/command"
)

// Translation is a legacy request translated to GraphQL.
type Translation struct {
	// Command is the name of the legacy command, Operation the name of the GraphQL field.
	Command, Operation string
	// Document is the text of one operation. It is valid against the schema.
	Document string
	// Variables are the variables of the document. The server uses its defaults for absent ones.
	Variables map[string]any
	// Notes say what the document does not do, or does differently, one line each.
	Notes []string
	// Public is true if the operation needs no credentials.
	Public bool
}

// Authorization explains how to send credentials. A translation never repeats them.
const Authorization = "Send the header  Authorization: Bearer …  with the API key, or with the token of a session."

// Translate translates one request, given as one text or as the words of a curl command that a
// shell has already split. The error is one line. It says why there is no translation: the text
// cannot be read, the command is unknown, the command has no translation, or the legacy command
// rejects the request regardless of the stored data.
func Translate(request ...string) (*Translation, error) {
	read := func() (*message, error) { return readText(strings.Join(request, "")) }
	if len(request) > 1 {
		read = func() (*message, error) { return readWords(request) }
	}
	m, err := read()
	if err != nil {
		return nil, err
	}
	p, err := command.Read(m.query, m.contentType, m.body)
	if err != nil {
		return nil, err
	}
	declared, err := find(p)
	if err != nil {
		return nil, err
	}
	r := &reading{Parameters: p, command: declared, notes: m.notes}
	if err := r.survey(); err != nil {
		return nil, m.explain(err)
	}
	document, variables, err := translators[declared.Name](r)
	if err != nil {
		return nil, m.explain(err)
	}
	return &Translation{
		Command:   declared.Name,
		Operation: declared.Operation,
		Document:  document,
		Variables: variables,
		Notes:     r.notes,
		Public:    declared.Public,
	}, nil
}

// explain adds to an error that the cause may be a value that the shell would have replaced.
func (m *message) explain(err error) error {
	if m.expanded == "" {
		return err
	}
	return fmt.Errorf(
		"as it is written this cannot be translated: put the value in place of %s, which the shell would have done (%w)",
		m.expanded,
		err,
	)
}

// translator returns the document and the variables for one command.
type translator func(r *reading) (document string, variables map[string]any, err error)

// translators are all translators, by the name of the command.
var translators = map[string]translator{
	"Campaign.Create":                  createCampaign,
	"Campaign.Get":                     getCampaign,
	"Campaigns.Get":                    listCampaigns,
	"Campaign.Update":                  updateCampaign,
	"Campaign.Copy":                    actOn("copyCampaign"),
	"Campaign.Approve":                 actOn("approveCampaign"),
	"Campaign.Pause":                   actOn("pauseCampaign"),
	"Campaign.Resume":                  actOn("resumeCampaign"),
	"Campaign.Cancel":                  actOn("cancelCampaign"),
	"Campaigns.Delete":                 deleteCampaigns,
	"Campaign.Recipients.Get":          listRecipients,
	"Campaign.Recipients.Activity.Get": asCommand,
	"Email.EmailPreview":               previewEmail,
	"Tags.Get":                         listTags,
	"Tag.Create":                       createTag,
	"Tag.Update":                       updateTag,
	"Tags.Delete":                      deleteTags,
	"Tag.AssignToCampaigns":            retag("tagCampaigns"),
	"Tag.UnassignFromCampaigns":        retag("untagCampaigns"),
	"User.Login":                       logIn,
	"User.Logout":                      logOut,
}

// find returns the declaration of the command that a request names.
func find(p command.Parameters) (command.Command, error) {
	name := strings.TrimSpace(p.Text("Command"))
	if name == "" {
		return command.Command{}, errors.New(
			"the request names no Command; a JSON body needs the header Content-Type: application/json",
		)
	}
	for _, declared := range command.New(command.Services{}, command.Options{}).Commands() {
		if !strings.EqualFold(declared.Name, name) {
			continue
		}
		if translators[declared.Name] == nil {
			return declared, fmt.Errorf(
				"%s cannot be translated; its GraphQL field is %s", declared.Name, declared.Operation,
			)
		}
		return declared, nil
	}
	return command.Command{}, fmt.Errorf("there is no command %s", quote(name))
}

// String returns the translation for reading and pasting: the notes as comments, the document, and
// the variables after a separate comment.
func (t *Translation) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s is %s in GraphQL.\n", t.Command, t.Operation)
	if !t.Public {
		fmt.Fprintf(&out, "# %s\n", Authorization)
	}
	for _, note := range t.Notes {
		fmt.Fprintf(&out, "# %s\n", note)
	}
	return out.String() + t.Document + "\n# variables\n" + encode(t.Variables, "  ")
}

// JSON returns the translation as the body of a request to /graphql.
func (t *Translation) JSON() string {
	return encode(struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}{t.Document, t.Variables}, "")
}

func encode(v any, indent string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("translate: what was read as JSON is none: %v", err))
	}
	return out.String()
}

// line replaces line breaks and control characters, so that the text fits in a one-line comment.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}
