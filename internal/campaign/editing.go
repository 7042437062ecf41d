package campaign

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/predicate"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// EditEmail is called in the transaction that changes an email of an account, after the email was
// locked and before it is written; written is to be called when it was. The content of a campaign
// that is Sending does not change, nor that of a Paused one unless the caller may approve it: a
// Conflict, reason apperr.ReasonNotInStatus. A campaign that is Ready keeps its approval if the caller may
// approve it, and otherwise loses it when the email is not what was approved. The version of one
// that waits for approval grows, so that nobody approves what they have not seen. Without the right
// to approve, the email of a Sent campaign that is sent a second time does not change either. It
// costs a fixed number of statements, one where no campaign that can go on uses the email.
func (s *Service) EditEmail(
	ctx context.Context, ownerID, emailID int64,
) (written func(ctx context.Context) error, err error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	uses := func(c *ent.Campaign) bool { return slices.Contains(emailsOf(c), emailID) }
	among := campaign.StatusRankIn(open...)
	if !approves(id, ownerID) {
		again := campaign.And(campaign.StatusRank(kind.StatusSent.Rank()), campaign.AutoResendEnabled(true))
		among = campaign.Or(among, again)
	}
	narrow := campaign.Or(campaign.EmailID(emailID), campaign.AbTestNEQ(""))
	e, err := s.edit(ctx, id, ownerID, "id", uses, among, narrow)
	if err != nil {
		return nil, err
	}
	if len(e.campaigns) == 0 {
		return unused, nil
	}
	before, err := s.contents(ctx, ownerID, []int64{emailID})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		after, err := s.contents(ctx, ownerID, []int64{emailID})
		if err != nil || after[emailID] == before[emailID] {
			return err
		}
		for _, c := range e.campaigns {
			if c.Status == kind.StatusSending {
				return notInStatus(
					e.field, "campaign %d uses it and is %s: pause the campaign first", c.ID, c.Status.Legacy(),
				)
			}
		}
		return e.settle(ctx, "the email changed")
	}, nil
}

// EditSegment is EditEmail for segments of an account whose rules are about to change: one is
// written, and those that name it change with it. Rules of a segment that the audience of a
// campaign names which is Sending or Paused do not change unless the caller may approve the
// campaign. A second sending goes to people of the first, whatever the segments are by then.
func (s *Service) EditSegment(
	ctx context.Context, ownerID int64, segmentIDs []int64,
) (written func(ctx context.Context) error, err error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	uses := func(c *ent.Campaign) bool {
		return slices.ContainsFunc(numbers(audienceOf(c).References().Segments), func(named int64) bool {
			return slices.Contains(segmentIDs, named)
		})
	}
	narrow := campaign.AudienceNEQ("")
	if approves(id, ownerID) { // nothing else is to be kept
		waits := campaign.StatusRank(kind.StatusPendingApproval.Rank())
		narrow = campaign.And(narrow, campaign.Or(campaign.ApprovedDigestNotNil(), waits))
	}
	e, err := s.edit(ctx, id, ownerID, "rules", uses, campaign.StatusRankIn(open...), narrow)
	if err != nil {
		return nil, err
	}
	if len(e.campaigns) == 0 {
		return unused, nil
	}
	return func(ctx context.Context) error { return e.settle(ctx, "a segment changed") }, nil
}

func unused(context.Context) error { return nil }

// open are the ranks of the statuses in which a campaign has an approval or waits for one.
var open = []int8{
	kind.StatusPendingApproval.Rank(), kind.StatusReady.Rank(), kind.StatusSending.Rank(), kind.StatusPaused.Rank(),
}

// edit is a change of something that campaigns use.
type edit struct {
	*Service
	caller  caller.Identity
	ownerID int64
	// field is the input of the changed thing that a conflict is reported on.
	field string
	// approves reports that the caller may approve the campaigns.
	approves bool
	// campaigns are those that use it, in a status that matters. They are locked.
	campaigns []*ent.Campaign
	// before holds what their approvals covered or would have, where nothing of it is stored.
	before []digest
}

// edit finds and locks the campaigns of an account that use what is about to change, among those in
// the statuses of among. They are found by the index over account and status, narrowed by narrow.
func (s *Service) edit(
	ctx context.Context, id caller.Identity, ownerID int64, field string,
	uses func(*ent.Campaign) bool, among, narrow predicate.Campaign,
) (*edit, error) {
	e := &edit{Service: s, caller: id, ownerID: ownerID, field: field, approves: approves(id, ownerID)}
	client := s.db.Client(ctx).Campaign
	found, err := client.Query().Where(campaign.UserID(ownerID), among, narrow).
		Select(campaign.FieldID, campaign.FieldEmailID, campaign.FieldAbTest, campaign.FieldAudience).All(ctx)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, c := range found {
		if uses(c) {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return e, nil
	}
	query := client.Query().Where(campaign.IDIn(ids...), among).Order(campaign.ByID())
	query.Modify(store.Lock)
	columns := slices.Concat(digestColumns, []string{
		campaign.FieldStatus, campaign.FieldVersion, campaign.FieldApprovedDigest,
	})
	if e.campaigns, err = query.Select(columns...).All(ctx); err != nil {
		return nil, err
	}
	e.campaigns = slices.DeleteFunc(e.campaigns, func(c *ent.Campaign) bool { return !uses(c) })
	return e, e.remember(ctx)
}

// remember reads what counts as approved of the campaigns, if it is needed: where nothing is stored
// that is what there is before the change.
func (e *edit) remember(ctx context.Context) (err error) {
	needed := func(c *ent.Campaign) bool {
		_, stored := approved(c)
		return c.Status == kind.StatusPendingApproval || !stored && !e.approves
	}
	if !slices.ContainsFunc(e.campaigns, needed) {
		return nil
	}
	e.before, err = e.digests(ctx, e.ownerID, e.campaigns)
	return err
}

// settle compares the campaigns, after the change, with what was approved. The cause says what
// changed, for the history.
func (e *edit) settle(ctx context.Context, cause string) error {
	after, err := e.digests(ctx, e.ownerID, e.campaigns)
	if err != nil {
		return err
	}
	var waiting, withdrawn []*ent.Campaign
	renewed := map[int64]digest{}
	for i, c := range e.campaigns {
		if c.Status == kind.StatusPendingApproval {
			if e.before[i] != after[i] {
				waiting = append(waiting, c)
			}
			continue
		}
		covered, stored := approved(c)
		if !stored && e.approves {
			continue
		}
		if !stored {
			covered = e.before[i]
		}
		switch {
		case covered == after[i]:
		case e.approves:
			renewed[c.ID] = after[i]
		case c.Status != kind.StatusReady:
			return notInStatus(
				e.field,
				"campaign %d uses it and is %s: only an account that is trusted, or an admin with the scope \"approve\", can change it",
				c.ID,
				c.Status.Legacy(),
			)
		default:
			withdrawn = append(withdrawn, c)
		}
	}
	if err := e.renew(ctx, renewed); err != nil {
		return err
	}
	if err := e.outdate(ctx, waiting, cause); err != nil {
		return err
	}
	return e.withdraw(ctx, withdrawn, cause)
}

// renew stores what the caller, who may approve, has approved by changing it, in one statement.
func (e *edit) renew(ctx context.Context, digests map[int64]digest) error {
	if len(digests) == 0 {
		return nil
	}
	var ids []int64
	for id := range digests {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return e.db.Client(ctx).Campaign.Update().Where(campaign.IDIn(ids...)).Modify(func(u *sql.UpdateBuilder) {
		u.Set(campaign.FieldApprovedDigest, sql.ExprFunc(func(b *sql.Builder) {
			b.WriteString("CASE ").Ident(campaign.FieldID)
			for _, id := range ids {
				b.WriteString(" WHEN ").Arg(id).WriteString(" THEN ").Arg(digests[id].String())
			}
			b.WriteString(" END")
		}))
	}).Exec(ctx)
}

// outdate makes the versions of locked campaigns grow that wait for approval, in one statement, and
// writes their history in another: who read one of them before cannot approve what it is now by the
// version that they know.
func (e *edit) outdate(ctx context.Context, campaigns []*ent.Campaign, cause string) error {
	if len(campaigns) == 0 {
		return nil
	}
	now, status := e.now(), kind.StatusPendingApproval
	n, err := e.db.Client(ctx).Campaign.Update().
		Where(campaign.IDIn(idsOf(campaigns)...), campaign.StatusEQ(status)).
		AddVersion(1).SetLastActivityAt(now).Save(ctx)
	if err != nil {
		return err
	}
	if n != len(campaigns) {
		return store.ErrStale
	}
	return e.recordAll(ctx, e.caller, campaigns, &draft{action: ActionUpdate, to: status, reason: cause}, now)
}

func idsOf(campaigns []*ent.Campaign) []int64 {
	ids := make([]int64, len(campaigns))
	for i, c := range campaigns {
		ids[i] = c.ID
	}
	return ids
}

// withdraw takes the approval of locked campaigns away, which are Ready, in one statement, and
// writes their history in another.
func (e *edit) withdraw(ctx context.Context, campaigns []*ent.Campaign, cause string) error {
	if len(campaigns) == 0 {
		return nil
	}
	now, ids := e.now(), idsOf(campaigns)
	to, reason := kind.StatusPendingApproval, withdrawnReason+cause
	n, err := e.db.Client(ctx).Campaign.Update().Where(campaign.IDIn(ids...), campaign.StatusEQ(kind.StatusReady)).
		SetStatus(to).SetStatusRank(to.Rank()).SetStatusReason(reason).ClearApprovedDigest().
		AddVersion(1).SetLastActivityAt(now).
		Modify(func(u *sql.UpdateBuilder) {
			// An immediate campaign is due only while it is Ready.
			u.Set(campaign.FieldNextSendAt, sql.ExprFunc(func(b *sql.Builder) {
				b.WriteString("CASE WHEN ").Ident(campaign.FieldScheduleType).
					WriteString(" = ").Arg(string(kind.ScheduleImmediate)).
					WriteString(" THEN NULL ELSE ").Ident(campaign.FieldNextSendAt).WriteString(" END")
			}))
		}).Save(ctx)
	if err != nil {
		return err
	}
	if n != len(campaigns) {
		return store.ErrStale
	}
	d := &draft{action: ActionUpdate, to: to, fields: []string{"status"}, reason: reason}
	return e.recordAll(ctx, e.caller, campaigns, d, now)
}
