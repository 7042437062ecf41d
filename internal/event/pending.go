package event

import (
	"context"

	"campaignql/ent"
	"campaignql/ent/migrationfinding"
	"campaignql/ent/pendingrecount"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// RecountPending recounts the campaigns whose counters a migration could not keep, because it
// changed whom their events belong to. It records each difference as a finding of the migration,
// and calls tell with it. If it is interrupted, the next call goes on with the campaigns that are
// left. The caller needs the scope admin.
func (s *Service) RecountPending(ctx context.Context, tell func(Difference)) error {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return err
	}
	for after := int64(0); ; {
		left, err := s.db.Client(ctx).PendingRecount.Query().
			Where(pendingrecount.IDGT(after)).
			Order(pendingrecount.ByID()).
			Limit(rowsAtOnce).
			All(ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, campaign := range left {
			found, err := s.Recount(ctx, campaign.ID)
			if err != nil && apperr.CodeOf(err) != apperr.NotFound { // not found: deleted since
				return err
			}
			if err := s.recounted(ctx, campaign, found); err != nil {
				return err
			}
			for _, d := range found {
				tell(d)
			}
		}
		after = left[len(left)-1].ID
	}
}

// ContactsVersion is the version of the migration that notes campaigns to recount.
const ContactsVersion = 20261130061451

// recounted records the differences of a campaign, and that it is done. If the process ends before
// it, the next recount finds no difference and the report lacks them; the counters are right.
func (s *Service) recounted(ctx context.Context, campaign *ent.PendingRecount, found []Difference) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		rows := make([]*ent.MigrationFindingCreate, len(found))
		for i, d := range found {
			rows[i] = client.MigrationFinding.Create().
				SetUserID(campaign.UserID).SetVersion(ContactsVersion).SetKind(kind.FindingRecount).
				SetTargetID(campaign.ID).SetText(cut(d.String()))
		}
		if len(rows) > 0 {
			if err := client.MigrationFinding.CreateBulk(rows...).Exec(ctx); err != nil {
				return err
			}
		}
		_, err := client.PendingRecount.Delete().Where(pendingrecount.ID(campaign.ID)).Exec(ctx)
		return err
	})
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
