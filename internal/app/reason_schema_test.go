package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/exec"
	"campaignql/internal/apperr"
	"campaignql/internal/testkit"
)

// notByGraphQL maps the reasons that the code of mutations names, but that no user error can have, to
// the explanation.
var notByGraphQL = map[apperr.Reason]string{
	apperr.ReasonCustomFieldTypeUnknown:   onlyItsValues,
	apperr.ReasonDescendantsUnknown:       onlyItsValues,
	apperr.ReasonEmailModeUnknown:         onlyItsValues,
	apperr.ReasonEventKindUnknown:         onlyItsValues,
	apperr.ReasonScopeUnknown:             onlyItsValues,
	apperr.ReasonSuppressionReasonUnknown: onlyItsValues,

	apperr.ReasonCursorInvalid: onlyExports, apperr.ReasonCursorOfAnotherOrder: onlyExports,
	apperr.ReasonPageBothEnds: onlyExports, apperr.ReasonPageOffset: onlyExports,
	apperr.ReasonPageOffsetWithCursor: onlyExports,
}

const (
	onlyItsValues = "GraphQL accepts only the values of the enum"
	onlyExports   = "the writers of exports have a method Write, as the hash of a message's boundary has"
)

// TestUserErrorReasonsAreThoseThatMutationsReach follows the calls from the resolver of each mutation,
// including all calls that are possible, and compares the reasons of what the caller can mend with
// the values of the enum, both ways.
func TestUserErrorReasonsAreThoseThatMutationsReach(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	served := exec.NewExecutableSchema(exec.Config{}).Schema()
	p, known := analyze(t), registered()
	roots := []string{"(campaignql/graph.queryResolver).SchedulePreview"}
	for name := range p.functions {
		if strings.HasPrefix(name, "(campaignql/graph.mutationResolver).") && name != "(campaignql/graph.mutationResolver).Command" {
			roots = append(roots, name)
		}
	}
	if len(roots) <= len(served.Mutation.Fields)-1 {
		t.Errorf("%d resolvers were found for %d mutations", len(roots), len(served.Mutation.Fields))
	}
	want := map[string]string{}
	reached := map[apperr.Reason]bool{}
	for _, root := range roots {
		for reason, at := range p.reachedFrom(p.functions[root]) {
			reached[reason] = true
			mendable := slices.ContainsFunc(
				known[reason].Codes, func(c apperr.Code) bool { return slices.Contains(callerFaults, c) },
			)
			if (mendable || reason == apperr.ReasonLoginInvalid) && notByGraphQL[reason] == "" {
				want[strings.ToUpper(string(reason))] = root + " reaches it: " + at
			}
		}
	}
	for reason := range notByGraphQL {
		if !reached[reason] {
			t.Errorf("%s is not named any more: it is no exception", reason)
		}
	}
	compareValues(t, served.Types["UserErrorReason"], want)
}

// TestTransitionBlockCodesAreThoseThatTheMachineAnswers does the same for the reasons that block a
// change of status.
func TestTransitionBlockCodesAreThoseThatTheMachineAnswers(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	p, want := analyze(t), map[string]string{}
	for reason, at := range p.reachedFrom(p.functions["campaignql/internal/campaign.Transitions"]) {
		want[strings.ToUpper(string(reason))] = "campaign.Transitions reaches it: " + at
	}
	compareValues(t, exec.NewExecutableSchema(exec.Config{}).Schema().Types["TransitionBlockCode"], want)
}

// compareValues compares the values of an enum with those that are wanted, each with the explanation.
func compareValues(t *testing.T, enum *ast.Definition, want map[string]string) {
	t.Helper()
	if enum == nil {
		t.Fatal("the schema has no such enum")
	}
	for name, why := range want {
		if enum.EnumValues.ForName(name) == nil {
			t.Errorf("%s lacks %s; %s", enum.Name, name, why)
		}
	}
	for _, value := range enum.EnumValues {
		if want[value.Name] == "" {
			t.Errorf("%s has %s, which nothing answers", enum.Name, value.Name)
		}
	}
}
