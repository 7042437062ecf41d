package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/graph"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// TestEveryMutationAnswersAMutationPayload reads the schema: one fragment on the interface reads the
// user errors of all mutations.
func TestEveryMutationAnswersAMutationPayload(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, field := range s.Mutation.Fields {
		answer := s.Types[field.Type.Name()]
		if field.Name == "command" || strings.HasPrefix(field.Name, "__") {
			continue // answers the envelope of the legacy API
		}
		if !slices.Contains(answer.Interfaces, "MutationPayload") {
			t.Errorf("%s answers %s, which is no MutationPayload", field.Name, answer.Name)
		}
	}
}

func TestUserErrorsAreReadThroughTheInterface(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		response := w.MustQuery(t, a.Key, `mutation {
			createTag(input: {name: "<"}) { ...faults }
			logout { ended ...faults }
		}
		fragment faults on MutationPayload { userErrors { code reason field } }`, nil)
		want := `{"createTag":{"userErrors":[{"code":"INVALID","field":["input","name"],"reason":"TAG_NAME_CHARACTERS"}]},` +
			`"logout":{"ended":false,"userErrors":[]}}`
		if got := compact(response); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestTransitionsNameMutationsOfTheSchema asks the machine for every change of status, and compares
// what asks for it with the enum and with the mutations that there are.
func TestTransitionsNameMutationsOfTheSchema(t *testing.T) {
	t.Parallel()
	s, seen := schema(t), map[string]bool{}
	for _, status := range kind.CampaignStatuses() {
		for _, change := range campaign.Transitions(caller.Identity{}, &ent.Campaign{Status: status}) {
			name := graph.TransitionMutation(change.Action)
			if seen[name] = true; s.Types["CampaignTransitionMutation"].EnumValues.ForName(name) == nil {
				t.Errorf("the action %s has the mutation %q, which the schema does not know", change.Action, name)
			}
		}
	}
	for _, value := range s.Types["CampaignTransitionMutation"].EnumValues {
		words := strings.Split(strings.ToLower(value.Name), "_")
		for i, word := range words[1:] {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
		if s.Mutation.Fields.ForName(strings.Join(words, "")) == nil || !seen[value.Name] {
			t.Errorf("%s is no mutation, or asks for no change of status", value.Name)
		}
	}
}

// idsByOtherNames are the arguments of ids that are named by what is done with them.
var idsByOtherNames = []string{
	"CampaignTagFilter.anyOf", "CampaignTagFilter.allOf", "CampaignTagFilter.noneOf",
	"SubscriberTagFilter.anyOf", "SubscriberTagFilter.allOf", "SubscriberTagFilter.noneOf",
	"UpdateSubscriberInput.clearFields", "EventInput.id",
}

// addressesOfMails are the addresses that are written into a mail.
var addressesOfMails = []string{
	"CreateEmailInput.fromEmail", "CreateEmailInput.replyToEmail", "UpdateEmailInput.fromEmail",
	"UpdateEmailInput.replyToEmail", "SendTestInput.to",
}

// TestArgumentsHaveOneVocabulary reads every argument and input field: an id is named after what it is
// of, with Id or Ids at its end, or is id or ids; an address is emailAddress.
func TestArgumentsHaveOneVocabulary(t *testing.T) {
	t.Parallel()
	check := func(path, name string, of *ast.Type) {
		switch {
		case of.Name() == "ID" && !slices.Contains(idsByOtherNames, path):
			end := "Id"
			if of.Elem != nil {
				end = "Ids"
			}
			if name != strings.ToLower(end) && !strings.HasSuffix(name, end) {
				t.Errorf("%s is an %s that is named otherwise", path, of)
			}
		case of.Name() == "EmailAddress" && name != "emailAddress" && !slices.Contains(addressesOfMails, path):
			t.Errorf("%s is an address that is named otherwise", path)
		}
	}
	for _, of := range schema(t).Types {
		for _, field := range of.Fields {
			if of.Kind == ast.InputObject {
				check(of.Name+"."+field.Name, field.Name, field.Type)
			}
			for _, argument := range field.Arguments {
				check(of.Name+"."+field.Name+"."+argument.Name, argument.Name, argument.Type)
			}
		}
	}
}

// TestEveryConnectionTakesTheSameArguments checks that a page can be asked for alike everywhere.
// TestInputFieldsWithADefaultTakeNull keeps the fields of inputs usable for generated clients that send null for what
// was not set.
func TestInputFieldsWithADefaultTakeNull(t *testing.T) {
	t.Parallel()
	for _, of := range schema(t).Types {
		if of.Kind != ast.InputObject {
			continue
		}
		for _, field := range of.Fields {
			if field.DefaultValue != nil && field.Type.NonNull {
				t.Errorf("%s.%s has a default and refuses null", of.Name, field.Name)
			}
		}
	}
}

func TestEveryConnectionTakesTheSameArguments(t *testing.T) {
	t.Parallel()
	want := map[string]string{"first": "Int", "after": "String", "last": "Int", "before": "String"}
	for _, of := range schema(t).Types {
		for _, field := range of.Fields {
			if !strings.HasSuffix(field.Type.Name(), "Connection") {
				continue
			}
			for name, typeName := range want {
				argument := field.Arguments.ForName(name)
				if argument == nil || argument.Type.String() != typeName || argument.DefaultValue != nil {
					t.Errorf("%s.%s(%s) is not %s without a default", of.Name, field.Name, name, typeName)
				}
			}
		}
	}
}
