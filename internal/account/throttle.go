package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/loginattempt"
	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// window is the span in which failures are counted: whole minutes of the clock, so that several servers count in the same row.
const window = time.Minute

// counters are the rows in which failures of one login count: that of the name and that of the address, in this minute.
type counters struct {
	s   *Service
	ids []string
	end time.Time
}

// counters returns those of a folded name and an address; an empty one counts nothing. Names that nobody has count like any other.
func (s *Service) counters(name, remoteAddr string) *counters {
	start := s.now().Truncate(window)
	c := &counters{s: s, end: start.Add(window)}
	if name != "" {
		c.ids = append(c.ids, counterID("name", name, start))
	}
	if address := origin(remoteAddr); address != "" {
		c.ids = append(c.ids, counterID("address", address, start))
	}
	slices.Sort(c.ids) // one order of locking for all
	return c
}

func counterID(what, value string, start time.Time) string {
	sum := sha256.Sum256([]byte(what + "\x00" + value))
	return hex.EncodeToString(sum[:]) + "-" + strconv.FormatInt(start.Unix()/int64(window/time.Second), 10)
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

// check returns a Limited error when one of the counters is full.
func (c *counters) check(ctx context.Context) error {
	if len(c.ids) == 0 {
		return nil
	}
	full, err := c.s.db.Client(ctx).LoginAttempt.Query().
		Where(loginattempt.IDIn(c.ids...), loginattempt.FailuresGTE(c.s.failures)).
		Exist(ctx)
	if err != nil {
		return store.Translate(err)
	}
	if !full {
		return nil
	}
	wait := max(c.end.Sub(c.s.now()), time.Second).Round(time.Second)
	return &apperr.Error{
		Code:       apperr.Limited,
		Reason:     "login_limited",
		Message:    "too many failed logins: try again in " + strconv.Itoa(int(wait/time.Second)) + " seconds",
		RetryAfter: wait,
	}
}

// fail counts one failure and returns the error of a failed login. It counts also when the client has gone: leaving early must not make a
// guess free.
func (c *counters) fail(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if len(c.ids) == 0 {
		return errLogin()
	}
	err := c.s.db.Tx(ctx, func(ctx context.Context) error {
		client := c.s.db.Client(ctx).LoginAttempt
		rows := make([]*ent.LoginAttemptCreate, len(c.ids))
		for i, id := range c.ids {
			rows[i] = client.Create().SetID(id).SetFailures(1).SetExpiresAt(c.end.Add(window))
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
