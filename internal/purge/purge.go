// Package purge owns what deleted lists, custom fields and labels of people leave behind, which may be millions of rows: that it is noted in the transaction
// that deletes them, and that it is deleted afterwards. It must not know why something is deleted, nor by whom. That nothing of it is seen meanwhile is the
// store's.
package purge

import (
	"context"
	"errors"
	"slices"

	"campaignql/ent"
	"campaignql/ent/audiencepurge"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// rowsAtOnce is how many rows one transaction of Purge deletes.
	rowsAtOnce = 2000
	// statementsRead is for how many such statements the ids of rows are read, and held, at a time: reading them from the beginning again MySQL steps over all
	// that is deleted and not yet removed.
	statementsRead = 50
	// notesAtOnce is how many deleted things are noted, or read, at a time.
	notesAtOnce = 1000
)

// Service notes and purges. Its methods may be used from many goroutines.
type Service struct {
	db      *store.Store
	deleted chan struct{}
	atOnce  int
	// onPurged, if not nil, is called after each transaction of Purge that deletes. Tests set it.
	onPurged func(n int)
}

// New returns the service over an open database.
func New(db *store.Store) *Service {
	return &Service{db: db, deleted: make(chan struct{}, 1), atOnce: rowsAtOnce}
}

// Left is something deleted that leaves rows behind.
type Left struct{ OwnerID, ID int64 }

// Note notes, in the running transaction, what things of a kind leave behind that it deletes. Once it has committed nothing of that is seen any more. The
// transaction has locked those things before and whoever writes for one of them locks it too, so that nothing follows: the lists that people are put onto, the
// fields that values are written for, the tags that are put on people. It costs a statement for each thousand of them.
func (s *Service) Note(ctx context.Context, what kind.Deleted, left []Left) error {
	client := s.db.Client(ctx).AudiencePurge
	for some := range slices.Chunk(left, notesAtOnce) {
		rows := make([]*ent.AudiencePurgeCreate, len(some))
		for i, l := range some {
			rows[i] = client.Create().SetUserID(l.OwnerID).SetKind(what).SetTargetID(l.ID)
		}
		if err := client.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Committed tells that a transaction has noted something: Purge has something to do.
func (s *Service) Committed() {
	select {
	case s.deleted <- struct{}{}:
	default: // it is known already
	}
}

// Deleted tells that something was deleted through this process: Purge has something to do.
func (s *Service) Deleted() <-chan struct{} { return s.deleted }

// Purge deletes what deleted things have left, and returns how many rows it deleted, with the errors of those that failed, which hold up no other and are for
// the next call. What a newer server has noted of a kind unknown here is left to it. It is the server's own work, for every account. Each
// transaction deletes a bounded number of rows, so that no lock is held for long; what was broken off goes on with the next call, in this process or another,
// and several servers may purge at once.
func (s *Service) Purge(ctx context.Context) (int, error) {
	ctx = store.WithDeleted(caller.System(ctx))
	var failed error
	for total, after := 0, int64(0); ; {
		left, err := s.db.Client(ctx).AudiencePurge.Query().Where(audiencepurge.IDGT(after)).Order(audiencepurge.ByID()).Limit(notesAtOnce).All(ctx)
		if err != nil || len(left) == 0 {
			return total, errors.Join(failed, store.Translate(err))
		}
		after = left[len(left)-1].ID
		for _, l := range left {
			n, err := s.purge(ctx, l)
			total += n
			if ctx.Err() != nil {
				return total, store.Translate(ctx.Err())
			}
			failed = errors.Join(failed, store.Translate(err)) // one that fails holds up no other
		}
	}
}

func (s *Service) purge(ctx context.Context, l *ent.AudiencePurge) (n int, err error) {
	switch l.Kind {
	case kind.DeletedList:
		n, err = s.purgePeople(ctx, l.TargetID)
	case kind.DeletedField:
		n, err = s.purgeValues(ctx, l.TargetID)
	case kind.DeletedTag:
		n, err = s.purgeTaggings(ctx, l.TargetID)
	default:
		return 0, nil // a newer server noted it
	}
	if err != nil {
		return n, err
	}
	_, err = s.db.Client(ctx).AudiencePurge.Delete().Where(audiencepurge.ID(l.ID)).Exec(ctx)
	return n, err
}

// delete runs statements that delete in a transaction in which MySQL locks the rows alone and not what lies between: there others may be about to stand.
func (s *Service) delete(ctx context.Context, remove ...func(ctx context.Context) (int, error)) (total int, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		total = 0
		for _, some := range remove {
			n, err := some(ctx)
			if err != nil {
				return err
			}
			total += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if s.onPurged != nil {
		s.onPurged(total)
	}
	return total, nil
}

// rows deletes what find finds, until that is nothing: find returns that many ids at most, and remove deletes the rows that they name.
func (s *Service) rows(ctx context.Context, find func(most int) ([]int64, error), remove func(ctx context.Context, ids []int64) (int, error)) (total int, err error) {
	for {
		ids, err := find(s.atOnce * statementsRead)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		slices.Sort(ids)
		for some := range slices.Chunk(ids, s.atOnce) {
			n, err := s.delete(ctx, func(ctx context.Context) (int, error) { return remove(ctx, some) })
			total += n
			if err != nil {
				return total, err
			}
		}
	}
}
