package event_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"campaignql/internal/event"
	"campaignql/internal/testkit"
)

func TestMachinesAreToldByTheirUserAgents(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]bool{
		"":              false,
		"  ":            false,
		"Mozilla/5.0":   true,
		" Mozilla/5.0 ": true,
		"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)":                                        false,
		"YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html":                                                         false,
		"Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36":           false,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/131 Safari": true,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36":                        true,
		"BarracudaCentral/1.0": true, "curl/8.5.0": true, "python-requests/2.32": true, "facebookexternalhit/1.1": true,
		"okhttp/4.12.0": true, "Mozilla/5.0 (compatible; OpenGraph.io/1.1; +https://opengraph.io/)": true,
		"libcurl/8.5.0": true, "WhatsApp/2.23.20.0": true, "Vade Secure/1.0": true, "Nevada/1.0": false,
		// A crawler that says it is a telephone, behind the telephone or within it.
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 Mobile Safari/537.36 (compatible; Newbot/2.1)": true,
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X; compatible; Newbot/2.1)":                                          true,
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X; Newbot +https://newbot.example/bot.html)":                         true,
	} {
		if got := event.Automated(agent); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
}

// lines returns the lines of a file of testdata without those that begin with "# ".
func lines(tb testing.TB, name string) []string {
	tb.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var out []string
	in := bufio.NewScanner(file)
	for in.Scan() {
		if !strings.HasPrefix(in.Text(), "# ") {
			out = append(out, in.Text())
		}
	}
	if err := in.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestPeopleAreNeverMachines checks the agents of telephones, mail programs and browsers.
func TestPeopleAreNeverMachines(t *testing.T) {
	t.Parallel()
	people := lines(t, "people.txt")
	if len(people) < 200 {
		t.Errorf("%d agents of people", len(people))
	}
	for _, agent := range people {
		if event.Automated(agent) {
			t.Errorf("a machine: %s", agent)
		}
	}
}

// TestCrawlersAreMachines checks the agents that crawler-user-agents gives as examples. Those that
// are people for us are a few: see ignoredPatterns and humanAgents.
func TestCrawlersAreMachines(t *testing.T) {
	t.Parallel()
	crawlers := lines(t, "crawlers.txt")
	missed := 0
	for _, agent := range crawlers {
		if !event.Automated(agent) {
			missed++
			t.Logf("a person: %s", agent)
		}
	}
	if len(crawlers) < 2000 || missed*100 > len(crawlers)*5 {
		t.Errorf("%d of %d are people", missed, len(crawlers))
	}
}

// TestAPatternIsFoundWhateverSurroundsIt checks each pattern of crawler-user-agents against the
// plain search with regular expressions.
func TestAPatternIsFoundWhateverSurroundsIt(t *testing.T) {
	t.Parallel()
	testkit.OncePerRun(t)
	if err := event.ComparePatterns(append(lines(t, "crawlers.txt"), lines(t, "people.txt")...)); err != nil {
		t.Error(err)
	}
}

func BenchmarkAutomated(b *testing.B) {
	long := "Mozilla/5.0 (X11; Linux x86_64) " + strings.Repeat("AppleWebKit/537.36 ", 51)
	for name, agents := range map[string][]string{
		"people": lines(b, "people.txt"), "crawlers": lines(b, "crawlers.txt"), "of 1,000 bytes": {long[:1000]},
	} {
		b.Run(name, func(b *testing.B) {
			event.Automated("warm")
			for i := 0; b.Loop(); i++ {
				event.Automated(agents[i%len(agents)])
			}
		})
	}
}
