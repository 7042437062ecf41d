package event

import (
	"context"
	"fmt"

	"campaignql/ent"
	"campaignql/ent/migrationfinding"
	"campaignql/ent/pendingrecount"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// RecountPending recounts the campaigns whose counters a migration could not keep, because it
// changed whom their events belong to, and the soft bounces in a row of the contacts that it made. It
// records what it corrects as findings of the migration, and calls tell with it. If it is interrupted,
// the next call goes on with what is left. The caller needs the scope admin.
func (s *Service) RecountPending(ctx context.Context, tell func(fmt.Stringer)) error {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return err
	}
	for after := int64(0); after < store.PendingContacts; {
		left, err := s.db.Client(ctx).PendingRecount.Query().
			Where(pendingrecount.IDGT(after)).
			Order(pendingrecount.ByID()).
			Limit(rowsAtOnce).
			All(ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, pending := range left {
			if pending.ID == store.PendingContacts {
				err = s.adoptContacts(ctx, tell)
			} else {
				err = s.recountPending(ctx, pending, tell)
			}
			if err != nil {
				return err
			}
			after = pending.ID
		}
	}
	return nil
}

// recountPending recounts a campaign, and records the differences and that it is done. If the process
// ends before that, the next recount finds no difference and the report lacks them; the counters are
// right.
func (s *Service) recountPending(ctx context.Context, pending *ent.PendingRecount, tell func(fmt.Stringer)) error {
	found, err := s.Recount(ctx, pending.ID)
	if err != nil && apperr.CodeOf(err) != apperr.NotFound { // not found: deleted since
		return err
	}
	texts := make([]string, len(found))
	for i, d := range found {
		texts[i] = d.String()
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.report(ctx, pending.UserID, pending.ID, texts...); err != nil {
			return err
		}
		return s.done(ctx, pending.ID)
	})
	for _, d := range found {
		tell(d)
	}
	return err
}

// report records findings of the migration in the running transaction.
func (s *Service) report(ctx context.Context, ownerID, target int64, texts ...string) error {
	client := s.db.Client(ctx)
	rows := make([]*ent.MigrationFindingCreate, len(texts))
	for i, text := range texts {
		rows[i] = client.MigrationFinding.Create().
			SetUserID(ownerID).SetVersion(store.ContactsVersion).SetKind(kind.FindingRecount).
			SetTargetID(target).SetText(cut(text))
	}
	if len(rows) == 0 {
		return nil
	}
	return client.MigrationFinding.CreateBulk(rows...).Exec(ctx)
}

func (s *Service) done(ctx context.Context, pending int64) error {
	_, err := s.db.Client(ctx).PendingRecount.Delete().Where(pendingrecount.ID(pending)).Exec(ctx)
	return err
}

// adoptContacts counts the soft bounces in a row of contacts that a migration made of subscribers. It
// tells of the contacts that reach the limit by them.
func (s *Service) adoptContacts(ctx context.Context, tell func(fmt.Stringer)) error {
	_, err := s.eachContact(ctx, s.adopted, s.adopt, func(d ContactDifference) error {
		if d.stopped() {
			tell(d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.done(ctx, store.PendingContacts)
}

// stopped reports whether the contact is undeliverable only since the correction.
func (d ContactDifference) stopped() bool {
	return d.Is.Deliverability == kind.BounceHard && d.Was.Deliverability != kind.BounceHard
}

// adopted is the rebuild of contacts that a migration made. Of subscribers more was known than their
// bounces tell: their owner made them deliverable again, or told of a soft bounce.
func (s *Service) adopted(c *ent.Contact, of bounces) (to contact.State, undone bool) {
	switch c.Deliverability {
	case kind.BounceNone:
		return stateOf(c), of.hard || of.row > 0
	case kind.BounceSoft:
		if of.hard || !of.soft {
			return toldByOwner, of.hard
		}
		return s.after(c, of.row), false
	default:
		return s.rebuilt(c, of)
	}
}

// adopt writes the states of locked contacts, and records findings.
func (s *Service) adopt(ctx context.Context, found []ContactDifference) error {
	for _, d := range found {
		if d.undone {
			if err := s.people.SetDeliverability(ctx, d.ContactID, kind.BounceNone); err != nil {
				return err
			}
		}
		if d.stopped() {
			if err := s.report(ctx, d.owner, d.ContactID, d.String()); err != nil {
				return err
			}
		}
	}
	return s.people.Mark(ctx, statesOf(found))
}

// Findings calls tell with the lines of the reports of all migrations, in the order in which they
// were found. The caller needs the scope admin.
func (s *Service) Findings(ctx context.Context, tell func(*ent.MigrationFinding) error) error {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return err
	}
	for after := int64(0); ; {
		some, err := s.db.Client(ctx).MigrationFinding.Query().
			Where(migrationfinding.IDGT(after)).
			Order(migrationfinding.ByID()).
			Limit(rowsAtOnce).
			All(ctx)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, finding := range some {
			if err := tell(finding); err != nil {
				return err
			}
		}
		after = some[len(some)-1].ID
	}
}
