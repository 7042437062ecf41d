package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"campaignql/ent"
	"campaignql/internal/bench/bed"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	campaigns = 50
	links     = 20
	domains   = 20
	// hours is how long a campaign is active. Even with few events there are some in each hour.
	hours = 40
	// perPerson is the number of events of a person: SENT, DELIVERED, OPENED and CLICKED, within an
	// hour.
	perPerson = 4
	// writers is the number of campaigns that are written concurrently.
	writers = 2
	// atOnce is the minimum number of events with which every hour, link and domain of every
	// campaign has events.
	atOnce = campaigns * hours * perPerson
)

// load fills an empty database with campaigns, their events and counters, and returns an API key of
// the account. It writes the rows directly, in the order of their keys. `campaignql recount` checks
// that the counters match the events.
func load(ctx context.Context, binary, address string, events int) (key string, err error) {
	user, err := bed.CreateUser(ctx, binary, address, "bench")
	if err != nil {
		return "", err
	}
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	as := caller.With(ctx, caller.Identity{
		UserID:     user.ID,
		Role:       kind.RoleUser,
		Reputation: kind.ReputationTrusted,
		Scopes:     kind.AllScopes(kind.RoleUser),
		Surface:    kind.SurfaceCLI,
		TimeZone:   "UTC",
	})
	people := events / campaigns / perPerson
	start := store.Now().Add(-(hours + 24) * time.Hour).Truncate(24 * time.Hour)
	var work sync.WaitGroup
	faults := make([]error, writers)
	for writer := range writers {
		work.Go(func() {
			for id := int64(writer + 1); id <= campaigns && faults[writer] == nil; id += writers {
				faults[writer] = fill(as, db, user.ID, id, people, start)
			}
		})
	}
	work.Wait()
	return user.Key, errors.Join(faults...)
}

// fill writes one campaign.
func fill(ctx context.Context, db *store.Store, owner, id int64, people int, start time.Time) error {
	first, err := count(ctx, db.Client(ctx), id, people, start)
	if err != nil {
		return err
	}
	conn, err := db.Pools()[0].Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if db.Dialect() == "mysql" {
		_, _ = conn.ExecContext(ctx, "SET SESSION sql_log_bin=0") // faster where it is allowed
		defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "SET SESSION sql_log_bin=1") }()
	}
	if _, err := conn.ExecContext(ctx, insert(db.Dialect(), owner, id, people, first, start)); err != nil {
		return fmt.Errorf("events of campaign %d: %w", id, err)
	}
	return nil
}

// count writes a campaign and its counters, and returns the id of its first link. Person p belongs
// to hour p modulo hours, and likewise to a link and a domain.
func count(
	ctx context.Context, client *ent.Client, id int64, people int, start time.Time,
) (firstLink int64, err error) {
	n, name := int64(people), fmt.Sprintf("Newsletter %02d", id)
	err = client.Campaign.Create().
		SetID(id).SetName(name).SetNameKey(strings.ToLower(name)).SetCreatedAt(start).
		SetLastActivityAt(start).SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()).
		SetSendingStartedAt(start).SetSendingFinishedAt(start.Add(hours * time.Hour)).
		SetTotalRecipients(n).SetTotalSent(n).SetTotalDelivered(n).SetTotalOpens(n).
		SetUniqueOpens(n).SetTotalClicks(n).SetUniqueClicks(n).Exec(ctx)
	if err != nil {
		return 0, err
	}
	var byHour []*ent.HourlyCounterCreate
	for h := range hours {
		n := share(people, hours, h)
		hour := start.Add(time.Duration(h) * time.Hour)
		byHour = append(byHour, client.HourlyCounter.Create().SetCampaignID(id).SetHour(hour).
			SetSent(n).SetDelivered(n).SetOpens(n).SetUniqueOpens(n).SetClicks(n).SetUniqueClicks(n))
	}
	if err := client.HourlyCounter.CreateBulk(byHour...).Exec(ctx); err != nil {
		return 0, err
	}
	var byDomain []*ent.DomainCounterCreate
	for d := range domains {
		n := share(people, domains, d)
		domain := fmt.Sprintf("mail%d.example", d)
		byDomain = append(byDomain, client.DomainCounter.Create().SetCampaignID(id).SetDomain(domain).
			SetSent(n).SetDelivered(n).SetUniqueOpens(n).SetUniqueClicks(n))
	}
	if err := client.DomainCounter.CreateBulk(byDomain...).Exec(ctx); err != nil {
		return 0, err
	}
	firstLink = (id-1)*links + 1
	var byLink []*ent.LinkCounterCreate
	for l := range links {
		n, url := share(people, links, l), fmt.Sprintf("https://www.example.com/article/%d", l)
		byLink = append(byLink, client.LinkCounter.Create().SetID(firstLink+int64(l)).SetCampaignID(id).
			SetURL(url).SetURLHash(fmt.Sprintf("%064x", l)).SetClicks(n).SetUniqueClicks(n))
	}
	return firstLink, client.LinkCounter.CreateBulk(byLink...).Exec(ctx)
}

// share returns how many of the numbers below n are equal to r modulo m.
func share(n, m, r int) int64 { return int64((n - r + m - 1) / m) }

// insert returns the statement that writes the events of a campaign. It generates the numbers below
// their count from digits; each number becomes one event.
func insert(dialect string, owner, id int64, people int, firstLink int64, start time.Time) string {
	const digit = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	var number, from strings.Builder
	for i, place := 0, 1; place == 1 || place < people*perPerson; i, place = i+1, place*10 {
		if i > 0 {
			number.WriteString("+")
			from.WriteString(" CROSS JOIN ")
		}
		fmt.Fprintf(&number, "%d*d%d.d", place, i)
		fmt.Fprintf(&from, "%s AS d%d", digit, i)
	}
	key, at, half := "CONCAT('%d-',LPAD(HEX(n),24,'0'))", "TIMESTAMP'%s'+INTERVAL (p %% %d) HOUR+INTERVAL k MINUTE", "n DIV"
	domain := "CONCAT('mail',p %% %d,'.example')"
	if dialect == "sqlite3" {
		key, half, domain = "printf('%d-%%024X',n)", "n /", "'mail' || (p %% %d) || '.example'"
		at = "strftime('%%Y-%%m-%%d %%H:%%M:%%S+00:00','%s','+'||(p %% %d)||' hours','+'||k||' minutes')"
	}
	return fmt.Sprintf(
		`INSERT INTO events (id,user_id,campaign_id,contact_id,kind,at,automated,link_id,reason,user_agent,ip,amount,currency,domain)
SELECT `+key+`,%d,%d,%d+p,CASE k WHEN 0 THEN '%s' WHEN 1 THEN '%s' WHEN 2 THEN '%s' ELSE '%s' END,`+at+`,0,CASE k WHEN 3 THEN %d+p %% %d END,'','','',0,'',`+domain+`
FROM (SELECT n, %s %d AS p, n %% %d AS k FROM (SELECT %s AS n FROM %s) AS numbers WHERE n<%d) AS e ORDER BY n`,
		id, owner, id, id*10_000_000, kind.EventSent, kind.EventDelivered, kind.EventOpened, kind.EventClicked,
		start.Format("2006-01-02 15:04:05"), hours, firstLink, links, domains,
		half, perPerson, perPerson, number.String(), from.String(), people*perPerson,
	)
}

// recount makes the product recount everything from the events. The recount must find no
// difference.
func recount(ctx context.Context, binary, address string) error {
	command := exec.CommandContext(ctx, binary, "recount")
	command.Env = append(os.Environ(), "CAMPAIGNQL_DATABASE="+address)
	var faults bytes.Buffer
	command.Stderr = &faults
	printed, err := command.Output()
	if err != nil {
		return fmt.Errorf("campaignql recount: %w: %s", err, faults.Bytes())
	}
	fmt.Printf("  recounted: %s\n", bytes.TrimSpace(printed))
	return nil
}
