package graph

import (
	"strconv"
	"strings"

	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
)

func audiencePatch(clear campaignClearing, target *model.AudienceInput) *campaign.AudiencePatch {
	if clear.has(model.CampaignFieldAudience, "audience", target != nil) {
		target = nil
	} else if target == nil {
		return nil
	}
	patch, err := audienceOf(target)
	clear.faults.Add(err)
	return patch
}

// audienceOf reads the given form of an audience. nil means an audience without people. The domain checks it.
func audienceOf(target *model.AudienceInput) (*campaign.AudiencePatch, error) {
	nobody := ""
	patch := &campaign.AudiencePatch{Include: &nobody, Exclude: &nobody}
	switch {
	case target == nil || target.Kind.Value() != nil:
	case target.Rules.Value() != nil:
		text, _, err := typedAudience(target.Rules.Value(), fieldTyped)
		patch.Rules = &text
		return patch, err
	case target.RulesJSON.Value() != nil:
		if patch.Rules = target.RulesJSON.Value(); *patch.Rules == "" {
			return patch, apperr.InvalidField(
				fieldLegacy, apperr.ReasonAudienceInvalid, "$: an object with criteria is required",
			)
		}
	case target.Lists.Value() != nil:
		lists := target.Lists.Value()
		var faults apperr.Faults
		include := pairs(lists.Include, "audience.lists.include", &faults)
		exclude := pairs(lists.Exclude.Value(), "audience.lists.exclude", &faults)
		patch.Include, patch.Exclude = &include, &exclude
		return patch, faults.Err()
	}
	return patch, nil
}

// The two forms of rules in an audience. The domain calls rules of any form fieldTyped.
const (
	fieldTyped  = "audience.rules"
	fieldLegacy = "audience.rulesJson"
)

// inForm names the places of faults in the form in which the audience was given.
func inForm(err error, target *model.AudienceInput) error {
	switch {
	case err == nil || target == nil:
		return err
	case target.Rules.Value() != nil:
		_, places, _ := typedAudience(target.Rules.Value(), fieldTyped)
		return places.moved(err)
	case target.RulesJSON.IsSet():
		return renamed(err, func(fault *apperr.Error) string {
			if fault.Field == fieldTyped || fault.Field == "audience" && ofAudience(fault) {
				return fieldLegacy
			}
			return fault.Field
		})
	case target.Lists.Value() != nil:
		return renamed(err, func(fault *apperr.Error) string {
			if part, _, found := strings.Cut(fault.Message, ": "); fault.Field == "audience" && ofAudience(fault) && found {
				return "audience.lists." + part
			}
			return fault.Field
		})
	}
	return err
}

// ofAudience reports whether a fault is about what an audience says, and its message begins with the place.
func ofAudience(fault *apperr.Error) bool {
	return fault.Reason == apperr.ReasonAudienceInvalid || fault.Reason == apperr.ReasonAudienceNotFound
}

// pairs formats lists and segments as the domain expects them. name is the name of the argument, for
// errors.
func pairs(parts []*model.AudiencePartInput, name string, faults *apperr.Faults) string {
	out := make([]string, len(parts))
	for i, part := range parts {
		at := name + "[" + strconv.Itoa(i) + "]"
		list, err := identify(gid.SubscriberList, at+".listId", part.ListID)
		faults.Add(err)
		segment := int64(0)
		if id := part.SegmentID.Value(); id != nil {
			segment, err = identify(gid.Segment, at+".segmentId", *id)
			faults.Add(err)
		}
		out[i] = strconv.FormatInt(list, 10) + ":" + strconv.FormatInt(segment, 10)
	}
	return strings.Join(out, ",")
}
