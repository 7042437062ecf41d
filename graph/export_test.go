package graph

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"

	"campaignql/graph/exec"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/surface"
)

// RefereeHandler is Handler with gqlgen's own executor, by which the generated one is measured.
func RefereeHandler(services Services, options Options) http.Handler {
	s := newServer(services, options)
	return s.handler(exec.NewExecutableSchema(exec.Config{Resolvers: s.resolver}))
}

// Small is a cache of texts that accepts only short ones.
func Small() graphql.Cache[string] {
	return small[string]{Cache: lru.New[string](10), size: func(_, text string) int { return len(text) }}
}

// ErrorCode returns the GraphQL error code of a domain's code.
func ErrorCode(code apperr.Code) string { return surface.Code(code) }

// UserCode returns the code of a user error, and whether a fault with this code is a user error.
func UserCode(code apperr.Code) (string, bool) {
	mapped, ok := userCode(code)
	return string(mapped), ok
}

// Projected is an entry of the projection: the columns that a field reads itself, and the entries
// of its child fields.
type Projected struct {
	Columns []string
	Below   map[string]Projected
}

// Projection returns the projection of a type.
func Projection(typeName string) map[string]Projected {
	return projected(map[string]fields{
		"Campaign": campaignFields, "Tag": tagFields, "Email": emailFields, "SubscriberList": listFields, "Subscriber": subscriberFields,
		"CustomField": customFieldFields, "Segment": segmentFields, "SubscriberTag": subscriberTagFields, "Suppression": suppressionFields, "User": userFields, "ApiKey": apiKeyFields, "AccountStatistics": accountFields, "SeriesPoint": pointFields,
		"CampaignRun": runFields, "Recipient": recipientFields,
	}[typeName])
}

func projected(table fields) map[string]Projected {
	if table == nil {
		return nil
	}
	out := map[string]Projected{}
	for name, f := range table {
		out[name] = Projected{Columns: f.columns, Below: projected(f.below)}
	}
	return out
}

// TransitionMutation returns the mutation that asks for an action.
func TransitionMutation(action campaign.Action) string { return string(mutations[action]) }
