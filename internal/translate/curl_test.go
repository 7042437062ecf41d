package translate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/command"
)

// TestTheRequestIsWhatCurlSends decodes the same three parameters from every way to send them.
func TestTheRequestIsWhatCurlSends(t *testing.T) {
	t.Parallel()
	want := command.Parameters{"command": "Tag.Create", "tag": "a b&c", "n": "1"}
	for _, line := range []string{
		`curl -d Command=Tag.Create -d 'Tag=a+b%26c' -d n=1`,
		`curl --data Command=Tag.Create --data-ascii 'Tag=a+b%26c' --data-binary n=1`,
		`curl -X POST -sS --data-raw 'Command=Tag.Create&Tag=a+b%26c&n=1'`,
		`curl -XPOST -dCommand=Tag.Create --data-urlencode 'Tag=a b&c' --data-urlencode n=1`,
		`curl -G -d Command=Tag.Create --data-urlencode 'Tag=a b&c' https://example.com/api.php?n=1`,
		`curl --get --url https://example.com/api.php?n=1#x -d 'Command=Tag.Create&Tag=a b%26c'`,
		`curl -F Command=Tag.Create -F 'Tag=a b&c' --form n=1`,
		`curl -F 'Command=Tag.Create;type=text/plain' --form-string 'Tag=a b&c' -F 'n="1";type=x'`,
		`curl -H 'Content-Type: application/json' -d '{"Command":"Tag.Create","Tag":"a b&c","n":1}'`,
		`curl --json '{"Command":"Tag.Create",' --json '"Tag":"a b&c","n":1}'`,
		`curl -H 'content-type:application/json; charset=utf-8' --data-binary @- <<A
{"Command":"Tag.Create","Tag":"a b&c","n":1}
A`,
		`curl 'https://example.com/api.php?Command=Tag.Create&Tag=a%20b%26c&n=2' -d n=1`,
		`curl --url-query Command=Tag.Create --url-query '+Tag=a+b%26c' https://example.com/ -d n=1`,
		`curl -u me:secret -A agent -b a=b -o /dev/null -w '%{http_code}' -m 5 --retry 3 --compressed -k -L -- https://example.com/?Command=Tag.Create\&Tag=a%20b%26c\&n=1`,
		`curl --connect-timeout 5 --cacert x -e y -x proxy:1 --no-progress-meter -d Command=Tag.Create -d 'Tag=a+b%26c' -d n=1 https://example.com/`,
	} {
		m, err := readText(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got, err := command.Read(m.query, m.contentType, m.body)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestEncodedDataHasTheFormsOfCurl(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"a=b c": "a=b+c", "=b=c": "b%3Dc", "b&c": "b%26c", "a@-": "a=x+y%0A", "@-": "x+y%0A"} {
		m, err := readText("curl --data-urlencode '" + value + "' <<< 'x y'")
		if err != nil || string(m.body) != want {
			t.Errorf("%s: %+v, %v, want %s", value, m, err, want)
		}
	}
	if _, err := readText("curl --data-urlencode a@b.txt"); err == nil {
		t.Error("a file is taken as known")
	}
}

func TestJoinedWordsAreReadLikeALine(t *testing.T) {
	t.Parallel()
	m, err := readWords([]string{"curl", "-d", "a=b c", "https://example.com/?d=e"})
	if err != nil || string(m.body) != "a=b c" || m.query != "d=e" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := readWords([]string{"a=b", "c=d"}); err == nil {
		t.Error("two words that are no command are taken")
	}
}
