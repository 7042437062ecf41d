package purge

import (
	"context"
	"strconv"

	"campaignql/ent/domaincounter"
	"campaignql/ent/event"
	"campaignql/ent/linkcounter"
)

// purgeCampaign deletes the runs, events, links and mail domains of a campaign. No new ones can follow,
// because nothing is recorded for a deleted campaign.
func (s *Service) purgeCampaign(ctx context.Context, campaignID int64) (total int, err error) {
	for _, some := range []func(context.Context, int64) (int, error){
		s.purgeRuns, s.purgeEvents, s.purgeLinks, s.purgeDomains,
	} {
		n, err := some(ctx, campaignID)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// purgeEvents deletes the events of a campaign along the primary key, in which they are one range.
// Each statement starts where the last one ended. If it started at the beginning of the range,
// MySQL would scan all rows that are deleted but not yet removed. The contacts that nothing else
// remembers go with their events.
func (s *Service) purgeEvents(ctx context.Context, campaignID int64) (total int, err error) {
	prefix := strconv.FormatInt(campaignID, 10)
	after, beyond := prefix+"-", prefix+"." // "." follows "-"
	for last := false; !last; {
		ends, err := s.db.Client(ctx).Event.Query().Where(event.IDGT(after), event.IDLT(beyond)).
			Order(event.ByID()).Offset(s.atOnce - 1).Limit(1).IDs(ctx)
		if err != nil {
			return total, err
		}
		until := event.IDLT(beyond)
		if last = len(ends) == 0; !last {
			until = event.IDLTE(ends[0])
		}
		var contacts []int64
		n, err := s.delete(ctx,
			func(ctx context.Context) (int, error) {
				contacts = nil // an attempt before may have been aborted
				return 0, s.db.Client(ctx).Event.Query().Where(event.IDGT(after), until).
					Unique(true).Select(event.FieldContactID).Scan(ctx, &contacts)
			},
			func(ctx context.Context) (int, error) {
				return s.db.Client(ctx).Event.Delete().Where(event.IDGT(after), until).Exec(ctx)
			},
			func(ctx context.Context) (int, error) { return 0, s.contacts.Drop(ctx, contacts) },
		)
		total += n
		if err != nil {
			return total, err
		}
		if !last {
			after = ends[0]
		}
	}
	return total, nil
}

func (s *Service) purgeLinks(ctx context.Context, campaignID int64) (int, error) {
	return s.rows(ctx,
		func(most int) ([]int64, error) {
			return s.db.Client(ctx).LinkCounter.Query().Where(linkcounter.CampaignID(campaignID)).Limit(most).IDs(ctx)
		},
		func(ctx context.Context, ids []int64) (int, error) {
			return s.db.Client(ctx).LinkCounter.Delete().Where(linkcounter.IDIn(ids...)).Exec(ctx)
		})
}

func (s *Service) purgeDomains(ctx context.Context, campaignID int64) (int, error) {
	return s.rows(ctx,
		func(most int) ([]int64, error) {
			return s.db.Client(ctx).
				DomainCounter.Query().
				Where(domaincounter.CampaignID(campaignID)).
				Limit(most).
				IDs(ctx)
		},
		func(ctx context.Context, ids []int64) (int, error) {
			return s.db.Client(ctx).DomainCounter.Delete().Where(domaincounter.IDIn(ids...)).Exec(ctx)
		})
}
