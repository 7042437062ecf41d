package exec

import "campaignql/internal/kind"

// CampaignStatusName is the name of a status in the schema.
func CampaignStatusName(s kind.CampaignStatus) string {
	return marshalNCampaignStatus2campaignqlᚋinternalᚋkindᚐCampaignStatus[s]
}

// ScheduleTypeName is the name of a kind of schedule in the schema.
func ScheduleTypeName(t kind.ScheduleType) string {
	return marshalNScheduleType2campaignqlᚋinternalᚋkindᚐScheduleType[t]
}
