package command

import (
	"campaignql/internal/campaign"
)

// Read reads the parameters of a request that is to be understood and not run, just as ServeHTTP
// does: those of the query string, and over them those of a body of the content type. The error
// says in words for the author of the request why it cannot be read.
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

// CampaignPatch is what Campaign.Update changes with these parameters. Values that are none are
// handed on as such: the domain refuses them.
func (p Parameters) CampaignPatch() campaign.Patch { return campaignPatch(p) }

// CampaignFilter is what Campaigns.Get keeps with these parameters.
func (p Parameters) CampaignFilter() campaign.Filter { return campaignFilter(p) }

// CampaignOrder is the order of Campaigns.Get with these parameters.
func (p Parameters) CampaignOrder() campaign.Order {
	return campaignOrder(p.Text("OrderField"), p.Text("OrderType"))
}
