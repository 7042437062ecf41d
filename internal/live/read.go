package live

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Columns are the columns of a campaign that a watch returns: its status, counters and times, and
// the short columns that a list displays.
var Columns = append([]string{
	campaign.FieldID,
	campaign.FieldUserID,
	campaign.FieldName,
	campaign.FieldStatus,
	campaign.FieldStatusReason,
	campaign.FieldVersion,
	campaign.FieldEmailID,
	campaign.FieldScheduleType,
	campaign.FieldSentInstances,
	campaign.FieldNextSendAt,
	campaign.FieldSendingStartedAt,
	campaign.FieldSendingFinishedAt,
	campaign.FieldLastActivityAt,
	campaign.FieldCreatedAt,
}, counterColumns...)

var counterColumns = []string{
	campaign.FieldTotalRecipients,
	campaign.FieldTotalSent,
	campaign.FieldTotalFailed,
	campaign.FieldTotalDelivered,
	campaign.FieldTotalOpens,
	campaign.FieldUniqueOpens,
	campaign.FieldTotalClicks,
	campaign.FieldUniqueClicks,
	campaign.FieldTotalForwards,
	campaign.FieldUniqueForwards,
	campaign.FieldTotalBrowserViews,
	campaign.FieldUniqueBrowserViews,
	campaign.FieldTotalUnsubscriptions,
	campaign.FieldTotalHardBounces,
	campaign.FieldTotalSoftBounces,
	campaign.FieldTotalComplaints,
	campaign.FieldTotalConversions,
	campaign.FieldConversionAmount,
	campaign.FieldAutomatedOpens,
	campaign.FieldAutomatedClicks,
	campaign.FieldBenchmarkEmailsPerSecond,
}

// counters returns the values of counterColumns, in their order.
func counters(c *ent.Campaign) [21]int64 {
	return [...]int64{
		c.TotalRecipients, c.TotalSent, c.TotalFailed, c.TotalDelivered,
		c.TotalOpens, c.UniqueOpens, c.TotalClicks, c.UniqueClicks,
		c.TotalForwards, c.UniqueForwards, c.TotalBrowserViews, c.UniqueBrowserViews,
		c.TotalUnsubscriptions, c.TotalHardBounces, c.TotalSoftBounces, c.TotalComplaints,
		c.TotalConversions, c.ConversionAmount, c.AutomatedOpens, c.AutomatedClicks,
		c.BenchmarkEmailsPerSecond,
	}
}

const (
	// readAtOnce is how many campaigns one statement reads. It is below the databases' limit of
	// parameters.
	readAtOnce = 10_000
	// accountsAtOnce is how many accounts one statement reads. SQLite allows 500 parts in a UNION,
	// and an account needs two.
	accountsAtOnce = 100
	// lookBack is how far back changes of status are searched. It covers clock differences between
	// servers and transactions that commit late. A change that a watch has already received is not
	// sent again.
	lookBack = 30 * time.Second
)

// read returns those of the campaigns that belong to the caller of ctx. It runs one statement per
// readAtOnce campaigns.
func (s *Service) read(ctx context.Context, ids []int64) (map[int64]*ent.Campaign, error) {
	rows := make(map[int64]*ent.Campaign, len(ids))
	for part := range slices.Chunk(ids, readAtOnce) {
		found, err := s.db.Client(ctx).Campaign.Query().Where(campaign.IDIn(part...)).Select(Columns...).All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range found {
			rows[row.ID] = row
		}
	}
	return rows, nil
}

// The campaigns of an account that are being sent, and those whose status changed recently. Each
// query reads the beginning of an index. Raw SQL is not confined to the caller's account, so each
// query has the account as a condition.
const (
	sendingStatement = `SELECT user_id, id FROM (SELECT user_id, id FROM campaigns WHERE user_id = ? AND status_rank = ? ORDER BY id DESC LIMIT ?) AS s`
	changedStatement = `SELECT user_id, id FROM (SELECT user_id, campaign_id AS id FROM campaign_changes
WHERE user_id = ? AND at >= ? AND from_status <> to_status ORDER BY at DESC LIMIT ?) AS c`
)

// running returns, for each account, the campaigns that a watch without ids follows: at most
// MaxCampaigns, those being sent first. It runs one statement per accountsAtOnce accounts.
func (s *Service) running(ctx context.Context, accounts []int64) (map[int64][]int64, error) {
	found := make(map[int64][]int64, len(accounts))
	since := store.Truncate(s.opts.Now().Add(-lookBack))
	for part := range slices.Chunk(accounts, accountsAtOnce) {
		var statements []string
		var args []any
		for _, account := range part {
			statements = append(statements, sendingStatement)
			args = append(args, account, kind.StatusSending.Rank(), MaxCampaigns)
		}
		for _, account := range part {
			statements = append(statements, changedStatement)
			args = append(args, account, since, MaxCampaigns)
		}
		if err := s.collect(ctx, strings.Join(statements, "\nUNION ALL\n"), args, found); err != nil {
			return nil, store.Translate(err)
		}
	}
	return found, nil
}

func (s *Service) collect(ctx context.Context, statement string, args []any, found map[int64][]int64) error {
	rows, err := s.db.Client(ctx).QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var account, id int64
		if err := rows.Scan(&account, &id); err != nil {
			return err
		}
		if ids := found[account]; len(ids) < MaxCampaigns && !slices.Contains(ids, id) {
			found[account] = append(ids, id)
		}
	}
	return rows.Err()
}

// sorted returns the ids in ascending order, so that the statement stays the same, and prepared,
// while the same campaigns are watched.
func sorted(ids map[int64]bool) []int64 { return slices.Sorted(maps.Keys(ids)) }

func unique(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}
