package translate

import (
	"strings"

	"campaignql/internal/audience/query"
)

func listRecipients(r *reading) (string, map[string]any, error) {
	const head = "query Recipients($id: ID!) {\n  campaign(id: $id) {\n    status\n    audience {\n      count\n"
	const foot = "    }\n  }\n}\n"
	const people = `      preview(first: $first) {
        emailAddress
        subscriber {
          legacyId
          fields {
            text
            field {
              name
            }
          }
        }
      }
`
	variables := map[string]any{"id": r.id("CampaignID")}
	r.notef("GraphQL also counts the audience of a campaign that has begun; who got it is in runs { recipients }.")
	if r.Flag("OnlyTotal") {
		return head + foot, variables, nil
	}
	size := r.Count("RecordsPerRequest")
	if size == 0 || size > query.MaxPreview {
		size = query.MaxPreview
		r.notef("audience.preview has the first %d people at most; the command lists them all.", size)
	}
	if r.Count("RecordsFrom") > 0 {
		r.notef("RecordsFrom: there is no counterpart; preview begins with the first one.")
	}
	variables["first"] = size
	return strings.Replace(head, "($id: ID!)", "($id: ID!, $first: Int!)", 1) + people + foot, variables, nil
}

// asCommand translates a command without a counterpart to the field that runs commands.
func asCommand(r *reading) (string, map[string]any, error) {
	parameters := map[string]any{}
	for _, declared := range r.command.Parameters {
		if r.Has(declared.Name) {
			parameters[declared.Name] = r.Text(declared.Name)
		}
	}
	r.notef("No field of its own answers it yet: the command runs through GraphQL, and its answer is the legacy envelope.")
	document := "mutation Command($name: String!, $parameters: JSON) {\n  command(name: $name, parameters: $parameters)\n}\n"
	return document, map[string]any{"name": r.command.Name, "parameters": parameters}, nil
}

func previewEmail(r *reading) (string, map[string]any, error) {
	input := map[string]any{"emailId": r.id("EmailID"), "to": []string{strings.TrimSpace(r.Text("EmailAddress"))}}
	if r.Has("ListID") {
		r.notef("ListID: name the person whose values the tags get, as subscriberId.")
	}
	if r.Has("CampaignID") {
		r.notef("CampaignID: name the campaign as campaignId instead of emailId to give its tags their values.")
	}
	return mutation("sendTest", "outcomes {\n  emailAddress\n  accepted\n  code\n  enhancedCode\n  reply\n}"), withInput(input), nil
}
