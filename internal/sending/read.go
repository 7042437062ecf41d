package sending

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runrecipient"
	"campaignql/ent/user"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// MaxProblems is the number of problems of a run that Problems returns.
const MaxProblems = 20

// groupsAtOnce is how many pages one statement reads: as many as SQLite allows parts in a UNION.
const groupsAtOnce = 500

// Orders of the lists. Those of recipients are within a run, along the primary key or the index of
// troubles.
var (
	latestFirst = page.Order[*ent.CampaignRun]{
		Name: "INSTANCE", Column: campaignrun.FieldInstance, Type: page.Number, Desc: true,
		Key: func(r *ent.CampaignRun) page.Key { return page.Key{Value: int64(r.Instance), ID: r.ID} },
	}
	byContact = page.Order[*ent.RunRecipient]{
		Name: "CONTACT", Column: "id",
		Key: func(r *ent.RunRecipient) page.Key { return page.Key{ID: r.ContactID} },
	}
)

// RunsOf returns one page of the runs of each campaign, newest first, in one statement for up to 500
// campaigns. A campaign that the caller does not have has an empty page. Invalid requests return the
// errors of page.Request. columns are those that are read, or all if there are none.
func (s *Service) RunsOf(
	ctx context.Context, campaignIDs []int64, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.CampaignRun], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := latestFirst.Plan(request)
	if err != nil {
		return nil, err
	}
	rows := make(map[int64][]*ent.CampaignRun, len(campaignIDs))
	for some := range slices.Chunk(campaignIDs, groupsAtOnce) {
		parts := make([]*sql.Selector, len(some))
		for i, id := range some {
			t := sql.Table(campaignrun.Table)
			parts[i] = sql.Select(t.C(campaignrun.FieldID)).From(t).Where(sql.EQ(t.C(campaignrun.FieldCampaignID), id))
		}
		query := s.db.Client(ctx).CampaignRun.Query()
		query.Modify(plan.Groups(parts))
		if len(columns) > 0 {
			query.Select(plan.Select(append([]string{campaignrun.FieldCampaignID}, columns...))...)
		}
		found, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range found {
			rows[row.CampaignID] = append(rows[row.CampaignID], row)
		}
	}
	pages := make(map[int64]page.Result[*ent.CampaignRun], len(campaignIDs))
	for _, id := range campaignIDs {
		pages[id] = plan.Result(rows[id])
	}
	return pages, nil
}

// LatestRuns returns the latest run of each campaign, read as by RunsOf. A campaign without one is
// absent.
func (s *Service) LatestRuns(
	ctx context.Context, campaignIDs []int64, columns ...string,
) (map[int64]*ent.CampaignRun, error) {
	pages, err := s.RunsOf(ctx, campaignIDs, page.Request{First: new(1)}, columns...)
	latest := make(map[int64]*ent.CampaignRun, len(pages))
	for id, runs := range pages {
		if len(runs.Items) > 0 {
			latest[id] = runs.Items[0]
		}
	}
	return latest, err
}

// CountRuns returns the number of runs of each campaign, in one statement. A campaign without any is
// absent.
func (s *Service) CountRuns(ctx context.Context, campaignIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var rows []struct {
		CampaignID int64 `sql:"campaign_id"`
		Count      int   `sql:"count"`
	}
	err := s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignIDIn(campaignIDs...)).
		GroupBy(campaignrun.FieldCampaignID).Aggregate(ent.Count()).Scan(ctx, &rows)
	counted := make(map[int64]int, len(rows))
	for _, row := range rows {
		counted[row.CampaignID] = row.Count
	}
	return counted, store.Translate(err)
}

// RunsByIDs returns those of the runs that the caller sees, in one statement.
func (s *Service) RunsByIDs(
	ctx context.Context, ids []int64, columns ...string,
) (map[int64]*ent.CampaignRun, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(r *ent.CampaignRun) int64 { return r.ID },
		func(some ...int64) *ent.CampaignRunQuery {
			return s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.IDIn(some...))
		},
	)
}

// troubles are the states of which an index finds the recipients.
var troubles = []kind.RecipientState{
	kind.RecipientDeferred, kind.RecipientFailed, kind.RecipientUnknown, kind.RecipientSkipped,
}

// Recipients returns one page of the recipients of each run, by contact, in one statement for up to 500
// runs. Those that are deferred, failed, unknown or skipped are found by an index; otherwise the
// statement passes over the recipients of the run that the filter leaves out. A code and a search pass
// over what the state leaves. A run that the caller does not have has an empty page. Invalid requests
// return the errors of page.Request, and an invalid filter those of RecipientFilter.Validate.
func (s *Service) Recipients(
	ctx context.Context, runIDs []int64, filter RecipientFilter, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.RunRecipient], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if err := filter.Validate(); err != nil {
		return nil, err
	}
	plan, err := byContact.Plan(request)
	if err != nil {
		return nil, err
	}
	rows := make(map[int64][]*ent.RunRecipient, len(runIDs))
	troubled := filter.troubled()
	by := runrecipient.FieldContactID
	if troubled && s.lite() {
		// Without statistics SQLite prefers the order of the primary key, and passes over the others. The
		// plus prevents that.
		by = "+`" + runrecipient.Table + "`.`" + by + "`"
	}
	for some := range slices.Chunk(runIDs, groupsAtOnce) {
		found, err := store.HeavyIf(ctx, s.db, filter.heavy(), func(ctx context.Context) ([]*ent.RunRecipient, error) {
			query := s.db.Client(ctx).RunRecipient.Query()
			query.Modify(plan.Pairs(
				runrecipient.FieldRunID, runrecipient.FieldContactID, by, recipientsOf(some, filter),
			))
			if len(columns) > 0 {
				key := []string{runrecipient.FieldRunID, runrecipient.FieldContactID}
				query.Select(store.Distinct(append(key, columns...))...)
			}
			return query.All(ctx)
		})
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range found {
			rows[row.RunID] = append(rows[row.RunID], row)
		}
	}
	pages := make(map[int64]page.Result[*ent.RunRecipient], len(runIDs))
	for _, id := range runIDs {
		pages[id] = plan.Result(rows[id])
	}
	return pages, nil
}

// recipientsOf selects the keys of the recipients of each run, without an order.
func recipientsOf(runIDs []int64, filter RecipientFilter) []*sql.Selector {
	parts := make([]*sql.Selector, len(runIDs))
	for i, id := range runIDs {
		t := sql.Table(runrecipient.Table)
		parts[i] = sql.Select(t.C(runrecipient.FieldRunID), t.C(runrecipient.FieldContactID)).From(t).
			Where(sql.EQ(t.C(runrecipient.FieldRunID), id))
		filter.apply(parts[i])
	}
	return parts
}

// Problem is what recipients of a run have in common that are deferred, failed, unknown or skipped.
type Problem struct {
	State kind.RecipientState `sql:"trouble"`
	// Skipped is nil unless they are skipped.
	Skipped *kind.SkipReason `sql:"skipped"`
	// ReplyCode is 0, and Enhanced and Text are empty, where the mail server said none.
	ReplyCode int64  `sql:"reply_code"`
	Enhanced  string `sql:"enhanced_code"`
	Text      string `sql:"reply"`
	Count     int64  `sql:"recipients"`
}

// Problems returns the MaxProblems most frequent problems of each run, most frequent first, in one
// statement. It reads the recipients with a problem, found by an index. A run without any is absent.
func (s *Service) Problems(ctx context.Context, runIDs []int64) (map[int64][]*Problem, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var rows []struct {
		Problem
		RunID int64 `sql:"run_id"`
		Place int64 `sql:"place"`
	}
	_, err := store.Heavy(ctx, s.db, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.db.Client(ctx).RunRecipient.Query().
			Where(runrecipient.RunIDIn(runIDs...), runrecipient.TroubleIn(troubles...)).
			Modify(func(t *sql.Selector) { mostFrequent(t, MaxProblems*len(runIDs)) }).
			Scan(ctx, &rows)
	})
	found := make(map[int64][]*Problem, len(runIDs))
	for _, row := range rows {
		if row.Place <= MaxProblems {
			found[row.RunID] = append(found[row.RunID], &row.Problem)
		}
	}
	return found, store.Translate(err)
}

// mostFrequent groups recipients by run and problem. It selects the first groups of each run, by their
// place in it.
func mostFrequent(t *sql.Selector, limit int) {
	group := []string{
		t.C(runrecipient.FieldRunID), t.C(runrecipient.FieldTrouble), t.C(runrecipient.FieldSkipped),
		t.C(runrecipient.FieldReplyCode), t.C(runrecipient.FieldEnhancedCode), t.C(runrecipient.FieldReply),
	}
	t.Select(append(slices.Clone(group), sql.As(sql.Count("*"), "recipients"))...)
	t.AppendSelectExprAs(sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("ROW_NUMBER() OVER (PARTITION BY ").Ident(group[0]).WriteString(" ORDER BY COUNT(*) DESC, ")
		b.IdentComma(group[1:]...).WriteString(")")
	}), "place")
	t.GroupBy(group...).OrderBy("place").Limit(limit)
}

// Gaps returns what the installation lacks to send the campaigns of accounts, see Missing, for those of
// the accounts whose campaigns the server sends. It runs one statement, and none if nothing is missing.
func (s *Service) Gaps(ctx context.Context, accounts []int64) (map[int64][]campaign.Gap, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	missing := s.Missing()
	if len(missing) == 0 {
		return nil, nil
	}
	ids, err := s.db.Client(ctx).User.Query().
		Where(user.IDIn(accounts...), user.SenderEQ(kind.SenderBuiltIn)).IDs(ctx)
	gaps := make(map[int64][]campaign.Gap, len(ids))
	for _, id := range ids {
		gaps[id] = missing
	}
	return gaps, store.Translate(err)
}

// PlanRuns validates a request for RunsOf. Invalid requests return the errors of page.Request.
func PlanRuns(request page.Request) error {
	_, err := latestFirst.Plan(request)
	return err
}

// PlanRecipients validates a request for Recipients: the errors are those of Recipients.
func PlanRecipients(filter RecipientFilter, request page.Request) error {
	if err := filter.Validate(); err != nil {
		return err
	}
	_, err := byContact.Plan(request)
	return err
}
