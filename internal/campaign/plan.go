package campaign

import (
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// ScheduleOf returns the schedule that the columns of a campaign hold.
func ScheduleOf(c *ent.Campaign) schedule.Schedule { return scheduleOf(c) }

// ScheduleColumns are the columns that ScheduleOf reads.
var ScheduleColumns = []string{
	"schedule_type", "send_date", "send_time", "send_time_zone", "recur_days_of_week", "recur_days_of_month",
	"recur_months", "recur_hours", "recur_minutes", "recur_max_instances", "sent_instances",
}

func scheduleOf(c *ent.Campaign) schedule.Schedule {
	plan := schedule.Schedule{Type: c.ScheduleType, Date: c.SendDate, Time: c.SendTime, Zone: c.SendTimeZone}
	if c.ScheduleType == kind.ScheduleRecurring {
		instances := c.RecurMaxInstances
		plan.Recurrence = schedule.Recurrence{
			DaysOfWeek:   c.RecurDaysOfWeek,
			DaysOfMonth:  c.RecurDaysOfMonth,
			Months:       c.RecurMonths,
			Hours:        c.RecurHours,
			Minutes:      c.RecurMinutes,
			MaxInstances: &instances,
		}
	}
	return plan
}

// setSchedule writes every column of a schedule and the next due time derived from it.
func setSchedule(u *ent.CampaignUpdate, plan schedule.Schedule, next *time.Time) {
	instances := 0
	if plan.Recurrence.MaxInstances != nil {
		instances = *plan.Recurrence.MaxInstances
	}
	u.SetScheduleType(plan.Type).SetSendDate(plan.Date).SetSendTime(plan.Time).SetSendTimeZone(plan.Zone).
		SetRecurDaysOfWeek(plan.Recurrence.DaysOfWeek).
		SetRecurDaysOfMonth(plan.Recurrence.DaysOfMonth).SetRecurMonths(plan.Recurrence.Months).
		SetRecurHours(plan.Recurrence.Hours).SetRecurMinutes(plan.Recurrence.Minutes).SetRecurMaxInstances(instances)
	if next == nil {
		u.ClearNextSendAt()
	} else {
		u.SetNextSendAt(*next)
	}
}

// Upcoming returns the next instants at which the campaign would be sent, at most n.
func (s *Service) Upcoming(c *ent.Campaign, n int) ([]time.Time, error) {
	if c.Status == kind.StatusSent || c.Status == kind.StatusFailed {
		return nil, nil
	}
	return scheduleOf(c).Upcoming(s.now(), c.SentInstances, n)
}
