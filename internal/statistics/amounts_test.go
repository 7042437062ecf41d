package statistics_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// earns adds an amount in each currency to an hour of a campaign.
func (s *sender) earns(t *testing.T, c *ent.Campaign, hour string, amounts map[string]int64) {
	t.Helper()
	for currency, amount := range amounts {
		err := s.db.Client(s.system).ConversionAmount.Create().
			SetUserID(s.owner.UserID).
			SetCampaignID(c.ID).
			SetHour(utc(t, hour)).
			SetCurrency(currency).
			SetAmount(amount).
			Exec(s.system)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// shown returns amounts as text.
func shown(amounts []kind.Money) string {
	text := ""
	for _, m := range amounts {
		text += m.Amount() + " " + m.Code + ";"
	}
	return text
}

// inAll returns the sums over all points, as text.
func inAll(points []statistics.Point) string {
	sums := map[string]int64{}
	for i := range points {
		for _, m := range points[i].ConversionAmounts() {
			sums[m.Code] += m.Hundredths
		}
	}
	return fmt.Sprint(sums)
}

// TestSumsOfMoneyAreTheSameByHourDayAndWeek checks that currencies are not mixed, that a sum of zero,
// which a recount may leave, is not shown, and that points of every length add up to the whole.
func TestSumsOfMoneyAreTheSameByHourDayAndWeek(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s, service := newSender(t, db), statistics.New(db)
		hours := []string{"2026-03-28 22:00", "2026-03-28 23:00", "2026-03-29 01:00", "2026-04-02 12:00"}
		c := s.campaign(t, "2026-03-28 22:30", hours...)
		none, other := s.campaign(t, "2026-03-28 22:30", hours...), s.campaign(t, "", hours[1])
		s.earns(t, c, hours[0], map[string]int64{"EUR": 1, "": 250})
		s.earns(t, c, hours[1], map[string]int64{"EUR": 1 << 53, "USD": 0, "JPY": 100})
		s.earns(t, c, hours[2], map[string]int64{"EUR": 10_005})
		s.earns(t, c, hours[3], map[string]int64{"CHF": 70})
		s.earns(t, other, hours[1], map[string]int64{"EUR": 5})
		got, err := service.Amounts(s.ctx, []int64{c.ID, none.ID, other.ID})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[int64]string{
			c.ID: "2.50 ;0.70 CHF;90071992547509.98 EUR;1.00 JPY;", none.ID: "", other.ID: "0.05 EUR;",
		} {
			if text := shown(got[id]); text != want {
				t.Errorf("amounts are %q, want %q", text, want)
			}
		}
		now := utc(t, "2026-04-03 00:00")
		campaigns := []*ent.Campaign{c, none, other}
		whole := fmt.Sprint(map[string]int64{"": 250, "CHF": 70, "EUR": 1<<53 + 10_006, "JPY": 100})
		for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"} {
			place, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			for _, interval := range []statistics.Interval{statistics.ByHour, statistics.ByDay, statistics.ByWeek} {
				span := statistics.Span{Interval: interval, Zone: place, Amounts: true}
				series, err := service.Series(s.ctx, campaigns, span, now)
				if err != nil {
					t.Fatal(err)
				}
				if got := inAll(series[c.ID]); got != whole {
					t.Errorf("by %s of %s: %s, want %s", interval, zone, got, whole)
				}
				if got := inAll(series[other.ID]); got != "map[EUR:5]" {
					t.Errorf("the other by %s of %s: %s", interval, zone, got)
				}
				sum, err := service.SumSeries(
					s.ctx, campaign.Filter{IDs: []int64{c.ID}}, span, []string{statistics.AmountsColumn}, now,
				)
				if got := inAll(sum); err != nil || got != whole {
					t.Errorf("the sum by %s of %s: %s, %v", interval, zone, got, err)
				}
			}
		}
		days := statistics.Span{Interval: statistics.ByDay, Zone: time.UTC, Amounts: true}
		series, err := service.Series(s.ctx, campaigns, days, now)
		if err != nil {
			t.Fatal(err)
		}
		var each []string
		for i := range series[c.ID] {
			each = append(each, shown(series[c.ID][i].ConversionAmounts()))
		}
		want := []string{"2.50 ;90071992547409.93 EUR;1.00 JPY;", "100.05 EUR;", "", "", "", "0.70 CHF;"}
		if diff := cmp.Diff(want, each); diff != "" {
			t.Errorf("days (-want +got):\n%s", diff)
		}
		elapsed, err := service.Elapsed(s.ctx, campaigns, statistics.ByHour, 4, true, now)
		if err != nil {
			t.Fatal(err)
		}
		want = []string{"2.50 ;0.01 EUR;", "90071992547409.92 EUR;1.00 JPY;", "", "100.05 EUR;"}
		each = nil
		for i := range elapsed[c.ID] {
			each = append(each, shown(elapsed[c.ID][i].ConversionAmounts()))
		}
		if diff := cmp.Diff(want, each); diff != "" {
			t.Errorf("since it began (-want +got):\n%s", diff)
		}
	})
}

func TestSumsOfMoneyOfAnAccount(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s, stranger, service := newSender(t, db), newSender(t, db), statistics.New(db)
		one, two := s.campaign(t, ""), s.campaign(t, "")
		foreign := stranger.campaign(t, "")
		s.earns(t, one, "2026-03-28 22:00", map[string]int64{"EUR": 100, "USD": 5})
		s.earns(t, one, "2026-03-28 23:00", map[string]int64{"EUR": 10})
		s.earns(t, two, "2026-03-28 23:00", map[string]int64{"EUR": 1, "": 7})
		stranger.earns(t, foreign, "2026-03-28 23:00", map[string]int64{"EUR": 1_000_000})
		from, to := utc(t, "2026-03-28 23:00"), utc(t, "2026-03-29 00:00")
		for _, tt := range []struct {
			filter campaign.Filter
			span   statistics.Span
			want   string
		}{
			{campaign.Filter{}, statistics.Span{}, "0.07 ;1.11 EUR;0.05 USD;"},
			{campaign.Filter{}, statistics.Span{From: &from, To: &to}, "0.07 ;0.11 EUR;"},
			{campaign.Filter{IDs: []int64{one.ID}}, statistics.Span{}, "1.10 EUR;0.05 USD;"},
			{campaign.Filter{IDs: []int64{one.ID}}, statistics.Span{From: &to}, ""},
			{campaign.Filter{IDs: []int64{foreign.ID}}, statistics.Span{}, ""},
		} {
			got, err := service.SumAmounts(s.ctx, tt.filter, tt.span)
			if text := shown(got); err != nil || text != tt.want {
				t.Errorf("%v %v: %q, %v, want %q", tt.filter, tt.span, text, err, tt.want)
			}
		}
		if got, err := service.Amounts(s.ctx, []int64{foreign.ID}); err != nil || len(got) > 0 {
			t.Errorf("amounts of a foreign campaign: %v, %v", got, err)
		}
		writer := testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeWrite)))
		if _, err := service.Amounts(writer, []int64{one.ID}); apperr.CodeOf(err) != apperr.Denied {
			t.Error(err)
		}
		if _, err := service.SumAmounts(writer, campaign.Filter{}, statistics.Span{}); apperr.CodeOf(err) != apperr.Denied {
			t.Error(err)
		}
	})
}
