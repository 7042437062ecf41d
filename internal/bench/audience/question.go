package main

import (
	"strings"

	"campaignql/internal/audience"
)

// question is one audience, and the statement by which somebody who knows the tables would count it. What both share, who is written to at all, is
// written as "reachable(s)".
type question struct {
	name   string
	rules  string
	byHand string
}

// reachable is who is written to: subscribed, without a hard bounce, and not suppressed by the account.
const reachable = `s.status = 'subscribed' AND s.bounce <> 'hard' AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.user_id = 1 AND x.email_key = s.email_key)`

// statement is what is timed beside ours.
func (q question) statement() string { return strings.ReplaceAll(q.byHand, "reachable(s)", reachable) }

func (q question) audience() (audience.Audience, error) { return audience.ParseRules([]byte(q.rules)) }

// questions are what is measured. The legacy reference has the first as its example of RulesJsonBundle.
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
		byHand: `SELECT COUNT(DISTINCT s.email_key) FROM subscribers s
			WHERE (s.list_id = 1 AND s.email_key LIKE '%user1%' AND s.email_key LIKE '%.net%'
				OR s.list_id = 2 AND (s.email_key LIKE '%@test%' OR s.email_key LIKE '%@gmail%')) AND reachable(s)`,
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
		byHand: `SELECT COUNT(*) FROM subscribers s JOIN field_values v ON v.subscriber_id = s.id AND v.custom_field_id = 2
			WHERE v.number < 500 AND s.list_id = 1 AND reachable(s)`,
	},
	{
		name:  "a text of a custom field contains (1 in 7)",
		rules: `{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":1,"operator":"contains","value":"erli"}]}]}`,
		byHand: `SELECT COUNT(*) FROM subscribers s JOIN field_values v ON v.subscriber_id = s.id AND v.custom_field_id = 1
			WHERE v.text_key LIKE '%erli%' AND s.list_id = 1 AND reachable(s)`,
	},
	{
		name: "opened one of the last five campaigns within 30 days, clicked in none",
		rules: `{"criteria":[{"list_id":1,"operator":"and","rules":[
			{"type":"campaign-events","operator":"opened","value":[16,17,18,19,20],"time_filter":{"type":"in_last_x_days","value":30}},
			{"type":"campaign-events","operator":"not clicked","value":[16,17,18,19,20]}]}]}`,
		byHand: `SELECT COUNT(*) FROM
			(SELECT DISTINCT subscriber_id FROM events
				WHERE campaign_id IN (16, 17, 18, 19, 20) AND kind = 'opened' AND automated = 0 AND at >= '2026-10-21 12:00:00') o
			JOIN subscribers s ON s.id = o.subscriber_id
			WHERE s.list_id = 1 AND reachable(s) AND NOT EXISTS (SELECT 1 FROM events c
				WHERE c.campaign_id IN (16, 17, 18, 19, 20) AND c.kind = 'clicked' AND c.automated = 0 AND c.subscriber_id = s.id)`,
	},
	{
		name: "three lists, without whoever of list 3 has a certain address",
		rules: `{"criteria":[{"list_id":1},{"list_id":2},{"list_id":3}],
			"exclude":[{"list_id":3,"rules":[{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user1"}]}]}`,
		byHand: `SELECT COUNT(DISTINCT s.email_key) FROM subscribers s
			WHERE s.list_id IN (1, 2, 3) AND reachable(s) AND NOT EXISTS (SELECT 1 FROM subscribers e
				WHERE e.list_id = 3 AND e.email_key = s.email_key AND e.email_key LIKE '%user1%')`,
	},
}
