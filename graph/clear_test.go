package graph_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/gid"
	"campaignql/internal/testkit/apitest"
)

// partialUpdate is a mutation with a partial update. The tests find the mutations in the schema, and
// fail for one that is not in the table below.
type partialUpdate struct {
	// object is the field of the payload with the updated object.
	object string
	// full creates an object of which everything has a value that can be cleared, and returns its id.
	full func(t *testing.T, c *cast, a *apitest.Account) string
	// clears are the values of all lists `clear` in the input.
	clears []clearable
	// keeps are the paths of the fields that cannot be cleared.
	keeps []string
}

// clearable is a value of `clear`.
type clearable struct {
	name string
	// field is the path of the field that it clears, and value is a value for that field.
	field string
	value any
	// shown is the field of the object that shows it, and want is its value after it was cleared.
	shown, want string
	// of is the value of `clear` that clears the object around the field, and with has values that
	// are needed beside it.
	of   string
	with object
}

// parsed returns the number that a text holds.
func parsed(t *testing.T, text string) int64 {
	t.Helper()
	return must(strconv.ParseInt(text, 10, 64))(t)
}

// everyField creates a custom field of the people of every list.
const everyField = `mutation($name: String!) {
	createCustomField(input: {name: $name, type: TEXT}) { customField { legacyId } }
}`

var partialUpdates = map[string]partialUpdate{
	"updateCampaign": {
		object: "campaign",
		full: func(t *testing.T, c *cast, a *apitest.Account) string {
			id := c.prop(t, a, "set")
			c.settled(t, a, "updateCampaign", "UpdateCampaignInput", object{
				"id":       id,
				"audience": object{"lists": object{"include": []any{object{"listId": c.prop(t, a, "list")}}}},
			})
			// Only a campaign from before has an email beside an A/B test.
			c.db.Client(a.Context).Campaign.UpdateOneID(parsed(t, id)).SetEmailID(parsed(t, c.prop(t, a, "email"))).
				ExecX(a.Context)
			return id
		},
		clears: []clearable{
			{name: "STATUS_REASON", field: "statusReason", value: "x", shown: "statusReason", want: `null`},
			{name: "EMAIL", field: "emailId", value: "1", shown: "email { id }", want: `null`},
			{
				name: "SCHEDULE", field: "schedule", value: object{"kind": "IMMEDIATE"}, shown: "schedule { type }",
				want: `{"type":"NOT_SCHEDULED"}`,
			},
			{
				name: "AUDIENCE", field: "audience", value: object{"kind": "NOBODY"}, shown: "audience { form }",
				want: `{"form":"NONE"}`,
			},
			{
				name: "AB_TEST", field: "abTest", value: object{
					"variations": []any{object{"emailId": "1", "weight": 1}, object{"emailId": "2", "weight": 1}},
				},
				shown: "abTest { variations { weight } }", want: `null`,
			},
			{
				name: "AUTO_RESEND", field: "autoResend", value: object{"waitDays": 3},
				shown: "autoResend { enabled waitDays subject preheader }",
				want:  `{"enabled":false,"preheader":null,"subject":null,"waitDays":0}`,
			},
			{
				name: "APPROVAL_EXPLANATION", field: "approvalExplanation", value: "x", shown: "approvalExplanation",
				want: `null`,
			},
			{
				name: "GOOGLE_ANALYTICS_DOMAINS", field: "googleAnalyticsDomains", value: "x",
				shown: "googleAnalyticsDomains", want: `null`,
			},
			{
				name: "SUBJECT", field: "autoResend.subject", value: "x", shown: "autoResend { subject }",
				want: `{"subject":null}`, of: "AUTO_RESEND", with: object{"enabled": false},
			},
			{
				name: "PREHEADER", field: "autoResend.preheader", value: "x", shown: "autoResend { preheader }",
				want: `{"preheader":null}`, of: "AUTO_RESEND",
			},
		},
		keeps: []string{
			"expectedVersion", "name", "status", "publishOnRss", "s2sEnabled", "autoResend.enabled",
			"autoResend.waitDays",
		},
	},
	"updateEmail": {
		object: "email",
		full: func(t *testing.T, c *cast, a *apitest.Account) string {
			id := c.prop(t, a, "email")
			c.settled(t, a, "updateEmail", "UpdateEmailInput", object{
				"id": id, "replyToName": "Eve", "replyToEmail": "eve@example.com", "plain": "text", "mode": "EDITOR",
				"openTracking": false, "linkTracking": false,
			})
			return id
		},
		clears: []clearable{
			{name: "NAME", field: "name", value: "x", shown: "name", want: `""`},
			{name: "SUBJECT", field: "subject", value: "x", shown: "subject", want: `""`},
			{name: "PREHEADER", field: "preheader", value: "x", shown: "preheader", want: `""`},
			{name: "FROM_NAME", field: "fromName", value: "x", shown: "fromName", want: `""`},
			{name: "FROM_EMAIL", field: "fromEmail", value: "x@example.com", shown: "fromEmail", want: `null`},
			{name: "REPLY_TO_NAME", field: "replyToName", value: "x", shown: "replyToName", want: `""`},
			{name: "REPLY_TO_EMAIL", field: "replyToEmail", value: "x@example.com", shown: "replyToEmail", want: `null`},
			{name: "HTML", field: "html", value: "x", shown: "html", want: `""`},
			{name: "PLAIN", field: "plain", value: "x", shown: "plain", want: `""`},
		},
		keeps: []string{"mode", "openTracking", "linkTracking"},
	},
	"updateList": {
		object: "list",
		full:   func(t *testing.T, c *cast, a *apitest.Account) string { return c.prop(t, a, "list") },
		keeps:  []string{"name", "doubleOptIn"},
	},
	"updateSubscriber": {
		object: "subscriber",
		full: func(t *testing.T, c *cast, a *apitest.Account) string {
			id := c.prop(t, a, "person")
			field := apitest.At(t, c.MustQuery(t, a.Key, everyField, object{"name": randomName()}),
				"createCustomField", "customField", "legacyId")
			c.settled(t, a, "updateSubscriber", "UpdateSubscriberInput", object{
				"id": id, "bounce": "SOFT", "fields": []any{object{"fieldId": field, "value": "Bonn"}},
			})
			return id
		},
		clears: []clearable{
			{
				name: "SUBSCRIBED_AT", field: "subscribedAt", value: "2026-01-01T00:00:00Z", shown: "subscribedAt",
				want: `null`,
			},
			{name: "OPTED_IN_AT", field: "optedInAt", value: "2026-01-01T00:00:00Z", shown: "optedInAt", want: `null`},
		},
		keeps: []string{"emailAddress", "status", "bounce", "fields", "fields.value"},
	},
	"updateAccount": {
		object: "user",
		full:   func(_ *testing.T, _ *cast, a *apitest.Account) string { return globalID(gid.User, a.User.ID) },
		keeps:  []string{"sender"},
	},
	"updateCustomField": {
		object: "customField",
		full: func(t *testing.T, c *cast, a *apitest.Account) string {
			return apitest.At(t, c.settled(t, a, "createCustomField", "CreateCustomFieldInput", object{
				"name": randomName(), "type": "CHOICE", "choices": []any{"Red", "Blue"},
			}), "createCustomField", "customField", "id").(string)
		},
		clears: []clearable{
			{name: "CHOICES", field: "choices", value: []any{}, shown: "choices", want: `[]`},
		},
		keeps: []string{"name"},
	},
	"updateSegment": {
		object: "segment",
		full: func(t *testing.T, c *cast, a *apitest.Account) string {
			id := c.prop(t, a, "segment")
			c.settled(t, a, "updateSegment", "UpdateSegmentInput", object{
				"id": id, "rules": object{"rules": []any{object{"suppression": object{}}}},
			})
			return id
		},
		clears: []clearable{
			{
				name: "RULES", field: "rules", value: object{"rules": []any{}}, shown: "rulesJson", want: `{"rules":[]}`,
			},
		},
		keeps: []string{"name", "rulesJson"}, // RULES clears rulesJson too, as TestRulesOfASegmentHaveOneForm shows
	},
}

// settled runs a mutation that has to succeed.
func (c *cast) settled(t *testing.T, a *apitest.Account, mutation, input string, in object) object {
	t.Helper()
	field := schema(t).Mutation.Fields.ForName(mutation)
	selection := ""
	for _, shown := range schema(t).Types[field.Type.Name()].Fields {
		if of := schema(t).Types[shown.Type.Name()]; of.Fields.ForName("id") != nil {
			selection = shown.Name + " { id }"
		}
	}
	data := c.MustQuery(t, a.Key, fmt.Sprintf(
		`mutation($in: %s!) { %s(input: $in) { %s %s } }`, input, mutation, selection, faults,
	), object{"in": in})
	if told := apitest.At(t, data, mutation, "userErrors").([]any); len(told) > 0 {
		t.Fatalf("%s: %v", mutation, told)
	}
	return data
}

// partial returns the input of a partial update: of a mutation update… that has a field which may be
// null.
func partial(served *ast.Schema, mutation *ast.FieldDefinition) *ast.Definition {
	argument := mutation.Arguments.ForName("input")
	if argument == nil || !strings.HasPrefix(argument.Type.Name(), "Update") {
		return nil
	}
	in := served.Types[argument.Type.Name()]
	if !slices.ContainsFunc(in.Fields, optional) {
		return nil
	}
	return in
}

func optional(field *ast.FieldDefinition) bool { return !field.Type.NonNull }

// inner returns the input object of a field that changes in part: it has a field that may be null,
// and is not set as a whole, as a @oneOf, an A/B test and the rules of a segment are.
func inner(served *ast.Schema, field *ast.FieldDefinition) *ast.Definition {
	of := served.Types[field.Type.Name()]
	whole := of.Directives.ForName("oneOf") != nil || of.Name == "ABTestInput" || of.Name == "RuleGroupInput"
	if of.Kind != ast.InputObject || whole ||
		!slices.ContainsFunc(of.Fields, optional) {
		return nil
	}
	return of
}

// nulls returns an input whose optional fields are null. With deep, objects and lists that change in
// part are not null themselves but have null in them. ids has the fields that are required.
func nulls(served *ast.Schema, of *ast.Definition, ids object, deep bool) object {
	out := object{}
	for _, field := range of.Fields {
		of := inner(served, field)
		switch {
		case !optional(field):
			out[field.Name] = ids[field.Name]
		case of != nil && deep:
			out[field.Name] = nulls(served, of, ids, deep)
			if field.Type.Elem != nil {
				out[field.Name] = []any{out[field.Name]}
			}
		default:
			out[field.Name] = nil
		}
	}
	return out
}

func TestEveryUpdateSaysWhatCanBeCleared(t *testing.T) {
	t.Parallel()
	served := schema(t)
	for _, mutation := range served.Mutation.Fields {
		in := partial(served, mutation)
		if in == nil {
			continue
		}
		known, ok := partialUpdates[mutation.Name]
		if !ok {
			t.Errorf("%s is not known: teach it in the table partialUpdates", mutation.Name)
			continue
		}
		var decided, listed []string
		for _, c := range known.clears {
			decided, listed = append(decided, c.field), append(listed, c.name)
		}
		decided = append(decided, known.keeps...)
		var walk func(of *ast.Definition, below string)
		walk = func(of *ast.Definition, below string) {
			for _, field := range of.Fields {
				switch path := below + field.Name; {
				case field.Name == "clear":
					for _, value := range served.Types[field.Type.Name()].EnumValues {
						if !slices.Contains(listed, value.Name) {
							t.Errorf("%s.%s can be cleared, and no test does it", of.Name, value.Name)
						}
					}
				case !optional(field), field.Name == "clearFields":
				case !slices.Contains(decided, path):
					t.Errorf("%s: can %s be cleared? say so in the table partialUpdates", mutation.Name, path)
				}
				if inner := inner(served, field); inner != nil {
					walk(inner, below+field.Name+".")
				}
			}
		}
		walk(in, "")
	}
}

func TestNullIsLeftAloneByEveryUpdate(t *testing.T) {
	served := schema(t)
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		for _, mutation := range served.Mutation.Fields {
			in := partial(served, mutation)
			if in == nil {
				continue
			}
			id := partialUpdates[mutation.Name].full(t, c, a)
			client := w.db.Client(a.Context)
			ids := object{"id": id, "fieldId": "0"}
			if field, err := client.CustomField.Query().FirstID(a.Context); err == nil {
				ids["fieldId"] = number(field)
			}
			before := w.dump(t, a.User.ID)
			for _, deep := range []bool{false, true} {
				c.settled(t, a, mutation.Name, in.Name, nulls(served, in, ids, deep))
				if diff := cmp.Diff(before, w.dump(t, a.User.ID)); diff != "" {
					t.Errorf("%s wrote something for null (-before +after):\n%s", mutation.Name, diff)
				}
			}
		}
	})
}

// nested returns the input with a value at the path of a field.
func nested(in object, path string, value any) object {
	outer, rest, below := strings.Cut(path, ".")
	if !below {
		in[path] = value
		return in
	}
	within, _ := in[outer].(object)
	if within == nil {
		within = object{}
	}
	in[outer] = nested(within, rest, value)
	return in
}

// around returns the path of the input object that a field is in, with a dot at its end.
func around(path string) string { return path[:strings.LastIndex(path, ".")+1] }

func TestClearClearsOneFieldAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		for mutation, known := range partialUpdates {
			selection := ""
			for _, of := range known.clears {
				selection += of.name + ": " + of.shown + " "
			}
			input := schema(t).Mutation.Fields.ForName(mutation).Arguments.ForName("input").Type.Name()
			document := fmt.Sprintf(
				`mutation($in: %s!) { %s(input: $in) { %s { %s } %s } }`, input, mutation, known.object, selection, faults,
			)
			for _, of := range known.clears {
				id := known.full(t, c, a)
				shown := func(in object) object {
					data := c.MustQuery(t, a.Key, document, object{"in": in})
					if told := apitest.At(t, data, mutation, "userErrors").([]any); len(told) > 0 {
						t.Fatalf("%s %s: %v", mutation, of.name, told)
					}
					return apitest.At(t, data, mutation, known.object).(object)
				}
				before := shown(object{"id": id})
				in := nested(object{"id": id}, around(of.field)+"clear", []any{of.name, of.name})
				for name, value := range of.with {
					nested(in, around(of.field)+name, value)
				}
				after := shown(in)
				if compact(before[of.name]) == of.want {
					t.Errorf("%s %s was clear: the test proves nothing", mutation, of.name)
				}
				if got := compact(after[of.name]); got != of.want {
					t.Errorf("%s %s is %s after it was cleared, want %s", mutation, of.name, got, of.want)
				}
				for _, other := range known.clears {
					within := other.of == of.name || of.of == other.name
					if other.name != of.name && !within && compact(before[other.name]) != compact(after[other.name]) {
						t.Errorf("%s %s changed %s to %v", mutation, of.name, other.name, after[other.name])
					}
				}
			}
		}
	})
}

func TestFieldThatIsClearedAndHasAValueWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		for mutation, known := range partialUpdates {
			input := schema(t).Mutation.Fields.ForName(mutation).Arguments.ForName("input").Type.Name()
			document := fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s } }`, input, mutation, faults)
			id := known.full(t, c, a)
			before := w.dump(t, a.User.ID)
			all, wants := object{"id": id}, []string{}
			refused := func(in object, want string) {
				response := c.Query(t, a.Key, document, object{"in": in})
				noLeak(t, response)
				noStrayPath(t, response)
				if got, _ := outcome(response); got != want {
					t.Errorf("%s %v: %s, want %s", mutation, in, got, want)
				}
				if !strings.Contains(response.Body, "has a value and is named in clear: give one of the two") {
					t.Errorf("%s %v does not say what is wrong: %s", mutation, in, response.Body)
				}
				if diff := cmp.Diff(before, w.dump(t, a.User.ID)); diff != "" {
					t.Errorf("%s %v was written (-before +after):\n%s", mutation, in, diff)
				}
			}
			for _, of := range known.clears {
				want := "INVALID input." + of.field + " cleared_and_set"
				in := nested(object{"id": id}, of.field, of.value)
				refused(nested(in, around(of.field)+"clear", []any{of.name}), want)
				if of.of == "" {
					named, _ := all["clear"].([]any)
					all[of.field], all["clear"] = of.value, append(named, of.name)
					wants = append(wants, want)
				}
			}
			if len(wants) > 1 {
				response := c.Query(t, a.Key, document, object{"in": all})
				got, _ := outcome(response)
				if diff := cmp.Diff(sorted(wants), sorted(strings.Split(got, "; "))); diff != "" {
					t.Errorf("%s does not tell all faults at once (-want +got):\n%s", mutation, diff)
				}
			}
		}
	})
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

func TestValuesOfCustomFieldsAreClearedByName(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		id := partialUpdates["updateSubscriber"].full(t, c, a)
		client := w.db.Client(a.Context)
		town := number(client.CustomField.Query().FirstIDX(a.Context))
		of := func(name string) string {
			data := c.MustQuery(t, a.Key, everyField, object{"name": name})
			return apitest.At(t, data, "createCustomField", "customField", "legacyId").(string)
		}
		street := of("Street")
		value := func(field string, text any) object { return object{"fieldId": field, "value": text} }
		for _, tt := range []struct {
			name string
			in   object
			want string
		}{
			{"null leaves alone", object{"fields": []any{value(town, nil)}}, `["Bonn"]`},
			{"no value leaves alone", object{"fields": []any{object{"fieldId": town}}}, `["Bonn"]`},
			{"null beside a value", object{"fields": []any{value(town, nil), value(street, "A")}}, `["Bonn","A"]`},
			{
				"a value that is cleared", object{"fields": []any{value(street, "B"), value(town, "B")}, "clearFields": []any{town}},
				"INVALID input.fields.1.value cleared_and_set",
			},
			{
				"an empty value that is cleared", object{"fields": []any{value(town, "")}, "clearFields": []any{town}},
				"INVALID input.fields.0.value cleared_and_set",
			},
			{
				"a field that is not there", object{"clearFields": []any{town, "987654321"}},
				"INVALID input.clearFields.1 custom_field_not_found",
			},
			{
				"no id of a field", object{"clearFields": []any{town, globalID("Campaign", 5)}},
				"INVALID input.clearFields.1 id_invalid",
			},
			{"too many", object{"clearFields": many("1", 251)}, "INVALID input.clearFields too_many_ids"},
			{"none", object{"clearFields": nil}, `["Bonn","A"]`},
			{
				"one, named twice, without a value", object{"fields": []any{value(town, nil)}, "clearFields": []any{town, town}},
				`["A"]`,
			},
			{"one that has no value", object{"clearFields": []any{town}}, `["A"]`},
			{"an empty value", object{"fields": []any{value(street, "")}}, `[]`},
		} {
			before := w.dump(t, a.User.ID)
			tt.in["id"] = id
			response := c.Query(
				t, a.Key,
				`mutation($in: UpdateSubscriberInput!) {
					updateSubscriber(input: $in) { subscriber { fields { text } } `+faults+`}
				}`,
				object{"in": tt.in},
			)
			noLeak(t, response)
			noStrayPath(t, response)
			got, changes := outcome(response)
			if !changes {
				if diff := cmp.Diff(before, w.dump(t, a.User.ID)); diff != "" {
					t.Errorf("%s: something was written (-before +after):\n%s", tt.name, diff)
				}
			} else {
				texts := []string{}
				for _, shown := range apitest.At(t, response.Data, "updateSubscriber", "subscriber", "fields").([]any) {
					texts = append(texts, shown.(object)["text"].(string))
				}
				got = compact(texts)
			}
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
	})
}

func TestNullValueOfSomebodyWhoIsOnTheListIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		a := c.account("")
		id := partialUpdates["updateSubscriber"].full(t, c, a)
		client := w.db.Client(a.Context)
		row := client.Subscriber.Query().FirstX(a.Context)
		town := number(client.CustomField.Query().FirstIDX(a.Context))
		for _, tt := range []struct {
			value any
			want  string
		}{{nil, `[{"text":"Bonn"}]`}, {"", `[]`}} {
			c.MustQuery(
				t, a.Key,
				`mutation($in: AddSubscribersInput!) { addSubscribers(input: $in) { results { outcome } `+faults+`} }`,
				object{"in": object{
					"listId": number(row.ListID), "updateExisting": true,
					"subscribers": []any{object{
						"emailAddress": row.Email, "fields": []any{object{"fieldId": town, "value": tt.value}},
					}},
				}},
			)
			data := c.MustQuery(t, a.Key, `query($id: ID!) { subscriber(id: $id) { fields { text } } }`, object{"id": id})
			if got := compact(apitest.At(t, data, "subscriber", "fields")); got != tt.want {
				t.Errorf("%v made the values %s, want %s", tt.value, got, tt.want)
			}
		}
	})
}
