package model

import (
	"context"

	"campaignql/ent"
	"campaignql/internal/page"
)

// Counter counts the rows on all pages of a connection. It runs only if the count is selected.
type Counter func(ctx context.Context) (int, error)

// PageInfo shows the position of a page.
type PageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

func pageInfo[T any](result page.Result[T]) *PageInfo {
	info := &PageInfo{HasNextPage: result.HasNext, HasPreviousPage: result.HasPrevious}
	if n := len(result.Items); n > 0 {
		start, end := result.Cursor(0), result.Cursor(n-1)
		info.StartCursor, info.EndCursor = &start, &end
	}
	return info
}

// CampaignConnection shows a page of campaigns.
type CampaignConnection struct {
	Result page.Result[*ent.Campaign]
	Nodes  []*Campaign
	Count  Counter
}

// Edges returns the campaigns with their cursors.
func (c *CampaignConnection) Edges() []*CampaignEdge {
	edges := make([]*CampaignEdge, len(c.Nodes))
	for i, node := range c.Nodes {
		edges[i] = &CampaignEdge{Cursor: c.Result.Cursor(i), Node: node}
	}
	return edges
}

// PageInfo returns the position of the page.
func (c *CampaignConnection) PageInfo() *PageInfo { return pageInfo(c.Result) }

// TotalCount counts the rows on all pages.
func (c *CampaignConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// CampaignEdge is a campaign with its cursor.
type CampaignEdge struct {
	Cursor string
	Node   *Campaign
}

// TagConnection shows a page of tags.
type TagConnection struct {
	Result page.Result[*ent.Tag]
	Count  Counter
}

// Nodes returns the tags.
func (c *TagConnection) Nodes() []*ent.Tag { return c.Result.Items }

// Edges returns the tags with their cursors.
func (c *TagConnection) Edges() []*TagEdge {
	edges := make([]*TagEdge, len(c.Result.Items))
	for i, node := range c.Result.Items {
		edges[i] = &TagEdge{Cursor: c.Result.Cursor(i), Node: node}
	}
	return edges
}

// PageInfo returns the position of the page.
func (c *TagConnection) PageInfo() *PageInfo { return pageInfo(c.Result) }

// TotalCount counts the rows on all pages.
func (c *TagConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// TagEdge is a tag with its cursor.
type TagEdge struct {
	Cursor string
	Node   *ent.Tag
}

// EmailConnection shows a page of emails.
type EmailConnection struct {
	Result page.Result[*ent.Email]
	Count  Counter
}

// Nodes returns the emails.
func (c *EmailConnection) Nodes() []*ent.Email { return c.Result.Items }

// Edges returns the emails with their cursors.
func (c *EmailConnection) Edges() []*EmailEdge {
	edges := make([]*EmailEdge, len(c.Result.Items))
	for i, node := range c.Result.Items {
		edges[i] = &EmailEdge{Cursor: c.Result.Cursor(i), Node: node}
	}
	return edges
}

// PageInfo returns the position of the page.
func (c *EmailConnection) PageInfo() *PageInfo { return pageInfo(c.Result) }

// TotalCount counts the rows on all pages.
func (c *EmailConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// EmailEdge is an email with its cursor.
type EmailEdge struct {
	Cursor string
	Node   *ent.Email
}
