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

// EditEmail checks the campaigns that use an email of an account before the email changes. The
// caller runs it in the transaction that changes the email, after the email was locked and before
// it is written. The caller must call the returned function after the write.
//
// The content of a Sending campaign never changes, and the content of a Paused one changes only if
// the caller may approve it. Otherwise EditEmail returns Conflict, reason apperr.ReasonNotInStatus.
// A Ready campaign keeps its approval if the caller may approve it. If not, it loses the approval
// when the email differs from the approved one. The version of a campaign that waits for approval
// grows, so that approvers cannot approve content they have not seen. If a Sent campaign still has
// a second sending, a caller who may not approve cannot change its email either.
//
// EditEmail runs a fixed number of statements, and only one if no open campaign uses the email.
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

// EditSegment is like EditEmail, but for segments of an account whose rules are about to change:
// the segment that is written, and the segments that name it. If the audience of a Sending or
// Paused campaign names the segment, its rules change only if the caller may approve the campaign.
// Sent campaigns do not matter here, because a second sending goes to recipients of the first one,
// whatever the segments contain by then.
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
	if approves(id, ownerID) { // a caller who may approve has nothing else to check
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

// open holds the ranks of the statuses in which a campaign has an approval or waits for one.
var open = []int8{
	kind.StatusPendingApproval.Rank(), kind.StatusReady.Rank(), kind.StatusSending.Rank(), kind.StatusPaused.Rank(),
}

// edit is a change of an email or segment that campaigns use.
type edit struct {
	*Service
	caller  caller.Identity
	ownerID int64
	// field is the input field on which a conflict is reported.
	field string
	// approves reports whether the caller may approve the campaigns.
	approves bool
	// campaigns are the locked campaigns that use the email or segment and are in a relevant
	// status.
	campaigns []*ent.Campaign
	// before holds the digests of the campaigns before the change. It replaces a stored digest if
	// there is none.
	before []digest
}

// edit finds and locks the campaigns of an account that use the changed thing, among the statuses
// that the predicate among selects. The query uses the index on account and status, and the
// predicate narrow reduces the rows further.
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

// remember reads the digests of the campaigns before the change, if they are needed. If a campaign
// has no stored digest, its content before the change counts as approved.
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

// settle compares the campaigns after the change with the approved content. The cause is the text
// for the history.
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

// renew stores the new digests in one statement. The caller may approve, so the change itself is an
// approval.
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

// outdate increments the versions of locked campaigns that wait for approval, in one statement, and
// writes their history in another. An approver who read an earlier version then cannot approve the
// changed content by that version.
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

// withdraw removes the approval of locked campaigns that are Ready, in one statement, and writes
// their history in another.
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
