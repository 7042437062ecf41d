package main

import (
	"regexp"
	"strings"

	"campaignql/internal/audience/rules"
)

// question is one audience, and the fastest handwritten statement that was found for it, with
// knowledge of the tables and their data. In byHand, "reachable(s)" is replaced by the condition
// that all statements share, and text between double braces is for MySQL only.
type question struct {
	name   string
	rules  string
	byHand string
}

// reachable is the condition that a subscriber receives email: subscribed, without a hard bounce,
// and not suppressed by the account.
const reachable = `s.status = 'subscribed' AND s.bounce NOT IN ('hard', 'invalid') AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.user_id = 1 AND x.email_key = s.email_key)`

// onlyMySQL matches text between double braces.
var onlyMySQL = regexp.MustCompile(`\{\{(.*?)\}\}`)

// statement returns the handwritten statement.
func (q question) statement(mysql bool) string {
	only := ""
	if mysql {
		only = "$1"
	}
	return onlyMySQL.ReplaceAllString(strings.ReplaceAll(q.byHand, "reachable(s)", reachable), only)
}

func (q question) audience() (rules.Audience, error) { return rules.ParseRules([]byte(q.rules)) }

// questions are the measured questions. The first is the example of RulesJsonBundle in the legacy
// reference.
var questions = []question{
	{
		name: "the example of RulesJsonBundle",
		rules: `{"operator":"or","criteria":[
			{"list_id":1,"operator":"and","rules":[
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user1"},
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":".net"}]},
			{"list_id":2,"operator":"or","rules":[
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"@test"},
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"@gmail"}]}]}`,
		byHand: `SELECT COUNT(*) FROM (
			SELECT s.contact_id FROM subscribers s
				WHERE s.list_id = 1 AND s.email_key LIKE '%user1%' AND s.email_key LIKE '%.net%' AND reachable(s)
			UNION SELECT s.contact_id FROM subscribers s
				WHERE s.list_id = 2 AND (s.email_key LIKE '%@test%' OR s.email_key LIKE '%@gmail%') AND reachable(s)) a`,
	},
	{
		name:  "a number of a custom field is 7 (1 in 1,000)",
		rules: `{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":2,"operator":"is","value":7}]}]}`,
		byHand: `SELECT COUNT(*) FROM field_values v JOIN subscribers s ON s.id = v.subscriber_id
			WHERE v.custom_field_id = 2 AND v.number = 7 AND s.list_id = 1 AND reachable(s)`,
	},
	{
		name:  "a number is less than 20 (1 in 50)",
		rules: `{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":2,"operator":"is less than","value":20}]}]}`,
		byHand: `SELECT COUNT(*) FROM field_values v JOIN subscribers s ON s.id = v.subscriber_id
			WHERE v.custom_field_id = 2 AND v.number < 20 AND s.list_id = 1 AND reachable(s)`,
	},
	{
		name:  "a number is less than 500 (half)",
		rules: `{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":2,"operator":"is less than","value":500}]}]}`,
		// Both tables are in the order of the subscriber ids, so MySQL can read them side by side.
		// The product cannot use this hint, because its tables hold many accounts.
		byHand: `SELECT COUNT(*) FROM subscribers s {{FORCE INDEX (PRIMARY)}}
			JOIN field_values v {{FORCE INDEX (PRIMARY)}} ON v.subscriber_id = s.id AND v.custom_field_id = 2
			WHERE v.number < 500 AND s.list_id = 1 AND reachable(s)`,
	},
	{
		name:  "a text of a custom field contains (1 in 7)",
		rules: `{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":1,"operator":"contains","value":"erli"}]}]}`,
		byHand: `SELECT COUNT(*) FROM field_values v {{FORCE INDEX (fieldvalue_custom_field_id_text_key) STRAIGHT_}}JOIN subscribers s ON s.id = v.subscriber_id
			WHERE v.custom_field_id = 1 AND v.text_key LIKE '%erli%' AND s.list_id = 1 AND reachable(s)`,
	},
	{
		name: "opened one of the last five campaigns within 30 days, clicked in none",
		rules: `{"criteria":[{"list_id":1,"operator":"and","rules":[
			{"type":"campaign-events","operator":"opened","value":[16,17,18,19,20],"time_filter":{"type":"in_last_x_days","value":30}},
			{"type":"campaign-events","operator":"not clicked","value":[16,17,18,19,20]}]}]}`,
		byHand: `SELECT COUNT(*) FROM
			(SELECT DISTINCT contact_id FROM events
				WHERE campaign_id IN (16, 17, 18, 19, 20) AND kind = 'opened' AND automated = 0 AND at >= '2026-10-21 12:00:00') o
			JOIN subscribers s ON s.contact_id = o.contact_id
			LEFT JOIN (SELECT DISTINCT contact_id FROM events
				WHERE campaign_id IN (16, 17, 18, 19, 20) AND kind = 'clicked' AND automated = 0) c ON c.contact_id = s.contact_id
			WHERE s.list_id = 1 AND reachable(s) AND c.contact_id IS NULL`,
	},
	{
		name: "three lists, without whoever of list 3 has a certain address",
		rules: `{"criteria":[{"list_id":1},{"list_id":2},{"list_id":3}],
			"exclude":[{"list_id":3,"rules":[{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user1"}]}]}`,
		byHand: `SELECT COUNT(DISTINCT s.contact_id) FROM subscribers s
			LEFT JOIN (SELECT DISTINCT contact_id FROM subscribers WHERE list_id = 3 AND email_key LIKE '%user1%') e ON e.contact_id = s.contact_id
			WHERE s.list_id IN (1, 2, 3) AND reachable(s) AND e.contact_id IS NULL`,
	},
}
