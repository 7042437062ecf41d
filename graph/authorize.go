package graph

import (
	"context"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// payload is the object in the payload of a mutation, with the fields of it that only a reader may
// see: those that are read beside it.
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

// selected returns what is asked of the object in the payload.
func (p payload) selected(ctx context.Context) selection {
	return selected(ctx, p.table, [][]string{{p.field}})
}

// beforeWriting refuses a caller who may not write, before anything is made of the input, and one
// who asks for what he may not read: he would be told only when all was written.
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
