package purge

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/ent/predicate"
	"campaignql/ent/runbatch"
	"campaignql/ent/runcontent"
	"campaignql/ent/runrecipient"
)

// purgeRuns deletes the runs of a campaign with their recipients. The deletion has ended the runs, so
// that no new recipients can follow.
func (s *Service) purgeRuns(ctx context.Context, campaignID int64) (total int, err error) {
	runs, err := s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(campaignID)).IDs(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range runs {
		n, err := s.purgeRecipients(ctx, id)
		total += n
		if err != nil {
			return total, err
		}
		n, err = s.delete(ctx,
			func(ctx context.Context) (int, error) {
				return s.db.Client(ctx).RunBatch.Delete().Where(runbatch.RunID(id)).Exec(ctx)
			},
			func(ctx context.Context) (int, error) {
				return s.db.Client(ctx).RunContent.Delete().Where(runcontent.RunID(id)).Exec(ctx)
			},
			func(ctx context.Context) (int, error) {
				return s.db.Client(ctx).CampaignRun.Delete().Where(campaignrun.ID(id)).Exec(ctx)
			})
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// purgeRecipients deletes the recipients of a run along the primary key, as purgeEvents deletes events.
func (s *Service) purgeRecipients(ctx context.Context, runID int64) (total int, err error) {
	after := int64(0)
	for last := false; !last; {
		var ends []int64
		err := s.db.Client(ctx).RunRecipient.Query().
			Where(runrecipient.RunID(runID), contacts(sql.GT, after)).
			Order(ent.Asc(runrecipient.FieldContactID)).Offset(s.atOnce-1).Limit(1).
			Select(runrecipient.FieldContactID).Scan(ctx, &ends)
		if err != nil {
			return total, err
		}
		which := []predicate.RunRecipient{runrecipient.RunID(runID), contacts(sql.GT, after)}
		if last = len(ends) == 0; !last {
			which = append(which, contacts(sql.LTE, ends[0]))
			after = ends[0]
		}
		n, err := s.delete(ctx, func(ctx context.Context) (int, error) {
			return s.db.Client(ctx).RunRecipient.Delete().Where(which...).Exec(ctx)
		})
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// contacts compares the contact of a recipient.
func contacts(is func(column string, value any) *sql.Predicate, id int64) predicate.RunRecipient {
	return func(s *sql.Selector) { s.Where(is(s.C(runrecipient.FieldContactID), id)) }
}
