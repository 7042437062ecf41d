package event

import (
	"fmt"
	"regexp"
	"strings"
)

// RecountAtOnce sets how many events of a kind a recount reads per batch.
func (s *Service) RecountAtOnce(n int) { s.recountedAtOnce = n }

// ComparePatterns returns an error unless a matcher of each pattern alone finds exactly the agents
// that the regular expression matches.
func ComparePatterns(agents []string) error {
	for pattern := range strings.Lines(crawlerPatterns) {
		pattern = strings.TrimSuffix(pattern, "\n")
		m := newMatcher()
		if err := m.addPattern(pattern, false); err != nil {
			return err
		}
		plain := regexp.MustCompile(pattern)
		for _, agent := range agents {
			if got, want := m.matches(agent), plain.MatchString(agent); got != want {
				return fmt.Errorf("%s in %q: %v, want %v", pattern, agent, got, want)
			}
		}
	}
	return nil
}

// Normalize is normalize.
func Normalize(text string) (string, bool) { return normalize(text) }

// ParseURL is normalize without the short cut for ordinary URLs.
func ParseURL(text string) (string, bool) { return parse(text) }
