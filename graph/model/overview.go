package model

import (
	"campaignql/internal/campaign"
	"campaignql/internal/statistics"
)

// AccountStatistics shows the numbers of many campaigns in sum, and remembers which, for what is read beside them.
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

// ComparedCampaign shows one of them.
type ComparedCampaign struct{ Campaign *Campaign }
