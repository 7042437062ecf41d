package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"campaignql/internal/testkit/apitest"
)

// groups puts a rule into n groups of alternating connectors.
func groups(rule any, n int) any {
	for i := range n {
		rule = object{"group": object{"connector": []string{"OR", "AND"}[(n-i+1)%2], "rules": []any{rule}}}
	}
	return rule
}

// TestFaultsOfTypedRulesNameTheirPlace gives each fault as the second rule of the second criterion of a campaign, of
// an unsaved audience and of a segment.
func TestFaultsOfTypedRulesNameTheirPlace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f, draft := w.crowd(t, a), number(w.page(t, a, 1)[0].ID)
		other := w.crowd(t, w.Account(t))
		list, text, num := number(f.list.ID), number(f.text.ID), number(f.number.ID)
		field := func(of object, operator string, value any) object {
			return object{"field": object{"of": of, "operator": operator, "value": value}}
		}
		email := object{"name": "EMAIL_ADDRESS"}
		event := func(in object) object {
			if in["event"] == nil {
				in["event"] = "OPENED"
			}
			return object{"event": in}
		}
		when := func(of object) object { return event(object{"time": of}) }
		tag := func(match string, ids ...any) object {
			return object{"tag": object{"match": match, "tagIds": append([]any{}, ids...)}}
		}
		invalid, missing := "INVALID %s audience_invalid", "NOT_FOUND %s audience_not_found"
		unknown := "INVALID %s id_invalid"
		for _, tt := range []struct {
			rule        any
			want, place string
		}{
			{field(email, "CONTAINS", ""), invalid, "field.value"},
			{field(email, "IS", nil), invalid, "field.value"},
			{field(email, "IS_SET", "x"), invalid, "field.value"},
			{field(object{"name": "OPT_IN_DATE"}, "IS", "tomorrow"), invalid, "field.value"},
			{field(object{"name": "SUBSCRIBER_ID"}, "IS", "x"), invalid, "field.value"},
			{field(object{"customFieldId": num}, "IS_LESS_THAN", "many"), invalid, "field.value"},
			{field(object{"customFieldId": "987654321"}, "IS", "x"), missing, "field.of.customFieldId"},
			{field(object{"customFieldId": number(other.text.ID)}, "IS", "x"), missing, "field.of.customFieldId"},
			{field(object{"customFieldId": globalID("Campaign", 5)}, "IS", "x"), unknown, "field.of.customFieldId"},
			{event(object{"campaignIds": []any{draft, "987654321"}}), missing, "event.campaignIds"},
			{event(object{"campaignIds": []any{draft, "x"}}), unknown, "event.campaignIds.1"},
			{when(object{"inLastDays": 0}), invalid, "event.time.inLastDays"},
			{when(object{"notInLastDays": 36501}), invalid, "event.time.notInLastDays"},
			{when(object{"after": "2026-02-30"}), invalid, "event.time.after"},
			{when(object{"before": ""}), invalid, "event.time.before"},
			{when(object{"between": object{"from": "x", "to": "2026-01-01"}}), invalid, "event.time.between.from"},
			{when(object{"notBetween": object{"from": "2026-01-01", "to": "x"}}), invalid, "event.time.notBetween.to"},
			{when(object{"between": object{"from": "2026-01-02", "to": "2026-01-01"}}), invalid, "event.time.between"},
			{event(object{"count": object{"atMost": -1}}), invalid, "event.count.atMost"},
			{event(object{"event": "FAILED", "count": object{"atMost": 1}}), invalid, "event.count"},
			{event(object{"event": "DELIVERED", "time": object{"inLastDays": 1}}), invalid, "event.time"},
			{tag("HAS_TAG"), invalid, "tag.tagIds"},
			{tag("HAS_TAG", "1", "2"), invalid, "tag.tagIds"},
			{tag("HAS_NO_TAGS", "1"), invalid, "tag.tagIds"},
			{tag("HAS_ALL_TAGS"), invalid, "tag.tagIds"},
			{tag("HAS_ANY_TAG", number(other.label.ID)), missing, "tag.tagIds"},
			{object{"segment": object{"segmentId": number(other.segment.ID)}}, missing, "segment.segmentId"},
			{object{"group": object{"rules": []any{}}}, invalid, "group.rules"},
			{groups(field(email, "IS", "x"), 5), invalid, strings.Repeat("group.rules.0.", 4) + "group.rules"},
			{groups(field(email, "IS", nil), 4), invalid, strings.Repeat("group.rules.0.", 4) + "field.value"},
			{object{"group": object{"rules": []any{
				field(email, "IS", "x"), object{"group": object{"rules": []any{tag("HAS_TAG")}}},
			}}}, invalid, "group.rules.1.group.rules.0.tag.tagIds"},
		} {
			before := []any{object{"group": object{"rules": []any{ // becomes two rules of the list
				field(object{"customFieldId": text}, "IS", "x"), object{"suppression": object{}},
			}}}, tt.rule}
			rules := object{"criteria": []any{object{"listId": list}, object{"listId": list, "rules": before}}}
			for way, of := range map[string]struct {
				document string
				in       any
				base     string
			}{
				"campaign": {
					`mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { ` + faults + `} }`,
					object{"id": draft, "audience": object{"rules": rules}}, "input.audience.rules.criteria.1.rules.1.",
				},
				"segment": {
					`mutation($in: UpdateSegmentInput!) { updateSegment(input: $in) { ` + faults + `} }`,
					object{"id": number(f.segment.ID), "rules": object{"rules": before}}, "input.rules.rules.1.",
				},
				"audience": {
					`query($in: AudienceInput!) { audience(input: $in) { count } }`, object{"rules": rules},
					"input.rules.criteria[1].rules[1].",
				},
			} {
				response := w.Query(t, a.Key, of.document, object{"in": of.in})
				noLeak(t, response)
				want := fmt.Sprintf(tt.want, of.base+tt.place)
				if way == "audience" {
					code, place, _ := strings.Cut(fmt.Sprintf(tt.want, of.base+indexed(tt.place)), " ")
					want = map[string]string{"INVALID": "!BAD_USER_INPUT ", "NOT_FOUND": "!NOT_FOUND "}[code] + place
				}
				if got, _ := outcome(response); got != want {
					t.Errorf("%s %s:\n got  %s\n want %s\n %s", way, compact(tt.rule), got, want, response.Body)
				}
				if strings.Contains(response.Body, "list_id") || strings.Contains(response.Body, "field_id") {
					t.Errorf("%s %s: the answer names the legacy syntax: %s", way, compact(tt.rule), response.Body)
				}
			}
		}
		w.faultsOfAudiences(t, a, draft, list)
	})
}

// indexed writes the elements of a path as errors of queries do.
func indexed(path string) string {
	parts := strings.Split(path, ".")
	text := parts[0]
	for _, part := range parts[1:] {
		if part[0] >= '0' && part[0] <= '9' {
			text += "[" + part + "]"
		} else {
			text += "." + part
		}
	}
	return text
}

// faultsOfAudiences gives faults outside of rules.
func (w *world) faultsOfAudiences(t *testing.T, a *apitest.Account, draft, list string) {
	t.Helper()
	rule := object{"suppression": object{}}
	deep := any(rule)
	for range 25 {
		deep = object{"group": object{"rules": []any{deep}}}
	}
	for _, tt := range []struct {
		rules object
		want  string
	}{
		{object{"criteria": []any{}}, "INVALID input.audience.rules.criteria audience_invalid"},
		{
			object{"criteria": []any{object{"listId": list}, object{"listId": "987654321"}}},
			"NOT_FOUND input.audience.rules.criteria.1.listId audience_not_found",
		},
		{
			object{"criteria": []any{object{"listId": list}}, "exclude": []any{object{"listId": "x"}}},
			"INVALID input.audience.rules.exclude.0.listId id_invalid",
		},
		{
			object{"criteria": []any{object{"listId": list, "rules": []any{deep}}}},
			"INVALID input.audience.rules.criteria.0.rules" + strings.Repeat(".0.group.rules", 21) + " audience_invalid",
		},
		{
			object{"criteria": []any{object{"listId": list, "rules": copies(rule, 201)}}},
			"INVALID input.audience.rules.criteria.0.rules.200.suppression audience_invalid",
		},
		{
			object{"criteria": copies(object{"listId": list}, 201)},
			"INVALID input.audience.rules.criteria.200 audience_invalid",
		},
		{
			object{"criteria": []any{object{"listId": list, "rules": copies(object{"field": object{
				"of": object{"name": "EMAIL_ADDRESS"}, "operator": "IS", "value": strings.Repeat("x", 1000),
			}}, 70)}}},
			"INVALID input.audience.rules audience_invalid",
		},
	} {
		response := w.Query(
			t, a.Key, `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { `+faults+`} }`,
			object{"in": object{"id": draft, "audience": object{"rules": tt.rules}}},
		)
		noLeak(t, response)
		if got, _ := outcome(response); got != tt.want {
			t.Errorf("%.300s:\n got  %s\n want %s", compact(tt.rules), got, tt.want)
		}
	}
}

// TestFaultsOfOtherFormsOfAnAudienceNameTheirPlace names a list that does not exist.
func TestFaultsOfOtherFormsOfAnAudienceNameTheirPlace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f, draft := w.crowd(t, a), number(w.page(t, a, 1)[0].ID)
		own := object{"listId": number(f.list.ID)}
		for want, audience := range map[string]object{
			"audience.rulesJson": {"rulesJson": `{"operator":"or","criteria":[{"list_id":987654321}]}`},
			"audience.lists.exclude[0]": {"lists": object{
				"include": []any{own}, "exclude": []any{object{"listId": "987654321"}},
			}},
		} {
			response := w.Query(
				t, a.Key, `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { `+faults+`} }`,
				object{"in": object{"id": draft, "audience": audience}},
			)
			place := strings.NewReplacer("[", ".", "]", "").Replace(want)
			if got, _ := outcome(response); got != "NOT_FOUND input."+place+" audience_not_found" {
				t.Errorf("a campaign: got %s, want %s", got, place)
			}
			response = w.Query(
				t, a.Key, `query($in: AudienceInput!) { audience(input: $in) { count } }`, object{"in": audience},
			)
			place = "input" + strings.TrimPrefix(want, "audience")
			if got, _ := outcome(response); got != "!NOT_FOUND "+place+" audience_not_found" {
				t.Errorf("a draft: got %s, want %s", got, place)
			}
		}
	})
}

// TestNullInRulesIsTheDefault has rules as clients send them that send null for whatever was not set.
func TestNullInRulesIsTheDefault(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f := w.crowd(t, a)
		list := number(f.list.ID)
		read := func(rules object) string {
			return compact(w.MustQuery(
				t, a.Key, `query($in: AudienceInput!) { audience(input: $in) { rulesJson count } }`,
				object{"in": object{"rules": rules}},
			))
		}
		rules := func(absent object) object {
			with := func(of object, names ...string) object {
				for _, name := range names {
					if v, ok := absent[name]; ok {
						of[name] = v
					}
				}
				return of
			}
			return with(object{"criteria": []any{
				with(object{"listId": list}, "connector", "rules"),
				with(object{"listId": list, "rules": []any{
					object{"event": with(object{"event": "OPENED"}, "not", "campaignIds", "time", "count")},
					object{"tag": with(object{"match": "HAS_NO_TAGS"}, "tagIds")},
					object{"suppression": with(object{}, "not")},
					object{"group": with(object{"rules": []any{
						object{"segment": with(object{"segmentId": number(f.segment.ID)}, "not")},
					}}, "connector")},
				}}, "connector"),
			}}, "connector", "exclude")
		}
		null := object{}
		for _, name := range []string{"connector", "rules", "exclude", "not", "campaignIds", "time", "count", "tagIds"} {
			null[name] = nil
		}
		if got, want := read(rules(null)), read(rules(object{})); got != want {
			t.Errorf("with null %s, without %s", got, want)
		}
	})
}

func copies(of any, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = of
	}
	return out
}
