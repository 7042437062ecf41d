package query_test

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

// The values from which people and rules are drawn. Many of them are hostile: wildcards, quotes,
// SQL, and characters that case folding and collations treat differently.
var (
	addresses = []string{
		"user1@example.net", "USER1@example.com", "user12@example.net", "user2@Example.org",
		"o'brien%@example.net", "under_score@example.com",
		`back\slash@example.net`,
		"a|b@example.net", "émile@example.com", "Straße@example.de", "İstanbul@example.net",
		"user10@example.net", "?@example.net", "x--@example.com", "²@bücher.example", `"a..b"@example.com`, "ﬁ@maß.example",
	}
	texts = []string{
		"Berlin", "berlin", "BERLIN Mitte", "Köln", "KÖLN", "Ko\u0308ln", "100%", "1000", "50_50", "50x50",
		`a\b`,
		`a\\b`,
		"O'Brien",
		`say "hi"`,
		"x|y", "x||y", "😀 smile", "😀", "😀😀", "berlin😀", "a\U0010FFFF", "שלום עולם", "naïve", "ﬁne", "fine",
		"①", "'; DROP TABLE subscribers; --", "' OR '1'='1", "? ?", "\x01ctl", "a", "a\x01", "a b", "ab", "ẞ",
		"ss", "ſ", "\u0301", "e\u0301", "é", "line\nbreak", "tab\tstop", "nul\uFFFDin",
		strings.Repeat("long ", 80),
		"a" + strings.Repeat(" ", 300) + "b",
		"\U0001F468\u200D\U0001F469", "true", "0", "-1", "2026-01-31",
	}
	parts = []string{
		"berlin", "a", "user1", ".net", "%", "_",
		`\`,
		"'",
		`"`,
		"|", "?", " ", "é", "e", "\u0301", "ss", "SS", "O'B", "😀", "ל", "\x01", "\x00", "--", "user1%", "1",
		"@", "ö", "I", "i", "n  ", "  b", "BÜCHER", "@bücher.ex", "2", "²", "ﬁ", "maß.example",
	}
	numbersDrawn = []string{
		"-3", "0", "1", "1.5", "1.50", "10", "9", "1e3", "1000", "99999999999", "0.1", "-0.25", "9007199254740990",
		"9007199254740991",
	}
	booleansDrawn = []string{"true", "false", "1", "0", "Yes", "off"}
	choicesDrawn  = []string{"Red", "green", "BLUE", "light blue"}
	datesDrawn    = []string{
		"2026-01-31", "2026-01-31 10:00:00", "2026-02-01", "1999-12-31", "2026-03-29", "2026-03-29 02:30:00",
		"2026-10-25 02:30:00", "2026-11-19", "2026-11-20", "2026-11-20 12:00:00", "2026-11-20 11:59:59",
		"1000-01-01", "9999-12-31", "9999-12-31 23:59:59",
	}
	farDates = []string{"0001-01-01", "0000-01-01", "0999-12-31"}
	clocks   = []string{"2026", "-11-", "2026-11-20", " 1", "12:00:00", "59", "0", "2026-11-19 2", "%", "-10-25 02"}
	ips      = []string{"", "", "192.0.2.1", "192.0.2.10", "2001:db8::1", "10.0.0.1"}
	zones    = []string{"UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"}
	instants = []time.Time{
		present,
		present.Add(time.Microsecond),
		present.Add(-time.Microsecond),
		present.AddDate(0, 0, -1),
		present.AddDate(0, 0, -7),
		present.AddDate(0, 0, -7).Add(-time.Microsecond),
		present.AddDate(0, 0, -30),
		present.AddDate(0, 0, -31),
		time.Date(
			2026, 11, 19, 23, 0, 0, 0, time.UTC,
		),
		time.Date(2026, 11, 18, 22, 59, 59, 999999000, time.UTC),
		time.Date(2026, 11, 20, 3, 30, 0, 0, time.UTC),
		time.Date(
			2026, 10, 25, 0, 30, 0, 0, time.UTC,
		),
		time.Date(2026, 10, 25, 1, 30, 0, 500000000, time.UTC),
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		time.Date(
			2026, 1, 31, 10, 0, 0, 0, time.UTC,
		),
		time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC),
		time.Date(2001, 7, 4, 12, 0, 0, 0, time.UTC),
	}
	fieldsDrawn = []field{
		{
			-1, kind.FieldText,
		},
		{0, kind.FieldText},
		{-1, kind.FieldNumber},
		{-1, kind.FieldDate},
		{1, kind.FieldBoolean},
		{-1, kind.FieldChoice},
	}
	eventKinds = []kind.EventKind{
		kind.EventOpened, kind.EventOpened, kind.EventClicked, kind.EventUnsubscribed, kind.EventComplained,
		kind.EventHardBounced, kind.EventSoftBounced, kind.EventDelivered, kind.EventFailed, kind.EventSent,
	}
)

func pick[T any](t *rapid.T, label string, from []T) T { return rapid.SampledFrom(from).Draw(t, label) }

func chance(t *rapid.T, label string, of int) bool { return rapid.IntRange(1, of).Draw(t, label) == 1 }

// valuesOf returns the values from which fields of a type are drawn.
func valuesOf(typ kind.FieldType) []string {
	switch typ {
	case kind.FieldNumber:
		return numbersDrawn
	case kind.FieldBoolean:
		return booleansDrawn
	case kind.FieldDate:
		return datesDrawn
	case kind.FieldChoice:
		return choicesDrawn
	default:
		return texts
	}
}

func drawWorld(t *rapid.T) *world {
	w := &world{zone: pick(t, "zone", zones), listCount: 3}
	w.fields = fieldsDrawn
	for list := range w.listCount {
		for _, email := range rapid.SliceOfNDistinct(rapid.SampledFrom(addresses), 3, 12, rapid.ID).Draw(t, "addresses") {
			w.people = append(w.people, drawPerson(t, list, email, 6))
		}
	}
	w.suppressed = rapid.SliceOfNDistinct(rapid.SampledFrom(addresses), 0, 3, rapid.ID).Draw(t, "suppressed")
	return w
}

// drawPerson draws a person with at most the given number of events.
func drawPerson(t *rapid.T, list int, email string, most int) *person {
	p := &person{
		list: list, email: email, key: address.Key(email), ip: pick(t, "ip", ips), values: map[int]string{},
		tags: map[int]bool{},
	}
	p.status = pick(t, "status", []kind.SubscriberStatus{
		kind.SubscriberSubscribed, kind.SubscriberSubscribed, kind.SubscriberSubscribed,
		kind.SubscriberPending, kind.SubscriberUnsubscribed,
	})
	// Few, because the worst bounce of an address counts on each of its lists.
	p.bounce = pick(t, "bounce", []kind.BounceType{
		kind.BounceNone, kind.BounceNone, kind.BounceNone, kind.BounceNone, kind.BounceNone, kind.BounceNone,
		kind.BounceNone, kind.BounceSoft, kind.BounceSoft, kind.BounceHard, kind.BounceInvalid,
	})
	for _, at := range []**time.Time{&p.subscribed, &p.opted} {
		if !chance(t, "no date", 4) {
			v := pick(t, "date", instants)
			*at = &v
		}
	}
	for f, field := range fieldsDrawn {
		if (field.list < 0 || field.list == list) && !chance(t, "no value", 3) {
			p.values[f] = strings.TrimSpace(pick(t, "value", valuesOf(field.kind)))
		}
	}
	for tag := range tagCount {
		if chance(t, "tag", 3) {
			p.tags[tag] = true
		}
	}
	for range rapid.IntRange(0, most).Draw(t, "events") {
		p.events = append(p.events, happening{
			campaign: rapid.IntRange(0, campaignCount-1).Draw(t, "campaign"), kind: pick(t, "kind", eventKinds),
			at: pick(t, "at", instants), automated: chance(t, "automated", 5),
		})
	}
	return p
}

// drawAudience draws an audience. The segments of the world must be saved before.
func drawAudience(t *rapid.T, w *world) rules.Audience {
	criterion := rapid.Custom(func(t *rapid.T) rules.Criterion {
		list := rapid.IntRange(0, w.listCount-1).Draw(t, "list")
		return rules.Criterion{ListID: w.lists[list], Where: drawGroup(t, w, list, len(w.segmentIDs))}
	})
	a := rules.Audience{
		Form: rules.FormRules, Operator: pick(t, "operator", []rules.Connector{rules.And, rules.Or, rules.Or}),
	}
	a.Criteria = rapid.SliceOfN(criterion, 1, 4).Draw(t, "criteria")
	if chance(t, "excluding", 2) {
		a.Exclude = rapid.SliceOfN(criterion, 1, 3).Draw(t, "exclude")
	}
	return a
}

// drawGroup draws the rules of a criterion or of a segment. The rules may name the first segments,
// up to the given number.
func drawGroup(t *rapid.T, w *world, list, segments int) rules.Group {
	if chance(t, "whole list", 8) {
		return rules.Group{}
	}
	return group(t, w, list, segments, pick(t, "connector", []rules.Connector{rules.And, rules.Or}), 1)
}

func group(t *rapid.T, w *world, list, segments int, connector rules.Connector, depth int) rules.Group {
	g := rules.Group{Operator: connector}
	for range rapid.IntRange(1, 4-depth/2).Draw(t, "rules") {
		if depth < rules.MaxDepth && chance(t, "nested", 4) {
			g.Rules = append(g.Rules, group(t, w, list, segments, connector.Alternate(), depth+1))
			continue
		}
		g.Rules = append(g.Rules, drawRule(t, w, list, segments))
	}
	return g
}

func drawRule(t *rapid.T, w *world, list, segments int) rules.Rule {
	switch rapid.IntRange(0, 9).Draw(t, "rule") {
	case 0:
		var near []int64
		for i, s := range w.segments[:segments] {
			if s.list == list {
				near = append(near, w.segmentIDs[i])
			}
		}
		if len(near) > 0 {
			return rules.Segment{
				Operator: pick(t, "operator", []rules.SegmentOperator{rules.BelongsTo, rules.DoesNotBelongTo}),
				ID:       pick(t, "id", near),
			}
		}
		return rules.Suppression{
			Operator: pick(t, "operator", []rules.SuppressionOperator{rules.Suppressed, rules.NotSuppressed}),
		}
	case 1:
		return rules.Suppression{
			Operator: pick(t, "operator", []rules.SuppressionOperator{rules.Suppressed, rules.NotSuppressed}),
		}
	case 2, 3:
		return drawTags(t, w)
	case 4, 5:
		return drawEvent(t, w)
	default:
		return drawField(t, w, list)
	}
}

func drawTags(t *rapid.T, w *world) rules.Tags {
	rule := rules.Tags{Operator: pick(t, "operator", []rules.TagOperator{
		rules.HasTag, rules.LacksTag, rules.HasAnyTag, rules.HasAllTags, rules.HasNoTags})}
	switch rule.Operator {
	case rules.HasTag, rules.LacksTag:
		rule.IDs = []int64{pick(t, "tag", w.tags)}
	case rules.HasAnyTag, rules.HasAllTags:
		rule.IDs = rapid.SliceOfNDistinct(rapid.SampledFrom(w.tags), 1, tagCount, rapid.ID).Draw(t, "tags")
	}
	return rule
}

func drawEvent(t *rapid.T, w *world) rules.CampaignEvent {
	rule := rules.CampaignEvent{
		Event: pick(
			t,
			"event",
			[]rules.Event{rules.EventOpened, rules.EventOpened, rules.EventClicked, rules.EventUnsubscribed,
				rules.EventComplained, rules.EventBounced, rules.EventDelivered, rules.EventFailed},
		),
		Not:         chance(t, "not", 3),
		CampaignIDs: rapid.SliceOfNDistinct(rapid.SampledFrom(w.campaigns), 0, 3, rapid.ID).Draw(t, "campaigns"),
	}
	if rule.Event == rules.EventDelivered || rule.Event == rules.EventFailed {
		return rule
	}
	if chance(t, "time filter", 2) {
		f := &rules.TimeFilter{Type: pick(t, "type", []rules.TimeFilterType{
			rules.InLastDays, rules.NotInLastDays, rules.Between, rules.NotBetween, rules.After, rules.Before})}
		from, _ := rules.ParseMoment(pick(t, "from", append(datesDrawn, farDates...)))
		to, _ := rules.ParseMoment(pick(t, "to", append(datesDrawn, farDates...)))
		switch f.Type {
		case rules.InLastDays, rules.NotInLastDays:
			f.Days = pick(t, "days", []int{1, 7, 30, 36500})
		case rules.After:
			f.From = from
		case rules.Before:
			f.To = to
		default:
			if from.Wall.After(to.Wall) {
				from, to = to, from
			}
			f.From, f.To = from, to
		}
		rule.Time = f
	}
	if chance(t, "aggregation", 3) {
		rule.Count = &rules.Aggregation{
			Operator: pick(t, "how many", []rules.AggregationOperator{rules.AtLeast, rules.AtMost, rules.Exactly}),
			Count:    rapid.IntRange(0, 3).Draw(t, "count"),
		}
	}
	return rule
}

func drawField(t *rapid.T, w *world, list int) rules.Field {
	rule := rules.Field{Operator: pick(t, "operator", []rules.FieldOperator{
		rules.Is, rules.IsNot, rules.Contains, rules.DoesNotContain, rules.BeginsWith, rules.EndsWith, rules.IsLessThan,
		rules.IsLessOrEqual, rules.IsGreaterThan, rules.IsGreaterOrEqual, rules.IsSet, rules.IsNotSet})}
	var whole []string
	pieces := parts
	which := rapid.IntRange(-5, len(w.fields)-1).Draw(t, "field")
	switch {
	case which == -1:
		rule.Name, whole = rules.EmailAddress, addresses
	case which == -2:
		rule.Name, whole, pieces = rules.SubscriptionIP, []string{
			"192.0.2.1", "2001:DB8:0::1", "3", "fe80", "192",
		}, []string{
			"192", "::", "2", "%", "DB8",
		}
	case which == -3:
		rule.Name, whole, pieces = rules.SubscriptionDate, append(datesDrawn, farDates...), clocks
	case which == -4:
		rule.Name, whole, pieces = rules.OptInDate, append(datesDrawn, farDates...), clocks
	case which == -5:
		rule.Name, whole, pieces = rules.SubscriberID, []string{
			"-5", "0", "9223372036854775807",
		}, []string{
			"1", "2", "0", "%",
		}
		if n := len(w.people); n > 0 && w.people[0].id > 0 {
			whole = append(whole, itoa(w.people[n/2].id), itoa(w.people[0].id))
		}
	case w.fields[which].list >= 0 && w.fields[which].list != list:
		which = 0
		fallthrough
	default:
		rule.CustomID, whole = w.fieldIDs[which], valuesOf(w.fields[which].kind)
	}
	if rule.CustomID > 0 && w.fields[which].kind == kind.FieldDate {
		whole = append(whole[:len(whole):len(whole)], farDates...)
	}
	switch rule.Operator {
	case rules.IsSet, rules.IsNotSet:
	case rules.Is, rules.IsNot:
		if rule.Name != rules.SubscriberID && chance(t, "empty", 6) {
			return rule
		}
		rule.Value = comparableTo(pick(t, "value", whole))
	case rules.Contains, rules.DoesNotContain, rules.BeginsWith, rules.EndsWith:
		rule.Value = comparableTo(pick(t, "value", append(pieces[:len(pieces):len(pieces)], whole...)))
	default:
		rule.Value = comparableTo(pick(t, "value", whole))
	}
	return rule
}

// comparableTo cuts a value to the length that is compared. Longer values are faults.
func comparableTo(value string) string { return kind.Cut(value, 255) }
