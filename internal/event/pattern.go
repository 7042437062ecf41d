package event

import (
	_ "embed" // the patterns
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// crawlerPatterns are the patterns of crawler-user-agents, one a line: regular expressions of which
// each is part of the user agents of a machine. `make crawlers` writes them.
//
//go:embed crawlers/patterns.txt
var crawlerPatterns string

// shortest is the minimum length of a text that a matcher finds.
const shortest = 3

// usual are the words of browsers' agents, in lower case.
const usual = "mozilla/5.0 (windows nt 10.0; win64; x64) mozilla/4.0 (compatible; msie (x11; linux x86_64; rv:) " +
	"(macintosh; intel mac os x 10_15_7) (iphone; cpu iphone os 18_1 like mac os x) (linux; u; android " +
	"applewebkit/537.36 (khtml, like gecko) version/4.0 chrome/ mobile safari/ edge/ gecko/20100101 firefox/ build/"

// matcher finds many texts at once. Of each text it knows three letters that are rare in the agents
// of browsers. Where they are, in any case, it compares the few texts that have them. The time is
// that of reading the agent, however many texts there are.
type matcher struct {
	// may has a bit for each hash of such letters: most positions need no look into texts.
	may   [1 << 16 / 64]uint64
	texts map[letters][]text
}

// text is a text to find, and what else has to hold where it is found.
type text struct {
	text string
	// from is where its rare letters are.
	from int
	// anyCase also finds it in other case.
	anyCase bool
	// word does not find it behind a letter.
	word bool
	// app does not find it in the agent of a browser.
	app bool
	// pattern must match the agent, unless it is nil.
	pattern *regexp.Regexp
}

// matchers are the matchers of people and of machines, made once, when they are first used.
var matchers = sync.OnceValue(func() (m struct{ humans, machines *matcher }) {
	m.humans, m.machines = newMatcher(), newMatcher()
	for _, part := range humanAgents {
		m.humans.add(text{text: part, anyCase: true})
	}
	for _, part := range machineAgents {
		m.machines.add(text{text: part, anyCase: true})
	}
	for _, part := range machineWords {
		m.machines.add(text{text: part, anyCase: true, word: true})
	}
	for pattern := range strings.Lines(crawlerPatterns) {
		pattern = strings.TrimSuffix(pattern, "\n")
		if ignoredPatterns[pattern] {
			continue
		}
		if err := m.machines.addPattern(pattern, apps[pattern]); err != nil {
			panic(err) // a test adds the same patterns
		}
	}
	return m
})

// addPattern adds the texts of which every match of a regular expression contains one.
func (m *matcher) addPattern(pattern string, app bool) error {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return err
	}
	t := text{app: app}
	if parsed.Op != syntax.OpLiteral || parsed.Flags&syntax.FoldCase != 0 {
		t.pattern = regexp.MustCompile(pattern)
	}
	texts := required(parsed)
	if shortestOf(texts) < shortest {
		return fmt.Errorf("event: the pattern %q has no text of %d letters", pattern, shortest)
	}
	for _, t.text = range texts {
		m.add(t)
	}
	return nil
}

func newMatcher() *matcher { return &matcher{texts: map[letters][]text{}} }

func (m *matcher) add(t text) {
	for i := 0; i+shortest <= len(t.text); i++ {
		if !strings.Contains(usual, strings.ToLower(t.text[i:i+shortest])) {
			t.from = i
			break
		}
	}
	var k letters
	for i := range shortest {
		k = k.next(t.text[t.from+i])
	}
	m.may[k.word()] |= k.bit()
	m.texts[k] = append(m.texts[k], t)
}

// matches reports whether the agent contains one of the texts.
func (m *matcher) matches(agent string) bool {
	var k letters
	for i := range len(agent) {
		k = k.next(agent[i])
		if m.may[k.word()]&k.bit() == 0 {
			continue
		}
		for _, t := range m.texts[k] {
			if t.at(agent, i+1-shortest-t.from) {
				return true
			}
		}
	}
	return false
}

// at reports whether the text is at position i of the agent.
func (t text) at(agent string, i int) bool {
	if i < 0 || len(agent)-i < len(t.text) {
		return false
	}
	found := agent[i : i+len(t.text)]
	if found != t.text && !(t.anyCase && strings.EqualFold(found, t.text)) {
		return false
	}
	if t.word && i > 0 && 'a' <= lower[agent[i-1]] && lower[agent[i-1]] <= 'z' {
		return false
	}
	if t.app && strings.HasPrefix(agent, "Mozilla/") {
		return false
	}
	return t.pattern == nil || t.pattern.MatchString(agent)
}

// letters are three bytes, in lower case.
type letters uint32

// next returns the letters that end with one more byte.
func (l letters) next(b byte) letters { return l>>8 | letters(lower[b])<<16 }

// lower maps ASCII letters to lower case.
var lower = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()

func (l letters) hash() uint32 { return uint32(l) * 2654435761 >> 16 }
func (l letters) word() uint32 { return l.hash() / 64 }
func (l letters) bit() uint64  { return 1 << (l.hash() % 64) }

// required returns texts of which every match of the expression contains one, or nil if it finds
// none. Of several sets it chooses the one whose shortest text is longest.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if some := required(sub); shortestOf(some) > shortestOf(best) {
				best = some
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			some := required(sub)
			if some == nil {
				return nil
			}
			all = append(all, some...)
		}
		return all
	}
	return nil
}

func shortestOf(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	n := len(texts[0])
	for _, text := range texts[1:] {
		n = min(n, len(text))
	}
	return n
}
