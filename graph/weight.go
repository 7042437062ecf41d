package graph

import (
	"campaignql/graph/guard"
	"campaignql/internal/page"
	"campaignql/internal/sending"
)

// commandCost is the cost of the field command. Twenty of them fit into one request under the
// default limit.
const commandCost = 1000

// audienceCost is the cost of evaluating an audience, which reads the subscribers of its lists. A
// page of fifty campaigns with their counts fits under the default limit, and little more does.
const audienceCost = 350

// A text of an email may have 5 MiB, and rules may have some hundred KiB. With textCost a page of
// fifty emails with one text each stays cheap, but ten aliases of the largest page exceed the
// default limit. rulesCost is the cost of a field with rules.
const (
	textCost  = 20
	rulesCost = 3
)

// overviewCost is the cost of adding up the counters of all campaigns of an account. sumCost is the
// cost of adding up other rows, of which a campaign may have many: fewer than forty of these fields
// fit into one request under the default limit.
const (
	overviewCost = 50
	sumCost      = 500
)

// weight returns the weights of the fields that cost more than 1, mostly because they need a
// statement of their own.
func weight(parent, field string) guard.Weight {
	switch parent + "." + field {
	case "Campaign.readiness", "Campaign.history", "Campaign.run", "Campaign.runs", "CampaignRun.recipients",
		"SubscriberList.subscriberCount", "SubscriberTag.subscriberCount",
		"CampaignStatistics.conversions", "CampaignStatistics.series", "CampaignStatistics.links",
		"CampaignStatistics.domains",
		"ComparedCampaign.elapsed":
		return guard.Weight{Cost: 5}
	case "CampaignComparison.campaigns":
		return guard.Weight{Rows: maxCompared}
	case "Query.statistics", "CampaignComparison.total", "Query.exportStatistics":
		return guard.Weight{Cost: overviewCost}
	case "AccountStatistics.conversions", "AccountStatistics.series", "AccountStatistics.links",
		"AccountStatistics.domains":
		return guard.Weight{Cost: sumCost}
	case "CampaignRun.pace", "CampaignRun.estimatedFinish":
		return guard.Weight{Cost: 50}
	case "Mutation.retryRecipients", "Mutation.resolveUnknown", "Mutation.sendTest":
		return guard.Weight{Cost: commandCost} // the document does not show how much they do
	case "CampaignRun.problems":
		return guard.Weight{Cost: sumCost, Rows: sending.MaxProblems}
	case "Email.html", "Email.plain", "CapturedMessage.html", "CapturedMessage.plain", "CapturedMessage.source":
		return guard.Weight{Cost: textCost}
	case "Audience.rules", "CampaignAudience.rules", "AudienceDraft.rules", "Segment.rules",
		"Audience.rulesJson", "CampaignAudience.rulesJson", "AudienceDraft.rulesJson", "Segment.rulesJson":
		return guard.Weight{Cost: rulesCost}
	case "CampaignConnection.totalCount", "CampaignChangeConnection.totalCount", "UserConnection.totalCount",
		"SubscriberConnection.totalCount", "ContactEventConnection.totalCount",
		"LinkStatisticConnection.totalCount", "DomainStatisticConnection.totalCount",
		"CampaignRunConnection.totalCount", "RecipientConnection.totalCount":
		return guard.Weight{Cost: 50, OncePerList: true}
	case "Query.campaignCounts":
		return guard.Weight{Cost: 50}
	case "Audience.count", "Audience.waterfall", "Audience.preview",
		"CampaignAudience.count", "CampaignAudience.waterfall", "CampaignAudience.preview",
		"AudienceDraft.count", "AudienceDraft.waterfall", "AudienceDraft.preview", "Segment.subscriberCount":
		return guard.Weight{Cost: audienceCost}
	case "Audience.explain", "CampaignAudience.explain", "AudienceDraft.explain":
		return guard.Weight{Cost: 4 * audienceCost}
	case "AudienceExplanation.criteria", "AudienceExplanation.exclude", "ExplainedCriterion.rules",
		"ExplainedRule.rules", "AudienceRules.criteria", "AudienceRules.exclude", "AudienceCriterion.rules":
		return guard.Weight{Rows: 3} // few at any depth, because the size of an audience's rules is limited
	case "RuleGroup.rules":
		return guard.Weight{Rows: 2} // a document selects them anew for each depth
	case "Subscription.campaignChanged":
		return guard.Weight{Rows: page.DefaultSize} // without ids, all campaigns that are being sent
	case "Mutation.command":
		return guard.Weight{Cost: commandCost} // the document does not show how much a command does
	}
	return guard.Weight{}
}
