package graph_test

import (
	"strings"
	"testing"

	"campaignql/graph/gid"
)

func TestTagsAreMadeRenamedAndDeleted(t *testing.T) {
	const (
		create = `mutation($name: String!) { createTag(input: {name: $name}) { tag { name campaignCount } ` + faults + `} }`
		rename = `mutation($id: ID!, $name: String!) { updateTag(input: {id: $id, name: $name}) { tag { name } ` + faults + `} }`
		remove = `mutation($ids: [ID!]!) { deleteTags(input: {ids: $ids}) { deletedIds ` + faults + `} }`
	)
	play(t, []scenario{
		{
			name: "a tag", document: create, variables: object{"name": " Größe_1 %-x "},
			want: `{"tag":{"campaignCount":0,"name":"Größe_1 %-x"}}`,
		},
		{
			name: "the same in capitals is taken", document: create, variables: object{"name": "GRÖSSE_1 %-X"},
			want: "CONFLICT input.name tag_exists",
		},
		{
			name: "no name", document: create, variables: object{"name": ""},
			want: "INVALID input.name tag_name_required",
		},
		{
			name: "a blank name", document: create, variables: object{"name": "  "},
			want: "INVALID input.name tag_name_empty",
		},
		{
			name: "a name of 101 characters", document: create, variables: object{"name": strings.Repeat("ü", 101)},
			want: "INVALID input.name tag_name_too_long",
		},
		{
			name: "a name with other characters", document: create, variables: object{"name": "a<b"},
			want: "INVALID input.name tag_name_characters",
		},
		{
			name: "a key that may only read", as: "reader", document: create, variables: object{"name": "a"},
			want: "!FORBIDDEN",
		},

		{
			name: "renamed", document: rename, variables: object{"id": "<tag>", "name": "renamed"},
			want: `{"tag":{"name":"renamed"}}`,
		},
		{
			name: "renamed to what is taken", document: rename, variables: object{"id": "<tag>", "name": "Renamed"},
			want: "CONFLICT input.name tag_exists",
		},
		{
			name: "renamed to nothing", document: rename, variables: object{"id": "<tag>", "name": ""},
			want: "INVALID input.name tag_name_required",
		},
		{
			name: "rename what is not there", document: rename, variables: object{"id": "987654321", "name": "x"},
			want: "NOT_FOUND tag_not_found",
		},
		{
			name: "rename a campaign", document: rename,
			variables: object{"id": gid.Encode(gid.Campaign, 5), "name": "x"}, want: "INVALID input.id id_invalid",
		},

		{
			name: "deleted", document: `mutation($ids: [ID!]!) { deleteTags(input: {ids: $ids}) { ` + faults + `} }`,
			variables: object{"ids": []any{"<tag>", "987654321"}}, want: `{}`,
		},
		{
			name:      "delete a campaign as a tag",
			document:  remove,
			variables: object{"ids": []any{"<tag>", gid.Encode(gid.Campaign, 5)}},
			want:      "INVALID input.ids.1 id_invalid",
		},
		{
			name: "delete too many", document: remove, variables: object{"ids": many("1", 251)},
			want: "INVALID input.ids too_many_ids",
		},

		{name: "one tag", document: `{ tag(id: "<tag>") { campaignCount } }`, want: `{"campaignCount":0}`},
		{name: "no tag", document: `{ tag(id: "987654321") { name } }`, want: `null`},
		{
			name: "a campaign is no tag", document: `{ tag(id: "` + gid.Encode(gid.Campaign, 5) + `") { name } }`,
			want: `!BAD_USER_INPUT id id_invalid`,
		},
	})
}

func TestCampaignsAreTagged(t *testing.T) {
	tagging := func(mutation string) string {
		return `mutation($c: [ID!]!, $t: [ID!]!) { ` + mutation + `(input: {campaignIds: $c, tagIds: $t}) { campaigns { name } ` + faults + `} }`
	}
	play(t, []scenario{
		{
			name:      "in the order of the ids",
			document:  tagging("tagCampaigns"),
			variables: object{"c": []any{"<sent>", "<draft>"}, "t": []any{"<tag>", "<tag2>"}},
			want:      `{"campaigns":[{"name":"sent"},{"name":"draft"}]}`,
		},
		{
			name:      "each campaign once",
			document:  tagging("tagCampaigns"),
			variables: object{"c": []any{"<draft>", "<draft>"}, "t": []any{"<tag>", "<tag>"}},
			want:      `{"campaigns":[{"name":"draft"}]}`,
		},
		{
			name:      "a tag that is not there",
			document:  tagging("tagCampaigns"),
			variables: object{"c": []any{"<draft>"}, "t": []any{"<tag>", "987654321"}},
			want:      "NOT_FOUND input.tagIds tag_not_found",
		},
		{
			name:      "a campaign that is not there",
			document:  tagging("tagCampaigns"),
			variables: object{"c": []any{"<draft>", "987654321"}, "t": []any{"<tag>"}},
			want:      "NOT_FOUND input.campaignIds campaign_not_found",
		},
		{
			name:      "a tag as a campaign",
			document:  tagging("tagCampaigns"),
			variables: object{"c": []any{gid.Encode(gid.Tag, 5)}, "t": []any{"<tag>"}},
			want:      "INVALID input.campaignIds.0 id_invalid",
		},
		{
			name: "too many tags", document: tagging("tagCampaigns"),
			variables: object{"c": []any{"<draft>"}, "t": many("1", 101)}, want: "INVALID input.tagIds too_many_ids",
		},
		{
			name: "a key that may only read", as: "reader", document: tagging("tagCampaigns"),
			variables: object{"c": []any{"<draft>"}, "t": []any{"<tag>"}}, want: "!FORBIDDEN",
		},
		{
			name:      "a key that may only write is not shown campaigns, and tags none",
			as:        "writer",
			document:  tagging("tagCampaigns"),
			variables: object{"c": []any{"<draft>"}, "t": []any{"<tag>"}},
			want:      "!FORBIDDEN",
		},
		{
			name:     "a key that may only write tags",
			as:       "writer",
			document: `mutation { tagCampaigns(input: {campaignIds: ["<draft>"], tagIds: ["<tag>"]}) { ` + faults + `} }`,
			want:     "{}",
		},
		{
			name: "taken off what does not carry it", document: tagging("untagCampaigns"),
			variables: object{"c": []any{"<draft>"}, "t": []any{"<tag>"}}, want: `{"campaigns":[{"name":"draft"}]}`,
		},
		{
			name:      "taken off what is not there",
			document:  tagging("untagCampaigns"),
			variables: object{"c": []any{"987654321"}, "t": []any{"<tag>"}},
			want:      "NOT_FOUND input.campaignIds campaign_not_found",
		},
		{
			name:      "one that is not there taken off",
			document:  tagging("untagCampaigns"),
			variables: object{"c": []any{"<draft>"}, "t": []any{"987654321"}},
			want:      "NOT_FOUND input.tagIds tag_not_found",
		},
	})
}

func TestTagsOfCampaignsFollowTheMutation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		campaign, tag := c.prop(t, a, "draft"), c.prop(t, a, "tag")
		for _, mutation := range []struct {
			name string
			want string
		}{{"tagCampaigns", `[{"campaignCount":1}]`}, {"tagCampaigns", `[{"campaignCount":1}]`}, {"untagCampaigns", `[]`}} {
			data := w.MustQuery(
				t, a.Key,
				`mutation($c: [ID!]!, $t: [ID!]!) { x: `+mutation.name+`(input: {campaignIds: $c, tagIds: $t}) { campaigns { tags { campaignCount } } } }`,
				object{"c": []any{campaign}, "t": []any{tag}},
			)
			if got := compact(data["x"]); got != `{"campaigns":[{"tags":`+mutation.want+`}]}` {
				t.Errorf("%s: %s", mutation.name, got)
			}
		}
	})
}

func TestEmailsAreMadeChangedAndDeleted(t *testing.T) {
	const (
		fields = `name subject preheader fromName fromEmail replyToName replyToEmail html plain mode openTracking linkTracking`
		create = `mutation($in: CreateEmailInput!) { createEmail(input: $in) { email { ` + fields + ` } ` + faults + `} }`
		remove = `mutation($ids: [ID!]!) { deleteEmails(input: {ids: $ids}) { deletedIds ` + faults + `} }`
	)
	change := func(fields string) string {
		return `mutation($in: UpdateEmailInput!) { updateEmail(input: $in) { email { ` + fields + ` } ` + faults + `} }`
	}
	play(t, []scenario{
		{
			name: "an empty one", document: create, variables: object{"in": object{}},
			want: `{"email":{"fromEmail":null,"fromName":"","html":"","linkTracking":true,"mode":"EMPTY","name":"","openTracking":true,"plain":"","preheader":"","replyToEmail":null,"replyToName":"","subject":""}}`,
		},
		{
			name:     "a whole one",
			document: create,
			variables: object{"in": object{
				"name": "n", "subject": "s", "preheader": "p", "fromName": "f", "fromEmail": "f@example.com",
				"replyToName": "r", "replyToEmail": "r@example.com", "html": "<P>ü</P>", "plain": "ü", "mode": "EDITOR",
				"openTracking": false, "linkTracking": false,
			}},
			want: `{"email":{"fromEmail":"f@example.com","fromName":"f","html":"\u003cP\u003eü\u003c/P\u003e","linkTracking":false,"mode":"EDITOR","name":"n","openTracking":false,"plain":"ü","preheader":"p","replyToEmail":"r@example.com","replyToName":"r","subject":"s"}}`,
		},
		{
			name:      "every fault at once",
			document:  create,
			variables: object{"in": object{"name": strings.Repeat("ä", 251), "subject": "two\nlines"}},
			want:      "INVALID input.name email_text_too_long; INVALID input.subject email_line_break",
		},
		{
			name:      "an address that is none",
			document:  create,
			variables: object{"in": object{"fromEmail": "Ann <a@example.com>"}},
			want:      "!BAD_USER_INPUT input.fromEmail",
		},
		{
			name:      "an address that no mail has",
			document:  create,
			variables: object{"in": object{"replyToEmail": "a@[127.0.0.1]"}},
			want:      "INVALID input.replyToEmail email_address_invalid",
		},
		{
			name: "a key that may only read", as: "reader", document: create, variables: object{"in": object{}},
			want: "!FORBIDDEN",
		},

		{
			name:      "changed in part",
			document:  change("name subject fromEmail"),
			variables: object{"in": object{"id": "<email>", "subject": "New"}},
			want:      `{"email":{"fromEmail":"a@example.com","name":"mail","subject":"New"}}`,
		},
		{
			name:      "change to a bad text",
			document:  change("name"),
			variables: object{"in": object{"id": "<email>", "preheader": strings.Repeat("x", 501)}},
			want:      "INVALID input.preheader email_text_too_long",
		},
		{
			name: "change what is not there", document: change("name"),
			variables: object{"in": object{"id": "987654321", "name": "x"}}, want: "NOT_FOUND email_not_found",
		},
		{
			name:      "change a tag",
			document:  change("name"),
			variables: object{"in": object{"id": gid.Encode(gid.Tag, 3), "name": "x"}},
			want:      "INVALID input.id id_invalid",
		},

		{
			name:     "deleted",
			document: `mutation { deleteEmails(input: {ids: ["<email>", "987654321"]}) { ` + faults + `} }`, want: `{}`,
		},
		{
			name: "delete a tag", document: remove, variables: object{"ids": []any{gid.Encode(gid.Tag, 3)}},
			want: "INVALID input.ids.0 id_invalid",
		},
		{name: "one email", document: `{ email(id: "<email>") { subject } }`, want: `{"subject":"News"}`},
		{name: "no email", document: `{ email(id: "987654321") { subject } }`, want: `null`},
		{
			name: "a tag is no email", document: `{ email(id: "` + gid.Encode(gid.Tag, 3) + `") { subject } }`,
			want: `!BAD_USER_INPUT id id_invalid`,
		},
	})
}

func TestEmailInUseIsNotDeleted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		email, other, ready := c.prop(t, a, "email"), c.prop(t, a, "email"), c.prop(t, a, "ready")
		w.MustQuery(
			t, a.Key,
			`mutation($id: ID!, $email: ID!) { updateCampaign(input: {id: $id, emailId: $email}) { campaign { id } } }`,
			object{"id": ready, "email": email},
		)
		before := w.dump(t, a.User.ID)
		response := w.Query(
			t, a.Key, `mutation($ids: [ID!]!) { deleteEmails(input: {ids: $ids}) { deletedIds `+faults+`} }`,
			object{"ids": []any{other, email}},
		)
		noLeak(t, response)
		if got, _ := outcome(response); got != "CONFLICT input.ids email_in_use" {
			t.Errorf("deleting an email in use: %s", response.Body)
		}
		if w.dump(t, a.User.ID) != before {
			t.Error("the other email was deleted all the same")
		}
	})
}
