package model

import (
	"context"

	"campaignql/ent"
	"campaignql/internal/page"
	"campaignql/internal/statistics"
)

// Connection shows a page of what is shown as an N. It stands in the connection of each type.
type Connection[N any] struct {
	Nodes []N
	Count Counter
	info  *PageInfo
	edges func(i int) string
}

// PageOf shows the rows of a page as nodes.
func PageOf[T, N any](result page.Result[T], nodes []N, count Counter) *Connection[N] {
	return &Connection[N]{Nodes: list(nodes), Count: count, info: pageInfo(result), edges: result.Cursor}
}

// PageInfo shows where the page stands.
func (c *Connection[N]) PageInfo() *PageInfo { return c.info }

// TotalCount counts all pages.
func (c *Connection[N]) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// Edge is a row with its cursor.
type Edge[N any] struct {
	Cursor string
	Node   N
}

// Edges are the rows with their cursors.
func (c *Connection[N]) Edges() []*Edge[N] {
	edges := make([]*Edge[N], len(c.Nodes))
	for i, node := range c.Nodes {
		edges[i] = &Edge[N]{Cursor: c.edges(i), Node: node}
	}
	return edges
}

// The connections and their edges.
type (
	CampaignChangeConnection  = Connection[*CampaignChange]
	CampaignChangeEdge        = Edge[*CampaignChange]
	CampaignRunConnection     = Connection[*CampaignRun]
	CampaignRunEdge           = Edge[*CampaignRun]
	RecipientConnection       = Connection[*Recipient]
	RecipientEdge             = Edge[*Recipient]
	LinkStatisticConnection   = Connection[*ent.LinkCounter]
	LinkStatisticEdge         = Edge[*ent.LinkCounter]
	DomainStatisticConnection = Connection[*statistics.Domain]
	DomainStatisticEdge       = Edge[*statistics.Domain]
	SubscriberListConnection  = Connection[*SubscriberList]
	SubscriberListEdge        = Edge[*SubscriberList]
	SubscriberConnection      = Connection[*Subscriber]
	SubscriberEdge            = Edge[*Subscriber]
	CustomFieldConnection     = Connection[*CustomField]
	CustomFieldEdge           = Edge[*CustomField]
	SegmentConnection         = Connection[*Segment]
	SegmentEdge               = Edge[*Segment]
	SubscriberTagConnection   = Connection[*SubscriberTag]
	SubscriberTagEdge         = Edge[*SubscriberTag]
	ContactConnection         = Connection[*Contact]
	ContactEdge               = Edge[*Contact]
	ContactEventConnection    = Connection[*ContactEvent]
	ContactEventEdge          = Edge[*ContactEvent]
	SuppressionConnection     = Connection[*Suppression]
	SuppressionEdge           = Edge[*Suppression]
	UserConnection            = Connection[*User]
	UserEdge                  = Edge[*User]
	APIKeyConnection          = Connection[*APIKey]
	APIKeyEdge                = Edge[*APIKey]
)
