package campaign

import (
	"fmt"
	"slices"

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
var ReadinessColumns = []string{"email_id", "ab_test", "has_audience", "schedule_type"}

// ReadinessEmailColumns are the columns of its emails that Readiness reads.
var ReadinessEmailColumns = []string{"id", "subject", "from_email", "html", "plain"}

// Readiness lists what is missing before a campaign can be sent. emails are those of ContentOf, in
// the same order, and nil for one that does not exist. A campaign with gaps may still become Ready,
// because old scripts set things in any order. The sender then fails the campaign with the gaps as
// the reason.
func Readiness(c *ent.Campaign, emails []*ent.Email) []Gap {
	gaps := []Gap{}
	switch {
	case len(emails) == 0 || len(emails) == 1 && emails[0] == nil:
		gaps = append(gaps, Gap{"EMAIL", "it has no email"})
	case slices.Contains(emails, nil):
		gaps = append(gaps, Gap{"EMAIL", "an email of its A/B test was deleted"})
	}
	if !c.HasAudience {
		gaps = append(gaps, Gap{"AUDIENCE", "nobody was chosen to send it to"})
	}
	if c.ScheduleType == kind.ScheduleNone {
		gaps = append(gaps, Gap{"SCHEDULE", "it has no schedule"})
	}
	return append(gaps, contentGaps(emails)...)
}

// contentGaps lists what the emails lack, each gap once. The gaps of a variation say which one it is.
func contentGaps(emails []*ent.Email) []Gap {
	var gaps []Gap
	for i, email := range emails {
		if email == nil {
			continue
		}
		for _, missing := range content.Missing(email) {
			gap := Gap{string(missing.Code), missing.Message}
			if slices.ContainsFunc(gaps, func(g Gap) bool { return g.Code == gap.Code }) {
				continue
			}
			if len(emails) > 1 {
				gap.Message = fmt.Sprintf("variation %d of its A/B test: %s", i+1, gap.Message)
			}
			gaps = append(gaps, gap)
		}
	}
	return gaps
}
