package demo

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/ent/conversionamount"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/campaign"
	events "campaignql/internal/event"
	"campaignql/internal/kind"
)

// confirmation is how long people took to confirm their subscription.
const confirmation = 4 * time.Minute

func (w *writer) campaign(m *mailing) (*ent.CampaignCreate, error) {
	row := w.client.Campaign.Create().
		SetName(m.name).SetNameKey(kind.Fold(m.name, nameKeyLength)).
		SetStatus(m.status).SetStatusRank(m.status.Rank()).SetStatusReason(m.reason).SetVersion(int64(len(m.changes))).
		SetScheduleType(m.plan.Type).SetSendDate(m.plan.Date).SetSendTime(m.plan.Time).SetSendTimeZone(m.plan.Zone).
		SetRecurDaysOfWeek(m.plan.Recurrence.DaysOfWeek).SetRecurDaysOfMonth(m.plan.Recurrence.DaysOfMonth).
		SetRecurMonths(m.plan.Recurrence.Months).
		SetRecurHours(m.plan.Recurrence.Hours).SetRecurMinutes(m.plan.Recurrence.Minutes).
		SetNillableRecurMaxInstances(m.plan.Recurrence.MaxInstances).SetNillableNextSendAt(m.next).
		SetApprovalExplanation(m.approval).SetPublishOnRss(m.rss).SetGoogleAnalyticsDomains("shop.example.com").
		SetNillableSendingStartedAt(m.started).SetNillableSendingFinishedAt(m.finished).
		SetCreatedAt(m.created).SetLastActivityAt(m.lastChange())
	if m.status == kind.StatusSent {
		row.SetSentInstances(1)
	}
	if m.email != nil && len(m.variations) == 0 {
		row.SetEmailID(m.email.id)
	}
	if m.resend {
		row.SetAutoResendEnabled(true).
			SetAutoResendWaitDays(3).
			SetAutoResendSubject("In case you missed it").
			SetAutoResendPreheader("Our last mail may have been lost in your inbox")
	}
	if m.target != noTarget {
		to, err := targets[m.target].columns(&w.ids)
		if err != nil {
			return nil, err
		}
		row.SetHasAudience(true).
			SetAudience(to.canonical).
			SetAudienceSource(to.source).
			SetRecipientLists(to.include).
			SetExcludedLists(to.exclude)
	}
	if len(m.variations) > 0 {
		test, err := abTest(m)
		if err != nil {
			return nil, err
		}
		row.SetAbTest(test)
	}
	setCounters(row, m)
	return row, nil
}

func abTest(m *mailing) (string, error) {
	var test campaign.ABTest
	for _, e := range m.variations {
		test.Variations = append(test.Variations, campaign.ABVariation{EmailID: e.id, Weight: 50})
	}
	if err := test.Validate(); err != nil {
		return "", err
	}
	return test.Encode()
}

func setCounters(row *ent.CampaignCreate, m *mailing) {
	t := m.total
	row.SetTotalRecipients(m.recipients).SetTotalSent(t.Sent).SetTotalFailed(t.Failed).SetTotalDelivered(t.Delivered).
		SetTotalOpens(t.Opens).SetUniqueOpens(t.UniqueOpens).SetTotalClicks(t.Clicks).SetUniqueClicks(t.UniqueClicks).
		SetTotalForwards(t.Forwards).SetUniqueForwards(t.UniqueForwards).
		SetTotalBrowserViews(t.BrowserViews).SetUniqueBrowserViews(t.UniqueBrowserViews).
		SetTotalUnsubscriptions(t.Unsubscriptions).
		SetTotalHardBounces(t.HardBounces).SetTotalSoftBounces(t.SoftBounces).
		SetTotalComplaints(t.Complaints).SetTotalConversions(t.Conversions).SetConversionAmount(t.ConversionAmount).
		SetAutomatedOpens(t.AutomatedOpens).SetAutomatedClicks(t.AutomatedClicks)
	if m.finished != nil && t.Sent > 0 {
		seconds := int64(max(time.Second, m.finished.Sub(*m.started)) / time.Second)
		row.SetBenchmarkEmailsPerSecond(t.Sent / seconds)
	}
}

func (w *writer) campaignTags(ctx context.Context) error {
	var rows []*ent.CampaignTagCreate
	for _, m := range w.world.campaigns {
		for _, t := range m.tags {
			rows = append(rows, w.client.CampaignTag.Create().SetCampaignID(m.id).SetTagID(w.ids.campaignTags[t]))
		}
	}
	return bulk(
		rows, 3,
		func(some []*ent.CampaignTagCreate) error { return w.client.CampaignTag.CreateBulk(some...).Exec(ctx) },
	)
}

// campaignUses writes the lists that audiences include, and the emails of campaigns.
func (w *writer) campaignUses(ctx context.Context) error {
	var lists []*ent.CampaignListCreate
	var emails []*ent.CampaignEmailCreate
	for _, m := range w.world.campaigns {
		if m.target != noTarget {
			to, err := targets[m.target].columns(&w.ids)
			if err != nil {
				return err
			}
			for _, id := range to.lists {
				lists = append(lists, w.client.CampaignList.Create().SetCampaignID(m.id).SetListID(id))
			}
		}
		contents := m.variations
		if m.email != nil && len(contents) == 0 {
			contents = append(contents, m.email)
		}
		for _, e := range contents {
			emails = append(emails, w.client.CampaignEmail.Create().SetCampaignID(m.id).SetEmailID(e.id))
		}
	}
	err := bulk(
		lists, 3,
		func(some []*ent.CampaignListCreate) error { return w.client.CampaignList.CreateBulk(some...).Exec(ctx) },
	)
	if err != nil {
		return err
	}
	return bulk(
		emails, 3,
		func(some []*ent.CampaignEmailCreate) error {
			return w.client.CampaignEmail.CreateBulk(some...).Exec(ctx)
		},
	)
}

func (w *writer) history(ctx context.Context) error {
	var rows []*ent.CampaignChangeCreate
	for _, m := range w.world.campaigns {
		for i, c := range m.changes {
			row := w.client.CampaignChange.Create().
				SetCampaignID(m.id).
				SetVersion(int64(i + 1)).
				SetAction(c.action).
				SetSurface(c.surface).
				SetNillableFromStatus(c.from).
				SetToStatus(c.to).
				SetFields(c.fields).
				SetReason(c.reason).
				SetAt(c.at).
				SetActorID(w.owner)
			if c.surface == kind.SurfaceSender {
				row.SetActorID(0)
			}
			rows = append(rows, row)
		}
	}
	return bulk(rows, len(campaignchange.Columns), func(some []*ent.CampaignChangeCreate) error {
		return w.client.CampaignChange.CreateBulk(some...).Exec(ctx)
	})
}

func (w *writer) hours(ctx context.Context) error {
	var rows []*ent.HourlyCounterCreate
	for _, m := range w.world.campaigns {
		for _, c := range m.hours {
			rows = append(rows, w.client.HourlyCounter.Create().SetCampaignID(m.id).SetHour(c.Hour).
				SetSent(c.Sent).
				SetFailed(c.Failed).SetDelivered(c.Delivered).SetOpens(c.Opens).SetUniqueOpens(c.UniqueOpens).
				SetClicks(c.Clicks).
				SetUniqueClicks(c.UniqueClicks).SetForwards(c.Forwards).SetUniqueForwards(c.UniqueForwards).
				SetBrowserViews(c.BrowserViews).
				SetUniqueBrowserViews(c.UniqueBrowserViews).SetUnsubscriptions(c.Unsubscriptions).
				SetHardBounces(c.HardBounces).SetSoftBounces(c.SoftBounces).SetComplaints(c.Complaints).
				SetConversions(c.Conversions).SetConversionAmount(c.ConversionAmount).
				SetAutomatedOpens(c.AutomatedOpens).SetAutomatedClicks(c.AutomatedClicks))
		}
	}
	return bulk(rows, len(hourlycounter.Columns), func(some []*ent.HourlyCounterCreate) error {
		return w.client.HourlyCounter.CreateBulk(some...).Exec(ctx)
	})
}

func (w *writer) amounts(ctx context.Context) error {
	var rows []*ent.ConversionAmountCreate
	for _, m := range w.world.campaigns {
		keys := slices.SortedFunc(maps.Keys(m.amounts), func(a, b amountKey) int {
			return cmp.Or(a.hour.Compare(b.hour), cmp.Compare(a.currency, b.currency))
		})
		for _, k := range keys {
			rows = append(rows, w.client.ConversionAmount.Create().SetCampaignID(m.id).SetHour(k.hour).
				SetCurrency(k.currency).SetAmount(m.amounts[k]))
		}
	}
	return bulk(rows, len(conversionamount.Columns), func(some []*ent.ConversionAmountCreate) error {
		return w.client.ConversionAmount.CreateBulk(some...).Exec(ctx)
	})
}

func (w *writer) links(ctx context.Context) error {
	var rows []*ent.LinkCounterCreate
	var all []*link
	for _, m := range w.world.campaigns {
		for _, l := range m.links {
			hash := sha256.Sum256([]byte(l.url))
			all = append(all, l)
			rows = append(
				rows,
				w.client.LinkCounter.Create().SetCampaignID(m.id).SetURL(l.url).SetURLHash(hex.EncodeToString(hash[:])).
					SetClicks(l.clicks).SetUniqueClicks(l.unique),
			)
		}
	}
	err := bulk(
		rows, len(linkcounter.Columns),
		func(some []*ent.LinkCounterCreate) error { return w.client.LinkCounter.CreateBulk(some...).Exec(ctx) },
	)
	if err != nil {
		return err
	}
	found, err := w.client.LinkCounter.Query().Order(linkcounter.ByID()).IDs(ctx)
	if found, err = inOrder("links", found, len(rows), err); err != nil {
		return err
	}
	for i, l := range all {
		l.id = found[i]
	}
	return nil
}

func (w *writer) domains(ctx context.Context) error {
	var rows []*ent.DomainCounterCreate
	for _, m := range w.world.campaigns {
		for _, name := range slices.Sorted(maps.Keys(m.domains)) {
			c := m.domains[name]
			rows = append(rows, w.client.DomainCounter.Create().SetCampaignID(m.id).SetDomain(name).
				SetSent(c.Sent).
				SetFailed(c.Failed).
				SetDelivered(c.Delivered).SetUniqueOpens(c.UniqueOpens).SetUniqueClicks(c.UniqueClicks).
				SetUnsubscriptions(c.Unsubscriptions).
				SetHardBounces(c.HardBounces).SetSoftBounces(c.SoftBounces).SetComplaints(c.Complaints))
		}
	}
	return bulk(rows, len(domaincounter.Columns), func(some []*ent.DomainCounterCreate) error {
		return w.client.DomainCounter.CreateBulk(some...).Exec(ctx)
	})
}

// numbered is an event with the ids needed to write it.
type numbered struct {
	event
	campaign int64
	n        int
}

// events writes the events, by far the most rows. Their inserts are built while they are sent.
func (w *writer) events(ctx context.Context) error {
	var all []numbered
	for _, m := range w.world.campaigns {
		for i, e := range m.events {
			all = append(all, numbered{e, m.id, i})
		}
	}
	return bulk(all, len(entevent.Columns), func(some []numbered) error {
		return w.client.Event.MapCreateBulk(some, func(row *ent.EventCreate, i int) { setEvent(row, some[i]) }).
			Exec(ctx)
	})
}

func setEvent(row *ent.EventCreate, e numbered) {
	row.SetID(eventID(e.campaign, e.n)).SetCampaignID(e.campaign).SetContactID(e.to.contact).SetSubscriberID(e.to.id).SetKind(e.kind).SetAt(e.at).
		SetAutomated(e.automated).
		SetReason(e.reason).SetUserAgent(e.agent).SetIP(e.ip).SetAmount(e.amount).SetCurrency(e.currency).SetDomain(e.to.domain())
	if e.link != nil {
		row.SetLinkID(e.link.id)
	}
}

// eventID returns the key of the n-th event of a campaign; the sender's id of this event would be
// demo/n.
func eventID(campaignID int64, n int) string { return events.Key(campaignID, "demo/"+strconv.Itoa(n)) }
