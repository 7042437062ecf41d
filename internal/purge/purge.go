// Package purge owns the rows that remain after the deletion of campaigns, lists, custom fields,
// subscriber tags and contacts. There may be millions of them. The transaction that deletes an object
// stores a note here, and one loop for all kinds deletes the remaining rows later; events of contacts
// stay, without what tells of the person. The package must not know why an object was deleted, or by
// which caller. Until then the store hides the remaining rows.
package purge

import (
	"context"
	"errors"
	"slices"

	"campaignql/ent"
	"campaignql/ent/audiencepurge"
	"campaignql/ent/conversionamount"
	"campaignql/ent/hourlycounter"
	entpurge "campaignql/ent/purge"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

const (
	// rowsAtOnce is the number of rows that one transaction of Purge deletes.
	rowsAtOnce = 2000
	// statementsRead is the number of such statements for which row ids are read ahead and kept in
	// memory. A read from the start makes MySQL scan all rows that are deleted but not yet removed.
	statementsRead = 50
	// notesAtOnce is the number of notes per statement.
	notesAtOnce = 1000
)

// Service stores notes and purges rows. Its methods are safe for concurrent use.
type Service struct {
	db       *store.Store
	contacts *contact.Service
	deleted  chan struct{}
	atOnce   int
	// onPurged, if not nil, is called after each transaction of Purge that deletes rows. Tests set
	// it.
	onPurged func(n int)
}

// New returns a Service for an open database.
func New(db *store.Store) *Service {
	contacts := contact.New(db, contact.Options{})
	return &Service{db: db, contacts: contacts, deleted: make(chan struct{}, 1), atOnce: rowsAtOnce}
}

// Left is a deleted object with remaining rows.
type Left struct{ OwnerID, ID int64 }

// Note stores, in the running transaction, notes for deleted objects of one kind. After the commit
// their remaining rows are no longer visible. The caller must have locked the objects before.
// Everyone who writes rows for an object also locks it (the list that a person is added to, the
// field of a value, the tag that is added to a person), so that no new rows can follow. Note runs
// one statement per thousand objects.
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

// NoteCampaigns is Note for campaigns, whose events, links and mail domains remain. Campaigns have
// a table of their own, which the evaluation of audiences reads. The hourly counters and
// amounts of campaigns are deleted at once, because they are read by account and not by campaign.
func (s *Service) NoteCampaigns(ctx context.Context, left []Left) error {
	client := s.db.Client(ctx)
	ids := make([]int64, len(left))
	for i, l := range left {
		ids[i] = l.ID
	}
	if _, err := client.HourlyCounter.Delete().Where(hourlycounter.CampaignIDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	_, err := client.ConversionAmount.Delete().Where(conversionamount.CampaignIDIn(ids...)).Exec(ctx)
	if err != nil {
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

// Committed signals that a transaction with notes was committed, so that Purge has work to do.
func (s *Service) Committed() {
	select {
	case s.deleted <- struct{}{}:
	default: // a signal is already pending
	}
}

// Deleted returns the channel of signals that this process deleted objects, so that Purge has work
// to do.
func (s *Service) Deleted() <-chan struct{} { return s.deleted }

// Purge deletes the remaining rows of deleted objects of every kind. It returns the number of
// deleted rows and the errors of objects that failed. A failed object does not stop the others, and
// the next call retries it. Notes of a kind that only a newer server version knows are left to that
// server. Purge acts for the server itself and covers every account. Each transaction deletes a
// limited number of rows, so that no lock is held for long. After an interruption the next call
// continues, in this or another process. Several servers may purge concurrently.
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

// note is one deleted object with remaining rows.
type note struct {
	id int64
	// rows deletes the remaining rows and returns their number. It is nil for an unknown kind.
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
		kind.DeletedContact: s.purgeContact,
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

// delete runs delete statements in a transaction in which MySQL locks only rows and not the gaps
// between them, because concurrent requests may insert into these gaps.
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

// rows deletes in batches until find returns no more ids. find returns at most the given number of
// ids, and remove deletes their rows.
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
