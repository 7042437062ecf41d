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

// reading is a legacy request on its way into GraphQL.
type reading struct {
	command.Parameters
	command command.Command
	notes   []string
}

func (r *reading) notef(format string, args ...any) {
	r.notes = append(r.notes, line(fmt.Sprintf(format, args...)))
}

// refused is the error of a request that the legacy command refuses whatever is stored.
func refused(err error) error {
	text := err.Error()
	if all := apperr.All(err); len(all) > 0 {
		text = all[0].Error()
	}
	return fmt.Errorf("the legacy command refuses this request too: %s", line(text))
}

// transported are parameters of every command.
var transported = []string{"command", "sessionid", "apikey", "adminapikey", "responseformat", "jsonpcallback"}

// aliases are names that a command reads beside those it declares.
var aliases = map[string]string{"searchkeyowrd": "Campaigns.Get"}

// plainName is a name that can be repeated; others may hold anything, a key included.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,39}$`)

// survey tells of the parameters that mean nothing, and refuses a request that lacks what the command requires.
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

// quote repeats a value in a message, shortened.
func quote(text string) string { return strconv.Quote(kind.Cut(kind.Clean(text), 60)) }

// id is a parameter that names something, as GraphQL takes it. What is no number, such as a
// variable of the shell, is kept in its place.
func (r *reading) id(name string) string {
	if n := r.ID(name); n != 0 {
		return strconv.FormatInt(n, 10)
	}
	text := strings.TrimSpace(r.Text(name))
	r.notef("%s: %s is not the number of anything: put one in its place.", name, quote(text))
	return text
}

// maxIDs is the most ids that a list of GraphQL takes; a filter takes fewer tags.
const (
	maxIDs        = 250
	maxFilterTags = 100
)

// ids is a parameter that lists ids. What is no number was passed over; where nothing else was
// given, it is kept in its place.
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

// small is a number as a GraphQL Int, which has 32 bits.
func small(n int) int { return max(math.MinInt32, min(n, math.MaxInt32)) }

// constant is the GraphQL name of a stored value: PENDING_APPROVAL of pending_approval.
func constant[T ~string](value T) string {
	return strings.ToUpper(strings.ReplaceAll(string(value), " ", "_"))
}

// indent shifts the lines of a selection to the right.
func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// userErrors is how every mutation tells what can be mended.
const userErrors = "    userErrors {\n      code\n      message\n      field\n      reason\n    }\n"

// mutation writes a mutation that takes one input. The selection is that of its payload beside the user errors.
func mutation(field, selection string) string {
	name := strings.ToUpper(field[:1]) + field[1:]
	return "mutation " + name + "($input: " + name + "Input!) {\n  " + field + "(input: $input) {\n" + indent(
		selection, "    ",
	) + userErrors + "  }\n}\n"
}

func withInput(input map[string]any) map[string]any { return map[string]any{"input": input} }
