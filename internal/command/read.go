package command

import (
	"campaignql/internal/campaign"
)

// Read reads the parameters of a request without running it, as ServeHTTP does: those of the query
// string, overwritten by those of a body with this content type. The error explains to the author
// of the request why it cannot be read.
func Read(query, contentType string, body []byte) (Parameters, error) {
	p, err := readForm(query)
	if err != nil || len(body) == 0 {
		return p, err
	}
	sent, err := readParameters(contentType, given(body))
	if err != nil {
		return nil, err
	}
	p.merge(sent)
	return p, nil
}

// CampaignPatch returns the changes of Campaign.Update with these parameters. It passes invalid
// values on; the domain rejects them.
func (p Parameters) CampaignPatch() campaign.Patch { return campaignPatch(p) }

// CampaignFilter returns the filter of Campaigns.Get with these parameters.
func (p Parameters) CampaignFilter() campaign.Filter { return campaignFilter(p) }

// CampaignOrder returns the order of Campaigns.Get with these parameters.
func (p Parameters) CampaignOrder() campaign.Order {
	return campaignOrder(p.Text("OrderField"), p.Text("OrderType"))
}
