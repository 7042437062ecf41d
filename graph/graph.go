// Package graph is the GraphQL surface. It owns the resolvers, which convert arguments to a
// domain's input and its result or error to the types of the schema, the projection of selections
// to columns, and the HTTP handler. It must not contain business rules or database queries.
package graph

import (
	"context"
	"encoding/json"

	"campaignql/graph/exec"
	"campaignql/internal/account"
	"campaignql/internal/audience/query"
	"campaignql/internal/campaign"
	"campaignql/internal/capture"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/export"
	"campaignql/internal/live"
	"campaignql/internal/people/contact"
	customfield "campaignql/internal/people/field"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/label"
	lists "campaignql/internal/people/list"
	"campaignql/internal/people/segment"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/sending"
	"campaignql/internal/statistics"
	"campaignql/internal/tag"
)

// Services are the domain services that the surface uses.
type Services struct {
	Accounts   *account.Service
	Campaigns  *campaign.Service
	Emails     *content.Service
	Tags       *tag.Service
	Statistics *statistics.Service
	// Contacts manages people, Lists subscriber lists, and Subscribers their members.
	Contacts       *contact.Service
	Lists          *lists.Service
	Subscribers    *subscriber.Service
	SubscriberTags *label.Service
	Fields         *customfield.Service
	Segments       *segment.Service
	Suppressions   *suppression.Service
	// Forgetting forgets people.
	Forgetting *forget.Service
	// Sending reads how campaigns were sent.
	Sending *sending.Service
	// Audiences computes the recipients of an audience.
	Audiences *query.Service
	// Events records events of recipients.
	Events *event.Service
	// Exports exports statistics as files.
	Exports *export.Service
	// Live reports changes of campaigns.
	Live *live.Service
	// Captured is the mail server of a demo; nil elsewhere.
	Captured *capture.Server
	// Commands resolves the field command.
	Commands Commands
}

// Commands runs commands of the legacy API for the caller of ctx. Answer returns the response
// envelope as JSON, also for errors. parameters is the text of a JSON object, or empty.
type Commands interface {
	Answer(ctx context.Context, name string, parameters json.RawMessage) json.RawMessage
}

// Info is the server's description for `serverInfo`.
type Info struct {
	Version, Commit, GoVersion, Database string
	Demo                                 bool
}

// resolver resolves every field that is not just a column.
type resolver struct {
	Services
	info   Info
	limits limits
}

// limits are the limits that `serverInfo` returns.
type limits struct{ depth, complexity int }

type (
	queryResolver             struct{ *resolver }
	mutationResolver          struct{ *resolver }
	subscriptionResolver      struct{ *resolver }
	campaignResolver          struct{ *resolver }
	countsResolver            struct{ *resolver }
	scheduleResolver          struct{ *resolver }
	statisticsResolver        struct{ *resolver }
	accountResolver           struct{ *resolver }
	comparedResolver          struct{ *resolver }
	runResolver               struct{ *resolver }
	recipientResolver         struct{ *resolver }
	variationResolver         struct{ *resolver }
	tagResolver               struct{ *resolver }
	emailResolver             struct{ *resolver }
	viewerResolver            struct{ *resolver }
	listResolver              struct{ *resolver }
	audienceResolver          struct{ *resolver }
	draftResolver             struct{ *resolver }
	partResolver              struct{ *resolver }
	criterionResolver         struct{ *resolver }
	audienceCriterionResolver struct{ *resolver }
	actorResolver             struct{ *resolver }
	keyResolver               struct{ *resolver }
	ruleResolver              struct{ *resolver }
	fieldRuleResolver         struct{ *resolver }
	eventRuleResolver         struct{ *resolver }
	tagRuleResolver           struct{ *resolver }
	segmentRuleResolver       struct{ *resolver }
	segmentResolver           struct{ *resolver }
	subscriberResolver        struct{ *resolver }
	contactResolver           struct{ *resolver }
	contactEventResolver      struct{ *resolver }
	campaignChangeResolver    struct{ *resolver }
	customFieldResolver       struct{ *resolver }
	subscriberTagResolver     struct{ *resolver }
)

var _ exec.ResolverRoot = (*resolver)(nil)

func (r *resolver) Query() exec.QueryResolver       { return queryResolver{r} }
func (r *resolver) Mutation() exec.MutationResolver { return mutationResolver{r} }
func (r *resolver) Subscription() exec.SubscriptionResolver {
	return subscriptionResolver{r}
}
func (r *resolver) Campaign() exec.CampaignResolver             { return campaignResolver{r} }
func (r *resolver) CampaignCounts() exec.CampaignCountsResolver { return countsResolver{r} }
func (r *resolver) CampaignSchedule() exec.CampaignScheduleResolver {
	return scheduleResolver{r}
}
func (r *resolver) CampaignStatistics() exec.CampaignStatisticsResolver {
	return statisticsResolver{r}
}
func (r *resolver) AccountStatistics() exec.AccountStatisticsResolver {
	return accountResolver{r}
}
func (r *resolver) CampaignRun() exec.CampaignRunResolver           { return runResolver{r} }
func (r *resolver) Recipient() exec.RecipientResolver               { return recipientResolver{r} }
func (r *resolver) ComparedCampaign() exec.ComparedCampaignResolver { return comparedResolver{r} }
func (r *resolver) ABTestVariation() exec.ABTestVariationResolver   { return variationResolver{r} }
func (r *resolver) Tag() exec.TagResolver                           { return tagResolver{r} }
func (r *resolver) Email() exec.EmailResolver                       { return emailResolver{r} }
func (r *resolver) Viewer() exec.ViewerResolver                     { return viewerResolver{r} }
func (r *resolver) SubscriberList() exec.SubscriberListResolver     { return listResolver{r} }
func (r *resolver) CampaignAudience() exec.CampaignAudienceResolver {
	return audienceResolver{r}
}
func (r *resolver) AudiencePart() exec.AudiencePartResolver { return partResolver{r} }
func (r *resolver) AudienceCriterion() exec.AudienceCriterionResolver {
	return audienceCriterionResolver{r}
}
func (r *resolver) ExplainedCriterion() exec.ExplainedCriterionResolver {
	return criterionResolver{r}
}
func (r *resolver) Actor() exec.ActorResolver                   { return actorResolver{r} }
func (r *resolver) ApiKey() exec.ApiKeyResolver                 { return keyResolver{r} } //nolint:revive // the name of the type
func (r *resolver) AudienceDraft() exec.AudienceDraftResolver   { return draftResolver{r} }
func (r *resolver) ExplainedRule() exec.ExplainedRuleResolver   { return ruleResolver{r} }
func (r *resolver) Segment() exec.SegmentResolver               { return segmentResolver{r} }
func (r *resolver) Subscriber() exec.SubscriberResolver         { return subscriberResolver{r} }
func (r *resolver) CampaignChange() exec.CampaignChangeResolver { return campaignChangeResolver{r} }
func (r *resolver) ContactEvent() exec.ContactEventResolver     { return contactEventResolver{r} }
func (r *resolver) Contact() exec.ContactResolver               { return contactResolver{r} }
func (r *resolver) CustomField() exec.CustomFieldResolver       { return customFieldResolver{r} }
func (r *resolver) SubscriberTag() exec.SubscriberTagResolver   { return subscriberTagResolver{r} }

func (r *resolver) FieldRule() exec.FieldRuleResolver     { return fieldRuleResolver{r} }
func (r *resolver) EventRule() exec.EventRuleResolver     { return eventRuleResolver{r} }
func (r *resolver) TagRule() exec.TagRuleResolver         { return tagRuleResolver{r} }
func (r *resolver) SegmentRule() exec.SegmentRuleResolver { return segmentRuleResolver{r} }
