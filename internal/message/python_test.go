package message

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readByPython reads messages from JSON with Python's email package and answers with what it
// understood.
const readByPython = `
import base64, email, email.policy, json, sys
answers = []
for encoded in json.load(sys.stdin):
    m = email.message_from_bytes(base64.b64decode(encoded), policy=email.policy.default)
    body = lambda kind: (lambda part: part.get_content() if part else '')(m.get_body((kind,)))
    defects = [str(d) for part in m.walk() for d in part.defects]
    defects += [name + ': ' + str(d) for part in m.walk() for name, v in part.items() for d in v.defects]
    first = m['From'].addresses[0]
    answers.append({
        'from': first.addr_spec, 'name': first.display_name, 'to': str(m['To']), 'subject': str(m['Subject']),
        'date': m['Date'].datetime.isoformat(), 'unsubscribe': str(m['List-Unsubscribe']), 'plain': body('plain'),
        'html': body('html'), 'fields': len(m.keys()), 'defects': defects})
json.dump(answers, sys.stdout)
`

// answer is what Python understood of a message.
type answer struct {
	From, Name, To, Subject, Date, Unsubscribe, Plain, HTML string
	Fields                                                  int
	Defects                                                 []string
}

// TestPythonReadsTheSame reads random messages with Python's email package.
func TestPythonReadsTheSame(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CAMPAIGNQL_REQUIRE_ALL") == "1" {
			t.Fatal("python3 is required")
		}
		t.Skip("python3 is not there")
	}
	var messages [][]byte
	var want []answer
	for _, value := range hostileValues() {
		source, expected := probe(value)
		buf := new(bytes.Buffer)
		if _, err := compiled(t, source).Write(buf, envelope(), nil, probed(t, value)); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, buf.Bytes())
		want = append(want, answer{
			From: "news@shop.example.com", Name: expected.name, To: "jane@example.com", Subject: expected.subject,
			Date: "2026-11-23T12:00:00+01:00", Unsubscribe: "<" + envelope().UnsubscribeURL + ">",
			Plain: expected.plain, HTML: expected.html, Fields: 12, Defects: []string{},
		})
	}
	input, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "-c", readByPython)
	command.Stdin = bytes.NewReader(input)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []answer
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		got[i].Plain, got[i].HTML = naiveBody(got[i].Plain), naiveBody(got[i].HTML)
		// Python 3.11 puts blanks between the encoded words of a name, against RFC 2047.
		got[i].Name, want[i].Name = withoutBlanks(got[i].Name), withoutBlanks(want[i].Name)
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%.60q: %.1500s", hostileValues()[i], diff)
		}
	}
}

func withoutBlanks(text string) string { return strings.ReplaceAll(text, " ", "") }
