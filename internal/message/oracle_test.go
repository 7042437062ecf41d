package message

import (
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

// These are renderings by other means than those of the package.

// naiveHeader is a value as a header shows it.
func naiveHeader(value string) string {
	value = strings.ToValidUTF8(strings.ReplaceAll(value, "\r\n", "\n"), "\uFFFD")
	var b strings.Builder
	for _, r := range value {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// naiveBody is a value as a plain text shows it.
func naiveBody(value string) string {
	value = strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "\x00", "\uFFFD")
	return strings.ReplaceAll(strings.ReplaceAll(value, "\r\n", "\n"), "\r", "\n")
}

func naiveHTML(value string) string { return html.EscapeString(naiveBody(value)) }

func naiveURL(value string) string {
	return strings.ReplaceAll(url.QueryEscape(strings.ToValidUTF8(value, "\uFFFD")), "+", "%20")
}

// expectation is what has to be read from a message of probe.
type expectation struct{ name, subject, plain, html string }

// probe returns a content that has a value at every kind of place, and what has to become of it.
func probe(value string) (Source, expectation) {
	source := Source{
		FromName: "%Subscriber:FirstName%", FromEmail: "news@shop.example.com",
		Subject: "For %Subscriber:City%: 100% of {{ Subscriber:FirstName | 'you' }}",
		Plain:   "Dear {{Subscriber:FirstName}},\r\n %Subscriber:City%\n %Link:Unsubscribe%%20",
		HTML: `<p title="%Subscriber:FirstName%">%subscriber:firstname% ` +
			`<a href="https://x.example/?a=%Subscriber:FirstName%&amp;b">` + "go</a>\n<!-- 50% -->" +
			"<a title='{{ Subscriber:City }}' href='%Link:Unsubscribe%'>leave</a> {{{ Subscriber:City }}}</p>",
	}
	inHeader, fallback := naiveHeader(value), value
	if strings.TrimSpace(value) == "" {
		fallback = "you"
	}
	link := "https://t.example.com/u/AbC-_9?x=1&y=2"
	return source, expectation{
		name:    inHeader,
		subject: naiveHeader("For " + value + ": 100% of " + fallback),
		plain:   "Dear " + naiveBody(value) + ",\n " + naiveBody(value) + "\n " + link + "%20",
		html: `<p title="` + naiveHTML(value) + `">` + naiveHTML(value) + ` <a href="https://x.example/?a=` +
			naiveURL(value) +
			"&amp;b\">go</a>\n<!-- 50% --><a title='" + naiveHTML(value) + "' href='" + html.EscapeString(link) +
			"'>leave</a> " + naiveBody(value) + "</p>",
	}
}

// probed is somebody with a value in every place.
func probed(t testing.TB, value string) *Recipient {
	return &Recipient{
		Address: parsed(t, "jane@example.com"),
		Values:  &Values{SubscriberFirstName: value},
		Fields:  map[int64]string{7: value},
	}
}

// hostileValues are values that break careless writers of messages.
func hostileValues() []string {
	values := []string{
		"Jane", "", "  ", "a\r\nBcc: victim@example.com", "a\nBcc: v@example.com\n\n<p>", "a\rBcc: x", "a\x00b", "\r\n\r\n",
		"ü\r\nBcc: x", "\"\r\nBcc: x", strings.Repeat("long ", 300), strings.Repeat("x", 2000), "=?utf-8?q?=0D=0ABcc:_x?=",
		"a\u2028b\u0085c", "<evil@example.com>", "a, b@example.com", "(comment", "\xff\xfe", "😀" + strings.Repeat("é", 500),
		"a  b", "a\tb", "two \n", "\t\n .\n..\n", ".", "From me", "--b", "%Subscriber:FirstName%", "{{ Subscriber:City }}",
		"100%", "=", "==3D", "</p><script>alert(1)</script>", `" onclick="x`, "'\"<>&", "&amp;",
		"中文字符" + strings.Repeat("漢", 100),
		strings.Repeat("two  blanks ", 30), `back\slash "quoted"`, "Zoë 'Z' O'Neil", "=?", "a=?b?=", strings.Repeat(`"`, 70),
	}
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("ab \r\n\t\x00%=?\"'<>&{}[]|é漢😀.,@()\\_-")
	for range 300 {
		value := make([]rune, random.IntN(90))
		for i := range value {
			value[i] = alphabet[random.IntN(len(alphabet))]
		}
		values = append(values, string(value))
	}
	return values
}
