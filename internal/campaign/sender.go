package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/ent/email"
	"campaignql/ent/predicate"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// The actions of the built-in sender. No caller can request them.
const (
	ActionSend   Action = "send"
	ActionFinish Action = "finish"
	ActionFail   Action = "fail"
)

// bySender are the changes of status that the built-in sender makes by itself. It applies the same
// conditional write as all others, with [caller.Sender] as the caller.
var bySender = []transition{
	{kind.StatusReady, kind.StatusSending, []Action{ActionSend}, nil},
	{kind.StatusReady, kind.StatusPaused, []Action{ActionPause}, nil}, // too late
	{kind.StatusReady, kind.StatusFailed, []Action{ActionFail}, nil},  // something is missing
	{kind.StatusSending, kind.StatusSent, []Action{ActionFinish}, nil},
	{kind.StatusSending, kind.StatusReady, []Action{ActionFinish}, nil}, // an instance of a recurrence
	{kind.StatusSending, kind.StatusFailed, []Action{ActionFail}, nil},
	{kind.StatusSending, kind.StatusPaused, []Action{ActionPause}, nil},
}

// Runs are the sendings of campaigns, as far as campaigns depend on them. The methods act in the
// running transaction.
type Runs interface {
	// Open reports whether a campaign has a run that has not ended.
	Open(ctx context.Context, campaignID int64) (bool, error)
	// Cancel ends the open runs of campaigns: nobody is written to any more.
	Cancel(ctx context.Context, campaignIDs ...int64) error
}

// noRuns is for programs without a sender.
type noRuns struct{}

func (noRuns) Open(context.Context, int64) (bool, error) { return false, nil }
func (noRuns) Cancel(context.Context, ...int64) error    { return nil }

// Due returns the ids of campaigns that the built-in sender has to start, the longest due first.
func (s *Service) Due(ctx context.Context, now time.Time, most int) ([]int64, error) {
	ids, err := s.db.Client(ctx).Campaign.Query().
		Where(
			campaign.StatusRank(kind.StatusReady.Rank()), campaign.NextSendAtLTE(now),
			campaign.AutoResendEnabled(false), campaign.Not(campaign.AbTestContains(`"TestSize"`)), // see Unsupported
			predicate.Campaign(func(s *sql.Selector) {
				t := sql.Table(user.Table)
				s.Where(sql.In(s.C(campaign.FieldUserID), sql.Select(t.C(user.FieldID)).From(t).
					Where(sql.EQ(t.C(user.FieldSender), string(kind.SenderBuiltIn)))))
			}),
		).
		Order(campaign.ByNextSendAt()).Limit(most).IDs(ctx)
	return ids, store.Translate(err)
}

// Start is how the built-in sender starts a campaign.
type Start struct {
	Now time.Time
	// MaxLateness is how long after its due time a campaign is still sent by itself.
	MaxLateness time.Duration
	// Check returns more gaps than Readiness, such as tags that nobody knows.
	Check func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) ([]Gap, error)
	// Begin runs in the transaction that makes the campaign Sending.
	Begin func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) error
}

// Start moves a campaign that is Ready and due to Sending. If it is too late, it becomes Paused; a
// late instance of a recurrence is skipped. If something is missing, it becomes Failed with the gaps
// as the reason. If it is not what was approved, it waits for approval again. Nothing happens if it
// is not due any more. The caller is [caller.Sender].
func (s *Service) Start(ctx context.Context, id int64, start Start) error {
	_, err := s.change(ctx, Call{ID: id}, func(ctx context.Context, _ caller.Identity, c *ent.Campaign) (*draft, error) {
		due := c.Status == kind.StatusReady && c.NextSendAt != nil && !c.NextSendAt.After(start.Now)
		if !due {
			return nil, nil
		}
		builtIn, err := s.sentHere(ctx, c.UserID)
		if err != nil || !builtIn || len(Unsupported(c)) > 0 {
			return nil, err
		}
		late, err := s.late(ctx, c, start)
		switch {
		case err != nil:
			return nil, err
		case late && c.ScheduleType == kind.ScheduleRecurring:
			return s.skipInstance(ctx, c, start.Now)
		case late:
			reason := fmt.Sprintf("too late: it was due at %s", c.NextSendAt.UTC().Format("2006-01-02 15:04 UTC"))
			return s.senderDraft(ctx, c, ActionPause, kind.StatusPaused, reason)
		}
		emails, err := s.startingEmails(ctx, c)
		if err != nil {
			return nil, err
		}
		more, err := start.Check(ctx, c, emails)
		if err != nil {
			return nil, err
		}
		if gaps := append(startGaps(c, emails), more...); len(gaps) > 0 {
			return s.senderDraft(ctx, c, ActionFail, kind.StatusFailed, reasonOf(gaps))
		}
		d, err := s.senderDraft(ctx, c, ActionSend, kind.StatusSending, "")
		if err != nil {
			return nil, err
		}
		d.then = func(ctx context.Context) error {
			if d.to != kind.StatusSending {
				return nil // the approval was withdrawn
			}
			return start.Begin(ctx, c, emails)
		}
		return d, nil
	})
	if refused := apperr.All(err); len(refused) == 1 && refused[0].Reason == apperr.ReasonApprovalWithdrawn {
		return nil // it waits for approval, which the history says
	}
	return err
}

// senderDraft returns the draft of a change of status by the built-in sender.
func (s *Service) senderDraft(
	ctx context.Context, c *ent.Campaign, action Action, to kind.CampaignStatus, reason string,
) (*draft, error) {
	allowed := slices.ContainsFunc(bySender, func(t transition) bool {
		return t.from == c.Status && t.to == to && slices.Contains(t.by, action)
	})
	if !allowed {
		return nil, errStatus(c.Status, action, to)
	}
	d := s.transition(ctx, c, action, to, kind.Cut(reason, MaxReasonLength))
	d.fields = []string{"status"}
	return d, nil
}

// sentHere reports whether the built-in sender sends the campaigns of an account. In a transaction the
// answer holds until its end.
func (s *Service) sentHere(ctx context.Context, ownerID int64) (bool, error) {
	query := s.db.Client(ctx).User.Query().Where(user.ID(ownerID), user.SenderEQ(kind.SenderBuiltIn))
	query.Modify(store.Share)
	return query.Exist(ctx)
}

// late reports whether a due campaign is started too late. The time counts from the latest of the
// due time and the last change to Ready.
func (s *Service) late(ctx context.Context, c *ent.Campaign, start Start) (bool, error) {
	if start.Now.Sub(*c.NextSendAt) <= start.MaxLateness {
		return false, nil
	}
	last, err := s.db.Client(ctx).CampaignChange.Query().
		Where(campaignchange.CampaignID(c.ID), campaignchange.ToStatusEQ(kind.StatusReady)).
		Order(campaignchange.ByID(sql.OrderDesc())).Select(campaignchange.FieldAt).First(ctx)
	if ent.IsNotFound(err) {
		return true, nil
	}
	return err == nil && start.Now.Sub(last.At) > start.MaxLateness, err
}

// skipInstance plans the next instance of a recurrence instead of a late one.
func (s *Service) skipInstance(ctx context.Context, c *ent.Campaign, now time.Time) (*draft, error) {
	d := s.transition(ctx, c, ActionUpdate, c.Status, "")
	d.fields = []string{"schedule"}
	d.reason = "skipped: too late for the instance of " + c.NextSendAt.UTC().Format("2006-01-02 15:04 UTC")
	return d, planNext(d.write, c, now, c.SentInstances)
}

// planNext sets the next instant of a schedule after now.
func planNext(u *ent.CampaignUpdate, c *ent.Campaign, now time.Time, sent int) error {
	next, ok, err := scheduleOf(c).Next(now, sent)
	if err != nil {
		return err
	}
	if !ok {
		u.ClearNextSendAt()
		return nil
	}
	u.SetNextSendAt(next)
	return nil
}

// startingEmails reads the emails of a campaign that starts, and locks them: a change of one of them
// either finishes first, or finds the campaign Sending.
func (s *Service) startingEmails(ctx context.Context, c *ent.Campaign) ([]*ent.Email, error) {
	ids := emailsOf(c)
	query := s.db.Client(ctx).Email.Query().Where(email.IDIn(ids...)).Order(email.ByID())
	query.Modify(store.Lock)
	rows, err := query.All(ctx)
	if err != nil {
		return nil, err
	}
	emails := make([]*ent.Email, len(ids))
	for i, id := range ids {
		if at := slices.IndexFunc(rows, func(e *ent.Email) bool { return e.ID == id }); at >= 0 {
			emails[i] = rows[at]
		}
	}
	return emails, nil
}

// startGaps are the gaps of Readiness that stop a campaign which is due. It may be due without a
// schedule, because its owner wants it sent now.
func startGaps(c *ent.Campaign, emails []*ent.Email) []Gap {
	gaps := slices.DeleteFunc(Readiness(c, emails), func(g Gap) bool { return g.Code == "SCHEDULE" })
	return gaps
}

// UnsupportedColumns are the columns that Unsupported reads.
var UnsupportedColumns = []string{campaign.FieldAbTest, campaign.FieldAutoResendEnabled}

// Unsupported lists what the built-in sender cannot do for a campaign. Such a campaign stays Ready.
func Unsupported(c *ent.Campaign) []Gap {
	var gaps []Gap
	if test, err := ParseABTest(c.AbTest); err != nil || test != nil && test.TestSize != nil {
		gaps = append(gaps, Gap{"NOT_SUPPORTED", "an A/B test with a sample cannot be sent by this server yet"})
	}
	if c.AutoResendEnabled {
		gaps = append(gaps, Gap{"NOT_SUPPORTED", "automatic resending cannot be done by this server yet"})
	}
	return gaps
}

func reasonOf(gaps []Gap) string {
	texts := make([]string, len(gaps))
	for i, g := range gaps {
		texts[i] = g.Message
	}
	return strings.Join(texts, "; ")
}

// End is how a run ended.
type End struct {
	Now time.Time
	// Failed means that nobody got the campaign.
	Failed bool
	// Reason is the status reason.
	Reason string
}

// Finish ends the sending of a campaign. A recurring campaign becomes Ready with its next instance,
// if there is one. Nothing happens if the campaign is not Sending any more.
func (s *Service) Finish(ctx context.Context, id int64, end End) error {
	_, err := s.change(ctx, Call{ID: id}, func(ctx context.Context, _ caller.Identity, c *ent.Campaign) (*draft, error) {
		if c.Status != kind.StatusSending {
			return nil, nil
		}
		action, to := ActionFinish, kind.StatusSent
		sent := c.SentInstances + 1
		if end.Failed {
			action, to = ActionFail, kind.StatusFailed
		} else if c.ScheduleType == kind.ScheduleRecurring {
			if _, more, err := scheduleOf(c).Next(end.Now, sent); err != nil {
				return nil, err
			} else if more {
				to = kind.StatusReady
			}
		}
		d, err := s.senderDraft(ctx, c, action, to, end.Reason)
		if err != nil {
			return nil, err
		}
		d.write.SetSentInstances(sent)
		if to == kind.StatusReady {
			return d, planNext(d.write, c, end.Now, sent)
		}
		return d, nil
	})
	return err
}

// Hold pauses a campaign that is being sent, by the sender itself, with the reason. Nothing happens if
// it is not Sending any more.
func (s *Service) Hold(ctx context.Context, id int64, reason string) error {
	_, err := s.change(ctx, Call{ID: id}, func(ctx context.Context, _ caller.Identity, c *ent.Campaign) (*draft, error) {
		if c.Status != kind.StatusSending {
			return nil, nil
		}
		return s.senderDraft(ctx, c, ActionPause, kind.StatusPaused, reason)
	})
	return err
}

// LockSending locks a campaign in the running transaction and reports whether it is Sending. While
// the lock is held, nobody can pause it. If begins is set, it notes that somebody is written to.
func (s *Service) LockSending(ctx context.Context, id int64, begins bool) (bool, error) {
	query := s.db.Client(ctx).Campaign.Query().Where(campaign.ID(id))
	query.Modify(store.Lock)
	c, err := query.Select(campaign.FieldStatus, campaign.FieldBegun).Only(ctx)
	if ent.IsNotFound(err) {
		return false, nil
	}
	if err != nil || c.Status != kind.StatusSending {
		return false, err
	}
	if begins && !c.Begun {
		return true, s.db.Client(ctx).Campaign.Update().Where(campaign.ID(id)).SetBegun(true).Exec(ctx)
	}
	return true, nil
}

// AddRecipients adds the recipients of a run to the number that the campaign has had (legacy
// TotalRecipients), in the running transaction.
func (s *Service) AddRecipients(ctx context.Context, id, n int64) error {
	return s.db.Client(ctx).Campaign.Update().Where(campaign.ID(id)).AddTotalRecipients(n).Exec(ctx)
}
