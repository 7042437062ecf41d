package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/kind"
)

// numbers returns a subquery with the numbers i from first (inclusive) to end (exclusive), at most
// chunk numbers.
func numbers(first, end int) string {
	const digit = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	var from []string
	for _, name := range []string{"a", "b", "c", "e", "f"} {
		from = append(from, digit+" "+name)
	}
	return fmt.Sprintf(
		"(SELECT i FROM (SELECT %d + 10000 * a.d + 1000 * b.d + 100 * c.d + 10 * e.d + f.d AS i FROM %s) n WHERE i < %d) n",
		first, strings.Join(from, " CROSS JOIN "), end,
	)
}

// inChunks runs a statement over the numbers from 0 (inclusive) to count (exclusive), in chunks.
func (l *loader) inChunks(ctx context.Context, count int, statement func(numbers string) string) error {
	for first := 0; first < count; first += chunk {
		if err := l.exec(ctx, statement(numbers(first, min(first+chunk, count)))); err != nil {
			return err
		}
	}
	return nil
}

// choose returns an SQL expression that selects one of the texts by a number.
func choose(number string, texts ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CASE (%s) %% %d", number, len(texts))
	for i, text := range texts {
		fmt.Fprintf(&b, " WHEN %d THEN '%s'", i, text)
	}
	return b.String() + " END"
}

// minutesBack returns an SQL expression for the time that many minutes before present, in the
// format of the product.
func (l *loader) minutesBack(minutes string) string {
	if l.mysql {
		return "DATE_SUB('" + present.Format(time.DateTime) + "', INTERVAL " + minutes + " MINUTE)"
	}
	return "STRFTIME('%Y-%m-%d %H:%M:%S+00:00', '" + present.Format(time.DateTime) + "', '-' || (" +
		minutes + ") || ' minutes')"
}

// divided returns an SQL expression for an integer quotient.
func (l *loader) divided(number string, by int) string {
	if l.mysql {
		return "(" + number + ") DIV " + strconv.Itoa(by)
	}
	return "(" + number + ") / " + strconv.Itoa(by)
}

// people writes the subscribers: half of them on list 1, three tenths on list 2, a fifth on list 3.
// About half of those on lists 2 and 3 are on list 1 too. Nine in ten are subscribed; one in forty
// has a hard bounce.
func (l *loader) people(ctx context.Context) error {
	return l.inChunks(ctx, l.size.people, func(numbers string) string {
		name := choose("n * 7919", "user", "anna", "ben.", "carla", "info", "mail.", "office", "x")
		host := choose(l.divided("n", 10),
			"example", "mail", "gmail", "firma", "test", "post", "work", "web", "inbox", "company")
		email := "CONCAT(" + name + ", n, '@', " + host + ", " +
			choose(l.divided("n", 70), ".net", ".com", ".com", ".de", ".org", ".com") + ")"
		status := choose(l.divided("i", 10), "subscribed", "subscribed", "subscribed", "subscribed", "unsubscribed",
			"subscribed", "subscribed", "subscribed", "subscribed", "subscribed")
		since := l.minutesBack("i * 7 % 1000000")
		// The first person with an address has its number as the contact's.
		return "INSERT INTO subscribers (id, user_id, list_id, contact_id, email, email_key, status, bounce, subscription_ip, subscribed_at, created_at) " +
			"SELECT i + 1, 1, list, n + 1, email, email, " +
			status + ", CASE WHEN " + l.divided("n", 30) + " % 40 = 0 THEN 'hard' ELSE 'none' END, " +
			"CONCAT('10.', i % 250, '.', " + l.divided("i", 250) + " % 250, '.1'), " + since + ", " + since +
			" FROM (SELECT i, list, n, " + email + " AS email FROM (SELECT i, CASE WHEN i % 10 < 5 THEN 1 WHEN i % 10 < 8 THEN 2 ELSE 3 END AS list, " +
			"CASE WHEN i % 10 IN (5, 8) OR i % 20 = 6 THEN i - 5 ELSE i END AS n FROM " + numbers + ") p) p"
	})
}

// contacts writes the contacts of the subscribers.
func (l *loader) contacts(ctx context.Context) error {
	return l.exec(ctx, "INSERT INTO contacts (id, user_id, email, email_key, domain, deliverability, soft_bounces, created_at) "+
		"SELECT contact_id, 1, MIN(email), MIN(email_key), MIN(SUBSTR(email, INSTR(email, '@') + 1)), MIN(bounce), 0, MIN(created_at) "+
		"FROM subscribers GROUP BY contact_id ORDER BY contact_id")
}

// values writes a value of each field for each person. Fields 2, 3 and 10 are numbers below 1000,
// field 4 is a day within 50 years, and field 5 is true for half.
func (l *loader) values(ctx context.Context) error {
	primes := [fieldCount]int{7919, 104729, 15485863, 31337, 1299709, 611953, 27644437, 433494437, 99991, 65537}
	var all []string
	for i, typ := range fields {
		h := fmt.Sprintf("((n.i + 1) * %d %% 1000003)", primes[i])
		city := choose(h, "Berlin", "Köln", "Paris", "Oslo", "Lyon", "Rome", "Bern")
		text, number, date := "CONCAT("+city+", ' ', "+h+" % 997)", "NULL", "NULL"
		switch typ {
		case kind.FieldNumber:
			number = h + " % 1000"
			text = "CONCAT(" + number + ", '')"
		case kind.FieldBoolean:
			number = h + " % 2"
			text = "CASE " + number + " WHEN 1 THEN 'true' ELSE 'false' END"
		case kind.FieldDate:
			date = l.minutesBack(h + " % 18000 * 1440 + 720")
			text = "SUBSTR(" + date + ", 1, 10)"
		}
		const row = "SELECT n.i + 1 AS person, %d AS field, %s AS text, %s AS number, %s AS date FROM "
		all = append(all, fmt.Sprintf(row, i+1, text, number, date))
	}
	return l.inChunks(ctx, l.size.people, func(numbers string) string {
		return "INSERT INTO field_values (user_id, subscriber_id, custom_field_id, text, text_key, number, date) " +
			"SELECT 1, person, field, text, LOWER(text), number, date FROM (" + strings.Join(all, numbers+" UNION ALL ") + numbers + ") v ORDER BY person, field"
	})
}

// happened writes the events of each campaign: six in ten are deliveries, three in ten opens (some
// people open twice), the rest clicks and a few unsubscriptions. Opens and clicks are spread over
// two weeks; a few are automated.
func (l *loader) happened(ctx context.Context) error {
	each := l.events / campaignCount
	delivered, opened, clicked := each*60/100, each*90/100, each*98/100
	for campaign := range campaignCount {
		age := campaignDays*(campaignCount-1-campaign) + 2
		nth := fmt.Sprintf(
			"(CASE WHEN i < %d THEN i WHEN i < %d THEN (i - %d) * 3 %% %d ELSE (i - %d) * 6 %% %d END)", delivered,
			opened, delivered, delivered, opened, delivered,
		)
		id := fmt.Sprintf("CONCAT(%d, '-', SUBSTR(SHA2(i, 256), 1, 24))", campaign+1)
		if !l.mysql {
			id = fmt.Sprintf("PRINTF('%d-%%08x%%016x', i * 2654435761 %% 4294967296, i)", campaign+1)
		}
		later := fmt.Sprintf("(i * 7919 %% %d)", min(14, age)*1440)
		err := l.inChunks(ctx, each, func(numbers string) string {
			person := fmt.Sprintf("(%s * 7919 + %d) %% %d + 1", nth, campaign*31337, l.size.people)
			kinds := fmt.Sprintf("CASE WHEN i < %d THEN 'delivered' WHEN i < %d THEN 'opened' "+
				"WHEN i < %d THEN 'clicked' ELSE 'unsubscribed' END", delivered, opened, clicked)
			at := l.minutesBack(fmt.Sprintf("%d - CASE WHEN i < %d THEN 0 ELSE %s END", age*1440, delivered, later))
			link := fmt.Sprintf("CASE WHEN i >= %d AND i < %d THEN 1 END", opened, clicked)
			return "INSERT INTO events (id, user_id, campaign_id, contact_id, kind, at, automated, link_id) " +
				"SELECT e.id, 1, e.campaign, s.contact_id, e.kind, e.at, e.automated, e.link FROM (" +
				fmt.Sprintf("SELECT %s AS id, %d AS campaign, ", id, campaign+1) + person + " AS person, " + kinds +
				" AS kind, " + at + " AS at, CASE WHEN i * 37 % 50 = 0 THEN 1 ELSE 0 END AS automated, " + link +
				" AS link FROM " + numbers + ") e JOIN subscribers s ON s.id = e.person ORDER BY e.id"
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// suppressed writes one address in 200 as suppressed.
func (l *loader) suppressed(ctx context.Context) error {
	return l.exec(ctx, "INSERT INTO suppressions (user_id, email, email_key, reason, created_at) "+
		"SELECT 1, email_key, email_key, 'manual', MIN(created_at) FROM subscribers WHERE id % 199 = 1 GROUP BY email_key")
}
