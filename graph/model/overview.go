package model

import (
	"campaignql/internal/campaign"
	"campaignql/internal/statistics"
)

// AccountStatistics shows the sums of the counters of many campaigns. Filter and Span say which were
// summed, for fields that read more of them.
type AccountStatistics struct {
	*statistics.Counters
	Campaigns int64
	Filter    campaign.Filter
	Span      statistics.Span
}

// CampaignComparison shows campaigns side by side.
type CampaignComparison struct {
	Campaigns []*ComparedCampaign
	Total     *AccountStatistics
}

// ComparedCampaign shows one campaign of a comparison.
type ComparedCampaign struct{ Campaign *Campaign }
