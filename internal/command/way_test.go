package command_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// ways are the ways to send the same parameters. All responses have one golden file.
var ways = map[string]func(form string) *http.Request{
	"form": formRequest, "query": queryRequest, "multipart": multipartRequest,
	"json": func(form string) *http.Request { return jsonRequest(formAsJSON(form)) },
}

// eachWay runs a test on every database, and on SQLite once for each way to send requests.
func eachWay(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		for name, send := range ways {
			if db.Dialect() != "sqlite3" && name != "form" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, db)
				f.send = send
				test(t, f)
			})
		}
	})
}

// level is a JSON object, or a JSON array if its keys are indexes.
type level struct {
	keys   []string
	values map[string]any
}

// formAsJSON returns the fields of a form as the JSON object that a program would send: bracketed
// names as nested structures, other values as strings.
func formAsJSON(form string) string {
	top := &level{values: map[string]any{}}
	for pair := range strings.SplitSeq(form, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name)
		value, _ = url.QueryUnescape(value)
		base, rest, nested := strings.Cut(name, "[")
		at, key := top, base
		for nested && strings.Contains(rest, "]") {
			inner, after, _ := strings.Cut(rest, "]")
			at, key = at.below(key), inner
			rest, nested = strings.CutPrefix(after, "[")
		}
		at.set(key, value)
	}
	text, err := json.Marshal(top.plain())
	if err != nil {
		panic(err) // cannot fail for strings, maps and lists
	}
	return string(text)
}

func (l *level) set(key string, value any) {
	if key == "" {
		key = strconv.Itoa(len(l.keys))
	}
	if !slices.Contains(l.keys, key) {
		l.keys = append(l.keys, key)
	}
	l.values[key] = value
}

func (l *level) below(key string) *level {
	if key == "" {
		key = strconv.Itoa(len(l.keys))
	}
	if inner, ok := l.values[key].(*level); ok {
		return inner
	}
	inner := &level{values: map[string]any{}}
	l.set(key, inner)
	return inner
}

// plain returns the level for package json: a list if its keys count from 0.
func (l *level) plain() any {
	list, object := make([]any, 0, len(l.keys)), map[string]any{}
	counted := len(l.keys) > 0
	for i, key := range l.keys {
		value := l.values[key]
		if inner, ok := value.(*level); ok {
			value = inner.plain()
		}
		object[key] = value
		list = append(list, value)
		counted = counted && key == strconv.Itoa(i)
	}
	if counted {
		return list
	}
	return object
}
