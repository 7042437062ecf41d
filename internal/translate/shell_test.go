package translate

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit"
)

// words are lines without expansions, and the words a shell makes of them.
var words = []struct {
	line string
	want []string
}{
	{`a  b	c`, []string{"a", "b", "c"}},
	{`'a b' "c d" e\ f`, []string{"a b", "c d", "e f"}},
	{`a'b'"c"\d`, []string{"abcd"}},
	{`'it'\''s'`, []string{"it's"}},
	{`"a \"b\" \\ \x 'c' \` + "`" + `d\` + "`" + ` \$e"`, []string{`a "b" \ \x 'c' ` + "`d`" + ` $e`}},
	{`\"a\" \'b\' \\ \$c \& \; \#`, []string{`"a"`, "'b'", `\`, "$c", "&", ";", "#"}},
	{`'' "" a`, []string{"", "", "a"}},
	{`$'a\tb\n\'\"\\\x41\101é\e'`, []string{"a\tb\n'\"\\AAé\x1b"}},
	{`$'a\u00e9\U0001F600\q'`, []string{`aé😀\q`}},
	{`$'50%s' $'a\0b'`, []string{"50%s", "a"}},
	{`$"a b"`, []string{"a b"}},
	{"a \\\n  b", []string{"a", "b"}},
	{"a\\\nb 'c\\\nd' \"e\\\nf\"", []string{"ab", "c\\\nd", "ef"}},
	{"'a\nb'", []string{"a\nb"}},
	{"a # b", []string{"a"}},
	{"a#b", []string{"a#b"}},
	{`ABTesting[Variations][0][EmailID]=301`, []string{"ABTesting[Variations][0][EmailID]=301"}},
	{`-d'a=b' -d"c=d" -H 'X: y'`, []string{"-da=b", "-dc=d", "-H", "X: y"}},
	{`{"a":1} {} a=b @- % =`, []string{"{a:1}", "{}", "a=b", "@-", "%", "="}},
	{`a | b`, []string{"a"}},
	{`a; b`, []string{"a"}},
	{`a > /dev/null 2>&1`, []string{"a"}},
}

func TestWordsAreThoseOfAShell(t *testing.T) {
	t.Parallel()
	for _, tt := range words {
		c, err := findCommand("curl "+tt.line, "curl")
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(tt.want, c.words); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.line, diff)
		}
	}
}

// TestWordsAreThoseOfBash compares the same lines with bash itself.
func TestWordsAreThoseOfBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		testkit.Missing(t, "bash")
	}
	for _, tt := range words {
		script := "curl() { printf '%s\\0' \"$@\" >&3; }; b() { :; }; curl " + tt.line
		command := exec.CommandContext(t.Context(), bash, "--norc", "-c", "exec 3>&1\n"+script)
		command.Env = []string{"LC_ALL=C.UTF-8", "PATH=/nonexistent"}
		out, err := command.Output()
		if err != nil && len(out) == 0 {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(tt.want, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); diff != "" {
			t.Errorf("%s (-want +bash):\n%s", tt.line, diff)
		}
	}
}

func TestNothingIsExpanded(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`$HOME "$HOME" '$HOME' ${HOME:-x}`:      {"$HOME", "$HOME", "$HOME", "${HOME:-x}"},
		"$(touch x) \"a $(touch x)\" `touch x`": {"$(touch x)", "a $(touch x)", "`touch x`"},
		`* ~ a? $((1+2)) <(cat x) {a,b}`:        {"*", "~", "a?", "$((1+2))", "<(cat x)", "{a,b}"},
		`"CampaignID=$1" "${ids[@]}"`:           {"CampaignID=$1", "${ids[@]}"},
	} {
		c, err := findCommand("curl "+line, "curl")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, c.words); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestTheCommandIsFoundWhereverItStands(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"curl -d a", "/usr/bin/curl -d a", "KEY=x curl -d a", "curl -d a | jq .", "R=$(curl -d a)", "echo \"$(curl -d a)\"", "if curl -d a; then echo; fi", "set -e\ncurl \\\n -d a\n",
		"curl \\\r\n -d a\r\n", "curl -d a &", "f() { curl -d a; }", "cat <<< \"$(curl -d a)\"",
	} {
		c, err := findCommand(line, "curl")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff([]string{"-d", "a"}, c.words); diff != "" {
			t.Errorf("%s:\n%s", line, diff)
		}
	}
	for _, line := range []string{"curly -d a", "echo curl", "curl -d a; curl -d b", "curl 'a", "curl $(", "curl <<A\nb", ")"} {
		if c, err := findCommand(line, "curl"); err == nil {
			t.Errorf("%s: found %q", line, c.words)
		}
	}
}

func TestInputIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"curl <<A\n$x \\$y \\\\ \\z\nA":                      "$x $y \\ \\z\n",
		"curl <<'A'\n$x \\$y \\\\\nA":                        "$x \\$y \\\\\n",
		"curl <<-A\n\ta\n\t\tb\n\tA":                         "a\nb\n",
		"curl <<<'a b'":                                      "a b\n",
		"curl <<A <<B\na\nA\nb\nB":                           "b\n",
		"curl -d @- <<\"END\" | jq .\n{\"a\": \"\\n\"}\nEND": "{\"a\": \"\\n\"}\n",
	} {
		c, err := findCommand(line, "curl")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if c.input == nil || *c.input != want {
			t.Errorf("%s: got %v, want %q", line, c.input, want)
		}
	}
}

func TestBackgroundIsTold(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{"curl x?a=b&c=d": true, "curl 'x?a=b&c=d'": false, "curl x && echo": false} {
		if c, err := findCommand(line, "curl"); err != nil || c.background != want {
			t.Errorf("%s: %v, %v", line, c, err)
		}
	}
}

// Without a limit, deep nesting would end the process.
func TestDeepNestingEndsInAnError(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"$(", "${a:-", "$((", "\"$(", "<(", "{ ", "`", "a|", "<<A "} {
		for _, size := range []int{maxLine/2 - 10, 4 << 20} {
			nested := strings.Repeat(open, size/len(open)/2)
			for _, line := range []string{"curl " + nested, nested + "curl" + strings.Repeat(")", len(nested)/len(open))} {
				if _, err := findCommand(line, "curl"); err != nil && strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("not one line: %q", err)
				}
			}
		}
	}
}
