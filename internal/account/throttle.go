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

// window is how long a failure counts, with a precision of one second. Each counter has one row per
// second, which all servers share.
const window = time.Minute

// perAddress is the limit per address as a multiple of the limit per name, because many people may
// share one address.
const perAddress = 10

// counters are the counters that apply to one login.
type counters struct {
	s *Service
	// limits is the number of failures at which each counter is full.
	limits map[string]int
	// name counts the failures of the name, and pair those of the name from this address. Empty
	// means there is no such counter.
	name, pair string
	// fromHere is the value of pair at the last check.
	fromHere int
}

// counters returns the counters of a folded name and an address; for an empty one nothing is
// counted. Names without an account are counted like all others.
//
// The pair of name and address has the same limit as the name alone. But once pair is half full,
// further failures from this address no longer count for the name. So one address cannot lock out
// an owner who logs in from another address.
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

// failing returns the counters to increase after a failure. They are sorted, so that all
// transactions lock them in the same order.
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

// counterID returns the id of a counter's row for one second. The rows of one counter are a range
// of ids in the order of time.
func counterID(counter string, at time.Time) string {
	return fmt.Sprintf("%s-%010d", counter, at.Unix())
}

// origin returns the key under which failures of an address are counted: the address without port,
// or the /64 network of an IPv6 address, because one customer usually owns it.
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

// check returns a Limited error if one of the counters is full. RetryAfter is the time until enough
// of its failures have expired.
func (c *counters) check(ctx context.Context) error {
	if len(c.limits) == 0 {
		return nil
	}
	now := c.s.now().Truncate(time.Second)
	var ranges []predicate.LoginAttempt
	for _, counter := range slices.Sorted(maps.Keys(c.limits)) {
		ranges = append(ranges, loginattempt.And(
			loginattempt.IDGT(counterID(counter, now.Add(-window))),
			loginattempt.IDLTE(counterID(counter, now.Add(window))),
		))
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
	for _, row := range rows { // newest first: wait until the row that reaches the limit expires
		counter, second, _ := strings.Cut(row.ID, "-")
		before := failures[counter]
		failures[counter] += row.Failures
		at, err := strconv.ParseInt(second, 10, 64)
		if err == nil && before < c.limits[counter] && failures[counter] >= c.limits[counter] {
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

// fail counts one failure and returns the error of a failed login. The failure is counted even if
// ctx is canceled, so that a client cannot avoid the count by disconnecting.
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
