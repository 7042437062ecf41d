// Package purge owns what deleted campaigns, lists, custom fields and labels of people leave
// behind, which may be millions of rows: it notes that in the transaction that deletes them, and
// deletes it afterwards, in one loop for every kind. It must not know why something is deleted, nor
// by whom. The store hides meanwhile what waits to be deleted.
package purge

import (
	"context"
	"errors"
	"slices"

	"campaignql/ent"
	"campaignql/ent/audiencepurge"
	"campaignql/ent/hourlycounter"
	entpurge "campaignql/ent/purge"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// rowsAtOnce is how many rows one transaction of Purge deletes.
	rowsAtOnce = 2000
	// statementsRead is for how many such statements the ids of rows are read, and held, at a time:
	// MySQL steps over deleted rows that it has not removed yet with each read from the start.
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

// Note notes, in the running transaction, what things of a kind leave behind that it deletes. Once
// it has committed nothing of that is seen any more. The transaction has locked those things before
// and everybody who writes for one of them locks it too, so nothing follows: the lists that people
// are put onto, the fields that values are written for, the tags that are put on people. It costs a
// statement for each thousand of them.
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

// NoteCampaigns is Note for campaigns: their events, links and mail domains remain. They have a
// table of their own, which evaluating audiences reads. The counters of their hours are deleted at
// once, since they are read by account and not by campaign.
func (s *Service) NoteCampaigns(ctx context.Context, left []Left) error {
	client := s.db.Client(ctx)
	ids := make([]int64, len(left))
	for i, l := range left {
		ids[i] = l.ID
	}
	if _, err := client.HourlyCounter.Delete().Where(hourlycounter.CampaignIDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	for some := range slices.Chunk(left, notesAtOnce) {
		rows := make([]*ent.PurgeCreate, len(some))
		for i, l := range some {
			rows[i] = client.Purge.Create().SetUserID(l.OwnerID).SetCampaignID(l.ID)
		}
		if err := client.Purge.CreateBulk(rows...).Exec(ctx); err != nil {
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

// Purge deletes what deleted things of every kind have left, and returns how many rows it deleted,
// with the errors of those that failed. One that fails holds up no other, and the next call tries
// it again. Notes of a kind that only a newer server knows are left to that server. It is the
// server's own work, for every account. Each transaction deletes a bounded number of rows, so no
// lock is held for long. What was interrupted goes on with the next call, in this process or
// another, and several servers may purge at once.
func (s *Service) Purge(ctx context.Context) (int, error) {
	ctx = store.WithDeleted(caller.System(ctx))
	var total int
	var failed error
	for _, notes := range []func(ctx context.Context, after int64) ([]note, error){s.ofCampaigns, s.ofAudience} {
		n, err := purgeAll(ctx, notes)
		total += n
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			return total, store.Translate(ctx.Err())
		}
	}
	return total, failed
}

// note is one deleted thing of which rows remain.
type note struct {
	id int64
	// rows deletes what remains, and returns how many rows that were; nil for an unknown kind.
	rows func(ctx context.Context) (int, error)
	// forget deletes the note.
	forget func(ctx context.Context) (int, error)
}

// purgeAll purges the notes of one table in the order of their ids.
func purgeAll(
	ctx context.Context, read func(ctx context.Context, after int64) ([]note, error),
) (total int, failed error) {
	for after := int64(0); ; {
		notes, err := read(ctx, after)
		if err != nil || len(notes) == 0 {
			return total, errors.Join(failed, store.Translate(err))
		}
		after = notes[len(notes)-1].id
		for _, p := range notes {
			n, err := p.purge(ctx)
			total += n
			if ctx.Err() != nil {
				return total, failed
			}
			failed = errors.Join(failed, store.Translate(err))
		}
	}
}

func (p note) purge(ctx context.Context) (int, error) {
	if p.rows == nil {
		return 0, nil
	}
	n, err := p.rows(ctx)
	if err == nil {
		_, err = p.forget(ctx)
	}
	return n, err
}

func (s *Service) ofAudience(ctx context.Context, after int64) ([]note, error) {
	client := s.db.Client(ctx).AudiencePurge
	left, err := client.Query().Where(audiencepurge.IDGT(after)).Order(audiencepurge.ByID()).Limit(notesAtOnce).All(ctx)
	rows := map[kind.Deleted]func(ctx context.Context, id int64) (int, error){
		kind.DeletedList: s.purgePeople, kind.DeletedField: s.purgeValues, kind.DeletedTag: s.purgeTaggings,
	}
	notes := make([]note, len(left))
	for i, l := range left {
		notes[i] = note{id: l.ID, forget: client.Delete().Where(audiencepurge.ID(l.ID)).Exec}
		if purge, known := rows[l.Kind]; known {
			notes[i].rows = func(ctx context.Context) (int, error) { return purge(ctx, l.TargetID) }
		}
	}
	return notes, err
}

func (s *Service) ofCampaigns(ctx context.Context, after int64) ([]note, error) {
	client := s.db.Client(ctx).Purge
	left, err := client.Query().Where(entpurge.IDGT(after)).Order(entpurge.ByID()).Limit(notesAtOnce).All(ctx)
	notes := make([]note, len(left))
	for i, l := range left {
		notes[i] = note{
			id:     l.ID,
			rows:   func(ctx context.Context) (int, error) { return s.purgeCampaign(ctx, l.CampaignID) },
			forget: client.Delete().Where(entpurge.ID(l.ID)).Exec,
		}
	}
	return notes, err
}

// delete runs statements that delete in a transaction in which MySQL locks the rows alone and not
// the gaps between them: others may be about to insert there.
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

// rows deletes what find finds, until that is nothing: find returns that many ids at most, and
// remove deletes the rows that they name.
func (s *Service) rows(
	ctx context.Context,
	find func(most int) ([]int64, error),
	remove func(ctx context.Context, ids []int64) (int, error),
) (total int, err error) {
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
