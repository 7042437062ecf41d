package graph

import (
	"context"
	"time"

	"campaignql/graph/download"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/export"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

func (r queryResolver) ExportStatistics(
	ctx context.Context, campaignID string, content export.Content, format export.Format, from, to *time.Time,
	interval statistics.Interval, timeZone *string,
) (*model.StatisticsExport, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	id, err := identify(gid.Campaign, "campaignId", campaignID)
	if err != nil {
		return nil, err
	}
	span, err := spanOf(ctx, from, to, interval, timeZone)
	if err != nil {
		return nil, err
	}
	request := export.Request{CampaignID: id, Content: content, Format: format, Span: span}
	if err := r.Exports.Check(ctx, request); apperr.CodeOf(err) == apperr.NotFound {
		fault := apperr.NotFoundf("campaign")
		fault.Field = "campaignId"
		return nil, fault
	} else if err != nil {
		return nil, err
	}
	link, expires, err := download.Link(ctx, r.Accounts, request, r.Exports.Now())
	if err != nil {
		return nil, err
	}
	return &model.StatisticsExport{URL: requestOf(ctx).BaseURL() + link, ExpiresAt: expires}, nil
}
