package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
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

// window is how long a failure counts, to the second: failures of one second count in one row, the
// same one for all servers.
const window = time.Minute

// perAddress is how many times the failures of one name may come from one address: many people may be
// behind it.
const perAddress = 10

// counters are where the failures of one login count.
type counters struct {
	s *Service
	// limits are how many failures fill each counter.
	limits map[string]int
	// name counts the failures of the name, pair those of the name from the address; empty for none.
	name, pair string
	// fromHere is how many failures pair had when it was checked last.
	fromHere int
}

// counters returns those of a folded name and an address; an empty one counts nothing. Names that nobody
// has count like any other. One address may fail as often for a name as all addresses together, but it
// counts for the name only up to the half of it: it cannot keep the owner out who comes from elsewhere.
func (s *Service) counters(name, remoteAddr string) *counters {
	c := &counters{s: s, limits: map[string]int{}}
	address := origin(remoteAddr)
	if name != "" {
		c.name = counterOf("name", name)
		c.limits[c.name] = s.failures
	}
	if address != "" {
		c.limits[counterOf("address", address)] = perAddress * s.failures
	}
	if name != "" && address != "" {
		c.pair = counterOf("name and address", name+"\x00"+address)
		c.limits[c.pair] = s.failures
	}
	return c
}

// failing returns the counters that a failure now counts in, in one order of locking for all.
func (c *counters) failing() []string {
	all := slices.Sorted(maps.Keys(c.limits))
	if c.pair == "" || c.fromHere < (c.s.failures+1)/2 {
		return all
	}
	return slices.DeleteFunc(all, func(counter string) bool { return counter == c.name })
}

func counterOf(what, value string) string {
	sum := sha256.Sum256([]byte(what + "\x00" + value))
	return hex.EncodeToString(sum[:])
}

// counterID names the row of a second. The rows of one counter are a range of ids in the order of time.
func counterID(counter string, at time.Time) string {
	return fmt.Sprintf("%s-%010d", counter, at.Unix())
}

// origin is what failures of an address count by: the address without port, or the /64 network of
// IPv6, which one customer has to itself.
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

// check returns a Limited error when one of the counters is full, until so many of its failures are
// past that it no longer is.
func (c *counters) check(ctx context.Context) error {
	if len(c.limits) == 0 {
		return nil
	}
	now := c.s.now().Truncate(time.Second)
	var ranges []predicate.LoginAttempt
	for _, counter := range slices.Sorted(maps.Keys(c.limits)) {
		ranges = append(
			ranges,
			loginattempt.And(
				loginattempt.IDGT(counterID(counter, now.Add(-window))),
				loginattempt.IDLTE(counterID(counter, now.Add(window))),
			),
		)
	}
	rows, err := c.s.db.Client(ctx).
		LoginAttempt.Query().
		Where(loginattempt.Or(ranges...)).
		Order(loginattempt.ByID(entsql.OrderDesc())).
		All(ctx)
	if err != nil {
		return store.Translate(err)
	}
	failures := make(map[string]int, len(c.limits))
	var wait time.Duration
	for _, row := range rows { // newest first: the one that fills a counter is the one to wait for
		counter, second, _ := strings.Cut(row.ID, "-")
		before := failures[counter]
		failures[counter] += row.Failures
		if at, err := strconv.ParseInt(
			second,
			10,
			64,
		); err == nil && before < c.limits[counter] &&
			failures[counter] >= c.limits[counter] {
			wait = max(wait, time.Unix(at, 0).Add(window).Sub(now))
		}
	}
	c.fromHere = failures[c.pair]
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

// fail counts one failure and returns the error of a failed login. It counts also when the client
// has gone: leaving early must not make a guess free.
func (c *counters) fail(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	what := c.failing()
	if len(what) == 0 {
		return errLogin()
	}
	now := c.s.now().Truncate(time.Second)
	err := c.s.db.Tx(ctx, func(ctx context.Context) error {
		client := c.s.db.Client(ctx).LoginAttempt
		rows := make([]*ent.LoginAttemptCreate, len(what))
		for i, counter := range what {
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
