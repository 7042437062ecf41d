package translate

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"campaignql/internal/apperr"
	"campaignql/internal/command"
	"campaignql/internal/kind"
)

// reading is a legacy request while it is translated to GraphQL.
type reading struct {
	command.Parameters
	command command.Command
	notes   []string
}

func (r *reading) notef(format string, args ...any) {
	r.notes = append(r.notes, line(fmt.Sprintf(format, args...)))
}

// refused returns the error for a request that the legacy command rejects regardless of the stored
// data.
func refused(err error) error {
	text := err.Error()
	if all := apperr.All(err); len(all) > 0 {
		text = all[0].Error()
	}
	return fmt.Errorf("the legacy command refuses this request too: %s", line(text))
}

// transported are the parameters that every command accepts.
var transported = []string{"command", "sessionid", "apikey", "adminapikey", "responseformat", "jsonpcallback"}

// aliases maps a misspelled name to the command that accepts it in addition to its declared
// parameters.
var aliases = map[string]string{
	"searchkeyowrd": "Campaigns.Get", "excluderecipientlistsandsegments": "Campaign.Update",
}

// plainName matches names that may be repeated in a note. Other names may contain anything, even a
// key.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,39}$`)

// survey adds notes about parameters without effect, and rejects a request without a required
// parameter.
func (r *reading) survey() error {
	for _, parameter := range r.command.Parameters {
		if parameter.Required && !r.command.Public && !r.Has(parameter.Name) {
			return refused(fmt.Errorf("%s lacks %s", r.command.Name, parameter.Name))
		}
	}
	unknown := 0
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		declared := slices.ContainsFunc(
			r.command.Parameters, func(p command.Parameter) bool { return strings.EqualFold(p.Name, name) },
		)
		switch {
		case declared, slices.Contains(transported, name), aliases[name] == r.command.Name, r.Text(name) == "":
		case plainName.MatchString(name):
			r.notef("%s is no parameter of %s: it was ignored, and is left out.", name, r.command.Name)
		default:
			unknown++
		}
	}
	if unknown > 0 {
		r.notef("Parameters with names that no command has: %d. They were ignored, and are left out.", unknown)
	}
	if r.Text("ResponseFormat") == "XML" {
		r.notef("ResponseFormat: GraphQL answers JSON alone.")
	}
	if r.Has("JSONPCallBack") {
		r.notef("JSONPCallBack: there is no counterpart; use CORS.")
	}
	return nil
}

// quote returns a value for a message, shortened and in quotes.
func quote(text string) string { return strconv.Quote(kind.Cut(kind.Clean(text), 60)) }

// id returns a parameter that is an id, as a GraphQL ID. A text that is not a number, such as a
// shell variable, is copied unchanged with a note.
func (r *reading) id(name string) string {
	if n := r.ID(name); n != 0 {
		return strconv.FormatInt(n, 10)
	}
	text := strings.TrimSpace(r.Text(name))
	r.notef("%s: %s is not the number of anything: put one in its place.", name, quote(text))
	return text
}

// maxIDs is the maximum number of ids in a GraphQL list; a filter accepts fewer tags.
const (
	maxIDs        = 250
	maxFilterTags = 100
)

// ids returns a parameter that is a list of ids. Entries that are not numbers are left out with a
// note. If there is no number at all, the text is copied as the only id.
func (r *reading) ids(name string, limit int) ([]string, error) {
	numbers, pure := r.IDs(name)
	if len(numbers) > limit {
		return nil, fmt.Errorf(
			"%s: %d ids cannot be translated: %s takes at most %d in one call", name, len(numbers), r.command.Operation,
			limit,
		)
	}
	if len(numbers) == 0 {
		return []string{r.id(name)}, nil
	}
	if !pure {
		r.notef("%s: what is no number in it was passed over, and is left out.", name)
	}
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = strconv.FormatInt(n, 10)
	}
	return out, nil
}

// small limits a number to the 32 bits of a GraphQL Int.
func small(n int) int { return max(math.MinInt32, min(n, math.MaxInt32)) }

// constant returns the GraphQL name of a stored value, for example PENDING_APPROVAL for
// pending_approval.
func constant[T ~string](value T) string {
	return strings.ToUpper(strings.ReplaceAll(string(value), " ", "_"))
}

// indent indents the lines of a selection.
func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// userErrors selects the errors that every mutation returns for invalid input.
const userErrors = "    userErrors {\n      code\n      message\n      field\n      reason\n    }\n"

// mutation returns a mutation with one input. The selection is that of the payload without the user
// errors.
func mutation(field, selection string) string {
	name := strings.ToUpper(field[:1]) + field[1:]
	return "mutation " + name + "($input: " + name + "Input!) {\n  " + field + "(input: $input) {\n" +
		indent(selection, "    ") + userErrors + "  }\n}\n"
}

func withInput(input map[string]any) map[string]any { return map[string]any{"input": input} }
