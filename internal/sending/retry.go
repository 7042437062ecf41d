package sending

import (
	"context"
	"errors"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"campaignql/ent"
	"campaignql/ent/predicate"
	"campaignql/ent/runbatch"
	"campaignql/ent/runrecipient"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// maxCodes is the number of codes that a Selection may name.
const maxCodes = 50

// retriedAtOnce is how many recipients one transaction makes pending again.
const retriedAtOnce = 1000

// retriable are the states from which the owner may have recipients tried again.
var retriable = []kind.RecipientState{kind.RecipientFailed, kind.RecipientUnknown}

// Selection says which recipients of a run are tried again.
type Selection struct {
	// States are failed, unknown or both. None means both.
	States []kind.RecipientState
	// Codes are codes of replies, such as 550 or 5.1.1. None means all.
	Codes []string
}

// code is a code of a reply: one of SMTP, or an enhanced one.
var code = regexp.MustCompile(`^([2-5]\d\d|[245]\.\d{1,3}\.\d{1,3})$`)

func (s Selection) validate() error {
	var faults apperr.Faults
	for i, state := range s.States {
		if !slices.Contains(retriable, state) {
			faults.Add(apperr.InvalidField(
				"states["+strconv.Itoa(i)+"]", apperr.ReasonValueInvalid, "only FAILED and UNKNOWN can be tried again",
			))
		}
	}
	if len(s.Codes) > maxCodes {
		faults.Add(apperr.InvalidField("codes", apperr.ReasonValueInvalid, "at most %d codes are allowed", maxCodes))
	}
	for i, given := range s.Codes[:min(len(s.Codes), maxCodes)] {
		if !code.MatchString(given) {
			faults.Add(apperr.InvalidField("codes["+strconv.Itoa(i)+"]", apperr.ReasonValueInvalid, codeText))
		}
	}
	return faults.Err()
}

const codeText = "must be a code of a reply, such as 550 or 5.1.1"

// normal returns the states in their order, each once.
func (s Selection) normal() Selection {
	given := s.States
	s.States = slices.DeleteFunc(slices.Clone(retriable), func(state kind.RecipientState) bool {
		return len(given) > 0 && !slices.Contains(given, state)
	})
	return s
}

// text describes the selection, for the history.
func (s Selection) text() string {
	states := make([]string, len(s.States))
	for i, state := range s.States {
		states[i] = string(state)
	}
	text := "retries recipients that are " + strings.Join(states, " or ")
	if len(s.Codes) > 0 {
		text += " with " + strings.Join(s.Codes, ", ")
	}
	return text
}

// withCode selects recipients by the codes of their last replies.
func withCode(codes ...string) predicate.RunRecipient {
	var plain []int16
	var enhanced []string
	for _, given := range codes {
		if n, err := strconv.ParseInt(given, 10, 16); err == nil {
			plain = append(plain, int16(n))
		} else {
			enhanced = append(enhanced, given)
		}
	}
	return runrecipient.Or(runrecipient.ReplyCodeIn(plain...), runrecipient.EnhancedCodeIn(enhanced...))
}

// retrying is one call of Retry.
type retrying struct {
	run
	Selection
	// name is the owner of the guard.
	name string
	// batches are the batches of the run in the order of their ranges.
	batches []*ent.RunBatch
	// state is the place in States, and after the contact up to which that state is done.
	state int
	after int64
	// moved are those whom the call has made pending in an earlier state, ascending: it does so once.
	moved []int64
	// done says that nobody is left.
	done bool
	// guard is a batch that this call holds until it is done, or 0, so that the run does not end before.
	guard int64
}

// Retry makes recipients of the latest run of a campaign pending again that are failed or unknown, and
// the campaign Sending. They are tried as if for the first time, with the texts as they are now.
// It returns the campaign as it is afterwards and how many recipients these are. The campaign must be
// Sent, Failed or Paused; otherwise, and if there is no such recipient, the error is Conflict. See
// [campaign.Service.Retry] for approvals.
//
// The first transaction starts the run again with the first recipients, further ones follow with
// retriedAtOnce each. They stop if the campaign is paused or canceled meanwhile: the others stay as
// they are, and a cancellation skips those that were reached. If the call ends in between, the run
// goes on with those that were reached.
func (s *Service) Retry(
	ctx context.Context, call campaign.Call, which Selection,
) (c *ent.Campaign, retried int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, 0, err
	}
	if err := which.validate(); err != nil {
		return nil, 0, err
	}
	which = which.normal()
	var w *retrying
	c, err = s.Campaigns.Retry(ctx, call, campaign.Retry{
		Reason: which.text(), Check: s.checkRetry, Unchanged: s.unchanged,
		Begin: func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) error {
			var err error
			if w, err = s.reopen(ctx, c, emails, which); err != nil {
				return err
			}
			if retried, err = s.retrySome(ctx, w); err == nil && retried == 0 {
				err = errNobody
			}
			return err
		},
	})
	switch {
	case errors.Is(err, errNobody):
		err = errNoRecipients()
	case errors.Is(err, errCanceling):
		err = &apperr.Error{
			Code: apperr.Conflict, Field: "campaignId", Reason: apperr.ReasonRunOpen,
			Message: "the cancellation is still being carried out: try again in a moment",
		}
	}
	if err != nil {
		return nil, 0, err
	}
	s.awake()
	if w.done {
		return c, retried, nil
	}
	for err == nil && !w.done {
		if s.between != nil {
			s.between()
		}
		var n int64
		n, err = s.retryMore(ctx, w)
		retried += n
	}
	if err != nil {
		s.abandon(ctx, w)
		return nil, 0, err
	}
	s.awake()
	c, err = s.Campaigns.Get(ctx, call.ID)
	return c, retried, err
}

// checkRetry returns the gaps of the installation, too: a campaign that is Sending is not held by them.
func (s *Service) checkRetry(ctx context.Context, c *ent.Campaign, emails []*ent.Email) ([]campaign.Gap, error) {
	gaps, err := s.check(ctx, c, emails)
	return append(s.Missing(), gaps...), err
}

// abandon gives back what a call holds that failed. Otherwise the run would wait for the end of its
// lease.
func (s *Service) abandon(ctx context.Context, w *retrying) {
	if err := s.unguard(context.WithoutCancel(ctx), w); err != nil {
		s.Log.WarnContext(ctx, "a batch waits for the end of its lease", "run", w.id, "error", err)
	}
}

// The conflicts of a transaction of Retry.
var (
	errNobody    = errors.New("there is no such recipient")
	errCanceling = errors.New("the run is being canceled")
)

// awake wakes a worker.
func (s *Service) awake() {
	select {
	case s.wake <- struct{}{}:
	default: // one is woken already
	}
}

func errNoRecipients() *apperr.Error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "campaignId", Reason: apperr.ReasonNoRecipients,
		Message: "the latest run of the campaign has no such recipients",
	}
}

// unchanged reports whether the emails of a campaign are those that its latest run has sent.
func (s *Service) unchanged(ctx context.Context, c *ent.Campaign, emails []*ent.Email) (bool, error) {
	last, err := s.latest(ctx, c.ID)
	if err != nil || last == nil {
		return err == nil, err
	}
	stored, err := s.contents.rows(ctx, last.ID)
	return err == nil && slices.EqualFunc(latestContents(stored), emails, sameTexts), err
}

// reopen starts the latest run of a campaign again, under the next epoch. A campaign that is Paused
// must be in the middle of it.
func (s *Service) reopen(
	ctx context.Context, c *ent.Campaign, emails []*ent.Email, which Selection,
) (*retrying, error) {
	last, err := s.latest(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	phase := kind.RunDone
	if c.Status == kind.StatusPaused {
		phase = kind.RunSending
	}
	switch {
	case last == nil, last.Phase != phase && last.Phase != kind.RunCanceling:
		return nil, errNobody
	case last.Phase == kind.RunCanceling:
		return nil, errCanceling
	}
	w := &retrying{run: runOf(last), Selection: which, name: "retry/" + uuid.NewString()}
	w.epoch++
	if w.batches, err = s.ranged(ctx, last.ID); err != nil {
		return nil, err
	}
	err = s.db.Client(ctx).CampaignRun.UpdateOne(last).SetPhase(kind.RunSending).ClearFinishedAt().Exec(ctx)
	if err != nil {
		return nil, err
	}
	return w, s.resume(ctx, last, c, emails)
}

// ranged returns the batches of a run with their ranges, in the order of these.
func (s *Service) ranged(ctx context.Context, runID int64) ([]*ent.RunBatch, error) {
	return s.db.Client(ctx).RunBatch.Query().Where(runbatch.RunID(runID)).
		Order(ent.Asc(runbatch.FieldAfterContact)).
		Select(runbatch.FieldID, runbatch.FieldAfterContact, runbatch.FieldLastContact).All(ctx)
}

// retryMore is retrySome in a transaction of its own. It ends the call if the run does not go on.
func (s *Service) retryMore(ctx context.Context, w *retrying) (n int64, err error) {
	before := *w
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		n, *w = 0, before
		sending, err := s.Campaigns.LockSending(ctx, w.campaign, false)
		if err != nil {
			return err
		}
		r, err := s.lockRun(ctx, w.id)
		if err != nil {
			return err
		}
		if !sending || r == nil || r.Phase != kind.RunSending || r.Epoch != w.epoch {
			w.done = true
			return s.unguard(ctx, w)
		}
		n, err = s.retrySome(ctx, w)
		return err
	})
	return n, err
}

// retrySome makes the next recipients pending, in the running transaction, which has locked the
// campaign and the run. It returns how many.
func (s *Service) retrySome(ctx context.Context, w *retrying) (int64, error) {
	changes := counts{}
	var all []*ent.RunRecipient
	for len(all) < retriedAtOnce && w.state < len(w.States) {
		state, most := w.state, retriedAtOnce-len(all)
		rows, err := s.troubled(ctx, w, most)
		if err != nil {
			return 0, err
		}
		if len(rows) == most {
			w.after = rows[most-1].ContactID
		} else {
			w.state, w.after = w.state+1, 0
		}
		if state > 0 {
			rows = slices.DeleteFunc(rows, func(row *ent.RunRecipient) bool {
				_, before := slices.BinarySearch(w.moved, row.ContactID)
				return before
			})
		} else if len(w.States) > 1 {
			w.moved = append(w.moved, contactsOf(rows)...)
		}
		all = append(all, rows...)
		changes.move(w.States[state], kind.RecipientPending, int64(len(rows)))
	}
	w.done = w.state == len(w.States)
	if err := s.anew(ctx, w.run, all); err != nil {
		return 0, err
	}
	if err := s.addCounts(ctx, w.id, changes); err != nil {
		return 0, err
	}
	if err := s.openBatches(ctx, w, all); err != nil {
		return 0, err
	}
	var events []string
	for _, row := range all {
		if row.State == kind.RecipientFailed {
			events = append(events, failedIDs(w.run, row)...)
		}
	}
	return int64(len(all)), s.Events.RetractFailures(ctx, w.campaign, events)
}

// troubled locks the next recipients of the current state that are to be tried again.
func (s *Service) troubled(ctx context.Context, w *retrying, most int) ([]*ent.RunRecipient, error) {
	query := s.db.Client(ctx).RunRecipient.Query().
		Where(
			runrecipient.RunID(w.id), runrecipient.TroubleEQ(w.States[w.state]), within(w.after, math.MaxInt64),
		).
		Order(ent.Asc(runrecipient.FieldContactID)).Limit(most)
	if len(w.Codes) > 0 {
		query.Where(withCode(w.Codes...))
	}
	query.Modify(store.Lock)
	return query.Select(
		runrecipient.FieldContactID, runrecipient.FieldState, runrecipient.FieldToken, runrecipient.FieldAttempts,
	).All(ctx)
}

// anew makes locked recipients pending, as if they were tried for the first time.
func (s *Service) anew(ctx context.Context, r run, rows []*ent.RunRecipient) error {
	return s.db.Client(ctx).RunRecipient.Update().
		Where(runrecipient.RunID(r.id), runrecipient.ContactIDIn(contactsOf(rows)...)).
		SetState(kind.RecipientPending).ClearTrouble().SetAttempts(0).ClearBegunAt().ClearSettledAt().ClearDueAt().
		SetReplyCode(0).SetEnhancedCode("").SetReply("").Exec(ctx)
}

func contactsOf(rows []*ent.RunRecipient) []int64 {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ContactID
	}
	return ids
}

// holding returns the ids of the batches that hold recipients, each once.
func holding(batches []*ent.RunBatch, rows []*ent.RunRecipient) []int64 {
	var ids []int64
	for _, row := range rows {
		i := sort.Search(len(batches), func(i int) bool { return batches[i].LastContact >= row.ContactID })
		if i < len(batches) {
			ids = append(ids, batches[i].ID)
		}
	}
	return store.Distinct(ids)
}

// openBatches opens the batches of recipients, due now. As long as more recipients follow, it holds one
// of them for the time of a lease.
func (s *Service) openBatches(ctx context.Context, w *retrying, rows []*ent.RunRecipient) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	client, ids := s.db.Client(ctx).RunBatch, holding(w.batches, rows)
	err = client.Update().Where(runbatch.IDIn(ids...)).SetClosed(false).SetDueAt(now).Exec(ctx)
	switch {
	case err != nil:
		return err
	case w.done:
		return s.unguard(ctx, w)
	case w.guard != 0:
		return client.Update().Where(runbatch.ID(w.guard), runbatch.Owner(w.name)).
			SetLeaseUntil(now.Add(s.Lease)).Exec(ctx)
	case len(ids) == 0:
		return nil
	}
	free := runbatch.Or(runbatch.LeaseUntilIsNil(), runbatch.LeaseUntilLT(now))
	n, err := client.Update().Where(runbatch.ID(ids[0]), free).
		AddFence(1).SetOwner(w.name).SetLeaseUntil(now.Add(s.Lease)).Save(ctx)
	if n > 0 {
		w.guard = ids[0]
	}
	return err
}

// unguard gives back the batch that the call holds.
func (s *Service) unguard(ctx context.Context, w *retrying) error {
	if w.guard == 0 {
		return nil
	}
	return s.db.Client(ctx).RunBatch.Update().Where(runbatch.ID(w.guard), runbatch.Owner(w.name)).
		SetOwner("").ClearLeaseUntil().Exec(ctx)
}
