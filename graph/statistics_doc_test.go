package graph_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent/domaincounter"
	"campaignql/ent/linkcounter"
	"campaignql/graph"
)

var code = regexp.MustCompile("`([^`]+)`")

// spans returns the texts in backquotes.
func spans(cell string) []string {
	var found []string
	for _, match := range code.FindAllStringSubmatch(cell, -1) {
		found = append(found, match[1])
	}
	return found
}

// documented reads the table under a heading of docs/statistics.md. The result maps the field in
// the first cell of a row to the other cells, by the names of the header.
func documented(t *testing.T, heading string) map[string]map[string]string {
	t.Helper()
	text := string(must(os.ReadFile(filepath.Join("..", "docs", "statistics.md")))(t))
	_, after, ok := strings.Cut(text, "\n### "+heading+"\n")
	if !ok {
		t.Fatalf("docs/statistics.md has no heading %s", heading)
	}
	after, _, _ = strings.Cut(after, "\n#")
	rows := map[string]map[string]string{}
	var header []string
	for line := range strings.SplitSeq(after, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		switch {
		case !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---"):
		case header == nil:
			header = cells
		default:
			row := map[string]string{}
			for i, cell := range cells {
				row[strings.TrimSpace(header[i])] = strings.TrimSpace(cell)
			}
			name := spans(row["GraphQL"])[0]
			if rows[name] != nil {
				t.Errorf("%s: %s stands there twice", heading, name)
			}
			if row["meaning"] == "" {
				t.Errorf("%s: %s has no meaning", heading, name)
			}
			rows[name] = row
		}
	}
	return rows
}

// projectedAt returns the columns in the projection for a path or for its nearest ancestor.
func projectedAt(table map[string]graph.Projected, path string) (columns []string, whole bool) {
	name, rest, deeper := strings.Cut(path, ".")
	switch entry := table[name]; {
	case !deeper:
		return entry.Columns, true
	case entry.Below != nil:
		return projectedAt(entry.Below, rest)
	default:
		return entry.Columns, false
	}
}

func TestEveryNumberIsDocumented(t *testing.T) {
	t.Parallel()
	types := schema(t).Types
	legacy := string(must(os.ReadFile(filepath.Join("..", "internal", "command", "columns.go")))(t)) +
		string(must(os.ReadFile(filepath.Join("..", "internal", "command", "campaign_read.go")))(t))
	counters := graph.Projection("Campaign")["statistics"].Below
	for name, projection := range map[string]map[string]graph.Projected{
		"CampaignStatistics": counters, "SeriesPoint": graph.Projection("SeriesPoint"), "LinkStatistic": nil, "DomainStatistic": nil,
	} {
		rows := documented(t, name)
		var want []string
		for _, l := range leaves(types, types[name], nil) {
			if l.String() != "id" && (len(l) < 2 ||
				!slices.Contains([]string{"series", "links", "domains"}, l[0])) { // which have separate tables
				want = append(want, l.String())
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(rows))); diff != "" {
			t.Errorf("%s (-schema +docs/statistics.md):\n%s", name, diff)
		}
		for path, row := range rows {
			columns := spans(row["columns"])
			for _, old := range spans(row["legacy"]) {
				if !strings.Contains(legacy, `"`+old+`"`) {
					t.Errorf("%s: the bridge has no %s", path, old)
				}
			}
			if projection == nil {
				valid := map[string]func(string) bool{"LinkStatistic": linkcounter.ValidColumn, "DomainStatistic": domaincounter.ValidColumn}[name]
				for _, column := range columns {
					if !valid(column) {
						t.Errorf("%s.%s: there is no column %s", name, path, column)
					}
				}
				continue
			}
			read, whole := projectedAt(projection, path)
			read = slices.DeleteFunc(slices.Clone(read), func(column string) bool { return column == "id" })
			slices.Sort(read)
			slices.Sort(columns)
			if whole && !slices.Equal(read, columns) ||
				slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(read, c) }) {
				t.Errorf("%s.%s reads %v, docs/statistics.md says %v", name, path, read, columns)
			}
		}
	}
}

// TestSumsHaveTheNumbersOfOneCampaign checks that the two types have the same fields.
func TestSumsHaveTheNumbersOfOneCampaign(t *testing.T) {
	t.Parallel()
	types := schema(t).Types
	of := func(name string) []string {
		var paths []string
		for _, l := range leaves(types, types[name], nil) {
			if !slices.Contains([]string{"id", "throughput", "campaigns", "series", "links", "domains"}, l[0]) {
				paths = append(paths, l.String())
			}
		}
		return paths
	}
	if diff := cmp.Diff(of("CampaignStatistics"), of("AccountStatistics")); diff != "" {
		t.Errorf("-of one +of many:\n%s", diff)
	}
}
