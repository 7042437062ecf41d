package graph

import (
	"context"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// payload describes the object in the payload of a mutation. relations are the fields of the object
// that are read separately and need the scope read.
type payload struct {
	field     string
	table     fields
	relations []string
}

var (
	payloadCampaign = payload{"campaign", campaignFields, []string{"email", "tags", "readiness", "history", "abTest"}}
	payloadTag      = payload{"tag", tagFields, []string{"campaignCount"}}

	payloadList = payload{
		"list", listFields, []string{"subscriberCount", "customFields", "segments", "subscribers"},
	}
	payloadSubscriber    = payload{"subscriber", subscriberFields, []string{"list", "fields", "tags", "suppression"}}
	payloadCustomField   = payload{"customField", customFieldFields, []string{"list"}}
	payloadSegment       = payload{"segment", segmentFields, []string{"list"}}
	payloadSubscriberTag = payload{"subscriberTag", subscriberTagFields, []string{"subscriberCount"}}
)

// selected returns the selection on the object in the payload.
func (p payload) selected(ctx context.Context) selection {
	return selected(ctx, p.table, [][]string{{p.field}})
}

// beforeWriting rejects a caller without the scope write before the input is processed. It also
// rejects a caller that selects a relation without the scope read, because that error would
// otherwise come only after the write.
func beforeWriting(ctx context.Context, p payload) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	asked := p.selected(ctx)
	for _, relation := range p.relations {
		if len(asked.named(relation)) > 0 {
			_, err := caller.Authorize(ctx, kind.ScopeRead)
			return err
		}
	}
	return nil
}
