package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/loginattempt"
	"campaignql/ent/predicate"
	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// window is how long a failure counts, to the second: failures of one second count in one row, the same one for all servers.
const window = time.Minute

// counters are where failures of one login count: by the name and by the address.
type counters struct {
	s    *Service
	what []string
}

// counters returns those of a folded name and an address; an empty one counts nothing. Names that nobody has count like any other.
func (s *Service) counters(name, remoteAddr string) *counters {
	c := &counters{s: s}
	if name != "" {
		c.what = append(c.what, counterOf("name", name))
	}
	if address := origin(remoteAddr); address != "" {
		c.what = append(c.what, counterOf("address", address))
	}
	slices.Sort(c.what) // one order of locking for all
	return c
}

func counterOf(what, value string) string {
	sum := sha256.Sum256([]byte(what + "\x00" + value))
	return hex.EncodeToString(sum[:])
}

// counterID names the row of a second. The rows of one counter are a range of ids in the order of time.
func counterID(counter string, at time.Time) string {
	return fmt.Sprintf("%s-%010d", counter, at.Unix())
}

// origin is what failures of an address count by: the address without port, or the /64 network of IPv6, which one customer has to itself.
func origin(remoteAddr string) string {
	address, err := netip.ParseAddr(remoteAddr)
	if err != nil {
		withPort, err := netip.ParseAddrPort(remoteAddr)
		if err != nil {
			return remoteAddr
		}
		address = withPort.Addr()
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}

// check returns a Limited error when one of the counters is full, until so many of its failures are past that it no longer is.
func (c *counters) check(ctx context.Context) error {
	if len(c.what) == 0 {
		return nil
	}
	now := c.s.now().Truncate(time.Second)
	ranges := make([]predicate.LoginAttempt, len(c.what))
	for i, counter := range c.what {
		ranges[i] = loginattempt.And(loginattempt.IDGT(counterID(counter, now.Add(-window))), loginattempt.IDLTE(counterID(counter, now.Add(window))))
	}
	rows, err := c.s.db.Client(ctx).LoginAttempt.Query().Where(loginattempt.Or(ranges...)).Order(loginattempt.ByID(entsql.OrderDesc())).All(ctx)
	if err != nil {
		return store.Translate(err)
	}
	failures := make(map[string]int, len(c.what))
	var wait time.Duration
	for _, row := range rows { // newest first: the one that fills a counter is the one to wait for
		counter, second, _ := strings.Cut(row.ID, "-")
		before := failures[counter]
		failures[counter] += row.Failures
		if at, err := strconv.ParseInt(second, 10, 64); err == nil && before < c.s.failures && failures[counter] >= c.s.failures {
			wait = max(wait, time.Unix(at, 0).Add(window).Sub(now))
		}
	}
	if wait == 0 {
		return nil
	}
	return &apperr.Error{
		Code:       apperr.Limited,
		Reason:     apperr.ReasonLoginLimited,
		Message:    "too many failed logins: try again in " + strconv.Itoa(int(wait/time.Second)) + " seconds",
		RetryAfter: wait,
	}
}

// fail counts one failure and returns the error of a failed login. It counts also when the client has gone: leaving early must not make a
// guess free.
func (c *counters) fail(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if len(c.what) == 0 {
		return errLogin()
	}
	now := c.s.now().Truncate(time.Second)
	err := c.s.db.Tx(ctx, func(ctx context.Context) error {
		client := c.s.db.Client(ctx).LoginAttempt
		rows := make([]*ent.LoginAttemptCreate, len(c.what))
		for i, counter := range c.what {
			rows[i] = client.Create().SetID(counterID(counter, now)).SetFailures(1).SetExpiresAt(now.Add(2 * window))
		}
		return client.CreateBulk(rows...).
			OnConflict(entsql.ConflictColumns(loginattempt.FieldID)).
			Update(func(u *ent.LoginAttemptUpsert) { u.AddFailures(1) }).
			Exec(ctx)
	})
	if err != nil {
		return err
	}
	return errLogin()
}
