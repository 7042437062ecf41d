package demo_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/event"
	"campaignql/internal/kind"
)

// figures returns the counters of a campaign in the order of the columns that sum them.
func figures(c *ent.Campaign) []int64 {
	return []int64{
		c.TotalSent,
		c.TotalFailed,
		c.TotalDelivered,
		c.TotalOpens,
		c.UniqueOpens,
		c.TotalClicks,
		c.UniqueClicks,
		c.TotalForwards,
		c.UniqueForwards,
		c.TotalBrowserViews,
		c.UniqueBrowserViews,
		c.TotalUnsubscriptions,
		c.TotalHardBounces,
		c.TotalSoftBounces,
		c.TotalComplaints,
		c.TotalConversions,
		c.ConversionAmount,
		c.AutomatedOpens,
		c.AutomatedClicks,
	}
}

// sums runs a statement whose first column is a campaign, and returns the other columns by
// campaign.
func (s *seeded) sums(t *testing.T, statement string) map[int64][]int64 {
	t.Helper()
	rows, err := s.client.QueryContext(s.ctx, statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[int64][]int64{}
	for rows.Next() {
		values := make([]int64, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		sums[values[0]] = values[1:]
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sums
}

// equal compares the counters of each campaign with the sums. A campaign without rows has zeros.
func (s *seeded) equal(t *testing.T, sums map[int64][]int64, said func(*ent.Campaign) []int64) {
	t.Helper()
	if len(sums) == 0 {
		t.Fatal("there is nothing to sum")
	}
	for _, c := range s.campaigns {
		want := said(c)
		got := sums[c.ID]
		if got == nil {
			got = make([]int64, len(want))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.Name, diff)
		}
	}
}

func (s *seeded) hours(t *testing.T) {
	s.equal(
		t,
		s.sums(
			t,
			`SELECT campaign_id, SUM(sent), SUM(failed), SUM(delivered), SUM(opens), SUM(unique_opens), SUM(clicks), SUM(unique_clicks),
SUM(forwards), SUM(unique_forwards), SUM(browser_views), SUM(unique_browser_views), SUM(unsubscriptions), SUM(hard_bounces), SUM(soft_bounces),
SUM(complaints), SUM(conversions), SUM(conversion_amount), SUM(automated_opens), SUM(automated_clicks) FROM hourly_counters GROUP BY campaign_id`,
		),
		figures,
	)
}

// amounts compares the sums of money with the events, by hour and currency.
func (s *seeded) amounts(t *testing.T) {
	s.equal(t, s.sums(t, `SELECT campaign_id, SUM(amount) FROM conversion_amounts GROUP BY campaign_id`),
		func(c *ent.Campaign) []int64 { return []int64{c.ConversionAmount} })
	wrong := s.sums(t, `SELECT a.id, a.amount FROM conversion_amounts a WHERE a.amount <> (
SELECT COALESCE(SUM(e.amount), 0) FROM events e WHERE e.campaign_id = a.campaign_id AND e.kind = 'converted'
AND e.currency = a.currency AND SUBSTR(e.at, 1, 13) = SUBSTR(a.hour, 1, 13))`)
	if len(wrong) > 0 {
		t.Errorf("amounts that are not the sum of their events: %v", wrong)
	}
	for _, currency := range []string{"EUR", "JPY"} {
		found := s.sums(t, `SELECT campaign_id, amount FROM conversion_amounts WHERE currency = '`+currency+`'`)
		if len(found) == 0 {
			t.Errorf("nothing was bought in %s", currency)
		}
	}
}

func (s *seeded) links(t *testing.T) {
	s.equal(t, s.sums(t, `SELECT campaign_id, SUM(clicks) FROM link_counters GROUP BY campaign_id`),
		func(c *ent.Campaign) []int64 { return []int64{c.TotalClicks} })
	stray := s.sums(
		t,
		`SELECT e.campaign_id, COUNT(*) FROM events e LEFT JOIN link_counters l ON l.id = e.link_id AND l.campaign_id = e.campaign_id
WHERE (e.kind = 'clicked') <> (l.id IS NOT NULL) GROUP BY e.campaign_id`,
	)
	if len(stray) > 0 {
		t.Errorf("clicks on links of other campaigns, or none: %v", stray)
	}
	wrong := s.sums(
		t,
		`SELECT l.id, l.clicks, l.unique_clicks, COUNT(e.id), COUNT(DISTINCT e.subscriber_id) FROM link_counters l
LEFT JOIN events e ON e.link_id = l.id AND e.campaign_id = l.campaign_id AND e.automated = FALSE
GROUP BY l.id, l.clicks, l.unique_clicks HAVING l.clicks <> COUNT(e.id) OR l.unique_clicks <> COUNT(DISTINCT e.subscriber_id)`,
	)
	if len(wrong) > 0 {
		t.Errorf("links whose clicks are not their events: %v", wrong)
	}
}

func (s *seeded) domains(t *testing.T) {
	s.equal(
		t,
		s.sums(
			t,
			`SELECT campaign_id, SUM(sent), SUM(failed), SUM(delivered), SUM(unique_opens), SUM(unique_clicks), SUM(unsubscriptions),
SUM(hard_bounces), SUM(soft_bounces), SUM(complaints) FROM domain_counters GROUP BY campaign_id`,
		),
		func(c *ent.Campaign) []int64 {
			return []int64{
				c.TotalSent, c.TotalFailed, c.TotalDelivered, c.UniqueOpens, c.UniqueClicks, c.TotalUnsubscriptions,
				c.TotalHardBounces, c.TotalSoftBounces, c.TotalComplaints,
			}
		},
	)
}

func (s *seeded) events(t *testing.T) {
	total := func(kind string) string {
		return ", SUM(CASE WHEN kind = '" + kind + "' AND automated = FALSE THEN 1 ELSE 0 END)"
	}
	unique := func(kind string) string {
		return ", COUNT(DISTINCT CASE WHEN kind = '" + kind + "' AND automated = FALSE THEN subscriber_id END)"
	}
	automated := func(kind string) string {
		return ", SUM(CASE WHEN kind = '" + kind + "' AND automated = TRUE THEN 1 ELSE 0 END)"
	}
	s.equal(
		t,
		s.sums(
			t,
			`SELECT campaign_id`+total("sent")+total("failed")+total("delivered")+total("opened")+unique("opened")+
				total(
					"clicked",
				)+unique("clicked")+total("forwarded")+unique("forwarded")+total("viewed_in_browser")+unique("viewed_in_browser")+
				total(
					"unsubscribed",
				)+total("hard_bounced")+total("soft_bounced")+total("complained")+total("converted")+`, SUM(amount)`+
				automated("opened")+automated("clicked")+` FROM events GROUP BY campaign_id`,
		),
		figures,
	)
	stray := s.sums(
		t,
		`SELECT e.campaign_id, COUNT(*) FROM events e LEFT JOIN subscribers p ON p.id = e.subscriber_id AND p.user_id = e.user_id
WHERE p.id IS NULL GROUP BY e.campaign_id`,
	)
	if len(stray) > 0 {
		t.Errorf("events of nobody: %v", stray)
	}
	twice := s.sums(
		t,
		`SELECT campaign_id, subscriber_id, COUNT(*) FROM events WHERE kind IN ('sent', 'failed') GROUP BY campaign_id, subscriber_id HAVING COUNT(*) > 1`,
	)
	if len(twice) > 0 {
		t.Errorf("people who were sent a campaign twice: %v", twice)
	}
}

func (s *seeded) people(t *testing.T) {
	for what, statement := range map[string]string{
		"who left but are subscribed": `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id
WHERE e.kind IN ('unsubscribed', 'complained') AND (p.status <> 'unsubscribed' OR p.unsubscribed_at <> e.at)`,
		"who complained and are not suppressed": `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id
LEFT JOIN suppressions s ON s.email_key = p.email_key AND s.user_id = p.user_id WHERE e.kind = 'complained' AND s.id IS NULL`,
		"who complained and are on a list": `SELECT p.id FROM subscribers p JOIN events e ON e.contact_id = p.contact_id
WHERE e.kind = 'complained' AND p.status <> 'unsubscribed' AND p.subscribed_at <= e.at`,
		"with another address or bounce than their contact": `SELECT p.id FROM subscribers p LEFT JOIN contacts c ON c.id = p.contact_id
WHERE c.id IS NULL OR c.email_key <> p.email_key OR c.deliverability <> p.bounce`,
		"with events of another contact": `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id WHERE e.contact_id <> p.contact_id`,
		"who bounced unmarked":           `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id WHERE e.kind = 'hard_bounced' AND p.bounce <> 'hard'`,
		"who were written to after they left": `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id
JOIN campaigns c ON c.id = e.campaign_id WHERE e.kind = 'sent' AND p.unsubscribed_at < c.sending_started_at`,
		"who were written to though suppressed": `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id
JOIN campaigns c ON c.id = e.campaign_id JOIN suppressions s ON s.email_key = p.email_key AND s.created_at < c.sending_started_at WHERE e.kind = 'sent'`,
		"who were written to before they joined": `SELECT p.id FROM subscribers p JOIN events e ON e.subscriber_id = p.id WHERE p.subscribed_at > e.at`,
		"with two mails of one campaign at one address": `SELECT p.user_id FROM subscribers p JOIN events e ON e.subscriber_id = p.id WHERE e.kind = 'sent'
GROUP BY e.campaign_id, p.user_id, p.email_key HAVING COUNT(*) > 1`,
	} {
		if found := s.sums(t, statement); len(found) > 0 {
			t.Errorf("%d people %s", len(found), what)
		}
	}
	unsubscribed := s.sums(t, `SELECT 1, COUNT(*) FROM subscribers WHERE status = 'unsubscribed'`)[1][0]
	if unsubscribed == 0 || unsubscribed > 200 {
		t.Errorf("%d of 900 people have unsubscribed", unsubscribed)
	}
}

func (s *seeded) rates(t *testing.T) {
	var delivered, opens, clicks int64
	for _, c := range s.campaigns {
		delivered, opens, clicks = delivered+c.TotalDelivered, opens+c.UniqueOpens, clicks+c.UniqueClicks
	}
	openRate, clickRate := float64(opens)/float64(delivered), float64(clicks)/float64(delivered)
	t.Logf("%d delivered, %.1f %% opened, %.1f %% clicked", delivered, 100*openRate, 100*clickRate)
	if openRate < 0.18 || openRate > 0.45 || clickRate < 0.01 || clickRate > 0.08 {
		t.Errorf("%.3f opened and %.3f clicked", openRate, clickRate)
	}
	// Most events follow soon: most opens on the first day, some days later.
	begun := map[int64]time.Time{}
	for _, c := range s.campaigns {
		if c.SendingStartedAt != nil {
			begun[c.ID] = *c.SendingStartedAt
		}
	}
	soon, late := 0, 0
	for _, e := range s.client.Event.Query().Where(event.KindEQ(kind.EventOpened)).Select(event.FieldCampaignID, event.FieldAt).AllX(s.ctx) {
		if e.At.Sub(begun[e.CampaignID]) < 24*time.Hour {
			soon++
		} else {
			late++
		}
	}
	if soon < 2*late || late == 0 {
		t.Errorf("%d opens on the first day, %d later", soon, late)
	}
}
