package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"campaignql/graph/gid"
	"campaignql/internal/apperr"
	"campaignql/internal/testkit/apitest"
)

const faults = ` userErrors { code message field reason } `

// update returns a document that updates a campaign with variables and selects fields of it.
func update(fields string) string {
	return `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { requestedStatus campaign { ` + fields + ` }` + faults + `} }`
}

// act returns a document with a mutation on one campaign.
func act(mutation, input string) string {
	return `mutation { ` + mutation + `(input: {` + input + `}) { campaign { status version } ` + faults + `} }`
}

func TestCampaignsAreMadeCopiedAndDeleted(t *testing.T) {
	const create = `mutation($in: CreateCampaignInput!) { createCampaign(input: $in) { campaign { name status version schedule { type } } ` + faults + `} }`
	play(t, []scenario{
		{name: "a new campaign is a draft", document: create, variables: object{"in": object{"name": "  Sale "}},
			want: `{"campaign":{"name":"Sale","schedule":{"type":"NOT_SCHEDULED"},"status":"DRAFT","version":1}}`},
		{
			name:      "250 characters of many bytes are a name",
			document:  `mutation($in: CreateCampaignInput!) { createCampaign(input: $in) { campaign { status } ` + faults + `} }`,
			variables: object{"in": object{"name": strings.Repeat("𝄞", 250)}},
			want:      `{"campaign":{"status":"DRAFT"}}`,
		},
		{
			name: "251 characters are none", document: create,
			variables: object{"in": object{"name": strings.Repeat("é", 251)}}, want: "INVALID input.name name_too_long",
		},
		{
			name: "a name is required", document: create, variables: object{"in": object{"name": " \t"}},
			want: "INVALID input.name name_required",
		},
		{
			name:      "an idempotency key is not empty",
			document:  create,
			variables: object{"in": object{"name": "a", "idempotencyKey": ""}},
			want:      "INVALID input.idempotencyKey idempotency_key_length",
		},
		{
			name: "a key that may only read makes nothing", as: "reader", document: create,
			variables: object{"in": object{"name": "a"}}, want: "!FORBIDDEN",
		},
		{
			name:      "a key that may only write is told what it made",
			as:        "writer",
			document:  create,
			variables: object{"in": object{"name": "a"}},
			want:      `{"campaign":{"name":"a","schedule":{"type":"NOT_SCHEDULED"},"status":"DRAFT","version":1}}`,
		},
		{
			name: "nobody makes nothing", as: "nobody", document: create, variables: object{"in": object{"name": "a"}},
			want: "!UNAUTHENTICATED",
		},
		{
			name: "a broken token makes nothing", as: "stranger", document: create,
			variables: object{"in": object{"name": "a"}}, want: "!UNAUTHENTICATED",
		},

		{
			name:     "a copy is a draft with the same settings",
			document: `mutation { copyCampaign(input: {id: "<set>"}) { campaign { name status version publishOnRss autoResend { subject } schedule { type } } ` + faults + `} }`,
			want:     `{"campaign":{"autoResend":{"subject":"again"},"name":"set","publishOnRss":true,"schedule":{"type":"NOT_SCHEDULED"},"status":"DRAFT","version":1}}`,
		},
		{
			name:     "a copy may have a name of its own",
			document: `mutation { copyCampaign(input: {id: "<sent>", name: "Second"}) { campaign { name statistics { sent } } ` + faults + `} }`,
			want:     `{"campaign":{"name":"Second","statistics":{"sent":0}}}`,
		},
		{
			name:     "what is not there is not copied",
			document: `mutation { copyCampaign(input: {id: "987654321"}) { campaign { name } ` + faults + `} }`,
			want:     "NOT_FOUND campaign_not_found",
		},
		{
			name: "a tag is not copied as a campaign",
			document: `mutation { copyCampaign(input: {id: "` + gid.Encode(gid.Tag, 5) +
				`"}) { campaign { name } ` + faults + `} }`,
			want: "INVALID input.id id_invalid",
		},

		{
			name:     "campaigns of any status are deleted",
			document: `mutation { deleteCampaigns(input: {ids: ["<sending>", "<sent>", "987654321", "<sending>"]}) { ` + faults + `} }`,
			want:     `{}`,
		},
		{
			name:     "no id deletes nothing",
			document: `mutation { deleteCampaigns(input: {ids: []}) { deletedIds ` + faults + `} }`,
			want:     `{"deletedIds":[]}`,
		},
		{
			name:     "one bad id keeps all",
			document: `mutation { deleteCampaigns(input: {ids: ["<draft>", "x", "0"]}) { deletedIds ` + faults + `} }`,
			want:     "INVALID input.ids.1 id_invalid; INVALID input.ids.2 id_invalid",
		},
		{
			name:      "more than 250 ids are too many",
			document:  `mutation($ids: [ID!]!) { deleteCampaigns(input: {ids: $ids}) { deletedIds ` + faults + `} }`,
			variables: object{"ids": many("1", 251)},
			want:      "INVALID input.ids too_many_ids",
		},
	})
}

func many(text string, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = text
	}
	return out
}

func TestCampaignIsUpdatedInPart(t *testing.T) {
	scheduled := func(plan object) object { return object{"in": object{"id": "<draft>", "schedule": plan}} }
	at := func(date, clock, zone string) object {
		return scheduled(object{"at": object{"date": date, "time": clock, "timeZone": zone}})
	}
	recurring := func(more object) object {
		plan := object{"hours": []any{8}, "minutes": []any{0, 30}, "timeZone": "UTC"}
		for name, value := range more {
			plan[name] = value
		}
		return scheduled(object{"recurring": plan})
	}
	tested := func(emails ...string) object {
		variations := make([]any, len(emails))
		for i, email := range emails {
			variations[i] = object{"emailId": email, "weight": i*2 + 1}
		}
		return object{"variations": variations}
	}
	test := func(more object) object {
		plan := tested("<email>", "<email2>")
		plan["testSize"], plan["testDurationHours"], plan["winner"] = 20, 4, "MOST_UNIQUE_CLICKS"
		for name, value := range more {
			plan[name] = value
		}
		return object{"in": object{"id": "<draft>", "abTest": plan}}
	}
	set := func(name string, value any) object { return object{"in": object{"id": "<set>", name: value}} }
	play(t, []scenario{
		{
			name: "what is absent is left alone",
			document: update(
				`name version publishOnRss statusReason schedule { type } abTest { testSize } autoResend { enabled waitDays subject preheader }`,
			),
			variables: set("name", "New"),
			want:      `{"campaign":{"abTest":{"testSize":20},"autoResend":{"enabled":true,"preheader":"more","subject":"again","waitDays":2},"name":"New","publishOnRss":true,"schedule":{"type":"IMMEDIATE"},"statusReason":"why","version":4},"requestedStatus":null}`,
		},
		{
			name: "naming what is there changes nothing", document: update(`name version`),
			variables: set("name", "set"), want: `{"campaign":{"name":"set","version":3},"requestedStatus":null}`,
		},
		{
			name:      "a part of the second sending is changed",
			document:  update(`autoResend { enabled waitDays subject preheader }`),
			variables: set("autoResend", object{"waitDays": 9, "subject": nil, "clear": []any{"PREHEADER"}}),
			want:      `{"campaign":{"autoResend":{"enabled":true,"preheader":null,"subject":"again","waitDays":9}},"requestedStatus":null}`,
		},
		{
			name:     "null is no flag and no status",
			document: update(`publishOnRss s2sEnabled status version`),
			variables: object{
				"in": object{
					"id": "<set>", "publishOnRss": nil, "s2sEnabled": nil, "status": nil, "expectedVersion": nil,
				},
			},
			want: `{"campaign":{"publishOnRss":true,"s2sEnabled":true,"status":"DRAFT","version":3},"requestedStatus":null}`,
		},
		{
			name: "a name cannot be cleared", document: update(`name`), variables: set("clear", []any{"NAME"}),
			want: "!BAD_USER_INPUT $in.clear[0] variable_invalid",
		},
		{
			name: "null is nothing to clear", document: update(`name version`), variables: set("clear", nil),
			want: `{"campaign":{"name":"set","version":3},"requestedStatus":null}`,
		},
		{
			name: "the second sending that happens keeps its subject", document: update(`name`),
			variables: set("autoResend", object{"clear": []any{"SUBJECT"}}),
			want:      "INVALID input.autoResend.subject auto_resend_subject",
		},
		{
			name: "the email is set", document: update(`email { subject }`),
			variables: object{"in": object{"id": "<draft>", "emailId": "<email>"}},
			want:      `{"campaign":{"email":{"subject":"News"}},"requestedStatus":null}`,
		},
		{
			name: "an email that is not there", document: update(`name`), variables: set("emailId", "987654321"),
			want: "NOT_FOUND input.emailId email_not_found",
		},
		{
			name: "a campaign is no email", document: update(`name`),
			variables: set("emailId", gid.Encode(gid.Campaign, 7)), want: "INVALID input.emailId id_invalid",
		},
		{
			name:     "all faults are told at once",
			document: update(`name`),
			variables: object{"in": object{
				"id": "<draft>", "name": "", "emailId": "987654321",
				"autoResend": object{"enabled": true, "waitDays": 0}, "approvalExplanation": strings.Repeat("x", 4001),
			}},
			want: "NOT_FOUND input.emailId email_not_found; INVALID input.autoResend.waitDays auto_resend_wait_days; INVALID input.name name_required; INVALID input.approvalExplanation text_too_long",
		},

		{
			name:      "a moment",
			document:  update(`schedule { type sendDate sendTime timeZone nextSendAt upcoming }`),
			variables: at("2031-07-01", "10:00", "Europe/Berlin"),
			want:      `{"campaign":{"schedule":{"nextSendAt":"2031-07-01T08:00:00Z","sendDate":"2031-07-01","sendTime":"10:00:00","timeZone":"Europe/Berlin","type":"FUTURE","upcoming":["2031-07-01T08:00:00Z"]}},"requestedStatus":null}`,
		},
		{
			name:      "the 29th of February of a leap year",
			document:  update(`schedule { sendDate }`),
			variables: at("2032-02-29", "10:00", "UTC"),
			want:      `{"campaign":{"schedule":{"sendDate":"2032-02-29"}},"requestedStatus":null}`,
		},
		{
			name: "a moment in the past", document: update(`name`), variables: at("2020-07-01", "10:00", "UTC"),
			want: "INVALID input.schedule.at.date schedule_in_past",
		},
		{
			name: "a zone that is none", document: update(`name`), variables: at("2031-07-01", "10:00", "Atlantis"),
			want: "!BAD_USER_INPUT input.schedule.at.timeZone time_zone_invalid",
		},
		{
			name:      "a recurring zone that is none",
			document:  update(`name`),
			variables: recurring(object{"timeZone": ""}),
			want:      "!BAD_USER_INPUT input.schedule.recurring.timeZone time_zone_invalid",
		},
		{
			name:      "at once",
			document:  update(`schedule { type nextSendAt }`),
			variables: scheduled(object{"kind": "IMMEDIATE"}),
			want:      `{"campaign":{"schedule":{"nextSendAt":null,"type":"IMMEDIATE"}},"requestedStatus":null}`,
		},
		{
			name: "not at all", document: update(`schedule { type }`), variables: set("schedule", object{"kind": "UNSCHEDULED"}),
			want: `{"campaign":{"schedule":{"type":"NOT_SCHEDULED"}},"requestedStatus":null}`,
		},
		{
			name: "again and again",
			document: update(
				`schedule { type recurrence { daysOfWeek daysOfMonth months hours minutes maxInstances } }`,
			),
			variables: recurring(object{"daysOfWeek": []any{"SUNDAY", "MONDAY"}, "maxInstances": 3}),
			want:      `{"campaign":{"schedule":{"recurrence":{"daysOfMonth":[],"daysOfWeek":["MONDAY","SUNDAY"],"hours":[8],"maxInstances":3,"minutes":[0,30],"months":[]},"type":"RECURRING"}},"requestedStatus":null}`,
		},
		{
			name:      "a day of the month that is none",
			document:  update(`name`),
			variables: recurring(object{"daysOfMonth": []any{0, 32}}),
			want:      "INVALID input.schedule.recurring.daysOfMonth schedule_days_required",
		},
		{
			name: "a month that is none", document: update(`name`), variables: recurring(object{"months": []any{13}}),
			want: "INVALID input.schedule.recurring.months schedule_months_required",
		},
		{
			name: "an hour that is none", document: update(`name`), variables: recurring(object{"hours": []any{24}}),
			want: "INVALID input.schedule.recurring.hours schedule_hours_required",
		},
		{
			name: "no hour", document: update(`name`), variables: recurring(object{"hours": []any{}}),
			want: "INVALID input.schedule.recurring.hours schedule_hours_required",
		},
		{
			name: "a minute that is none", document: update(`name`), variables: recurring(object{"minutes": []any{-1}}),
			want: "INVALID input.schedule.recurring.minutes schedule_minutes_required",
		},
		{
			name: "less than never", document: update(`name`), variables: recurring(object{"maxInstances": -1}),
			want: "INVALID input.schedule.recurring.maxInstances schedule_max_instances_required",
		},
		{
			name: "too often", document: update(`name`), variables: recurring(object{"maxInstances": 1_000_001}),
			want: "INVALID input.schedule.recurring.maxInstances schedule_max_instances_required",
		},

		{
			name:     "lists",
			document: update(`audience { form include { segmented segment { id } list { doubleOptIn } } exclude { segmented } }`),
			variables: object{
				"in": object{
					"id":       "<draft>",
					"audience": object{"lists": object{"include": []any{object{"listId": "<list>"}}}},
				},
			},
			want: `{"campaign":{"audience":{"exclude":[],"form":"LISTS","include":[{"list":{"doubleOptIn":false},"segment":null,"segmented":false}]}},"requestedStatus":null}`,
		},
		{
			name:     "rules",
			document: update(`audience { form }`),
			variables: object{
				"in": object{
					"id": "<draft>",
					"audience": object{
						"rules": object{
							"connector": "AND",
							"criteria":  []any{object{"listId": "<list>", "connector": "AND", "rules": []any{}}},
						},
					},
				},
			},
			want: `{"campaign":{"audience":{"form":"RULES"}},"requestedStatus":null}`,
		},
		{
			name:      "nobody",
			document:  update(`audience { form rulesJson rules { connector } }`),
			variables: object{"in": object{"id": "<draft>", "audience": object{"kind": "NOBODY"}}},
			want:      `{"campaign":{"audience":{"form":"NONE","rules":null,"rulesJson":null}},"requestedStatus":null}`,
		},
		{
			name:      "rules that are none",
			document:  update(`name`),
			variables: object{"in": object{"id": "<draft>", "audience": object{"rulesJson": `{"criteria": 5}`}}},
			want:      "INVALID input.audience.rulesJson audience_invalid",
		},
		{
			name:     "a list that is not there",
			document: update(`name`),
			variables: object{
				"in": object{
					"id":       "<draft>",
					"audience": object{"lists": object{"include": []any{object{"listId": 987654321}}}},
				},
			},
			want: "NOT_FOUND input.audience.lists.include.0 audience_not_found",
		},
		{
			name:     "a list below zero",
			document: update(`name`),
			variables: object{
				"in": object{
					"id": "<draft>", "audience": object{"lists": object{"include": []any{object{"listId": -4}}}},
				},
			},
			want: "INVALID input.audience.lists.include.0.listId id_invalid",
		},

		{
			name:      "an A/B test",
			document:  update(`email { id } abTest { testSize testDurationHours winner variations { weight share email { subject } } }`),
			variables: test(nil),
			want:      `{"campaign":{"abTest":{"testDurationHours":4,"testSize":20,"variations":[{"email":{"subject":"News"},"share":0.25,"weight":1},{"email":{"subject":"News"},"share":0.75,"weight":3}],"winner":"MOST_UNIQUE_CLICKS"},"email":null},"requestedStatus":null}`,
		},
		{
			name: "an A/B test of one", document: update(`name`), variables: test(tested("<email>")),
			want: "INVALID input.abTest.variations ab_test_too_few_variations",
		},
		{
			name:      "an A/B test of six",
			document:  update(`name`),
			variables: test(tested("<email1>", "<email2>", "<email3>", "<email4>", "<email5>", "<email6>")),
			want:      "INVALID input.abTest.variations ab_test_too_many_variations",
		},
		{
			name:      "an A/B test of the same",
			document:  update(`name`),
			variables: test(tested("<email>", "<email>")),
			want:      "INVALID input.abTest.variations.1.emailId ab_test_value",
		},
		{
			name:      "an A/B test of what is not there",
			document:  update(`name`),
			variables: test(tested("<email>", "987654321")),
			want:      "NOT_FOUND input.abTest.variations.1.emailId ab_test_email_not_found",
		},
		{
			name:      "an A/B test of no email",
			document:  update(`name`),
			variables: test(tested("<email>", "?")),
			want:      "INVALID input.abTest.variations.1.emailId id_invalid",
		},
		{
			name:      "an A/B test without settings and weights",
			document:  update(`abTest { testSize testDurationHours winner variations { share } }`),
			variables: object{"in": object{"id": "<draft>", "abTest": object{"variations": []any{object{"emailId": "<email>"}, object{"emailId": "<email2>"}}}}},
			want:      `{"campaign":{"abTest":{"testDurationHours":null,"testSize":null,"variations":[{"share":0.5},{"share":0.5}],"winner":null}},"requestedStatus":null}`,
		},
		{
			name:      "a sample without settings",
			document:  update(`abTest { testSize testDurationHours winner }`),
			variables: test(object{"testDurationHours": nil, "winner": nil}),
			want:      `{"campaign":{"abTest":{"testDurationHours":24,"testSize":20,"winner":"HIGHEST_OPEN_RATE"}},"requestedStatus":null}`,
		},
		{
			name:     "an A/B test with a tiny share",
			document: update(`name`),
			variables: test(object{"variations": []any{
				object{"emailId": "<email>", "weight": 999}, object{"emailId": "<email2>", "weight": 1},
			}}),
			want: "INVALID input.abTest.variations.1.weight ab_test_share",
		},
		{
			name:     "an A/B test without weight",
			document: update(`name`),
			variables: test(object{"variations": []any{
				object{"emailId": "<email>", "weight": 0}, object{"emailId": "<email2>", "weight": 1},
			}}),
			want: "INVALID input.abTest.variations.0.weight ab_test_value",
		},
		{
			name:     "an A/B test whose weights are null",
			document: update(`abTest { variations { weight } }`),
			variables: test(object{"variations": []any{
				object{"emailId": "<email>", "weight": nil}, object{"emailId": "<email2>", "weight": 3},
			}}),
			want: `{"campaign":{"abTest":{"variations":[{"weight":1},{"weight":3}]}},"requestedStatus":null}`,
		},
		{
			name:     "an email and an A/B test in one call",
			document: update(`name`),
			variables: object{"in": object{"id": "<draft>", "emailId": "<email>", "abTest": object{"variations": []any{
				object{"emailId": "<email>"}, object{"emailId": "<email2>"},
			}}}},
			want: "CONFLICT input.emailId ab_test_has_emails",
		},
		{
			name: "an email beside an A/B test", document: update(`name`), variables: set("emailId", "<email>"),
			want: "CONFLICT input.emailId ab_test_has_emails",
		},
		{
			name:      "an email instead of an A/B test",
			document:  update(`email { subject } abTest { testSize }`),
			variables: object{"in": object{"id": "<set>", "emailId": "<email>", "clear": []any{"AB_TEST"}}},
			want:      `{"campaign":{"abTest":null,"email":{"subject":"News"}},"requestedStatus":null}`,
		},
		{
			name: "an A/B test of nobody", document: update(`name`), variables: test(object{"testSize": 0}),
			want: "INVALID input.abTest.testSize ab_test_share",
		},
		{
			name:      "an A/B test that is too long",
			document:  update(`name`),
			variables: test(object{"testDurationHours": 721}),
			want:      "INVALID input.abTest.testDurationHours ab_test_value",
		},

		{
			name:      "a second sending without subject",
			document:  update(`name`),
			variables: object{"in": object{"id": "<draft>", "autoResend": object{"enabled": true, "waitDays": 1}}},
			want:      "INVALID input.autoResend.subject auto_resend_subject",
		},
		{
			name:     "a second sending of what recurs",
			document: update(`name`),
			variables: set(
				"schedule", object{"recurring": object{"hours": []any{1}, "minutes": []any{1}, "timeZone": "UTC"}},
			),
			want: "INVALID input.autoResend.enabled auto_resend_recurring",
		},
		{
			name: "a campaign that is not there", document: update(`name`),
			variables: object{"in": object{"id": "987654321", "name": "x"}}, want: "NOT_FOUND campaign_not_found",
		},
		{
			name:      "a global id",
			document:  update(`name`),
			variables: object{"in": object{"id": gid.Encode(gid.Campaign, 987654321), "name": "x"}},
			want:      "NOT_FOUND campaign_not_found",
		},
		{
			name: "no id", document: update(`name`), variables: object{"in": object{"id": "", "name": "x"}},
			want: "INVALID input.id id_invalid",
		},
		{
			name:      "a stale version",
			document:  update(`name`),
			variables: object{"in": object{"id": "<draft>", "name": "x", "expectedVersion": 2}},
			want:      "CONFLICT input.expectedVersion stale_version",
		},
		{
			name:      "the right version",
			document:  update(`name version`),
			variables: object{"in": object{"id": "<draft>", "name": "x", "expectedVersion": 3}},
			want:      `{"campaign":{"name":"x","version":4},"requestedStatus":null}`,
		},
		{
			name:      "what is sent keeps its schedule",
			document:  update(`name`),
			variables: object{"in": object{"id": "<sent>", "schedule": object{"kind": "UNSCHEDULED"}}},
			want:      "CONFLICT input.schedule not_in_status",
		},
		{
			name: "a key that may only read", as: "reader", document: update(`name`),
			variables: object{"in": object{"id": "<draft>", "name": "x"}}, want: "!FORBIDDEN",
		},
		{
			name: "nobody at all", as: "nobody", document: update(`name`),
			variables: object{"in": object{"id": "1", "name": "x"}}, want: "!UNAUTHENTICATED",
		},
	})
}

func TestStatusMovesByTheMachine(t *testing.T) {
	status := func(id, to string) object { return object{"in": object{"id": id, "status": to}} }
	play(t, []scenario{
		{
			name:      "ready is ready for the trusted",
			document:  update(`status version`),
			variables: status("<draft>", "READY"),
			want:      `{"campaign":{"status":"READY","version":4},"requestedStatus":"READY"}`,
		},
		{
			name:      "ready is pending for others",
			as:        "untrusted",
			document:  update(`status version`),
			variables: status("<draft>", "READY"),
			want:      `{"campaign":{"status":"PENDING_APPROVAL","version":4},"requestedStatus":"READY"}`,
		},
		{
			name:      "pending stays pending",
			as:        "untrusted",
			document:  update(`status version`),
			variables: status("<pending>", "READY"),
			want:      `{"campaign":{"status":"PENDING_APPROVAL","version":3},"requestedStatus":"READY"}`,
		},
		{
			name:      "the same status is no change",
			document:  update(`status version`),
			variables: status("<ready>", "READY"),
			want:      `{"campaign":{"status":"READY","version":3},"requestedStatus":"READY"}`,
		},
		{
			name: "a draft is not sent", document: update(`status`), variables: status("<draft>", "SENT"),
			want: "CONFLICT input.status status_transition",
		},
		{
			name: "sent is final", document: update(`status`), variables: status("<sent>", "DRAFT"),
			want: "CONFLICT input.status status_transition",
		},
		{
			name: "only the sender ends sending", as: "editor", document: update(`status`),
			variables: status("<sending>", "SENT"), want: "!FORBIDDEN status delivery_required",
		},
		{
			name: "the sender ends sending", document: update(`status`), variables: status("<sending>", "SENT"),
			want: `{"campaign":{"status":"SENT"},"requestedStatus":"SENT"}`,
		},
		{
			name: "what failed is tried again", document: update(`status`), variables: status("<failed>", "READY"),
			want: `{"campaign":{"status":"READY"},"requestedStatus":"READY"}`,
		},
		{
			name: "what has begun is no draft again", document: update(`status`), variables: status("<begun>", "DRAFT"),
			want: "CONFLICT input.status already_begun",
		},
		{
			name: "a moment that passed is not ready", document: update(`status`),
			variables: status("<overdue>", "READY"), want: "INVALID input.schedule.at.date schedule_in_past",
		},

		{
			name: "approve", document: act("approveCampaign", `id: "<pending>", explanation: "fine"`),
			want: `{"campaign":{"status":"READY","version":4}}`,
		},
		{
			name: "an untrusted account approves nothing", as: "untrusted",
			document: act("approveCampaign", `id: "<pending>"`), want: "!FORBIDDEN approval_required",
		},
		{
			name: "a key without the scope approves nothing", as: "editor",
			document: act("approveCampaign", `id: "<pending>"`), want: "!FORBIDDEN",
		},
		{
			name: "an admin approves", as: "admin", document: act("approveCampaign", `id: "<pending>"`),
			want: `{"campaign":{"status":"READY","version":4}}`,
		},
		{
			name: "a draft has nothing to approve", document: act("approveCampaign", `id: "<draft>"`),
			want: "CONFLICT status_transition",
		},
		{
			name: "approve what is not there", document: act("approveCampaign", `id: 987654321`),
			want: "NOT_FOUND campaign_not_found",
		},
		{
			name: "approve a stale one", document: act("approveCampaign", `id: "<pending>", expectedVersion: 1`),
			want: "CONFLICT input.expectedVersion stale_version",
		},
		{
			name:      "approve with too many words",
			document:  `mutation($why: String!) { approveCampaign(input: {id: "<pending>", explanation: $why}) { campaign { status } ` + faults + `} }`,
			variables: object{"why": strings.Repeat("ä", 4001)},
			want:      "INVALID input.explanation text_too_long",
		},

		{
			name: "pause", document: act("pauseCampaign", `id: "<sending>", reason: "wait"`),
			want: `{"campaign":{"status":"PAUSED","version":4}}`,
		},
		{name: "pause a draft", document: act("pauseCampaign", `id: "<draft>"`), want: "CONFLICT status_transition"},
		{
			name: "pause a stale one", document: act("pauseCampaign", `id: "<sending>", expectedVersion: 9`),
			want: "CONFLICT input.expectedVersion stale_version",
		},
		{
			name: "pause what is not there", document: act("pauseCampaign", `id: "987654321"`),
			want: "NOT_FOUND campaign_not_found",
		},
		{
			name: "pause a tag", document: act("pauseCampaign", `id: "`+gid.Encode(gid.Tag, 1)+`"`),
			want: "INVALID input.id id_invalid",
		},
		{
			name:      "pause with too many words",
			document:  `mutation($why: String!) { pauseCampaign(input: {id: "<sending>", reason: $why}) { campaign { status } ` + faults + `} }`,
			variables: object{"why": strings.Repeat("ä", 251)},
			want:      "INVALID input.reason text_too_long",
		},
		{
			name: "a key that may only read pauses nothing", as: "reader",
			document: act("pauseCampaign", `id: "<sending>"`), want: "!FORBIDDEN",
		},

		{
			name: "resume", document: act("resumeCampaign", `id: "<paused>"`),
			want: `{"campaign":{"status":"READY","version":4}}`,
		},
		{
			name: "resume what is being sent", document: act("resumeCampaign", `id: "<sending>"`),
			want: "CONFLICT status_transition",
		},
		{
			name: "resume a stale one", document: act("resumeCampaign", `id: "<paused>", expectedVersion: 2`),
			want: "CONFLICT input.expectedVersion stale_version",
		},

		{
			name:     "cancel what has not begun",
			document: `mutation { cancelCampaign(input: {id: "<ready>"}) { campaign { status schedule { type } } ` + faults + `} }`,
			want:     `{"campaign":{"schedule":{"type":"NOT_SCHEDULED"},"status":"DRAFT"}}`,
		},
		{
			name: "cancel what waits for approval", document: act("cancelCampaign", `id: "<pending>"`),
			want: `{"campaign":{"status":"DRAFT","version":4}}`,
		},
		{
			name:     "cancel what is being sent",
			document: `mutation { cancelCampaign(input: {id: "<sending>", reason: "oops"}) { campaign { status statusReason statistics { sent } } ` + faults + `} }`,
			want:     `{"campaign":{"statistics":{"sent":10},"status":"SENT","statusReason":"Canceled"}}`,
		},
		{
			name: "cancel what was paused", document: act("cancelCampaign", `id: "<paused>"`),
			want: `{"campaign":{"status":"SENT","version":4}}`,
		},
		{
			name: "cancel what was resumed", document: act("cancelCampaign", `id: "<begun>"`),
			want: `{"campaign":{"status":"SENT","version":4}}`,
		},
		{name: "cancel a draft", document: act("cancelCampaign", `id: "<draft>"`), want: "CONFLICT status_transition"},
		{
			name: "cancel a stale one", document: act("cancelCampaign", `id: "<sending>", expectedVersion: 4`),
			want: "CONFLICT input.expectedVersion stale_version",
		},
	})
}

func TestCampaignShowsItsTransitionsReadinessAndHistory(t *testing.T) {
	play(t, []scenario{
		{
			name:     "what a trusted owner may do with a draft",
			document: `{ campaign(id: "<draft>") { allowedTransitions { to mutation blockedBy { code } } } }`,
			want:     `{"allowedTransitions":[{"blockedBy":null,"mutation":"UPDATE_CAMPAIGN","to":"READY"}]}`,
		},
		{
			name:     "what an owner may do by a key that may not approve",
			as:       "editor",
			document: `{ campaign(id: "<draft>") { allowedTransitions { to blockedBy { code } } } }`,
			want:     `{"allowedTransitions":[{"blockedBy":null,"to":"READY"}]}`,
		},
		{
			name:     "what others may",
			as:       "untrusted",
			document: `{ campaign(id: "<draft>") { allowedTransitions { to mutation blockedBy { code } } } }`,
			want:     `{"allowedTransitions":[{"blockedBy":{"code":"APPROVAL_REQUIRED"},"mutation":"UPDATE_CAMPAIGN","to":"READY"},{"blockedBy":null,"mutation":"UPDATE_CAMPAIGN","to":"PENDING_APPROVAL"}]}`,
		},
		{
			name:     "after sent, only those who did not get it follow",
			document: `{ campaign(id: "<sent>") { allowedTransitions { to mutation blockedBy { code } } } }`,
			want:     `{"allowedTransitions":[{"blockedBy":{"code":"NOT_BEGUN"},"mutation":"RETRY_RECIPIENTS","to":"SENDING"}]}`,
		},
		{
			name: "what a draft lacks", document: `{ campaign(id: "<draft>") { readiness { code } } }`,
			want: `{"readiness":[{"code":"EMAIL"},{"code":"AUDIENCE"},{"code":"SCHEDULE"}]}`,
		},
		{name: "nothing there", document: `{ campaign(id: "987654321") { name } }`, want: `null`},
		{name: "not an id", document: `{ campaign(id: "zzz") { name } }`, want: `!BAD_USER_INPUT id id_invalid`},
		{
			name: "of another type", document: `{ campaign(id: "` + gid.Encode(gid.Email, 3) + `") { name } }`,
			want: `!BAD_USER_INPUT id id_invalid`,
		},
		{
			name: "a key that may only write reads nothing", as: "writer",
			document: `{ campaign(id: "<draft>") { name } }`, want: `!FORBIDDEN`,
		},
		{
			name:     "a history begins where it is told",
			document: `{ campaign(id: "<draft>") { history(first: 0, after: "x") { nodes { at } } } }`,
			want:     `!BAD_USER_INPUT after cursor_invalid`,
		},
		{
			name:     "a history is not unbounded",
			document: `{ campaign(id: "<draft>") { history(first: 251) { nodes { at } } } }`,
			want:     `!BAD_USER_INPUT first page_size`,
		},
		{
			name:     "not too many instants",
			document: `{ campaign(id: "<draft>") { schedule { upcoming(first: 101) } } }`,
			want:     `!BAD_USER_INPUT first page_size`,
		},
	})
}

func TestHistoryTellsWhoDidWhatThroughWhat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		id := apitest.At(
			t, w.MustQuery(t, a.Key, `mutation { createCampaign(input: {name: "one"}) { campaign { id } } }`, nil),
			"createCampaign", "campaign", "id",
		)
		for _, document := range []string{
			`mutation($id: ID!) { updateCampaign(input: {id: $id, name: "two", schedule: {kind: IMMEDIATE}}) { campaign { id } } }`,
			`mutation($id: ID!) { updateCampaign(input: {id: $id, status: READY}) { campaign { id } } }`,
			`mutation($id: ID!) { cancelCampaign(input: {id: $id, reason: "no"}) { campaign { id } } }`,
		} {
			w.MustQuery(t, a.Key, document, object{"id": id})
		}
		const page = `query($id: ID!, $after: String) { campaign(id: $id) { history(first: 3, after: $after) {
			nodes { version action from to fields reason surface actor { legacyId username user { username } } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`
		first := apitest.At(t, w.MustQuery(t, a.Key, page, object{"id": id}), "campaign", "history")
		me := `"actor":` + compact(object{
			"legacyId": number(a.User.ID), "username": a.User.Username, "user": object{"username": a.User.Username},
		})
		want := `[{"action":"CANCEL",` + me + `,"fields":["status","schedule"],"from":"READY","reason":"no","surface":"GRAPHQL","to":"DRAFT","version":4},` +
			`{"action":"UPDATE",` + me + `,"fields":["status"],"from":"DRAFT","reason":null,"surface":"GRAPHQL","to":"READY","version":3},` +
			`{"action":"UPDATE",` + me + `,"fields":["schedule","name"],"from":"DRAFT","reason":null,"surface":"GRAPHQL","to":"DRAFT","version":2}]`
		if got := compact(apitest.At(t, first, "nodes")); got != want {
			t.Errorf("history:\n got %s\nwant %s", got, want)
		}
		info := apitest.At(t, first, "pageInfo").(object)
		if info["hasNextPage"] != true || info["hasPreviousPage"] != false {
			t.Errorf("page info %v", info)
		}
		second := apitest.At(
			t, w.MustQuery(t, a.Key, page, object{"id": id, "after": info["endCursor"]}), "campaign", "history",
		)
		got := compact(second)
		if !strings.Contains(got, `"action":"CREATE"`) ||
			!strings.Contains(got, `"hasNextPage":false,"hasPreviousPage":true`) {
			t.Errorf("second page of the history: %s", got)
		}
		oldest := apitest.At(t, w.MustQuery(
			t, a.Key, `query($id: ID!) { campaign(id: $id) { history(last: 2) {
				totalCount nodes { version } pageInfo { hasNextPage hasPreviousPage } } } }`, object{"id": id},
		), "campaign", "history")
		want = `{"nodes":[{"version":2},{"version":1}],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true},"totalCount":4}`
		if got := compact(oldest); got != want {
			t.Errorf("the oldest entries:\n got %s\nwant %s", got, want)
		}
	})
}

// TestChangesOfAllCampaignsSayWhoDidWhat asks for the changes of an account by every filter.
func TestChangesOfAllCampaignsSayWhoDidWhat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.Account(t), w.Account(t)
		create := `mutation($name: String!) { createCampaign(input: {name: $name}) { campaign { id legacyId } } }`
		w.MustQuery(t, b.Key, create, object{"name": "of somebody else"})
		one := apitest.At(t, w.MustQuery(t, a.Key, create, object{"name": "one"}), "createCampaign", "campaign").(object)
		two := apitest.At(t, w.MustQuery(t, a.Key, create, object{"name": "two"}), "createCampaign", "campaign").(object)
		w.MustQuery(
			t, a.Key, `mutation($id: ID!) { updateCampaign(input: {id: $id, name: "new"}) { campaign { id } } }`,
			object{"id": one["id"]},
		)
		const all = `[{"action":"UPDATE","campaign":{"name":"new"}},{"action":"CREATE","campaign":{"name":"two"}},{"action":"CREATE","campaign":{"name":"new"}}]`
		for filter, want := range map[string]string{
			`{}`:   all,
			`null`: all,
			`{campaignIds: null, actorId: null, action: null, from: null, to: null}`: all,
			`{campaignIds: ["` + one["id"].(string) + `"], action: [UPDATE, PAUSE]}`: `[{"action":"UPDATE","campaign":{"name":"new"}}]`,
			`{campaignIds: [` + two["legacyId"].(string) + `]}`:                      `[{"action":"CREATE","campaign":{"name":"two"}}]`,
			`{campaignIds: []}`: `[]`,
			`{actorId: ` + number(a.User.ID) + `, from: "2000-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z"}`: all,
			`{actorId: ` + number(b.User.ID) + `}`: `[]`,
			`{to: "2000-01-01T00:00:00Z"}`:         `[]`,
			`{from: "2100-01-01T00:00:00Z"}`:       `[]`,
		} {
			got := apitest.At(t, w.MustQuery(
				t, a.Key, `{ campaignChanges(filter: `+filter+`) { totalCount nodes { action campaign { name } } } }`, nil,
			), "campaignChanges").(object)
			if nodes := compact(got["nodes"]); nodes != want {
				t.Errorf("%s:\n got %s\nwant %s", filter, nodes, want)
			}
			if counted := compact(got["totalCount"]); counted != fmt.Sprint(strings.Count(want, "action")) {
				t.Errorf("%s: counted %s", filter, counted)
			}
		}
	})
}

// TestKeyThatMayOnlyWriteIsRefusedBeforeItWrites checks that a key without the scope read gets no
// data. If the mutation selects data, it is rejected before anything is written.
func TestKeyThatMayOnlyWriteIsRefusedBeforeItWrites(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		id := c.prop(t, c.account(""), "draft")
		for _, document := range []string{
			`mutation($id: ID!) { updateCampaign(input: {id: $id, name: "new"}) { campaign { name tags { name } } userErrors { code } } }`,
			`mutation($id: ID!) { copyCampaign(input: {id: $id, name: "new"}) { campaign { name history { nodes { version } } } userErrors { code } } }`,
			`mutation { createCampaign(input: {name: "new"}) { campaign { ... on Node { id } ... on Campaign { email { name } } } } }`,
			`mutation { createTag(input: {name: "new"}) { tag { campaignCount } } }`,
		} {
			variables := object{"id": id}
			if !strings.Contains(document, "$id") {
				variables = nil
			}
			response := w.Query(t, c.keys["writer"], document, variables)
			if len(response.Errors) != 1 || response.Errors[0].Code() != graphCode(apperr.Denied) {
				t.Errorf("%s answers %s", document, response.Body)
			}
		}
		found := w.MustQuery(
			t, c.keys[""], `{ campaigns(filter: {search: "new"}) { totalCount } tags(search: "new") { totalCount } }`,
			nil,
		)
		if got := compact(found); got != `{"campaigns":{"totalCount":0},"tags":{"totalCount":0}}` {
			t.Errorf("something was written: %s", got)
		}
		data := w.MustQuery(
			t, c.keys["writer"],
			`mutation($id: ID!) { updateCampaign(input: {id: $id, name: "new"}) { campaign { name status } userErrors { code } } }`,
			object{"id": id},
		)
		got := compact(data)
		if got != `{"updateCampaign":{"campaign":{"name":"new","status":"DRAFT"},"userErrors":[]}}` {
			t.Errorf("what it wrote itself is %s", got)
		}
	})
}

func TestRepeatedCreateAnswersTheFirstResult(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		for _, tt := range []struct{ document, path string }{
			{`mutation($name: String!, $key: String!) { x: createCampaign(input: {name: $name, idempotencyKey: $key}) { thing: campaign { id } ` + faults + `} }`, "campaign"},
			{`mutation($name: String!, $key: String!) { x: createTag(input: {name: $name, idempotencyKey: $key}) { thing: tag { id } ` + faults + `} }`, "tag"},
			{`mutation($name: String!, $key: String!) { x: createEmail(input: {name: $name, idempotencyKey: $key}) { thing: email { id } ` + faults + `} }`, "email"},
		} {
			ask := func(name, key string) string {
				return compact(w.MustQuery(t, a.Key, tt.document, object{"name": name, "key": key})["x"])
			}
			first := ask("one", "k")
			if again := ask("one", "k"); again != first {
				t.Errorf("%s: %s, then %s", tt.path, first, again)
			}
			if other := ask("two", "l"); other == first {
				t.Errorf("%s: another key answers the same", tt.path)
			}
			if other := ask("three", "k"); !strings.Contains(other, "IDEMPOTENCY_KEY_REUSED") {
				t.Errorf("%s: another input with the same key answers %s", tt.path, other)
			}
		}
	})
}
