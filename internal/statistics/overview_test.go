package statistics_test

import (
	"fmt"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var forever = statistics.Span{Zone: time.UTC, Interval: statistics.ByDay}

func TestNoMoreRowsAreAddedUpThanIsBearable(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		me, other := testkit.Account(t, db), testkit.Account(t, db)
		var ids []int64
		for _, who := range []int{0, 0, 1} {
			ctx := testkit.As(t, []caller.Identity{me, other}[who])
			client := db.Client(ctx)
			id := client.Campaign.Create().
				SetName("a").
				SetNameKey("a").
				SetCreatedAt(store.Now()).
				SetLastActivityAt(store.Now()).
				SetTotalSent(1).
				SaveX(ctx).
				ID
			ids = append(ids, id)
			for i := range 3 {
				text := fmt.Sprint(i)
				client.LinkCounter.Create().
					SetCampaignID(id).
					SetURLHash(text).
					SetURL("https://example.org/" + text).
					SetClicks(int64(i)).
					ExecX(ctx)
				client.DomainCounter.Create().SetCampaignID(id).SetDomain(text + ".org").SetSent(int64(i)).ExecX(ctx)
			}
		}
		for rows, want := range map[int]apperr.Code{5: apperr.Invalid, 6: ""} {
			s := statistics.LimitSummed(statistics.New(db), rows)
			links, err := s.SumLinks(testkit.As(t, me), campaign.Filter{}, forever, statistics.LinksByClicks, page.Request{})
			if apperr.CodeOf(err) != want ||
				err == nil && (len(links.Items) != 3 || links.Items[0].Clicks != 4) {
				t.Errorf("links of at most %d rows: %v, %v", rows, links, err)
			}
			domains, err := s.SumDomains(testkit.As(t, me), campaign.Filter{}, forever, page.Request{})
			if apperr.CodeOf(err) != want || err == nil && (len(domains.Items) != 3 || domains.Items[0].Sent != 4) {
				t.Errorf("mail domains of at most %d rows: %v, %v", rows, domains, err)
			}
			// Fewer campaigns have fewer rows.
			if _, err := s.SumLinks(
				testkit.As(t, me), campaign.Filter{IDs: ids[:1]}, forever, statistics.LinksByClicks, page.Request{},
			); err != nil {
				t.Errorf("the links of one campaign: %v", err)
			}
		}
		// For an admin who sees all accounts, the filter chooses campaigns of any account.
		admin := testkit.As(t, testkit.Account(t, db, testkit.Admin()))
		s := statistics.New(db)
		total, err := s.Sum(
			admin, campaign.Filter{IDs: ids}, forever, []string{"total_sent", statistics.CampaignsColumn},
		)
		links, failure := s.SumLinks(admin, campaign.Filter{IDs: ids}, forever, statistics.LinksByClicks, page.Request{})
		if err != nil || failure != nil || total.Campaigns != 3 || total.Counters.Sent() != 3 || links.Items[0].Clicks != 6 {
			t.Errorf("an admin: %v %v %v %v", total, links, err, failure)
		}
		writer := testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeWrite)))
		for name, ask := range map[string]func() error{
			"sum": func() error { _, err := s.Sum(writer, campaign.Filter{}, forever, []string{"total_sent"}); return err },
			"series": func() error {
				_, err := s.SumSeries(writer, campaign.Filter{}, forever, []string{"sent"}, store.Now())
				return err
			},
			"links": func() error {
				_, err := s.SumLinks(writer, campaign.Filter{}, forever, statistics.LinksByClicks, page.Request{})
				return err
			},
			"domains": func() error { _, err := s.SumDomains(writer, campaign.Filter{}, forever, page.Request{}); return err },
			"number of links": func() error {
				_, err := s.CountSumLinks(writer, campaign.Filter{}, forever)
				return err
			},
			"number of domains": func() error {
				_, err := s.CountSumDomains(writer, campaign.Filter{}, forever)
				return err
			},
			"links of each":   func() error { _, err := s.CountLinks(writer, ids); return err },
			"domains of each": func() error { _, err := s.CountDomains(writer, ids); return err },
			"elapsed":         func() error { _, err := s.Elapsed(writer, nil, statistics.ByHour, 1, false, store.Now()); return err },
			"all":             func() error { return s.EachLink(writer, ids[0], nil) },
		} {
			if err := ask(); apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s of one who may not read: %v", name, err)
			}
		}
	})
}
