package campaign

import (
	"context"
	"slices"
	"strconv"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	"campaignql/ent/event"
	"campaignql/ent/linkcounter"
	"campaignql/ent/purge"
	"campaignql/internal/caller"
	"campaignql/internal/store"
)

const (
	// purgedAtOnce is how many rows one statement of Purge deletes.
	purgedAtOnce = 2000
	// purgesAtOnce is how many deleted campaigns are noted, or read, at a time.
	purgesAtOnce = 1000
)

// toPurge notes in the transaction that deletes campaigns what is left of them.
func (s *Service) toPurge(ctx context.Context, deleted []*ent.Campaign) error {
	client := s.db.Client(ctx).Purge
	for some := range slices.Chunk(deleted, purgesAtOnce) {
		rows := make([]*ent.PurgeCreate, len(some))
		for i, c := range some {
			rows[i] = client.Create().SetUserID(c.UserID).SetCampaignID(c.ID)
		}
		if err := client.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Deleted tells that campaigns were deleted through this service: Purge has something to do.
func (s *Service) Deleted() <-chan struct{} { return s.deleted }

// Purge deletes what deleted campaigns have left, until nothing is, and returns how many rows it deleted. It is the server's own work, for every account. Each
// statement deletes a bounded number of rows, in a transaction by itself, so that no lock is held for long; what was broken off goes on with the next call, in
// this process or another, and several servers may purge at once. Nothing is recorded for a campaign that is deleted, so that nothing follows.
func (s *Service) Purge(ctx context.Context) (int, error) {
	ctx = caller.System(ctx)
	total := 0
	for {
		left, err := s.db.Client(ctx).Purge.Query().Order(purge.ByID()).Limit(purgesAtOnce).All(ctx)
		if err != nil || len(left) == 0 {
			return total, store.Translate(err)
		}
		for _, p := range left {
			n, err := s.purge(ctx, p)
			total += n
			if err != nil {
				return total, store.Translate(err)
			}
		}
	}
}

func (s *Service) purge(ctx context.Context, p *ent.Purge) (total int, err error) {
	for _, some := range []func(context.Context, int64) (int, error){s.purgeEvents, s.purgeLinks, s.purgeDomains} {
		n, err := some(ctx, p.CampaignID)
		total += n
		if err != nil {
			return total, err
		}
	}
	_, err = s.db.Client(ctx).Purge.Delete().Where(purge.ID(p.ID)).Exec(ctx)
	return total, err
}

// purgeEvents deletes the events of a campaign along the primary key, of which they are one range. Each statement begins where the last ended: from the
// beginning MySQL would step over what it has deleted and not yet removed.
func (s *Service) purgeEvents(ctx context.Context, campaignID int64) (total int, err error) {
	prefix := strconv.FormatInt(campaignID, 10)
	after, behind := prefix+"-", prefix+"." // "." follows "-"
	for last := false; !last; {
		ends, err := s.db.Client(ctx).Event.Query().Where(event.IDGT(after), event.IDLT(behind)).Order(event.ByID()).Offset(s.purged - 1).Limit(1).IDs(ctx)
		if err != nil {
			return total, err
		}
		until := event.IDLT(behind)
		if last = len(ends) == 0; !last {
			until = event.IDLTE(ends[0])
		}
		n, err := s.deleteSome(ctx, func(ctx context.Context) (int, error) {
			return s.db.Client(ctx).Event.Delete().Where(event.IDGT(after), until).Exec(ctx)
		})
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
	return s.purgeRows(ctx,
		func() ([]int64, error) {
			return s.db.Client(ctx).LinkCounter.Query().Where(linkcounter.CampaignID(campaignID)).Limit(s.purged).IDs(ctx)
		},
		func(ctx context.Context, ids []int64) (int, error) {
			return s.db.Client(ctx).LinkCounter.Delete().Where(linkcounter.IDIn(ids...)).Exec(ctx)
		})
}

func (s *Service) purgeDomains(ctx context.Context, campaignID int64) (int, error) {
	return s.purgeRows(ctx,
		func() ([]int64, error) {
			return s.db.Client(ctx).DomainCounter.Query().Where(domaincounter.CampaignID(campaignID)).Limit(s.purged).IDs(ctx)
		},
		func(ctx context.Context, ids []int64) (int, error) {
			return s.db.Client(ctx).DomainCounter.Delete().Where(domaincounter.IDIn(ids...)).Exec(ctx)
		})
}

// purgeRows deletes what find finds, until that is nothing.
func (s *Service) purgeRows(ctx context.Context, find func() ([]int64, error), remove func(context.Context, []int64) (int, error)) (total int, err error) {
	for {
		ids, err := find()
		if err != nil || len(ids) == 0 {
			return total, err
		}
		slices.Sort(ids)
		n, err := s.deleteSome(ctx, func(ctx context.Context) (int, error) { return remove(ctx, ids) })
		total += n
		if err != nil {
			return total, err
		}
	}
}

// deleteSome runs one statement in a transaction in which MySQL locks the rows alone and not what lies between: there other campaigns' may be about to stand.
func (s *Service) deleteSome(ctx context.Context, remove func(context.Context) (int, error)) (n int, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) (err error) {
		n, err = remove(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	if s.onPurged != nil {
		s.onPurged(n)
	}
	return n, nil
}
