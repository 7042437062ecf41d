package message

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// plainOf makes the plain text from an HTML text. Its tags stay tags.
func plainOf(text string, tags []found, places map[int]place) ([]part, error) {
	firsts := make(map[string]int, len(tags))
	document, err := parseWith(text, tags, func(i int) string {
		written := text[tags[i].start:tags[i].end]
		if tags[i].problem != "" {
			return written
		}
		if _, ok := firsts[written]; !ok {
			firsts[written] = i
		}
		return fmt.Sprint(marker, firsts[written], markerMiddle, i, markerEnd)
	})
	if err != nil {
		return []part{{}}, err
	}
	prune(document)
	flatten(document)
	converted, err := convert(document)
	if err != nil {
		return []part{{}}, errors.New("the HTML cannot be turned into plain text: " + err.Error())
	}
	return unmark(converted, tags, places), nil
}

// unmark puts the tags back in the places of their markers.
func unmark(text string, tags []found, places map[int]place) []part {
	var parts []part
	for {
		constant, rest, found := strings.Cut(text, marker)
		if !found {
			return append(parts, part{constant: constant})
		}
		number, after, _ := strings.Cut(rest, markerEnd)
		text = after
		_, number, _ = strings.Cut(number, markerMiddle)
		i, err := strconv.Atoi(number)
		if err != nil || i >= len(tags) {
			continue // not reached: the text had no marker of its own
		}
		at := asIs
		if (places[i] == inURL || places[i] == inMailto) && !tags[i].tag.raw {
			at = places[i]
		}
		parts = append(parts, part{constant, &tags[i].tag, at})
	}
}
