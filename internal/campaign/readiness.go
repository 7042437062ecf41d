package campaign

import (
	"campaignql/ent"
	"campaignql/internal/content"
	"campaignql/internal/kind"
)

// Gap is a missing part that a campaign needs before it can be sent.
type Gap struct {
	// Code is EMAIL, AUDIENCE, SCHEDULE, SUBJECT, FROM, CONTENT or UNSUBSCRIBE_LINK.
	Code string
	// Message is the same in words for people.
	Message string
}

// ReadinessColumns are the columns of a campaign that Readiness reads.
var ReadinessColumns = []string{"email_id", "has_audience", "schedule_type"}

// ReadinessEmailColumns are the columns of its email that Readiness reads.
var ReadinessEmailColumns = []string{"id", "subject", "from_email", "html", "plain"}

// Readiness lists what is missing before a campaign with this email can be sent. email is nil if
// the campaign has none. A campaign with gaps may still become Ready, because old scripts set
// things in any order. The sender then fails the campaign with the gaps as the reason.
func Readiness(c *ent.Campaign, email *ent.Email) []Gap {
	gaps := []Gap{}
	if c.EmailID == nil || email == nil {
		gaps = append(gaps, Gap{"EMAIL", "it has no email"})
	}
	if !c.HasAudience {
		gaps = append(gaps, Gap{"AUDIENCE", "nobody was chosen to send it to"})
	}
	if c.ScheduleType == kind.ScheduleNone {
		gaps = append(gaps, Gap{"SCHEDULE", "it has no schedule"})
	}
	if email != nil {
		for _, missing := range content.Missing(email) {
			gaps = append(gaps, Gap{string(missing.Code), missing.Message})
		}
	}
	return gaps
}
