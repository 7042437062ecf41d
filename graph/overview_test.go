package graph_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// everyNumber selects every number that a campaign and a sum of campaigns have in common.
const everyNumber = `recipients sent failed delivered opens { total unique rate } clicks { total unique rate } clickToOpenRate
	unsubscriptions { total rate } bounces { hard soft rate } complaints { total rate } forwards { total unique rate } browserViews { total unique rate }
	conversions { count amounts { amount currency } } automated { opens clicks }`

// everyPoint selects every number of a point.
const everyPoint = `sent failed opens uniqueOpens clicks uniqueClicks forwards uniqueForwards browserViews uniqueBrowserViews unsubscriptions complaints
	hardBounces softBounces conversions automatedOpens automatedClicks`

// everyPointAndMoney selects the sums of money of a point, too.
const everyPointAndMoney = everyPoint + ` conversionAmounts { amount currency }`

// busy creates n campaigns of an account with random counters. Their hours add up to the counters
// and are within the ten days after firstDay.
func (w *world) busy(t *testing.T, owner *apitest.Account, n int) []*ent.Campaign {
	t.Helper()
	client := w.db.Client(owner.Context)
	campaigns := w.page(t, owner, n)
	statuses := kind.CampaignStatuses()
	for i, c := range campaigns {
		begin := firstDay.Add(time.Duration(rand.IntN(10*24*60)) * time.Minute)
		status := statuses[rand.IntN(len(statuses))]
		change := client.Campaign.UpdateOne(c).
			SetStatus(status).SetStatusRank(status.Rank()).SetTotalSent(0).SetUniqueOpens(0)
		if i%4 > 0 {
			change.SetSendingStartedAt(begin).SetTotalRecipients(rand.Int64N(10_000))
		}
		must(change.Save(owner.Context))(t)
		for h := range rand.IntN(12) {
			w.hour(t, owner, c.ID, begin.Truncate(time.Hour).Add(time.Duration(h*(1+rand.IntN(3)))*time.Hour))
		}
		campaigns[i] = must(client.Campaign.Get(owner.Context, c.ID))(t)
	}
	return campaigns
}

// hour counts random numbers for a campaign and an hour, unless that hour already has some.
func (w *world) hour(t *testing.T, owner *apitest.Account, id int64, at time.Time) {
	t.Helper()
	client := w.db.Client(owner.Context)
	n := func(most int64) int64 { return rand.Int64N(most + 1) }
	h, err := client.HourlyCounter.Create().
		SetCampaignID(id).SetHour(at).SetSent(50 + n(1000)).SetFailed(n(9)).SetOpens(n(90)).
		SetUniqueOpens(n(40)).SetClicks(n(30)).SetUniqueClicks(n(20)).SetForwards(n(5)).
		SetUniqueForwards(n(4)).SetBrowserViews(n(7)).SetUniqueBrowserViews(n(6)).
		SetUnsubscriptions(n(3)).SetHardBounces(n(8)).SetSoftBounces(n(8)).SetComplaints(n(2)).
		SetConversions(n(4)).SetConversionAmount(n(100_000)).SetAutomatedOpens(n(50)).
		SetAutomatedClicks(n(50)).Save(owner.Context)
	if ent.IsConstraintError(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	// What it is worth is in two currencies, one of which is not known.
	euros := n(h.ConversionAmount)
	for currency, amount := range map[string]int64{"EUR": euros, "": h.ConversionAmount - euros} {
		must(client.ConversionAmount.Create().
			SetCampaignID(id).SetHour(at).SetCurrency(currency).SetAmount(amount).Save(owner.Context))(t)
	}
	must(
		client.Campaign.UpdateOneID(id).
			AddTotalSent(h.Sent).AddTotalFailed(h.Failed).AddTotalOpens(h.Opens).
			AddUniqueOpens(h.UniqueOpens).AddTotalClicks(h.Clicks).AddUniqueClicks(h.UniqueClicks).
			AddTotalForwards(h.Forwards).AddUniqueForwards(h.UniqueForwards).
			AddTotalBrowserViews(h.BrowserViews).AddUniqueBrowserViews(h.UniqueBrowserViews).
			AddTotalUnsubscriptions(h.Unsubscriptions).AddTotalHardBounces(h.HardBounces).
			AddTotalSoftBounces(h.SoftBounces).AddTotalComplaints(h.Complaints).
			AddTotalConversions(h.Conversions).AddConversionAmount(h.ConversionAmount).
			AddAutomatedOpens(h.AutomatedOpens).AddAutomatedClicks(h.AutomatedClicks).
			Save(owner.Context),
	)(t)
}

// added adds up numbers at any depth, and amounts of money by currency if the first value has them so.
// It leaves out other values and all rates.
func added(values []any) object {
	sum := object{}
	for _, value := range values {
		for name, v := range value.(object) {
			switch v := v.(type) {
			case float64:
				if !strings.HasSuffix(strings.ToLower(name), "rate") {
					before, _ := sum[name].(float64)
					sum[name] = cents(before + v)
				}
			case object:
				before, _ := sum[name].(object)
				if before == nil {
					before = object{}
				}
				sum[name] = added([]any{before, v})
			case []any:
				if before, isMoney := sum[name].(object); isMoney {
					sum[name] = added([]any{before, purse(v)})
				}
			}
		}
	}
	return sum
}

// purse returns amounts of money by currency.
func purse(amounts []any) object {
	sum := object{}
	for _, a := range amounts {
		amount, err := strconv.ParseFloat(a.(object)["amount"].(string), 64)
		if err != nil {
			panic(err)
		}
		currency, _ := a.(object)["currency"].(string)
		sum[currency] = amount
	}
	return sum
}

// byCurrency returns the numbers of a campaign or of many with the amounts of money by currency.
func byCurrency(numbers object) object {
	out, conversions := maps.Clone(numbers), maps.Clone(numbers["conversions"].(object))
	conversions["amounts"] = purse(conversions["amounts"].([]any))
	out["conversions"] = conversions
	return out
}

// cents removes the floating-point error from a sum of amounts.
func cents(n float64) float64 { return float64(int64(n*100+0.5)) / 100 }

// withRates adds the rates that follow from sums.
func withRates(sum object) object {
	rate := func(part, whole any) any {
		if p, w := part.(float64), whole.(float64); w > 0 {
			return p / w
		}
		return nil
	}
	out := maps.Clone(sum)
	for name, part := range map[string]string{"opens": "unique", "clicks": "unique", "forwards": "unique", "browserViews": "unique", "unsubscriptions": "total", "complaints": "total"} {
		block := maps.Clone(sum[name].(object))
		block["rate"] = rate(block[part], sum["delivered"])
		out[name] = block
	}
	bounces := maps.Clone(sum["bounces"].(object))
	bounces["rate"] = rate(bounces["hard"].(float64)+bounces["soft"].(float64), sum["sent"])
	out["bounces"] = bounces
	out["clickToOpenRate"] = rate(sum["clicks"].(object)["unique"], sum["opens"].(object)["unique"])
	return out
}

func TestStatisticsOfManyAreTheSumOfEach(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.busy(t, w.Account(t), 3) // these numbers are in no sum
		campaigns := w.busy(t, a, 24)
		tags := must(w.db.Client(a.Context).Tag.Query().IDs(a.Context))(t)
		for name, filter := range map[string]object{
			"all": nil, "one": {"ids": []any{number(campaigns[2].ID)}}, "none": {"ids": []any{}}, "status": {"status": []any{"SENDING", "SENT", "DRAFT"}},
			"search": {"search": "campaign 01"}, "tags": {"tags": object{"anyOf": []any{number(tags[0])}}},
			"a lone or":  {"or": []any{object{"search": "campaign 00"}, object{"status": []any{"PAUSED"}}}},
			"not":        {"not": object{"status": []any{"SENDING"}}},
			"and a rate": {"and": []any{object{"openRate": object{"min": 0.01}}, object{"recipients": object{"min": 100}}}},
		} {
			t.Run(name, func(t *testing.T) {
				data := w.MustQuery(
					t,
					a.Key,
					`query($f: CampaignFilter) { statistics(filter: $f) { campaigns `+everyNumber+` }
					campaigns(filter: $f, first: 50) { totalCount nodes { statistics { `+everyNumber+` } } } }`,
					object{"f": filter},
				)
				total := apitest.At(t, data, "campaigns", "totalCount")
				got := apitest.At(t, data, "statistics").(object)
				if got["campaigns"] != total {
					t.Errorf("%v campaigns in the sum, %v in the list", got["campaigns"], total)
				}
				delete(got, "campaigns")
				each := []any{zeros()}
				for _, node := range apitest.At(t, data, "campaigns", "nodes").([]any) {
					each = append(each, apitest.At(t, node, "statistics"))
				}
				if diff := cmp.Diff(withRates(added(each)), byCurrency(got)); diff != "" {
					t.Errorf("-sum of each +sum:\n%s", diff)
				}
			})
		}
	})
}

// zeros returns the numbers of an empty sum.
func zeros() object {
	unique := func() object { return object{"total": 0.0, "unique": 0.0} }
	return object{
		"recipients":   0.0,
		"sent":         0.0,
		"failed":       0.0,
		"delivered":    0.0,
		"opens":        unique(),
		"clicks":       unique(),
		"forwards":     unique(),
		"browserViews": unique(),
		"unsubscriptions": object{
			"total": 0.0,
		},
		"complaints":  object{"total": 0.0},
		"bounces":     object{"hard": 0.0, "soft": 0.0},
		"conversions": object{"count": 0.0, "amounts": object{}},
		"automated":   object{"opens": 0.0, "clicks": 0.0},
	}
}

// flat returns the numbers of many campaigns with the names of a point.
func flat(sum object) object {
	of := func(block, name string) any { return sum[block].(object)[name] }
	return object{
		"sent":               sum["sent"],
		"failed":             sum["failed"],
		"opens":              of("opens", "total"),
		"uniqueOpens":        of("opens", "unique"),
		"clicks":             of("clicks", "total"),
		"uniqueClicks":       of("clicks", "unique"),
		"forwards":           of("forwards", "total"),
		"uniqueForwards":     of("forwards", "unique"),
		"browserViews":       of("browserViews", "total"),
		"uniqueBrowserViews": of("browserViews", "unique"),
		"unsubscriptions":    of("unsubscriptions", "total"),
		"complaints":         of("complaints", "total"),
		"hardBounces":        of("bounces", "hard"),
		"softBounces":        of("bounces", "soft"),
		"conversions":        of("conversions", "count"),
		"conversionAmounts":  of("conversions", "amounts"),
		"automatedOpens":     of("automated", "opens"),
		"automatedClicks":    of("automated", "clicks"),
	}
}

func TestNumbersOfATimeAreTheSumOfItsSeries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		campaigns := w.busy(t, a, 12)
		w.busy(t, w.Account(t), 2)
		ask := func(arguments string) object {
			return w.MustQuery(t, a.Key, `{ statistics(`+arguments+`) { `+everyNumber+` series { start end `+everyPointAndMoney+` } } }`, nil)["statistics"].(object)
		}
		some := fmt.Sprintf(`filter: {ids: [%d, %d]}`, campaigns[1].ID, campaigns[2].ID)
		at := func(minutes int) string {
			return firstDay.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339)
		}
		for _, span := range []string{
			``, some, `from: "` + at(0) + `", to: "` + at(20_000) + `", interval: WEEK`, `from: "` + at(90) + `", to: "` + at(4000) + `", interval: HOUR`,
			`from: "` + at(1234) + `", to: "` + at(9876) + `", timeZone: "Asia/Kolkata", ` + some, `to: "` + at(5000) + `", timeZone: "America/New_York"`,
			`from: "` + at(7000) + `"`, `from: "` + at(-900_000) + `", to: "` + at(-800_000) + `"`, `from: "2040-01-01T00:00:00Z"`,
		} {
			arguments := strings.TrimSpace(span)
			if arguments == "" {
				arguments = `interval: DAY`
			}
			got := ask(arguments)
			points := got["series"].([]any)
			diff := cmp.Diff(flat(added([]any{zeros(), got})), added(append([]any{zeroPoint()}, points...)))
			if diff != "" {
				t.Errorf("%s (-sum +points):\n%s", arguments, diff)
			}
			for i := 1; i < len(points); i++ {
				if points[i].(object)["start"] != points[i-1].(object)["end"] {
					t.Errorf("%s: a gap before %v", arguments, points[i])
				}
			}
		}
		// Adjacent periods add up, also the recipients, because every campaign with recipients has
		// begun.
		sum := func(arguments string) object { return added([]any{zeros(), ask(arguments)}) }
		parts := []any{sum(`to: "` + at(6001) + `"`), sum(`from: "` + at(6001) + `"`)}
		if diff := cmp.Diff(sum(`interval: WEEK`), added(parts)); diff != "" {
			t.Errorf("-all time +sum of two times that follow one another:\n%s", diff)
		}
	})
}

func zeroPoint() object {
	zero := object{}
	for name := range strings.FieldsSeq(everyPoint) {
		zero[name] = 0.0
	}
	zero["conversionAmounts"] = object{}
	return zero
}

func TestSumsCostAFixedNumberOfStatements(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		few, many := w.Account(t), w.Account(t)
		w.busy(t, few, 1)
		for _, c := range w.busy(t, many, 40) {
			must(
				w.db.Client(many.Context).
					LinkCounter.Create().SetCampaignID(c.ID).SetURLHash("a").
					SetURL("https://example.com/a").SetClicks(1).Save(many.Context),
			)(t)
		}
		const span = `from: "2026-03-02T00:00:00Z", to: "2026-03-09T00:00:00Z"`
		for _, tt := range []struct {
			document string
			want     int
		}{
			{`{ statistics { __typename } }`, 0},
			{`{ statistics(` + span + `) { __typename series { start } } }`, 0},
			{`{ statistics { campaigns } }`, 1},
			{`{ statistics { conversions { count } } }`, 1},
			{`{ statistics { conversions { amounts { amount } } } }`, 1},
			{`{ statistics(` + span + `) { conversions { amounts { amount } } } }`, 1},
			{`{ statistics { campaigns ` + everyNumber + ` } }`, 2},
			{`{ statistics(filter: {search: "campaign"}) { campaigns ` + everyNumber + ` } }`, 2},
			{`{ statistics(` + span + `) { campaigns recipients } }`, 1},
			{`{ statistics(` + span + `) { sent opens { rate } } }`, 1},
			{`{ statistics(` + span + `) { campaigns ` + everyNumber + ` } }`, 3},
			{`{ statistics(` + span + `) { series { ` + everyPoint + ` } } }`, 1},
			{`{ statistics(` + span + `) { series { ` + everyPointAndMoney + ` } } }`, 2},
			{`{ statistics(` + span + `) { series { conversionAmounts { amount } } } }`, 1},
			{`{ statistics { series { ` + everyPoint + ` } } }`, 2},
			{`{ statistics { links { nodes { url } } } }`, 3},
			{`{ statistics { domains { nodes { domain } } } }`, 2},
			{`{ statistics { links { totalCount again: totalCount } } }`, 2},
			{`{ statistics { domains { nodes { domain } totalCount } } }`, 4},
		} {
			cheap, dear := statements(t, w, few, tt.document), statements(t, w, many, tt.document)
			if len(cheap) > len(dear) || len(dear) != tt.want {
				t.Errorf(
					"%s: %d statements for one campaign, %d for forty, want %d:\n%s", tt.document, len(cheap),
					len(dear), tt.want, strings.Join(dear, "\n"),
				)
			}
		}
		read := statements(t, w, many, `{ statistics(`+span+`) { clicks { unique } series { start uniqueOpens } } }`)
		for _, query := range read {
			if strings.Contains(query, "forwards") || !strings.Contains(query, "unique_") {
				t.Errorf("more is read than asked for: %s", query)
			}
		}
	})
}

func TestLinksAndDomainsOfManyCampaigns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		for _, owner := range []*apitest.Account{a, other} {
			for _, c := range w.page(t, owner, 2) {
				w.counted(t, owner, c.ID)
			}
		}
		for _, tt := range []struct{ fields, want string }{
			{`links { nodes { url clicks uniqueClicks } }`, `{"links":{"nodes":[{"clicks":18,"uniqueClicks":6,"url":"https://example.com/b"},{"clicks":10,"uniqueClicks":8,"url":"https://example.com/a"}]}}`},
			{`links(first: 1, orderBy: UNIQUE_CLICKS) { nodes { url } }`, `{"links":{"nodes":[{"url":"https://example.com/a"}]}}`},
			{`domains(first: 1) { nodes { domain sent delivered complaints } }`, `{"domains":{"nodes":[{"complaints":6,"delivered":24,"domain":"example.org","sent":42}]}}`},
			{`domains(first: 0) { nodes { domain } } links(first: 0) { nodes { url } }`, `{"domains":{"nodes":[]},"links":{"nodes":[]}}`},
		} {
			data := w.MustQuery(t, a.Key, `{ statistics { `+tt.fields+` } }`, nil)
			if diff := cmp.Diff(tt.want, compact(apitest.At(t, data, "statistics"))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.fields, diff)
			}
		}
	})
}

func TestSumsRefuseWhatIsTooMuchOrNotKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.busy(t, a, 4)
		for document, want := range map[string]string{
			`{ statistics(from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z") { sent } }`:                            "to range_empty",
			`{ statistics(from: "2026-01-01T00:00:00Z", to: "2026-03-01T00:00:00Z", interval: HOUR) { series { sent } } }`: "to too_many_points",
			`{ statistics(from: "1990-01-01T00:00:00Z") { series { sent } } }`:                                             "from too_many_points",
			`{ statistics(to: "2040-01-01T00:00:00Z") { series { sent } } }`:                                               "from too_many_points",
			`{ statistics(from: "2026-01-01T00:00:00Z") { links { nodes { url } } } }`:                                     "from not_by_hour",
			`{ statistics(to: "2026-01-01T00:00:00Z") { domains { nodes { domain } } } }`:                                  "to not_by_hour",
			`{ statistics { links(first: 251) { nodes { url } } } }`:                                                       "first page_size",
			`{ statistics(filter: {search: "` + strings.Repeat("x", 300) + `"}) { sent } }`:                                "filter.search text_too_long",
			`{ statistics(filter: {not: {not: {not: {not: {not: {}}}}}}) { campaigns } }`:                                  "filter filter_too_deep",
			`{ statistics(timeZone: "Mars/Olympus") { sent } }`:                                                            "timeZone ",
		} {
			response := w.Query(t, a.Key, document, nil)
			if len(response.Errors) == 0 {
				t.Errorf("%s is answered: %s", document, response.Body)
				continue
			}
			extensions := response.Errors[0].Extensions
			got := fmt.Sprintf("%v %s", extensions["field"], strings.ToLower(fmt.Sprint(extensions["reason"])))
			if !strings.HasPrefix(got, want) || response.Errors[0].Code() != "BAD_USER_INPUT" {
				t.Errorf("%s is answered %q, want %q: %s", document, got, want, response.Body)
			}
			noLeak(t, response)
		}
		// Unselected fields cause no error: the sums of a hundred years are no more work than those
		// of a day.
		w.MustQuery(t, a.Key, `{ statistics(from: "1990-01-01T00:00:00Z", to: "2040-01-01T00:00:00Z") { sent } }`, nil)
		writer := w.key(t, a, kind.ScopeWrite)
		response := w.Query(t, writer, `{ statistics { __typename } }`, nil)
		if len(response.Errors) == 0 || response.Errors[0].Code() != "FORBIDDEN" {
			t.Errorf("a key that may not read is answered %s", response.Body)
		}
	})
}

func TestSumsCostWhatTheyAreWorth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.busy(t, a, 2)
		cost := func(document string) float64 {
			response := w.Query(t, a.Key, document, nil)
			if len(response.Errors) > 0 {
				t.Fatalf("%s: %s", document, response.Body)
			}
			return apitest.At(t, response.Extensions, "cost", "complexity").(float64)
		}
		alone := cost(`{ statistics { sent } }`)
		if series := cost(`{ statistics { sent series { sent } } }`); alone < 50 || series < alone+500 {
			t.Errorf("a sum costs %v, with its series %v", alone, series)
		}
		// The fields below compared campaigns count once per possible campaign.
		rows := must(w.db.Client(a.Context).Campaign.Query().IDs(a.Context))(t)
		ids := number(rows[0]) + "," + number(rows[1])
		one := cost(`{ compare(campaignIds: [` + ids + `]) { campaigns { campaign { name } } } }`)
		two := cost(`{ compare(campaignIds: [` + ids + `]) { campaigns { campaign { name version } } } }`)
		if two-one != 10 {
			t.Errorf("a field of each campaign costs %v", two-one)
		}
		var many strings.Builder
		for i := range 20 {
			fmt.Fprintf(&many, "a%d: statistics { l: links { nodes { url } } d: domains { nodes { domain } } } ", i)
		}
		response := w.Query(t, a.Key, "{ "+many.String()+" }", nil)
		if len(response.Errors) == 0 || response.Errors[0].Code() != "COMPLEXITY_LIMIT_EXCEEDED" {
			t.Errorf("forty sums in one request are answered %s", response.Body)
		}
	})
}
