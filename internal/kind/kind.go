// Package kind owns the closed sets of values that Ent fields hold and both surfaces show, for
// example campaign status, schedule type, roles and scopes. It knows the stored form and the legacy
// spelling of each value. It must not know databases or transports.
package kind

import (
	"slices"
	"strings"
)

// CampaignStatus is the state of a campaign in its lifecycle (legacy column CampaignStatus).
// The stored value is the lower-case name; Legacy gives the spelling of the old API.
type CampaignStatus string

const (
	StatusDraft           CampaignStatus = "draft"
	StatusPendingApproval CampaignStatus = "pending_approval"
	StatusReady           CampaignStatus = "ready"
	StatusSending         CampaignStatus = "sending"
	StatusPaused          CampaignStatus = "paused"
	StatusSent            CampaignStatus = "sent"
	StatusFailed          CampaignStatus = "failed"
)

var campaignStatuses = []spelling[CampaignStatus]{
	{StatusSending, "Sending"},
	{StatusPaused, "Paused"},
	{StatusReady, "Ready"},
	{StatusPendingApproval, "Pending Approval"},
	{StatusDraft, "Draft"},
	{StatusFailed, "Failed"},
	{StatusSent, "Sent"},
}

// Values lists the statuses in their sort order: the most urgent first, as in `sort-by-status` of
// the legacy API.
func (CampaignStatus) Values() []string { return values(campaignStatuses) }

// CampaignStatuses lists the statuses in their sort order.
func CampaignStatuses() []CampaignStatus { return all(campaignStatuses) }

// Legacy returns the legacy spelling, for example "Pending Approval".
func (s CampaignStatus) Legacy() string { return legacy(campaignStatuses, s) }

// Rank is the position of the status in the sort order, from 1 (Sending) to 7 (Sent), or 0 for an
// unknown value.
func (s CampaignStatus) Rank() int8 {
	i := slices.IndexFunc(campaignStatuses, func(p spelling[CampaignStatus]) bool { return p.value == s })
	return int8(i + 1)
}

// ParseCampaignStatus parses a legacy spelling, ignoring case. "Pending" is an alias of "Pending
// Approval".
func ParseCampaignStatus(text string) (CampaignStatus, bool) {
	if strings.EqualFold(text, "Pending") {
		return StatusPendingApproval, true
	}
	return parse(campaignStatuses, text)
}

// ScheduleType is the kind of schedule of a campaign (legacy column ScheduleType).
type ScheduleType string

const (
	ScheduleNone      ScheduleType = "not_scheduled"
	ScheduleImmediate ScheduleType = "immediate"
	ScheduleFuture    ScheduleType = "future"
	ScheduleRecurring ScheduleType = "recurring"
)

var scheduleTypes = []spelling[ScheduleType]{
	{ScheduleNone, "Not Scheduled"},
	{ScheduleImmediate, "Immediate"},
	{ScheduleFuture, "Future"},
	{ScheduleRecurring, "Recursive"},
}

// Values lists the stored values.
func (ScheduleType) Values() []string { return values(scheduleTypes) }

// Legacy returns the legacy spelling, for example "Recursive".
func (s ScheduleType) Legacy() string { return legacy(scheduleTypes, s) }

// ParseScheduleType parses a legacy spelling, ignoring case.
func ParseScheduleType(text string) (ScheduleType, bool) { return parse(scheduleTypes, text) }

// Role determines which accounts a user sees: a user sees one, an admin sees all.
type Role string

const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// Values lists the stored values.
func (Role) Values() []string { return []string{string(RoleUser), string(RoleAdmin)} }

// Reputation determines whether a user's campaigns need approval before they become Ready (legacy
// ReputationLevel).
type Reputation string

const (
	ReputationTrusted   Reputation = "trusted"
	ReputationUntrusted Reputation = "untrusted"
)

var reputations = []spelling[Reputation]{
	{ReputationTrusted, "Trusted"},
	{ReputationUntrusted, "Untrusted"},
}

// Values lists the stored values.
func (Reputation) Values() []string { return values(reputations) }

// Legacy returns the legacy spelling, for example "Trusted".
func (r Reputation) Legacy() string { return legacy(reputations, r) }

// Surface is the interface through which a change was made.
type Surface string

const (
	SurfaceGraphQL Surface = "graphql"
	SurfaceCommand Surface = "command"
	SurfaceSender  Surface = "sender"
	SurfaceCLI     Surface = "cli"
)

// Values lists the stored values.
func (Surface) Values() []string {
	return []string{string(SurfaceGraphQL), string(SurfaceCommand), string(SurfaceSender), string(SurfaceCLI)}
}

// EmailMode says how the content of an email was made (legacy column Mode).
type EmailMode string

const (
	EmailModeEmpty    EmailMode = "empty"
	EmailModeEditor   EmailMode = "editor"
	EmailModeTemplate EmailMode = "template"
	EmailModeImport   EmailMode = "import"
	EmailModeStripo   EmailMode = "stripo"
	EmailModeUnlayer  EmailMode = "unlayer"
)

var emailModes = []spelling[EmailMode]{
	{EmailModeEmpty, "Empty"},
	{EmailModeEditor, "Editor"},
	{EmailModeTemplate, "Template"},
	{EmailModeImport, "Import"},
	{EmailModeStripo, "Stripo"},
	{EmailModeUnlayer, "Unlayer"},
}

// Values lists the stored values.
func (EmailMode) Values() []string { return values(emailModes) }

// Legacy returns the legacy spelling, for example "Editor".
func (m EmailMode) Legacy() string { return legacy(emailModes, m) }

// ParseEmailMode parses a legacy spelling, ignoring case.
func ParseEmailMode(text string) (EmailMode, bool) { return parse(emailModes, text) }

type spelling[T ~string] struct {
	value  T
	legacy string
}

func values[T ~string](list []spelling[T]) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = string(p.value)
	}
	return out
}

func all[T ~string](list []spelling[T]) []T {
	out := make([]T, len(list))
	for i, p := range list {
		out[i] = p.value
	}
	return out
}

func legacy[T ~string](list []spelling[T], v T) string {
	for _, p := range list {
		if p.value == v {
			return p.legacy
		}
	}
	return string(v)
}

func parse[T ~string](list []spelling[T], text string) (T, bool) {
	for _, p := range list {
		if strings.EqualFold(p.legacy, text) {
			return p.value, true
		}
	}
	var zero T
	return zero, false
}
